//! One entry's visits, each trial looked at with those of the other rounds, and the response times of
//! all of them as a curve from the fastest response into the tail.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use super::limit::{self, Means};
use super::trial::{self, Offered, Trial, is_clean};
use crate::metric::Kind;
use crate::numbers::number;
use crate::record::{Limit, Record, RequestRecord, ScenarioRecord, VisitRecord, decode_histogram};

/// A visit that enters the analysis.
pub struct Visit<'a> {
    pub record: &'a VisitRecord,
    trials: Vec<Trial<'a>>,
}

/// The visits of an entry, in the order in which they were made.
pub fn visits_of<'a>(record: &'a Record, entry: &'a str) -> Vec<Visit<'a>> {
    visits_with(record, entry, |_| true)
}

/// The same with some scenarios' trials only: each has a histogram to decode, which is most of the time
/// that a report takes.
fn visits_with<'a>(
    record: &'a Record,
    entry: &'a str,
    is_wanted: impl Fn(&str) -> bool,
) -> Vec<Visit<'a>> {
    let visit = |visit: &'a VisitRecord| {
        let wanted = visit.trials.iter().filter(|trial| is_wanted(&trial.scenario));
        Visit { record: visit, trials: wanted.map(Trial::of).collect() }
    };
    let mut visits: Vec<Visit<'a>> = record.visits_of(entry).map(visit).collect();
    for scenario in &record.suite.scenarios {
        let trials = visits.iter().filter_map(|visit| visit.trial(&scenario.name));
        let departs = trial::departed(&record.load_of(entry, scenario), trials).is_some();
        for visit in &mut visits {
            let means = Means::of(record, visit.record);
            for trial in visit.trials.iter_mut().filter(|it| it.record.scenario == scenario.name) {
                trial.departs = departs;
                let limit = trial.limit.or_else(|| limit::limit_of(scenario, trial, &means));
                trial.limit = limit;
            }
        }
    }
    visits
}

/// What limited an entry, by scenario.
pub fn limits_of(record: &Record, visits: &[&Visit<'_>]) -> BTreeMap<String, Limit> {
    let of_scenario = |scenario: &ScenarioRecord| {
        let trials: Vec<&Trial<'_>> =
            visits.iter().filter_map(|visit| visit.trial(&scenario.name)).collect();
        Some((scenario.name.clone(), limit::typical(&trials)?.limit?))
    };
    record.suite.scenarios.iter().filter_map(of_scenario).collect()
}

impl Visit<'_> {
    pub fn trial(&self, scenario: &str) -> Option<&Trial<'_>> {
        self.trials.iter().find(|trial| trial.record.scenario == scenario)
    }

    /// The trial of a scenario when it is without errors: errors and wrong responses are never
    /// throughput, and a server that fails fast must not look fast.
    pub fn clean_trial(&self, scenario: &str) -> Option<&Trial<'_>> {
        self.trial(scenario).filter(|trial| is_clean(trial.record))
    }

    /// The same when its response times are what they seem.
    pub fn timed_trial(&self, scenario: &ScenarioRecord) -> Option<&Trial<'_>> {
        self.clean_trial(&scenario.name).filter(|trial| {
            let offered = Offered::of(scenario, trial);
            !trial.departs && offered.is_none_or(|offered| offered.is_reached())
        })
    }
}

/// The response times of one entry in one scenario, all rounds together.
#[derive(Debug, Clone, PartialEq)]
pub struct LatencyCurve {
    /// From quantile 0 to the last that the samples carry, ascending.
    pub points: Vec<LatencyPoint>,
    pub requests: u64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LatencyPoint {
    /// The share of responses that were at least as fast, 0..1.
    pub quantile: f64,
    /// Their longest response time.
    pub response_time_us: f64,
}

/// Samples beyond a quantile below which it is not shown, as for the percentiles in the
/// tables: p99 needs 1,000 samples in a round (docs/method.md).
const SAMPLES_BEYOND: f64 = 10.0;

/// Points for each power of ten between a quantile and 1.
const POINTS_PER_NINE: u32 = 20;

/// The curve of an entry in a scenario, from the merged histograms of its trials without
/// errors; `None` when there is no such trial, or too few responses for half of a curve.
pub fn latency_curve(record: &Record, entry: &str, scenario: &str) -> Option<LatencyCurve> {
    let histograms = histograms(record, entry, scenario);
    let largest = histograms.iter().map(Histogram::len).max()?;
    let nines = (number(largest) / SAMPLES_BEYOND).log10();
    let merged = merged(&histograms)?;
    let steps = (0..).map(|step| f64::from(step) / f64::from(POINTS_PER_NINE));
    let points: Vec<LatencyPoint> = steps
        .take_while(|&at| at <= nines)
        .map(|at| {
            let quantile = 1.0 - 10_f64.powf(-at);
            let response_time_us = number(merged.value_at_quantile(quantile)) / 1e3;
            LatencyPoint { quantile, response_time_us }
        })
        .collect();
    let reaches_the_median = points.last().is_some_and(|point| point.quantile >= 0.5);
    reaches_the_median.then(|| LatencyCurve { points, requests: merged.len() })
}

/// An entry's response times in a scenario, in nanoseconds, of all trials without errors together.
pub fn response_times(record: &Record, entry: &str, scenario: &str) -> Option<Histogram<u64>> {
    merged(&histograms(record, entry, scenario))
}

/// What became of one of several requests of a scenario, in all rounds together.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestFigures<'a> {
    pub request: &'a RequestRecord,
    /// Correct responses.
    pub requests: u64,
    /// Failed requests.
    pub errors: u64,
    /// Of trials without errors; `None` with too few responses.
    pub p50_us: Option<f64>,
    pub p99_us: Option<f64>,
}

