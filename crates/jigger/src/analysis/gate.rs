//! Conditions that must hold for a figure to be shown without a warning.

use super::capacity;
use super::is_parallel;
use super::metric::of;
use crate::record::{Record, ScenarioRecord, TrialRecord, decode_histogram};

/// A condition that did not hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// Its stable code.
    pub code: &'static str,
    /// The scenario whose figures it touches; empty for all.
    pub scenario: String,
    /// What was found.
    pub detail: String,
}

/// Share of its cores above which the load engine is taken to be the limit.
pub const ENGINE_SHARE_LIMIT: f64 = 0.85;
/// Allowed departure from Little's law.
const LITTLE_TOLERANCE: f64 = 0.05;
/// Allowed shortfall of an open loop.
const OFFERED_SHARE: f64 = 0.99;

impl Gate {
    /// Whether the metric is of the scenario that the gate touches.
    #[must_use]
    pub fn touches(&self, metric: &str) -> bool {
        let scenario = metric.split_once('.').map(|(scenario, _)| scenario);
        scenario.is_some_and(|name| self.scenario.is_empty() || name == self.scenario)
    }
}

/// The gates that an entry failed, each once a scenario, with the worst round's detail.
pub fn gates_of(record: &Record, entry: &str) -> Vec<Gate> {
    let visits: Vec<_> = record.visits.iter().filter(|visit| visit.entry == entry).collect();
    let mut gates = Vec::new();
    for scenario in &record.suite.scenarios {
        let trials: Vec<&TrialRecord> = visits
            .iter()
            .flat_map(|visit| &visit.trials)
            .filter(|trial| trial.scenario == scenario.name)
            .collect();
        let gate = |code, detail| Gate { code, scenario: scenario.name.clone(), detail };
        gates.extend(errors(&trials).map(|detail| gate("errors", detail)));
        gates.extend(client_limited(&trials).map(|detail| gate("client-limited", detail)));
        gates.extend(little(scenario, &trials).map(|detail| gate("littles-law", detail)));
        gates.extend(offered(scenario, &trials).map(|detail| gate("rate-not-reached", detail)));
        let missed = capacity::missed(scenario, &trials);
        gates.extend(missed.map(|detail| gate("objective-missed", detail)));
    }
    let unsteady = visits.iter().filter(|visit| !visit.steady).count();
    if unsteady > 0 {
        let detail = format!("{unsteady} of {} visits", visits.len());
        gates.push(Gate { code: "not-steady", scenario: String::new(), detail });
    }
    gates
}

fn errors(trials: &[&TrialRecord]) -> Option<String> {
    let mut kinds = std::collections::BTreeMap::new();
    for (kind, count) in trials.iter().flat_map(|trial| &trial.errors) {
        *kinds.entry(kind.as_str()).or_insert(0) += count;
    }
    let example = trials.iter().find_map(|trial| trial.error_examples.values().next());
    let list: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    let example = example.map_or(String::new(), |text| format!(" (for instance: {text})"));
    (!list.is_empty()).then(|| format!("{}{example}", list.join(", ")))
}

fn client_limited(trials: &[&TrialRecord]) -> Option<String> {
    let share = |trial: &&TrialRecord| {
        of(trial.engine_cpu_ns) / of(trial.elapsed_ns) / of(trial.engine_cores as u64)
    };
    let highest = trials.iter().map(share).fold(0.0, f64::max);
    (highest > ENGINE_SHARE_LIMIT).then(|| {
        format!("the load engine used {:.0} % of its cores: a lower bound", highest * 100.0)
    })
}

/// Connections = throughput x mean latency, in a closed loop that keeps its connections busy.
fn little(scenario: &ScenarioRecord, trials: &[&TrialRecord]) -> Option<String> {
    let is_open = scenario.rate_per_second.is_some() || scenario.objective.is_some();
    if is_open || !is_parallel(scenario) {
        return None;
    }
    let connections = of(scenario.connections as u64);
    let busy = |trial: &&TrialRecord| {
        let mean_ns = decode_histogram(&trial.response_time)?.mean();
        (trial.errors.is_empty() && trial.elapsed_ns > 0)
            .then(|| of(trial.requests) / of(trial.elapsed_ns) * mean_ns)
    };
    let worst = trials
        .iter()
        .filter_map(busy)
        .max_by(|a, b| (a - connections).abs().total_cmp(&(b - connections).abs()))?;
    ((worst / connections - 1.0).abs() > LITTLE_TOLERANCE).then(|| {
        format!("rate x mean latency is {worst:.1}, not the {connections} connections held")
    })
}

fn offered(scenario: &ScenarioRecord, trials: &[&TrialRecord]) -> Option<String> {
    let rate = scenario.rate_per_second?;
    // What was due, where the record has it: random arrivals are not exactly the rate.
    let due = |trial: &TrialRecord| trial.due.map_or(rate * of(trial.elapsed_ns) / 1e9, of);
    let reached = |trial: &&TrialRecord| of(trial.requests) / due(trial);
    let lowest = trials.iter().map(reached).fold(f64::INFINITY, f64::min);
    (lowest < OFFERED_SHARE)
        .then(|| format!("{:.1} % of the {rate} requests a second were answered", lowest * 100.0))
}
