//! One number for each contender, metric and round; and its summary over rounds.

use hdrhistogram::Histogram;
use jigger_stats::{CONFIDENCE, Direction, Location};
use serde::Serialize;

use super::gate::{self, Gate};
use super::startup::startup_metrics;
use super::trials::Visit;
use crate::plan::PLACEBO;
use crate::record::{Record, ScenarioRecord, TrialRecord, VisitRecord};

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
    /// The value of each round, the geometric mean of its entries'; `None` where the round has none.
    pub rounds: Vec<Option<f64>>,
    /// The values of each of its entries, of which the baseline has two.
    pub entries: Vec<Vec<Option<f64>>>,
    /// Which way the true value may lie from these, when they are not it.
    pub bound: Option<Bound>,
}

/// What a figure is when the load engine, and not the server, was the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bound {
    /// The true value is this one or a higher one.
    AtLeast,
    /// The true value is this one or a lower one.
    AtMost,
}

impl Bound {
    /// `>=` or `<=`.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Self::AtLeast => ">=",
            Self::AtMost => "<=",
        }
    }

    /// The bound of one divided by something that has this bound.
    #[must_use]
    pub fn inverse(self) -> Self {
        match self {
            Self::AtLeast => Self::AtMost,
            Self::AtMost => Self::AtLeast,
        }
    }
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

