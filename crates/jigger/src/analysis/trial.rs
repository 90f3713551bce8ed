//! One trial of a visit, with its histogram decoded once.

use hdrhistogram::Histogram;

use crate::record::{Limit, TrialRecord, decode_histogram};

/// A trial of a visit that enters the analysis.
pub struct Trial<'a> {
    pub record: &'a TrialRecord,
    /// `None` when the record is damaged.
    pub response_time: Option<Histogram<u64>>,
    /// What limited it: as it was recorded, or for older records as it is found now.
    pub limit: Option<Limit>,
    /// Whether the entry's response times in this scenario depart from Little's law.
    pub departs: bool,
}

impl<'a> Trial<'a> {
    /// The trial, its histogram decoded, before it is looked at with others.
    pub fn of(record: &'a TrialRecord) -> Self {
        let response_time = decode_histogram(&record.response_time);
        Self { record, response_time, limit: record.limit, departs: false }
    }
}

/// Whether every request of a trial was answered correctly, and there was one.
pub fn is_clean(trial: &TrialRecord) -> bool {
    trial.errors.is_empty() && trial.requests > 0
}
