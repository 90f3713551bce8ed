//! The table, from figures made by hand.

use std::time::Duration;

use jigger_load::ConnectionPolicy;

use super::*;
use crate::host::Placement;
use crate::schema::Schema;
use crate::suite::{Pacing, RequestSpec};

fn reading(rate: f64) -> Option<Reading> {
    let mean_us = Some(1e6 / rate);
    Some(Reading { requests_per_second: rate, mean_us, p50_us: None, p99_us: None, failed: 0 })
}

fn series(tool: &'static str, rates: &[f64]) -> Series {
    Series {
        contender: "gin".to_owned(),
        scenario: "saturation".to_owned(),
        tool,
        readings: rates.iter().map(|rate| reading(*rate)).collect(),
        fault: None,
    }
}

#[test]
fn figures_ratios_reasons_and_what_is_missing() {
    let scenario = Scenario {
        name: "saturation".to_owned(),
        connections: 32,
        threads: None,
        requests: vec![(RequestSpec::default(), 1)],
        replay: None,
        variant: None,
        pacing: Pacing::Closed,
        http: jigger_load::Http::V1,
        streams: 1,
        connection: ConnectionPolicy::KeepAlive,
        requests_per_connection: None,
        resumes: false,
        fresh_for: None,
        extent: Extent::Time(Duration::from_secs(2)),
        timeout: Duration::from_secs(10),
    };
    let own = [1_000.0, 1_010.0, 1_020.0, 1_030.0, 1_040.0, 1_050.0];
    let mut broken = series("hey", &[]);
    broken.readings = vec![None; 6];
    broken.fault = Some("failed: a | b\nmore".to_owned());
    let checked = Checked {
        suite: "pong",
        scenarios: &[scenario],
        contenders: vec!["gin".to_owned()],
        rounds: 6,
        placement: &Placement { client_cpus: vec![0], server_cpus: vec![1], service_cpus: vec![] },
        tools: vec![
            (JIGGER, "0.1.0".to_owned()),
            ("wrk", "4.1.0".to_owned()),
            ("hey", String::new()),
            ("h2load", "1.52.0".to_owned()),
        ],
        series: vec![
            series(JIGGER, &own),
            series("wrk", &own.map(|rate| rate * 0.99)),
            series("h2load", &[500.0]),
            broken,
        ],
        missing: vec!["ab: 'ab' is not on PATH; Debian: apt-get install apache2-utils".to_owned()],
    };
    assert!(checked.is_hopeless("gin", "saturation", "hey"));
    assert!(!checked.is_hopeless("gin", "saturation", "wrk"));
    insta::assert_snapshot!(markdown(&checked));
    let json = json::render(&checked);
    let schema = Schema::CrossCheck.value();
    assert!(jsonschema::is_valid(&schema, &serde_json::from_str(&json).unwrap()));
    insta::assert_snapshot!("json", json);
}
