//! `jigger load`, `jigger compare` and suites over HTTP/2 without TLS, against the null server.

use jigger_load::{Address, NullOptions, NullServer};
use serde_json::Value;

use crate::lab::{COUNTED, Lab, contender, null_server};

fn lab() -> Lab {
    Lab::new("", &[contender("one", "pong", "")], COUNTED)
}

#[test]
fn a_load_over_http2_has_its_streams_and_the_servers_settings() {
    let lab = lab();
    let (_server, url) = null_server();
    let arguments = ["load", &url, "--http", "2", "-m", "5", "-c", "2", "-n", "400"];
    let text = lab.run(&arguments);
    text.expect(0, &["2 connections x 5 streams (HTTP/2)", "400 requests"]);
    let json = lab.run(&[&arguments[..], &["--format", "json"]].concat());
    json.expect(0, &[]);
    let report: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((&report["http"], &report["streams"]), (&"2".into(), &5.into()));
    assert_eq!(report["http2_settings"]["initial_window_bytes"], 1 << 30);
    assert_eq!(report["requests"], 400);
    let body = ["--http", "2", "-X", "PUT", "-b", "{{counter}}", "--template", "-n", "50"];
    lab.run(&[&["load", &url], &body[..]].concat()).expect(0, &["50 requests"]);
}

/// As many connections as the requests take; none of them counts as closed by the server.
#[test]
fn connections_of_a_number_of_requests_are_counted_and_recorded() {
    let lab = lab();
    let ((_one, first), (_two, second)) = (null_server(), null_server());
    let each = ["--requests-per-connection", "20"];
    for version in ["1.1", "2"] {
        let load = ["load", &first, "-c", "1", "-n", "400", "--http", version];
        let text = lab.run(&[&load[..], &each].concat());
        text.expect(0, &["20 requests per connection", "400 requests"]);
        assert!(!text.stdout.contains("the server closed"), "{}", text.stdout);
        let json = lab.run(&[&load[..], &each, &["--format", "json"]].concat());
        let report: Value = serde_json::from_str(&json.stdout).unwrap();
        let figures = ["requests_per_connection", "connections_opened", "closed_by_server"];
        assert_eq!(figures.map(|name| report[name].clone()), [20, 20, 0].map(Value::from));
    }
    let (a, b) = (format!("a={first}"), format!("b={second}"));
    let asked = ["compare", &a, &b, "-c", "2", "-d", "100ms", "--rounds", "1"];
    let text = lab.run(&[&asked[..], &each, &["--record", "record.json"]].concat());
    text.expect(0, &["20 requests per connection"]);
    let record = lab.record();
    assert_eq!(record["suite"]["scenarios"][1]["requests_per_connection"], 20);
    let trial = &record["visits"][0]["trials"][1];
    assert_eq!(
        (&trial["closed_by_server"], &trial["errors"]),
        (&0.into(), &serde_json::json!({})),
        "{trial}"
    );
    let refused = lab.run(&[&["load", &first, "--fresh"], &each[..]].concat());
    refused.expect(2, &["--requests-per-connection"]);
    let pipelined = lab.run(&[&["load", &first, "--pipeline", "2"], &each[..]].concat());
    pipelined.expect(2, &["leave out pipelining"]);
}

#[test]
fn what_belongs_to_the_other_version_is_refused() {
    let lab = lab();
    let (_server, url) = null_server();
    let refused = |flags: &[&str], text: &str| {
        lab.run(&[&["load", &url, "-n", "1"], flags].concat()).expect(2, &[text]);
    };
    refused(&["-m", "5"], "add --http 2");
    refused(&["--http", "2", "--pipeline", "5"], "use -m (--streams)");
    refused(&["--http", "2", "-m", "5", "--fresh"], "carries one request");
    refused(&["--http", "3"], "1.1");
}

#[test]
fn a_comparison_over_http2_verifies_in_it_and_keeps_what_was_spoken() {
    let lab = lab();
    let ((_one, first), (_two, second)) = (null_server(), null_server());
    let (first, second) = (format!("a={first}"), format!("b={second}"));
    let asked = ["compare", &first, &second, "-c", "2", "-d", "100ms", "--rounds", "1"];
    let more = ["--http", "2", "-m", "4", "--record", "record.json"];
    lab.run(&[&asked[..], &more].concat()).expect(0, &["2 connections x 4 streams (HTTP/2)"]);
    let record = lab.record();
    let scenarios = record["suite"]["scenarios"].as_array().unwrap();
    let streams: Vec<_> = scenarios.iter().map(|it| it["http2"].clone()).collect();
    assert_eq!(streams, [1, 4].map(Value::from));
    assert!(scenarios[1]["ceiling_per_second"].as_f64().unwrap() > 0.0);
    for visit in record["visits"].as_array().unwrap() {
        assert_eq!(visit["evidence"]["http_version"], "2");
        let settings = &visit["trials"][1]["http2_settings"];
        assert_eq!(settings["initial_window_bytes"], 1 << 30, "{settings}");
    }
}

/// A suite of a server for each protocol: the one that cannot speak HTTP/2 is told why it is left
/// out.
#[test]
fn a_server_of_http1_takes_no_part_in_a_scenario_of_http2() {
    let server = NullServer::start(&NullOptions::default()).unwrap();
    let Address::Tcp(address) = server.address() else { panic!("the default is TCP") };
    let both = format!("[[contender]]\nname = \"both\"\nurl = \"http://{address}/\"\n");
    let scenario = "[[scenario]]\nname = \"multiplexed\"\nconnections = 2\nrequests = 200\n\
                    protocol = \"h2\"\nstreams = 3\n";
    let head = "[suite]\nname = \"two\"\nrounds = { min = 1, max = 1 }\nplacebo = false\n\
                warm_up = { window = \"50ms\", cap = \"200ms\" }\n[expect]\ntext = \"pong\"\n";
    let short =
        contender("old", "pong", "").replace("start_limit = \"120s\"", "start_limit = \"3s\"");
    let lab = Lab::new("", &[], "");
    std::fs::write(lab.path("two.toml"), format!("{head}{both}{short}{scenario}")).unwrap();
    let run = lab.run(&["run", "two.toml", "--no-images", "--record", "record.json"]);
    let record = lab.record();
    let text = format!("{}{}", run.stdout, run.stderr);
    assert!(text.contains("does not speak HTTP/2 here"), "{text}");
    let visits = record["visits"].as_array().unwrap();
    let both = visits.iter().find(|visit| visit["entry"] == "both").unwrap();
    assert_eq!(both["trials"][0]["requests"], 200, "{both:#}");
}
