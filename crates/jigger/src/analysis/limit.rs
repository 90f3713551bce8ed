//! What limited a trial: a pure function of its record and of what there was to be used up.

use super::offered::Offered;
use super::trial::{Trial, is_clean};
use crate::numbers::number;
use crate::plan::PLACEBO;
use crate::record::{Limit, Record, ScenarioRecord, TrialRecord, VisitRecord};

/// Share of its cores from which on the server has used them up.
const SERVER_SHARE_LIMIT: f64 = 0.95;
/// Share of its cores from which on the load engine is at its limit.
pub const ENGINE_SHARE_LIMIT: f64 = 0.85;
/// Share of the ceiling from which on the load engine is at its limit.
pub const CEILING_SHARE_LIMIT: f64 = 0.7;
/// Share of the connections a second that local ports suffice for, from which on these are it.
const PORTS_SHARE_LIMIT: f64 = 0.9;
/// Local ports of a kernel whose range nobody changed: 32768 to 60999.
pub const USUAL_LOCAL_PORTS: u32 = 28_232;
/// How many times a quick answer's time the mean may be when no answer waits for another.
const MEAN_TO_QUICK: f64 = 1.5;
/// How many times the quickest answer's time it may be: that one came when nothing was queued yet.
const MEAN_TO_QUICKEST: f64 = 3.0;
/// How much more than its threads' time a server may be seen to use, by the clocks' resolution.
const THREADS_TOLERANCE: f64 = 1.05;

/// What there was to be used up in a visit's trials.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Means {
    /// Cores that the server could use.
    pub server_cores: f64,
    /// Threads in the server's tree, where that is known.
    pub server_threads: Option<u32>,
    /// The part of the load engine's cores that the server has to share, 0..1.
    pub shared_part: f64,
    /// The kernel's local ports.
    pub local_ports: u32,
}

impl Means {
    /// Those of a visit in that run.
    pub fn of(record: &Record, visit: &VisitRecord) -> Self {
        let placement = &record.placement;
        let name = if visit.entry == PLACEBO { &record.suite.baseline } else { &visit.entry };
        let contender = record.contenders.iter().find(|contender| contender.name == *name);
        let container = contender.and_then(|contender| contender.container.as_ref());
        let allowed = container.and_then(|container| container.cpus).unwrap_or(f64::INFINITY);
        let count = |cpus: &[usize]| number(cpus.len() as u64);
        Self {
            server_cores: count(&placement.server_cpus).min(allowed),
            server_threads: visit.evidence.as_ref().and_then(|evidence| evidence.threads),
            shared_part: count(&placement.shared_cpus()) / count(&placement.client_cpus).max(1.0),
            local_ports: record.host.local_ports.unwrap_or(USUAL_LOCAL_PORTS),
        }
    }

    /// The share of the cores that it could use at once, of `cores` at most; `None` when its
    /// processor time is not known. A server of fewer threads than cores cannot use them all,
    /// unless it was seen to use more than these threads could.
    fn server_share(&self, trial: &TrialRecord, cores: f64) -> Option<f64> {
        let used = number(trial.server_cpu_ns?) / number(trial.elapsed_ns);
        let threads = self.server_threads.map(f64::from);
        let threads = threads.filter(|threads| used <= threads * THREADS_TOLERANCE);
        Some(used / threads.unwrap_or(f64::INFINITY).min(cores))
    }

    /// What the load engine left to the server of its cores.
    fn cores_left(&self, trial: &TrialRecord) -> f64 {
        let engine = number(trial.engine_cpu_ns) / number(trial.elapsed_ns);
        (self.server_cores - engine * self.shared_part).max(f64::MIN_POSITIVE)
    }
}

/// What limited a trial; `None` when nothing was answered, or it is not known.
pub fn limit_of(scenario: &ScenarioRecord, trial: &Trial<'_>, means: &Means) -> Option<Limit> {
    let found = trial.record;
    if found.requests == 0 || found.elapsed_ns == 0 {
        return None;
    }
    let share = means.server_share(found, means.server_cores);
    let uses_up = |share: Option<f64>| share.is_some_and(|share| share >= SERVER_SHARE_LIMIT);
    let is_near_ports =
        is_near_ports(found.connections_opened, found.elapsed_ns, means.local_ports);
    let engine_share = engine_share(found.engine_cpu_ns, found.elapsed_ns, found.engine_cores);
    let ceiling_share = ceiling_share(scenario, found, means.local_ports);
    Some(match () {
        () if uses_up(share) => Limit::ServerCpu,
        () if Offered::of(scenario, trial).is_some_and(|it| it.is_reached()) => Limit::Rate,
        () if is_near_ports => Limit::Ports,
        () if engine_share >= ENGINE_SHARE_LIMIT => Limit::ClientCpu,
        () if ceiling_share.is_some_and(|it| it >= CEILING_SHARE_LIMIT) => Limit::ClientCpu,
        // On cores that both share it is used up when the two of them have used it up.
        () if uses_up(means.server_share(found, means.cores_left(found))) => Limit::ServerCpu,
        // The rate is the highest that keeps the objective: neither more connections nor a server
        // that waits less were looked for.
        () if scenario.objective.is_some() => return None,
        () if !queues(scenario, trial)? => Limit::Connections,
        // A server whose processor time is not known may have used it up.
        () if share.is_none() => return None,
        () => Limit::ServerWaits,
    })
}

