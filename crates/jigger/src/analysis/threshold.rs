//! Thresholds: promises of the suite, held against intervals rather than against estimates.

use jigger_stats::Location;

use super::ContenderResult;
use super::claim::{Claim, Quiet, Side};
use super::compare::panel;
use super::summary::Summary;
use crate::caveat::Code;
use crate::metric::Metric;
use crate::record::{BoundRecord, Record, ThresholdRecord};

#[derive(Debug, Clone, PartialEq)]
pub struct ThresholdResult<'a> {
    pub threshold: &'a ThresholdRecord,
    pub metric: Option<Metric<'a>>,
    /// The metric's estimate, or its ratio to the other contender's; `None` also where a gate
    /// forbids the ratio.
    pub value: Option<f64>,
    /// Lower end of its interval at the level of the run's verdicts, with enough rounds; `None` for
    /// what is only known to be at most so much.
    pub low: Option<f64>,
    /// Upper end; `None` for what is only known to be at least so much.
    pub high: Option<f64>,
    pub outcome: Outcome,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The whole interval keeps the limit.
    Holds,
    /// The whole interval misses it.
    Fails,
    /// The interval lies on both sides, or there are too few rounds for one; or the machine was too
    /// noisy.
    NotSettled,
    NotMeasured,
}

pub fn results<'a>(
    record: &'a Record,
    contenders: &[ContenderResult<'_>],
    quiet: &Quiet,
    level: f64,
) -> Vec<ThresholdResult<'a>> {
    let names = record.scenario_names();
    let judged = |threshold: &'a ThresholdRecord| {
        let metric = Metric::parse(&threshold.metric, &names);
        judge((threshold, metric), contenders, quiet, level)
    };
    record.suite.thresholds.iter().map(judged).collect()
}

/// An estimate with its interval, and what may be claimed of it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Value {
    estimate: f64,
    interval: Option<(f64, f64)>,
    claim: Claim,
}

fn judge<'a>(
    (threshold, metric): (&'a ThresholdRecord, Option<Metric<'a>>),
    contenders: &[ContenderResult<'_>],
    quiet: &Quiet,
    level: f64,
) -> ThresholdResult<'a> {
    let named = |name: &str| Side::named(contenders, quiet, name);
    let value = named(&threshold.contender).and_then(|mine| match &threshold.relative_to {
        None => amount(mine, metric?, level),
        Some(other) => ratio(mine, named(other)?, metric?, level),
    });
    let shown = value.filter(|value| value.claim.withheld.is_none());
    let (low, high) = shown.map_or((None, None), ends);
    ThresholdResult {
        threshold,
        metric,
        value: shown.map(|value| value.estimate),
        low,
        high,
        outcome: value.map_or(Outcome::NotMeasured, |value| settled(threshold, value)),
    }
}

/// The interval's ends, as far as the bound leaves them.
fn ends(value: Value) -> (Option<f64>, Option<f64>) {
    let (low, high) = value.interval.unzip();
    value.claim.ends(low, high)
}

fn settled(threshold: &ThresholdRecord, value: Value) -> Outcome {
    match value.claim.withheld {
        Some(Code::Errors) => Outcome::NotMeasured,
        Some(_) => Outcome::NotSettled,
        None if value.claim.is_too_noisy || value.interval.is_none() => Outcome::NotSettled,
        None => {
            // What is known to be at least so much cannot be shown to be too little, nor to stay
            // below.
            let (low, high) = ends(value);
            let interval = (low.unwrap_or(0.0), high.unwrap_or(f64::INFINITY));
            outcome(threshold.bound, threshold.limit, interval)
        }
    }
}

/// A contender's own figure. What is had once a run is what it is, without an interval, however
/// noisy the rounds were.
fn amount(mine: Side<'_>, metric: Metric<'_>, level: f64) -> Option<Value> {
    let summary = mine.contender.summary(metric)?;
    let values: Vec<f64> = summary.rounds.iter().copied().flatten().collect();
    let found = Location::of(&values, 1.0 - level).ok()?;
    let is_too_noisy = mine.quiet.is_too_noisy() && !summary.is_once();
    let claim = Claim { bound: summary.bound, is_too_noisy, ..Claim::default() };
    Some(Value::new(summary, summary.estimate, found.low.zip(found.high), claim))
}

fn ratio(mine: Side<'_>, other: Side<'_>, metric: Metric<'_>, level: f64) -> Option<Value> {
    let summary = mine.contender.summary(metric)?;
    let sides = [mine, other].map(|side| side.contender.summaries.as_slice());
    let contrast = panel(sides.into_iter(), metric).contrast(0, 1)?;
    let interval = contrast.interval(1.0 - level).map(|interval| (interval.low, interval.high));
    let found = Claim::of(metric, &[mine], &[other]);
    let is_too_noisy = found.is_too_noisy && !summary.is_once();
    Some(Value::new(summary, contrast.ratio(), interval, Claim { is_too_noisy, ..found }))
}

impl Value {
    /// What a run has once is known exactly.
    fn new(
        summary: &Summary<'_>,
        estimate: f64,
        interval: Option<(f64, f64)>,
        claim: Claim,
    ) -> Self {
        let exact = summary.is_once().then_some((estimate, estimate));
        Self { estimate, interval: interval.or(exact), claim }
    }
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
    pub const fn name(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Fails => "fails",
            Self::NotSettled => "not settled",
            Self::NotMeasured => "not measured",
        }
    }

    /// Whether a run with it must not end well: a promise that was not even looked at is not kept.
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
