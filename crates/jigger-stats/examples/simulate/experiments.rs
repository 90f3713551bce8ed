//! What the analysis says about runs of which the truth is known.

use std::ops::AddAssign;
use std::thread;

use jigger_stats::{CONFIDENCE, Contrast, FAMILY_LEVEL, Looks, Panel, SplitMix64};

use crate::old_rule::OldRule;
use crate::report::{Comparison, Field};

use crate::world::{Run, Schedule, World};

/// Until when a run goes on, if nothing decides it before.
const UNTIL_HALF_WIDTH: f64 = 0.03;

/// From where on two servers that are called the same differ by more than the margin.
const MARGIN: f64 = 1.02;

/// What a run's report must keep.
#[derive(Debug, Clone, Copy)]
pub struct Kept {
    /// Share of runs that call anything different which is not.
    pub family_wise: f64,
    /// Share of the intervals that contain the true ratio.
    pub coverage: f64,
}

/// What is said of a contender that is compared with the baseline.
#[derive(Debug, Clone, Copy)]
pub struct Said {
    /// Share of the comparisons in which its difference is found.
    pub found: f64,
    /// Share in which it is called the same.
    pub same: f64,
}

/// What became of runs that end by themselves at a look.
#[derive(Debug, Clone, Copy)]
pub struct Stopped {
    /// At the look at which the run ended.
    pub kept: Kept,
    /// Share of runs with a false alarm at any look at all, had it gone on to the last.
    pub at_any_look: f64,
    /// On the contender that differs.
    pub said: Said,
    /// Share of runs that found it to differ from all others in all scenarios.
    pub found_all: f64,
    /// Share of the comparisons called the same that differ by more than the margin.
    pub wrongly_same: f64,
    /// Share of runs that ended at each look.
    pub ends: [f64; 3],
}

/// Runs of a fixed number of rounds, no contender different from another.
pub fn kept(world: &World, field: &Field, rounds: usize, runs: u64, seed: u64) -> Kept {
    let [family_wise, coverage] = tally(runs, seed, |random, [family_wise, coverage]| {
        let run = world.run(&field.entries(), Schedule::Interleaved, rounds, random);
        let report = field.compare(&run, rounds, FAMILY_LEVEL);
        family_wise.count(report.iter().any(Comparison::is_false_alarm));
        report.iter().for_each(|comparison| coverage.count(comparison.is_covered()));
    });
    Kept { family_wise: family_wise.value(), coverage: coverage.value() }
}

/// The same by the old rule, where it says anything.
pub fn kept_by_old_rule(world: &World, rounds: usize, runs: u64, seed: u64) -> Option<Kept> {
    let rule = OldRule::new(rounds)?;
    let entries = Field::of_suite(1.0).entries();
    let [family_wise, coverage] = tally(runs, seed, |random, [family_wise, coverage]| {
        let run = world.run(&entries, Schedule::Interleaved, rounds, random);
        let findings: Vec<_> = run.iter().flat_map(|scenario| rule.judge(scenario)).collect();
        family_wise.count(findings.iter().any(|finding| finding.different.is_some()));
        for (low, high) in findings.iter().map(|finding| finding.interval) {
            coverage.count(low <= 0.0 && 0.0 <= high);
        }
    });
    Some(Kept { family_wise: family_wise.value(), coverage: coverage.value() })
}

/// How often anything is called different in runs that visit all of one entry, then all of the
/// next, no contender different from another.
pub fn false_alarms_in_blocks(world: &World, rounds: usize, runs: u64, seed: u64) -> f64 {
    let field = Field::of_suite(1.0);
    let [family_wise] = tally(runs, seed, |random, [family_wise]| {
        let run = world.run(&field.entries(), Schedule::Blocked, rounds, random);
        let report = field.compare(&run, rounds, FAMILY_LEVEL);
        family_wise.count(report.iter().any(Comparison::is_false_alarm));
    });
    family_wise.value()
}

