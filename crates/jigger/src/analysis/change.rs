//! What became of a metric between two states of a contender, and which metrics a decision counts.

use jigger_stats::{CONFIDENCE, Case, Contrast, Finding, Margin, Verdict};

use super::claim::Claim;
use super::compare::findings;
use super::summary::Summary;
use crate::metric::Metric;
use crate::record::{Record, ScenarioRecord};

/// One metric of one contender, before and after.
#[derive(Debug, Clone, PartialEq)]
pub struct Change<'a> {
    /// Of what.
    pub metric: Metric<'a>,
    /// Whose.
    pub contender: &'a str,
    /// The estimate before.
    pub before: Figure,
    /// The estimate after.
    pub after: Figure,
    /// After divided by before.
    pub ratio: f64,
    /// What gates and noise leave of the ratio.
    pub claim: Claim,
    /// Lower end of the ratio's 95 % interval, with enough rounds and where a bound supports it.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// The largest difference that the interval leaves open, as a share.
    pub largest_difference: Option<f64>,
    /// Beyond this difference, as a share, it is for better or worse; within it the same.
    pub margin: f64,
    /// What the comparison says, where the metric counts, there are rounds enough and nothing
    /// forbids it.
    pub verdict: Option<Verdict>,
    /// Whether the decision hangs on it.
    pub counts: bool,
}

/// A value, and what gates leave of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figure {
    /// The value.
    pub value: f64,
    /// Whether it is a bound, or not to be shown.
    pub claim: Claim,
}

/// Whether a decision counts the metric: one of those `wanted` (a whole name, or what follows the
/// scenario's), or without any the default.
#[must_use]
pub fn is_counted(record: &Record, metric: Metric<'_>, wanted: &[String]) -> bool {
    if !wanted.is_empty() {
        return wanted.iter().any(|wanted| metric.is_called(wanted));
    }
    let mut scenarios = record.suite.scenarios.iter();
    let scenario = scenarios.find(|scenario| metric.scenario == Some(scenario.name.as_str()));
    metric.descriptor().role.is_counted(scenario.is_some_and(ScenarioRecord::is_rate_given))
}

impl Figure {
    /// A contender's own.
    pub(super) fn of(summary: &Summary<'_>) -> Self {
        let claim = Claim { bound: summary.bound, ..Claim::default() };
        Self { value: summary.estimate, claim }
    }
}

impl<'a> Change<'a> {
    /// A change without a verdict yet.
    pub(super) fn new(
        (contender, metric): (&'a str, Metric<'a>),
        (before, after): (Figure, Figure),
        (contrast, claim): (&Contrast, Claim),
        margin: Margin,
        counts: bool,
    ) -> Self {
        let interval = contrast.interval(CONFIDENCE);
        let (low, high) = claim
            .ends(interval.map(|interval| interval.low), interval.map(|interval| interval.high));
        Self {
            metric,
            contender,
            before,
            after,
            ratio: contrast.ratio(),
            claim,
            low,
            high,
            largest_difference: contrast.largest_difference(CONFIDENCE),
            margin: margin.share(),
            verdict: None,
            counts,
        }
    }

    /// Whether it is one that counts and is for the worse.
    #[must_use]
    pub fn is_worse(&self) -> bool {
        self.counts && self.verdict == Some(Verdict::Worse)
    }

    /// The verdict in words.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self.verdict {
            Some(Verdict::Better) => "better",
            Some(Verdict::Worse) => "worse",
            Some(Verdict::Same) => "same",
            Some(Verdict::ProbablyBetter) => "probably better",
            Some(Verdict::ProbablyWorse) => "probably worse",
            Some(Verdict::NotShown) => "no difference shown",
            None if !self.counts => "-",
            None if self.claim.withheld.is_some() || self.claim.bound.is_some() => "not told",
            None if self.claim.is_too_noisy => "too noisy",
            None => "no interval",
        }
    }
}

/// Puts the verdicts into the changes that count, all of them judged as one family: that anything
/// at all is called better or worse by more than its margin which is not, has a chance of `level`
/// at most. What gates and noise forbid is taken away afterwards.
pub(super) fn judged<'a>(drafts: Vec<(Change<'a>, Contrast)>, level: f64) -> Vec<Change<'a>> {
    let case = |(change, contrast): &(Change<'_>, Contrast)| {
        let margin = Margin::new(change.margin).unwrap_or_default();
        let direction = change.metric.descriptor().direction;
        change.counts.then_some(Case {
            contrast: *contrast,
            direction,
            same: margin,
            different: margin,
        })
    };
    let findings = findings(&drafts, case, level);
    let finish = |((change, _), finding): ((Change<'a>, Contrast), Option<Finding>)| {
        let direction = change.metric.descriptor().direction;
        let verdict = finding.and_then(|found| change.claim.allowed(found.verdict, direction));
        Change { verdict, ..change }
    };
    drafts.into_iter().zip(findings).map(finish).collect()
}
