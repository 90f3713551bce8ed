//! A run of one contender at two revisions: the baseline against the other entry, metric by metric.

use jigger_stats::{Contrast, Margin, Verdict};

use super::change::{self, Change, Figure};
use super::claim::{Claim, Loss, Side, loss};
use super::compare::panel;
use super::{Analysis, Outcome, Summary, ThresholdResult};
use crate::metric::Metric;

/// What changed from the base to the head.
#[derive(Debug, Clone)]
pub struct Compared<'a> {
    /// The run.
    pub analysis: &'a Analysis<'a>,
    /// The metrics that both have, with the head's name.
    pub changes: Vec<Change<'a>>,
    /// Metrics that count and that only the base has.
    pub lost: Vec<Metric<'a>>,
    /// Those of which nothing can be told, with the gate.
    pub not_told: Vec<(Metric<'a>, &'static str)>,
}

impl<'a> Compared<'a> {
    /// Compares the run's two contenders. A metric that has a threshold relative to the base is
    /// held to that instead, so it does not count beside.
    #[must_use]
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
        Self { analysis, changes: change::judged(drafts, analysis.level), lost, not_told }
    }

    /// Whether further rounds would not change how the comparison ends: something that counts is
    /// worse or a threshold fails already, or all of it is better or the same and every threshold
    /// holds.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let thresholds = &self.analysis.thresholds;
        let counted = || self.changes.iter().filter(|change| change.counts);
        let is_decided = |change: &Change<'_>| {
            change.verdict.map_or(!change.claim.is_open(), Verdict::is_decided)
        };
        let has_question = counted().next().is_some() || !thresholds.is_empty();
        let is_answered = counted().all(is_decided)
            && thresholds.iter().all(|result| result.outcome != Outcome::NotSettled);
        self.is_worse()
            || thresholds.iter().any(|result| result.outcome == Outcome::Fails)
            || (has_question && is_answered)
    }

    fn is_worse(&self) -> bool {
        self.changes.iter().any(Change::is_worse) || !self.lost.is_empty()
    }

    /// Whether anything that counts got worse or was lost, or a threshold is missed.
    #[must_use]
    pub fn is_missed(&self, strict: bool) -> bool {
        self.is_worse() || self.analysis.misses_thresholds(strict)
    }
}