/// One contender that is `ratio` times as fast, in runs of a fixed number of rounds.
pub fn said(world: &World, ratio: f64, rounds: usize, runs: u64, seed: u64) -> Said {
    let field = Field::of_suite(ratio);
    let [found, same] = tally(runs, seed, |random, [found, same]| {
        let run = world.run(&field.entries(), Schedule::Interleaved, rounds, random);
        let report = field.compare(&run, rounds, FAMILY_LEVEL);
        for comparison in report.iter().filter(|comparison| comparison.is_first()) {
            found.count(comparison.is_found());
            same.count(comparison.is_same());
        }
    });
    Said { found: found.value(), same: same.value() }
}

/// The same by the old rule, where it says anything.
pub fn said_by_old_rule(
    world: &World,
    ratio: f64,
    rounds: usize,
    runs: u64,
    seed: u64,
) -> Option<Said> {
    let rule = OldRule::new(rounds)?;
    let entries = Field::of_suite(ratio).entries();
    let [found, same] = tally(runs, seed, |random, [found, same]| {
        let run = world.run(&entries, Schedule::Interleaved, rounds, random);
        for finding in run.iter().map(|scenario| rule.judge(scenario)[0]) {
            found.count(finding.different == Some(1.0));
            same.count(finding.is_equivalent);
        }
    });
    Some(Said { found: found.value(), same: same.value() })
}

/// Runs that end by themselves, one contender `ratio` times as fast as the others.
pub fn stopped(world: &World, looks: &Looks, ratio: f64, runs: u64, seed: u64) -> Stopped {
    let field = Field::of_suite(ratio);
    let [family_wise, coverage, at_any_look, found, same, found_all, wrongly_same, ends @ ..] =
        tally::<10>(runs, seed, |random, shares| {
            let run = world.run(&field.entries(), Schedule::Interleaved, looks.last(), random);
            let reports = reports(&field, &run, looks);
            let is_done = |report: &Vec<Comparison>| {
                report.iter().all(|comparison| comparison.is_done(UNTIL_HALF_WIDTH))
            };
            let end = reports.iter().position(is_done).unwrap_or(reports.len() - 1);
            count_end(&reports[end], shares);
            shares[2].count(reports.iter().flatten().any(Comparison::is_false_alarm));
            (0..3).for_each(|look| shares[7 + look].count(look == end));
        });
    Stopped {
        kept: Kept { family_wise: family_wise.value(), coverage: coverage.value() },
        at_any_look: at_any_look.value(),
        said: Said { found: found.value(), same: same.value() },
        found_all: found_all.value(),
        wrongly_same: wrongly_same.value(),
        ends: ends.map(Share::value),
    }
}

/// The report that each look would show.
fn reports(field: &Field, run: &Run, looks: &Looks) -> Vec<Vec<Comparison>> {
    let at = |look: &jigger_stats::Look| {
        field.compare(run, look.rounds, looks.level_after(look.rounds, true))
    };
    looks.all().iter().map(at).collect()
}

fn count_end(report: &[Comparison], shares: &mut [Share; 10]) {
    shares[0].count(report.iter().any(Comparison::is_false_alarm));
    let mut differing = report.iter().filter(|comparison| comparison.truth != 1.0);
    shares[5].count(differing.all(Comparison::is_found));
    for comparison in report {
        shares[1].count(comparison.is_covered());
        if comparison.is_first() {
            shares[3].count(comparison.is_found());
            shares[4].count(comparison.is_same());
        }
        if comparison.truth.ln().abs() >= MARGIN.ln() {
            shares[6].count(comparison.is_same());
        }
    }
}

/// What two runs are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// A contender's values themselves.
    Absolute,
    /// Their ratios to the baseline's of the same round.
    Relative,
}

/// How often the interval between two runs excludes "nothing changed" for a contender that is the
/// same in both, when the machine is slower by `slower` (on the log scale) in the second.
pub fn moved_between_runs(
    world: &World,
    slower: f64,
    basis: Basis,
    rounds: usize,
    runs: u64,
    seed: u64,
) -> f64 {
    let [moved] = tally(runs, seed, |random, [moved]| {
        let mut values = |slower: f64| values_of_first(world, slower, basis, rounds, random);
        let (old, new) = (values(0.0), values(slower));
        for (old, new) in old.into_iter().zip(new) {
            let between = Contrast::between(&new, &old).expect("simulated values are positive");
            moved.count(between.p_value().is_some_and(|p_value| p_value <= 1.0 - CONFIDENCE));
        }
    });
    moved.value()
}

