//! Wrong command lines, suites and files: one message, exit code 2, nothing begun.

use crate::lab::{Lab, SCENARIOS, contender, null_server};

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
fn what_is_wrong_is_found_before_anything_begins() {
    let with = |line: &str| Lab::new("", &[contender("one", "pong", line)], SCENARIOS);
    let refused = |line: &str, texts: &[&str]| {
        for verb in ["run", "check"] {
            with(line).run(&[verb, "suite.toml"]).expect(2, texts);
        }
    };
    refused(
        "build = \"make && make install\"",
        &["contender 'one': build = 'make && make install'"],
    );
    refused("build = \"CC=gcc make\"", &["no shell runs", "env = { CC = \"gcc\" }"]);
    refused("env = { P = \"{prot}\" }", &["unknown placeholder 'prot'; did you mean 'port'?"]);
    refused(
        "needs = \"go\"",
        &["suite.toml:", "needs: an array belongs here, not the text \"go\""],
    );
}

#[test]
fn loads_that_make_no_sense_are_refused() {
    let lab = lab();
    let (_server, url) = null_server();
    let refused = |flags: &[&str], text: &str| {
        lab.run(&[&["load", &url, "-n", "1"], flags].concat()).expect(2, &[text]);
    };
    refused(&["-r", "1e300"], "this rate is too high");
    refused(&["-r", "-5"], "such as 500 or 2k");
    refused(&["-c", "many"], "write a whole number from 1");
    refused(&["--cpus", "0-99999"], "not a list of cores");
    refused(&["--cpus", "1023"], "--cpus: core 1023 is not one that jigger may use");
    refused(&["--connect-to", "h:x"], "write HOST, HOST:PORT");
    let long = lab.run(&["load", &url, "-d", "1", "--ramp", "2"]);
    long.expect(2, &["the ramp is longer than the load"]);
    std::fs::write(lab.path("lines"), "a\nb c\n").unwrap();
    let template = format!("{url}{{{{line}}}}");
    let lines = lab.run(&["load", &template, "-n", "1", "--template", "--lines", "lines"]);
    lines.expect(2, &["line 2 of the list", "percent-encode"]);
}

#[test]
fn loads_take_what_other_tools_take() {
    let lab = lab();
    let (_server, url) = null_server();
    let port = url.trim_end_matches('/').rsplit(':').next().unwrap();
    let elsewhere = format!("http://nobody.invalid:{port}/");
    let elsewhere = [&elsewhere, "--connect-to", "127.0.0.1", "-n", "5"];
    for flags in [
        &[&url, "-d", "0.2"][..],
        &[&url, "-n", "100", "-r", "2k"],
        &[&url, "-n", "1k", "--cpus", "0-0"],
        &[&url, "-n", "5", "-X", "POST", "-b", "-5"],
        &elsewhere,
    ] {
        lab.run(&[&["load"], flags].concat()).expect(0, &["requests in"]);
    }
}

#[test]
fn a_warm_up_takes_no_longer_than_asked_for() {
    let lab = lab();
    let ((_one, first), (_two, second)) = (null_server(), null_server());
    let (first, second) = (format!("a={first}"), format!("b={second}"));
    let cap = |flags: &[&str]| {
        let asked = ["compare", &first, &second, "-c", "2", "-d", "100ms", "--rounds", "1"];
        lab.run(&[&asked, flags, &["--record", "record.json"]].concat()).expect(0, &[]);
        let warm_up = lab.record()["suite"]["warm_up"].clone();
        (warm_up["window_ns"].as_u64().unwrap(), warm_up["cap_ns"].as_u64().unwrap())
    };
    assert_eq!(cap(&["--warm-up", "0.25"]), (50_000_000, 250_000_000));
    assert_eq!(cap(&[]), (100_000_000, 1_000_000_000), "short rounds have a short warm-up");
}

/// A reader of the messages that has gone.
#[test]
fn nobody_has_to_listen() {
    let lab = lab();
    let mut child = lab.start(&["run", "nope.toml"]);
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(2));
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

#[test]
fn a_command_with_a_slip_is_no_suite() {
    let lab = Lab::new("", &[], SCENARIOS);
    lab.run(&["lod"])
        .expect(2, &["'lod' is neither a command nor a suite; did you mean `jigger load`?"]);
    lab.run(&["nothing-near"]).expect(2, &["cannot read the suite nothing-near"]);
}
