//! A run of one contender at two revisions: the baseline against the other entry, metric by metric.

use jigger_stats::Paired;

use super::change::{self, Change, Figure};
use super::claim::{Claim, Loss, Side, loss};
use super::compare::pair;
use super::{Analysis, Metric, noise};

/// What changed from the base to the head.
#[derive(Debug, Clone)]
pub struct Compared<'a> {
    /// The run.
    pub analysis: &'a Analysis<'a>,
    /// The metrics that both have, with the head's name.
    pub changes: Vec<Change>,
    /// Metrics that count and that only the base has.
    pub lost: Vec<String>,
    /// Those of which nothing can be told, with the gate.
    pub not_told: Vec<(String, &'static str)>,
}

impl<'a> Compared<'a> {
    /// Compares the run's two contenders. A metric that has a threshold relative to the base is
    /// held to that instead, so it does not count beside.
    #[must_use]
    pub fn of(analysis: &'a Analysis<'a>, counts: &dyn Fn(&str) -> bool) -> Self {
        let base_name = &analysis.record.suite.baseline;
        let base = analysis.contender(base_name);
        let head = analysis.contenders.iter().find(|c| c.record.name != *base_name);
        let (Some(base), Some(head)) = (base, head) else {
            return Self { analysis, changes: Vec::new(), lost: Vec::new(), not_told: Vec::new() };
        };
        let is_promised = |metric: &str| {
            let mut promised = analysis.thresholds.iter().map(|result| &result.threshold);
            promised.any(|t| t.metric == metric && t.relative_to.as_ref() == Some(base_name))
        };
        let counts = |metric: &str| counts(metric) && !is_promised(metric);
        let sides = (Side::of(analysis, base), Side::of(analysis, head));
        let loss_of =
            |metric: &str| counts(metric).then(|| loss(metric, sides.0, sides.1)).flatten();
        let change = |before: &Metric| -> Option<(Change, Paired)> {
            let after = head.metric(&before.name)?;
            let pairs = pair(after, &base.metrics)?;
            let names = (head.record.name.as_str(), before.name.as_str());
            let margins = noise::margins(analysis.record, &before.name, &analysis.placebo);
            let figures = (Figure::of(before), Figure::of(after));
            let claim = Claim::of(&before.name, &[sides.1], &[sides.0]);
            let counts = counts(&before.name);
            Some((Change::new(names, figures, (&pairs, claim), margins, counts), pairs))
        };
        let (mut drafts, mut lost, mut not_told) = (Vec::new(), Vec::new(), Vec::new());
        for metric in &base.metrics {
            match loss_of(&metric.name) {
                None => drafts.extend(change(metric)),
                Some(Loss::Worse) => lost.push(metric.name.clone()),
                Some(Loss::NotTold(gate)) => not_told.push((metric.name.clone(), gate)),
            }
        }
        Self { analysis, changes: change::judged(drafts), lost, not_told }
    }

    /// Whether anything that counts got worse or was lost, or a threshold is missed.
    #[must_use]
    pub fn is_missed(&self, strict: bool) -> bool {
        let is_worse = self.changes.iter().any(Change::is_worse);
        is_worse || !self.lost.is_empty() || self.analysis.misses_thresholds(strict)
    }
}