/// In each scenario what one run knows of the first contender.
fn values_of_first(
    world: &World,
    slower: f64,
    basis: Basis,
    rounds: usize,
    random: &mut SplitMix64,
) -> Vec<Vec<f64>> {
    let truths =
        Field::of_suite(1.0).entries().iter().map(|truth| truth - slower).collect::<Vec<_>>();
    let run = world.run(&truths, Schedule::Interleaved, rounds, random);
    let of_scenario = |scenario: &Vec<Vec<Option<f64>>>| {
        let entry = |at: usize| scenario[at].iter().flatten();
        let baseline = entry(0).zip(entry(1)).map(|(one, other)| (one * other).sqrt());
        let scale = |(value, base): (&f64, f64)| match basis {
            Basis::Absolute => *value,
            Basis::Relative => value / base,
        };
        entry(2).zip(baseline).map(scale).collect()
    };
    run.iter().map(of_scenario).collect()
}

/// How often the two entries of the baseline differ at p < 0.01: in one scenario, and in any of a
/// run.
pub fn baseline_differs_from_itself(
    world: &World,
    rounds: usize,
    runs: u64,
    seed: u64,
) -> [f64; 2] {
    let entries = Field::of_suite(1.0).entries();
    let shares = tally(runs, seed, |random, [alone, any]| {
        let run = world.run(&entries, Schedule::Interleaved, rounds, random);
        let differs = |scenario: &Vec<Vec<Option<f64>>>| {
            let contrast = Panel::pair(&scenario[1], &scenario[0]).contrast(0, 1);
            contrast.and_then(|contrast| contrast.p_value()).is_some_and(|p_value| p_value < 0.01)
        };
        let differing: Vec<bool> = run.iter().map(differs).collect();
        differing.iter().for_each(|&differs| alone.count(differs));
        any.count(differing.contains(&true));
    });
    shares.map(Share::value)
}

/// How often a comparison is called probably different though no contender differs: one comparison, and
/// any of a report.
pub fn probably_different(world: &World, rounds: usize, runs: u64, seed: u64) -> [f64; 2] {
    let field = Field::of_suite(1.0);
    let shares = tally(runs, seed, |random, [alone, any]| {
        let run = world.run(&field.entries(), Schedule::Interleaved, rounds, random);
        let report = field.compare(&run, rounds, FAMILY_LEVEL);
        report.iter().for_each(|comparison| alone.count(comparison.is_probable()));
        any.count(report.iter().any(Comparison::is_probable));
    });
    shares.map(Share::value)
}

/// How many of how many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    hits: u64,
    of: u64,
}

impl Share {
    /// Counts one more.
    pub fn count(&mut self, is_hit: bool) {
        self.hits += u64::from(is_hit);
        self.of += 1;
    }

    /// 0..1; not a number when nothing was counted.
    pub fn value(self) -> f64 {
        self.hits as f64 / self.of as f64
    }
}

impl AddAssign for Share {
    fn add_assign(&mut self, other: Self) {
        self.hits += other.hits;
        self.of += other.of;
    }
}

/// Counts several shares over `runs` runs, each with random numbers of its own. Counts are whole
/// numbers, so it does not matter which thread had which run.
pub fn tally<const N: usize>(
    runs: u64,
    seed: u64,
    run: impl Fn(&mut SplitMix64, &mut [Share; N]) + Sync,
) -> [Share; N] {
    let threads = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let part = |first: usize| {
        let mut shares = [Share::default(); N];
        for index in (0..runs).skip(first).step_by(threads) {
            run(&mut SplitMix64::stream(seed, index), &mut shares);
        }
        shares
    };
    let mut all = [Share::default(); N];
    thread::scope(|scope| {
        let parts: Vec<_> = (0..threads).map(|first| scope.spawn(move || part(first))).collect();
        for shares in parts {
            let shares = shares.join().expect("a run that panics ends the program");
            all.iter_mut().zip(shares).for_each(|(sum, share)| *sum += share);
        }
    });
    all
}
