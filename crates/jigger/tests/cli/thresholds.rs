//! Thresholds of a suite: what decides, and how a run ends then.

use crate::lab::{Lab, Outcome, contender};

/// A suite with one quick scenario and these thresholds on `one`.
fn lab(thresholds: &[(&str, &str)]) -> Lab {
    let mut scenarios = "[[scenario]]\nname = \"q\"\nrequests = 30\n".to_owned();
    for (metric, limit) in thresholds {
        scenarios.push_str(&format!(
            "[[threshold]]\ncontender = \"one\"\nmetric = \"{metric}\"\n{limit}\n"
        ));
    }
    Lab::new("", &[contender("one", "pong", "")], &scenarios)
}

fn run(lab: &Lab, more: &[&str]) -> Outcome {
    let arguments = ["run", "suite.toml", "--no-images", "--record", "record.json"];
    lab.run(&[&arguments[..], more].concat())
}

#[test]
fn one_that_holds_and_one_that_fails() {
    let lab =
        lab(&[("q.requests_per_second", "at_least = 0.5"), ("startup_ms", "at_most = \"1us\"")]);
    let outcome = run(&lab, &["--rounds", "6"]);
    outcome.expect(1, &["thresholds", "at least 0.5", "holds", "at most 1us", "fails"]);
    lab.assert_nothing_left();
    let again = lab.run(&["report", "record.json", "--format", "json"]);
    again.expect(0, &["\"outcome\": \"fails\""]);
}

#[test]
fn what_is_not_settled_fails_only_when_told_so() {
    let lab = lab(&[("q.requests_per_second", "at_least = 0.5")]);
    // Two rounds have no interval.
    run(&lab, &["--rounds", "2"]).expect(0, &["not settled"]);
    run(&lab, &["--rounds", "2", "--strict"]).expect(1, &["not settled"]);
}

#[test]
fn what_was_not_measured_fails() {
    let lab = lab(&[("q.response_time_us.p99_9", "at_most = \"1s\"")]);
    run(&lab, &["--quick"]).expect(1, &["not measured"]);
}

#[test]
fn a_metric_that_no_scenario_has() {
    let lab = lab(&[("r.requests_per_second", "at_least = 0.5")]);
    run(&lab, &[]).expect(
        2,
        &["threshold on 'r.requests_per_second'", "did you mean 'q.requests_per_second'?"],
    );
}
