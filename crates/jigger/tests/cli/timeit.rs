//! `jigger timeit` against the built-in null server.

use std::process::Command;

use serde_json::Value;

use crate::lab::{Outcome, null_server};

fn timeit(arguments: &[&str]) -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jigger"));
    Outcome::of(&command.arg("timeit").args(arguments).output().unwrap())
}

#[test]
fn each_url_is_timed_in_each_round() {
    let ((_a, first), (_b, second)) = (null_server(), null_server());
    let outcome = timeit(&[&first, &second, "-n", "200", "-r", "3"]);
    outcome.expect(
        0,
        &[&format!(
            "{first}: 200 requests one after another, a new connection for each\n  round 1: "
        )],
    );
    for part in ["  round 3: ", "  best: ", &format!("\n{second}: 200 requests")] {
        assert!(outcome.stdout.contains(part), "{}", outcome.stdout);
    }
}

#[test]
fn connections_are_new_or_kept_as_requested() {
    let (_server, url) = null_server();
    for (flags, name) in [(&[][..], "fresh"), (&["--keep-alive"], "keep-alive")] {
        let arguments = [flags, &[&url, "-n", "500", "--format", "json"]].concat();
        let outcome = timeit(&arguments);
        outcome.expect(0, &[]);
        let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
        assert_eq!(report["connection"], name);
        let round = &report["urls"][0]["rounds"][0];
        assert_eq!(round["requests"], 500);
        let (total, each) =
            (round["seconds"].as_f64().unwrap(), round["seconds_per_request"].as_f64().unwrap());
        assert!((total / 500.0 - each).abs() < 1e-9 && total > 0.0);
        assert_eq!(report["urls"][0]["best_seconds"], round["seconds"]);
    }
}

#[test]
fn what_cannot_be_timed() {
    let refused = timeit(&["http://127.0.0.1:9/", "-n", "3"]);
    refused.expect(
        3,
        &["jigger: http://127.0.0.1:9/: nothing listens on 127.0.0.1:9; check the address"],
    );
    assert_eq!(refused.stdout, "", "no figure");
    timeit(&["ftp://x/"]).expect(2, &["http"]);
    timeit(&["http://127.0.0.1:9/", "-n", "0"]).expect(2, &["0"]);
    timeit(&[]).expect(2, &["URL"]);
}
