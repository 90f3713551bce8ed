//! The tools' figures for programs: version 1 of the shape in docs/suite.md.

use jigger_load::Extent;
use serde_json::{Value, json};

use super::super::checked::{Checked, Figure, JIGGER, Multiple, Series};
use super::super::read::Reading;
use super::super::tool::Tool;
use crate::suite::Scenario;

/// One object, with a line break at its end.
#[must_use]
pub fn json(checked: &Checked<'_>, tools: &[Tool]) -> String {
    let tool = |(name, version): &(&'static str, String)| {
        let known = tools.iter().find(|tool| tool.name == *name);
        json!({
            "name": name,
            "version": Some(version).filter(|version| !version.is_empty()),
            "differs": known.map(|tool| tool.differs),
        })
    };
    let value = json!({
        "version": 1,
        "suite": checked.suite,
        "rounds": checked.rounds,
        "placement": {
            "client_cpus": checked.client_cpus,
            "server_cpus": checked.server_cpus,
        },
        "tools": checked.tools.iter().map(tool).collect::<Vec<_>>(),
        "scenarios": checked.scenarios.iter().map(scenario).collect::<Vec<_>>(),
        "contenders": checked.contenders,
        "series": checked.series.iter().map(|one| series(checked, one)).collect::<Vec<_>>(),
        "missing": checked.missing,
    });
    format!("{value:#}\n")
}

fn scenario(scenario: &Scenario) -> Value {
    let (requests, seconds) = match scenario.extent {
        Extent::Count(requests) => (Some(requests), None),
        Extent::Time(time) => (None, Some(time.as_secs_f64())),
    };
    json!({
        "name": scenario.name,
        "connections": scenario.connections,
        "connection": if scenario.is_fresh() { "fresh" } else { "keep-alive" },
        "requests": requests,
        "seconds": seconds,
    })
}

fn series(checked: &Checked<'_>, series: &Series) -> Value {
    let own = checked.find(&series.contender, &series.scenario, JIGGER);
    let own = own.filter(|_| series.tool != JIGGER);
    let multiple = |of: Figure| own.and_then(|own| series.multiple(own, of)).map(with_interval);
    let of_round = |round: usize| series.readings.get(round).copied().flatten().map(reading);
    json!({
        "contender": series.contender,
        "scenario": series.scenario,
        "tool": series.tool,
        "rounds": (0..checked.rounds).map(of_round).collect::<Vec<_>>(),
        "median": {
            "requests_per_second": series.median(|it| Some(it.requests_per_second)),
            "mean_us": series.median(|it| it.mean_us),
            "p50_us": series.median(|it| it.p50_us),
            "p99_us": series.median(|it| it.p99_us),
        },
        "multiple": {
            "requests_per_second": multiple(|it| Some(it.requests_per_second)),
            "mean_us": multiple(|it| it.mean_us),
        },
        "failed": series.failed(),
        "fault": series.fault,
    })
}

fn reading(reading: Reading) -> Value {
    json!({
        "requests_per_second": reading.requests_per_second,
        "mean_us": reading.mean_us,
        "p50_us": reading.p50_us,
        "p99_us": reading.p99_us,
        "failed": reading.failed,
    })
}

fn with_interval(multiple: Multiple) -> Value {
    let (low, high) = multiple.interval.unzip();
    json!({ "ratio": multiple.ratio, "low": low, "high": high })
}
