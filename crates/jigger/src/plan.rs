//! Suite, options and host to plan: what is done, in which order, and when it ends. Pure, and never
//! changed: what a phase finds is [`Findings`], from which the next ones follow.

pub mod flag;
mod options;
mod record;

use std::collections::BTreeMap;
use std::time::Duration;

use jigger_stats::{FEWEST_ROUNDS, Looks, Orders};

use crate::disturbance::Limits;
use crate::host::{Placement, PlacementError};
use crate::record::Phase;
use crate::suite::{Pacing, Rounds, Scenario, Suite, WarmUp};

pub use crate::suite::PLACEBO;
pub use options::{Cores, CpuList, Method, Options, Revisions, cpu_list};

/// How long the load engine's ceiling is measured, for each shape of scenario.
const CEILING: Duration = Duration::from_secs(1);
/// The same for a first look.
const QUICK_CEILING: Duration = Duration::from_millis(200);
/// In a first look no trial has more requests, nor takes longer; a p90 needs 100 answers.
const QUICK_REQUESTS: u64 = 100;
const QUICK_TIME: Duration = Duration::from_millis(300);
/// In a first look warm-ups have no longer windows, nor take longer.
const QUICK_WINDOW: Duration = Duration::from_millis(100);
const QUICK_CAP: Duration = Duration::from_secs(1);

/// What is done in a run.
#[derive(Debug, Clone)]
pub struct RunPlan {
    pub suite: Suite,
    pub options: Options,
    pub placement: Placement,
    /// What is done, in this order, once the contenders are prepared.
    pub phases: Vec<Phase>,
    /// How many rounds, when to stop, and beyond what a round is repeated.
    pub rounds: Rounds,
    /// Whether the baseline is entered a second time.
    pub placebo: bool,
    pub warm_up: WarmUp,
    /// The scenarios, as far as they are known beforehand: see [`RunPlan::scenarios_in`].
    pub scenarios: Vec<Scenario>,
    pub ceiling_time: Duration,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Findings {
    /// Requests a second of the scenarios whose rate is a share, by their names.
    pub rates: BTreeMap<String, f64>,
    pub closing_differs: bool,
}

/// One of those who are visited each round.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Index into the suite's contenders.
    pub contender: usize,
    /// The contender's name, or [`PLACEBO`].
    pub name: String,
}

/// The rounds of a run: a balanced order of all entries for each.
#[derive(Debug)]
pub struct Schedule {
    /// Who takes part: each contender once, and the placebo last.
    pub entries: Vec<Entry>,
    pub looks: Looks,
    orders: Orders,
}

impl RunPlan {
    /// The plan for a machine whose cores are these.
    ///
    /// # Errors
    /// [`PlacementError`] when a core asked for is not among them.
    pub fn new(suite: Suite, options: Options, cores: &[usize]) -> Result<Self, PlacementError> {
        let is_quick = options.method.quick;
        let shortened = |it: &Scenario| it.shortened(QUICK_REQUESTS, QUICK_TIME);
        let scenarios: Vec<Scenario> = match is_quick {
            true => suite.scenarios.iter().map(shortened).collect(),
            false => suite.scenarios.clone(),
        };
        let warm_up = match (&options.method.warm_up, is_quick) {
            (Some(time), _) => suite.warm_up.within(time.length),
            (None, true) => WarmUp {
                window: suite.warm_up.window.min(QUICK_WINDOW),
                ..suite.warm_up.within(QUICK_CAP.min(suite.warm_up.cap))
            },
            (None, false) => suite.warm_up.clone(),
        };
        Ok(Self {
            placement: placement(&suite, &options, cores)?,
            phases: phases(&suite, &options),
            rounds: rounds(&suite.rounds, &options.method),
            placebo: suite.placebo,
            warm_up,
            scenarios,
            ceiling_time: if is_quick { QUICK_CEILING } else { CEILING },
            suite,
            options,
        })
    }

    /// The same for servers that all run on another machine, where no core of this one is theirs.
    pub fn for_servers_elsewhere(self, cores: &[usize]) -> Self {
        let chosen = self.options.cores.client_cpus.as_ref().map(|list| list.0.as_slice());
        Self { placement: Placement::of_client(cores, chosen), ..self }
    }

    /// The scenarios that a visit of this phase runs, once so much is found: in the calibration a
    /// closed loop for each rate that is a share; in the rounds all, with the rates that were
    /// found, and with fresh connections too where closing differs.
    pub fn scenarios_in(&self, phase: Phase, found: &Findings) -> Vec<Scenario> {
        match phase {
            Phase::Check | Phase::Survey | Phase::Startups => Vec::new(),
            Phase::Calibration => {
                let shares = self.scenarios.iter().filter(|scenario| is_share(scenario));
                shares.map(|scenario| scenario.paced(Pacing::Closed)).collect()
            }
            Phase::Ceilings | Phase::Rounds => {
                let counterpart = found.closing_differs.then(|| self.suite.fresh_counterpart());
                let known = self.scenarios.iter().map(|scenario| found.settled(scenario));
                known.chain(counterpart.flatten()).collect()
            }
        }
    }
}

