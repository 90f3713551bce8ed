//! `jigger load` against the built-in null server.

use std::io::{BufRead as _, Write as _};
use std::process::Command;
use std::time::Duration;

use jigger_load::{Address, NullOptions, NullServer};
use serde_json::Value;

use crate::lab::{Outcome, null_server};

fn jigger(arguments: &[&str]) -> Outcome {
    let output = Command::new(env!("CARGO_BIN_EXE_jigger")).args(arguments).output();
    Outcome::of(&output.unwrap())
}

fn json(arguments: &[&str]) -> Value {
    let outcome = jigger(&[arguments, &["--format", "json"]].concat());
    outcome.expect(0, &[]);
    serde_json::from_str(&outcome.stdout).unwrap()
}

#[test]
fn the_requested_number_of_requests_is_sent() {
    let (_server, url) = null_server();
    let report = json(&["load", &url, "-n", "2000", "-c", "4"]);
    assert_eq!(report["requests"], 2000);
    assert_eq!(report["status"]["200"], 2000);
    assert_eq!(report["in_flight_at_end"]["count"], 0);
    assert!(report["response_time_us"]["p99"].as_f64().unwrap() > 0.0);
    assert!(report["response_time_us"]["p99_99"].is_null(), "2,000 samples have no p99.99");
    assert!(report["errors"].as_object().unwrap().values().all(|count| count == 0));
}

#[test]
fn fresh_connections_are_counted_and_their_connect_time_is_apart() {
    let (_server, url) = null_server();
    let report = json(&["load", &url, "-n", "50", "-c", "1", "--fresh"]);
    assert_eq!(report["connections_opened"], 50);
    assert!(report["connect_time_us"]["p50"].as_f64().unwrap() > 0.0);
}

/// The last of 100 requests is due 99 intervals of 5 ms after the first.
#[test]
fn an_open_loop_sends_nothing_before_it_is_due() {
    let (_server, url) = null_server();
    let report = json(&["load", &url, "-n", "100", "-c", "4", "--rate", "200"]);
    assert_eq!(report["requests"], 100);
    assert!(report["seconds"].as_f64().unwrap() >= 99.0 * 0.005, "{report:#}");
    assert!(report["engine"]["schedule_lag_us"]["p99"].is_null());
    assert!(report["service_time_us"]["p50"].as_f64().unwrap() > 0.0);
}

#[test]
fn a_closed_loop_says_what_it_cannot_show_and_an_open_one_need_not() {
    let (_server, url) = null_server();
    let closed = jigger(&["load", &url, "-n", "50"]);
    closed.expect(0, &["closed loop: no request is sent while the server stalls", "--rate N"]);
    let open = jigger(&["load", &url, "-n", "50", "--rate", "500"]);
    open.expect(0, &["service time"]);
    assert!(!open.stdout.contains("closed loop"), "{}", open.stdout);
}

/// A client that looks later sees later, so that the kernel's times are taken too.
#[test]
fn a_batch_is_timed_by_the_kernel_too() {
    let options = NullOptions { work: Duration::from_micros(50), ..NullOptions::default() };
    let server = NullServer::start(&options).unwrap();
    let url = format!("http://{}/", server.address());
    let arguments = ["load", &url, "-n", "20000", "-c", "64", "--batch"];
    jigger(&arguments).expect(0, &["server's time", "batch: where 8 or more responses were due"]);
    let report = json(&arguments);
    let mean = |time: &str| report[time]["mean"].as_f64().unwrap();
    assert!(mean("kernel_time_us") < mean("response_time_us"), "{report:#}");
    assert!(mean("kernel_time_us") > 50.0, "{report:#}");
}

