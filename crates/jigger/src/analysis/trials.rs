//! One entry's visits, with the histogram of each trial decoded once.

use hdrhistogram::Histogram;

use super::limit::{self, Means};
use super::little;
use super::offered::Offered;
use crate::record::{Limit, Record, ScenarioRecord, TrialRecord, VisitRecord, decode_histogram};

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

/// The visits of an entry, in the order in which they were made.
pub fn visits_of<'a>(record: &'a Record, entry: &'a str) -> Vec<Visit<'a>> {
    let visit = |visit: &'a VisitRecord| Visit {
        record: visit,
        trials: visit.trials.iter().map(Trial::of).collect(),
    };
    let mut visits: Vec<Visit<'a>> = record.visits_of(entry).map(visit).collect();
    for scenario in &record.suite.scenarios {
        let trials = visits.iter().filter_map(|visit| visit.trial(&scenario.name));
        let departs = little::departed(scenario, trials).is_some();
        for visit in &mut visits {
            let means = Means::of(record, visit.record);
            for trial in visit.trials.iter_mut().filter(|it| it.record.scenario == scenario.name) {
                trial.departs = departs;
                let limit = trial.limit.or_else(|| limit::limit_of(scenario, trial, &means));
                trial.limit = limit;
            }
        }
    }
    visits
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
        self.clean_trial(&scenario.name).filter(|trial| !hides_times(scenario, trial))
    }
}

/// Whether every request of a trial was answered correctly, and there was one.
pub fn is_clean(trial: &TrialRecord) -> bool {
    trial.errors.is_empty() && trial.requests > 0
}

/// Whether a trial's response times say something else than how long answers took.
fn hides_times(scenario: &ScenarioRecord, trial: &Trial<'_>) -> bool {
    let is_short = Offered::of(scenario, trial).is_some_and(|offered| !offered.is_reached());
    is_short || trial.departs
}
