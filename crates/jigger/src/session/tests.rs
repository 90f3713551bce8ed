//! The session in a fake world: time passes only when a visit says so.

use std::path::Path;

use super::*;
use crate::disturbance::Disturbance;
use crate::event::Event;
use crate::host::Host;
use crate::plan::{Method, Options};
use crate::record::{
    ContenderRecord, Evidence, Limit, Record, ServiceTrialRecord, Status, TrialRecord,
};
use crate::suite::{Pacing, Rounds, Suite};

const VISIT: Duration = Duration::from_secs(10);

/// Visits take ten seconds each; what goes wrong in which is written down beforehand.
#[derive(Default)]
struct FakeWorld {
    elapsed: Duration,
    /// (entry, round) of visits that fail.
    failing: Vec<(&'static str, usize)>,
    /// Those that fail do so at the round's first attempt only.
    fails_once: bool,
    failing_cannot_start: bool,
    /// (entry, round, how often) of visits that something else disturbs.
    disturbed: Vec<(&'static str, usize, usize)>,
    /// Contenders that close their connections.
    closing: Vec<&'static str>,
    /// A server that uses half of its core, and a service beside it that uses the other half.
    has_service: bool,
    /// Ctrl-C came before the rounds.
    interrupted_before: bool,
    /// Ctrl-C comes during the visit with this number.
    interrupted_in: Option<usize>,
    visits: Vec<(usize, String)>,
    /// What each visit was for.
    works: Vec<String>,
    /// The scenarios whose ceilings were requested.
    ceilings: Vec<String>,
}

fn names(scenarios: &[Scenario]) -> Vec<String> {
    scenarios.iter().map(|scenario| scenario.name.clone()).collect()
}

impl World for FakeWorld {
    fn elapsed(&self) -> Duration {
        self.elapsed
    }

    fn is_interrupted(&self) -> bool {
        self.interrupted_before
            || self.interrupted_in.is_some_and(|visit| self.visits.len() > visit)
    }

    fn visit(&mut self, turn: &Turn<'_>, _listener: &mut Listener<'_>) -> VisitRecord {
        let Turn { entry, round, position, work } = *turn;
        self.elapsed += VISIT;
        self.visits.push((round, entry.name.clone()));
        let made = self.visits.iter().filter(|(at, name)| (*at, name) == (round, &entry.name));
        let made = made.count();
        let disturbs = |(name, at, times): &(&str, usize, usize)| {
            *name == entry.name && *at == round && made <= *times
        };
        let foreign_cpu_share = Some(if self.disturbed.iter().any(disturbs) { 0.5 } else { 0.01 });
        let fails = self.failing.iter().any(|(name, at)| *name == entry.name && *at == round)
            && !(self.fails_once && made > 1);
        let (work, trials) = match work {
            Work::Launch => ("launch".to_owned(), Vec::new()),
            Work::Verify => ("verify".to_owned(), Vec::new()),
            Work::Load(scenarios) => {
                let of = if self.has_service { with_service } else { |trial| trial };
                let trials = scenarios.iter().map(|it| of(trial(&it.name))).collect();
                (names(scenarios).join("+"), trials)
            }
        };
        self.works.push(format!("{work} {}", entry.name));
        let is_dead = fails && self.failing_cannot_start;
        let trials = if is_dead { Vec::new() } else { trials };
        VisitRecord {
            startup_ns: (!is_dead).then_some(1_000_000),
            evidence: Some(evidence(self.closing.contains(&entry.name.as_str()))),
            disturbance: Disturbance { foreign_cpu_share, ..Disturbance::default() },
            trials,
            failure: fails.then(|| "it broke".to_owned()),
            ..VisitRecord::begun(&entry.name, round, position)
        }
    }

    fn ceilings(
        &mut self,
        scenarios: &[Scenario],
        _listener: &mut Listener<'_>,
    ) -> Vec<Vec<CeilingAttempt>> {
        self.ceilings = names(scenarios);
        let disturbance = Disturbance::default();
        vec![vec![CeilingAttempt { rate_per_second: 5e4, disturbance }]; scenarios.len()]
    }
}

/// A thousand responses in a second.
fn trial(scenario: &str) -> TrialRecord {
    serde_json::from_value(serde_json::json!({
        "scenario": scenario, "elapsed_ns": 1_000_000_000, "requests": 1_000,
        "bytes_received": 0, "response_time": "", "connect_time": "", "status": {},
        "errors": {}, "error_examples": {}, "in_flight": 0, "in_flight_oldest_ns": 0,
        "connections_opened": 1, "closed_by_server": 0, "server_cpu_ns": null,
        "engine_cpu_ns": 0, "engine_cores": 1, "log_bytes": 0, "driver": "epoll"
    }))
    .unwrap()
}

fn with_service(trial: TrialRecord) -> TrialRecord {
    let (name, cpu_ns, memory_bytes) = ("db".to_owned(), trial.elapsed_ns / 2, 1);
    let services = vec![ServiceTrialRecord { name, cpu_ns, memory_bytes }];
    TrialRecord { server_cpu_ns: Some(cpu_ns), services, ..trial }
}

fn evidence(closes_connections: bool) -> Evidence {
    serde_json::from_value(serde_json::json!({
        "http_version": "1.1", "status": 200, "headers": [], "body_bytes": 0, "body_sha256": "",
        "body_start": "", "body_repeats": true, "closes_connections": closes_connections,
        "processes": 1, "threads": 1, "debug_notice": null
    }))
    .unwrap()
}

struct Outcome {
    ended: Ended,
    record: Record,
    on_disk: Record,
    events: Vec<Event>,
}

fn run_in(world: &mut FakeWorld, rounds: &Rounds) -> Outcome {
    run_until(world, rounds, &|_| false)
}

fn run_until(world: &mut FakeWorld, rounds: &Rounds, settled: &Settled<'_>) -> Outcome {
    let plan = plan_of(QUIET, with(Method { seed: 1, ..Method::default() }));
    let phases = vec![Phase::Rounds];
    run_plan(world, &RunPlan { phases, rounds: rounds.clone(), ..plan }, settled)
}

/// A scenario of which no further one follows.
const QUIET: &str = "[[scenario]]\nname = \"q\"\nrequests = 1\n";

fn with(method: Method) -> Options {
    Options { method, ..Options::default() }
}

fn plan_of(scenarios: &str, options: Options) -> RunPlan {
    let contender = |name: &str| format!("[[contender]]\nname = \"{name}\"\nurl = \"http://h/\"\n");
    let text = format!(
        "[suite]\nname = \"s\"\nplacebo = false\n{}{}{scenarios}",
        contender("a"),
        contender("b")
    );
    let suite = Suite::parse(&text, "s", Path::new("/")).unwrap();
    RunPlan::new(suite, options, &[0, 1]).unwrap()
}

fn run_plan(world: &mut FakeWorld, plan: &RunPlan, settled: &Settled<'_>) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.json");
    let mut record = plan.record(Host::inspect());
    record.contenders = ["a", "b"].map(contender).into();
    let mut file = RecordFile::create(Some(path.clone()), record).unwrap();
    let mut events = Vec::new();
    let mut listener = |event| events.push(event);
    let ended = run(plan, settled, world, &mut file, &mut listener).unwrap();
    let on_disk = Record::read(&path).unwrap();
    Outcome { ended, record: file.record, on_disk, events }
}

fn contender(name: &str) -> ContenderRecord {
    serde_json::from_value(serde_json::json!({
        "name": name, "status": "measured", "reason": null, "start": [], "environment": [],
        "build_seconds": null, "image": null, "image_reason": null
    }))
    .unwrap()
}

fn rounds(max: usize, budget: Duration) -> Rounds {
    let of_suite = plan_of(QUIET, Options::default()).rounds;
    Rounds { min: max.min(2), max, budget, ..of_suite }
}

const LONG: Duration = Duration::from_secs(100_000);

#[test]
fn every_round_visits_everyone_and_all_is_on_disk() {
    let mut world = FakeWorld::default();
    let outcome = run_in(&mut world, &rounds(3, LONG));
    assert_eq!(outcome.ended, Ended::MaxRounds);
    assert_eq!(outcome.on_disk.ended, Ended::MaxRounds);
    assert_eq!(outcome.on_disk.visits.len(), 6);
    for round in 0..3 {
        let visited = world.visits.iter().filter(|(at, _)| *at == round).count();
        assert_eq!(visited, 2);
    }
}

#[test]
fn what_services_used_is_on_disk_and_part_of_the_limit() {
    let mut world = FakeWorld { has_service: true, ..FakeWorld::default() };
    let outcome = run_in(&mut world, &rounds(2, LONG));
    for visit in &outcome.on_disk.visits {
        assert_eq!(visit.trials[0].services[0].cpu_ns, 500_000_000);
        assert_eq!(visit.trials[0].limit, Some(Limit::ServerAndServiceCpu));
    }
    let share = analysis::cpu_share_of_service(&outcome.on_disk, "db", "a", "q");
    assert_eq!(share, Some(0.5));
}

/// The rounds after which the record was looked at.
fn looks(outcome: &Outcome) -> Vec<usize> {
    let looked = |event: &Event| match event {
        Event::Looked { rounds, .. } => Some(*rounds),
        _ => None,
    };
    outcome.events.iter().filter_map(looked).collect()
}

/// Two entries: looks after 6, 10 and 20 rounds.
#[test]
fn a_run_ends_at_the_first_planned_look_that_finds_it_settled() {
    let at = |rounds_needed: usize| {
        let settled = move |record: &Record| record.visits.len() >= 2 * rounds_needed;
        run_until(&mut FakeWorld::default(), &rounds(20, LONG), &settled)
    };
    for (needed, rounds, looked) in [(3, 6, vec![6]), (7, 10, vec![6, 10])] {
        let outcome = at(needed);
        assert_eq!((outcome.ended, looks(&outcome)), (Ended::Decided, looked));
        assert_eq!(outcome.on_disk.visits.len(), 2 * rounds);
    }
    let planned: Vec<usize> = at(3).on_disk.suite.looks.iter().map(|look| look.rounds).collect();
    assert_eq!(planned, [6, 10, 20]);
}

#[test]
fn a_run_that_never_settles_ends_with_its_last_look() {
    let outcome = run_in(&mut FakeWorld::default(), &rounds(20, LONG));
    assert_eq!((outcome.ended, looks(&outcome)), (Ended::MaxRounds, vec![6, 10, 20]));
}

#[test]
fn no_round_begins_that_would_end_after_the_budget() {
    let outcome = run_in(&mut FakeWorld::default(), &rounds(99, 5 * VISIT));
    assert_eq!(outcome.ended, Ended::Budget);
    assert_eq!(outcome.record.visits.len(), 4);
}

#[test]
fn the_fewest_rounds_are_run_whatever_the_budget() {
    let outcome = run_in(&mut FakeWorld::default(), &rounds(99, Duration::from_secs(1)));
    assert_eq!(outcome.record.visits.len(), 4);
}

#[test]
fn a_contender_that_never_worked_is_not_visited_again() {
    let mut world = FakeWorld { failing: vec![("b", 0)], ..FakeWorld::default() };
    let outcome = run_in(&mut world, &rounds(3, LONG));
    assert_eq!(world.visits.iter().filter(|(_, name)| name == "b").count(), 1);
    assert_eq!(world.visits.iter().filter(|(_, name)| name == "a").count(), 3);
    let failed = &outcome.on_disk.contenders[1];
    assert_eq!(failed.status, Status::Failed);
    assert_eq!(failed.reason.as_deref(), Some("in round 1: it broke"));
}

#[test]
fn one_that_broke_once_gets_another_chance_and_not_a_third() {
    let mut world = FakeWorld { failing: vec![("b", 1), ("b", 2)], ..FakeWorld::default() };
    run_in(&mut world, &rounds(6, LONG));
    assert_eq!(world.visits.iter().filter(|(_, name)| name == "b").count(), 3);
}

#[test]
fn when_nobody_is_left_it_ends() {
    let mut world = FakeWorld { failing: vec![("a", 0), ("b", 0)], ..FakeWorld::default() };
    assert_eq!(run_in(&mut world, &rounds(6, LONG)).ended, Ended::NothingLeft);
}

/// The visits made, as `round entry`.
fn made(world: &FakeWorld) -> Vec<String> {
    world.visits.iter().map(|(round, name)| format!("{round} {name}")).collect()
}

#[test]
fn a_disturbed_round_is_made_again_in_the_same_order_and_both_are_kept() {
    let quiet = made(&{
        let mut world = FakeWorld::default();
        run_in(&mut world, &rounds(3, LONG));
        world
    });
    let [first, second] = [&quiet[2], &quiet[3]].map(|visit| visit[2..].to_owned());
    let name: &'static str = if second == "a" { "a" } else { "b" };
    let mut world = FakeWorld { disturbed: vec![(name, 1, 1)], ..FakeWorld::default() };
    let outcome = run_in(&mut world, &rounds(3, LONG));
    let again: Vec<String> = [&quiet[..4], &quiet[2..]].concat();
    assert_eq!(made(&world), again);
    let visits = &outcome.on_disk.visits;
    let of_round: Vec<(&str, usize, bool)> = visits
        .iter()
        .filter(|visit| visit.round == 1)
        .map(|visit| (visit.entry.as_str(), visit.attempt, visit.repeated))
        .collect();
    let (first, second) = (first.as_str(), second.as_str());
    let expected = [(first, 0, true), (second, 0, true), (first, 1, false), (second, 1, false)];
    assert_eq!(of_round, expected);
    assert_eq!(outcome.on_disk.used_visits().count(), 6);
    let evidence = format!("foreign CPU time 50.0 % > 5.0 %, in the visit of {second}");
    assert!(outcome.events.contains(&Event::RoundRepeated { round: 1, evidence }));
    let quiet = analysis::Quiet::of(&outcome.on_disk);
    assert_eq!((quiet.attempts, quiet.repeated, quiet.used), (4, 1, 0));
    assert!(!quiet.is_too_noisy());
}

#[test]
fn what_follows_a_disturbed_visit_is_not_made_since_it_would_not_be_used() {
    let mut world = FakeWorld::default();
    run_in(&mut world, &rounds(1, LONG));
    let first: &'static str = if world.visits[0].1 == "a" { "a" } else { "b" };
    let mut world = FakeWorld { disturbed: vec![(first, 0, 1)], ..FakeWorld::default() };
    run_in(&mut world, &rounds(1, LONG));
    assert_eq!(world.visits.len(), 3);
}

#[test]
fn a_machine_that_is_never_quiet_gives_figures_and_is_too_noisy() {
    let mut world = FakeWorld { disturbed: vec![("a", 0, 9), ("a", 1, 9)], ..FakeWorld::default() };
    let outcome = run_in(&mut world, &rounds(2, LONG));
    assert_eq!(outcome.ended, Ended::MaxRounds);
    assert_eq!(outcome.on_disk.used_visits().count(), 4);
    let quiet = analysis::Quiet::of(&outcome.on_disk);
    assert_eq!((quiet.attempts, quiet.repeated, quiet.used), (6, 4, 2));
    assert!(quiet.is_too_noisy());
}

#[test]
fn a_failure_in_a_disturbed_round_is_not_held_against_the_contender() {
    let mut world = FakeWorld {
        failing: vec![("b", 0)],
        disturbed: vec![("b", 0, 1)],
        fails_once: true,
        ..FakeWorld::default()
    };
    let outcome = run_in(&mut world, &rounds(2, LONG));
    assert_eq!(outcome.on_disk.contenders[1].status, Status::Measured);
    assert_eq!(outcome.on_disk.used_visits().count(), 4);
}

#[test]
fn a_server_that_cannot_start_is_launched_once_however_disturbed_the_round_is() {
    let mut world = FakeWorld {
        failing: vec![("b", 0)],
        disturbed: vec![("b", 0, 9)],
        failing_cannot_start: true,
        ..FakeWorld::default()
    };
    let outcome = run_in(&mut world, &rounds(2, LONG));
    let launches = world.visits.iter().filter(|(_, name)| name == "b").count();
    assert_eq!((launches, outcome.on_disk.contenders[1].status), (1, Status::Failed));
}

#[test]
fn an_interrupt_ends_at_once_and_keeps_what_was_whole() {
    let mut world = FakeWorld { interrupted_in: Some(3), ..FakeWorld::default() };
    let outcome = run_in(&mut world, &rounds(6, LONG));
    assert_eq!(outcome.ended, Ended::Interrupted);
    assert_eq!(outcome.on_disk.visits.len(), 4, "the last one's trials too");
    assert_eq!(outcome.on_disk.ended, Ended::Interrupted);
}

#[test]
fn an_interrupt_before_the_rounds_begins_none() {
    let mut world = FakeWorld { interrupted_before: true, ..FakeWorld::default() };
    let outcome = run_in(&mut world, &rounds(6, LONG));
    assert!(world.visits.is_empty(), "{:?}", world.visits);
    assert_eq!((outcome.ended, outcome.on_disk.ended), (Ended::Interrupted, Ended::Interrupted));
}

/// A rate that is a share, a loop whose closing may cost, and launches.
fn whole_plan() -> RunPlan {
    let scenarios = "[[scenario]]\nname = \"full\"\nconnections = 8\nrequests = 5\n\
                     [[scenario]]\nname = \"calm\"\nduration = \"1s\"\nrate = \"60% of slowest\"\n";
    let plan = plan_of(scenarios, with(Method { startups: 1, ..Method::default() }));
    RunPlan { rounds: rounds(1, LONG), ..plan }
}

#[test]
fn each_phase_visits_for_its_purpose_and_gives_the_next_what_it_found() {
    let mut world = FakeWorld { closing: vec!["b"], ..FakeWorld::default() };
    let outcome = run_plan(&mut world, &whole_plan(), &|_| false);
    let (work, last) = world.works.split_at(6);
    let first: Vec<&str> = work.iter().map(String::as_str).collect();
    assert_eq!(first[..4], ["calm a", "calm b", "verify a", "verify b"]);
    assert!(first[4..].iter().all(|work| work.starts_with("launch ")), "{first:?}");
    assert!(last.iter().all(|work| work.starts_with("full+calm+full-fresh ")), "{last:?}");
    assert_eq!((last.len(), world.ceilings.join(" ").as_str()), (2, "full calm full-fresh"));
    let record = &outcome.on_disk;
    assert_eq!(record.calibrations[0].rate_per_second, Some(600.0));
    assert_eq!(record.suite.scenarios[1].rate_per_second, Some(600.0));
    assert_eq!(record.suite.scenarios[2].fresh_for.as_deref(), Some("full"));
    assert!(record.suite.scenarios.iter().all(|it| it.ceiling_per_second == Some(5e4)));
    assert_eq!((record.launches.len(), record.visits.len()), (2, 2));
    assert_eq!(outcome.ended, Ended::MaxRounds);
    assert_eq!(outcome.events.last(), Some(&Event::RoundsEnded));
}

#[test]
fn without_a_difference_nothing_is_added() {
    let mut world = FakeWorld::default();
    let outcome = run_plan(&mut world, &whole_plan(), &|_| false);
    assert_eq!(outcome.on_disk.suite.scenarios.len(), 2);
}

#[test]
fn who_cannot_be_calibrated_is_told_at_once_and_left_out() {
    let mut world = FakeWorld { failing: vec![("b", 0)], ..FakeWorld::default() };
    let outcome = run_plan(&mut world, &whole_plan(), &|_| false);
    let reason = "while its capacity was measured: it broke".to_owned();
    assert_eq!(outcome.events[0], Event::LeftOut { contender: "b".to_owned(), reason });
    assert_eq!(outcome.on_disk.contenders[1].status, Status::Failed);
    assert_eq!(outcome.on_disk.calibrations[0].capacities.len(), 1);
    let later: Vec<&str> = world.works[2..].iter().map(String::as_str).collect();
    assert_eq!(later, ["verify a", "launch a", "full+calm a"]);
}

/// The first visits are of the calibration, the survey, the launches and the round, two of each.
#[test]
fn an_interrupt_ends_whichever_phase_is_at_work() {
    for during in 0..8 {
        let mut world = FakeWorld { interrupted_in: Some(during), ..FakeWorld::default() };
        let outcome = run_plan(&mut world, &whole_plan(), &|_| false);
        assert_eq!(world.visits.len(), during + 1, "nobody is visited after it");
        let record = &outcome.on_disk;
        assert_eq!((outcome.ended, record.ended), (Ended::Interrupted, Ended::Interrupted));
        assert_eq!(record.calibrations.is_empty(), during < 2, "not even a part of one");
        assert_eq!(record.launches.len(), during.saturating_sub(4).min(2));
        assert_eq!(record.visits.len(), during.saturating_sub(5), "what was whole of the last too");
    }
}

#[test]
fn who_does_not_start_is_not_launched_again_but_visited() {
    let mut world = FakeWorld { failing: vec![("b", 0)], fails_once: true, ..FakeWorld::default() };
    let plan = plan_of(QUIET, with(Method { startups: 3, ..Method::default() }));
    let phases = vec![Phase::Startups, Phase::Rounds];
    let plan = RunPlan { phases, rounds: rounds(1, LONG), ..plan };
    let outcome = run_plan(&mut world, &plan, &|_| false);
    let launches =
        |name: &str| outcome.on_disk.launches.iter().filter(|it| it.entry == name).count();
    assert_eq!((launches("a"), launches("b")), (3, 1));
    let failed = outcome.on_disk.launches.iter().find(|it| it.failure.is_some()).unwrap();
    assert_eq!((failed.entry.as_str(), failed.startup_ns), ("b", None));
    assert_eq!(outcome.on_disk.visits.len(), 2);
}

#[test]
fn a_check_keeps_what_it_saw_and_says_who_failed() {
    let mut world = FakeWorld { failing: vec![("b", 0)], ..FakeWorld::default() };
    let plan = RunPlan { phases: vec![Phase::Check], ..whole_plan() };
    let outcome = run_plan(&mut world, &plan, &|_| false);
    assert_eq!(world.works, ["verify a", "verify b"]);
    assert_eq!(outcome.record.visits.len(), 2);
    let failed = &outcome.record.contenders[1];
    assert_eq!((failed.status, failed.reason.as_deref()), (Status::Failed, Some("it broke")));
}

#[test]
fn what_phases_find_changes_no_plan() {
    let plan = whole_plan();
    run_plan(&mut FakeWorld { closing: vec!["b"], ..FakeWorld::default() }, &plan, &|_| false);
    assert_eq!(plan.scenarios.len(), 2);
    assert!(matches!(plan.scenarios[1].pacing, Pacing::ShareOfSlowest { .. }));
}

#[test]
fn the_time_left_is_told_once_a_visit_has_ended() {
    let outcome = run_in(&mut FakeWorld::default(), &rounds(2, LONG));
    let left: Vec<Option<Duration>> = outcome
        .events
        .iter()
        .filter_map(|event| match event {
            Event::VisitBegins { left, .. } => Some(*left),
            _ => None,
        })
        .collect();
    assert_eq!(left, [None, Some(3 * VISIT), Some(2 * VISIT), Some(VISIT)]);
}
