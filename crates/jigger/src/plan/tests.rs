//! Plans of small suites.

use std::path::Path;

use clap::Parser;
use jigger_load::Extent;

use super::*;

const SHARE: &str = "[[scenario]]\nname = \"calm\"\nduration = \"1s\"\nrate = \"60% of slowest\"\n";
const LOOP: &str = "[[scenario]]\nname = \"full\"\nconnections = 8\nrequests = 5000\n";

fn plan_of(scenarios: &str, options: Options) -> RunPlan {
    let contender = |name| format!("[[contender]]\nname = \"{name}\"\nurl = \"http://h/\"\n");
    let text = format!(
        "[suite]\nname = \"s\"\nbaseline = \"b\"\n{}{}{scenarios}",
        contender("a"),
        contender("b")
    );
    RunPlan::new(Suite::parse(&text, "s", Path::new("/")).unwrap(), options, &[0, 1]).unwrap()
}

fn with(method: Method) -> Options {
    Options { method, ..Options::default() }
}

fn plan() -> RunPlan {
    plan_of(&[LOOP, SHARE].concat(), with(Method { seed: 7, ..Method::default() }))
}

fn names(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.name.as_str()).collect()
}

#[test]
fn the_baseline_is_entered_twice() {
    let schedule = Schedule::new(&plan(), &[0, 1]);
    assert_eq!(names(&schedule.entries), ["a", "b", PLACEBO]);
    assert_eq!(schedule.entries[2].contender, 1);
    assert_eq!(names(&schedule.contenders()), ["a", "b"]);
    assert_eq!(Schedule::new(&plan(), &[0]).entries.len(), 1, "without the baseline");
}

#[test]
fn every_round_visits_every_entry_once_and_the_seed_repeats_it() {
    let schedule = || Schedule::new(&plan(), &[0, 1]);
    let (first, again) = (schedule(), schedule());
    for round in 0..12 {
        let mut order = first.round(round);
        assert_eq!(order, again.round(round));
        order.sort_by(|one, other| one.name.cmp(&other.name));
        assert_eq!(names(&order), ["a", "b", PLACEBO]);
    }
}

#[test]
fn a_phase_is_planned_where_something_needs_it() {
    use Phase::{Calibration, Ceilings, Rounds, Startups, Survey};
    let phases = |scenarios: &str, options: Options| plan_of(scenarios, options).phases;
    let both = [LOOP, SHARE].concat();
    assert_eq!(phases(&both, Options::default()), [Calibration, Survey, Ceilings, Rounds]);
    assert_eq!(phases(SHARE, Options::default()), [Calibration, Ceilings, Rounds]);
    let quick = Method { quick: true, startups: 2, ..Method::default() };
    assert_eq!(phases(LOOP, with(quick)), [Ceilings, Startups, Rounds]);
}

#[test]
fn what_is_found_settles_the_scenarios() {
    let plan = plan();
    let nothing = Findings::default();
    let closed = plan.scenarios_in(Phase::Calibration, &nothing);
    assert_eq!((closed.len(), closed[0].name.as_str()), (1, "calm"));
    assert_eq!(closed[0].pacing, Pacing::Closed);
    assert_eq!(plan.scenarios_in(Phase::Rounds, &nothing), plan.scenarios);
    assert_eq!(plan.scenarios_in(Phase::Survey, &nothing), []);
    let found = Findings { rates: [("calm".to_owned(), 740.0)].into(), closing_differs: true };
    let settled = plan.scenarios_in(Phase::Rounds, &found);
    let names: Vec<&str> = settled.iter().map(|scenario| scenario.name.as_str()).collect();
    assert_eq!(names, ["full", "calm", "full-fresh"]);
    assert_eq!(settled[0], plan.scenarios[0]);
    assert!(matches!(settled[1].pacing, Pacing::Rate { per_second: 740.0, .. }));
    assert!(is_share(&plan.scenarios[1]), "the plan itself stays as it was");
}

#[test]
fn flags_change_how_much_is_measured_and_nothing_else() {
    let of = |method| plan_of(LOOP, with(method));
    let plain = Method::default;
    let (suite, quick) = (of(plain()), of(Method { quick: true, ..plain() }));
    assert_eq!((suite.rounds.min, suite.rounds.max), (3, 20));
    assert_eq!(suite.scenarios, suite.suite.scenarios);
    assert_eq!((quick.rounds.min, quick.rounds.max), (FEWEST_ROUNDS, FEWEST_ROUNDS));
    assert_eq!(quick.scenarios[0].extent, Extent::Count(QUICK_REQUESTS));
    assert_eq!((quick.warm_up.window, quick.warm_up.cap), (QUICK_WINDOW, QUICK_CAP));
    assert_eq!(quick.rounds.disturbance, Limits::none());
    let thorough = of(Method { thorough: true, ..plain() }).rounds;
    assert_eq!((thorough.min, thorough.max), (20, 40));
    let six = of(Method { rounds: Some(6), ..plain() }).rounds;
    assert_eq!((six.min, six.max), (6, 6));
    assert_eq!(six.disturbance, suite.rounds.disturbance);
}

/// A command line with the options in it.
#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    options: Options,
}

#[test]
fn the_arguments_ask_for_the_same_again() {
    for flags in [
        &["--seed", "42"][..],
        &["--seed", "7", "--quick"],
        &["--seed", "7", "--thorough", "--strict"],
        &[
            "--rounds",
            "6",
            "--seed",
            "7",
            "--startups",
            "3",
            "--in",
            "both",
            "--network",
            "bridge",
            "--cpus",
            "0.5",
            "--memory",
            "256m",
            "--engine",
            "podman",
            "--client-cpus",
            "0",
            "--server-cpus",
            "1,2",
            "--only",
            "a",
            "--only",
            "b",
            "--clean-build",
            "--no-images",
        ],
    ] {
        let asked = Line::parse_from([&["jigger"], flags].concat()).options;
        assert_eq!(asked.arguments("s.toml"), [&["run", "s.toml"], flags].concat());
    }
    let (base, head) = ("main".to_owned(), ".".to_owned());
    let revisions = Some(Revisions { base, head, metrics: vec!["startup_ms".to_owned()] });
    let asked = Options { revisions, ..Options::default() };
    let line = asked.arguments("s.toml").join(" ");
    assert_eq!(line, "ab main . s.toml --seed 0 --metric startup_ms");
}
