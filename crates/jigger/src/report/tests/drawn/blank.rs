//! Parts of records for tests to fill in: a server that responds with pong, and nothing measured yet.
//!
//! The crate's own tests and those beside it take this file in, each with the record's types by the
//! path that it knows.

use std::collections::BTreeMap;

use super::{
    ContenderRecord, Ended, Evidence, Histogram, Host, ImageRecord, Limits, Placement, Record,
    ScenarioRecord, Status, SuiteRecord, TrialRecord, VERSION, VisitRecord, encode_histogram,
};

/// A record of a machine with so many cores.
pub fn record(
    suite: SuiteRecord,
    cores: usize,
    contenders: Vec<ContenderRecord>,
    visits: Vec<VisitRecord>,
) -> Record {
    Record {
        version: VERSION,
        jigger: "0.1.0".to_owned(),
        created: "2026-01-01T00:00:00Z".to_owned(),
        seed: 42,
        plan: None,
        suite,
        host: Host {
            processor: "A Processor".to_owned(),
            cores,
            memory_bytes: 8_000_000_000,
            kernel: "6.1.0".to_owned(),
            governor: None,
            virtual_machine: true,
            smt_siblings: Vec::new(),
            local_ports: None,
        },
        placement: Placement::split(&(0..cores).collect::<Vec<_>>()),
        services: Vec::new(),
        contenders,
        calibrations: Vec::new(),
        launches: Vec::new(),
        visits,
        ended: Ended::MaxRounds,
    }
}

pub fn suite(baseline: &str, scenarios: Vec<ScenarioRecord>) -> SuiteRecord {
    SuiteRecord {
        name: "pong".to_owned(),
        source: String::new(),
        baseline: baseline.to_owned(),
        margin: 0.02,
        disturbance: Limits::default(),
        looks: Vec::new(),
        scenarios,
        thresholds: Vec::new(),
        published: Vec::new(),
        warm_up: None,
    }
}

/// A closed loop over kept connections for 2 s.
pub fn scenario(name: &str, connections: usize) -> ScenarioRecord {
    ScenarioRecord {
        asked: Vec::new(),
        setup: Vec::new(),
        keeps_cookies: false,
        replay: None,
        variant: None,
        name: name.to_owned(),
        connections,
        threads: 1,
        http2: None,
        grpc: false,
        requests_per_connection: None,
        fresh: false,
        resumed: false,
        requests: None,
        duration_ns: Some(2_000_000_000),
        rate_per_second: None,
        exponential: false,
        burst: None,
        objective: None,
        ceiling_per_second: None,
        ceiling_attempts: Vec::new(),
        fresh_for: None,
    }
}

pub fn contender(name: &str) -> ContenderRecord {
    ContenderRecord {
        name: name.to_owned(),
        status: Status::Measured,
        reason: None,
        start: vec!["./app".to_owned()],
        environment: Vec::new(),
        build_seconds: Some(1.5),
        artifact: None,
        image: None,
        image_reason: None,
        container: None,
        uses: Vec::new(),
        user: None,
        variant: None,
        counterpart: None,
        protocol: None,
        streams: None,
        headers: Vec::new(),
        path: None,
    }
}

/// An image that shares nothing.
pub fn image(name: &str, bytes: u64) -> ImageRecord {
    ImageRecord {
        reference: format!("jigger-pong/{name}"),
        engine: "docker".to_owned(),
        unpacked_bytes: bytes,
        transfer_bytes: bytes / 3,
        own_bytes: bytes,
        engine_says_bytes: Some(bytes),
        wasted_bytes: 0,
        engine_note: None,
        layers: Vec::new(),
    }
}

pub fn visit(entry: &str, round: usize) -> VisitRecord {
    VisitRecord { evidence: Some(evidence()), ..VisitRecord::begun(entry, round, 0) }
}

pub fn evidence() -> Evidence {
    Evidence {
        request: None,
        http_version: "1.1".to_owned(),
        status: 200,
        headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
        body_bytes: 18,
        body_sha256: "ab".to_owned(),
        body_start: "{\"message\":\"pong\"}".to_owned(),
        body_repeats: true,
        closes_connections: false,
        processes: Some(1),
        threads: Some(1),
        debug_notice: None,
        refused_at: Vec::new(),
        tls: None,
    }
}

/// So many requests in that time.
pub fn trial(scenario: &str, requests: u64, elapsed_ns: u64) -> TrialRecord {
    let none = encode_histogram(&Histogram::new(3).unwrap());
    TrialRecord {
        unchecked: 0,
        by_request: Vec::new(),
        services: Vec::new(),
        tls: None,
        scenario: scenario.to_owned(),
        elapsed_ns,
        requests,
        bytes_received: 0,
        response_time: none.clone(),
        connect_time: none,
        status: BTreeMap::from([(200, requests)]),
        errors: BTreeMap::new(),
        error_examples: BTreeMap::new(),
        in_flight: 0,
        in_flight_oldest_ns: 0,
        connections_opened: 1,
        closed_by_server: 0,
        surplus_bytes: 0,
        http2_settings: None,
        held_back: 0,
        heard_out: 0,
        server_cpu_ns: None,
        memory_bytes: None,
        engine_cpu_ns: 0,
        engine_cores: 1,
        idle_ns: Some(0),
        log_bytes: 0,
        driver: "epoll".to_owned(),
        due: None,
        capacity_per_second: None,
        probes: Vec::new(),
        limit: None,
    }
}