/// An entry's figures for each request of a scenario that sends several; empty for one that does
/// not, or was not measured.
pub fn by_request<'a>(
    record: &'a Record,
    entry: &'a str,
    scenario: &'a ScenarioRecord,
) -> Vec<RequestFigures<'a>> {
    let has_several = |visit: &VisitRecord| {
        let mut trials = visit.trials.iter().filter(|trial| trial.scenario == scenario.name);
        trials.any(|trial| !trial.by_request.is_empty())
    };
    if !record.visits_of(entry).any(has_several) {
        return Vec::new();
    }
    let visits = visits_with(record, entry, |name| name == scenario.name);
    let trials: Vec<&Trial<'_>> = visits.iter().filter_map(|it| it.trial(&scenario.name)).collect();
    let figures = |(at, request): (usize, &'a RequestRecord)| {
        let parts = trials.iter().filter_map(|trial| trial.record.by_request.get(at));
        let (requests, errors) =
            parts.fold((0, 0), |sum, it| (sum.0 + it.requests, sum.1 + it.errors));
        let timed = visits.iter().filter_map(|visit| visit.timed_trial(scenario));
        let parts = timed.filter_map(|trial| trial.record.by_request.get(at));
        let times: Vec<_> = parts.filter_map(|it| decode_histogram(&it.response_time)).collect();
        let times = merged(&times);
        let percentile = |kind: Kind| kind.descriptor().source.of_times(times.as_ref()?);
        let p50_us = percentile(Kind::ResponseTimeP50);
        let p99_us = percentile(Kind::ResponseTimeP99);
        RequestFigures { request, requests, errors, p50_us, p99_us }
    };
    scenario.asked.iter().enumerate().map(figures).collect()
}

/// Of an entry's correct responses in a scenario the share that was held to what the suite expects of
/// them, 0 to 1; `None` without any.
pub fn checked_share(record: &Record, entry: &str, scenario: &str) -> Option<f64> {
    let trials = record.visits_of(entry).flat_map(|visit| &visit.trials);
    let (requests, unchecked) = trials
        .filter(|trial| trial.scenario == scenario)
        .fold((0, 0), |sum, trial| (sum.0 + trial.requests, sum.1 + trial.unchecked));
    (requests > 0).then(|| 1.0 - number(unchecked) / number(requests))
}

fn histograms(record: &Record, entry: &str, scenario: &str) -> Vec<Histogram<u64>> {
    let Some(scenario) = record.scenario(scenario) else {
        return Vec::new();
    };
    let visits = visits_with(record, entry, |name| name == scenario.name);
    visits.iter().filter_map(|visit| visit.timed_trial(scenario)?.response_time.clone()).collect()
}

/// All in one; `None` when there is none, or one has values that the first cannot hold.
fn merged(histograms: &[Histogram<u64>]) -> Option<Histogram<u64>> {
    let (first, others) = histograms.split_first()?;
    let mut merged = first.clone();
    merged.auto(true);
    for histogram in others {
        merged.add(histogram).ok()?;
    }
    Some(merged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(values: impl Iterator<Item = u64>) -> Histogram<u64> {
        let mut histogram = Histogram::new(3).unwrap();
        values.for_each(|value| histogram.record(value).unwrap());
        histogram
    }

    #[test]
    fn merging_adds_counts_and_widens() {
        let small = histogram(1..=10);
        let large = histogram(std::iter::once(60_000_000_000));
        let both = merged(&[small, large]).unwrap();
        assert_eq!(both.len(), 11);
        assert!(both.max() >= 60_000_000_000);
        assert!(merged(&[]).is_none());
    }
}
