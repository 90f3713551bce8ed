//! Requests other than a bare GET: docs/examples/requests, and what `compare` takes.

use std::path::Path;
use std::sync::{Arc, Mutex};

use jigger_load::{Address, NullOptions, NullServer};

use crate::lab::{Lab, contender};

/// A lab with the example's files and its suite, each text of it replaced by another.
fn example(replaced: &[(&str, &str)]) -> Lab {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples/requests");
    let lab = Lab::new("", &[contender("one", "pong", "")], "");
    for name in ["suite.toml", "server.py", "item.json", "names.txt"] {
        std::fs::copy(folder.join(name), lab.path(name)).unwrap();
    }
    let mut text = std::fs::read_to_string(lab.path("suite.toml")).unwrap();
    for (old, new) in replaced {
        assert!(text.contains(old), "{old}");
        text = text.replace(old, new);
    }
    std::fs::write(lab.path("suite.toml"), text).unwrap();
    lab
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

/// The server refuses another token and an id that it has seen, so all of the requests were sent as
/// the suite says.
#[test]
fn the_example_of_requests_can_be_run() {
    let lab = example(&[("requests = 200", "requests = 60")]);
    let run = ["run", "suite.toml", "--rounds", "2", "--warm-up", "100ms", "--no-images"];
    let outcome = lab.run(&[&run[..], &["--format", "json", "--record", "record.json"]].concat());
    outcome.expect(0, &[]);
    for contender in json(&outcome.stdout)["contenders"].as_array().unwrap() {
        let mix = contender["requests"]["mix"].as_array().unwrap();
        let methods: Vec<&str> = mix.iter().map(|it| it["method"].as_str().unwrap()).collect();
        assert_eq!(methods, ["GET", "POST", "DELETE"]);
        let answers: Vec<u64> = mix.iter().map(|it| it["requests"].as_u64().unwrap()).collect();
        assert!(answers[0] > answers[2], "6 to 1: {answers:?}");
        assert!(answers.iter().sum::<u64>() % 60 == 0, "{answers:?}");
        assert!(mix.iter().all(|it| it["errors"] == 0 && it["p50_us"].is_f64()), "{mix:#?}");
    }
    let record = lab.record();
    let asked = &record["suite"]["scenarios"][0]["asked"][0];
    assert_eq!((&asked["method"], &asked["files"]["lines"]), (&"POST".into(), &"names.txt".into()));
    let visit = &record["visits"][0];
    assert_eq!(visit["evidence"]["request"], "GET /items/{{random:1:1000}}", "it only reads");
    assert_eq!(visit["further_evidence"].as_array().unwrap().len(), 3);
    let markdown = lab.run(&["report", "record.json", "--format", "markdown"]);
    let title = "### orders: POST /items?page={{random:1:9}}, 2 connections";
    markdown.expect(0, &[title, "### mix: a mix of 3 requests", "### mix: each request"]);
    let page = lab.run(&["report", "record.json", "--format", "html"]);
    page.expect(0, &["mix: each request", "<code>names.txt</code>", "<code>item.json</code>"]);
    let differing = &json(&report_of(&lab))["contenders"][1]["confounders"][0];
    assert_eq!(differing["code"], "body-differs");
    assert_eq!(differing["touches"], serde_json::json!(["mix", "orders"]), "{differing:#}");
    assert!(differing["detail"].as_str().unwrap().starts_with("GET /items/{{random:1:1000}}: "));
    lab.assert_nothing_left();
}

fn report_of(lab: &Lab) -> String {
    lab.run(&["report", "record.json", "--format", "json"]).stdout
}

/// They are handed a URL and nothing else.
#[test]
fn other_tools_send_only_what_a_url_says() {
    if !crate::cross_check::has_wrk() {
        return;
    }
    let lab = example(&[("requests = 200", "requests = 60")]);
    let check = ["cross-check", "suite.toml", "--quick", "--only", "compact", "--tool", "wrk"];
    lab.run(&check).expect(0, &["the scenario orders with other tools", "the scenario mix with"]);
    lab.assert_nothing_left();
}

#[test]
fn a_request_with_a_wrong_response_is_named_before_load() {
    let lab = example(&[(":-secret", ":-guess")]);
    let outcome = lab.run(&["check", "suite.toml"]);
    let cause =
        "POST /items?page={{random:1:9}}: wrong response over a fresh connection: status 401";
    outcome.expect(3, &[cause, "or in the suite the request or what it expects"]);
    lab.assert_nothing_left();
}

/// What was verified three times may still be wrong later: every response is checked by the rule of its
/// own request.
#[test]
fn a_wrong_response_under_load_is_counted_for_its_request() {
    let later = "self.respond(*((204, None) if len(SEEN) < 40 else (500, {})))";
    let wrong = ("self.respond(204, None)", later);
    let lab = example(&[("requests = 200", "requests = 90")]);
    let server = std::fs::read_to_string(lab.path("server.py")).unwrap();
    assert!(server.contains(wrong.0));
    std::fs::write(lab.path("server.py"), server.replace(wrong.0, wrong.1)).unwrap();
    let run = ["run", "suite.toml", "--rounds", "1", "--warm-up", "100ms", "--no-images"];
    lab.run(&[&run[..], &["--record", "record.json", "--details"]].concat())
        .expect(0, &["status 500"]);
    let trial = &lab.record()["visits"][0]["trials"][1];
    let errors: Vec<&serde_json::Value> =
        trial["by_request"].as_array().unwrap().iter().map(|it| &it["errors"]).collect();
    assert_eq!((errors[0], errors[1]), (&0.into(), &0.into()));
    assert!(errors[2].as_u64() > Some(0) && *errors[2] == trial["errors"]["status"], "{trial:#}");
}

/// The requests that reached a server which responds with 201 and `{"ok": true}`.
#[test]
fn compare_sends_what_the_command_line_says() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let servers = [recorder(&seen), recorder(&seen)];
    let [one, two] = servers.map(|port| format!("http://127.0.0.1:{port}/api/"));
    let lab = Lab::new("", &[contender("one", "pong", "")], "");
    std::fs::write(lab.path("order.json"), "{\"n\":\"{{counter}}\"}").unwrap();
    let (one, two) = (format!("one={one}"), format!("two={two}"));
    let compare = |more: &[&str]| {
        let often = ["compare", &one, &two, "-c", "2", "-d", "50ms", "--rounds", "1", "--details"];
        lab.run(&[&often[..], more].concat())
    };
    let json = ["--json", "@order.json", "--template", "-H", "X-Key: k", "--expect-status", "201"];
    let outcome = compare(&[&json[..], &["--expect-body", "{\"ok\": true}"]].concat());
    outcome.expect(0, &["sequential: POST, 1 connection"]);
    let requests = std::mem::take(&mut *seen.lock().unwrap());
    for text in &requests {
        assert!(text.starts_with("POST /api/ HTTP/1.1\r\n"), "{text}");
        assert!(text.contains("\r\nContent-Type: application/json\r\n"), "{text}");
        assert!(text.contains("\r\nX-Key: k\r\n") && text.contains("\r\n\r\n{\"n\":\""), "{text}");
    }
    assert!(requests.len() > 500, "two servers, 250 requests each at least");
    let mix = ["--request", "3 GET /a", "--request", "1 DELETE /b", "--expect-status", "201"];
    let outcome = compare(&mix);
    outcome.expect(0, &["saturation: a mix of 2 requests, 2 connections", "DELETE /b"]);
    let paths = ["GET /a HTTP/1.1\r\n", "DELETE /b HTTP/1.1\r\n"];
    let requests = seen.lock().unwrap().clone();
    assert!(requests.iter().all(|text| paths.iter().any(|path| text.starts_with(path))));
    compare(&["--request", "0 GET /a"]).expect(2, &["'0' is not a whole number above zero"]);
    compare(&["--json", "{a"]).expect(2, &["--json '{a': it is not valid JSON (column 2)"]);
    compare(&["-b", "@gone"]).expect(2, &["body_file", "No such file"]);
    compare(&["-H", "a b: c"]).expect(2, &["'a b' is not a header name"]);
}

