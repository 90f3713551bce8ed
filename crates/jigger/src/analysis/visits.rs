//! One entry's visits, each trial looked at with those of the other rounds.

use std::collections::BTreeMap;

use super::limit::{self, Means};
use super::little;
use super::offered::Offered;
use super::trial::{Trial, is_clean};
use crate::record::{Limit, Record, ScenarioRecord, VisitRecord};

/// A visit that enters the analysis.
pub struct Visit<'a> {
    pub record: &'a VisitRecord,
    trials: Vec<Trial<'a>>,
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

/// What limited an entry, by scenario.
pub fn limits_of(record: &Record, visits: &[&Visit<'_>]) -> BTreeMap<String, Limit> {
    let of_scenario = |scenario: &ScenarioRecord| {
        let trials: Vec<&Trial<'_>> =
            visits.iter().filter_map(|visit| visit.trial(&scenario.name)).collect();
        Some((scenario.name.clone(), limit::typical(&trials)?.limit?))
    };
    record.suite.scenarios.iter().filter_map(of_scenario).collect()
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

/// Whether a trial's response times say something else than how long answers took.
fn hides_times(scenario: &ScenarioRecord, trial: &Trial<'_>) -> bool {
    let is_short = Offered::of(scenario, trial).is_some_and(|offered| !offered.is_reached());
    is_short || trial.departs
}
