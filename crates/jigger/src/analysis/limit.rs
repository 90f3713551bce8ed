//! What limited a trial: a pure function of its record and of what there was to be used up.

use super::trial::{Offered, Trial, is_clean};
use crate::numbers::number;
use crate::plan::PLACEBO;
use crate::record::{Limit, PacingRecord, Record, ScenarioRecord, TrialRecord, VisitRecord};

/// Share of its cores from which on the server has used them up.
const SERVER_SHARE_LIMIT: f64 = 0.95;
/// Share of its cores from which on the load engine is at its limit.
pub const ENGINE_SHARE_LIMIT: f64 = 0.85;
/// Share of the ceiling from which on the load engine is at its limit.
pub const CEILING_SHARE_LIMIT: f64 = 0.7;
/// Share of the connections a second that local ports suffice for, from which on these are it.
const PORTS_SHARE_LIMIT: f64 = 0.9;
/// Local ports of a kernel with the default range: 32768 to 60999.
pub const USUAL_LOCAL_PORTS: u32 = 28_232;
/// How many times a quick response's time the mean may be when no response waits for another.
const MEAN_TO_QUICK: f64 = 1.5;
/// How many times the quickest response's time it may be: that one came when nothing was queued yet.
const MEAN_TO_QUICKEST: f64 = 3.0;
/// How much more than its threads' time a server may be seen to use, by the clocks' resolution.
const THREADS_TOLERANCE: f64 = 1.05;

/// What there was to be used up in a visit's trials.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Means {
    /// Those that the server could use.
    pub server_cores: f64,
    /// Threads in the server's tree, where that is known.
    pub server_threads: Option<u32>,
    /// The part of the load engine's cores that the server has to share, 0..1.
    pub shared_part: f64,
    /// Cores of services alone; 0 where they share the servers'.
    pub service_cores: f64,
    pub local_ports: u32,
}

impl Means {
    pub fn of(record: &Record, visit: &VisitRecord) -> Self {
        let placement = &record.placement;
        let name = if visit.entry == PLACEBO { &record.suite.baseline } else { &visit.entry };
        let container = record.contender(name).and_then(|contender| contender.container.as_ref());
        let allowed = container.and_then(|container| container.cpus).unwrap_or(f64::INFINITY);
        let count = |cpus: &[usize]| number(cpus.len() as u64);
        Self {
            server_cores: count(&placement.server_cpus).min(allowed),
            server_threads: visit.evidence.as_ref().and_then(|evidence| evidence.threads),
            shared_part: count(&placement.shared_cpus()) / count(&placement.client_cpus).max(1.0),
            service_cores: count(&placement.service_cpus),
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

    /// The share of its own cores that services used, or of the servers' cores what they and the
    /// server used together. Services without cores of their own count as such that share, also
    /// where another one has some.
    fn service_share(&self, trial: &TrialRecord) -> Option<f64> {
        let services: u64 = trial.services.iter().map(|service| service.cpu_ns).sum();
        let (used_ns, cores) = match self.service_cores > 0.0 {
            true => (services, self.service_cores),
            false => (services + trial.server_cpu_ns?, self.cores_left(trial)),
        };
        (!trial.services.is_empty()).then(|| number(used_ns) / number(trial.elapsed_ns) / cores)
    }

    /// What the load engine left to the server of its cores.
    fn cores_left(&self, trial: &TrialRecord) -> f64 {
        let engine = number(trial.engine_cpu_ns) / number(trial.elapsed_ns);
        (self.server_cores - engine * self.shared_part).max(f64::MIN_POSITIVE)
    }
}

/// What limited a trial; `None` without a response, or if it is not known.
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
        () if uses_up(means.service_share(found)) => match means.service_cores > 0.0 {
            true => Limit::ServiceCpu,
            false => Limit::ServerAndServiceCpu,
        },
        // The rate is the highest that keeps the objective: neither more connections nor a server
        // that waits less were looked for.
        () if matches!(scenario.pacing(), PacingRecord::Capacity { .. }) => return None,
        () if !queues(scenario, trial)? => Limit::Connections,
        // A server whose processor time is not known may have used it up.
        () if share.is_none() => return None,
        () => Limit::ServerWaits,
    })
}

