//! Thresholds: promises of the suite, held against intervals rather than against estimates.

use super::compare::pair;
use super::{ContenderResult, Metric};
use crate::record::{BoundRecord, Record, ThresholdRecord};

/// What became of a threshold.
#[derive(Debug, Clone, PartialEq)]
pub struct ThresholdResult {
    /// The promise.
    pub threshold: ThresholdRecord,
    /// The metric's estimate, or its ratio to the other contender's.
    pub value: Option<f64>,
    /// Lower end of its 95 % interval, with enough rounds.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// What the interval says.
    pub outcome: Outcome,
}

/// What an interval says about a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The whole interval keeps the limit.
    Holds,
    /// The whole interval misses it.
    Fails,
    /// The interval lies on both sides, or there are too few rounds for one.
    NotSettled,
    /// There is no value.
    NotMeasured,
}

/// Metrics that a run has once, exactly as they are.
const ONCE: [&str; 4] =
    ["build_seconds", "image_unpacked_bytes", "image_transfer_bytes", "image_own_bytes"];

/// Every threshold of the suite, judged.
pub fn results(record: &Record, contenders: &[ContenderResult<'_>]) -> Vec<ThresholdResult> {
    let judged = |threshold: &ThresholdRecord| judge(threshold, contenders);
    record.suite.thresholds.iter().map(judged).collect()
}

/// An estimate with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Value {
    estimate: f64,
    interval: Option<(f64, f64)>,
}

fn judge(threshold: &ThresholdRecord, contenders: &[ContenderResult<'_>]) -> ThresholdResult {
    let metric = &threshold.metric;
    let named = |name: &str| contenders.iter().find(|contender| contender.record.name == name);
    let mine = named(&threshold.contender);
    let value = mine.and_then(|mine| match &threshold.relative_to {
        None => Some(amount(mine.metric(metric)?)),
        Some(other) => ratio(mine.metric(metric)?, named(other)?),
    });
    // What is known to be at least so much cannot be shown to be too little, nor to stay below.
    let is_rate = metric.ends_with("requests_per_second");
    let is_bound = |name: &str| named(name).is_some_and(|c| c.has_gate("client-limited", metric));
    let is_open_above = is_rate && is_bound(&threshold.contender);
    let is_open_below = is_rate && threshold.relative_to.as_deref().is_some_and(is_bound);
    let interval = value.and_then(|value| value.interval).map(|(low, high)| {
        let low = if is_open_below { 0.0 } else { low };
        (low, if is_open_above { f64::INFINITY } else { high })
    });
    ThresholdResult {
        threshold: threshold.clone(),
        value: value.map(|value| value.estimate),
        low: interval.map(|(low, _)| low),
        high: interval.map(|(_, high)| high).filter(|high| high.is_finite()),
        outcome: match (value, interval) {
            (None, _) => Outcome::NotMeasured,
            (Some(_), None) => Outcome::NotSettled,
            (Some(_), Some(interval)) => outcome(threshold.bound, threshold.limit, interval),
        },
    }
}

/// A contender's own figure. What is had once a run is what it is, without an interval.
fn amount(metric: &Metric) -> Value {
    let interval = metric.low.zip(metric.high);
    let exact = is_once(metric).then_some((metric.estimate, metric.estimate));
    Value { estimate: metric.estimate, interval: interval.or(exact) }
}

fn ratio(metric: &Metric, other: &ContenderResult<'_>) -> Option<Value> {
    let pairs = pair(metric, &other.metrics)?;
    let estimate = pairs.estimate();
    let interval = pairs.signed_rank(0.95).ok().map(|ratio| (ratio.low, ratio.high));
    let exact = is_once(metric).then_some((estimate, estimate));
    Some(Value { estimate, interval: interval.or(exact) })
}

fn is_once(metric: &Metric) -> bool {
    ONCE.contains(&metric.name.as_str())
}

fn outcome(bound: BoundRecord, limit: f64, (low, high): (f64, f64)) -> Outcome {
    let (holds, fails) = match bound {
        BoundRecord::AtLeast => (low >= limit, high < limit),
        BoundRecord::AtMost => (high <= limit, low > limit),
    };
    match (holds, fails) {
        (true, _) => Outcome::Holds,
        (_, true) => Outcome::Fails,
        _ => Outcome::NotSettled,
    }
}

impl Outcome {
    /// In words, as reports show it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Fails => "fails",
            Self::NotSettled => "not settled",
            Self::NotMeasured => "not measured",
        }
    }

    /// Whether a run with it must not end well: a promise that was not even looked at is not kept.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Fails | Self::NotMeasured)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_decides_and_its_ends_keep_the_limit() {
        let at_least = |low, high| outcome(BoundRecord::AtLeast, 2.0, (low, high));
        assert_eq!(at_least(2.0, 3.0), Outcome::Holds);
        assert_eq!(at_least(1.0, 1.99), Outcome::Fails);
        assert_eq!(at_least(1.0, 2.0), Outcome::NotSettled);
        let at_most = |low, high| outcome(BoundRecord::AtMost, 2.0, (low, high));
        assert_eq!(at_most(1.0, 2.0), Outcome::Holds);
        assert_eq!(at_most(2.01, 3.0), Outcome::Fails);
        assert_eq!(at_most(2.0, 2.5), Outcome::NotSettled);
    }
}
