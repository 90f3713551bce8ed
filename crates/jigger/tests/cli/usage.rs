//! Wrong command lines, suites and files: one message, exit code 2, nothing begun.

use crate::lab::{Lab, SCENARIOS, contender};

fn lab() -> Lab {
    Lab::new("", &[contender("one", "pong", "")], SCENARIOS)
}

#[test]
fn a_suite_that_is_not_there() {
    lab()
        .run(&["run", "nope.toml"])
        .expect(2, &["cannot read the suite nope.toml", "pong, post, placebo"]);
}

#[test]
fn an_unknown_key() {
    let lab = Lab::new("rouns = 3", &[contender("one", "pong", "")], SCENARIOS);
    lab.run(&["run", "suite.toml"])
        .expect(2, &["suite.toml:6: unknown key 'rouns'; did you mean 'rounds'?"]);
}

#[test]
fn an_unknown_contender() {
    lab()
        .run(&["run", "suite.toml", "--only", "on"])
        .expect(2, &["unknown contender 'on'; did you mean 'one'?"]);
}

#[test]
fn places_that_cannot_be_written() {
    let lab = lab();
    let record = lab.run(&["run", "suite.toml", "--record", "/proc/no/record.json"]);
    record.expect(2, &["cannot write the record /proc/no/record.json", "--record"]);
    let output = lab.run(&["run", "suite.toml", "-o", "/proc/no/report.md"]);
    output.expect(2, &["cannot write /proc/no/report.md"]);
    lab.run(&["run", "suite.toml", "-o", "report.xyz"])
        .expect(2, &["cannot tell the format of report.xyz"]);
    assert!(!lab.path("jigger-records").exists(), "a record was begun");
}

#[test]
fn a_record_that_is_none() {
    let lab = lab();
    std::fs::write(lab.path("r.json"), "{\"version\": 99}").unwrap();
    lab.run(&["report", "r.json"]).expect(2, &["record version 99", "reads up to 2"]);
    lab.run(&["report", "gone.json"]).expect(2, &["cannot read the record gone.json"]);
}

#[test]
fn compare_wants_names_and_urls() {
    lab().run(&["compare", "a", "b"]).expect(2, &["'a' is not NAME=URL"]);
}

#[test]
fn cores_that_are_none() {
    for verb in [&["run", "suite.toml"][..], &["check", "suite.toml"]] {
        let wrong = |list: &str| lab().run(&[verb, &["--server-cpus", list]].concat());
        wrong("100000").expect(2, &["--server-cpus", "write for instance 0,2-5"]);
        wrong("1023").expect(2, &["core 1023 is not one that jigger may use; choose from"]);
        wrong("").expect(2, &["--server-cpus"]);
        wrong("1-").expect(2, &["write for instance 0,2-5"]);
    }
}

#[test]
fn a_format_that_a_command_does_not_offer() {
    for (verb, offered) in [
        ("run", "text, markdown, html, csv, json"),
        ("report", "text, markdown, html, csv, json"),
        ("ab", "text, markdown, json"),
        ("diff", "text, markdown, json"),
        ("load", "text, json"),
        ("timeit", "text, json"),
        ("cross-check", "markdown, json"),
    ] {
        let refused = lab().run(&[verb, "--format", "toml"]);
        refused.expect(2, &["'toml'", "--format", &format!("[possible values: {offered}]")]);
    }
}

#[cfg(not(feature = "tui"))]
#[test]
fn the_live_screen_is_not_in_every_jigger() {
    lab().run(&["load", "http://127.0.0.1:9/", "--tui"]).expect(2, &["without its feature `tui`"]);
}

#[cfg(not(feature = "lua"))]
#[test]
fn scripts_are_not_in_every_jigger() {
    let (_server, url) = crate::lab::null_server();
    lab()
        .run(&["wrk", &url, "-s", "x.lua"])
        .expect(1, &["-s x.lua: ", "without its feature `lua`"]);
}
