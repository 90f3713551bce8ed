//! The run command from the suite to the report, with real servers.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::lab::{COUNTED, Lab, Outcome, contender};
use rustix::process::{Pid, Signal, kill_process};

fn two() -> Lab {
    let contenders = [contender("one", "pong", ""), contender("two", "closes", "")];
    Lab::new("", &contenders, COUNTED)
}

fn signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), signal).unwrap();
}

#[test]
fn a_run_ends_with_tables_sentences_and_a_record() {
    let lab = two();
    let outcome = lab.run_quick();
    outcome.expect(
        0,
        &["saturation: 4 connections, keep-alive", "vs baseline", "connection-close (two): closes"],
    );
    outcome.expect(
        0,
        &["lab: 2 servers, 3 rounds", "record: record.json", "report record.json --details"],
    );
    let record = lab.record();
    assert_eq!(record["ended"], "max-rounds");
    let trial = &record["visits"][0]["trials"][0];
    assert_eq!(trial["requests"], 30);
    assert_eq!(trial["errors"].as_object().unwrap().len(), 0);
    assert!(trial["server_cpu_ns"].as_u64().unwrap() > 0);
    lab.assert_nothing_left();
}

#[test]
fn a_visit_times_its_parts_and_runs_fresh_connections_last() {
    let fresh = "[[scenario]]\nname = \"fresh\"\nconnection = \"fresh\"\nrequests = 20\n";
    let scenarios = format!("{fresh}{COUNTED}");
    let lab = Lab::new("", &[contender("one", "pong", "")], &scenarios);
    lab.run_quick().expect(0, &[]);
    let record = lab.record();
    let names = |list: &serde_json::Value, key: &str| -> Vec<String> {
        list.as_array().unwrap().iter().map(|it| it[key].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&record["suite"]["scenarios"], "name"), ["fresh", "sequential", "saturation"]);
    for visit in record["visits"].as_array().unwrap() {
        assert_eq!(names(&visit["trials"], "scenario"), ["sequential", "saturation", "fresh"]);
        let parts = ["launch_ns", "verify_ns", "warm_up_ns", "trials_ns", "stop_ns"];
        assert!(parts.iter().all(|part| visit["parts"][part].as_u64().unwrap() > 0), "{visit}");
        let startup_ns = visit["startup_ns"].as_u64().unwrap();
        assert!(visit["parts"]["launch_ns"].as_u64().unwrap() > startup_ns, "{visit}");
        assert!(!visit["warm_up_rates"].as_array().unwrap().is_empty(), "{visit}");
    }
}

#[test]
fn reports_are_written_and_made_again_from_the_record() {
    let lab = two();
    let run = lab.run(&[
        "run",
        "suite.toml",
        "--quick",
        "--no-images",
        "--record",
        "r.json",
        "-o",
        "a.md",
        "--format",
        "json",
    ]);
    run.expect(0, &["\"comparisons\""]);
    let again = lab.run(&["report", "r.json", "--format", "markdown"]);
    again.expect(0, &["### saturation"]);
    assert_eq!(std::fs::read_to_string(lab.path("a.md")).unwrap(), again.stdout);
}

#[test]
fn a_contender_that_has_an_image_only_is_skipped_with_the_remedy() {
    let contained = "[[contender]]\nname = \"two\"\nurl = \"http://127.0.0.1:{port}/\"\n\
                     image = { ref = \"two:latest\", env = { PORT = \"{port}\" } }\n";
    let contenders = [contender("one", "pong", ""), contained.to_owned()];
    let lab = Lab::new("", &contenders, COUNTED);
    let told = &["two", "no start, so it runs in a container only; give it a start, or run it by"];
    lab.run(&["check", "suite.toml"]).expect(0, told);
    lab.run_quick().expect(0, told);
    let status = |at: usize| lab.record()["contenders"][at]["status"].clone();
    assert_eq!((status(0), status(1)), ("measured".into(), "skipped".into()));
}

#[test]
fn the_umask_says_who_may_read_the_record() {
    let absent = contender("one", "pong", "needs = [\"no-such-program\"]");
    let lab = Lab::new("", &[absent], COUNTED);
    for (umask, mode) in [("022", 0o644), ("027", 0o640)] {
        let command = format!("umask {umask} && exec \"$0\" run suite.toml --record record.json");
        let output = Command::new("sh")
            .args(["-c", &command, env!("CARGO_BIN_EXE_jigger")])
            .current_dir(lab.folder.path())
            .output()
            .unwrap();
        Outcome::of(&output).expect(3, &["'no-such-program' is not on PATH"]);
        let found = std::fs::metadata(lab.path("record.json")).unwrap().permissions().mode();
        assert_eq!(found & 0o777, mode, "umask {umask}");
    }
}

