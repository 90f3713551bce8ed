//! Agreement with SciPy, with R, and with second implementations of the panel's estimator and of
//! the order design. `fixtures/make.py` made the expected values and says how to make them again.

use std::collections::BTreeMap;

use jigger_stats::{Contrast, Interval, Location, Margin, Orders, Panel, holm_adjusted};
use serde::Deserialize;

const PANELS: &str = include_str!("fixtures/panels.json");
const CONTRASTS: &str = include_str!("fixtures/contrasts.json");
const SCIPY: &str = include_str!("fixtures/scipy.json");
const R: &str = include_str!("fixtures/r.tsv");
const ORDERS: &str = include_str!("fixtures/orders.json");

type Entry = Vec<Option<f64>>;

#[derive(Deserialize)]
struct PanelCase {
    name: String,
    contenders: Vec<Vec<Entry>>,
}

#[derive(Deserialize)]
struct ContrastCase {
    name: String,
    contender: usize,
    baseline: usize,
    log_ratio: f64,
    rounds: usize,
    p: Option<f64>,
    #[serde(default)]
    intervals: Vec<[f64; 3]>,
    #[serde(default)]
    margins: Vec<[f64; 3]>,
}

#[derive(Deserialize)]
struct ScipyCase {
    name: String,
    paired_p: Option<f64>,
    paired: Option<[f64; 2]>,
    old_rounds: usize,
    welch_ratio: f64,
    welch_p: f64,
    welch: [f64; 2],
    location: [f64; 3],
}

#[derive(Deserialize)]
struct Plan {
    contenders: usize,
    seed: u64,
    rounds: Vec<Vec<usize>>,
}

fn panels() -> BTreeMap<String, Vec<Vec<Entry>>> {
    let cases: Vec<PanelCase> = serde_json::from_str(PANELS).expect("what make.py wrote");
    cases.into_iter().map(|case| (case.name, case.contenders)).collect()
}

fn panel(contenders: &[Vec<Entry>]) -> Panel {
    let slices: Vec<Vec<&[Option<f64>]>> =
        contenders.iter().map(|entries| entries.iter().map(Vec::as_slice).collect()).collect();
    Panel::new(&slices)
}

#[track_caller]
fn assert_close(ours: f64, theirs: f64, what: &str) {
    let error = (ours - theirs).abs() / theirs.abs();
    assert!(error < 1e-9 || ours == theirs, "{what}: {ours} is not {theirs}");
}

#[track_caller]
fn assert_interval(ours: Option<Interval>, [low, high]: [f64; 2], what: &str) {
    let ours = ours.expect("three rounds or more");
    assert_close(ours.low, low, what);
    assert_close(ours.high, high, what);
}

#[test]
fn contrasts_agree_with_the_second_implementation() {
    let panels = panels();
    let cases: Vec<ContrastCase> = serde_json::from_str(CONTRASTS).unwrap();
    assert!(cases.len() > 200);
    for case in cases {
        let what = format!("{}, {} and {}", case.name, case.contender, case.baseline);
        let found =
            panel(&panels[&case.name]).contrast(case.contender, case.baseline).expect("a ratio");
        assert_close(found.ratio(), case.log_ratio.exp(), &what);
        assert_eq!(found.rounds(), case.rounds, "{what}");
        assert_eq!(found.p_value().is_some(), case.p.is_some(), "{what}");
        if let Some(p) = case.p {
            assert_close(found.p_value().unwrap(), p, &what);
        }
        for [confidence, low, high] in case.intervals {
            assert_interval(found.interval(confidence), [low, high], &what);
        }
        for [margin, p_beyond, p_same] in case.margins {
            let margin = Margin::new(margin).unwrap();
            assert_close(found.p_beyond(margin).unwrap(), p_beyond, &what);
            let level = p_same.min(0.45);
            assert!(found.is_within(margin, level + 1e-9) || p_same > level, "{what}");
            assert!(!found.is_within(margin, level - 1e-9), "{what}");
        }
    }
}

#[test]
fn panels_of_two_and_values_of_one_agree_with_scipy() {
    let panels = panels();
    let cases: Vec<ScipyCase> = serde_json::from_str(SCIPY).unwrap();
    assert!(cases.len() > 70);
    for case in cases {
        let contenders = &panels[&case.name];
        let (first, last) = (&contenders[0][0], &contenders[contenders.len() - 1][0]);
        if let (Some(p), Some(interval)) = (case.paired_p, case.paired) {
            let pair = Panel::pair(last, first).contrast(0, 1).expect("a ratio");
            assert_close(pair.p_value().unwrap(), p, &case.name);
            assert_interval(pair.interval(0.95), interval, &case.name);
        }
        let new: Vec<f64> = last.iter().copied().flatten().collect();
        let old: Vec<f64> = first.iter().copied().flatten().take(case.old_rounds).collect();
        let between = Contrast::between(&new, &old).expect("a ratio");
        assert_close(between.ratio(), case.welch_ratio, &case.name);
        assert_close(between.p_value().unwrap(), case.welch_p, &case.name);
        assert_interval(between.interval(0.95), case.welch, &case.name);
        let location = Location::of(&new, 0.95).unwrap();
        assert_close(location.estimate, case.location[0], &case.name);
        assert_close(location.low.unwrap(), case.location[1], &case.name);
        assert_close(location.high.unwrap(), case.location[2], &case.name);
    }
}

#[test]
fn adjusted_p_values_agree_with_p_adjust_of_r() {
    let number = |cell: &str| cell.parse::<f64>().expect("a number");
    let rows: Vec<Vec<f64>> =
        R.lines().skip(1).map(|line| line.split('\t').map(number).collect()).collect();
    assert_eq!(rows.len(), 20);
    for group in rows.chunks(5) {
        let p_values: Vec<f64> = group.iter().map(|row| row[2]).collect();
        for (row, adjusted) in group.iter().zip(holm_adjusted(&p_values)) {
            assert_close(adjusted, row[3], "p.adjust");
        }
    }
}

/// Recorded plans have to come out the same for ever: when this fails, old seeds mean other plans.
#[test]
fn orders_agree_with_the_second_implementation() {
    let plans: Vec<Plan> = serde_json::from_str(ORDERS).unwrap();
    assert_eq!(plans.len(), 21);
    for plan in plans {
        let orders = Orders::balanced(plan.contenders, plan.seed);
        assert_eq!(plan.rounds.len(), 2 * orders.cycle_len());
        for (round, order) in plan.rounds.into_iter().enumerate() {
            assert_eq!(orders.round(round), order, "seed {} round {round}", plan.seed);
        }
    }
}
