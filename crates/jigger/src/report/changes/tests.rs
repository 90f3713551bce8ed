//! Two records made by hand, and what is printed of them.

use serde_json::Value;

use super::{Revisions, difference, revisions};
use crate::analysis::{Analysis, Basis, Change, Compared, Difference, has_common_baseline};
use crate::disturbance::Disturbance;
use crate::record::{
    BoundRecord, CeilingAttempt, Record, TlsAgreementRecord, TrialRecord, WarmUpRecord,
};
use crate::report::tests::drawn::{record, record_at, trial};
use crate::report::tests::threshold;
use crate::report::{Format, Look};
use crate::schema::Schema;

/// Wide, so that no line is broken where a test looks for it.
const WIDE: Look = Look { color: false, width: 400, has_details: true };

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
        assert_eq!(verdict(found, "gin", RATE), "same");
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
            assert_eq!(verdict(found, "gin", "memory_peak_bytes"), "same");
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
            let text =
                difference(found, Format::Text, Look { color: false, width, has_details: true });
            assert!(text.lines().all(|line| line.chars().count() <= width), "{text}");
            insta::assert_snapshot!(format!("text_{width}"), text);
        }
        let look = Look::default();
        insta::assert_snapshot!("markdown", difference(found, Format::Markdown, look));
        let json: Value = serde_json::from_str(&difference(found, Format::Json, look)).unwrap();
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
        assert!(found.lost.contains(&("gin", RATE.into())), "{:?}", found.lost);
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
        let evidence = visit.evidence.as_mut().unwrap();
        evidence.body_sha256 = "cd".to_owned();
        let (version, cipher) = ("1.3".to_owned(), "TLS_A".to_owned());
        evidence.tls =
            Some(TlsAgreementRecord { version, cipher, ..TlsAgreementRecord::default() });
    }
    compared((&old, &new), Basis::Relative, &[], |found| {
        assert!(found.notes.contains(&"the scenario 'sequential' is in OLD only".to_owned()));
        let body = "gin sends another body in NEW than in OLD";
        assert!(found.notes.contains(&body.to_owned()), "{:?}", found.notes);
        let tls = "gin speaks no TLS in OLD, TLS 1.3, TLS_A in NEW";
        assert!(found.notes.contains(&tls.to_owned()), "{:?}", found.notes);
        assert!(found.changes.iter().all(|change| change.metric.scenario != Some("sequential")));
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

/// Changes every saturation trial of a contender.
fn each(record: &mut Record, contender: &str, change: impl Fn(&mut TrialRecord)) {
    for visit in record.visits.iter_mut().filter(|visit| visit.entry == contender) {
        change(&mut visit.trials[1]);
    }
}

/// The load engine used nearly all of its cores.
fn limited(trial: &mut TrialRecord) {
    trial.engine_cpu_ns = 1_900_000_000;
}

fn too_noisy(record: &mut Record) {
    for visit in &mut record.visits {
        visit.disturbance.foreign_cpu_share = Some(0.5);
    }
}

fn change_of(found: &Difference<'_>, metric: &str) -> Value {
    let json: Value = serde_json::from_str(&difference(found, Format::Json, WIDE)).unwrap();
    let mut changes = json["changes"].as_array().unwrap().iter();
    let wanted = |change: &&Value| change["contender"] == "gin" && change["metric"] == metric;
    changes.find(wanted).cloned().unwrap_or(Value::Null)
}

/// Gives a contender's saturation another rate in each round.
fn each_round(record: &mut Record, entry: &str, rate: impl Fn(usize) -> f64) {
    for visit in record.visits.iter_mut().filter(|visit| visit.entry == entry) {
        visit.trials[1] = trial("saturation", rate(visit.round), 32.0);
    }
}

#[test]
fn a_bound_has_only_the_verdict_that_it_supports() {
    let (slow, fast) = (record_at(7, 16_000.0, 2_000.0), record_at(7, 24_000.0, 2_000.0));
    let limited = |mut record: Record| {
        each(&mut record, "gin", limited);
        record
    };
    let cases = [
        (slow.clone(), limited(fast.clone()), Some("better"), "at-least"),
        (fast.clone(), limited(slow.clone()), None, "at-least"),
        (limited(fast.clone()), slow.clone(), Some("worse"), "at-most"),
        (limited(slow), fast, None, "at-most"),
    ];
    for (old, new, verdict, bound) in cases {
        for basis in [Basis::Absolute, Basis::Relative] {
            compared((&old, &new), basis, &[RATE], |found| {
                let change = change_of(found, RATE);
                assert_eq!(change["verdict"].as_str(), verdict);
                assert_eq!(change["bound"], bound);
                let (known, unknown) =
                    if bound == "at-least" { ("low", "high") } else { ("high", "low") };
                assert!(change[known].is_f64() && change[unknown].is_null(), "{change}");
                assert_eq!(found.is_worse(), verdict == Some("worse"));
                let text = difference(found, Format::Text, WIDE);
                let row = text.lines().find(|line| line.trim_start().starts_with(RATE)).unwrap();
                let symbol = if bound == "at-least" { ">=" } else { "<=" };
                assert!(row.contains(symbol), "{row}");
                assert_eq!(row.contains("not judged"), verdict.is_none(), "{row}");
            });
        }
    }
}

#[test]
fn where_both_sides_are_bounds_there_is_no_ratio() {
    let (mut old, mut new) = (record(7), record_at(7, 16_000.0, 2_000.0));
    for record in [&mut old, &mut new] {
        each(record, "flask", limited);
    }
    compared((&old, &new), Basis::Relative, &[RATE], |found| {
        let change = change_of(found, RATE);
        assert_eq!(change["withheld"], "client-limited");
        assert_eq!((&change["ratio"], &change["verdict"]), (&Value::Null, &Value::Null));
        assert!(!found.is_worse());
        let text = difference(found, Format::Text, WIDE);
        let row = text.lines().find(|line| line.trim_start().starts_with(RATE)).unwrap();
        assert!(row.contains(" - "), "{row}");
    });
    // The baseline is not in the values themselves.
    compared((&old, &new), Basis::Absolute, &[RATE], |found| {
        assert_eq!(verdict(found, "gin", RATE), "worse");
    });
}

#[test]
fn one_failed_request_is_enough_to_be_worse_and_none_where_both_had_some() {
    let (old, mut new) = (record(8), record(8));
    let fails = |record: &mut Record, contender: &str| {
        let mut visits = record.visits.iter_mut();
        let visit = visits.find(|visit| visit.entry == contender).unwrap();
        visit.trials[1].errors.insert("timeout".to_owned(), 1);
    };
    fails(&mut new, "gin");
    compared((&old, &new), Basis::Relative, &[], |found| {
        assert!(found.lost.contains(&("gin", RATE.into())), "{:?}", found.lost);
        assert_eq!(change_of(found, RATE), Value::Null, "it is not judged besides");
    });
    compared((&new, &new), Basis::Relative, &[], |found| {
        assert_eq!(change_of(found, RATE)["withheld"], "errors");
        assert!(!found.is_worse(), "{:?}", found.lost);
    });
    let mut baseline = record(8);
    fails(&mut baseline, "flask");
    compared((&old, &baseline), Basis::Relative, &[], |found| {
        assert_eq!(change_of(found, RATE)["withheld"], "errors");
        assert!(found.lost.iter().all(|(contender, _)| *contender == "flask"), "{:?}", found.lost);
    });
}

#[test]
fn a_measurement_that_went_wrong_says_nothing_of_the_contender() {
    let (old, mut new) = (record(7), record(7));
    each(&mut new, "gin", |trial| trial.idle_ns = Some(32 * trial.elapsed_ns));
    let p99 = "saturation.response_time_us.p99";
    compared((&old, &new), Basis::Relative, &[p99], |found| {
        let expected = ("gin", p99.into(), "littles-law");
        assert_eq!(found.not_told, [expected]);
        assert!(!found.is_worse());
        let text = difference(found, Format::Text, WIDE);
        assert!(text.contains("No change shown in 1 metric,"), "{text}");
        assert!(text.contains(&format!("not judged: gin's {p99} (littles-law)")), "{text}");
    });
}

/// In open loop a server that no longer keeps up is worse, unless the machine was too noisy.
#[test]
fn a_rate_that_is_no_longer_reached_is_worse_on_a_quiet_machine() {
    let mut old = record(7);
    old.suite.scenarios[1].rate_per_second = Some(20_000.0);
    let mut new = old.clone();
    each(&mut new, "gin", |trial| trial.in_flight = trial.requests);
    let p99 = "saturation.response_time_us.p99";
    compared((&old, &new), Basis::Absolute, &[], |found| {
        assert!(found.lost.contains(&("gin", p99.into())), "{:?}", found.lost);
    });
    too_noisy(&mut new);
    compared((&old, &new), Basis::Absolute, &[], |found| {
        assert!(found.not_told.contains(&("gin", p99.into(), "disturbed")));
        assert!(!found.is_worse(), "{:?}", found.lost);
    });
}

#[test]
fn a_run_that_was_too_noisy_has_no_verdict_on_either_side() {
    let (quiet, slower) = (record(7), record_at(7, 10_000.0, 2_000.0));
    let (mut noisy, mut noisy_slower) = (quiet.clone(), slower.clone());
    too_noisy(&mut noisy);
    too_noisy(&mut noisy_slower);
    for (old, new, name) in [(&noisy, &slower, "OLD"), (&quiet, &noisy_slower, "NEW")] {
        compared((old, new), Basis::Relative, &[], |found| {
            assert_eq!(verdict(found, "gin", RATE), "too noisy");
            assert!(!found.is_worse());
            let note = format!("{name}: too noisy to compare");
            assert!(found.notes.iter().any(|it| it.starts_with(&note)), "{:?}", found.notes);
        });
    }
}

#[test]
fn how_fast_the_load_engine_was_is_no_reason_not_to_compare() {
    let (old, mut new) = (record(7), record(7));
    let disturbance = Disturbance::default();
    new.suite.scenarios[1].set_ceiling(vec![CeilingAttempt { rate_per_second: 9e4, disturbance }]);
    compared((&old, &new), Basis::Relative, &[], |found| {
        assert_eq!(found.reasons, Vec::<String>::new());
    });
}

/// `jigger ab` of a record whose head is gin and whose base is flask.
fn revised<T>(record: &Record, metric: &str, look: impl FnOnce(&Compared<'_>) -> T) -> T {
    let analysis = Analysis::of(record);
    look(&Compared::of(&analysis, &|found| found == metric))
}

#[test]
fn two_revisions_are_held_to_the_same_gates() {
    let worse = record_at(8, 1_600.0, 2_000.0);
    let word = |record: &Record| {
        revised(record, RATE, |found| {
            let change = found.changes.iter().find(|change| change.metric == RATE);
            (change.map_or("lost", Change::word), found.is_missed(false))
        })
    };
    assert_eq!(word(&worse), ("worse", true));
    let changed = |change: &dyn Fn(&mut Record)| {
        let mut record = worse.clone();
        change(&mut record);
        word(&record)
    };
    assert_eq!(changed(&|record| each(record, "gin", limited)), ("not judged", false));
    assert_eq!(changed(&|record| each(record, "flask", limited)), ("worse", true));
    assert_eq!(changed(&too_noisy), ("too noisy", false));
    let fails = |trial: &mut TrialRecord| {
        trial.errors.insert("timeout".to_owned(), 1);
    };
    let once = |contender: &'static str| {
        move |record: &mut Record| {
            let mut visits = record.visits.iter_mut();
            fails(&mut visits.find(|visit| visit.entry == contender).unwrap().trials[1]);
        }
    };
    assert_eq!(changed(&once("gin")), ("lost", true));
    assert_eq!(changed(&once("flask")), ("not judged", false));
}

/// What `jigger ab` looks for: something is worse, or all that counts is decided.
#[test]
fn two_revisions_are_settled_when_the_verdict_is_known() {
    let settled = |record: &Record| revised(record, RATE, |found| found.is_settled());
    assert!(settled(&record_at(8, 1_600.0, 2_000.0)), "worse");
    assert!(settled(&record_at(8, 2_000.0, 2_000.0)), "the same");
    assert!(!settled(&record_at(2, 1_600.0, 2_000.0)), "two rounds have no interval");
    let mut open = record(8);
    each_round(&mut open, "gin", |round| if round % 2 == 0 { 2_000.0 } else { 2_300.0 });
    assert!(!settled(&open));
    each(&mut open, "gin", limited);
    assert!(settled(&open), "more rounds would not tell more of a bound");
}

#[test]
fn a_heads_times_that_cannot_be_told_are_not_worse() {
    let mut record = record(7);
    each(&mut record, "gin", |trial| trial.idle_ns = Some(32 * trial.elapsed_ns));
    let p99 = "saturation.response_time_us.p99";
    revised(&record, p99, |found| {
        assert_eq!(found.not_told, [(p99.into(), "littles-law")]);
        assert!(!found.is_missed(false));
        let found = Revisions { base: "a", head: "b", compared: std::slice::from_ref(found) };
        let text = revisions(&found, Format::Text, WIDE);
        assert!(text.contains(&format!("not judged: {p99} (littles-law)")), "{text}");
    });
}

#[test]
fn the_json_of_both_is_as_its_schema_says() {
    let is_as_in = |schema: Schema, text: &str| {
        let value: Value = serde_json::from_str(text).unwrap();
        jsonschema::is_valid(&schema.value(), &value)
    };
    let (old, new) = (record(7), record_at(7, 16_000.0, 2_000.0));
    compared((&old, &new), Basis::Relative, &[], |found| {
        let text = difference(found, Format::Json, WIDE);
        assert!(is_as_in(Schema::Diff, &text), "{text}");
        assert!(!is_as_in(Schema::Ab, &text));
    });
    revised(&new, RATE, |run| {
        let found = Revisions { base: "a", head: "b", compared: std::slice::from_ref(run) };
        let text = revisions(&found, Format::Json, WIDE);
        assert!(is_as_in(Schema::Ab, &text), "{text}");
        let spoilt = text.replace("\"counts\": true", "\"counts\": \"yes\"");
        assert!(!is_as_in(Schema::Ab, &spoilt));
    });
}
