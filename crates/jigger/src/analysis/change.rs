//! What became of a metric between two states of a contender, which metrics a decision counts, and
//! a run of one contender at two revisions.

use jigger_stats::{CONFIDENCE, Case, Contrast, Finding, Margin, Verdict};

use super::Analysis;
use super::claim::{Claim, Loss, Side, loss};
use super::compare::{findings, panel};
use super::summary::Summary;
use super::threshold::{Outcome, ThresholdResult};
use crate::metric::Metric;
use crate::record::{Record, ScenarioRecord};

/// One metric of one contender, before and after.
#[derive(Debug, Clone, PartialEq)]
pub struct Change<'a> {
    pub metric: Metric<'a>,
    pub contender: &'a str,
    pub before: Figure,
    pub after: Figure,
    /// After divided by before.
    pub ratio: f64,
    /// Of the ratio.
    pub claim: Claim,
    /// Ends of the ratio's 95 % interval, with enough rounds and where a bound supports it.
    pub low: Option<f64>,
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

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figure {
    pub value: f64,
    pub claim: Claim,
}

/// Whether a decision counts the metric: one of those `wanted` (a whole name, or what follows the
/// scenario's), or without any the default.
pub fn is_counted(record: &Record, metric: Metric<'_>, wanted: &[String]) -> bool {
    if !wanted.is_empty() {
        return wanted.iter().any(|wanted| metric.is_called(wanted));
    }
    let scenario = metric.scenario.and_then(|name| record.scenario(name));
    metric.descriptor().role.is_counted(scenario.is_some_and(ScenarioRecord::is_rate_given))
}

impl Figure {
    pub(super) fn of(summary: &Summary<'_>) -> Self {
        let claim = Claim { bound: summary.bound, ..Claim::default() };
        Self { value: summary.estimate, claim }
    }
}

impl<'a> Change<'a> {
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

    pub fn is_worse(&self) -> bool {
        self.counts && self.verdict == Some(Verdict::Worse)
    }

    pub const fn word(&self) -> &'static str {
        match self.verdict {
            Some(Verdict::Better) => "better",
            Some(Verdict::Worse) => "worse",
            Some(Verdict::Same) => "same",
            Some(Verdict::ProbablyBetter) => "probably better",
            Some(Verdict::ProbablyWorse) => "probably worse",
            Some(Verdict::NotShown) => "no difference shown",
            None if !self.counts => "-",
            None if self.claim.withheld.is_some() || self.claim.bound.is_some() => "not judged",
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

/// What changed from the base to the head.
#[derive(Debug, Clone)]
pub struct Compared<'a> {
    pub analysis: &'a Analysis<'a>,
    /// The metrics that both have, with the head's name.
    pub changes: Vec<Change<'a>>,
    /// Metrics that count and that only the base has.
    pub lost: Vec<Metric<'a>>,
    /// Those that cannot be judged, with the gate.
    pub not_told: Vec<(Metric<'a>, &'static str)>,
}

impl<'a> Compared<'a> {
    /// Compares the run's two contenders. A metric that has a threshold relative to the base is
    /// held to that instead, so it does not count beside.
    pub fn of(analysis: &'a Analysis<'a>, counts: &dyn Fn(Metric<'_>) -> bool) -> Self {
        let base_name = &analysis.record.suite.baseline;
        let base = analysis.contender(base_name);
        let head = analysis.contenders.iter().find(|c| c.record.name != *base_name);
        let (Some(base), Some(head)) = (base, head) else {
            return Self { analysis, changes: Vec::new(), lost: Vec::new(), not_told: Vec::new() };
        };
        let is_promised = |metric: Metric<'_>| {
            let is_it = |result: &ThresholdResult<'_>| {
                result.metric == Some(metric)
                    && result.threshold.relative_to.as_ref() == Some(base_name)
            };
            analysis.thresholds.iter().any(is_it)
        };
        let counts = |metric: Metric<'_>| counts(metric) && !is_promised(metric);
        let sides = (Side::of(analysis, base), Side::of(analysis, head));
        let loss_of =
            |metric: Metric<'_>| counts(metric).then(|| loss(metric, sides.0, sides.1)).flatten();
        let margin = Margin::new(analysis.record.suite.margin).unwrap_or_default();
        let change = |before: &Summary<'a>| -> Option<(Change<'a>, Contrast)> {
            let metric = before.metric;
            let after = head.summary(metric)?;
            let both = [&head.summaries, &base.summaries].map(Vec::as_slice);
            let contrast = panel(both.into_iter(), metric).contrast(0, 1)?;
            let names = (head.record.name.as_str(), metric);
            let figures = (Figure::of(before), Figure::of(after));
            let claim = Claim::of(metric, &[sides.1], &[sides.0]);
            let counts = counts(metric);
            Some((Change::new(names, figures, (&contrast, claim), margin, counts), contrast))
        };
        let (mut drafts, mut lost, mut not_told) = (Vec::new(), Vec::new(), Vec::new());
        for before in &base.summaries {
            match loss_of(before.metric) {
                None => drafts.extend(change(before)),
                Some(Loss::Worse) => lost.push(before.metric),
                Some(Loss::NotTold(gate)) => not_told.push((before.metric, gate)),
            }
        }
        Self { analysis, changes: judged(drafts, analysis.level), lost, not_told }
    }

    /// Whether further rounds would not change how the comparison ends: something that counts is
    /// worse or a threshold fails already, or all of it is better or the same and every threshold
    /// holds.
    pub fn is_settled(&self) -> bool {
        let thresholds = &self.analysis.thresholds;
        let counted = || self.changes.iter().filter(|change| change.counts);
        let is_decided = |change: &Change<'_>| {
            change.verdict.map_or(!change.claim.is_open(), Verdict::is_decided)
        };
        let has_family = counted().next().is_some() || !thresholds.is_empty();
        let is_known = counted().all(is_decided)
            && thresholds.iter().all(|result| result.outcome != Outcome::NotSettled);
        self.is_worse()
            || thresholds.iter().any(|result| result.outcome == Outcome::Fails)
            || (has_family && is_known)
    }

    fn is_worse(&self) -> bool {
        self.changes.iter().any(Change::is_worse) || !self.lost.is_empty()
    }

    /// Whether anything that counts got worse or was lost, or a threshold is missed.
    pub fn is_missed(&self, strict: bool) -> bool {
        self.is_worse() || self.analysis.misses_thresholds(strict)
    }
}
