//! Response times over all rounds of a scenario, as a curve from the fastest answer into the tail.

use hdrhistogram::Histogram;

use super::visits::visits_of;
use crate::numbers::number;
use crate::record::Record;

/// The response times of one entry in one scenario, all rounds together.
#[derive(Debug, Clone, PartialEq)]
pub struct LatencyCurve {
    /// From quantile 0 to the last that the samples carry, ascending.
    pub points: Vec<LatencyPoint>,
    /// Answers that entered.
    pub requests: u64,
}

/// One point of a [`LatencyCurve`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LatencyPoint {
    /// The share of answers that were at least as fast, 0..1.
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
/// errors; `None` when there is no such trial, or too few answers for half of a curve.
#[must_use]
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
#[must_use]
pub fn response_times(record: &Record, entry: &str, scenario: &str) -> Option<Histogram<u64>> {
    merged(&histograms(record, entry, scenario))
}

fn histograms(record: &Record, entry: &str, scenario: &str) -> Vec<Histogram<u64>> {
    let Some(scenario) = record.suite.scenarios.iter().find(|known| known.name == scenario) else {
        return Vec::new();
    };
    let visits = visits_of(record, entry);
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
