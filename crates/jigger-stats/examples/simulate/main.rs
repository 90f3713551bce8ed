//! Prints, as Markdown, how the analysis does where the truth is known, beside the rule that
//! jigger had before:
//!
//!     cargo run --release -p jigger-stats --example simulate
//!
//! The numbers are the same on every run, since the seed is fixed.

mod experiments;
mod old_rule;
mod report;
mod world;

use experiments::{
    Basis, Kept, baseline_differs_from_itself, false_alarms_in_blocks, kept, kept_by_old_rule,
    moved_between_runs, probably_different, said, said_by_old_rule, stopped,
};
use jigger_stats::Looks;
use report::Field;
use world::{DRIFT, HEAVY_TAILS, QUIET, RECORD, ROUND_EFFECT, WORLDS};

const SEED: u64 = 1;
/// For error rates, which are small.
const MANY_RUNS: u64 = 4_000;
/// For everything else.
const RUNS: u64 = 2_000;

fn main() {
    println!("A run has four scenarios, a baseline that is entered twice, and three contenders.");
    println!("{MANY_RUNS} runs for each error rate of these, {RUNS} for all else; seed {SEED}.\n");
    print_kept();
    print_power();
    print_same();
    print_stopping();
    print_entries();
    print_blocks();
    print_between_runs();
    print_baseline_with_itself();
    print_probably();
}

fn print_kept() {
    const ROUNDS: [usize; 5] = [3, 5, 7, 10, 20];
    let cell = |kept: Option<Kept>| {
        kept.map_or("-".to_owned(), |kept| both(kept.family_wise, kept.coverage))
    };
    println!("## A report in which nobody differs: any false alarm / coverage of the intervals\n");
    print_header("world, rule", ROUNDS.map(|rounds| format!("{rounds} rounds")));
    for world in WORLDS {
        let new = |rounds| Some(kept(&world, &Field::of_suite(1.0), rounds, MANY_RUNS, SEED));
        print_row(&format!("{}, new", world.name), ROUNDS.map(|rounds| cell(new(rounds))));
        let old = |rounds| kept_by_old_rule(&world, rounds, RUNS, SEED);
        print_row(&format!("{}, old", world.name), ROUNDS.map(|rounds| cell(old(rounds))));
    }
}

const NEW_ROUNDS: [usize; 4] = [5, 7, 10, 20];
const OLD_ROUNDS: [usize; 2] = [7, 10];

fn power_columns() -> [String; 6] {
    let [a, b, c, d] = NEW_ROUNDS.map(|rounds| format!("new, {rounds} rounds"));
    let [e, f] = OLD_ROUNDS.map(|rounds| format!("old, {rounds} rounds"));
    [a, b, c, d, e, f]
}

fn print_power() {
    println!("\n## How often a contender is found to be faster than the baseline\n");
    print_header("world, true ratio", power_columns());
    for world in WORLDS {
        for ratio in [1.02, 1.05, 1.1, 1.2, 1.5, 2.0] {
            let [a, b, c, d] =
                NEW_ROUNDS.map(|rounds| percent(said(&world, ratio, rounds, RUNS, SEED).found));
            let [e, f] = OLD_ROUNDS.map(|rounds| {
                let said = said_by_old_rule(&world, ratio, rounds, RUNS, SEED);
                said.map_or("-".to_owned(), |said| percent(said.found))
            });
            print_row(&format!("{}, {ratio}", world.name), [a, b, c, d, e, f]);
        }
    }
}

fn print_same() {
    println!("\n## How often a contender that is as fast as the baseline is called the same\n");
    print_header("world", power_columns());
    for world in WORLDS {
        let [a, b, c, d] =
            NEW_ROUNDS.map(|rounds| percent(said(&world, 1.0, rounds, RUNS, SEED).same));
        let [e, f] = OLD_ROUNDS.map(|rounds| {
            let said = said_by_old_rule(&world, 1.0, rounds, RUNS, SEED);
            said.map_or("-".to_owned(), |said| percent(said.same))
        });
        print_row(world.name, [a, b, c, d, e, f]);
    }
}