/// Every metric of a contender, in the order in which reports show them. `entries` are the names
/// under which it was visited, its own first, with their visits.
pub fn metrics_of(
    record: &Record,
    entries: &[(&str, Vec<Visit<'_>>)],
    gates: &[Gate],
) -> Vec<Metric> {
    let of_entries = entries.iter().map(|(entry, visits)| of_entry(record, entry, visits));
    let mut metrics = of_entries.reduce(joined).unwrap_or_default();
    for metric in &mut metrics {
        metric.bound = bound(record, &metric.name, gates);
    }
    metrics
}

/// The metrics of a contender that was visited under two names.
fn joined(mut metrics: Vec<Metric>, again: Vec<Metric>) -> Vec<Metric> {
    for metric in &mut metrics {
        let second = again.iter().find(|second| second.name == metric.name);
        if let Some(second) = second.filter(|_| metric.is_of_rounds()) {
            let entries = [std::mem::take(&mut metric.entries), second.entries.clone()].concat();
            let whole = Metric::of_entries(&metric.name, entries);
            *metric = whole.unwrap_or_else(|| metric.clone());
        }
    }
    metrics
}

fn of_entry(record: &Record, entry: &str, visits: &[Visit<'_>]) -> Vec<Metric> {
    let mut metrics = Vec::new();
    let of_visit = |name: &str, value: fn(&VisitRecord) -> Option<f64>| {
        summary(visits, name, |visit| value(visit.record))
    };
    metrics.extend(of_visit("startup_ms", |visit| visit.startup_ns.map(|ns| of(ns) / 1e6)));
    metrics.extend(startup_metrics(record, entry));
    for scenario in &record.suite.scenarios {
        metrics.extend(trial_metrics(visits, scenario));
        metrics.extend(percentiles(visits, scenario));
    }
    metrics.extend(of_visit("memory_idle_bytes", |visit| visit.memory_idle_bytes.map(of)));
    metrics.extend(of_visit("memory_peak_bytes", |visit| visit.memory_peak_bytes.map(of)));
    metrics.extend(once(record, entry));
    metrics
}

/// The names under which a contender was visited, its own first.
pub(super) fn entries_of<'a>(record: &Record, contender: &'a str) -> Vec<&'a str> {
    let is_doubled =
        contender == record.suite.baseline && record.visits_of(PLACEBO).next().is_some();
    if is_doubled { vec![contender, PLACEBO] } else { vec![contender] }
}

/// The rates of a contender alone, for which no histogram has to be decoded.
pub fn rates_of(record: &Record, contender: &str) -> Vec<Metric> {
    let of_entries = entries_of(record, contender).into_iter();
    of_entries.map(|entry| rates_of_entry(record, entry)).reduce(joined).unwrap_or_default()
}

fn rates_of_entry(record: &Record, entry: &str) -> Vec<Metric> {
    let visits: Vec<&VisitRecord> = record.visits_of(entry).collect();
    let rate = |scenario: &ScenarioRecord| {
        let of_round = |visit: &VisitRecord| {
            let trial = visit.trials.iter().find(|trial| trial.scenario == scenario.name)?;
            super::trials::is_clean(trial).then(|| rate(trial)).flatten()
        };
        let rounds = visits.iter().map(|visit| (visit.round, of_round(visit)));
        summed_up(&format!("{}.{RATE}", scenario.name), rounds)
    };
    record.suite.scenarios.iter().filter_map(rate).collect()
}

const RATE: &str = "requests_per_second";

fn rate(trial: &TrialRecord) -> Option<f64> {
    positive(trial.requests_per_second())
}

/// The CPU time has the answers in it that came after the trial.
fn cpu_us_per_request(trial: &TrialRecord) -> Option<f64> {
    positive(of(trial.server_cpu_ns?) / 1e3 / of(trial.requests + trial.heard_out))
}

fn trial_metrics(visits: &[Visit<'_>], scenario: &ScenarioRecord) -> Vec<Metric> {
    let counts = COUNTS.iter().filter_map(|(name, value)| {
        let full = format!("{}.{name}", scenario.name);
        summary(visits, &full, |visit| value(visit.clean_trial(&scenario.name)?.record))
    });
    let times = TIMES.iter().filter_map(|(name, value)| {
        let full = format!("{}.{name}", scenario.name);
        summary(visits, &full, |visit| {
            positive(value(visit.timed_trial(scenario)?.response_time.as_ref()?))
        })
    });
    counts.chain(times).collect()
}

type TrialValue = fn(&TrialRecord) -> Option<f64>;
type TimesValue = fn(&Histogram<u64>) -> f64;

/// What a trial's counts tell.
const COUNTS: &[(&str, TrialValue)] = &[
    (RATE, rate),
    ("cpu_us_per_request", cpu_us_per_request),
    ("memory_bytes", |trial| positive(of(trial.memory_bytes?))),
];

/// What its response times tell.
const TIMES: &[(&str, TimesValue)] = &[
    ("seconds_per_request", |times| times.mean() / 1e9),
    ("response_time_us.mean", |times| times.mean() / 1e3),
    ("response_time_us.stdev", |times| times.stdev() / 1e3),
    ("response_time_us.max", |times| of(times.max()) / 1e3),
];

/// With the engine or the local ports as the limit a rate in closed loop is at least what was
/// measured, and a response time, which contains the engine's own queue or the search for a port,
/// at most. Costs are what they are.
fn bound(record: &Record, metric: &str, gates: &[Gate]) -> Option<Bound> {
    gate::bounding(gates, metric)?;
    let (scenario, short) = metric.split_once('.')?;
    let scenario = record.suite.scenarios.iter().find(|known| known.name == scenario)?;
    match short {
        RATE => scenario.rate_per_second.is_none().then_some(Bound::AtLeast),
        "cpu_us_per_request" | "memory_bytes" => None,
        _ => Some(Bound::AtMost),
    }
}

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
        name if name.ends_with("_ms") || name.starts_with("startup_ms") => Unit::Milliseconds,
        name if name.ends_with("_bytes") => Unit::Bytes,
        name if name.contains("_us") => Unit::Microseconds,
        _ => Unit::Seconds,
    }
}

