//! Ctrl-C before the rounds: a record that says so, exit code 130, and nothing left running.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::lab::{Lab, Outcome, SCENARIOS, contender};

/// Runs the suite, sends SIGINT once a process whose command line has `sign` runs, and gives the
/// record.
fn interrupted_at(lab: &Lab, sign: &str, more: &[&str]) -> Value {
    let arguments = ["run", "suite.toml", "--no-images", "--record", "record.json", "-q"];
    let child = lab.start(&[&arguments[..], more].concat());
    lab.wait_for(sign, || lab.processes().iter().any(|(_, line)| line.contains(sign)));
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    let outcome = Outcome::of(&child.wait_with_output().unwrap());
    outcome.expect(130, &["interrupted: the report has what was measured until then"]);
    lab.assert_nothing_left();
    let record = lab.record();
    assert_eq!(record["ended"], "interrupted");
    assert_eq!(record["visits"], Value::Array(Vec::new()));
    record
}

#[test]
fn during_a_build() {
    let lab = Lab::new("", &[contender("one", "pong", "build = \"sleep 600\"")], SCENARIOS);
    let record = interrupted_at(&lab, "sleep 600", &[]);
    assert_eq!(record["contenders"][0]["reason"], "the build was interrupted");
}

#[test]
fn a_build_ends_with_a_killed_jigger() {
    let lab = Lab::new("", &[contender("one", "pong", "build = \"sleep 600\"")], SCENARIOS);
    let mut child = lab.start(&["run", "suite.toml", "--no-images"]);
    let builds = || lab.processes().iter().any(|(_, line)| line.starts_with("sleep"));
    lab.wait_for("the build", builds);
    child.kill().unwrap();
    child.wait().unwrap();
    lab.wait_for("the end of the build", || lab.processes().is_empty());
}

/// The first of two is under load for ten minutes.
#[test]
fn during_a_calibration() {
    let scenario =
        "[[scenario]]\nname = \"calm\"\nduration = \"600s\"\nrate = \"50% of slowest\"\n";
    let contenders = [contender("one", "pong", ""), contender("two", "pong", "")];
    let lab = Lab::new("", &contenders, scenario);
    let record = interrupted_at(&lab, "server.py", &[]);
    assert_eq!(record["calibrations"], Value::Array(Vec::new()), "not even a part of one");
}

#[test]
fn during_the_launches_before_the_rounds() {
    let lab = Lab::new("", &[contender("one", "pong", "")], SCENARIOS);
    interrupted_at(&lab, "server.py", &["--startups", "1000"]);
}
