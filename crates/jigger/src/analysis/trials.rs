//! One entry's visits, with the histogram of each trial decoded once.

use hdrhistogram::Histogram;

use crate::record::{Record, ScenarioRecord, TrialRecord, VisitRecord, decode_histogram};

/// A visit that enters the analysis.
pub struct Visit<'a> {
    pub record: &'a VisitRecord,
    trials: Vec<Trial<'a>>,
}

/// One of its trials.
pub struct Trial<'a> {
    pub record: &'a TrialRecord,
    /// `None` when the record is damaged.
    pub response_time: Option<Histogram<u64>>,
}

/// The visits of an entry, in the order in which they were made.
pub fn visits_of<'a>(record: &'a Record, entry: &'a str) -> Vec<Visit<'a>> {
    let decoded = |trial: &'a TrialRecord| Trial {
        record: trial,
        response_time: decode_histogram(&trial.response_time),
    };
    let visit = |visit: &'a VisitRecord| Visit {
        record: visit,
        trials: visit.trials.iter().map(decoded).collect(),
    };
    record.visits_of(entry).map(visit).collect()
}

impl Visit<'_> {
    /// Its trial of a scenario.
    pub fn trial(&self, scenario: &str) -> Option<&Trial<'_>> {
        self.trials.iter().find(|trial| trial.record.scenario == scenario)
    }

    /// The same when it is without errors: errors and wrong answers are never throughput, and a
    /// server that fails fast must not look fast.
    pub fn clean_trial(&self, scenario: &str) -> Option<&Trial<'_>> {
        self.trial(scenario).filter(|trial| is_clean(trial.record))
    }

    /// The same when its response times are what they seem.
    pub fn timed_trial(&self, scenario: &ScenarioRecord) -> Option<&Trial<'_>> {
        self.clean_trial(&scenario.name).filter(|trial| !super::gate::hides_times(scenario, trial))
    }
}

/// Whether every request of a trial was answered correctly, and there was one.
pub fn is_clean(trial: &TrialRecord) -> bool {
    trial.errors.is_empty() && trial.requests > 0
}