fn print_stopping() {
    let looks = Looks::planned(5, 20, 5).expect("5 is not more than 20");
    println!("\n## Runs that end at a look after 5, 10 or 20 rounds\n");
    let columns = [
        "any false alarm",
        "at any look",
        "coverage",
        "ends at 5 / 10 / 20",
        "found",
        "found, all pairs",
        "same",
        "wrongly same",
    ];
    print_header("world, true ratio of one contender", columns.map(str::to_owned));
    for world in WORLDS {
        for ratio in [1.0, 1.0201, 1.03, 1.05, 1.2, 2.0] {
            let runs = if ratio == 1.0 { MANY_RUNS } else { RUNS };
            let stopped = stopped(&world, &looks, ratio, runs, SEED);
            let if_differs = |share: f64| dash_if(ratio == 1.0, share);
            let cells = [
                percent(stopped.kept.family_wise),
                percent(stopped.at_any_look),
                percent(stopped.kept.coverage),
                stopped.ends.map(|share| format!("{:.0}", share * 100.0)).join(" / "),
                if_differs(stopped.said.found),
                if_differs(stopped.found_all),
                percent(stopped.said.same),
                if_differs(stopped.wrongly_same),
            ];
            print_row(&format!("{}, {ratio}", world.name), cells);
        }
    }
}

fn print_entries() {
    const ROUNDS: [usize; 5] = [3, 5, 6, 10, 20];
    println!("\n## Other numbers of entries, nobody differs: any false alarm / coverage\n");
    print_header("world, entries", ROUNDS.map(|rounds| format!("{rounds} rounds")));
    for world in [QUIET, ROUND_EFFECT, HEAVY_TAILS] {
        for entries in [2, 3, 4, 9] {
            let cells = ROUNDS.map(|rounds| {
                let kept = kept(&world, &Field::alike(entries), rounds, RUNS, SEED);
                both(kept.family_wise, kept.coverage)
            });
            print_row(&format!("{}, {entries}", world.name), cells);
        }
    }
}

fn print_blocks() {
    println!(
        "\n## False alarms with rounds in balanced order, and with all of one, then all of the next\n"
    );
    print_header("world, 10 rounds", ["rounds", "blocks"].map(str::to_owned));
    for world in [QUIET, DRIFT] {
        let rounds = kept(&world, &Field::of_suite(1.0), 10, RUNS, SEED).family_wise;
        let blocks = false_alarms_in_blocks(&world, 10, RUNS, SEED);
        print_row(world.name, [rounds, blocks].map(percent));
    }
}

fn print_between_runs() {
    println!("\n## How often a contender that is the same in two runs seems to have changed\n");
    print_header(
        "world, the machine is slower by",
        ["values", "ratios to the baseline"].map(str::to_owned),
    );
    for world in [QUIET, DRIFT, ROUND_EFFECT, RECORD, HEAVY_TAILS] {
        for slower in [0.0, 0.01, 0.05] {
            let rate = |basis| percent(moved_between_runs(&world, slower, basis, 10, RUNS, SEED));
            let cells = [rate(Basis::Absolute), rate(Basis::Relative)];
            print_row(&format!("{}, {}", world.name, percent(slower)), cells);
        }
    }
    println!("\nTen rounds in either run, the interval alone, without a margin.");
}

fn print_baseline_with_itself() {
    const ROUNDS: [usize; 3] = [5, 10, 20];
    println!("\n## How often the baseline seems to differ from itself: a metric / any of four\n");
    print_header("world", ROUNDS.map(|rounds| format!("{rounds} rounds")));
    for world in WORLDS {
        let cells = ROUNDS.map(|rounds| {
            let [alone, any] = baseline_differs_from_itself(&world, rounds, MANY_RUNS, SEED);
            both(alone, any)
        });
        print_row(world.name, cells);
    }
}

fn print_probably() {
    const ROUNDS: [usize; 3] = [5, 10, 20];
    println!(
        "\n## How often nobody differs and something is 'probably' so: a comparison / any of 24\n"
    );
    print_header("world", ROUNDS.map(|rounds| format!("{rounds} rounds")));
    for world in WORLDS {
        let cells = ROUNDS.map(|rounds| {
            let [alone, any] = probably_different(&world, rounds, RUNS, SEED);
            both(alone, any)
        });
        print_row(world.name, cells);
    }
}

fn print_header<const N: usize>(first: &str, columns: [String; N]) {
    print_row(first, columns);
    println!("|---|{}", "---:|".repeat(N));
}

fn print_row<const N: usize>(first: &str, cells: [String; N]) {
    println!("| {first} | {} |", cells.join(" | "));
}

fn both(one: f64, other: f64) -> String {
    format!("{} / {}", percent(one), percent(other))
}

fn dash_if(is_none: bool, share: f64) -> String {
    if is_none { "-".to_owned() } else { percent(share) }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}
