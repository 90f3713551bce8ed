//! The session in a fake world: time passes only when a visit says so.

use std::path::Path;

use super::*;
use crate::disturbance::{Disturbance, Limits};
use crate::event::Event;
use crate::host::{Host, Placement};
use crate::record::{ContenderRecord, Record, SuiteRecord, VERSION};
use crate::suite::Suite;

const VISIT: Duration = Duration::from_secs(10);

/// Visits take ten seconds each; what goes wrong in which is written down beforehand.
#[derive(Default)]
struct FakeWorld {
    elapsed: Duration,
    /// (entry, round) of visits that fail.
    failing: Vec<(&'static str, usize)>,
    /// Those that fail do so at the round's first attempt only.
    fails_once: bool,
    /// (entry, round, how often) of visits that something else disturbs.
    disturbed: Vec<(&'static str, usize, usize)>,
    /// Ctrl-C came before the rounds.
    interrupted_before: bool,
    /// Ctrl-C comes during the visit with this number.
    interrupted_in: Option<usize>,
    visits: Vec<(usize, String)>,
}

impl World for FakeWorld {
    fn elapsed(&self) -> Duration {
        self.elapsed
    }

    fn is_interrupted(&self) -> bool {
        self.interrupted_before
            || self.interrupted_in.is_some_and(|visit| self.visits.len() > visit)
    }

    fn visit(
        &mut self,
        entry: &Entry,
        round: usize,
        position: usize,
        _listener: &mut Listener<'_>,
    ) -> VisitRecord {
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
        VisitRecord {
            startup_ns: Some(1_000_000),
            disturbance: Disturbance { foreign_cpu_share, ..Disturbance::default() },
            failure: fails.then(|| "it broke".to_owned()),
            ..VisitRecord::begun(&entry.name, round, position)
        }
    }
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
    let contender = |name: &str| format!("[[contender]]\nname = \"{name}\"\nurl = \"http://h/\"\n");
    let text = format!(
        "[suite]\nname = \"s\"\nplacebo = false\n{}{}[[scenario]]\nname = \"q\"\nrequests = 1\n",
        contender("a"),
        contender("b")
    );
    let suite = Suite::parse(&text, "s", Path::new("/")).unwrap();
    let suite = Suite { rounds: rounds.clone(), ..suite };
    let folder = tempfile::tempdir().unwrap();
    let mut file = RecordFile::create(folder.path().join("r.json"), record_of(&suite)).unwrap();
    let plan = Plan::new(&suite, &[0, 1], 1);
    let mut events = Vec::new();
    let mut listener = |event| events.push(event);
    let ended = run(rounds, &plan, settled, world, &mut file, &mut listener).unwrap();
    let on_disk = Record::read(&file.path).unwrap();
    Outcome { ended, record: file.record, on_disk, events }
}

fn record_of(suite: &Suite) -> Record {
    let contender = |name: &str| ContenderRecord {
        name: name.to_owned(),
        status: Status::Measured,
        reason: None,
        start: Vec::new(),
        environment: Vec::new(),
        build_seconds: None,
        artifact: None,
        image: None,
        image_reason: None,
        container: None,
    };
    Record {
        version: VERSION,
        jigger: "0".to_owned(),
        created: String::new(),
        seed: 1,
        suite: SuiteRecord {
            name: suite.name.clone(),
            source: String::new(),
            baseline: "a".to_owned(),
            margin: 0.02,
            disturbance: Limits::default(),
            looks: Vec::new(),
            scenarios: Vec::new(),
            thresholds: Vec::new(),
            warm_up: None,
        },
        host: Host::inspect(),
        placement: Placement::split(&[0, 1]),
        contenders: vec![contender("a"), contender("b")],
        calibrations: Vec::new(),
        launches: Vec::new(),
        visits: Vec::new(),
        ended: Ended::NotYet,
    }
}

fn rounds(max: usize, budget: Duration) -> Rounds {
    Rounds { min: max.min(2), max, until_half_width: 0.03, budget, disturbance: Limits::default() }
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
fn an_interrupt_ends_at_once_and_keeps_what_was_whole() {
    let mut world = FakeWorld { interrupted_in: Some(3), ..FakeWorld::default() };
    let outcome = run_in(&mut world, &rounds(6, LONG));
    assert_eq!(outcome.ended, Ended::Interrupted);
    assert_eq!(outcome.on_disk.visits.len(), 3);
    assert_eq!(outcome.on_disk.ended, Ended::Interrupted);
}

#[test]
fn an_interrupt_before_the_rounds_begins_none() {
    let mut world = FakeWorld { interrupted_before: true, ..FakeWorld::default() };
    let outcome = run_in(&mut world, &rounds(6, LONG));
    assert!(world.visits.is_empty(), "{:?}", world.visits);
    assert_eq!((outcome.ended, outcome.on_disk.ended), (Ended::Interrupted, Ended::Interrupted));
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
