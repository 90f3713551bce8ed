//! The report of a load, for people and for programs.

use std::collections::BTreeMap;

use jigger_load::{Arrivals, EngineUse, Errors, Request, Url};
use serde_json::Value;

use super::*;
use crate::analysis::USUAL_LOCAL_PORTS;
use crate::report::to_json;

const SECOND: u64 = 1_000_000_000;

/// A second with so many responses of 1 ms, for which the client needed a fifth of its core.
pub fn sample(requests: u64) -> Sample {
    let times = || {
        let mut times = jigger_load::sample::histogram();
        times.record_n(1_000_000, requests).unwrap();
        times
    };
    Sample {
        by_request: Vec::new(),
        unchecked: 0,
        elapsed_ns: SECOND,
        requests,
        due: requests,
        bytes_received: 0,
        response_time_ns: times(),
        service_time_ns: None,
        kernel_time_ns: None,
        connect_time_ns: jigger_load::sample::histogram(),
        tls: None,
        status: BTreeMap::from([(200, requests)]),
        errors: Errors::default(),
        unanswered_ns: jigger_load::sample::histogram(),
        connections_opened: 8,
        closed_by_server: 0,
        unmade: Unmade::default(),
        surplus_bytes: 0,
        held_back: 0,
        peer_settings: None,
        drained: 0,
        idle_ns: 0,
        ticks: Vec::new(),
        engine: EngineUse { cpu_ns: SECOND / 5, cores: 1, schedule_lag_ns: None },
        driver: "none",
    }
}

fn load(address: Address) -> Load {
    let url = Url::parse("http://127.0.0.1:1/").unwrap();
    let mut load = Load::new(address, Request::new("GET", &url, &[], b"").unwrap());
    load.connections = 8;
    load
}

pub fn over_tcp() -> Load {
    load(Address::Tcp(std::net::SocketAddr::from(([127, 0, 0, 1], 1))))
}

pub fn at_rate(rate_per_second: f64) -> Load {
    let pacing = Pacing::Open { rate_per_second, arrivals: Arrivals::Even, burst: 1 };
    Load { pacing, ..over_tcp() }
}

/// The report as text, and the limit in the one for programs.
fn told(load: &Load, sample: &Sample) -> (String, Value) {
    let report = LoadReport::of("u", load, sample, USUAL_LOCAL_PORTS);
    let json: Value = serde_json::from_str(&to_json(&report)).unwrap();
    (report.text(), json["limit"].clone())
}

#[track_caller]
fn assert_limit(load: &Load, sample: &Sample, words: &str, code: &str) {
    let (text, json) = told(load, sample);
    assert!(text.contains(&format!("\n  limit: {words}\n")), "{text}");
    assert_eq!(json, code);
}

#[test]
fn the_client_says_what_limited_it_as_far_as_it_knows() {
    let closed = over_tcp();
    assert_limit(&closed, &sample(8_000), "server or connections", "server-or-connections");
    let mut busy = sample(8_000);
    busy.engine.cpu_ns = SECOND * 9 / 10;
    assert_limit(&closed, &busy, "client CPU", "client-cpu");
    assert_limit(&at_rate(8_000.0), &sample(8_000), "fixed rate", "rate");
    let short = Sample { due: 16_000, ..sample(8_000) };
    assert_limit(&at_rate(16_000.0), &short, "server or connections", "server-or-connections");
}

#[test]
fn ports_are_the_limit_where_there_are_any() {
    let opened = Sample { connections_opened: 14_000, ..sample(14_000) };
    assert_limit(&over_tcp(), &opened, "local ports", "ports");
    let (text, _) = told(&over_tcp(), &opened);
    let said = "port-limited: 14,000 connections were opened per second, near the end of the 28232";
    assert!(text.contains(said) && text.contains("at least 14,000 per second"), "{text}");
    let by_path = load(Address::Unix("/tmp/s".into()));
    assert_limit(&by_path, &opened, "server or connections", "server-or-connections");
}

#[test]
fn where_nothing_was_answered_nothing_was_used_up() {
    let mut none = sample(0);
    (none.elapsed_ns, none.engine.cpu_ns) = (85_000, 10_000_000);
    let (text, json) = told(&over_tcp(), &none);
    assert!(!text.contains("limit"), "{text}");
    assert_eq!(json, Value::Null);
}

#[test]
fn a_connection_that_is_ended_now_and_then_is_not_closed_by_principle() {
    let closed = |closed_by_server| {
        let sample = Sample { closed_by_server, ..sample(8_000) };
        told(&over_tcp(), &sample).0
    };
    let said = "connections: the server closed 80 keep-alive connections";
    assert!(closed(80).contains(said) && !closed(80).contains("connection-close"));
    assert!(
        closed(8_000).contains("connection-close: the server closed 8,000 keep-alive connections")
    );
    assert!(!closed(0).contains("closed 0"));
}

#[test]
fn each_of_several_requests_has_its_figures() {
    let url = |path: &str| Url::parse(&format!("http://h{path}")).unwrap();
    let request = |method: &str, path: &str| Request::new(method, &url(path), &[], b"").unwrap();
    let requests = vec![(request("GET", "/a?b"), 3), (request("DELETE", "/c"), 1)];
    let load = Load { requests, ..over_tcp() };
    let part = |requests: u64, errors: u64| jigger_load::RequestSample {
        response_time_ns: sample(requests).response_time_ns,
        errors,
    };
    let sample = Sample { by_request: vec![part(6_000, 0), part(2_000, 7)], ..sample(8_000) };
    let report = LoadReport::of("u", &load, &sample, USUAL_LOCAL_PORTS);
    let text = report.text();
    for line in [
        "\n  GET /a?b (weight 3): 6,000 per second, p50 1.00 ms, p99 1.00 ms\n",
        "\n  DELETE /c (weight 1): 2,000 per second, p50 1.00 ms, p99 1.00 ms, 7 failed\n",
    ] {
        assert!(text.contains(line), "{text}");
    }
    let json: Value = serde_json::from_str(&to_json(&report)).unwrap();
    assert_eq!(json["by_request"][1]["target"], "/c");
    assert_eq!(json["by_request"][1]["errors"], 7);
    assert_eq!(json["by_request"][0]["requests_per_second"], 6_000.0);
}

#[test]
fn what_was_not_checked_and_what_leads_elsewhere_is_told() {
    let text = |sample: &Sample| LoadReport::of("u", &over_tcp(), sample, 28_000).text();
    let all = text(&sample(8_000));
    assert!(!all.contains("checked:") && !all.contains("redirects:"), "{all}");
    let part = Sample { unchecked: 6_000, ..sample(8_000) };
    assert!(text(&part).contains("and 25 % of the bodies"), "{}", text(&part));
    let status = BTreeMap::from([(200, 1_000), (302, 7_000), (304, 3)]);
    let moved = text(&Sample { status, ..sample(8_000) });
    assert!(moved.contains("redirects: 7,000 responses send the client"), "{moved}");
}
