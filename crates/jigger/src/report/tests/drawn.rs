//! The record that the tests of reports begin with.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use crate::disturbance::{Disturbance, Limits};
use crate::host::{Host, Placement};
use crate::record::{
    ContenderRecord, Ended, Evidence, ImageRecord, Record, ScenarioRecord, Status, SuiteRecord,
    TrialRecord, VERSION, VisitRecord, encode_histogram,
};

pub fn record(rounds: usize) -> Record {
    record_at(rounds, 20_000.0, 2_000.0)
}

/// A record of rounds in which gin and flask answer so many requests a second at saturation.
pub fn record_at(rounds: usize, gin: f64, flask: f64) -> Record {
    let scenario = |name: &str, connections, fresh| ScenarioRecord {
        name: name.to_owned(),
        connections,
        threads: 1,
        fresh,
        requests: fresh.then_some(300),
        duration_ns: (!fresh).then_some(2_000_000_000),
        rate_per_second: None,
        exponential: false,
        burst: None,
        objective: None,
        ceiling_per_second: None,
        ceiling_attempts: Vec::new(),
        fresh_for: None,
    };
    let visits = (0..rounds)
        .flat_map(|round| {
            // A little drift over the rounds, the same for all.
            let drift = 1.0 + 0.01 * f64::from(u32::try_from(round).unwrap());
            [visit("gin", round, gin * drift), visit("flask", round, flask * drift)]
        })
        .collect();
    Record {
        version: VERSION,
        jigger: "0.1.0".to_owned(),
        created: "2026-01-01T00:00:00Z".to_owned(),
        seed: 42,
        suite: SuiteRecord {
            name: "pong".to_owned(),
            source: String::new(),
            baseline: "flask".to_owned(),
            margin: 0.02,
            disturbance: Limits::default(),
            scenarios: vec![scenario("sequential", 1, true), scenario("saturation", 32, false)],
            thresholds: Vec::new(),
            warm_up: None,
        },
        host: Host {
            processor: "A Processor".to_owned(),
            cores: 2,
            memory_bytes: 8_000_000_000,
            kernel: "6.1.0".to_owned(),
            governor: None,
            virtual_machine: true,
            smt_siblings: Vec::new(),
        },
        placement: Placement::split(&[0, 1]),
        contenders: vec![
            contender("gin", Status::Measured, 12_000_000),
            contender("flask", Status::Measured, 50_000_000),
            ContenderRecord {
                reason: Some("'cargo' is not on PATH; install Rust (https://rustup.rs)".to_owned()),
                image: None,
                ..contender("axum", Status::Skipped, 0)
            },
        ],
        calibrations: Vec::new(),
        launches: Vec::new(),
        visits,
        ended: Ended::MaxRounds,
    }
}

pub fn contender(name: &str, status: Status, image_bytes: u64) -> ContenderRecord {
    ContenderRecord {
        name: name.to_owned(),
        status,
        reason: None,
        start: vec!["./app".to_owned()],
        environment: Vec::new(),
        build_seconds: Some(1.5),
        artifact: None,
        image: Some(ImageRecord {
            reference: format!("jigger-pong/{name}"),
            engine: "docker".to_owned(),
            unpacked_bytes: image_bytes,
            transfer_bytes: image_bytes / 3,
            own_bytes: image_bytes,
            engine_says_bytes: Some(image_bytes),
            wasted_bytes: 0,
            engine_note: None,
            layers: Vec::new(),
        }),
        image_reason: None,
        container: None,
    }
}

pub fn visit(entry: &str, round: usize, rate: f64) -> VisitRecord {
    VisitRecord {
        round,
        position: 0,
        entry: entry.to_owned(),
        startup_ns: Some(if entry == "gin" { 4_000_000 } else { 400_000_000 }),
        evidence: Some(evidence(entry)),
        steady: true,
        memory_idle_bytes: Some(10_000_000),
        memory_peak_bytes: Some(20_000_000),
        disturbance: Disturbance::default(),
        attempt: 0,
        repeated: false,
        trials: vec![trial("sequential", rate / 10.0, 1.0), trial("saturation", rate, 32.0)],
        failure: None,
    }
}

pub fn evidence(entry: &str) -> Evidence {
    let closes = entry == "flask";
    Evidence {
        http_version: "1.1".to_owned(),
        status: 200,
        headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
        body_bytes: 18,
        body_sha256: "ab".to_owned(),
        body_start: "{\"message\":\"pong\"}".to_owned(),
        body_repeats: true,
        closes_connections: closes,
        processes: Some(if closes { 9 } else { 1 }),
        threads: Some(1),
        debug_notice: None,
        refused_at: Vec::new(),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and positive")]
pub fn trial(scenario: &str, rate: f64, connections: f64) -> TrialRecord {
    let mean_ns = (connections / rate * 1e9) as u64;
    let mut histogram = Histogram::<u64>::new(3).unwrap();
    for _ in 0..600 {
        histogram.record(mean_ns * 9 / 10).unwrap();
        histogram.record(mean_ns * 11 / 10).unwrap();
    }
    TrialRecord {
        scenario: scenario.to_owned(),
        elapsed_ns: 2_000_000_000,
        requests: (rate * 2.0) as u64,
        bytes_received: 1_000,
        response_time: encode_histogram(&histogram),
        connect_time: encode_histogram(&Histogram::new(3).unwrap()),
        status: BTreeMap::from([(200, (rate * 2.0) as u64)]),
        errors: BTreeMap::new(),
        error_examples: BTreeMap::new(),
        in_flight: 0,
        in_flight_oldest_ns: 0,
        connections_opened: 1,
        closed_by_server: 0,
        server_cpu_ns: Some(1_800_000_000),
        memory_bytes: None,
        engine_cpu_ns: 500_000_000,
        engine_cores: 1,
        idle_ns: Some(0),
        log_bytes: 0,
        driver: "epoll".to_owned(),
        due: None,
        capacity_per_second: None,
        probes: Vec::new(),
    }
}