/// Sends 200 below /a and 404 elsewhere, counting both.
#[test]
fn several_requests_are_asked_as_often_as_they_weigh() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut lines = Vec::new();
        let mut reader = std::io::BufReader::new(stream);
        let mut line = String::new();
        while reader.read_line(&mut line).unwrap() > 0 {
            let text = std::mem::take(&mut line);
            if text == "\r\n" {
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
                reader.get_mut().write_all(answer).unwrap();
            } else if text.contains("HTTP/1.1") {
                lines.push(text.trim_end().to_owned());
            }
        }
        lines
    });
    let mix = ["--request", "3 GET /a", "--request", "1 DELETE /b?c=d"];
    let outcome = jigger(&[&["load", &url, "-n", "400", "-c", "1"], &mix[..]].concat());
    outcome.expect(0, &["400 requests"]);
    let lines = server.join().unwrap();
    let count = |wanted: &str| lines.iter().filter(|line| *line == wanted).count();
    let (gets, deletes) = (count("GET /a HTTP/1.1"), count("DELETE /b?c=d HTTP/1.1"));
    assert_eq!(gets + deletes, 400);
    assert!((270..=330).contains(&gets), "{gets} of 400 where 300 are likely");
    for wrong in ["GET /a", "x GET /a", "1 GET a"] {
        jigger(&["load", &url, "--request", wrong]).expect(2, &["--request", wrong]);
    }
}

/// `localhost` has an IPv6 address on most machines, and this server listens on IPv4 only.
#[test]
fn a_host_of_several_addresses_is_reached_at_the_one_that_listens() {
    let (server, _url) = null_server();
    let Address::Tcp(address) = server.address() else { panic!("the default is TCP") };
    let url = format!("http://localhost:{}/", address.port());
    assert_eq!(json(&["load", &url, "-n", "20"])["requests"], 20);
    let unknown = jigger(&["load", "http://no-such-host.invalid/", "-n", "1"]);
    unknown.expect(2, &["cannot resolve `no-such-host.invalid`", "check the name"]);
}

#[test]
fn wrong_responses_are_never_throughput() {
    let (_server, url) = null_server();
    let outcome = jigger(&["load", &url, "-n", "20", "--expect-body", "something else"]);
    outcome.expect(3, &["0.00 a second", "20 wrong_answer"]);
}

#[test]
fn nobody_listens() {
    let outcome = jigger(&["load", "http://127.0.0.1:9/", "-d", "200ms"]);
    outcome.expect(3, &["connect_refused"]);
}

#[test]
fn arguments_that_mean_nothing() {
    jigger(&["load", "ftp://x/"]).expect(2, &["http"]);
    let soon = jigger(&["load", "http://127.0.0.1:9/", "-d", "soon"]);
    soon.expect(2, &["invalid value 'soon' for '--duration <TIME>': write a time above zero"]);
    jigger(&["load", "http://127.0.0.1:9/", "-H", "bad"]).expect(2, &["Name: value"]);
}

const PONG: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npong";
const BROKEN: &[u8] = b"HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n";

/// A server that gives this response to its request of that number, if any.
fn server(response: fn(u32) -> Option<&'static [u8]>) -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let requests = std::sync::Arc::new(AtomicU32::new(0));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, requests) = (stream.unwrap(), requests.clone());
            std::thread::spawn(move || {
                let mut reader = std::io::BufReader::new(stream);
                let mut line = String::new();
                while reader.read_line(&mut line).unwrap_or(0) > 0 {
                    if std::mem::take(&mut line) == "\r\n"
                        && let Some(response) = response(requests.fetch_add(1, Ordering::Relaxed))
                    {
                        reader.get_mut().write_all(response).unwrap();
                    }
                }
            });
        }
    });
    url
}

#[test]
fn a_server_that_freezes_is_told_and_has_no_good_percentile() {
    let freezes = || server(|request| (request < 400).then_some(PONG));
    let open = jigger(&["load", &freezes(), "-c", "8", "--rate", "400", "-d", "2s"]);
    open.expect(
        4,
        &[
            "400 requests in 2.00 s: 200 a second of 400 requested",
            "unanswered: 400 of 800 requests had no response at the end, the oldest for ",
            "the last response came 1.",
            "response time at least: ",
            "failed: 50 % of 800 requests",
            "50 % of the requests failed, and --max-error-rate allows 0 %",
        ],
    );
    let closed = jigger(&["load", &freezes(), "-c", "8", "-d", "1s"]);
    closed.expect(4, &["response time: not shown, because the server stopped responding"]);
    assert!(!closed.stdout.contains("p50"), "{}", closed.stdout);
    let silent = server(|_| None);
    jigger(&["load", &silent, "-c", "2", "-d", "300ms"]).expect(3, &["0 requests"]);
}