/// The path of each request that a recorder has seen since the last look.
fn taken(seen: &Mutex<Vec<String>>) -> Vec<String> {
    let requests = std::mem::take(&mut *seen.lock().unwrap());
    requests.iter().map(|text| text.split(' ').nth(1).unwrap().to_owned()).collect()
}

#[test]
fn the_requests_of_a_file_are_sent_in_turn() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let url = format!("http://127.0.0.1:{}/api/", recorder(&seen));
    let lab = Lab::new("", &[contender("one", "pong", "")], "");
    std::fs::write(lab.path("log"), "::1 - - [x] \"GET /a HTTP/1.1\" 200 1\n".repeat(3)).unwrap();
    std::fs::write(lab.path("list"), "/a\nhttp://h/b?c\n").unwrap();
    let load = |file: &str, more: &[&str]| {
        let often = ["load", &url, "-c", "1", "-n", "5", "--requests-file", file];
        lab.run(&[&often[..], more].concat())
    };
    load("list", &["-H", "X-Key: k"]).expect(0, &["5 requests"]);
    assert!(seen.lock().unwrap().iter().all(|text| text.contains("X-Key: k\r\n")));
    assert_eq!(taken(&seen), ["/a", "/b?c", "/a", "/b?c", "/a"]);
    let gone = "::1 - - [x] \"GET /gone HTTP/1.1\" 404 1\n";
    std::fs::write(lab.path("gone"), gone).unwrap();
    load("gone", &[]).expect(3, &["status 201"]);
    load("log", &["--expect-status", "200"]).expect(3, &["status 201"]);
    std::fs::write(lab.path("json"), "{\"path\":\"/a\",\"expect\":{\"json\":{\"ok\":false}}}\n")
        .unwrap();
    load("json", &[]).expect(3, &["the body differs from the expected one"]);
    std::fs::write(lab.path("head"), "{\"path\":\"/a\",\"expect\":{\"headers\":{\"X\":\"y\"}}}\n")
        .unwrap();
    load("head", &[]).expect(2, &["`load` checks the status and the body"]);
    load("none", &[]).expect(2, &["requests_file = 'none': cannot read it: No such file"]);
    load("log", &["-X", "PUT"]).expect(2, &["cannot be used with"]);
    taken(&seen);
    let (one, two) = (format!("one={url}"), format!("two={url}"));
    let compare = ["compare", &one, &two, "-c", "2", "-d", "50ms", "--rounds", "1", "--details"];
    lab.run(&[&compare[..], &["--requests-file", "list", "--record", "record.json"]].concat())
        .expect(0, &["2 requests of", "list in turn, 2 connections"]);
    assert!(taken(&seen).iter().all(|path| ["/a", "/b?c"].contains(&path.as_str())));
    let scenario = &lab.record()["suite"]["scenarios"][0];
    assert_eq!(scenario["replay"]["requests"], 2, "{scenario:#}");
    assert_eq!(lab.record()["visits"][0]["trials"][0]["requests"], 250);
}

