//! Two records made by hand, and what is printed of them.

use super::{ChangeFormat, difference};
use crate::analysis::{Analysis, Basis, Difference, has_common_baseline};
use crate::record::{BoundRecord, Record, WarmUpRecord};
use crate::report::Look;
use crate::report::tests::drawn::{record, record_at};
use crate::report::tests::threshold;

fn compared<T>(
    (old, new): (&Record, &Record),
    basis: Basis,
    wanted: &[&str],
    look: impl FnOnce(&Difference<'_>) -> T,
) -> T {
    let (old, new) = (Analysis::of(old), Analysis::of(new));
    let wanted: Vec<String> = wanted.iter().map(|&name| name.to_owned()).collect();
    look(&Difference::of(&old, &new, basis, &wanted))
}

fn verdict(found: &Difference<'_>, contender: &str, metric: &str) -> &'static str {
    let mut changes = found.changes.iter();
    let change = changes.find(|change| change.contender == contender && change.metric == metric);
    change.unwrap_or_else(|| panic!("{contender} has no {metric}")).word()
}

const RATE: &str = "saturation.requests_per_second";

#[test]
fn a_slower_machine_is_in_the_values_and_not_in_the_ratios() {
    let (old, new) = (record(7), record_at(7, 16_000.0, 1_600.0));
    compared((&old, &new), Basis::Absolute, &[], |found| {
        assert_eq!(verdict(found, "gin", RATE), "worse");
        assert_eq!(verdict(found, "flask", RATE), "worse");
        assert!(found.is_worse());
    });
    compared((&old, &new), Basis::Relative, &[], |found| {
        assert_eq!(verdict(found, "gin", RATE), "equivalent");
        assert!(!found.is_worse());
        assert!(found.changes.iter().all(|change| change.contender != "flask"));
        let drift = found.drift.iter().find(|change| change.metric == RATE).unwrap();
        assert!((drift.ratio - 0.8).abs() < 0.05 && drift.verdict.is_none(), "{drift:?}");
    });
}

#[test]
fn a_slower_contender_is_worse_on_either_basis() {
    let (old, new) = (record(7), record_at(7, 16_000.0, 2_000.0));
    for basis in [Basis::Absolute, Basis::Relative] {
        compared((&old, &new), basis, &[], |found| {
            assert_eq!(verdict(found, "gin", RATE), "worse");
            assert_eq!(verdict(found, "gin", "memory_peak_bytes"), "equivalent");
            assert_eq!(verdict(found, "gin", "saturation.response_time_us.p99"), "-");
        });
    }
}

#[test]
fn other_metrics_count_when_they_are_named() {
    let (old, new) = (record(7), record_at(7, 16_000.0, 2_000.0));
    compared((&old, &new), Basis::Relative, &["response_time_us.p99"], |found| {
        assert_eq!(verdict(found, "gin", "saturation.response_time_us.p99"), "worse");
        assert_eq!(verdict(found, "gin", RATE), "-");
    });
}

#[test]
fn the_text_and_the_markdown() {
    let (old, mut new) = (record(7), record_at(7, 16_000.0, 1_900.0));
    new.suite.thresholds.push(threshold(RATE, BoundRecord::AtLeast, 2.0, Some("flask")));
    compared((&old, &new), Basis::Relative, &[], |found| {
        for width in [80, 120] {
            let text = difference(found, ChangeFormat::Text, Look { color: false, width });
            assert!(text.lines().all(|line| line.chars().count() <= width), "{text}");
            insta::assert_snapshot!(format!("text_{width}"), text);
        }
        let look = Look::default();
        insta::assert_snapshot!("markdown", difference(found, ChangeFormat::Markdown, look));
        let json: serde_json::Value =
            serde_json::from_str(&difference(found, ChangeFormat::Json, look)).unwrap();
        assert_eq!((&json["basis"], &json["is_worse"]), (&"relative".into(), &true.into()));
        let changes = json["changes"].as_array().unwrap();
        let mut rates = changes.iter().filter(|change| change["metric"] == RATE);
        assert!(rates.any(|change| change["contender"] == "gin" && change["verdict"] == "worse"));
    });
}

#[test]
fn every_reason_is_listed() {
    let (mut old, mut new) = (record(7), record(7));
    new.host.kernel = "6.12.0".to_owned();
    new.suite.scenarios[1].connections = 64;
    new.suite.margin = 0.05;
    let warm_up = |windows| WarmUpRecord { window_ns: 1, windows, cap_ns: 9 };
    (old.suite.warm_up, new.suite.warm_up) = (Some(warm_up(5)), Some(warm_up(4)));
    for visit in &mut new.visits {
        visit.trials[0].driver = "io_uring".to_owned();
    }
    let reasons = compared((&old, &new), Basis::Relative, &[], |found| found.reasons.clone());
    for wanted in [
        "kernel: 6.1.0 in OLD, 6.12.0 in NEW",
        "driver: epoll",
        "margin: 0.02",
        "'saturation'",
        "warm-up: 5",
    ] {
        assert!(reasons.iter().any(|reason| reason.contains(wanted)), "{wanted}: {reasons:?}");
    }
    assert!(reasons.iter().any(|r| r.contains("connections 32") && r.contains("connections 64")));
    assert_eq!(reasons.len(), 5, "{reasons:?}");
    assert!(compared((&old, &old), Basis::Relative, &[], |found| found.reasons.is_empty()));
}

#[test]
fn what_is_no_longer_measured_is_worse() {
    let (old, mut new) = (record(7), record(7));
    for visit in new.visits.iter_mut().filter(|visit| visit.entry == "gin") {
        visit.trials[1].errors.insert("timeout".to_owned(), 3);
    }
    compared((&old, &new), Basis::Relative, &[], |found| {
        assert!(found.lost.contains(&("gin".to_owned(), RATE.to_owned())), "{:?}", found.lost);
        assert!(found.is_worse());
        assert!(
            found.notes.iter().any(|note| note.contains("NEW: errors: gin")),
            "{:?}",
            found.notes
        );
    });
}

#[test]
fn a_scenario_of_one_run_is_noted_and_nothing_is_lost_by_it() {
    let (old, mut new) = (record(7), record(7));
    new.suite.scenarios.remove(0);
    for visit in new.visits.iter_mut().filter(|visit| visit.entry == "gin") {
        visit.evidence.as_mut().unwrap().body_sha256 = "cd".to_owned();
    }
    compared((&old, &new), Basis::Relative, &[], |found| {
        assert!(found.notes.contains(&"the scenario 'sequential' is in OLD only".to_owned()));
        let body = "gin answers another body in NEW than in OLD";
        assert!(found.notes.contains(&body.to_owned()), "{:?}", found.notes);
        assert!(found.changes.iter().all(|change| !change.metric.starts_with("sequential")));
        assert!(found.lost.is_empty());
    });
}

#[test]
fn a_baseline_alone_is_no_common_ground() {
    let (old, mut new) = (record(7), record(7));
    let has_common = |new: &Record| has_common_baseline(&Analysis::of(&old), &Analysis::of(new));
    assert!(has_common(&new));
    new.contenders.remove(0);
    assert!(!has_common(&new), "only the baseline is in both");
    new.suite.baseline = "axum".to_owned();
    assert!(!has_common(&new));
}
