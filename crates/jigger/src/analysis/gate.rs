//! Conditions that must hold for a figure to be shown as it is.

use super::limit::{
    CEILING_SHARE_LIMIT, ENGINE_SHARE_LIMIT, ceiling_share, connections_per_second, engine_share,
    typical,
};
use super::offered::Offered;
use super::trial::Trial;
use super::visits::Visit;
use super::{capacity, limit, little};
use crate::metric::Metric;
use crate::numbers::number;
use crate::record::{Limit, Record, ScenarioRecord, TrialRecord};

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

/// The gates that leave a bound of a figure.
const BOUNDING: [&str; 2] = ["client-limited", "port-limited"];

impl Gate {
    /// Whether the metric is of the scenario that the gate touches.
    #[must_use]
    pub fn touches(&self, metric: Metric<'_>) -> bool {
        metric.scenario.is_some_and(|name| self.scenario.is_empty() || name == self.scenario)
    }
}

/// The gate by which a metric is a bound only.
pub fn bounding(gates: &[Gate], metric: Metric<'_>) -> Option<&'static str> {
    let mut gates = gates.iter().filter(|gate| BOUNDING.contains(&gate.code));
    gates.find(|gate| gate.touches(metric)).map(|gate| gate.code)
}

/// The gates that an entry failed, each once a scenario.
pub fn gates_of(record: &Record, visits: &[&Visit<'_>]) -> Vec<Gate> {
    let mut gates: Vec<Gate> =
        record.suite.scenarios.iter().flat_map(|it| of_scenario(record, it, visits)).collect();
    let unsteady = visits.iter().filter(|visit| !visit.record.steady).count();
    if unsteady > 0 {
        let detail = format!("{unsteady} of {} visits", visits.len());
        let remedy = "raise warm_up.cap; on a noisy machine raise warm_up.window";
        gates.push(Gate { code: "not-steady", scenario: String::new(), detail, remedy });
    }
    gates
}

fn of_scenario(record: &Record, scenario: &ScenarioRecord, visits: &[&Visit<'_>]) -> Vec<Gate> {
    let trials: Vec<&Trial<'_>> =
        visits.iter().filter_map(|visit| visit.trial(&scenario.name)).collect();
    let local_ports = record.host.local_ports.unwrap_or(limit::USUAL_LOCAL_PORTS);
    let disturbed_ceiling = scenario.has_disturbed_ceiling(&record.suite.disturbance);
    let limited_by = |limit| typical(&trials).filter(|trial| trial.limit == Some(limit));
    let client_limited = limited_by(Limit::ClientCpu)
        .map(|trial| client_limited(scenario, trial.record, local_ports, disturbed_ceiling));
    let port_limited =
        limited_by(Limit::Ports).map(|trial| port_limited(trial.record, local_ports));
    let mut gates = Vec::new();
    let mut gate = |code, detail: Option<String>, remedy| {
        let scenario = scenario.name.clone();
        gates.extend(detail.map(|detail| Gate { code, scenario, detail, remedy }));
    };
    gate("errors", errors(&trials), "see the example and the server's log");
    gate(
        "client-limited",
        client_limited,
        "give the load engine more cores (--client-cpus), or compare at a fixed rate",
    );
    gate(
        "port-limited",
        port_limited,
        "widen the kernel's range of local ports (sysctl net.ipv4.ip_local_port_range), or let \
         connections be kept",
    );
    gate(
        "littles-law",
        departed(scenario, &trials),
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
    gates
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
    trial: &TrialRecord,
    local_ports: u32,
    disturbed_ceiling: bool,
) -> String {
    let engine_share = engine_share(trial.engine_cpu_ns, trial.elapsed_ns, trial.engine_cores);
    let ceiling_share = ceiling_share(scenario, trial, local_ports).unwrap_or(0.0);
    let mut found = Vec::new();
    if ceiling_share < CEILING_SHARE_LIMIT || engine_share >= ENGINE_SHARE_LIMIT {
        found.push(format!("the load engine used {:.0} % of its cores", engine_share * 100.0));
    }
    if ceiling_share >= CEILING_SHARE_LIMIT {
        found.push(format!(
            "the rate was {:.0} % of the load engine's highest here{}",
            ceiling_share * 100.0,
            if disturbed_ceiling { " (a disturbed ceiling, perhaps too low)" } else { "" }
        ));
    }
    format!("{}: a bound, not a value", found.join(" and "))
}

/// Neither the server nor the load engine is to blame.
fn port_limited(trial: &TrialRecord, local_ports: u32) -> String {
    format!(
        "{:.0} connections were opened a second, and this machine's {local_ports} local ports \
         suffice for about {:.0}: a bound, not a value",
        number(trial.connections_opened) * 1e9 / number(trial.elapsed_ns),
        connections_per_second(local_ports)
    )
}

/// Connections = throughput x mean latency, in a closed loop that keeps its connections busy.
fn departed(scenario: &ScenarioRecord, trials: &[&Trial<'_>]) -> Option<String> {
    let occupied = little::departed(scenario, trials.iter().copied())?;
    Some(format!(
        "rate x mean latency accounts for {occupied:.1} connections in the median round, not for {}",
        scenario.connections
    ))
}

/// What was truly answered, in the round that fell short the most.
fn offered(scenario: &ScenarioRecord, trials: &[&Trial<'_>]) -> Option<String> {
    let rounds = trials.iter().filter_map(|trial| Offered::of(scenario, trial));
    let short = rounds.filter(|offered| !offered.is_reached());
    let worst = short.min_by(|a, b| a.steady_share().total_cmp(&b.steady_share()))?;
    Some(format!(
        "{:.1} % of the {} requests a second were answered",
        worst.answered_share() * 100.0,
        worst.rate_per_second
    ))
}

#[cfg(test)]
mod tests;
