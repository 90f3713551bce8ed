//! Logins and cookies: `[[setup_request]]`, `capture` and `cookies`, with a server that answers nobody
//! else. Its responses are gzip.

use std::path::Path;

use crate::lab::{Lab, python};

const SETUP: &str = "[[setup_request]]\npath = \"/login\"\njson = { user = \"user-{{counter}}\" }\n\
    capture = { token = \"json:/session/token\", cart = \"header:X-Cart\" }\n\
    [request]\npath = \"/items/{{cart}}\"\nheaders = { Authorization = \"Bearer {{token}}\" }\n\
    cookies = true\n";

const SCENARIOS: &str = "[[scenario]]\nname = \"kept\"\nconnections = 3\nrequests = 60\n\
    [[scenario]]\nname = \"due\"\nconnections = 2\nrequests = 40\nrate = 200\n\
    [[scenario]]\nname = \"fresh\"\nconnections = 2\nrequests = 40\nconnection = \"fresh\"\n";

/// A lab whose two contenders are the server with logins.
fn lab(setup: &str, own: &str) -> Lab {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/session.py");
    let contender = |name: &str, own: &str| {
        format!(
            "[[contender]]\nname = \"{name}\"\nstart = [\"{}\", \"-SE\", \"{}\", \"{{port}}\"]\n\
             url = \"http://127.0.0.1:{{port}}\"\n{own}\n",
            python(),
            script.display()
        )
    };
    let contenders = [contender("one", ""), contender("two", own)];
    let lab = Lab::new("", &contenders, &format!("{setup}{SCENARIOS}"));
    let text = std::fs::read_to_string(lab.path("suite.toml")).unwrap();
    let expect = "regex = '\"message\": \"pong\"'";
    std::fs::write(lab.path("suite.toml"), text.replace("json = { message = \"pong\" }", expect))
        .unwrap();
    lab
}

/// The server refuses who is not logged in, a user's token with another's cookie, and any but the
/// cookie of the last response.
#[test]
fn each_connection_is_logged_in_and_keeps_its_cookies() {
    let lab = lab(SETUP, "headers = { X-Own = \"{env:JIGGER_NOT_SET:-hush}\" }");
    let run =
        ["run", "suite.toml", "--rounds", "1", "--warm-up", "60ms", "--no-images", "--details"];
    let outcome = lab.run(&[&run[..], &["--record", "record.json"]].concat());
    outcome.expect(
        0,
        &[
            "requests-differ",
            "X-Own is '{env:JIGGER_NOT_SET:-hush}'",
            "Every response under load was",
        ],
    );
    assert!(!outcome.stdout.replace(":-hush", "").contains("hush"), "{}", outcome.stdout);
    let record = lab.record();
    let scenario = &record["suite"]["scenarios"][0];
    assert_eq!(scenario["setup"][0]["captures"]["token"], "json:/session/token");
    assert_eq!(scenario["keeps_cookies"], true);
    for visit in record["visits"].as_array().unwrap() {
        for trial in visit["trials"].as_array().unwrap() {
            assert_eq!(trial["errors"], serde_json::json!({}), "{trial:#}");
            let requests = if trial["scenario"] == "kept" { 60 } else { 40 };
            assert_eq!(trial["requests"], requests, "the logins are in no figure");
        }
    }
    lab.assert_nothing_left();
}

#[test]
fn a_setup_that_fails_is_named_before_load() {
    for (replaced, wanted) in [
        (
            ("user-{{counter}}", ""),
            "setup_request 1 (POST /login): wrong response: status 403 instead of one below 400; body: \
             \"{\\\"error\\\": \\\"who are you?\\\"}\"; correct the suite's [[setup_request]], or the \
             contender",
        ),
        (
            ("json:/session/token", "json:/token"),
            "setup_request 1 (POST /login): capture: 'json:/token' finds nothing in the body \
             \"{\\\"session\\\": ",
        ),
        (("header:X-Cart", "header:X-Card"), "'header:X-Card' finds no such header"),
        (("/items/{{cart}}", "/items/{{crat}}"), "unknown placeholder '{{crat}}'; did you mean"),
        (
            ("/items/{{cart}}", "/moved"),
            "it redirects to /items/elsewhere, and jigger follows no redirects",
        ),
    ] {
        let lab = lab(&SETUP.replace(replaced.0, replaced.1), "");
        let outcome = lab.run(&["check", "suite.toml"]);
        let code = if wanted.starts_with("unknown") { 2 } else { 3 };
        outcome.expect(code, &[wanted]);
        lab.assert_nothing_left();
    }
}
