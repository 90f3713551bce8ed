//! What the analysis says about runs of which the truth is known.
//!
//! A run has the shape of the default suite: a baseline, its placebo and three further contenders.

use jigger_stats::{
    Decision, Direction, Finding, Interval, Margin, Margins, Orders, Paired, Ratio, SplitMix64,
    Stopping, Unpaired, Verdict, judge_family,
};

use crate::world::{Schedule, World};

/// Baseline, placebo and three contenders.
pub const SLOTS: usize = 5;

const CONFIDENCE: f64 = 0.95;

/// Every one of them the same server.
const ALL_THE_SAME: [f64; SLOTS] = [1000.0; SLOTS];

/// When a run of [`stopped_runs`] ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopOn {
    /// As jigger does it: all intervals narrow enough, at the end of a cycle.
    Width,
    /// As soon as any interval excludes 1, looking after each round: the way to fool oneself.
    Significance,
}

/// From where on a difference counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarginRule {
    /// 2 %, for a difference widened to the placebo's half-width: jigger's rule.
    Widened,
    /// 2 %, widened for both claims: what jigger did at first.
    BothWidened,
    /// From 0 on, so that Holm's procedure alone keeps false alarms away.
    Zero,
}

/// What became of runs that end by themselves.
#[derive(Debug, Clone, Copy)]
pub struct Stopped {
    /// Share of runs in which any interval excludes 1 although nothing differs (no margin, no
    /// correction for several contenders: one comparison is looked at).
    pub misses: f64,
    /// Share of runs with a verdict of a difference, by jigger's whole rule.
    pub false_alarms: f64,
    /// Rounds a run took on average.
    pub mean_rounds: f64,
}

/// Shares of the verdicts on a contender of known speed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Power {
    /// Called faster.
    pub better: f64,
    /// Called slower.
    pub worse: f64,
    /// Called equivalent.
    pub equivalent: f64,
}

/// How often the interval of a contender that is 7 % faster contains 1.07.
pub fn coverage(world: &World, rounds: usize, runs: u64, seed: u64) -> f64 {
    let truths = [1000.0, 1000.0, 1070.0, 1070.0, 1070.0];
    share_of_runs(runs, seed, |random| {
        let values = world.run(&truths, Schedule::Interleaved, rounds, random);
        ratio(&values, 2).interval().contains(1.07)
    })
}

/// How often any of three contenders, all the same server as the baseline, is called faster or
/// slower.
pub fn false_alarms(
    world: &World,
    schedule: Schedule,
    margin_rule: MarginRule,
    rounds: usize,
    runs: u64,
    seed: u64,
) -> f64 {
    share_of_runs(runs, seed, |random| {
        has_alarm(&world.run(&ALL_THE_SAME, schedule, rounds, random), margin_rule)
    })
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
    share_of_runs(runs, seed, |random| {
        let [old, new] = [0.0, slower].map(|slower| {
            let truths = ALL_THE_SAME.map(|truth| truth * f64::exp(-slower));
            let values = world.run(&truths, Schedule::Interleaved, rounds, random);
            match basis {
                Basis::Absolute => values[2].clone(),
                Basis::Relative => values[2].iter().zip(&values[0]).map(|(a, b)| a / b).collect(),
            }
        });
        let between = Unpaired::new(&new, &old).and_then(|runs| runs.rank_sum(CONFIDENCE));
        !between.expect("positive values and rounds enough").interval().contains(1.0)
    })
}

/// The verdicts on one contender that answers `effect` times as fast, beside two that do not.
pub fn power(
    world: &World,
    margin_rule: MarginRule,
    effect: f64,
    rounds: usize,
    runs: u64,
    seed: u64,
) -> Power {
    let mut truths = ALL_THE_SAME;
    truths[2] *= effect;
    let mut power = Power::default();
    for run in 0..runs {
        let mut random = SplitMix64::stream(seed, run);
        let values = world.run(&truths, Schedule::Interleaved, rounds, &mut random);
        match findings(&values, margin_rule)[0].verdict {
            Verdict::Better => power.better += 1.0 / runs as f64,
            Verdict::Worse => power.worse += 1.0 / runs as f64,
            Verdict::Equivalent => power.equivalent += 1.0 / runs as f64,
            Verdict::Inconclusive { .. } => {}
        }
    }
    power
}