impl Findings {
    fn settled(&self, scenario: &Scenario) -> Scenario {
        match (&scenario.pacing, self.rates.get(&scenario.name)) {
            (&Pacing::ShareOfSlowest { spread, .. }, Some(&per_second)) => {
                scenario.paced(Pacing::Rate { per_second, spread })
            }
            _ => scenario.clone(),
        }
    }
}

impl Schedule {
    /// That of a plan for the contenders whose indexes are in `taking_part`.
    ///
    /// The same plan and contenders give the same schedule.
    pub fn new(plan: &RunPlan, taking_part: &[usize]) -> Self {
        let suite = &plan.suite;
        let entry = |&contender: &usize| Entry {
            contender,
            name: suite.contenders[contender].name.clone(),
        };
        let mut entries: Vec<Entry> = taking_part.iter().map(entry).collect();
        if plan.placebo && taking_part.contains(&suite.baseline) {
            entries.push(Entry { contender: suite.baseline, name: PLACEBO.to_owned() });
        }
        let orders = Orders::balanced(entries.len(), plan.options.method.seed);
        let looks = Looks::planned(plan.rounds.min, plan.rounds.max, orders.square_len())
            .expect("a validated suite has 1 <= min <= max");
        Self { entries, looks, orders }
    }

    /// The entries in the order of round `round`, counted from 0.
    pub fn round(&self, round: usize) -> Vec<Entry> {
        self.orders.round(round).into_iter().map(|at| self.entries[at].clone()).collect()
    }

    /// Each contender once, in the suite's order.
    pub fn contenders(&self) -> Vec<Entry> {
        self.entries.iter().filter(|entry| entry.name != PLACEBO).cloned().collect()
    }
}

fn placement(
    suite: &Suite,
    options: &Options,
    cores: &[usize],
) -> Result<Placement, PlacementError> {
    let placement = options.cores.placement(cores)?;
    let used = suite.contenders.iter().flat_map(|contender| &contender.uses);
    let apart: Vec<&str> = suite
        .services
        .iter()
        .filter(|service| service.wants_own_cpus)
        .map(|service| service.name.as_str())
        .collect();
    Ok(match used.clone().any(|name| apart.contains(&name.as_str())) {
        true => placement.with_services(cores, options.cores.server_cpus.is_some()),
        false => placement,
    })
}

fn is_share(scenario: &Scenario) -> bool {
    matches!(scenario.pacing, Pacing::ShareOfSlowest { .. })
}

fn phases(suite: &Suite, options: &Options) -> Vec<Phase> {
    let is_surveyed = !options.method.quick && suite.fresh_counterpart().is_some();
    [
        (Phase::Calibration, suite.scenarios.iter().any(is_share)),
        (Phase::Survey, is_surveyed),
        (Phase::Ceilings, true),
        (Phase::Startups, options.method.startups > 0),
        (Phase::Rounds, true),
    ]
    .into_iter()
    .filter_map(|(phase, is_needed)| is_needed.then_some(phase))
    .collect()
}

fn rounds(of_suite: &Rounds, method: &Method) -> Rounds {
    let mut rounds = of_suite.clone();
    if method.thorough {
        (rounds.min, rounds.max) = (rounds.min.max(20), rounds.max.max(40));
        rounds.budget = rounds.budget.max(Duration::from_secs(3_600));
    }
    if method.quick {
        (rounds.min, rounds.max) = (FEWEST_ROUNDS, FEWEST_ROUNDS);
        // There is no time for rounds made again.
        rounds.disturbance = Limits::none();
    }
    if let Some(count) = method.rounds {
        (rounds.min, rounds.max) = (count.into(), count.into());
        rounds.budget = Duration::MAX / 4;
    }
    rounds
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::Parser;
    use jigger_load::Extent;

    use super::*;

    const SHARE: &str =
        "[[scenario]]\nname = \"calm\"\nduration = \"1s\"\nrate = \"60% of slowest\"\n";
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
        let single = of(Method { quick: true, rounds: Some(1), ..plain() });
        assert_eq!((single.rounds.min, single.rounds.max), (1, 1));
        assert_eq!(single.scenarios, quick.scenarios);
        let thorough = of(Method { thorough: true, ..plain() }).rounds;
        assert_eq!((thorough.min, thorough.max), (20, 40));
        let warm = |text: &str| of(Method { warm_up: flag::time(text).ok(), ..plain() }).warm_up;
        let (short, long) = (warm("500ms"), warm("30"));
        assert_eq!((short.window.as_millis(), short.cap.as_millis()), (100, 500));
        assert_eq!((long.window, long.cap.as_secs()), (suite.warm_up.window, 30));
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
                "--warm-up",
                "2s",
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
}
