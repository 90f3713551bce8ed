//! One number for each contender, metric and round; and its summary over rounds.

use hdrhistogram::Histogram;
use jigger_stats::{Direction, Location};
use serde::Serialize;

use crate::record::{Record, TrialRecord, VisitRecord, decode_histogram};

/// What a metric's values are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Unit {
    /// A rate.
    #[serde(rename = "1/s")]
    PerSecond,
    /// Time.
    #[serde(rename = "s")]
    Seconds,
    /// Time.
    #[serde(rename = "ms")]
    Milliseconds,
    /// Time.
    #[serde(rename = "us")]
    Microseconds,
    /// Size.
    #[serde(rename = "B")]
    Bytes,
}

/// One metric of one contender.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// `<scenario>.<metric>`, or the metric alone where no scenario is asked.
    pub name: String,
    /// The unit of all values.
    pub unit: Unit,
    /// The summary over rounds.
    pub estimate: f64,
    /// Lower end of the 95 % interval, with enough rounds.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// The value of each round; `None` where the round has none.
    pub rounds: Vec<Option<f64>>,
}

/// Percentiles: name, quantile, and the samples that each needs to mean anything
/// (docs/method.md): ten lie beyond it at the least.
pub const SAMPLES_NEEDED: &[(&str, f64, u64)] = &[
    ("p50", 0.5, 10),
    ("p90", 0.9, 100),
    ("p99", 0.99, 1_000),
    ("p99_9", 0.999, 10_000),
    ("p99_99", 0.999_9, 100_000),
];

/// Every metric of an entry, in the order in which reports show them.
pub fn metrics_of(record: &Record, entry: &str) -> Vec<Metric> {
    let visits: Vec<&VisitRecord> =
        record.visits.iter().filter(|visit| visit.entry == entry).collect();
    let mut metrics = Vec::new();
    metrics.extend(summary(&visits, "startup_ms", |visit| visit.startup_ns.map(|ns| of(ns) / 1e6)));
    for scenario in &record.suite.scenarios {
        for (name, value) in TRIAL_METRICS {
            let full = format!("{}.{name}", scenario.name);
            metrics.extend(summary(&visits, &full, |visit| {
                value(clean_trial(visit, &scenario.name)?)
            }));
        }
        metrics.extend(percentiles(&visits, &scenario.name));
    }
    let idle = |visit: &VisitRecord| visit.memory_idle_bytes.map(of);
    let peak = |visit: &VisitRecord| visit.memory_peak_bytes.map(of);
    metrics.extend(summary(&visits, "memory_idle_bytes", idle));
    metrics.extend(summary(&visits, "memory_peak_bytes", peak));
    metrics.extend(once(record, entry));
    metrics
}

type TrialValue = fn(&TrialRecord) -> Option<f64>;

const TRIAL_METRICS: &[(&str, TrialValue)] = &[
    ("requests_per_second", |trial| positive(trial.requests_per_second())),
    ("seconds_per_request", |trial| {
        let histogram = decode_histogram(&trial.response_time)?;
        positive(histogram.mean() / 1e9)
    }),
    ("response_time_us.mean", |trial| {
        positive(decode_histogram(&trial.response_time)?.mean() / 1e3)
    }),
    ("response_time_us.stdev", |trial| {
        positive(decode_histogram(&trial.response_time)?.stdev() / 1e3)
    }),
    ("response_time_us.max", |trial| {
        positive(of(decode_histogram(&trial.response_time)?.max()) / 1e3)
    }),
    ("cpu_us_per_request", |trial| positive(of(trial.server_cpu_ns?) / 1e3 / of(trial.requests))),
];

/// Which way a metric is better.
#[must_use]
pub fn direction(metric: &str) -> Direction {
    if metric.ends_with("requests_per_second") {
        Direction::HigherIsBetter
    } else {
        Direction::LowerIsBetter
    }
}