/// A server on its port, which keeps each request that it reads.
fn recorder(seen: &Arc<Mutex<Vec<String>>>) -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = seen.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, seen) = (stream.unwrap(), seen.clone());
            std::thread::spawn(move || converse(stream, &seen));
        }
    });
    port
}

fn converse(mut stream: std::net::TcpStream, seen: &Mutex<Vec<String>>) {
    use std::io::{Read as _, Write as _};
    let (mut buffer, mut text) = ([0; 4096], String::new());
    while let Ok(bytes @ 1..) = stream.read(&mut buffer) {
        text.push_str(std::str::from_utf8(&buffer[..bytes]).unwrap());
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head
            .split("Content-Length: ")
            .nth(1)
            .map_or(0, |rest| rest.split("\r\n").next().unwrap().parse().unwrap());
        if body.len() < length {
            continue;
        }
        seen.lock().unwrap().push(std::mem::take(&mut text));
        let answer = "HTTP/1.1 201 Created\r\nContent-Length: 12\r\n\r\n{\"ok\": true}";
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// What the load engine can do in this shape is known for these requests, not for another.
#[test]
fn the_null_server_serves_a_mix() {
    let server = NullServer::start(&NullOptions::default()).unwrap();
    let Address::Tcp(address) = server.address() else { panic!("the default is TCP") };
    let url = format!("http://{address}/");
    let lab = Lab::new("", &[contender("one", "pong", "")], "");
    let mix = ["--request", "1 POST /a", "--request", "1 GET /b", "-b", "x", "-n", "400"];
    lab.run(&[&["load", &url], &mix[..]].concat()).expect(0, &["400 requests"]);
}
