//! Prints, as Markdown, how the analysis does where the truth is known:
//!
//!     cargo run --release -p jigger-stats --example simulate
//!
//! The numbers are the same on every run, since the seed is fixed.

mod experiments;
mod world;

use experiments::{
    Basis, MarginRule, StopOn, coverage, false_alarms, moved_between_runs, power, stopped_runs,
};
use world::{QUIET, ROUGH, STRONG_SLOTS, Schedule, WORLDS};

const SEED: u64 = 1;
const RUNS: u64 = 5_000;
const ROUNDS: [usize; 5] = [6, 8, 10, 20, 30];

fn main() {
    println!(
        "{RUNS} runs for each figure, seed {SEED}. A run has a baseline, its placebo and three"
    );
    println!("contenders; one visit varies by {} (standard deviation).\n", percent(QUIET.noise));
    print_coverage();
    print_false_alarms();
    print_stopping();
    print_power();
    print_equivalence();
    print_between_runs();
}

fn print_coverage() {
    println!("## How often the 95 % interval contains the true ratio\n");
    print_header("world", ROUNDS.map(|rounds| format!("{rounds} rounds")));
    for world in WORLDS.into_iter().chain(STRONG_SLOTS) {
        print_row(world.name, ROUNDS.map(|rounds| percent(coverage(&world, rounds, RUNS, SEED))));
    }
    println!(
        "\nExact intervals exist for certain confidences only: of 6 rounds the one for 95 % has"
    );
    println!("96.9 %, of 8 rounds 96.1 %. Slot effects are balanced out of the estimate but still");
    println!("widen the interval, which errs on the safe side.");
}

fn print_false_alarms() {
    println!(
        "\n## How often any of three contenders that are all the baseline is called different\n"
    );
    print_header("world", ROUNDS.map(|rounds| format!("{rounds} rounds")));
    let rules = [
        ("", Schedule::Interleaved, MarginRule::Widened),
        (", margin 0", Schedule::Interleaved, MarginRule::Zero),
        (", not interleaved", Schedule::Blocked, MarginRule::Widened),
    ];
    for (label, schedule, margin_rule) in rules {
        for world in WORLDS {
            let rate = |rounds| false_alarms(&world, schedule, margin_rule, rounds, RUNS, SEED);
            let rates = ROUNDS.map(|rounds| percent(rate(rounds)));
            print_row(&format!("{}{label}", world.name), rates);
        }
    }
    println!("\nSix rounds can settle one comparison, not three: that takes seven.");
}

fn print_stopping() {
    println!("\n## Stopping between 6 and 30 rounds, nothing differs\n");
    let columns = ["interval without 1", "verdict of a difference", "mean rounds"];
    print_header("world, stopped on", columns.map(str::to_owned));
    for world in WORLDS {
        for (label, stop_on) in [("width", StopOn::Width), ("significance", StopOn::Significance)] {
            let stopped = stopped_runs(&world, stop_on, RUNS, SEED);
            let cells = [
                percent(stopped.misses),
                percent(stopped.false_alarms),
                format!("{:.1}", stopped.mean_rounds),
            ];
            print_row(&format!("{}, {label}", world.name), cells);
        }
    }
}

fn print_between_runs() {
    println!("\n## How often a contender that is the same in two runs seems to have changed\n");
    print_header(
        "world, the machine is slower by",
        ["values", "ratios to the baseline"].map(str::to_owned),
    );
    for world in WORLDS {
        for slower in [0.0, 0.01, 0.05] {
            let rate = |basis| percent(moved_between_runs(&world, slower, basis, 10, RUNS, SEED));
            let cells = [rate(Basis::Absolute), rate(Basis::Relative)];
            print_row(&format!("{}, {}", world.name, percent(slower)), cells);
        }
    }
    println!("\nTen rounds in either run, the interval alone, without a margin.");
}

fn print_power() {
    println!("\n## Verdicts on a contender that is so much faster: faster / equivalent / slower\n");
    print_header("world, faster by", ROUNDS.map(|rounds| format!("{rounds} rounds")));
    for world in [QUIET, ROUGH] {
        for effect in [0.0, 0.01, 0.03, 0.05, 0.1, 0.2] {
            let cells = ROUNDS.map(|rounds| {
                let shares = power(&world, MarginRule::Widened, 1.0 + effect, rounds, RUNS, SEED);
                [shares.better, shares.equivalent, shares.worse].map(percent).join(" / ")
            });
            print_row(&format!("{}, {}", world.name, percent(effect)), cells);
        }
    }
}

fn print_equivalence() {
    println!("\n## How often a true difference is called equivalent\n");
    print_header("world, faster by, margin", ROUNDS.map(|rounds| format!("{rounds} rounds")));
    let rules = [
        ("jigger's", MarginRule::Widened),
        ("widened for equivalence too", MarginRule::BothWidened),
    ];
    for effect in [0.03, 0.05] {
        for (label, rule) in rules {
            let cells = ROUNDS.map(|rounds| {
                percent(power(&ROUGH, rule, 1.0 + effect, rounds, RUNS, SEED).equivalent)
            });
            print_row(&format!("{}, {}, {label}", ROUGH.name, percent(effect)), cells);
        }
    }
}

fn print_header<const N: usize>(first: &str, columns: [String; N]) {
    print_row(first, columns);
    println!("|---|{}", "---:|".repeat(N));
}

fn print_row<const N: usize>(first: &str, cells: [String; N]) {
    println!("| {first} | {} |", cells.join(" | "));
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}
