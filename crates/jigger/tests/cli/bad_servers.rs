//! Servers that misbehave, each beside a good one that is measured all the same.

use crate::lab::{Lab, Outcome, contender, never_ready};

/// No ceiling is measured for a single connection.
const SCENARIOS: &str = "[[scenario]]\nname = \"first\"\nrequests = 30\n\
     [[scenario]]\nname = \"second\"\nrequests = 10\n";

/// Two rounds, so that each of two contenders has its turn after the other.
fn run(lab: &Lab) -> Outcome {
    lab.run(&["run", "suite.toml", "--rounds", "2", "--no-images", "--record", "record.json"])
}

/// Runs a good server and a bad one; the bad one's failure must be reported with
/// these texts, the good one be measured, and nothing be left.
fn beside_a_good_one(bad: String, texts: &[&str]) {
    let lab = Lab::new("", &[contender("good", "pong", ""), bad], SCENARIOS);
    let outcome = run(&lab);
    outcome.expect(3, texts);
    outcome.expect(3, &["bad"]);
    let record = lab.record();
    let visits = record["visits"].as_array().unwrap();
    let good: Vec<_> = visits.iter().filter(|visit| visit["entry"] == "good").collect();
    assert_eq!(good.len(), 2);
    for visit in good {
        let trials = visit["trials"].as_array().unwrap();
        // A connection that is reset in mid-response makes this server log a traceback.
        let logged: Vec<_> = trials.iter().map(|trial| &trial["log_bytes"]).collect();
        assert_eq!(logged, [0, 0], "{logged:?}");
    }
    assert_eq!(record["contenders"][1]["status"], "failed");
    lab.assert_nothing_left();
}

#[test]
fn exits_at_once() {
    beside_a_good_one(contender("bad", "exits", ""), &["exit code 7", "no configuration found"]);
}

#[test]
fn never_listens() {
    beside_a_good_one(never_ready("bad", "never-listens"), &["nothing listens at its address"]);
}

#[test]
fn listens_on_another_port() {
    beside_a_good_one(
        never_ready("bad", "wrong-port"),
        &["nothing listens at its address", "127.0.0.1:"],
    );
}

#[test]
fn responds_with_500() {
    beside_a_good_one(never_ready("bad", "status-500"), &["status 500 instead of 200", "it broke"]);
}

#[test]
fn sends_another_body() {
    beside_a_good_one(
        never_ready("bad", "wrong-body"),
        &[r#"instead of the JSON {"message":"pong"}"#],
    );
}

/// The words of its response have no part in whether its log is shown.
#[test]
fn requires_a_login_once_it_is_ready() {
    beside_a_good_one(
        contender("bad", "logs-out", ""),
        &["wrong response over a fresh connection", "login", "the session has expired"],
    );
}

#[test]
fn hangs() {
    beside_a_good_one(never_ready("bad", "hangs"), &["sent no response"]);
}

#[test]
fn is_killed_under_load() {
    beside_a_good_one(contender("bad", "killed", ""), &["ended under load", "SIGKILL"]);
}

#[test]
fn is_not_there() {
    let bad = "[[contender]]\nname = \"bad\"\nstart = \"./no-such-program\"\n\
               url = \"http://127.0.0.1:{port}/\"\n";
    beside_a_good_one(bad.to_owned(), &["no-such-program"]);
}

#[test]
fn a_build_that_fails_shows_its_last_lines() {
    let build = "build = [\"sh\", \"-c\", \"x\"]\n".replace(
        "[\"sh\", \"-c\", \"x\"]",
        "[[\"python3\", \"-c\", \"import sys; print('linker ran out of ink'); sys.exit(4)\"]]",
    );
    let lab =
        Lab::new("", &[contender("good", "pong", ""), contender("bad", "pong", &build)], SCENARIOS);
    let outcome = run(&lab);
    outcome.expect(3, &["bad: the build", "linker ran out of ink", "exit code 4"]);
    assert_eq!(lab.record()["visits"].as_array().unwrap().len(), 2);
    lab.assert_nothing_left();
}

#[test]
fn what_a_contender_needs_and_the_machine_lacks_skips_it() {
    let bad = contender("bad", "pong", "needs = [\"no-such-tool\"]\n");
    let lab = Lab::new("", &[contender("good", "pong", ""), bad], SCENARIOS);
    run(&lab).expect(0, &["skipped: bad: 'no-such-tool' is not on PATH; install no-such-tool"]);
}

#[test]
fn a_port_that_is_taken_is_named_with_its_holder() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let bad = contender("bad", "pong", "").replace("{port}", &port);
    let lab = Lab::new("", &[contender("good", "pong", ""), bad], SCENARIOS);
    run(&lab).expect(3, &[&format!("port {port}")]);
    lab.assert_nothing_left();
}

/// A load without a server left ends at once.
#[test]
fn a_load_ends_with_its_server() {
    let scenario = "[[scenario]]\nname = \"endless\"\nconnections = 4\nduration = \"1h\"\n";
    let lab = Lab::new("", &[contender("bad", "killed-late", "")], scenario);
    let outcome = lab.run(&["run", "suite.toml", "--rounds", "1", "--no-images"]);
    outcome.expect(3, &["ended under load", "SIGKILL"]);
}

/// It is measured; the figures are those of its waiting for acknowledgements.
#[test]
fn writes_head_and_body_apart() {
    let bad = contender("apart", "writes-apart", "");
    let lab = Lab::new("", &[contender("good", "pong", ""), bad], SCENARIOS);
    let outcome = run(&lab);
    outcome.expect(0, &["delayed-acks (apart)", "TCP_NODELAY"]);
}

/// Four connections in turn at 20 a second: each is idle for ten times as long as these servers bear, so
/// that also on a busy machine nothing is under way when they end it.
#[test]
fn ends_connections_that_are_idle() {
    let scenario = "[[scenario]]\nname = \"calm\"\nconnections = 4\nrate = 20\nrequests = 20\n";
    let contenders = ["pong", "resets-idle", "says-408-when-idle"].map(|it| contender(it, it, ""));
    let lab = Lab::new("", &contenders, scenario);
    let one_round =
        ["run", "suite.toml", "--rounds", "1", "--no-images", "--record", "record.json"];
    lab.run(&one_round).expect(0, &["calm"]);
    let record = lab.record();
    for visit in record["visits"].as_array().unwrap() {
        let trial = &visit["trials"][0];
        assert_eq!((&trial["requests"], &trial["errors"]), (&20.into(), &serde_json::json!({})));
        let closed = trial["closed_by_server"].as_u64().unwrap();
        let is_kept = visit["entry"].as_str().unwrap().starts_with("pong");
        assert_eq!(closed == 0, is_kept, "{visit:#}");
        assert_eq!(trial["surplus_bytes"], 0);
    }
    lab.assert_nothing_left();
}
