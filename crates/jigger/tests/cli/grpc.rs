//! Unary gRPC calls by `load`, `compare` and a suite, against the null server.

use serde_json::Value;

use crate::lab::{COUNTED, Lab, contender, null_server};

fn lab() -> Lab {
    let lab = Lab::new("", &[contender("one", "pong", "")], COUNTED);
    std::fs::write(lab.path("message.bin"), [0x0a, 0x00, 0xff]).unwrap();
    lab
}

#[test]
fn a_load_of_calls_says_so_and_compares_messages() {
    let lab = lab();
    let (_server, url) = null_server();
    let url = format!("{url}echo.Echo/Unary");
    let call = ["load", &url, "--grpc", "-b", "@message.bin", "-m", "3", "-c", "2", "-n", "100"];
    lab.run(&call).expect(0, &["2 connections x 3 streams (gRPC)", "100 requests"]);
    let json = lab.run(&[&call[..], &["--format", "json", "--expect-body", "pong"]].concat());
    json.expect(0, &[]);
    let report: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((&report["grpc"], &report["http"]), (&true.into(), &"2".into()));
    assert_eq!((&report["requests"], &report["errors"]["grpc_status"]), (&100.into(), &0.into()));
    lab.run(&[&call[..], &["--expect-body", "ping"]].concat()).expect(3, &["wrong_answer"]);
}

#[test]
fn what_is_no_call_is_refused() {
    let lab = lab();
    let (_server, url) = null_server();
    let method = format!("{url}echo.Echo/Unary");
    let refused = |url: &str, flags: &[&str], text: &str| {
        lab.run(&[&["load", url, "-n", "1", "--grpc"], flags].concat()).expect(2, &[text]);
    };
    refused(&url, &[], "the path `/` does not name a method of a gRPC service");
    refused(&method, &["--http", "1.1"], "leave out --http 1.1");
    refused(&method, &["-X", "PUT"], "--method");
    refused(&method, &["--json", "{}"], "--json");
    refused(&method, &["--expect-status", "200"], "--expect-status");
    refused(&method, &["--pipeline", "2"], "use -m (--streams)");
    refused(&method, &["-H", "Content-Type: text/plain"], "content type application/grpc");
    let (one, two) = (format!("a={url}"), format!("b={method}"));
    lab.run(&["compare", &one, &two, "--grpc"]).expect(2, &["a: ", "does not name a method"]);
}

#[test]
fn a_comparison_of_calls_is_verified_and_recorded_as_such() {
    let lab = lab();
    let ((_one, first), (_two, second)) = (null_server(), null_server());
    let (first, second) = (format!("a={first}p.S/M"), format!("b={second}p.S/M"));
    let asked = ["compare", &first, &second, "-c", "2", "-d", "100ms", "--rounds", "1", "--grpc"];
    let more =
        ["-m", "4", "-b", "@message.bin", "--expect-body", "pong", "--record", "record.json"];
    lab.run(&[&asked[..], &more].concat()).expect(0, &["2 connections x 4 streams (gRPC)"]);
    let record = lab.record();
    let scenario = &record["suite"]["scenarios"][1];
    assert_eq!((&scenario["grpc"], &scenario["http2"]), (&true.into(), &4.into()));
    assert!(scenario["ceiling_per_second"].as_f64().unwrap() > 0.0);
    assert_eq!(scenario["asked"][0]["method"], "POST");
    for visit in record["visits"].as_array().unwrap() {
        let headers = visit["evidence"]["headers"].to_string();
        assert!(headers.contains("grpc-status"), "{headers}");
        assert!(visit["trials"][1]["requests"].as_u64().unwrap() > 0);
    }
}

/// A suite of one server, whose calls and expectations are these.
fn suite(lab: &Lab, url: &str, scenario: &str) {
    let text = format!(
        "[suite]\nname = \"calls\"\nrounds = {{ min = 1, max = 1 }}\nplacebo = false\n\
         warm_up = {{ window = \"20ms\", windows = 3, cap = \"60ms\" }}\n\
         [[contender]]\nname = \"one\"\nurl = \"{url}\"\nstart_limit = \"1s\"\n\
         [[scenario]]\nname = \"unary\"\nrequests = 100\nprotocol = \"grpc\"\n{scenario}\n"
    );
    std::fs::write(lab.path("calls.toml"), text).unwrap();
}

#[test]
fn a_suite_has_calls_with_their_own_expectations() {
    let lab = lab();
    let (_server, url) = null_server();
    let run = |scenario: &str, code: i32, text: &str| {
        suite(&lab, &url, scenario);
        lab.run(&["run", "calls.toml", "--no-images"]).expect(code, &[text]);
    };
    let call = "path = \"/p.S/M\", body_file = \"message.bin\"";
    run(
        &format!("streams = 2\nrequest = {{ {call}, expect = {{ text = \"pong\" }} }}"),
        0,
        "(gRPC)",
    );
    run(&format!("request = {{ {call}, expect = {{ length = 5 }} }}"), 3, "a body of 5 bytes");
    run("request = { body_file = \"message.bin\" }", 3, "does not name a method");
    run("request = { path = \"/p.S/M\", json = 1 }", 2, "as protobuf encodes it");
    run(&format!("request = {{ {call}, method = \"PUT\" }}"), 2, "leave out method");
    run(&format!("request = {{ {call}, lines = \"calls.toml\" }}"), 2, "leave out lines");
    run(&format!("request = {{ {call}, cookies = true }}"), 2, "no cookies");
    run("requests_file = \"calls.jsonl\"", 2, "cannot read it");
    std::fs::write(lab.path("calls.jsonl"), "{\"path\": \"/p.S/M\"}").unwrap();
    run("requests_file = \"calls.jsonl\"", 2, "use request or requests_mix");
}

/// The engine's server for HTTP/1.1 alone, as most are that have no gRPC on their port.
#[test]
fn a_server_of_http1_is_no_grpc_server() {
    let lab = lab();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/p.S/M", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 1000]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        }
    });
    lab.run(&["load", &url, "--grpc", "-n", "2", "-c", "1"]).expect(3, &["only HTTP/1.1"]);
}