fn summary(
    visits: &[Visit<'_>],
    name: &str,
    value: impl Fn(&Visit<'_>) -> Option<f64>,
) -> Option<Metric> {
    summed_up(name, visits.iter().map(|visit| (visit.record.round, value(visit))))
}

/// A metric of the values of some rounds.
fn summed_up(name: &str, values: impl Iterator<Item = (usize, Option<f64>)>) -> Option<Metric> {
    let mut rounds = Vec::new();
    for (round, value) in values {
        rounds.resize(rounds.len().max(round + 1), None);
        rounds[round] = value;
    }
    Metric::of_entries(name, vec![rounds])
}

impl Metric {
    /// The summary of entries over their rounds; `None` without any value.
    fn of_entries(name: &str, entries: Vec<Vec<Option<f64>>>) -> Option<Self> {
        let count = entries.iter().map(Vec::len).max().unwrap_or(0);
        let rounds: Vec<Option<f64>> =
            (0..count).map(|round| value_of_round(&entries, round)).collect();
        let values: Vec<f64> = rounds.iter().copied().flatten().collect();
        let Location { estimate, low, high, .. } = Location::of(&values, CONFIDENCE).ok()?;
        let (name, unit) = (name.to_owned(), unit_of(name));
        Some(Self { name, unit, estimate, low, high, rounds, entries, bound: None })
    }

    /// What a run has once.
    pub(super) fn once(name: &str, value: f64) -> Self {
        let rounds = vec![Some(value)];
        let (name, unit, entries) = (name.to_owned(), unit_of(name), vec![rounds.clone()]);
        Self { name, unit, estimate: value, low: None, high: None, rounds, entries, bound: None }
    }

    /// Whether there is a value for each round, and not one for the whole run.
    #[must_use]
    pub fn is_of_rounds(&self) -> bool {
        !is_once(&self.name)
    }
}

/// The mean of the entries on logarithms, so that a table's ratio is the ratio of its columns; of
/// those that have a value in the round.
fn value_of_round(entries: &[Vec<Option<f64>>], round: usize) -> Option<f64> {
    let values = entries.iter().filter_map(|entry| entry.get(round).copied().flatten());
    let values: Vec<f64> = values.collect();
    Location::of(&values, CONFIDENCE).ok().map(|location| location.estimate)
}

/// Metrics that belong to a run and to none of its rounds.
#[must_use]
pub fn is_once(metric: &str) -> bool {
    let is_of_launches =
        metric.strip_prefix("startup_ms").is_some_and(|rest| rest.starts_with('.'));
    is_of_launches || ONCE.contains(&metric)
}

fn times<'a>(visit: &'a Visit<'_>, scenario: &ScenarioRecord) -> Option<&'a Histogram<u64>> {
    visit.timed_trial(scenario)?.response_time.as_ref()
}

/// Percentiles of each round, never of requests of several rounds together: rounds are the
/// observations, and the estimate lies within its interval.
fn percentiles(visits: &[Visit<'_>], scenario: &ScenarioRecord) -> Vec<Metric> {
    let percentile = |(short, quantile, needed): &(&str, f64, u64)| {
        let name = format!("{}.response_time_us.{short}", scenario.name);
        summary(visits, &name, |visit| {
            let histogram = times(visit, scenario).filter(|times| times.len() >= *needed)?;
            positive(of(histogram.value_at_quantile(*quantile)) / 1e3)
        })
    };
    SAMPLES_NEEDED.iter().filter_map(percentile).collect()
}

/// Metrics that a run has once, exactly as they are.
const ONCE: [&str; 5] = [
    "build_seconds",
    "artifact_bytes",
    "image_unpacked_bytes",
    "image_transfer_bytes",
    "image_own_bytes",
];

/// What is measured once a run: build and image.
fn once(record: &Record, entry: &str) -> Vec<Metric> {
    let Some(contender) = record.contenders.iter().find(|c| c.name == entry) else {
        return Vec::new();
    };
    let image = contender.image.as_ref();
    let values = [
        ("build_seconds", contender.build_seconds),
        ("artifact_bytes", contender.artifact.as_ref().map(|made| of(made.bytes))),
        ("image_unpacked_bytes", image.map(|image| of(image.unpacked_bytes))),
        ("image_transfer_bytes", image.map(|image| of(image.transfer_bytes))),
        ("image_own_bytes", image.map(|image| of(image.own_bytes))),
    ];
    let metric = |(name, value): (&str, Option<f64>)| Some(Metric::once(name, value?));
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