/// The unit that a metric's name tells.
#[must_use]
pub fn unit_of(metric: &str) -> Unit {
    match metric {
        name if name.ends_with("requests_per_second") => Unit::PerSecond,
        name if name.ends_with("_ms") => Unit::Milliseconds,
        name if name.ends_with("_bytes") => Unit::Bytes,
        name if name.contains("_us") => Unit::Microseconds,
        _ => Unit::Seconds,
    }
}

/// A trial without errors: errors and wrong answers are never throughput, and a
/// server that fails fast must not look fast.
pub fn clean_trial<'a>(visit: &'a VisitRecord, scenario: &str) -> Option<&'a TrialRecord> {
    let trial = visit.trials.iter().find(|trial| trial.scenario == scenario)?;
    (trial.errors.is_empty() && trial.requests > 0).then_some(trial)
}

fn summary(
    visits: &[&VisitRecord],
    name: &str,
    value: impl Fn(&VisitRecord) -> Option<f64>,
) -> Option<Metric> {
    let last = visits.iter().map(|visit| visit.round).max()?;
    let mut rounds = vec![None; last + 1];
    for visit in visits {
        rounds[visit.round] = value(visit);
    }
    let values: Vec<f64> = rounds.iter().copied().flatten().collect();
    let location = Location::of(&values, 0.95).ok()?;
    Some(Metric {
        name: name.to_owned(),
        unit: unit_of(name),
        estimate: location.estimate,
        low: location.low,
        high: location.high,
        rounds,
    })
}

/// Percentiles: those of the merged histogram, since percentiles are never
/// averaged; the interval is that of the rounds' values.
fn percentiles(visits: &[&VisitRecord], scenario: &str) -> Vec<Metric> {
    let histograms: Vec<Option<Histogram<u64>>> = visits
        .iter()
        .map(|visit| decode_histogram(&clean_trial(visit, scenario)?.response_time))
        .collect();
    let merged = merge(histograms.iter().flatten());
    let mut metrics = Vec::new();
    for (short, quantile, needed) in SAMPLES_NEEDED {
        let of_round = |visit: &VisitRecord| {
            let at = visits.iter().position(|other| other.round == visit.round)?;
            let histogram = histograms[at].as_ref().filter(|h| h.len() >= *needed)?;
            positive(of(histogram.value_at_quantile(*quantile)) / 1e3)
        };
        let name = format!("{scenario}.response_time_us.{short}");
        if let Some(mut metric) = summary(visits, &name, of_round) {
            metric.estimate = of(merged.value_at_quantile(*quantile)) / 1e3;
            metrics.push(metric);
        }
    }
    metrics
}

fn merge<'a>(histograms: impl Iterator<Item = &'a Histogram<u64>>) -> Histogram<u64> {
    let mut merged = Histogram::new(3).expect("3 digits are within the crate's bounds");
    for histogram in histograms {
        merged.add(histogram).expect("a resizing histogram holds every value");
    }
    merged
}

/// What is measured once a run: build and image.
fn once(record: &Record, entry: &str) -> Vec<Metric> {
    let Some(contender) = record.contenders.iter().find(|c| c.name == entry) else {
        return Vec::new();
    };
    let image = contender.image.as_ref();
    let values = [
        ("build_seconds", contender.build_seconds),
        ("image_unpacked_bytes", image.map(|image| of(image.unpacked_bytes))),
        ("image_transfer_bytes", image.map(|image| of(image.transfer_bytes))),
        ("image_own_bytes", image.map(|image| of(image.own_bytes))),
    ];
    let metric = |(name, value): (&str, Option<f64>)| {
        Some(Metric {
            name: name.to_owned(),
            unit: unit_of(name),
            estimate: value?,
            low: None,
            high: None,
            rounds: vec![value],
        })
    };
    values.into_iter().filter_map(metric).collect()
}

fn positive(value: f64) -> Option<f64> {
    (value.is_finite() && value > 0.0).then_some(value)
}

/// Counts and nanoseconds of a run are far below 2^53, where f64 is exact.
#[expect(clippy::cast_precision_loss, reason = "see above")]
pub fn of(value: u64) -> f64 {
    value as f64
}
