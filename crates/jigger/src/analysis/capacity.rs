//! Objectives that no rate kept.

use super::trial::Trial;
use crate::numbers::number;
use crate::record::{ProbeRecord, ScenarioRecord, TrialRecord};

/// In how many rounds not even the lowest rate kept the scenario's objective, in words; `None`
/// when all rounds have a capacity.
pub fn missed(scenario: &ScenarioRecord, trials: &[&Trial<'_>]) -> Option<String> {
    let objective = scenario.objective.as_ref()?;
    let records = trials.iter().map(|trial| trial.record);
    let without: Vec<&TrialRecord> =
        records.filter(|trial| trial.capacity_per_second.is_none()).collect();
    let lowest = without.iter().filter_map(|trial| trial.probes.last()).next_back()?;
    Some(format!(
        "no rate kept {objective} in {} of {} rounds; at {:.0} a second, the lowest tried, {}",
        without.len(),
        trials.len(),
        lowest.rate_per_second,
        found(lowest)
    ))
}

fn found(probe: &ProbeRecord) -> String {
    match probe.statistic_ns {
        _ if probe.errors > 0 => format!("{} requests failed", probe.errors),
        None => format!("{} answers were too few to tell", probe.requests),
        Some(ns) => {
            format!("it was {:.2} ms with {} unanswered", number(ns) / 1e6, probe.in_flight)
        }
    }
}