/// The load engine's processor time as a share of its cores.
#[must_use]
pub fn engine_share(cpu_ns: u64, elapsed_ns: u64, cores: usize) -> f64 {
    number(cpu_ns) / number(elapsed_ns.max(1)) / number(cores.max(1) as u64)
}

/// The rate as a share of what the load engine reaches at best in this shape, where that is known
/// and is the engine's own: with fresh connections the ports may be the limit of that too.
pub fn ceiling_share(
    scenario: &ScenarioRecord,
    trial: &TrialRecord,
    local_ports: u32,
) -> Option<f64> {
    let ceiling = scenario.ceiling_per_second.filter(|ceiling| *ceiling > 0.0)?;
    let is_of_ports = ceiling >= PORTS_SHARE_LIMIT * connections_per_second(local_ports);
    if scenario.fresh && is_of_ports {
        return None;
    }
    let rate = number(trial.requests) * 1e9 / number(trial.elapsed_ns.max(1));
    // One second can miss the machine's best; a trial that went higher has shown it.
    Some(rate / ceiling.max(rate))
}

/// How many connections a second local ports suffice for over loopback: connect(2) takes every
/// second one, and each is free again after a second (docs/method.md).
pub fn connections_per_second(local_ports: u32) -> f64 {
    f64::from(local_ports) / 2.0
}

/// Whether so many connections in that time come near to what local ports suffice for. In less than
/// a second a port is not used twice, however fast they come.
#[must_use]
pub fn is_near_ports(opened: u64, elapsed_ns: u64, local_ports: u32) -> bool {
    let seconds = (number(elapsed_ns) / 1e9).max(1.0);
    number(opened) / seconds >= PORTS_SHARE_LIMIT * connections_per_second(local_ports)
}

/// Whether requests waited for one another at the server, so that more connections would have been
/// answered no more; `None` when the times are not known.
///
/// Without a queue each answer takes about as long as a quick one. Where all wait for one lock all
/// answers take the same time too, but for the first: nothing was queued before it.
fn queues(scenario: &ScenarioRecord, trial: &Trial<'_>) -> Option<bool> {
    if scenario.connections == 1 {
        return Some(false);
    }
    let times = trial.response_time.as_ref().filter(|times| !times.is_empty())?;
    let quickest = number(times.min());
    if scenario.rate_per_second.is_some() {
        // What was asked for faster than answered waited for a connection, too. These were all
        // busy, so that Little's law has the time of an answer.
        let found = trial.record;
        let busy_ns =
            number(scenario.connections as u64) * number(found.elapsed_ns) / number(found.requests);
        return Some(busy_ns > MEAN_TO_QUICK * quickest);
    }
    let quick = number(times.value_at_quantile(0.1));
    Some(times.mean() > MEAN_TO_QUICK * quick || times.mean() > MEAN_TO_QUICKEST * quickest)
}

/// The trial that stands for a contender's trials of a scenario: of those without errors one that
/// was limited as most of them were, and among these the one whose rate is nearest to the median.
pub fn typical<'a>(trials: &[&'a Trial<'a>]) -> Option<&'a Trial<'a>> {
    let mut clean: Vec<&'a Trial<'a>> =
        trials.iter().copied().filter(|trial| is_clean(trial.record)).collect();
    let rate = |trial: &Trial<'_>| trial.record.requests_per_second();
    clean.sort_by(|a, b| rate(a).total_cmp(&rate(b)));
    let alike = |trial: &Trial<'_>| clean.iter().filter(|it| it.limit == trial.limit).count();
    let most = clean.iter().map(|trial| alike(trial)).max()?;
    // Doubled, so that the middle of an even number lies between two.
    let from_middle = |at: usize| (2 * at + 1).abs_diff(clean.len());
    let ranked = clean.iter().enumerate().filter(|(_, trial)| alike(trial) == most);
    ranked.min_by_key(|(at, _)| from_middle(*at)).map(|(_, trial)| *trial)
}

/// Notes in a visit what limited each of its trials, before it is kept in that record.
pub fn set_limits(record: &Record, visit: &mut VisitRecord) {
    let means = Means::of(record, visit);
    for trial in &mut visit.trials {
        let mut scenarios = record.suite.scenarios.iter();
        let scenario = scenarios.find(|scenario| scenario.name == trial.scenario);
        trial.limit = scenario.and_then(|scenario| limit_of(scenario, &Trial::of(trial), &means));
    }
}

#[cfg(test)]
mod tests;
