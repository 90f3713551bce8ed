//! `jigger diff` over records of real runs.

use serde_json::Value;

use crate::lab::{Lab, contender};

/// A lab with the record of a short run in `record.json`.
fn lab(contenders: &[&str]) -> Lab {
    let contenders: Vec<String> =
        contenders.iter().map(|name| contender(name, "pong", "")).collect();
    let lab = Lab::new("", &contenders, "[[scenario]]\nname = \"q\"\nrequests = 30\n");
    let run = ["run", "suite.toml", "--rounds", "5", "--record", "record.json", "-q"];
    lab.run(&run).expect(0, &[]);
    lab
}

/// Writes a file with the record, changed.
fn changed(lab: &Lab, file: &str, change: impl FnOnce(&mut Value)) {
    let mut record = lab.record();
    change(&mut record);
    std::fs::write(lab.path(file), record.to_string()).unwrap();
}

/// Gives every trial of `name` a time that does not depend on what else the machine does.
fn timed(record: &mut Value, name: &str, elapsed_ns: u64) {
    for visit in record["visits"].as_array_mut().unwrap() {
        if visit["entry"] == name {
            for trial in visit["trials"].as_array_mut().unwrap() {
                trial["elapsed_ns"] = elapsed_ns.into();
            }
        }
    }
}

#[test]
fn a_run_is_no_worse_than_itself() {
    let lab = lab(&["one"]);
    let same = lab.run(&["diff", "record.json", "record.json"]);
    same.expect(0, &["No change shown", "measured values", "q.requests_per_second"]);
    lab.assert_nothing_left();
}

#[test]
fn what_got_slower_is_worse() {
    let lab = lab(&["one", "two"]);
    for (file, elapsed_ns) in [("old.json", 100_000_000), ("new.json", 120_000_000)] {
        changed(&lab, file, |record| {
            timed(record, "one", 100_000_000);
            timed(record, "two", elapsed_ns);
        });
    }
    let worse = lab.run(&["diff", "old.json", "new.json", "--metric", "requests_per_second"]);
    worse.expect(1, &["Slower, ", ": worse in 1 of 1", "ratios to one of the same round", "worse"]);
    let better = lab.run(&["diff", "new.json", "old.json", "--metric", "requests_per_second"]);
    better.expect(0, &["Faster, ", ": better in 1 of 1 metrics, worse in none"]);
    let absolute = ["--absolute", "--metric", "q.requests_per_second", "--format", "md"];
    let markdown = lab.run(&[&["diff", "old.json", "new.json"], &absolute[..]].concat());
    markdown.expect(1, &[": worse in 1 of 2 metrics", "| q.requests_per_second |"]);
}

#[test]
fn what_cannot_be_compared_is_refused_with_every_reason() {
    let lab = lab(&["one"]);
    changed(&lab, "new.json", |record| {
        record["host"]["kernel"] = "0.99".into();
        record["suite"]["scenarios"][0]["connections"] = 7.into();
    });
    let refused = lab.run(&["diff", "record.json", "new.json"]);
    refused.expect(2, &["cannot be compared", "0.99 in NEW", "scenario 'q'", "--force"]);
    let report = ["report", "new.json", "--against", "record.json"];
    assert_eq!(lab.run(&report).stderr, refused.stderr);
    let forced = lab.run(&[&report[..], &["--force"]].concat());
    forced.expect(0, &["not comparable: kernel"]);
    let told = lab.run(&["diff", "record.json", "new.json", "--force"]);
    told.expect(0, &["not comparable: kernel"]);
}

/// Nothing is known of how it speaks.
#[test]
fn one_that_never_responded_has_failed_and_is_not_said_to_speak_otherwise() {
    let lab = lab(&["one", "two"]);
    changed(&lab, "new.json", |record| {
        record["contenders"][1]["status"] = "failed".into();
        record["contenders"][1]["reason"] = "in round 1: port 7 is taken".into();
        for visit in record["visits"].as_array_mut().unwrap() {
            if visit["entry"] == "two" {
                visit["evidence"] = Value::Null;
                visit["trials"] = Value::Array(Vec::new());
            } else {
                visit["evidence"]["tls"] = serde_json::json!({ "version": "1.3", "cipher": "c" });
            }
        }
    });
    let told = lab.run(&["diff", "record.json", "new.json"]);
    let texts =
        ["note: two failed in NEW: in round 1: port 7 is taken", "one speaks no TLS in OLD"];
    told.expect(1, &texts);
    assert!(!told.stdout.contains("two speaks"), "{told:#?}");
    changed(&lab, "gone.json", |record| {
        record["contenders"].as_array_mut().unwrap().truncate(1);
        record["contenders"][0]["name"] = "three".into();
        record["contenders"][0]["status"] = "failed".into();
        record["contenders"][0]["reason"] = "it ended".into();
    });
    for words in [
        &["diff", "gone.json", "record.json"][..],
        &["report", "record.json", "--against", "gone.json"],
    ] {
        let nothing = lab.run(words);
        nothing
            .expect(2, &["no contender with a metric in common", "three failed in OLD: it ended"]);
    }
}

#[test]
fn wrong_arguments() {
    let lab = lab(&["one"]);
    lab.run(&["diff", "record.json", "gone.json"]).expect(2, &["cannot read the record gone.json"]);
    lab.run(&["diff", "record.json", "record.json", "--relative"])
        .expect(2, &["no common baseline"]);
    lab.run(&["diff", "record.json", "record.json", "--metric", "request_per_second"])
        .expect(2, &["--metric: unknown metric", "did you mean 'requests_per_second'?"]);
}
