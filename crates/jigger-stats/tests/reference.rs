//! Agreement with SciPy, with R, and with a second implementation of the order design.
//! `fixtures/make.py` made the answers and says how to make them again.

use std::collections::BTreeMap;

use jigger_stats::{Location, Orders, Paired, Unpaired, holm_adjusted};
use serde::Deserialize;

const SERIES: &str = include_str!("fixtures/series.tsv");
const SCIPY: &str = include_str!("fixtures/scipy.json");
const R: &str = include_str!("fixtures/r.tsv");
const ORDERS: &str = include_str!("fixtures/orders.json");

#[derive(Default)]
struct Series {
    contender: Vec<f64>,
    baseline: Vec<f64>,
}

#[derive(Deserialize)]
struct ScipyCase {
    name: String,
    signed_rank_p: f64,
    rank_sum_p: f64,
    t_p: f64,
    t_estimate: f64,
    t_intervals: Vec<ScipyInterval>,
}

#[derive(Deserialize)]
struct ScipyInterval {
    confidence: f64,
    low: f64,
    high: f64,
}

#[derive(Deserialize)]
struct Plan {
    contenders: usize,
    seed: u64,
    rounds: Vec<Vec<usize>>,
}

fn all_series() -> BTreeMap<String, Series> {
    let mut all: BTreeMap<String, Series> = BTreeMap::new();
    for line in SERIES.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let series = all.entry(cells[0].to_owned()).or_default();
        series.contender.push(cells[1].parse().expect("a number"));
        series.baseline.push(cells[2].parse().expect("a number"));
    }
    all
}

/// The rows of one kind in R's answers, without the kind.
fn r_rows(kind: &str) -> Vec<Vec<&'static str>> {
    let rows = R.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    rows.filter(|cells| cells[0] == kind).map(|cells| cells[1..].to_vec()).collect()
}

fn numbers(cells: &[&str]) -> Vec<f64> {
    cells.iter().filter_map(|cell| cell.parse().ok()).collect()
}

#[track_caller]
fn assert_close(ours: f64, theirs: f64, what: &str) {
    let error = (ours - theirs).abs() / theirs.abs();
    assert!(error < 1e-9, "{what}: {ours} is not {theirs}");
}

#[test]
fn ratios_agree_with_wilcox_test_of_r() {
    let all = all_series();
    let rows = r_rows("location");
    assert!(rows.len() > 60);
    for row in rows {
        let [confidence, estimate, low, high, p_value] = numbers(&row[1..])[..] else {
            panic!("five numbers in {row:?}");
        };
        let series = &all[row[0]];
        let ratio = Paired::new(&series.contender, &series.baseline)
            .and_then(|paired| paired.signed_rank(confidence))
            .unwrap();
        assert_close(ratio.estimate, estimate, row[0]);
        assert_close(ratio.low, low, row[0]);
        assert_close(ratio.high, high, row[0]);
        assert_close(ratio.p_value, p_value, row[0]);
    }
}

#[test]
fn locations_agree_with_wilcox_test_of_r() {
    let all = all_series();
    let rows = r_rows("single");
    assert!(rows.len() > 60);
    for row in rows {
        let expected = numbers(&row[1..]);
        let location = Location::of(&all[row[0]].contender, expected[0]).unwrap();
        assert_close(location.estimate, expected[1], row[0]);
        assert_close(location.low.unwrap(), expected[2], row[0]);
        assert_close(location.high.unwrap(), expected[3], row[0]);
    }
}

#[test]
fn ratios_between_runs_agree_with_wilcox_test_of_r() {
    let all = all_series();
    let rows = r_rows("unpaired");
    assert!(rows.len() > 120);
    for row in rows {
        let [confidence, estimate, low, high, p_value] = numbers(&row[1..])[..] else {
            panic!("five numbers in {row:?}");
        };
        let name = row[0].trim_end_matches("-short");
        let (contender, mut baseline) = (&all[name].contender, &all[name].baseline[..]);
        if name != row[0] {
            baseline = &baseline[..(2 * baseline.len()).div_ceil(3)];
        }
        let ratio = Unpaired::new(contender, baseline).unwrap().rank_sum(confidence).unwrap();
        assert_close(ratio.estimate, estimate, row[0]);
        assert_close(ratio.low, low, row[0]);
        assert_close(ratio.high, high, row[0]);
        assert_close(ratio.p_value, p_value, row[0]);
    }
}

#[test]
fn adjusted_p_values_agree_with_p_adjust_of_r() {
    let rows = r_rows("holm");
    assert_eq!(rows.len(), 20);
    for group in rows.chunks(5) {
        let p_values: Vec<f64> = group.iter().map(|row| numbers(row)[2]).collect();
        for (row, adjusted) in group.iter().zip(holm_adjusted(&p_values)) {
            assert_close(adjusted, numbers(row)[3], "p.adjust");
        }
    }
}

#[test]
fn ratios_agree_with_scipy() {
    let all = all_series();
    let cases: Vec<ScipyCase> = serde_json::from_str(SCIPY).unwrap();
    assert_eq!(cases.len(), all.len());
    for case in cases {
        let series = &all[&case.name];
        let paired = Paired::new(&series.contender, &series.baseline).unwrap();
        let by_rank = paired.signed_rank(0.9).unwrap();
        assert_close(by_rank.p_value, case.signed_rank_p, &case.name);
        let runs = Unpaired::new(&series.contender, &series.baseline).unwrap();
        assert_close(runs.rank_sum(0.9).unwrap().p_value, case.rank_sum_p, &case.name);
        for interval in &case.t_intervals {
            let Ok(ratio) = paired.paired_t(interval.confidence) else {
                assert!(interval.confidence > 0.98 && paired.rounds() < 8, "{}", case.name);
                continue;
            };
            assert_close(ratio.estimate, case.t_estimate, &case.name);
            assert_close(ratio.low, interval.low, &case.name);
            assert_close(ratio.high, interval.high, &case.name);
            assert_close(ratio.p_value, case.t_p, &case.name);
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
