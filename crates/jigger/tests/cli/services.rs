//! Services beside the contenders, and the suite's commands around each visit.

use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::Path;

use rustix::process::{Pid, Signal, geteuid, kill_process};

use crate::lab::{Lab, Outcome, contender, python};

const SCENARIO: &str = "[[scenario]]\nname = \"load\"\nconnections = 2\nrequests = 60\n";

/// The words of the fixture's command, as a suite has them.
fn words(arguments: &str) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/service.py");
    let arguments: Vec<String> =
        arguments.split(' ').map(|argument| format!("{argument:?}")).collect();
    format!("[\"{}\", \"-SE\", {:?}, {}]", python(), script, arguments.join(", "))
}

fn service(behaviour: &str, more: &str) -> String {
    format!(
        "[[service]]\nname = \"store\"\nstart = {}\nstart_limit = \"120s\"\n{more}\n",
        words(&format!("{behaviour} {{port}} {{dir}}"))
    )
}

/// A contender that uses the store.
fn front(name: &str, behaviour: &str, more: &str) -> String {
    let start = words(&format!("{behaviour} {{port}} {{store.port}}"));
    format!(
        "[[contender]]\nname = \"{name}\"\nuses = [\"store\"]\nstart = {start}\n\
         url = \"http://127.0.0.1:{{port}}/\"\nstart_limit = \"120s\"\n{more}\n"
    )
}

/// A command that adds a line to a file of the lab, which the suite's folder is.
fn note(text: &str) -> String {
    words(&format!("note notes {text}"))
}

fn notes(lab: &Lab, text: &str) -> usize {
    let notes = std::fs::read_to_string(lab.path("notes")).unwrap();
    notes.lines().filter(|line| *line == text).count()
}

fn run(lab: &Lab) -> Outcome {
    let outcome =
        lab.run(&["run", "suite.toml", "--rounds", "2", "--no-images", "--record", "record.json"]);
    lab.assert_nothing_left();
    outcome
}

/// Runs a contender whose service fails beside one that needs none: the first is left out with
/// these texts, the other measured.
fn fails_beside_a_good_one(service: &str, status: &str, texts: &[&str]) {
    let parts = [service.to_owned(), front("bad", "front", ""), contender("good", "pong", "")];
    let lab = Lab::new("baseline = \"good\"", &parts, SCENARIO);
    let outcome = run(&lab);
    outcome.expect(if status == "skipped" { 0 } else { 3 }, texts);
    let record = lab.record();
    assert_eq!(record["contenders"][0]["status"], status, "{outcome:#?}");
    assert_eq!(record["contenders"][1]["status"], "measured");
    assert_eq!(record["visits"].as_array().unwrap().len(), 2, "the other one alone is visited");
}