#[test]
fn ctrl_c_keeps_the_record_and_leaves_nothing() {
    let lab = two();
    let child = lab.start(&[
        "run",
        "suite.toml",
        "--rounds",
        "50",
        "--no-images",
        "--record",
        "record.json",
        "-q",
    ]);
    lab.wait_for("the first visit", || {
        let text = std::fs::read_to_string(lab.path("record.json")).unwrap_or_default();
        text.contains("\"startup_ns\"")
    });
    signal(child.id(), Signal::INT);
    let outcome = Outcome::of(&child.wait_with_output().unwrap());
    outcome.expect(130, &["interrupted: the report has what was measured until then"]);
    assert_eq!(lab.record()["ended"], "interrupted");
    assert!(!lab.record()["visits"].as_array().unwrap().is_empty());
    lab.assert_nothing_left();
}

#[test]
fn a_killed_jigger_leaves_no_server() {
    let lab = two();
    let mut child = lab.start(&[
        "run",
        "suite.toml",
        "--rounds",
        "50",
        "--no-images",
        "--record",
        "record.json",
        "-q",
    ]);
    lab.wait_for("a server", || lab.processes().iter().any(|(_, line)| line.contains("server.py")));
    signal(child.id(), Signal::KILL);
    child.wait().unwrap();
    lab.wait_for("the end of the servers", || lab.processes().is_empty());
}

#[test]
fn a_grandchild_that_left_the_process_group_is_ended() {
    let lab = Lab::new("", &[contender("one", "orphan", "")], COUNTED);
    lab.run_quick().expect(0, &[]);
    lab.assert_nothing_left();
}

