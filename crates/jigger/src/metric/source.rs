//! Where a metric's values come from.

use hdrhistogram::Histogram;

use crate::record::{ContenderRecord, TrialRecord, VisitRecord};

/// Where a metric's values come from, which also says how often a run has one. Each function gives
/// the value in the metric's unit.
#[derive(Debug, Clone, Copy)]
pub enum Source {
    /// One a visit.
    Visit(fn(&VisitRecord) -> Option<f64>),
    /// One a trial without errors, of its counts.
    Trial(fn(&TrialRecord) -> Option<f64>),
    /// One a trial without errors, of its response times.
    ResponseTimes(fn(&Histogram<u64>) -> f64),
    /// The same: a percentile, which needs so many responses.
    Percentile {
        /// 0..1.
        quantile: f64,
        /// Ten lie beyond it at the least (docs/method.md).
        responses: u64,
    },
    /// One a run, of all start-up times in milliseconds, shortest first; of so many at the least.
    Launches {
        /// So that a percentile is not just the longest.
        launches: usize,
        /// Never of fewer.
        value: fn(&[f64]) -> f64,
    },
    /// One a run, exactly as it is.
    Contender(fn(&ContenderRecord) -> Option<f64>),
}

impl Source {
    /// Whether a run has one value, and not one for each round.
    #[must_use]
    pub const fn is_once(self) -> bool {
        matches!(self, Self::Launches { .. } | Self::Contender(_))
    }

    /// Whether each scenario has values of its own.
    #[must_use]
    pub const fn is_of_scenario(self) -> bool {
        matches!(self, Self::Trial(_) | Self::ResponseTimes(_) | Self::Percentile { .. })
    }
}
