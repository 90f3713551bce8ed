//! The record that the tests of reports begin with.

pub mod blank;

use hdrhistogram::Histogram;

use crate::disturbance::Limits;
use crate::host::{Host, Placement};
use crate::record::{
    ContenderRecord, Ended, Evidence, ImageRecord, Record, ScenarioRecord, Status, SuiteRecord,
    TrialRecord, VERSION, VisitRecord, encode_histogram,
};

pub fn record(rounds: usize) -> Record {
    record_at(rounds, 20_000.0, 2_000.0)
}

/// A record of rounds in which gin and flask serve so many requests a second at saturation.
pub fn record_at(rounds: usize, gin: f64, flask: f64) -> Record {
    let visits = (0..rounds)
        .flat_map(|round| {
            // A little drift over the rounds, the same for all.
            let drift = 1.0 + 0.01 * f64::from(u32::try_from(round).unwrap());
            [visit("gin", round, gin * drift), visit("flask", round, flask * drift)]
        })
        .collect();
    let sequential = ScenarioRecord {
        fresh: true,
        requests: Some(300),
        duration_ns: None,
        ..blank::scenario("sequential", 1)
    };
    let contenders = vec![
        contender("gin", Status::Measured, 12_000_000),
        contender("flask", Status::Measured, 50_000_000),
        ContenderRecord {
            reason: Some("'cargo' is not on PATH; install Rust (https://rustup.rs)".to_owned()),
            image: None,
            ..contender("axum", Status::Skipped, 0)
        },
    ];
    let scenarios = vec![sequential, blank::scenario("saturation", 32)];
    blank::record(blank::suite("flask", scenarios), 2, contenders, visits)
}

pub fn contender(name: &str, status: Status, image_bytes: u64) -> ContenderRecord {
    let image = Some(blank::image(name, image_bytes));
    ContenderRecord { status, image, ..blank::contender(name) }
}

pub fn visit(entry: &str, round: usize, rate: f64) -> VisitRecord {
    VisitRecord {
        startup_ns: Some(if entry == "gin" { 4_000_000 } else { 400_000_000 }),
        evidence: Some(evidence(entry)),
        memory_idle_bytes: Some(10_000_000),
        memory_peak_bytes: Some(20_000_000),
        trials: vec![trial("sequential", rate / 10.0, 1.0), trial("saturation", rate, 32.0)],
        ..blank::visit(entry, round)
    }
}

pub fn evidence(entry: &str) -> Evidence {
    let closes_connections = entry == "flask";
    let processes = Some(if closes_connections { 9 } else { 1 });
    Evidence { closes_connections, processes, ..blank::evidence() }
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
        bytes_received: 1_000,
        response_time: encode_histogram(&histogram),
        server_cpu_ns: Some(1_800_000_000),
        engine_cpu_ns: 500_000_000,
        ..blank::trial(scenario, (rate * 2.0) as u64, 2_000_000_000)
    }
}