#[test]
fn the_plan_is_that_of_the_seed() {
    let order = |seed: &str| {
        let contenders: Vec<String> =
            ["a", "b", "c"].map(|name| contender(name, "pong", "")).into();
        let lab = Lab::new("", &contenders, "[[scenario]]\nname = \"q\"\nrequests = 1\n");
        lab.run(&[
            "run",
            "suite.toml",
            "--rounds",
            "3",
            "--seed",
            seed,
            "--record",
            "record.json",
            "-q",
        ])
        .expect(0, &[]);
        let visits = lab.record()["visits"].clone();
        visits
            .as_array()
            .unwrap()
            .iter()
            .map(|visit| visit["entry"].to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(order("7"), order("7"));
}

#[test]
fn check_lists_what_is_unfair_and_measures_nothing() {
    let lab = two();
    let outcome = lab.run(&["check", "suite.toml"]);
    outcome.expect(0, &["one: responds correctly", "two: responds correctly", "connection-close"]);
    lab.assert_nothing_left();
}

#[test]
fn compare_loads_servers_that_run_already() {
    let lab = two();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/server.py");
    let mut servers = Vec::new();
    let mut arguments = vec!["compare".to_owned()];
    for name in ["one", "two"] {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Command::new("python3").args([script, "pong", &port.to_string()]).spawn();
        servers.push(server.unwrap());
        lab.wait_for("the server", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        arguments.push(format!("{name}=http://127.0.0.1:{port}/"));
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = lab.run(&[&arguments[..], &["--quick", "-d", "300ms", "-c", "4"]].concat());
    for server in &mut servers {
        server.kill().unwrap();
        server.wait().unwrap();
    }
    outcome.expect(0, &["saturation: 4 connections", "vs baseline"]);
}

#[test]
fn what_closing_costs_is_measured_with_everyone() {
    let contenders = [contender("keeps", "good", ""), contender("closes", "closes", "")];
    let lab = Lab::new("", &contenders, COUNTED);
    let run = ["run", "suite.toml", "--rounds", "1", "--no-images", "--record", "record.json"];
    let outcome = lab.run(&run);
    outcome.expect(0, &["connection-close (closes): closes the connection"]);
    let record = lab.record();
    for visit in record["visits"].as_array().unwrap() {
        let trial = &visit["trials"][2];
        assert_eq!(trial["scenario"], "saturation-fresh");
        assert_eq!(trial["closed_by_server"], 0, "the client closes");
        assert!(visit["trials"][0]["limit"].is_string(), "{}", visit["trials"][0]);
        assert!(trial["connections_opened"].as_u64() >= trial["requests"].as_u64());
    }
    let lab = Lab::new("measure_closing = false", &contenders, COUNTED);
    lab.run(&run).expect(0, &["connection-close (closes)"]);
    assert_eq!(lab.record()["visits"][0]["trials"].as_array().unwrap().len(), 2);
}

#[test]
fn the_record_has_ceilings_and_what_disturbed_each_visit() {
    let lab = two();
    lab.run_quick().expect(0, &[]);
    let record = lab.record();
    let ceiling = |scenario: usize| &record["suite"]["scenarios"][scenario]["ceiling_per_second"];
    assert!(ceiling(0).is_null(), "one connection has none");
    assert!(ceiling(1).as_f64().unwrap() > 0.0);
    let attempts = |scenario: usize| &record["suite"]["scenarios"][scenario]["ceiling_attempts"];
    assert_eq!(attempts(0), &serde_json::json!([]));
    assert_eq!(&attempts(1)[0]["rate_per_second"], ceiling(1), "no limit, so one attempt");
    assert!(attempts(1)[0]["steal_share"].as_f64().is_some());
    for visit in record["visits"].as_array().unwrap() {
        for share in ["steal_share", "foreign_cpu_share"] {
            let value = visit[share].as_f64().unwrap();
            assert!((0.0..=1.0).contains(&value), "{share}: {value}");
        }
        assert_eq!(visit["repeated"], false);
    }
}

/// Four threads on one core make pressure of their own, so a limit of nought is always exceeded.
#[test]
fn rounds_beyond_a_limit_are_made_thrice_and_end_without_a_verdict() {
    if !std::path::Path::new("/proc/pressure/cpu").exists() {
        return;
    }
    let head = "disturbance = { cpu_pressure = 0.0, steal = 1.0, foreign_cpu = 1.0 }";
    let lab = two();
    let text = std::fs::read_to_string(lab.path("suite.toml")).unwrap();
    let lines = text.lines().map(|line| if line.starts_with("disturbance") { head } else { line });
    std::fs::write(lab.path("suite.toml"), lines.collect::<Vec<_>>().join("\n")).unwrap();
    // A quick look repeats no round.
    let run = ["run", "suite.toml", "--rounds", "2", "--no-images", "--record", "record.json"];
    let outcome = lab.run(&run);
    outcome.expect(0, &["too noisy to compare", "of 6 rounds begun 4 were repeated"]);
    let record = lab.record();
    let visits = record["visits"].as_array().unwrap();
    assert_eq!(visits.iter().filter(|visit| visit["repeated"] == true).count(), 4);
    assert_eq!(visits.iter().filter(|visit| visit["repeated"] == false).count(), 4);
}

#[test]
fn cores_are_those_asked_for_and_sharing_one_is_told() {
    let lab = two();
    let core = jigger::host::allowed_cores()[0].to_string();
    let cores = ["--client-cpus", core.as_str(), "--server-cpus", core.as_str()];
    let run = ["run", "suite.toml", "--quick", "--no-images", "--record", "record.json"];
    lab.run(&[&run[..], &cores].concat()).expect(0, &["shared-cores: the load generator"]);
    let placement = &lab.record()["placement"];
    assert_eq!(placement["client_cpus"], placement["server_cpus"]);
    let again = format!(
        "jigger run suite.toml --seed 42 --client-cpus {core} --server-cpus {core} --quick --no-images<"
    );
    lab.run(&["report", "record.json", "--format", "html"]).expect(0, &[&again]);
    lab.run(&[&["check", "suite.toml"][..], &cores].concat()).expect(0, &["shared-cores: "]);
}

#[test]
fn the_folders_own_suite_is_the_default_one() {
    let lab = Lab::new("", &[contender("one", "pong", "")], COUNTED);
    std::fs::rename(lab.path("suite.toml"), lab.path("jigger.toml")).unwrap();
    let said = ["the suite is ./jigger.toml", "lab: 1 server"];
    lab.run(&["--quick", "--rounds", "1", "--no-images", "--record", "record.json"])
        .expect(0, &said[..1]);
    lab.run(&["run", "--quick", "--rounds", "1", "--record", "record.json"]).expect(0, &said);
    lab.run(&["check"]).expect(0, &said[..1]);
}

#[test]
fn a_matrix_measures_each_of_its_values_and_draws_what_changes() {
    let scenario =
        "[matrix]\nconnections = [1, 2, 4]\n[[scenario]]\nname = \"many\"\nduration = \"60ms\"\n";
    let lab = Lab::new("", &[contender("one", "pong", ""), contender("two", "pong", "")], scenario);
    let run = ["run", "suite.toml", "--rounds", "2", "--warm-up", "100ms", "--no-images"];
    lab.run(&[&run[..], &["--record", "record.json"]].concat())
        .expect(0, &["many by connections", "connections"]);
    let names: Vec<String> = (lab.record()["suite"]["scenarios"].as_array().unwrap().iter())
        .filter(|scenario| scenario["variant"]["of"] == "many")
        .map(|scenario| scenario["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["many-connections-1", "many-connections-2", "many-connections-4"]);
    let page = lab.run(&["report", "record.json", "--format", "html"]);
    page.expect(0, &["By the values of the matrix", "many by connections: requests per second"]);
    let markdown = lab.run(&["report", "record.json", "--format", "markdown"]);
    markdown.expect(0, &["### many by connections", "| one | 4 |"]);
    lab.assert_nothing_left();
}