#[test]
fn it_serves_the_whole_run_and_what_it_uses_is_told_apart() {
    let more = format!(
        "setup = [{}]\npopulate = [{}]\nversion = [\"echo\", \"store 1.2\"]\nready = \"tcp\"",
        note("setup"),
        note("populate"),
    );
    let hooks = format!("prepare = [{}]\nconclude = [{}]\n", note("prepare"), note("conclude"));
    let own =
        format!("prepare = [{}]\nconclude = [{}]\n", words("reset {store.port}"), note("own"));
    let parts = [service("store", &more), front("one", "front", &own), front("two", "front", "")];
    let lab = Lab::new(&hooks, &parts, SCENARIO);
    let outcome = run(&lab);
    outcome.expect(0, &["share of CPU time: store 1.2 on core", "service memory"]);
    for (text, count) in
        [("setup", 1), ("populate", 1), ("prepare", 6), ("conclude", 6), ("own", 3)]
    {
        assert_eq!(notes(&lab, text), count, "{text}: a survey and two rounds of two");
    }
    let record = lab.record();
    let [found] = &record["services"].as_array().unwrap()[..] else { panic!("{record:#}") };
    assert_eq!((&found["name"], &found["version"]), (&"store".into(), &"store 1.2".into()));
    assert_eq!(record["contenders"][0]["uses"], serde_json::json!(["store"]));
    for visit in record["visits"].as_array().unwrap() {
        let used = &visit["trials"][0]["services"][0];
        assert!(used["cpu_ns"].as_u64().unwrap() > 0, "{used}");
        assert!(used["memory_bytes"].as_u64().unwrap() > 1_000_000, "{used}");
        assert!(visit["parts"]["prepare_ns"].as_u64().unwrap() > 0);
    }
    let json = lab.run(&["report", "record.json", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    let metrics = &report["contenders"][0]["metrics"];
    for metric in ["load.service_cpu_us_per_request", "service_memory_bytes"] {
        assert!(metrics[metric]["estimate"].as_f64().unwrap() > 0.0, "{metric}");
    }
}

#[test]
fn it_can_be_started_afresh_for_each_visit() {
    let more = format!("setup = [{}]\nscope = \"visit\"", note("setup"));
    let lab = Lab::new("", &[service("store", &more), front("one", "front", "")], SCENARIO);
    run(&lab).expect(0, &[]);
    assert_eq!(notes(&lab, "setup"), 3, "a survey and two rounds");
}

/// The responses are as the schema says; only the store knows which of them is true.
#[test]
fn what_was_answered_and_not_stored_is_found_by_a_command_of_the_suite() {
    let schema = "{ type = \"object\", required = [\"row\"], \
                  properties = { row = { type = \"integer\", minimum = 1 } } }";
    let request = format!(
        "request = {{ method = \"POST\", expect = {{ schema = {schema}, command = {} }} }}\n",
        words("check {store.port}")
    );
    let scenario = format!("{SCENARIO}{request}");
    let parts = [service("store", ""), front("keeps", "front", ""), front("loses", "forgets", "")];
    let lab = Lab::new("", &parts, &scenario);
    let outcome = run(&lab);
    outcome.expect(
        3,
        &[
            "POST: wrong response over a fresh connection: the command of expect",
            "row 1000000 is not stored",
        ],
    );
    let record = lab.record();
    assert_eq!(record["contenders"][0]["status"], "measured", "{outcome:#?}");
    assert_eq!(record["contenders"][1]["status"], "failed");
}

#[test]
fn its_end_is_a_failed_visit_with_the_end_of_its_log() {
    let parts = [service("store-that-ends", ""), front("bad", "front", "")];
    let lab = Lab::new("", &parts, SCENARIO);
    run(&lab).expect(
        3,
        &["the service 'store': it ended during the visit with exit code 3", "the disk is full"],
    );
}

#[test]
fn one_that_is_never_ready_is_told_with_its_log() {
    let service = service("never-ready", "").replace("120s", "300ms");
    fails_beside_a_good_one(
        &service,
        "failed",
        &[
            "the service 'store': it was not ready within 300 ms: nothing listens on port",
            "allow it more time (start_limit)",
            "waiting for a lock",
        ],
    );
    let asked = format!("{service}ready = [\"sh\", \"-c\", \"echo still starting; exit 1\"]\n");
    fails_beside_a_good_one(&asked, "failed", &["the ready command", "still starting"]);
}

#[test]
fn one_that_ends_at_once_is_told_with_its_log() {
    let texts = ["the service 'store': it ended with exit code 4 after", "no such option"];
    fails_beside_a_good_one(&service("ends", ""), "failed", &texts);
}

#[test]
fn a_port_in_use_names_who_has_it() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let texts = [
        &format!("the service 'store': port {port} is taken by process {}", std::process::id()),
        "choose another port in the suite",
    ];
    fails_beside_a_good_one(&service("store", &format!("port = {port}")), "failed", &texts);
}

#[test]
fn a_set_up_that_fails_names_the_command_and_its_output() {
    let more = "setup = [[\"sh\", \"-c\", \"echo no space left; exit 9\"]]";
    let texts = ["the setup command 'sh -c", "failed (exit code 9)", "no space left"];
    fails_beside_a_good_one(&service("store", more), "failed", &texts);
    let more = "populate = [\"no-such-program\"]";
    let texts = ["the populate command 'no-such-program'", "was not found on PATH"];
    fails_beside_a_good_one(&service("store", more), "failed", &texts);
}

#[test]
fn a_missing_program_skips_those_who_use_it() {
    let more = "needs = [\"no-such-program\"]\npath = [\"/no/such/*/bin\"]";
    let texts = [
        "the service 'store': 'no-such-program' is not on PATH, nor in /no/such/*/bin",
        "install no-such-program",
    ];
    fails_beside_a_good_one(&service("store", more), "skipped", &texts);
}

#[test]
fn a_hook_that_fails_is_a_failed_visit_with_the_commands_output() {
    for (key, position) in [("prepare", 0), ("conclude", 1)] {
        let fails = format!("{key} = [[\"sh\", \"-c\", \"echo no rows; exit 2\"]]");
        let parts = [contender("bad", "pong", &fails), contender("good", "pong", "")];
        let lab = Lab::new("baseline = \"good\"", &parts, SCENARIO);
        run(&lab).expect(
            3,
            &[&format!("the command of {key} 'sh -c"), "failed (exit code 2)", "no rows"],
        );
        let record = lab.record();
        assert_eq!(record["contenders"][1]["status"], "measured");
        let visits = record["visits"].as_array().unwrap();
        let bad = visits.iter().find(|visit| visit["entry"] == "bad").unwrap();
        assert_eq!(bad["trials"].as_array().unwrap().len(), position, "{key}");
    }
}

/// A command that fails because a service is gone is explained by the service's log.
#[test]
fn its_end_during_a_hook_is_told_with_the_end_of_its_log_too() {
    let start =
        "start = [\"sh\", \"-c\", \"echo $$ > {dir}/pid; echo the disk is full; exec sleep 600\"]";
    let service = format!(
        "[[service]]\nname = \"store\"\n{start}\nready = [\"test\", \"-s\", \"{{dir}}/pid\"]"
    );
    let kill = "[[\"sh\", \"-c\", \"kill $(cat {store.dir}/pid); echo no store; exit 2\"]]";
    for key in ["prepare", "conclude"] {
        let hook = format!("uses = [\"store\"]\n{key} = {kill}");
        let lab = Lab::new("", &[service.clone(), contender("bad", "pong", &hook)], SCENARIO);
        let texts = ["the service 'store': it ended during the visit with", "the disk is full"];
        run(&lab).expect(3, &texts);
    }
}

#[test]
fn it_runs_as_another_user_in_a_folder_of_that_users() {
    if !geteuid().is_root() {
        eprintln!("only root can run a service as another user");
        return;
    }
    let setup = "[\"sh\", \"-c\", \"id -un > {dir}/setup; id -Gn >> {dir}/setup\"]";
    let [user, groups] =
        ["user", "setup"].map(|it| format!("[\"cp\", \"{{dir}}/{it}\", \"{it}\"]"));
    let more = format!("user = \"nobody\"\nsetup = [{setup}]\npopulate = [{user}, {groups}]\n");
    let other = "user = \"nobody\"\nconclude = [[\"sh\", \"-c\", \"true\"]]";
    let lab = Lab::new("", &[service("store", &more), front("one", "front", other)], SCENARIO);
    run(&lab).expect(0, &[]);
    assert_eq!(lab.record()["contenders"][0]["user"], "nobody");
    let read = |name: &str| std::fs::read_to_string(lab.path(name)).unwrap();
    let nobody = uid_of("nobody");
    assert_eq!(read("user"), nobody);
    assert_eq!(read("setup").lines().collect::<Vec<_>>(), ["nobody", "nogroup"]);
    assert_eq!(lab.record()["services"][0]["user"], "nobody");
    let wrong = service("store", "user = \"no-such-user\"");
    let texts = ["it has the user 'no-such-user', and this machine has no such user"];
    fails_beside_a_good_one(&wrong, "skipped", &texts);
}

fn uid_of(name: &str) -> String {
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let line = users.lines().find(|line| line.starts_with(&format!("{name}:"))).unwrap();
    line.split(':').nth(2).unwrap().to_owned()
}

/// A copy of the program that another user may execute, in a folder that is that user's.
#[test]
fn without_root_a_user_is_refused_with_the_reason() {
    let parts = [contender("bad", "pong", "user = \"daemon\""), contender("good", "pong", "")];
    let lab = Lab::new("baseline = \"good\"", &parts, SCENARIO);
    let mut command = lab.command(&[]);
    if geteuid().is_root() {
        let nobody: u32 = uid_of("nobody").parse().unwrap();
        let program = lab.path("jigger");
        std::fs::copy(env!("CARGO_BIN_EXE_jigger"), &program).unwrap();
        std::os::unix::fs::chown(lab.folder.path(), Some(nobody), Some(nobody)).unwrap();
        command = std::process::Command::new(program);
        command.uid(nobody).gid(nobody).current_dir(lab.folder.path());
        command.env("JIGGER_CACHE_DIR", lab.path("cache")).env("HOME", lab.folder.path());
    }
    command.args(["run", "suite.toml", "--rounds", "1", "--no-images"]);
    let outcome = Outcome::of(&command.output().unwrap());
    outcome.expect(
        0,
        &[
            "it has the user 'daemon', and only root can start a process as another user",
            "user_if_root",
        ],
    );
}

fn interrupt(lab: &Lab, sign: &str, signal: Signal) -> Option<i32> {
    let mut child = lab.start(&["run", "suite.toml", "--no-images", "-q"]);
    lab.wait_for(sign, || lab.processes().iter().any(|(_, line)| line.contains(sign)));
    kill_process(Pid::from_child(&child), signal).unwrap();
    child.wait().unwrap().code()
}

#[test]
fn nothing_of_it_is_left_after_ctrl_c_or_a_kill() {
    let setup = service("store", "setup = [[\"sleep\", \"600\"]]");
    let waiting = service("never-ready", "");
    for (service, sign) in [(setup, "sleep 600"), (waiting, "never-ready")] {
        let lab = Lab::new("", &[service, front("one", "front", "")], SCENARIO);
        assert_eq!(interrupt(&lab, sign, Signal::INT), Some(130));
        lab.assert_nothing_left();
    }
    let lab = Lab::new("prepare = \"sleep 600\"", &[contender("one", "pong", "")], SCENARIO);
    assert_eq!(interrupt(&lab, "sleep 600", Signal::INT), Some(130));
    lab.assert_nothing_left();
    let scenario = "[[scenario]]\nname = \"long\"\nduration = \"600s\"\n";
    let lab = Lab::new("", &[service("store", ""), front("one", "front", "")], scenario);
    assert_eq!(interrupt(&lab, "service.py front", Signal::KILL), None);
    lab.wait_for("the end of the service", || lab.processes().is_empty());
}

#[test]
fn wrong_keys_are_usage_errors() {
    let lab = Lab::new("", &[front("one", "front", "")], SCENARIO);
    run(&lab).expect(2, &["contender 'one': uses: unknown service 'store'"]);
    let named = service("store", "").replace("\"store\"", "\"stor\"");
    let lab = Lab::new("", &[named, front("one", "front", "")], SCENARIO);
    run(&lab).expect(2, &["unknown service 'store'; did you mean 'stor'?"]);
    let idle = contender("one", "pong", "prepare = \"reset {store.port}\"");
    let lab = Lab::new("", &[service("store", ""), idle], SCENARIO);
    run(&lab).expect(2, &["contender 'one': prepare = '{store.port}': {store.port} has no value"]);
}

/// The limit of its start is two minutes: the program that is not there is told at once.
#[test]
fn what_cannot_be_run_or_does_not_end_is_not_waited_for() {
    let begun = std::time::Instant::now();
    let ready = service("store", "ready = [\"no-such-program-of-jigger\"]");
    fails_beside_a_good_one(
        &ready,
        "failed",
        &["the ready command 'no-such-program-of-jigger'", "was not found"],
    );
    assert!(begun.elapsed().as_secs() < 100, "the limit was waited for");
    let setup = service("store", "setup = [\"sleep 600\"]\nsetup_limit = \"200ms\"");
    let wanted = ["the setup command 'sleep 600'", "did not end within 200ms", "(setup_limit)"];
    fails_beside_a_good_one(&setup, "failed", &wanted);
}

#[test]
fn a_service_that_does_not_tell_its_version_serves_all_the_same() {
    let parts = [service("store", "version = [\"false\"]"), front("one", "front", "")];
    let lab = Lab::new("", &parts, SCENARIO);
    run(&lab).expect(0, &["store: its version is not known: ", "'false' failed (exit code 1)"]);
    let record = lab.record();
    assert_eq!(record["contenders"][0]["status"], "measured");
    assert_eq!(record["services"][0]["version"], serde_json::Value::Null);
}
