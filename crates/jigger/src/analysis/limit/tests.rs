//! What limited trials made by hand.

use hdrhistogram::Histogram;

use super::typical as typical_trial;
use super::*;
use crate::record::{ContainerRecord, encode_histogram};
use crate::report::tests::drawn::{blank, record};

const SECOND: u64 = 1_000_000_000;

/// A server of one core with a thread, as many local ports as usual.
const MEANS: Means = Means {
    server_cores: 1.0,
    server_threads: None,
    shared_part: 0.0,
    local_ports: USUAL_LOCAL_PORTS,
};

/// A second of 32 connections that were all busy, with the server at 60 % of its core and the
/// engine at 20 %; every answer took as long as every other.
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

#[test]
fn nothing_answered_has_no_limit() {
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
    // It has more threads while it is asked, as it uses more than one thread can.
    assert_ne!(found_with(&threads(1), &closed(), &used(150)), Some(Limit::ServerCpu));
    assert_eq!(found_with(&threads(1), &closed(), &used(290)), Some(Limit::ServerCpu));
}

#[test]
fn an_open_loop_that_reached_its_rate_used_nothing_up() {
    let scenario = ScenarioRecord { rate_per_second: Some(1_000.0), ..closed() };
    let reached = TrialRecord { due: Some(1_000), engine_cpu_ns: SECOND, ..trial(1_000) };
    assert_eq!(found(&scenario, &reached), Some(Limit::Rate));
    // Every answer took 40 ms, and all 32 connections were busy all the time.
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
    let both = |engine: u64| TrialRecord { engine_cpu_ns: SECOND * engine / 100, ..trial(10_000) };
    assert_eq!(found_with(&shared, &closed(), &both(39)), Some(Limit::ServerCpu));
    assert_eq!(found_with(&shared, &closed(), &both(20)), Some(Limit::Connections));
    assert_eq!(found(&closed(), &both(39)), Some(Limit::Connections));
}

#[test]
fn without_a_queue_more_connections_would_be_answered_more() {
    assert_eq!(found(&closed(), &trial(1_000)), Some(Limit::Connections));
    // Some wait for others.
    let mixed = with_times(1_000, &[(5_000_000, 200), (39_000_000, 800)]);
    assert_eq!(found(&closed(), &mixed), Some(Limit::ServerWaits));
    // All wait for one lock in turn: but for the first, each answer takes the same time.
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
    let tie = [(100, Ports), (110, Ports), (200, ServerCpu), (300, ClientCpu), (310, ClientCpu)];
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
    let limit = |record: &Record| crate::analysis::Analysis::of(record).limit("gin", "saturation");
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
