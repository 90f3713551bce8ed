//! Gates of records made by hand.

use super::*;
use crate::analysis::Analysis;
use crate::metric::Bound;
use crate::record::VisitRecord;
use crate::report::tests::drawn::record;

const SECOND: u64 = 1_000_000_000;
const RATE: &str = "saturation.requests_per_second";

/// The trial of `saturation` in each of an entry's visits, which lasted 2 s.
fn each(record: &mut Record, entry: &str, change: impl Fn(usize, &mut TrialRecord)) {
    let visits = record.visits.iter_mut().filter(|visit: &&mut VisitRecord| visit.entry == entry);
    visits.for_each(|visit| change(visit.round, &mut visit.trials[1]));
}

/// The detail of that gate of gin's.
fn detail(record: &Record, code: &str) -> Option<String> {
    let analysis = Analysis::of(record);
    let gates = &analysis.contender("gin").unwrap().gates;
    gates.iter().find(|gate| gate.code == code).map(|gate| gate.detail.clone())
}

#[test]
fn a_rate_of_a_server_that_is_used_up_is_a_value() {
    let mut record = record(7);
    record.suite.scenarios[1].ceiling_per_second = Some(24_000.0);
    each(&mut record, "gin", |_, trial| {
        trial.server_cpu_ns = Some(SECOND * 2 * 988 / 1_000);
        trial.engine_cpu_ns = SECOND * 2 * 95 / 100;
    });
    assert_eq!(detail(&record, "client-limited"), None);
    let analysis = Analysis::of(&record);
    assert_eq!(analysis.contender("gin").unwrap().summary(RATE).unwrap().bound, None);
    assert_eq!(analysis.comparison(RATE.into(), "gin").unwrap().bound, None);
    assert_eq!(analysis.limit("gin", "saturation"), Some(Limit::ServerCpu));
}

#[test]
fn the_worst_round_is_not_the_judge_of_the_load_engine() {
    let mut record = record(7);
    each(&mut record, "gin", |round, trial| {
        if round < 3 {
            trial.engine_cpu_ns = SECOND * 2 * 99 / 100;
        }
    });
    assert_eq!(detail(&record, "client-limited"), None);
    each(&mut record, "gin", |round, trial| {
        trial.engine_cpu_ns = SECOND * 2 * (99 - round as u64) / 100;
    });
    let said = "the load engine used 96 % of its cores: a bound, not a value";
    assert_eq!(detail(&record, "client-limited").as_deref(), Some(said));
}

#[test]
fn costs_are_no_bounds() {
    let mut record = record(7);
    each(&mut record, "gin", |_, trial| {
        trial.engine_cpu_ns = SECOND * 2;
        trial.memory_bytes = Some(1_000);
    });
    let analysis = Analysis::of(&record);
    let bound = |name: &str| analysis.contender("gin").unwrap().summary(name).unwrap().bound;
    assert_eq!(bound(RATE), Some(Bound::AtLeast));
    assert_eq!(bound("saturation.response_time_us.mean"), Some(Bound::AtMost));
    assert_eq!(bound("saturation.cpu_us_per_request"), None);
    assert_eq!(bound("saturation.memory_bytes"), None);
}

fn at_the_ports(record: &mut Record, entry: &str) {
    each(record, entry, |_, trial| {
        trial.connections_opened = 28_294;
        trial.engine_cpu_ns = SECOND * 2 * 93 / 100;
    });
}

#[test]
fn ports_that_come_to_an_end_are_not_the_load_engines_fault() {
    let mut record = record(7);
    at_the_ports(&mut record, "gin");
    assert_eq!(detail(&record, "client-limited"), None);
    let said = "14147 connections were opened a second, and this machine's 28232 local ports \
                suffice for about 14116: a bound, not a value";
    assert_eq!(detail(&record, "port-limited").as_deref(), Some(said));
    let withheld = |record: &Record| {
        let analysis = Analysis::of(record);
        let found = analysis.comparison(RATE.into(), "gin").unwrap();
        (found.bound, found.withheld)
    };
    assert_eq!(withheld(&record), (Some(Bound::AtLeast), None));
    at_the_ports(&mut record, "flask");
    assert_eq!(withheld(&record), (None, Some("port-limited")));
    record.host.local_ports = Some(64_000);
    assert_eq!(detail(&record, "port-limited"), None);
}

/// In 85 us the engine spent 10 ms on making connections that came to nothing.
#[test]
fn a_trial_without_an_answer_tells_nothing_of_the_load_engine() {
    let mut record = record(7);
    each(&mut record, "gin", |_, trial| {
        (trial.requests, trial.elapsed_ns, trial.engine_cpu_ns) = (0, 85_000, 10_000_000);
        trial.errors.insert("connect_refused".to_owned(), 32);
    });
    assert_eq!(detail(&record, "client-limited"), None);
    assert!(detail(&record, "errors").is_some());
    assert_eq!(Analysis::of(&record).limit("gin", "saturation"), None);
}

#[test]
fn a_single_round_that_departs_from_littles_law_stays_in() {
    let mut record = record(7);
    let departs = |trial: &mut TrialRecord| trial.requests = trial.requests * 8 / 10;
    each(&mut record, "gin", |round, trial| {
        if round == 2 {
            departs(trial);
        }
    });
    let rounds = |record: &Record| {
        let analysis = Analysis::of(record);
        let times = analysis.contender("gin").unwrap().summary("saturation.response_time_us.p50");
        times.map(|metric| metric.rounds.iter().flatten().count())
    };
    assert_eq!(detail(&record, "littles-law"), None);
    assert_eq!(rounds(&record), Some(7));
    each(&mut record, "gin", |round, trial| {
        if round > 3 {
            departs(trial);
        }
    });
    let said = "rate x mean latency accounts for 25.6 connections in the median round, not for 32";
    assert_eq!(detail(&record, "littles-law").as_deref(), Some(said));
    assert_eq!(rounds(&record), None, "those that agree are not picked out either");
}

#[test]
fn the_share_that_is_said_to_be_answered_was() {
    let mut record = record(7);
    record.suite.scenarios[1].rate_per_second = Some(40_000.0);
    each(&mut record, "gin", |_, trial| trial.due = Some(trial.requests * 1_000 / 64));
    let said = "6.4 % of the 40000 requests a second were answered";
    assert_eq!(detail(&record, "rate-not-reached").as_deref(), Some(said));
}