/// Runs of up to 30 rounds that end by themselves, where nothing differs.
pub fn stopped_runs(world: &World, stop_on: StopOn, runs: u64, seed: u64) -> Stopped {
    let mut stopped = Stopped { misses: 0.0, false_alarms: 0.0, mean_rounds: 0.0 };
    for run in 0..runs {
        let mut random = SplitMix64::stream(seed, run);
        let all = world.run(&ALL_THE_SAME, Schedule::Interleaved, 30, &mut random);
        let values = first_rounds(&all, end_of_run(&all, stop_on));
        let missed = !ratio(&values, 2).interval().contains(1.0);
        stopped.misses += f64::from(missed) / runs as f64;
        stopped.false_alarms += f64::from(has_alarm(&values, MarginRule::Widened)) / runs as f64;
        stopped.mean_rounds += values[0].len() as f64 / runs as f64;
    }
    stopped
}

fn end_of_run(all: &[Vec<f64>], stop_on: StopOn) -> usize {
    let stopping = Stopping::default();
    let cycle_len = Orders::balanced(SLOTS, 0).cycle_len();
    let is_end = |rounds: &usize| {
        let values = first_rounds(all, *rounds);
        match stop_on {
            StopOn::Significance => !ratio(&values, 2).interval().contains(1.0),
            StopOn::Width => {
                let intervals = (2..SLOTS).map(|contender| ratio(&values, contender).interval());
                let half_widths: Vec<f64> = intervals.map(|i: Interval| i.half_width()).collect();
                stopping.decide(*rounds, cycle_len, &half_widths) != Decision::GoOn
            }
        }
    };
    (stopping.min_rounds()..stopping.max_rounds()).find(is_end).unwrap_or(stopping.max_rounds())
}

fn first_rounds(all: &[Vec<f64>], rounds: usize) -> Vec<Vec<f64>> {
    all.iter().map(|values| values[..rounds].to_vec()).collect()
}

/// The contender's ratio to the baseline, which comes first.
fn ratio(values: &[Vec<f64>], contender: usize) -> Ratio {
    Ratio::of(&values[contender], &values[0], CONFIDENCE)
        .expect("simulated values are positive, and no run has fewer than six rounds")
}

fn has_alarm(values: &[Vec<f64>], margin_rule: MarginRule) -> bool {
    findings(values, margin_rule).iter().any(|finding| finding.verdict.is_different())
}

/// The whole analysis, with Holm's procedure over the three contenders.
fn findings(values: &[Vec<f64>], margin_rule: MarginRule) -> Vec<Finding> {
    let noise_floor = ratio(values, 1).interval().half_width();
    let suite = Margin::default();
    let widened = suite.widened_to(noise_floor).expect("the placebo has an interval");
    let margins = match margin_rule {
        MarginRule::Widened => Margins { different: widened, equivalent: suite },
        MarginRule::BothWidened => widened.into(),
        MarginRule::Zero => Margin::new(0.0).expect("nought is a margin").into(),
    };
    let comparisons: Vec<Paired> = values[2..]
        .iter()
        .map(|contender| Paired::new(contender, &values[0]).expect("simulated values are positive"))
        .collect();
    judge_family(&comparisons, margins, CONFIDENCE, Direction::HigherIsBetter)
        .expect("no run has fewer than six rounds")
}

fn share_of_runs(runs: u64, seed: u64, mut holds: impl FnMut(&mut SplitMix64) -> bool) -> f64 {
    let holding = (0..runs).filter(|&run| holds(&mut SplitMix64::stream(seed, run))).count();
    holding as f64 / runs as f64
}
