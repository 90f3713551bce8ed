//! What is printed, from records made by hand: every number here was chosen.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use super::{Format, render};
use crate::analysis::Analysis;
use crate::host::{Host, Placement};
use crate::record::{
    BoundRecord, ContenderRecord, Ended, Evidence, ImageRecord, Record, ScenarioRecord, Status,
    SuiteRecord, ThresholdRecord, TrialRecord, VERSION, VisitRecord, encode_histogram,
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
        visits,
        ended: Ended::MaxRounds,
    }
}

fn contender(name: &str, status: Status, image_bytes: u64) -> ContenderRecord {
    ContenderRecord {
        name: name.to_owned(),
        status,
        reason: None,
        start: vec!["./app".to_owned()],
        environment: Vec::new(),
        build_seconds: Some(1.5),
        image: Some(ImageRecord {
            reference: format!("jigger-pong/{name}"),
            engine: "docker".to_owned(),
            unpacked_bytes: image_bytes,
            transfer_bytes: image_bytes / 3,
            own_bytes: image_bytes,
            engine_says_bytes: Some(image_bytes),
        }),
        image_reason: None,
    }
}

fn visit(entry: &str, round: usize, rate: f64) -> VisitRecord {
    VisitRecord {
        round,
        position: 0,
        entry: entry.to_owned(),
        startup_ns: Some(if entry == "gin" { 4_000_000 } else { 400_000_000 }),
        evidence: Some(evidence(entry)),
        steady: true,
        memory_idle_bytes: Some(10_000_000),
        memory_peak_bytes: Some(20_000_000),
        steal_share: 0.0,
        trials: vec![trial("sequential", rate / 10.0, 1.0), trial("saturation", rate, 32.0)],
        failure: None,
    }
}

fn evidence(entry: &str) -> Evidence {
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
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and positive")]
fn trial(scenario: &str, rate: f64, connections: f64) -> TrialRecord {
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
        engine_cpu_ns: 500_000_000,
        engine_cores: 1,
        log_bytes: 0,
        driver: "epoll".to_owned(),
        due: None,
        capacity_per_second: None,
        probes: Vec::new(),
    }
}

#[test]
fn the_terminal_report_fits_80_columns() {
    let record = record(7);
    let text = render(&Analysis::of(&record), Format::Text, false);
    insta::assert_snapshot!("terminal", text);
    let tables = text.lines().filter(|line| line.starts_with("  "));
    for line in tables {
        assert!(line.chars().count() <= 80, "{} columns: {line}", line.chars().count());
    }
}

#[test]
fn the_markdown_report() {
    insta::assert_snapshot!("markdown", render(&Analysis::of(&record(7)), Format::Markdown, false));
}

#[test]
fn two_rounds_have_figures_and_no_interval() {
    let record = record(2);
    let text = render(&Analysis::of(&record), Format::Text, false);
    assert!(text.contains("2 rounds: too few for an interval; 6 are needed"), "{text}");
    assert!(text.contains("gin answered 10.0 times as many requests a second as flask."), "{text}");
    assert!(!text.contains('['), "{text}");
}

#[test]
fn the_json_report_has_the_documented_shape() {
    let record = record(7);
    let text = render(&Analysis::of(&record), Format::Json, false);
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let comparison = &value["comparisons"].as_array().unwrap().iter().find(|comparison| {
        comparison["metric"] == "saturation.requests_per_second" && comparison["contender"] == "gin"
    });
    let comparison = comparison.unwrap();
    assert!((comparison["ratio"].as_f64().unwrap() - 10.0).abs() < 1e-6);
    assert_eq!(comparison["verdict"], "faster");
    let metric = &value["contenders"][0]["metrics"]["saturation.requests_per_second"];
    assert_eq!(metric["unit"], "1/s");
    assert_eq!(metric["rounds"].as_array().unwrap().len(), 7);
    assert_eq!(value["contenders"][2]["status"], "skipped");
    assert_eq!(value["contenders"][1]["confounders"][0]["code"], "connection-close");
}

#[test]
fn errors_leave_no_ratio() {
    let mut record = record(7);
    for visit in record.visits.iter_mut().filter(|visit| visit.entry == "gin") {
        visit.trials[1].errors.insert("timeout".to_owned(), 3);
    }
    let text = render(&Analysis::of(&record), Format::Text, false);
    assert!(text.contains("errors: gin (saturation): 21 timeout"), "{text}");
    assert!(!text.contains("saturation: gin answered"), "{text}");
}