#[test]
fn a_load_with_failed_requests_fails_unless_they_are_allowed() {
    let url = server(|request| Some(if request.is_multiple_of(10) { BROKEN } else { PONG }));
    let load = |more: &[&str]| jigger(&[&["load", &url, "-n", "400"], more].concat());
    let told =
        ["10 % of the requests failed, and --max-error-rate allows 0 %", "errors: 40 status"];
    load(&[]).expect(4, &told);
    load(&["--max-error-rate", "10%"]).expect(0, &["failed: 10 % of 400 requests"]);
    load(&["--max-error-rate", "0.5"]).expect(0, &[]);
    load(&["--max-error-rate", "0.1%"]).expect(4, &["allows 0.1 %"]);
    load(&["--max-error-rate", "2"]).expect(2, &["--max-error-rate '2'", "such as 1% or 0.01"]);
    let condition = ["--max-error-rate", "1", "--fail-if", "error_rate > 5%"];
    load(&condition).expect(1, &["--fail-if 'error_rate > 5%': it was 10 %"]);
    load(&["--fail-if", "p99 ~ 5ms"]).expect(2, &["'p99 ~ 5ms': it has neither < nor >"]);
}

#[test]
fn the_percentiles_are_those_asked_for_and_each_second_has_a_line() {
    let (_server, url) = null_server();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("seconds.csv");
    let file = file.to_str().unwrap();
    // On a machine that is busy with other tests the last requests may still be under way.
    let load = ["load", &url, "-d", "2200ms", "--rate", "400", "--max-error-rate", "1"];
    let more = ["--percentiles", "p50,95,99.99", "--timeline", file];
    let arguments = [&load[..], &more].concat();
    let outcome = jigger(&arguments);
    outcome.expect(0, &["p50 ", ", p95 ", "too few responses for p99.99"]);
    let lines = std::fs::read_to_string(file).unwrap();
    let lines: Vec<Vec<&str>> = lines.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert_eq!(lines[0], ["seconds", "requests_per_second", "p50_us", "p99_us", "errors"]);
    assert!((390.0..410.0).contains(&lines[2][1].parse::<f64>().unwrap()), "{lines:?}");
    assert!(lines[2][2].parse::<f64>().unwrap() > 0.0 && lines[2][3].is_empty(), "{lines:?}");
    let percentiles = &json(&arguments)["response_time_percentiles_us"];
    assert!(percentiles["95"].as_f64() >= percentiles["50"].as_f64(), "{percentiles}");
    assert!(percentiles["99.99"].is_null());
    jigger(&[&load[..], &["--percentiles", "50,x"]].concat()).expect(2, &["--percentiles 'x'"]);
    let nowhere = ["--timeline", "/no/such/folder/x.csv"];
    jigger(&[&load[..], &nowhere].concat())
        .expect(2, &["--timeline: cannot write", "No such file"]);
}

#[test]
fn several_rates_are_tried_one_after_another() {
    let (_server, url) = null_server();
    let rates = ["load", &url, "-d", "300ms", "--rate", "100,1k", "--percentiles", "50,90"];
    let load = [&rates[..], &["--max-error-rate", "1"]].concat();
    let outcome = jigger(&load);
    outcome.expect(0, &["0.30 s at each rate", "asked/s reached/s p50 p90 failed"]);
    let lines: Vec<Vec<&str>> =
        outcome.stdout.lines().skip(2).map(|line| line.split_whitespace().collect()).collect();
    assert_eq!([lines[0][0], lines[1][0]], ["100", "1,000"], "{}", outcome.stdout);
    assert_eq!(lines.len(), 2);
    let as_json = jigger(&[&load[..], &["--format", "json"]].concat());
    let reports = serde_json::Deserializer::from_str(&as_json.stdout).into_iter::<Value>();
    let asked: Vec<f64> =
        reports.map(|it| it.unwrap()["asked_per_second"].as_f64().unwrap()).collect();
    assert_eq!(asked, [100.0, 1_000.0]);
    let frozen = server(|request| (request < 60).then_some(PONG));
    let failing = ["load", &frozen, "-d", "300ms", "--rate", "100,400"];
    jigger(&failing).expect(4, &[">= ", "of the requests failed"]);
    let counted = jigger(&["load", &url, "-n", "20", "--rate", "100,1k"]);
    counted.expect(0, &["1 thread, 20 requests at each rate"]);
    let timed = [&load[..], &["--timeline", "x.csv"]].concat();
    jigger(&timed).expect(2, &["--timeline records a load at one rate"]);
}
