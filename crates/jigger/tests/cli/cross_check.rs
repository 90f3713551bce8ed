//! `jigger cross-check` with the real tools, on the test server.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::lab::{Lab, SCENARIOS, contender, never_ready};

/// The tools that `make setup-test` installs; the tests are not to need more.
const TOOLS: [&str; 4] = ["--tool", "wrk", "--tool", "python"];

/// Those that take part in the tests where they are there.
const MORE_TOOLS: [&str; 3] = ["oha", "k6", "vegeta"];

/// Whether tests may use wrk: yes, unless told otherwise.
pub fn has_wrk() -> bool {
    std::env::var("JIGGER_TEST_WRK").map_or(true, |value| value != "none")
}

fn lab() -> Lab {
    let fresh = SCENARIOS.replace("requests = 30", "requests = 30\nconnection = \"fresh\"");
    Lab::new("", &[contender("good", "pong", "")], &fresh)
}

#[test]
fn the_tools_stand_beside_jigger() {
    if !has_wrk() {
        return;
    }
    let lab = lab();
    let cache = concat!(env!("CARGO_TARGET_TMPDIR"), "/cross-check-cache");
    let mut command = lab
        .command(&[&["cross-check", "suite.toml", "--quick", "-o", "out.md"], &TOOLS[..]].concat());
    let outcome =
        crate::lab::Outcome::of(&command.env("JIGGER_CACHE_DIR", cache).output().unwrap());
    outcome
        .expect(0, &["## Cross-check of the suite `lab`", "2 rounds. In each round", "(requests "]);
    let rows = |scenario: &str| -> Vec<Vec<&str>> {
        let part = outcome.stdout.split_once(&format!("### {scenario}: ")).unwrap().1;
        let part = part.split("###").next().unwrap();
        let lines = part.lines().filter(|line| line.starts_with("| good"));
        lines.map(|line| line.split('|').map(str::trim).collect()).collect()
    };
    for (scenario, tool) in [("sequential", "python"), ("saturation", "wrk")] {
        let rows = rows(scenario);
        let mut names: Vec<&str> = rows.iter().map(|row| row[2]).collect();
        names.sort_unstable();
        assert_eq!(names, ["jigger", tool], "{}", outcome.stdout);
        for row in &rows {
            let rate: f64 = row[3].replace(',', "").parse().unwrap();
            assert!(rate > 0.0 && row[9] == "0", "{row:?}");
            assert_eq!(row[4].parse::<f64>().is_ok_and(|ratio| ratio > 0.0), row[2] == tool);
        }
    }
    assert!(outcome.stdout.contains("- **wrk**: ") && outcome.stdout.contains("- **python**: "));
    assert_eq!(std::fs::read_to_string(lab.path("out.md")).unwrap(), outcome.stdout);
    lab.assert_nothing_left();
}

/// Each of the others that is on PATH, over kept and over new connections.
#[test]
fn further_tools_stand_beside_jigger_where_they_are_there() {
    let fresh = "connections = 2\nconnection = \"fresh\"\n";
    let scenarios = format!(
        "{SCENARIOS}[[scenario]]\nname = \"counted\"\nrequests = 20\n{fresh}\
         [[scenario]]\nname = \"timed\"\nduration = \"300ms\"\n{fresh}"
    );
    let lab = Lab::new("", &[contender("good", "pong", "")], &scenarios);
    let timed = ["saturation", "timed"];
    let all = ["counted", "saturation", "sequential", "timed"];
    for tool in MORE_TOOLS.into_iter().filter(|tool| jigger::programs::is_on_path(tool)) {
        let arguments = ["cross-check", "suite.toml", "--quick", "--tool", tool];
        let outcome = lab.run(&[&arguments[..], &["--format", "json"]].concat());
        outcome.expect(0, &[]);
        let checked: Value = serde_json::from_str(&outcome.stdout).unwrap();
        let series = checked["series"].as_array().unwrap().iter();
        let of_tool = series.filter(|series| series["tool"] == tool);
        let mut scenarios: Vec<&str> = of_tool.map(plausible).collect();
        scenarios.sort_unstable();
        assert_eq!(scenarios, if tool == "vegeta" { &timed[..] } else { &all }, "{tool}");
    }
    lab.assert_nothing_left();
}

/// The scenario of a tool's series; fails when its figures are not such as a closed loop has.
#[track_caller]
fn plausible(series: &Value) -> &str {
    let of = |name: &str| series["median"][name].as_f64().unwrap_or_default();
    // By Little's law at most as many requests are under way as there are connections; a time read
    // in a wrong unit is off by a thousand.
    let under_way = of("requests_per_second") * of("mean_us") / 1e6;
    assert!(0.02 < under_way && under_way < 100.0, "{series:#}");
    assert!(of("p50_us") > 0.0 && of("p50_us") <= of("p99_us"), "{series:#}");
    assert!(series["multiple"]["mean_us"]["ratio"].as_f64().unwrap() > 0.0, "{series:#}");
    assert_eq!((&series["failed"], &series["fault"]), (&0.into(), &Value::Null), "{series:#}");
    series["scenario"].as_str().unwrap()
}

/// The guard ends a tool that would go on for ten minutes. It stands in for wrk, so that its turn
/// comes soon: jigger's own takes as long as the scenario says.
#[test]
fn a_tool_does_not_outlive_a_jigger_that_is_killed() {
    let lab = lab();
    let tool = lab.path("wrk");
    std::fs::write(&tool, "#!/bin/sh\n[ \"$1\" = -t ] && exec sleep 600\n").unwrap();
    std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    let mut command = lab.command(&["cross-check", "suite.toml", "--tool", "wrk", "-q"]);
    command.env("PATH", format!("{}:{path}", lab.folder.path().display()));
    let mut child = command.spawn().unwrap();
    let runs = || lab.processes().iter().any(|(_, line)| line.starts_with("sleep 600"));
    lab.wait_for("the tool's turn", runs);
    child.kill().unwrap();
    child.wait().unwrap();
    lab.wait_for("the end of all processes", || lab.processes().is_empty());
}

#[test]
fn tools_that_are_missing_are_named_with_the_remedy() {
    let lab = lab();
    let mut command = lab.command(&["cross-check", "suite.toml", "--quick", "--tool", "wrk"]);
    let outcome = crate::lab::Outcome::of(&command.env("PATH", "/nowhere").output().unwrap());
    outcome.expect(2, &["'wrk' is not on PATH; Debian: apt-get install wrk"]);
    lab.run(&["cross-check", "suite.toml", "--tool", "siege"])
        .expect(2, &["--tool: unknown tool 'siege'; known here: wrk, python"]);
    lab.assert_nothing_left();
}

#[test]
fn a_server_that_responds_wrongly_is_left_out_with_the_reason() {
    let bad = [contender("good", "pong", ""), never_ready("bad", "wrong-body")];
    let lab = Lab::new("", &bad, SCENARIOS);
    let outcome = lab.run(&["cross-check", "suite.toml", "--quick", "--tool", "wrk"]);
    outcome.expect(3, &["### Not run", "the contender bad: in round 1: ", "| good | jigger |"]);
    lab.assert_nothing_left();
}