/// The load engine's processor time as a share of its cores.
pub fn engine_share(cpu_ns: u64, elapsed_ns: u64, cores: usize) -> f64 {
    number(cpu_ns) / number(elapsed_ns.max(1)) / number(cores.max(1) as u64)
}

/// The rate as a share of what the load engine reaches at best in this shape, where that is known
/// and is the engine's own: where connections are made all the time, the ports may be the limit of that too.
pub fn ceiling_share(
    scenario: &ScenarioRecord,
    trial: &TrialRecord,
    local_ports: u32,
) -> Option<f64> {
    // One that was measured in another version of HTTP says nothing of this one.
    let is_of_version = scenario.http2.is_some() == trial.http2_settings.is_some();
    let ceiling = scenario.ceiling_per_second.filter(|it| *it > 0.0 && is_of_version)?;
    let is_of_ports = ceiling >= PORTS_SHARE_LIMIT * connections_per_second(local_ports);
    let makes_connections = scenario.fresh || scenario.requests_per_connection.is_some();
    if makes_connections && is_of_ports {
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
pub fn is_near_ports(opened: u64, elapsed_ns: u64, local_ports: u32) -> bool {
    let seconds = (number(elapsed_ns) / 1e9).max(1.0);
    number(opened) / seconds >= PORTS_SHARE_LIMIT * connections_per_second(local_ports)
}

/// Whether requests waited for one another at the server, so that more connections would not
/// have raised the rate; `None` when the times are not known.
///
/// Without a queue each response takes about as long as a quick one. Where all wait for one lock all
/// responses take the same time too, but for the first: nothing was queued before it.
fn queues(scenario: &ScenarioRecord, trial: &Trial<'_>) -> Option<bool> {
    if scenario.at_once() == 1 {
        return Some(false);
    }
    let times = trial.response_time.as_ref().filter(|times| !times.is_empty())?;
    let quickest = number(times.min());
    if scenario.is_rate_given() {
        // A request that was due while all connections were busy waited for one, too. With all of them
        // busy, Little's law gives the time of a response.
        let found = trial.record;
        let busy_ns = number(scenario.at_once_in(found) as u64) * number(found.elapsed_ns)
            / number(found.requests);
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
        let scenario = record.scenario(&trial.scenario);
        trial.limit = scenario.and_then(|scenario| limit_of(scenario, &Trial::of(trial), &means));
    }
}

#[cfg(test)]
mod tests {
    use hdrhistogram::Histogram;

    use super::typical as typical_trial;
    use super::*;
    use crate::record::{ContainerRecord, ServiceTrialRecord, encode_histogram};
    use crate::report::tests::drawn::{blank, record};

    const SECOND: u64 = 1_000_000_000;

    /// A server of one core with a thread, as many local ports as usual.
    const MEANS: Means = Means {
        server_cores: 1.0,
        server_threads: None,
        shared_part: 0.0,
        service_cores: 0.0,
        local_ports: USUAL_LOCAL_PORTS,
    };

    /// A second of 32 connections that were all busy, with the server at 60 % of its core and the
    /// engine at 20 %; every response took as long as every other.
    fn trial(requests: u64) -> TrialRecord {
        with_times(requests, &[(32 * SECOND / requests, requests)])
    }

    fn with_times(requests: u64, times: &[(u64, u64)]) -> TrialRecord {
        let mut histogram = Histogram::<u64>::new(3).unwrap();
        times.iter().for_each(|(time, count)| histogram.record_n(*time, *count).unwrap());
        TrialRecord {
            response_time: encode_histogram(&histogram),
            server_cpu_ns: Some(SECOND * 6 / 10),
            engine_cpu_ns: SECOND * 2 / 10,
            ..blank::trial("q", requests, SECOND)
        }
    }

    fn found_with(means: &Means, scenario: &ScenarioRecord, trial: &TrialRecord) -> Option<Limit> {
        limit_of(scenario, &Trial::of(trial), means)
    }

    fn found(scenario: &ScenarioRecord, trial: &TrialRecord) -> Option<Limit> {
        found_with(&MEANS, scenario, trial)
    }

    fn closed() -> ScenarioRecord {
        blank::scenario("q", 32)
    }

    /// The server alone has 60 % of its core.
    #[test]
    fn services_use_up_their_own_cores_or_those_of_the_servers() {
        let with_service = |cpu_ns: u64| {
            let (name, memory_bytes) = ("db".to_owned(), 0);
            let services = vec![ServiceTrialRecord { name, cpu_ns, memory_bytes }];
            TrialRecord { services, ..trial(1_000) }
        };
        let apart = Means { service_cores: 1.0, ..MEANS };
        let of = |means: &Means, share: u64| {
            found_with(means, &closed(), &with_service(SECOND * share / 100))
        };
        assert_eq!(of(&MEANS, 37), Some(Limit::ServerAndServiceCpu));
        assert_eq!(of(&apart, 97), Some(Limit::ServiceCpu));
        for (means, share) in [(&MEANS, 20), (&apart, 37)] {
            assert_ne!(of(means, share), Some(Limit::ServerAndServiceCpu));
            assert_ne!(of(means, share), Some(Limit::ServiceCpu));
        }
    }

    #[test]
    fn without_a_response_there_is_no_limit() {
        let busy = TrialRecord {
            requests: 0,
            server_cpu_ns: Some(SECOND),
            engine_cpu_ns: SECOND,
            ..trial(10_000)
        };
        assert_eq!(found(&closed(), &busy), None);
    }

    /// axum at 98.8 % of its core, with the engine at 88 % of its own.
    #[test]
    fn a_server_that_uses_its_cores_up_is_its_own_limit_whatever_the_client_burnt() {
        let busy = TrialRecord {
            server_cpu_ns: Some(SECOND * 988 / 1_000),
            engine_cpu_ns: SECOND * 88 / 100,
            ..trial(127_503)
        };
        let scenario = ScenarioRecord { ceiling_per_second: Some(173_526.0), ..closed() };
        assert_eq!(found(&scenario, &busy), Some(Limit::ServerCpu));
        let less = TrialRecord { server_cpu_ns: Some(SECOND * 94 / 100), ..busy };
        assert_eq!(found(&scenario, &less), Some(Limit::ClientCpu));
        let two_cores = Means { server_cores: 2.0, ..MEANS };
        let both = TrialRecord { server_cpu_ns: Some(SECOND * 19 / 10), ..less.clone() };
        assert_eq!(found_with(&two_cores, &scenario, &both), Some(Limit::ServerCpu));
        assert_eq!(found_with(&two_cores, &scenario, &less), Some(Limit::ClientCpu));
    }

    #[test]
    fn a_server_of_fewer_threads_than_cores_has_so_many_cores() {
        let used =
            |share: u64| TrialRecord { server_cpu_ns: Some(SECOND * share / 100), ..trial(10_000) };
        let threads = |threads| Means { server_cores: 3.0, server_threads: Some(threads), ..MEANS };
        assert_eq!(found_with(&threads(1), &closed(), &used(99)), Some(Limit::ServerCpu));
        assert_ne!(found_with(&threads(3), &closed(), &used(99)), Some(Limit::ServerCpu));
        // It has more threads under load, as it uses more than one thread can.
        assert_ne!(found_with(&threads(1), &closed(), &used(150)), Some(Limit::ServerCpu));
        assert_eq!(found_with(&threads(1), &closed(), &used(290)), Some(Limit::ServerCpu));
    }

    #[test]
    fn an_open_loop_that_reached_its_rate_used_nothing_up() {
        let scenario = ScenarioRecord { rate_per_second: Some(1_000.0), ..closed() };
        let reached = TrialRecord { due: Some(1_000), engine_cpu_ns: SECOND, ..trial(1_000) };
        assert_eq!(found(&scenario, &reached), Some(Limit::Rate));
        // Every response took 40 ms, and all 32 connections were busy all the time.
        let busy = with_times(800, &[(40_000_000, 80), (400_000_000, 720)]);
        let short = TrialRecord { due: Some(2_000), in_flight: 1_200, ..busy };
        let scenario = ScenarioRecord { rate_per_second: Some(2_000.0), ..closed() };
        assert_eq!(found(&scenario, &short), Some(Limit::Connections));
        // It took 5 ms when there was no queue.
        let waits = with_times(800, &[(5_000_000, 10), (400_000_000, 790)]);
        let waits = TrialRecord { due: Some(2_000), in_flight: 1_200, ..waits };
        assert_eq!(found(&scenario, &waits), Some(Limit::ServerWaits));
    }

    #[test]
    fn connections_come_to_the_end_of_the_ports() {
        let fresh = ScenarioRecord { fresh: true, ceiling_per_second: Some(14_217.0), ..closed() };
        let opened = |opened: u64| TrialRecord {
            connections_opened: opened,
            engine_cpu_ns: SECOND * 93 / 100,
            ..trial(opened)
        };
        assert_eq!(found(&fresh, &opened(14_147)), Some(Limit::Ports));
        assert_eq!(found(&fresh, &opened(12_000)), Some(Limit::ClientCpu));
        let wide = Means { local_ports: 60_000, ..MEANS };
        assert_eq!(found_with(&wide, &fresh, &opened(14_147)), Some(Limit::ClientCpu));
        // The server closes what was to be kept.
        assert_eq!(found(&closed(), &opened(14_147)), Some(Limit::Ports));
        // In a fiftieth of a second no port is used twice.
        let short = TrialRecord { elapsed_ns: SECOND / 50, connections_opened: 300, ..trial(300) };
        let short = TrialRecord { server_cpu_ns: None, engine_cpu_ns: 0, ..short };
        let one = ScenarioRecord { fresh: true, ..blank::scenario("q", 1) };
        assert_eq!(found(&one, &short), Some(Limit::Connections));
    }

    /// A ceiling that ports made says nothing of what the load engine can do.
    #[test]
    fn a_ceiling_made_by_ports_is_not_the_load_engines() {
        let opened = TrialRecord { connections_opened: 11_000, ..trial(11_000) };
        let fresh = ScenarioRecord { fresh: true, ceiling_per_second: Some(14_217.0), ..closed() };
        assert_eq!(found(&fresh, &opened), Some(Limit::Connections));
        let lower = ScenarioRecord { ceiling_per_second: Some(12_000.0), ..fresh };
        assert_eq!(found(&lower, &opened), Some(Limit::ClientCpu));
    }

    #[test]
    fn the_load_engine_is_the_limit_by_its_time_or_by_its_ceiling() {
        let busy = TrialRecord { engine_cpu_ns: SECOND * 86 / 100, ..trial(10_000) };
        assert_eq!(found(&closed(), &busy), Some(Limit::ClientCpu));
        let of_two = TrialRecord { engine_cores: 2, ..busy };
        assert_eq!(found(&closed(), &of_two), Some(Limit::Connections));
        let ceiling = |rate| ScenarioRecord { ceiling_per_second: Some(rate), ..closed() };
        assert_eq!(found(&ceiling(14_000.0), &trial(10_000)), Some(Limit::ClientCpu));
        assert_eq!(found(&ceiling(15_000.0), &trial(10_000)), Some(Limit::Connections));
    }

    #[test]
    fn on_shared_cores_both_together_use_them_up() {
        let shared = Means { shared_part: 1.0, ..MEANS };
        let both =
            |engine: u64| TrialRecord { engine_cpu_ns: SECOND * engine / 100, ..trial(10_000) };
        assert_eq!(found_with(&shared, &closed(), &both(39)), Some(Limit::ServerCpu));
        assert_eq!(found_with(&shared, &closed(), &both(20)), Some(Limit::Connections));
        assert_eq!(found(&closed(), &both(39)), Some(Limit::Connections));
    }

    #[test]
    fn without_a_queue_more_connections_would_get_more() {
        assert_eq!(found(&closed(), &trial(1_000)), Some(Limit::Connections));
        // Some wait for others.
        let mixed = with_times(1_000, &[(5_000_000, 200), (39_000_000, 800)]);
        assert_eq!(found(&closed(), &mixed), Some(Limit::ServerWaits));
        // All wait for one lock in turn: but for the first, each response takes the same time.
        let in_turn = with_times(1_000, &[(1_000_000, 1), (32_000_000, 999)]);
        assert_eq!(found(&closed(), &in_turn), Some(Limit::ServerWaits));
        assert_eq!(found(&blank::scenario("q", 1), &mixed), Some(Limit::Connections));
    }

    /// A server that was running already may have used its processor time up.
    #[test]
    fn what_is_not_known_is_not_told() {
        let unknown = |trial: TrialRecord| TrialRecord { server_cpu_ns: None, ..trial };
        let mixed = with_times(1_000, &[(5_000_000, 200), (39_000_000, 800)]);
        assert_eq!(found(&closed(), &unknown(mixed)), None);
        assert_eq!(found(&closed(), &unknown(trial(1_000))), Some(Limit::Connections));
        let objective = ScenarioRecord { objective: Some("p99 < 20ms".to_owned()), ..closed() };
        assert_eq!(found(&objective, &trial(1_000)), None);
        let busy = TrialRecord { server_cpu_ns: Some(SECOND), ..trial(1_000) };
        assert_eq!(found(&objective, &busy), Some(Limit::ServerCpu));
    }

    #[test]
    fn the_trial_that_stands_for_all_is_limited_as_most_are() {
        use Limit::{ClientCpu, Ports, ServerCpu};
        let typical = |limits: &[(u64, Limit)]| {
            let trial =
                |(rate, limit): &(u64, Limit)| TrialRecord { limit: Some(*limit), ..trial(*rate) };
            let records: Vec<TrialRecord> = limits.iter().map(trial).collect();
            let trials: Vec<Trial<'_>> = records.iter().map(Trial::of).collect();
            let found = typical_trial(&trials.iter().collect::<Vec<_>>())?;
            Some((found.record.requests, found.limit?))
        };
        assert_eq!(typical(&[]), None);
        let most = [(900, ClientCpu), (100, ServerCpu), (200, ServerCpu)];
        assert_eq!(typical(&most), Some((200, ServerCpu)), "the worst is not asked");
        let tie = [(100, Ports), (200, ServerCpu), (300, ClientCpu)];
        assert_eq!(typical(&tie), Some((200, ServerCpu)));
        let tie =
            [(100, Ports), (110, Ports), (200, ServerCpu), (300, ClientCpu), (310, ClientCpu)];
        assert_eq!(typical(&tie), Some((110, Ports)));
    }

    #[test]
    fn trials_with_errors_do_not_stand_for_others() {
        let mut failed = TrialRecord { limit: Some(Limit::ClientCpu), ..trial(900) };
        failed.errors.insert("timeout".to_owned(), 1);
        let right = TrialRecord { limit: Some(Limit::ServerCpu), ..trial(100) };
        let trials = [Trial::of(&failed), Trial::of(&failed), Trial::of(&right)];
        let found = typical(&trials.iter().collect::<Vec<_>>()).unwrap();
        assert_eq!(found.limit, Some(Limit::ServerCpu));
        assert!(typical(&[&trials[0]]).is_none());
    }

    #[test]
    fn a_container_has_the_processor_time_that_it_may_use() {
        let mut record = record(1);
        let visit = record.visits[0].clone();
        assert!((Means::of(&record, &visit).server_cores - 1.0).abs() < 1e-9);
        record.contenders[0].container = Some(ContainerRecord {
            of: "gin".to_owned(),
            image: "i".to_owned(),
            engine: "docker".to_owned(),
            network: "host".to_owned(),
            cpus: Some(0.5),
            memory_bytes: None,
        });
        assert!((Means::of(&record, &visit).server_cores - 0.5).abs() < 1e-9);
        record.host.local_ports = Some(100);
        assert_eq!(Means::of(&record, &visit).local_ports, 100);
    }

    #[test]
    fn what_a_record_says_holds_and_what_it_lacks_is_found() {
        let mut record = record(3);
        let limit =
            |record: &Record| crate::analysis::Analysis::of(record).limit("gin", "saturation");
        assert_eq!(limit(&record), Some(Limit::Connections));
        for visit in &mut record.visits {
            visit.trials[1].server_cpu_ns = Some(2 * SECOND);
        }
        assert_eq!(limit(&record), Some(Limit::ServerCpu));
        let mut visit = record.visits[0].clone();
        set_limits(&record, &mut visit);
        assert_eq!(visit.trials[1].limit, Some(Limit::ServerCpu));
        for visit in &mut record.visits {
            visit.trials[1].limit = Some(Limit::Ports);
        }
        assert_eq!(limit(&record), Some(Limit::Ports));
        assert_eq!(crate::analysis::Analysis::of(&record).limit("nobody", "saturation"), None);
    }
}
