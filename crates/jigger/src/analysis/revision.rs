//! A run of one contender at two revisions: the baseline against the other entry, metric by metric.

use jigger_stats::Paired;

use super::change::{self, Change};
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
            return Self { analysis, changes: Vec::new(), lost: Vec::new() };
        };
        let is_promised = |metric: &str| {
            let mut promised = analysis.thresholds.iter().map(|result| &result.threshold);
            promised.any(|t| t.metric == metric && t.relative_to.as_ref() == Some(base_name))
        };
        let counts = |metric: &str| counts(metric) && !is_promised(metric);
        let change = |before: &Metric| -> Option<(Change, Paired)> {
            let after = head.metric(&before.name)?;
            let pairs = pair(after, &base.metrics)?;
            let names = (head.record.name.as_str(), before.name.as_str());
            let margins = noise::margins(analysis.record, &before.name, &analysis.placebo);
            let estimates = (before.estimate, after.estimate);
            let counts = counts(&before.name);
            Some((Change::new(names, estimates, &pairs, margins, counts), pairs))
        };
        let drafts = base.metrics.iter().filter_map(change).collect();
        let is_lost =
            |metric: &&Metric| counts(&metric.name) && head.metric(&metric.name).is_none();
        let lost = base.metrics.iter().filter(is_lost).map(|metric| metric.name.clone()).collect();
        Self { analysis, changes: change::judged(drafts), lost }
    }

    /// Whether anything that counts got worse or was lost, or a threshold is missed.
    #[must_use]
    pub fn is_missed(&self, strict: bool) -> bool {
        let is_worse = self.changes.iter().any(Change::is_worse);
        is_worse || !self.lost.is_empty() || self.analysis.misses_thresholds(strict)
    }
}