#[test]
fn a_busy_engine_makes_a_lower_bound() {
    let mut record = record(7);
    for visit in record.visits.iter_mut().filter(|visit| visit.entry == "gin") {
        visit.trials[1].engine_cpu_ns = 1_900_000_000;
    }
    let text = render(&Analysis::of(&record), Format::Text, false);
    assert!(text.contains(">= 20,598"), "{text}");
    assert!(text.contains("answered at least 10.0 times"), "{text}");
}

#[test]
fn a_gate_touches_its_scenario_and_none_with_a_longer_name() {
    let mut record = record(7);
    record.suite.scenarios[0].name = "saturation-too".to_owned();
    for visit in &mut record.visits {
        visit.trials[0].scenario = "saturation-too".to_owned();
        visit.trials[1].engine_cpu_ns = 1_900_000_000;
    }
    let analysis = Analysis::of(&record);
    let gin = analysis.contender("gin").unwrap();
    assert!(gin.has_gate("client-limited", "saturation.requests_per_second"));
    assert!(!gin.has_gate("client-limited", "saturation-too.requests_per_second"));
}

fn threshold(metric: &str, bound: BoundRecord, limit: f64, other: Option<&str>) -> ThresholdRecord {
    ThresholdRecord {
        metric: metric.to_owned(),
        contender: "gin".to_owned(),
        bound,
        limit,
        relative_to: other.map(str::to_owned),
        text: other.map_or_else(|| limit.to_string(), |other| format!("{limit} x {other}")),
    }
}

fn record_with_thresholds(rounds: usize) -> Record {
    let mut record = record(rounds);
    let rate = "saturation.requests_per_second";
    record.suite.thresholds = vec![
        threshold(rate, BoundRecord::AtLeast, 2.0, Some("flask")),
        threshold(rate, BoundRecord::AtMost, 9.0, Some("flask")),
        threshold(rate, BoundRecord::AtLeast, 20_500.0, None),
        threshold("saturation.response_time_us.p99_9", BoundRecord::AtMost, 20_000.0, None),
        threshold("image_unpacked_bytes", BoundRecord::AtMost, 12e6, None),
    ];
    record
}

#[test]
fn thresholds_are_held_against_intervals() {
    let record = record_with_thresholds(7);
    let analysis = Analysis::of(&record);
    let outcomes: Vec<&str> = analysis.thresholds.iter().map(|r| r.outcome.name()).collect();
    assert_eq!(outcomes, ["holds", "fails", "not settled", "not measured", "holds"]);
    let text = render(&analysis, Format::Text, false);
    let (_, table) = text.split_once("thresholds\n").unwrap();
    insta::assert_snapshot!("thresholds", table.split("\n\n").next().unwrap());
    let page = render(&analysis, Format::Html, false);
    assert!(page.contains("at least 2 x flask") && page.contains("not settled"), "{page}");
    assert!(render(&analysis, Format::Markdown, false).contains("| at most 9 x flask |"));
    let csv = render(&analysis, Format::Csv, false);
    assert!(csv.contains("gin,saturation.requests_per_second at least 2 x flask,kept,,1"), "{csv}");
    let json: serde_json::Value =
        serde_json::from_str(&render(&analysis, Format::Json, false)).unwrap();
    assert_eq!(json["thresholds"][1]["outcome"], "fails");
    assert_eq!(json["thresholds"][1]["relative_to"], "flask");
}

/// Without an interval nothing is settled but what a run has exactly, such as an image's size.
#[test]
fn too_few_rounds_settle_no_threshold() {
    let record = record_with_thresholds(2);
    let analysis = Analysis::of(&record);
    let outcomes: Vec<&str> = analysis.thresholds.iter().map(|r| r.outcome.name()).collect();
    assert_eq!(outcomes, ["not settled", "not settled", "not settled", "not measured", "holds"]);
    assert!(analysis.misses_thresholds(false), "one was not measured");
}

#[test]
fn a_lower_bound_neither_fails_a_floor_nor_keeps_a_ceiling() {
    let mut record = record_with_thresholds(7);
    record.suite.thresholds[2].limit = 30_000.0;
    for visit in record.visits.iter_mut().filter(|visit| visit.entry == "gin") {
        visit.trials[1].engine_cpu_ns = 1_900_000_000;
    }
    let analysis = Analysis::of(&record);
    let outcomes: Vec<&str> = analysis.thresholds.iter().map(|r| r.outcome.name()).collect();
    assert_eq!(outcomes[..3], ["holds", "fails", "not settled"]);
}
