//! What intervals, verdicts and looks promise, held against runs of which the truth is known. Seeds
//! are fixed, so the figures are the same every time; the example prints more of them.

#[path = "../examples/simulate/experiments.rs"]
mod experiments;
#[path = "../examples/simulate/old_rule.rs"]
mod old_rule;
#[path = "../examples/simulate/report.rs"]
mod report;
#[path = "../examples/simulate/world.rs"]
mod world;

use experiments::{
    Basis, Kept, baseline_differs_from_itself, false_alarms_in_blocks, kept, kept_by_old_rule,
    moved_between_runs, probably_different, said, said_by_old_rule, stopped,
};
use jigger_stats::Looks;
use report::Field;
use world::{DRIFT, HEAVY_TAILS, QUIET, RECORD, ROUND_EFFECT, WORLDS, World};

/// 5 % and what chance adds in so many runs.
const MOST_FALSE_ALARMS: f64 = 0.055;

fn looks() -> Looks {
    Looks::planned(5, 20, 5).expect("5 is not more than 20")
}

#[track_caller]
fn assert_kept(kept: Kept, coverage: std::ops::RangeInclusive<f64>, what: &str) {
    assert!(kept.family_wise <= MOST_FALSE_ALARMS, "{what}: {kept:?}");
    assert!(coverage.contains(&kept.coverage), "{what}: {kept:?}");
}

/// Outliers make the interval of few rounds err on the safe side: then one visit in ten widens it
/// by more than it moves the mean.
#[test]
fn a_report_keeps_its_error_rate_and_its_intervals() {
    for world in WORLDS {
        for (rounds, runs) in [(3, 200), (5, 500), (10, 250)] {
            let kept = kept(&world, &Field::of_suite(1.0), rounds, runs, 11);
            let most = if world.outliers > 0.0 { 0.985 } else { 0.98 };
            assert_kept(kept, 0.93..=most, &format!("{}, {rounds} rounds", world.name));
        }
    }
}

#[test]
fn so_it_does_with_any_number_of_entries() {
    for world in [QUIET, ROUND_EFFECT, HEAVY_TAILS] {
        for (entries, runs) in [(2, 1_500), (3, 600), (4, 400), (9, 40)] {
            let kept = kept(&world, &Field::alike(entries), 6, runs, 12);
            assert_kept(kept, 0.93..=0.98, &format!("{}, {entries} entries", world.name));
        }
    }
}

/// However large the effect of a round is, it neither widens the intervals nor narrows them.
#[test]
fn effects_of_rounds_are_taken_out_whatever_their_size() {
    for round in [0.01, 0.03, 0.1] {
        let world = World { round, ..QUIET };
        for rounds in [5, 10] {
            let kept = kept(&world, &Field::of_suite(1.0), rounds, 250, 13);
            assert_kept(kept, 0.93..=0.98, &format!("{round}, {rounds} rounds"));
        }
        let found = said(&world, 1.05, 10, 100, 13).found;
        assert!(found > 0.95, "{round}: {found}");
    }
}

#[test]
fn looks_spend_no_more_than_was_planned() {
    for world in [QUIET, ROUND_EFFECT, RECORD] {
        let stopped = stopped(&world, &looks(), 1.0, 300, 14);
        assert_kept(stopped.kept, 0.93..=0.98, world.name);
        // Two standard errors of a share of 5 % in 300 runs.
        assert!(stopped.at_any_look <= 0.05 + 0.025, "{}: {stopped:?}", world.name);
        assert!((stopped.ends.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{stopped:?}");
    }
}

#[test]
fn in_the_noise_of_a_record_twice_is_found_in_all_pairs_and_a_fifth_in_most() {
    let twice = stopped(&RECORD, &looks(), 2.0, 150, 15);
    assert!(twice.found_all > 0.98 && twice.said.found > 0.99, "{twice:?}");
    let fifth = stopped(&RECORD, &looks(), 1.2, 150, 15);
    assert!(fifth.said.found > 0.6 && fifth.found_all > 0.3, "{fifth:?}");
    assert!(fifth.kept.family_wise <= MOST_FALSE_ALARMS, "{fifth:?}");
}

#[test]
fn a_difference_beyond_the_margin_is_seldom_called_the_same() {
    for world in [QUIET, ROUND_EFFECT] {
        for (ratio, most) in [(1.021, 0.05), (1.03, 0.01), (1.05, 0.0)] {
            let stopped = stopped(&world, &looks(), ratio, 80, 16);
            assert!(stopped.wrongly_same <= most, "{}, {ratio}: {stopped:?}", world.name);
            assert!(stopped.said.same <= most, "{}, {ratio}: {stopped:?}", world.name);
        }
    }
    let same = said(&QUIET, 1.0, 20, 100, 16).same;
    assert!(same > 0.9, "{same}");
}

/// The rule that went before never raised a false alarm, and found little.
#[test]
fn the_old_rule_found_less() {
    for (world, ratio, rounds) in [(QUIET, 1.05, 7), (RECORD, 1.5, 7), (HEAVY_TAILS, 1.1, 10)] {
        let new = said(&world, ratio, rounds, 100, 17).found;
        let old = said_by_old_rule(&world, ratio, rounds, 100, 17).unwrap().found;
        assert!(new > 1.8 * old, "{}, {ratio}: {new} and {old}", world.name);
    }
    let old = kept_by_old_rule(&RECORD, 7, 300, 17).unwrap();
    assert!(old.family_wise < 0.01 && (0.93..0.98).contains(&old.coverage), "{old:?}");
    let (new, old) = (said(&QUIET, 1.0, 10, 100, 17), said_by_old_rule(&QUIET, 1.0, 10, 100, 17));
    assert!(new.same > 5.0 * old.unwrap().same, "{new:?} {old:?}");
}

/// The report fails without interleaving, so the tests above test something.
#[test]
fn without_interleaving_drift_looks_like_a_difference() {
    let alarms = false_alarms_in_blocks(&DRIFT, 10, 50, 18);
    assert!(alarms > 0.9, "{alarms}");
}

/// Why records are compared by ratios to the baseline: a machine that is 5 % slower on the second
/// day is taken out of those, and looks like a change in the values.
#[test]
fn between_runs_a_slower_machine_fools_values_and_not_ratios() {
    for world in WORLDS {
        let ratios = moved_between_runs(&world, 0.05, Basis::Relative, 10, 400, 19);
        assert!(ratios <= 0.07, "{}: {ratios}", world.name);
    }
    let steady = moved_between_runs(&QUIET, 0.0, Basis::Absolute, 10, 400, 19);
    assert!(steady <= 0.07, "{steady}");
    let fooled = moved_between_runs(&QUIET, 0.05, Basis::Absolute, 10, 100, 19);
    assert!(fooled > 0.9, "{fooled}");
}

#[test]
fn the_baseline_seldom_seems_to_differ_from_itself() {
    for world in WORLDS {
        for rounds in [5, 20] {
            let [alone, any] = baseline_differs_from_itself(&world, rounds, 400, 20);
            let what = format!("{}, {rounds} rounds", world.name);
            assert!(alone <= 0.015 && any <= 0.05, "{what}: {alone} {any}");
        }
    }
}

/// 'Probably' is said of each comparison alone, so among many some are chance.
#[test]
fn a_comparison_is_probably_different_by_chance_as_often_as_it_may() {
    for world in [QUIET, RECORD] {
        let [alone, any] = probably_different(&world, 10, 60, 21);
        assert!(alone <= 0.055 && any > 0.2, "{}: {alone} {any}", world.name);
    }
}
