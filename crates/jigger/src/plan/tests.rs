//! Plans of small suites.

use std::path::Path;

use jigger_load::Extent;

use super::*;
use crate::suite::{Network, Place, Selection};

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

fn plan() -> RunPlan {
    plan_of(&[LOOP, SHARE].concat(), Options { seed: 7, ..Options::default() })
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
    let quick = Options { effort: Effort::Quick, startups: 2, ..Options::default() };
    assert_eq!(phases(LOOP, quick), [Ceilings, Startups, Rounds]);
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
fn effort_changes_how_much_is_measured_and_nothing_else() {
    let of = |effort| plan_of(LOOP, Options { effort, ..Options::default() });
    let (suite, quick) = (of(Effort::Suite), of(Effort::Quick));
    assert_eq!((suite.rounds.min, suite.rounds.max), (3, 20));
    assert_eq!(suite.scenarios, suite.suite.scenarios);
    assert_eq!((quick.rounds.min, quick.rounds.max), (FEWEST_ROUNDS, FEWEST_ROUNDS));
    assert_eq!(quick.scenarios[0].extent, Extent::Count(QUICK_REQUESTS));
    assert_eq!((quick.warm_up.window, quick.warm_up.cap), (QUICK_WINDOW, QUICK_CAP));
    assert_eq!(quick.rounds.disturbance, Limits::none());
    let thorough = of(Effort::Thorough).rounds;
    assert_eq!((thorough.min, thorough.max), (20, 40));
    let six = of(Effort::Rounds(6)).rounds;
    assert_eq!((six.min, six.max), (6, 6));
    assert_eq!(six.disturbance, suite.rounds.disturbance);
}

#[test]
fn the_arguments_ask_for_the_same_again() {
    let plain = Options { seed: 42, ..Options::default() };
    assert_eq!(plain.arguments("s.toml").join(" "), "run s.toml --seed 42");
    let all = Options {
        revisions: Some(Revisions {
            base: "main".to_owned(),
            head: ".".to_owned(),
            metrics: vec!["startup_ms".to_owned()],
        }),
        selection: Selection {
            only: vec!["a".to_owned(), "b".to_owned()],
            place: Place::Both,
            network: Some(Network::Bridge),
            cpus: Some(0.5),
            memory_bytes: Some(256 << 20),
        },
        effort: Effort::Rounds(6),
        startups: 3,
        seed: 7,
        strict: true,
        clean_build: true,
        no_images: true,
        engine: Some("podman".to_owned()),
        client_cpus: Some(vec![0]),
        server_cpus: Some(vec![1, 2]),
    };
    assert_eq!(
        all.arguments("s.toml").join(" "),
        "ab main . s.toml --rounds 6 --seed 7 --only a --only b --metric startup_ms --startups 3 \
         --in both --network bridge --cpus 0.5 --memory 256m --engine podman --client-cpus 0 \
         --server-cpus 1,2 --strict --clean-build --no-images"
    );
    let read = serde_json::from_value(serde_json::to_value(&all).unwrap());
    assert_eq!(read.ok(), Some(all));
}
