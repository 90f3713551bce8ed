//! Conditions that must hold for a figure to be shown as it is.

use super::capacity;
use super::metric::of;
use super::offered::{NEEDED_SHARE, answered_share};
use super::trials::{Trial, Visit};
use crate::record::{Record, ScenarioRecord, TrialRecord};

/// A condition that did not hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// Its stable code.
    pub code: &'static str,
    /// The scenario whose figures it touches; empty for all.
    pub scenario: String,
    /// What was found.
    pub detail: String,
    /// What to change.
    pub remedy: &'static str,
}

/// Share of its cores above which the load engine is taken to be the limit.
pub const ENGINE_SHARE_LIMIT: f64 = 0.85;
/// Share of the ceiling above which the load engine is taken to be the limit.
pub const CEILING_SHARE_LIMIT: f64 = 0.7;
/// Allowed departure from Little's law.
const LITTLE_TOLERANCE: f64 = 0.05;

impl Gate {
    /// Whether the metric is of the scenario that the gate touches.
    #[must_use]
    pub fn touches(&self, metric: &str) -> bool {
        let scenario = metric.split_once('.').map(|(scenario, _)| scenario);
        scenario.is_some_and(|name| self.scenario.is_empty() || name == self.scenario)
    }
}

/// The gates that an entry failed, each once a scenario, with the worst round's detail.
pub fn gates_of(record: &Record, visits: &[Visit<'_>]) -> Vec<Gate> {
    let mut gates = Vec::new();
    for scenario in &record.suite.scenarios {
        let trials: Vec<&Trial<'_>> =
            visits.iter().filter_map(|visit| visit.trial(&scenario.name)).collect();
        let mut gate = |code, detail: Option<String>, remedy| {
            let scenario = scenario.name.clone();
            gates.extend(detail.map(|detail| Gate { code, scenario, detail, remedy }));
        };
        let disturbed_ceiling = scenario.has_disturbed_ceiling(&record.suite.disturbance);
        gate("errors", errors(&trials), "see the example and the server's log");
        gate(
            "client-limited",
            client_limited(scenario, &trials, disturbed_ceiling),
            "give the load engine more cores (--client-cpus), or compare at a fixed rate",
        );
        gate(
            "littles-law",
            little(scenario, &trials),
            "lengthen the trial: requests without an answer at its end were a large part of it",
        );
        gate(
            "rate-not-reached",
            offered(scenario, &trials),
            "lower the rate, or raise the connections",
        );
        gate(
            "objective-missed",
            capacity::missed(scenario, &trials),
            "loosen the objective, lengthen the trial, or raise the connections",
        );
    }
    let unsteady = visits.iter().filter(|visit| !visit.record.steady).count();
    if unsteady > 0 {
        let detail = format!("{unsteady} of {} visits", visits.len());
        let remedy = "raise warm_up.cap; on a noisy machine raise warm_up.window";
        gates.push(Gate { code: "not-steady", scenario: String::new(), detail, remedy });
    }
    gates
}

/// Whether a trial's response times say something else than how long answers took.
pub fn hides_times(scenario: &ScenarioRecord, trial: &Trial<'_>) -> bool {
    let is_short = answered_share(scenario, trial).is_some_and(|share| share < NEEDED_SHARE);
    let departs = occupied(scenario, trial)
        .is_some_and(|occupied| departure(scenario, occupied) > LITTLE_TOLERANCE);
    is_short || departs
}

fn errors(trials: &[&Trial<'_>]) -> Option<String> {
    let mut kinds = std::collections::BTreeMap::new();
    for (kind, count) in trials.iter().flat_map(|trial| &trial.record.errors) {
        *kinds.entry(kind.as_str()).or_insert(0) += count;
    }
    let example = trials.iter().find_map(|trial| trial.record.error_examples.values().next());
    let list: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    let example = example.map_or(String::new(), |text| format!(" (for instance: {text})"));
    (!list.is_empty()).then(|| format!("{}{example}", list.join(", ")))
}

/// The engine was the limit when it had little time left, or was near to what it can do at all.
fn client_limited(
    scenario: &ScenarioRecord,
    trials: &[&Trial<'_>],
    disturbed_ceiling: bool,
) -> Option<String> {
    let busiest = |trial: &&Trial<'_>| {
        let trial = trial.record;
        of(trial.engine_cpu_ns) / of(trial.elapsed_ns) / of(trial.engine_cores as u64)
    };
    let engine_share = trials.iter().map(busiest).fold(0.0, f64::max);
    let rate = |trial: &&Trial<'_>| of(trial.record.requests) * 1e9 / of(trial.record.elapsed_ns);
    let highest = trials.iter().map(rate).filter(|rate| rate.is_finite()).fold(0.0, f64::max);
    let ceiling = scenario.ceiling_per_second.filter(|ceiling| *ceiling > 0.0);
    // One second can miss the machine's best; a trial that went higher has shown it.
    let ceiling_share = ceiling.map_or(0.0, |ceiling| highest / ceiling.max(highest));
    let mut found = Vec::new();
    if engine_share > ENGINE_SHARE_LIMIT {
        found.push(format!("the load engine used {:.0} % of its cores", engine_share * 100.0));
    }
    if ceiling_share > CEILING_SHARE_LIMIT {
        found.push(format!(
            "the rate was {:.0} % of the load engine's highest here{}",
            ceiling_share * 100.0,
            if disturbed_ceiling { " (a disturbed ceiling, perhaps too low)" } else { "" }
        ));
    }
    (!found.is_empty()).then(|| format!("{}: a bound, not a value", found.join(" and ")))
}

/// Connections = throughput x mean latency, in a closed loop that keeps its connections busy.
fn little(scenario: &ScenarioRecord, trials: &[&Trial<'_>]) -> Option<String> {
    let occupied = trials.iter().filter_map(|trial| occupied(scenario, trial));
    let worst = occupied
        .max_by(|a, b| departure(scenario, *a).total_cmp(&departure(scenario, *b)))
        .filter(|worst| departure(scenario, *worst) > LITTLE_TOLERANCE)?;
    Some(format!(
        "rate x mean latency accounts for {worst:.1} connections, not for {}",
        scenario.connections
    ))
}

fn departure(scenario: &ScenarioRecord, occupied: f64) -> f64 {
    (occupied / of(scenario.connections as u64) - 1.0).abs()
}

/// How many connections were waiting for an answer or being made again, on the average; `None`
/// where Little's law says nothing.
fn occupied(scenario: &ScenarioRecord, trial: &Trial<'_>) -> Option<f64> {
    let TrialRecord { requests, elapsed_ns, idle_ns, .. } = *trial.record;
    // Without it the time of making a connection again, of which one connection has the most, is
    // missing: older records.
    let is_known = idle_ns.is_some() || scenario.connections > 1;
    let is_closed = scenario.rate_per_second.is_none();
    if !is_closed || !is_known || !super::trials::is_clean(trial.record) || elapsed_ns == 0 {
        return None;
    }
    let mean_ns = trial.response_time.as_ref()?.mean();
    Some((of(requests) * mean_ns + of(idle_ns.unwrap_or(0))) / of(elapsed_ns))
}

fn offered(scenario: &ScenarioRecord, trials: &[&Trial<'_>]) -> Option<String> {
    let rate = scenario.rate_per_second?;
    let shares = trials.iter().filter_map(|trial| answered_share(scenario, trial));
    let lowest = shares.fold(f64::INFINITY, f64::min);
    (lowest < NEEDED_SHARE)
        .then(|| format!("{:.1} % of the {rate} requests a second were answered", lowest * 100.0))
}
