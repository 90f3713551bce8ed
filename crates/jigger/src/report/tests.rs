//! What is printed, from records made by hand: every number here was chosen.

pub mod drawn;
mod verdicts;

use jigger_stats::Verdict;

use super::{Format, Look, Tone, render_as};
use crate::analysis::Analysis;
use crate::caveat::Code;
use crate::disturbance::Disturbance;
use crate::host::Placement;
use crate::record::{
    BoundRecord, CeilingAttempt, Record, ScenarioRecord, Status, ThresholdRecord, VisitRecord,
};
use drawn::{contender, record, trial, visit};

/// Wide, so that no sentence is broken where a test looks for it.
fn render(analysis: &Analysis<'_>, format: Format, color: bool) -> String {
    render_as(analysis, format, Look { color, width: 400, has_details: true })
}

/// A record with long names, long reasons and something to warn of at every place.
fn troubled() -> Record {
    let mut record = record(7);
    let long = "a-contender-with-quite-a-long-name";
    for visit in record.visits.iter_mut().filter(|visit| visit.entry == "gin") {
        visit.entry = long.to_owned();
        visit.steady = visit.round > 2;
        visit.trials[1].engine_cpu_ns = 1_900_000_000;
    }
    record.contenders[0].name = long.to_owned();
    record.contenders[2].reason = Some(
        "'go build -trimpath -ldflags=-s -o app .' ended with exit code 1; its last lines:\n\
         main.go:12:2: no required module provides package github.com/gin-gonic/gin; to add it:\n\
         \tgo get github.com/gin-gonic/gin"
            .to_owned(),
    );
    record
}

#[test]
fn the_terminal_report_fits_its_columns() {
    for width in [80, 120] {
        for (name, record) in [("plain", record(7)), ("troubled", troubled())] {
            for (kind, has_details) in [("", true), ("glance_", false)] {
                let look = Look { color: false, width, has_details };
                let text = render_as(&Analysis::of(&record), Format::Text, look);
                for line in text.lines() {
                    let columns = line.chars().count();
                    assert!(columns <= width, "{columns} columns: {line}");
                }
                insta::assert_snapshot!(format!("terminal_{kind}{name}_{width}"), text);
            }
        }
    }
}

#[test]
fn colours_say_what_the_words_say() {
    let record = record(7);
    let analysis = Analysis::of(&record);
    let text =
        render_as(&analysis, Format::Text, Look { color: true, width: 80, has_details: true });
    insta::assert_snapshot!("terminal_colored", text.replace('\u{1b}', "^"));
    let codes = regex::Regex::new("\u{1b}\\[[0-9;]*m").unwrap();
    let details = Look { has_details: true, ..Look::default() };
    let plain = render_as(&analysis, Format::Text, details);
    assert_eq!(codes.replace_all(&text, ""), plain);
}

#[test]
fn the_faster_one_is_the_subject() {
    let mut record = record(7);
    record.suite.baseline = "gin".to_owned();
    let text = render(&Analysis::of(&record), Format::Text, false);
    let sentence =
        "saturation: gin served 10.0 times as many requests per second as flask, at least 10.0";
    assert!(text.contains(sentence), "{text}");
}

#[test]
fn no_difference_is_called_the_same() {
    let mut record = record(7);
    let gin = |visit: &VisitRecord| visit.entry == "gin";
    let trials: Vec<_> =
        record.visits.iter().filter(|v| gin(v)).map(|v| v.trials.clone()).collect();
    let flask = record.visits.iter_mut().filter(|visit| visit.entry == "flask");
    flask.zip(trials).for_each(|(visit, trials)| visit.trials = trials);
    let text = render(&Analysis::of(&record), Format::Text, false);
    let sentence = "saturation: gin and flask are the same within 2.0 %: 1.000x (1.000 to 1.0";
    assert!(text.contains(sentence), "{text}");
}

#[test]
fn the_markdown_report() {
    insta::assert_snapshot!("markdown", render(&Analysis::of(&record(7)), Format::Markdown, false));
}

#[test]
fn two_rounds_have_figures_and_no_interval() {
    let record = record(2);
    let text = render(&Analysis::of(&record), Format::Text, false);
    assert!(text.contains("2 rounds: too few for an interval; 3 are needed"), "{text}");
    assert!(!text.contains("times as many"), "no sentence without its interval: {text}");
    assert!(text.contains(" 10.0x "), "{text}");
}

#[test]
fn the_json_report_has_the_documented_shape() {
    let record = record(7);
    let text = render(&Analysis::of(&record), Format::Json, false);
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let comparison = &value["comparisons"].as_array().unwrap().iter().find(|comparison| {
        comparison["metric"] == "saturation.requests_per_second" && comparison["contender"] == "gin"
    });
    let comparison = comparison.unwrap();
    assert!((comparison["ratio"].as_f64().unwrap() - 10.0).abs() < 1e-6);
    assert_eq!(comparison["verdict"], "faster");
    let metric = &value["contenders"][0]["metrics"]["saturation.requests_per_second"];
    assert_eq!(metric["unit"], "1/s");
    assert_eq!(metric["rounds"].as_array().unwrap().len(), 7);
    assert_eq!(value["contenders"][2]["status"], "skipped");
    assert_eq!(value["contenders"][1]["confounders"][0]["code"], "connection-close");
}

#[test]
fn errors_leave_no_ratio() {
    let mut record = record(7);
    for visit in record.visits.iter_mut().filter(|visit| visit.entry == "gin") {
        visit.trials[1].errors.insert("timeout".to_owned(), 3);
    }
    let text = render(&Analysis::of(&record), Format::Text, false);
    assert!(text.contains("errors: gin (saturation): 21 timeout"), "{text}");
    assert!(!text.contains("saturation: gin answered"), "{text}");
}

#[test]
fn responses_after_a_trial_share_its_cpu_time() {
    let cpu_us = |after: fn(u64) -> u64| {
        let mut record = record(7);
        let trials = record.visits.iter_mut().flat_map(|visit| &mut visit.trials);
        trials.for_each(|trial| trial.heard_out = after(trial.requests));
        let analysis = Analysis::of(&record);
        analysis
            .contender("gin")
            .unwrap()
            .summary("saturation.cpu_us_per_request")
            .unwrap()
            .estimate
    };
    assert!((cpu_us(|_| 0) / cpu_us(|requests| requests) - 2.0).abs() < 1e-9);
}

#[test]
fn a_busy_engine_makes_a_lower_bound() {
    let mut record = record(7);
    for visit in record.visits.iter_mut().filter(|visit| visit.entry == "gin") {
        visit.trials[1].engine_cpu_ns = 1_900_000_000;
    }
    let text = render(&Analysis::of(&record), Format::Text, false);
    assert!(text.contains(">= 20,596"), "{text}");
    assert!(text.contains("served at least 10.0 times"), "{text}");
}

#[test]
fn a_gate_touches_its_scenario_and_none_with_a_longer_name() {
    let mut record = record(7);
    record.suite.scenarios[0].name = "saturation-too".to_owned();
    for visit in &mut record.visits {
        visit.trials[0].scenario = "saturation-too".to_owned();
        visit.trials[1].engine_cpu_ns = 1_900_000_000;
    }
    let analysis = Analysis::of(&record);
    let gin = analysis.contender("gin").unwrap();
    assert!(gin.has_gate(Code::ClientLimited, "saturation.requests_per_second".into()));
    assert!(!gin.has_gate(Code::ClientLimited, "saturation-too.requests_per_second".into()));
}

pub fn threshold(
    metric: &str,
    bound: BoundRecord,
    limit: f64,
    other: Option<&str>,
) -> ThresholdRecord {
    ThresholdRecord {
        metric: metric.to_owned(),
        contender: "gin".to_owned(),
        bound,
        limit,
        relative_to: other.map(str::to_owned),
        text: other.map_or_else(|| limit.to_string(), |other| format!("{limit} x {other}")),
    }
}

fn record_with_thresholds(rounds: usize) -> Record {
    let mut record = record(rounds);
    let rate = "saturation.requests_per_second";
    record.suite.thresholds = vec![
        threshold(rate, BoundRecord::AtLeast, 2.0, Some("flask")),
        threshold(rate, BoundRecord::AtMost, 9.0, Some("flask")),
        threshold(rate, BoundRecord::AtLeast, 20_500.0, None),
        threshold("saturation.response_time_us.p99_9", BoundRecord::AtMost, 20_000.0, None),
        threshold("image_unpacked_bytes", BoundRecord::AtMost, 12e6, None),
    ];
    record
}

#[test]
fn thresholds_are_held_against_intervals() {
    let record = record_with_thresholds(7);
    let analysis = Analysis::of(&record);
    let outcomes: Vec<&str> = analysis.thresholds.iter().map(|r| r.outcome.name()).collect();
    assert_eq!(outcomes, ["holds", "fails", "not settled", "not measured", "holds"]);
    for width in [80, 120] {
        let text =
            render_as(&analysis, Format::Text, Look { color: false, width, has_details: true });
        assert!(text.lines().all(|line| line.chars().count() <= width), "{text}");
        let (_, lines) = text.split_once("\nthresholds\n").unwrap();
        insta::assert_snapshot!(format!("thresholds_{width}"), lines.split("\n\n").next().unwrap());
        for threshold in &record.suite.thresholds {
            assert!(lines.split_whitespace().any(|word| word == threshold.metric), "{lines}");
        }
    }
    let page = render(&analysis, Format::Html, false);
    assert!(page.contains("at least 2 x flask") && page.contains("not settled"), "{page}");
    assert!(render(&analysis, Format::Markdown, false).contains("| at most 9 x flask |"));
    let csv = render(&analysis, Format::Csv, false);
    assert!(csv.contains("gin,saturation.requests_per_second at least 2 x flask,kept,,1"), "{csv}");
    let json: serde_json::Value =
        serde_json::from_str(&render(&analysis, Format::Json, false)).unwrap();
    assert_eq!(json["thresholds"][1]["outcome"], "fails");
    assert_eq!(json["thresholds"][1]["relative_to"], "flask");
}

/// Without an interval nothing is settled but what a run has exactly, such as an image's size.
#[test]
fn too_few_rounds_settle_no_threshold() {
    let record = record_with_thresholds(2);
    let analysis = Analysis::of(&record);
    let outcomes: Vec<&str> = analysis.thresholds.iter().map(|r| r.outcome.name()).collect();
    assert_eq!(outcomes, ["not settled", "not settled", "not settled", "not measured", "holds"]);
    assert!(analysis.misses_thresholds(false), "one was not measured");
}

#[test]
fn a_lower_bound_neither_fails_a_floor_nor_keeps_a_ceiling() {
    let mut record = record_with_thresholds(7);
    record.suite.thresholds[2].limit = 30_000.0;
    for visit in record.visits.iter_mut().filter(|visit| visit.entry == "gin") {
        visit.trials[1].engine_cpu_ns = 1_900_000_000;
    }
    let analysis = Analysis::of(&record);
    let outcomes: Vec<&str> = analysis.thresholds.iter().map(|r| r.outcome.name()).collect();
    assert_eq!(outcomes[..3], ["holds", "fails", "not settled"]);
}

/// The outcomes of the first two thresholds, which are ratios, and of one on p99.
fn outcomes_when(change: impl FnOnce(&mut Record)) -> [&'static str; 4] {
    let mut record = record_with_thresholds(8);
    record.suite.thresholds[2] =
        threshold("saturation.response_time_us.p99", BoundRecord::AtMost, 1_000.0, None);
    record.suite.thresholds.swap(3, 4);
    change(&mut record);
    let analysis = Analysis::of(&record);
    let outcomes: Vec<&str> = analysis.thresholds.iter().map(|r| r.outcome.name()).collect();
    outcomes[..4].try_into().unwrap()
}

#[test]
fn thresholds_are_held_to_the_same_gates_as_verdicts() {
    assert_eq!(outcomes_when(|_| {}), ["holds", "fails", "fails", "holds"]);
    let open = "not settled";
    // A time is at most what was found, so it cannot be shown to be too long.
    assert_eq!(outcomes_when(|it| limit_engine(it, "gin")), ["holds", "fails", open, "holds"]);
    let both =
        |record: &mut Record| ["gin", "flask"].iter().for_each(|it| limit_engine(record, it));
    assert_eq!(outcomes_when(both), [open, open, open, "holds"]);
    let fails = |record: &mut Record| {
        record.visits[1].trials[1].errors.insert("timeout".to_owned(), 1);
    };
    let none = "not measured";
    assert_eq!(outcomes_when(fails), [none, none, "fails", "holds"]);
    let noisy = |record: &mut Record| {
        record.visits.iter_mut().for_each(|it| it.disturbance.foreign_cpu_share = Some(0.5));
    };
    assert_eq!(outcomes_when(noisy), [open, open, open, "holds"]);
}

#[test]
fn a_container_is_held_to_the_same_gates() {
    let mut record = record(7);
    record.contenders[0].container = Some(
        serde_json::from_value(serde_json::json!({
            "of": "flask", "image": "i", "network": "host", "cpus": null, "memory_bytes": null,
            "engine": "docker"
        }))
        .unwrap(),
    );
    let said = |record: &Record| {
        let text = render(&Analysis::of(record), Format::Text, false);
        text.lines().find(|line| line.contains("rate of saturation")).map(str::to_owned)
    };
    assert!(said(&record).unwrap().contains(" is 10.0x"), "{:?}", said(&record));
    limit_engine(&mut record, "gin");
    assert!(said(&record).unwrap().contains(" is at least 10.0x"), "{:?}", said(&record));
    limit_engine(&mut record, "flask");
    assert_eq!(said(&record), None);
}

/// Every format of a report, for what must be the same in all of them.
fn in_all_formats(record: &Record) -> [String; 5] {
    let analysis = Analysis::of(record);
    [Format::Text, Format::Markdown, Format::Html, Format::Csv, Format::Json]
        .map(|format| render(&analysis, format, false))
}

fn comparison<'a>(report: &'a serde_json::Value, metric: &str) -> &'a serde_json::Value {
    let comparisons = report["comparisons"].as_array().unwrap();
    comparisons.iter().find(|c| c["metric"] == metric && c["contender"] == "gin").unwrap()
}

fn limit_engine(record: &mut Record, entry: &str) {
    for visit in record.visits.iter_mut().filter(|visit| visit.entry == entry) {
        visit.trials[1].engine_cpu_ns = 1_900_000_000;
    }
}

#[test]
fn a_limited_engine_bounds_figure_and_ratio_in_all_formats() {
    let mut record = record(7);
    limit_engine(&mut record, "gin");
    let [text, markdown, html, csv, json] = in_all_formats(&record);
    assert!(text.contains(">= 20,596") && text.contains(">= 10.0x"), "{text}");
    assert!(markdown.contains("| >= 20,596 |") && markdown.contains(">= 10.0x |"), "{markdown}");
    assert!(html.contains("\u{2265} 20,596"), "{html}");
    assert!(csv.contains("gin,saturation.requests_per_second,1/s,1,20000,>=,client-cpu"), "{csv}");
    assert!(csv.contains("gin,sequential.requests_per_second,1/s,1,2000,,connections\n"), "{csv}");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let rate = comparison(&json, "saturation.requests_per_second");
    assert_eq!((&rate["bound"], &rate["verdict"]), (&"at-least".into(), &"faster".into()));
    let null = &serde_json::Value::Null;
    assert_eq!(&rate["high"], null, "a lower bound has no upper end");
    let time = comparison(&json, "saturation.response_time_us.mean");
    assert_eq!((&time["bound"], &time["verdict"]), (&"at-most".into(), null));
    let metrics = &json["contenders"][0]["metrics"];
    assert_eq!(metrics["saturation.requests_per_second"]["bound"], "at-least");
    assert_eq!(metrics["saturation.cpu_us_per_request"]["bound"], serde_json::Value::Null);
}

/// The slower one as the limited one: it may be faster than the baseline in truth.
#[test]
fn a_bound_supports_no_verdict_on_its_other_side() {
    let mut record = record(7);
    record.suite.baseline = "gin".to_owned();
    limit_engine(&mut record, "flask");
    let text = render(&Analysis::of(&record), Format::Text, false);
    assert!(text.contains(" >= 0.10x "), "{text}");
    assert!(!text.contains("saturation: gin answered"), "{text}");
    let mut record = self::record(7);
    limit_engine(&mut record, "flask");
    let text = render(&Analysis::of(&record), Format::Text, false);
    assert!(text.contains(" <= 10.0x "), "{text}");
    assert!(!text.contains("saturation: gin answered"), "{text}");
}

#[test]
fn with_both_limited_there_is_no_ratio() {
    let mut record = record(7);
    limit_engine(&mut record, "gin");
    limit_engine(&mut record, "flask");
    let [text, _, _, _, json] = in_all_formats(&record);
    assert!(!text.contains("saturation: gin answered"), "{text}");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let rate = comparison(&json, "saturation.requests_per_second");
    assert_eq!(rate["withheld"], "client-limited");
    assert_eq!(rate["ratio"], serde_json::Value::Null);
}

#[test]
fn a_rate_near_the_ceiling_is_a_bound_too() {
    let mut record = record(7);
    record.suite.scenarios[1].ceiling_per_second = Some(28_000.0);
    let text = render(&Analysis::of(&record), Format::Text, false);
    assert!(text.contains(">= 20,596"), "{text}");
    assert!(text.contains("74 % of the load generator's maximum on this machine"), "{text}");
    record.suite.scenarios[1].ceiling_per_second = Some(40_000.0);
    let text = render(&Analysis::of(&record), Format::Text, false);
    assert!(!text.contains("client-limited"), "{text}");
}

#[test]
fn the_highest_attempt_is_the_ceiling_and_a_disturbed_one_is_said_to_be() {
    let attempt = |rate_per_second, steal_share| CeilingAttempt {
        rate_per_second,
        disturbance: Disturbance { steal_share, ..Disturbance::default() },
    };
    let text_with = |attempts| {
        let mut record = record(7);
        record.suite.scenarios[1].set_ceiling(attempts);
        render(&Analysis::of(&record), Format::Text, false)
    };
    let lowered = text_with(vec![attempt(24_000.0, 0.3), attempt(22_000.0, 0.4)]);
    let said = "86 % of the load generator's maximum on this machine (a disturbed ceiling, perhaps too low)";
    assert!(lowered.contains(said), "{lowered}");
    let quiet = text_with(vec![attempt(24_000.0, 0.3), attempt(28_000.0, 0.0)]);
    assert!(quiet.contains("74 % of the load generator's maximum on this machine:"), "{quiet}");
    let high = text_with(vec![attempt(40_000.0, 0.3), attempt(24_000.0, 0.0)]);
    assert!(!high.contains("client-limited"), "{high}");
}

/// The third contender has one scenario's figures in two of eight rounds.
#[test]
fn a_contender_with_too_few_rounds_is_left_out_and_the_others_are_judged() {
    let mut record = record(8);
    let rate = "saturation.requests_per_second";
    record.contenders[2] = contender("axum", Status::Measured, 3_000_000);
    for round in 0..8 {
        let mut visit = visit("axum", round, 40_000.0);
        if round < 6 {
            visit.trials.pop();
        }
        record.visits.push(visit);
    }
    let analysis = Analysis::of(&record);
    let gin = analysis.comparison(rate.into(), "gin").unwrap();
    assert_eq!((gin.verdict, gin.rounds), (Some(Verdict::Better), 8));
    assert!(gin.low.is_some() && gin.high.is_some());
    let axum = analysis.comparison(rate.into(), "axum").unwrap();
    assert_eq!((axum.verdict, axum.low, axum.high, axum.rounds), (None, None, None, 2));
    let elsewhere = analysis.comparison("sequential.requests_per_second".into(), "axum").unwrap();
    assert_eq!(elsewhere.verdict, Some(Verdict::Better));
    let note = "axum: too few rounds of saturation.requests_per_second (2) for an interval; 3 are \
                needed";
    assert_eq!(analysis.notes(), [note]);
    let image = analysis.comparison("image_unpacked_bytes".into(), "axum").unwrap();
    assert_eq!((image.verdict, image.low), (None, None));
}

#[test]
fn errors_leave_no_ratio_in_any_format() {
    let mut record = record(7);
    record.visits[0].trials[1].errors.insert("timeout".to_owned(), 3);
    let [text, markdown, html, csv, json] = in_all_formats(&record);
    let row = |text: &str, place: &str| {
        let table = text.split(place).nth(1).unwrap().to_owned();
        table.lines().find(|line| line.contains("gin")).unwrap().trim_end().to_owned()
    };
    assert!(row(&text, "\nsaturation:").contains(" - "), "{text}");
    assert!(row(&markdown, "### saturation").contains("| - |"), "{markdown}");
    assert!(!html.contains("Ratios to the baseline: saturation"), "{html}");
    assert!(csv.contains("gin,saturation.requests_per_second,1/s,1,,,connections\n"), "{csv}");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    for metric in ["saturation.requests_per_second", "saturation.cpu_us_per_request"] {
        let found = comparison(&json, metric);
        assert_eq!(found["withheld"], "errors");
        let null = &serde_json::Value::Null;
        assert_eq!([&found["ratio"], &found["low"], &found["high"]], [null; 3]);
        assert!(found["verdict"].is_null());
    }
}

#[test]
fn times_that_are_not_what_they_seem_are_not_shown() {
    let mut record = record(7);
    record.suite.scenarios[1].rate_per_second = Some(40_000.0);
    for trial in record.visits.iter_mut().map(|visit| &mut visit.trials[1]) {
        trial.in_flight = trial.requests;
    }
    let [text, _, _, csv, json] = in_all_formats(&record);
    assert!(text.contains("rate-not-reached: gin (saturation): 50.0 %"), "{text}");
    assert!(!csv.contains("saturation.response_time_us"), "{csv}");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let metrics = json["contenders"][0]["metrics"].as_object().unwrap();
    assert!(metrics.contains_key("saturation.requests_per_second"));
    assert!(!metrics.contains_key("saturation.response_time_us.p50"));

    let mut record = self::record(7);
    for visit in record.visits.iter_mut().filter(|visit| visit.entry == "gin") {
        visit.trials[1].requests = visit.trials[1].requests * 8 / 10;
    }
    let text = render(&Analysis::of(&record), Format::Text, false);
    assert!(text.contains("littles-law: gin (saturation)"), "{text}");
    insta::assert_snapshot!("littles_law", text);
    for visit in record.visits.iter_mut().filter(|visit| visit.entry == "gin") {
        // A fifth of the time the connections were being made again.
        visit.trials[1].idle_ns = Some(32 * visit.trials[1].elapsed_ns / 5);
    }
    let text = render(&Analysis::of(&record), Format::Text, false);
    assert!(!text.contains("littles-law"), "{text}");
}

#[test]
fn a_noisy_machine_gives_figures_and_no_verdict() {
    let mut record = record(7);
    for visit in record.visits.iter_mut().filter(|visit| visit.round < 3) {
        visit.disturbance.foreign_cpu_share = Some(0.4);
    }
    let [text, markdown, html, _, json] = in_all_formats(&record);
    insta::assert_snapshot!("too_noisy", text);
    for text in [text, markdown, html] {
        assert!(text.contains("too noisy to compare"), "{text}");
        assert!(!text.contains("times as many"), "{text}");
    }
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["too_noisy"], true);
    let verdicts = json["comparisons"].as_array().unwrap().iter().map(|c| &c["verdict"]);
    for verdict in verdicts {
        assert!(verdict.is_null(), "{verdict}");
    }
}

#[test]
fn repeated_rounds_are_counted_and_not_used() {
    let mut record = record(7);
    let mut aside = record.visits.clone();
    aside.truncate(2);
    for visit in &mut aside {
        visit.repeated = true;
        visit.disturbance.steal_share = 0.2;
        visit.trials[1].requests *= 3;
    }
    let figures = render(&Analysis::of(&record), Format::Csv, false);
    record.visits[0].attempt = 1;
    record.visits[1].attempt = 1;
    record.visits.splice(0..0, aside);
    assert_eq!(render(&Analysis::of(&record), Format::Csv, false), figures);
    let text = render(&Analysis::of(&record), Format::Text, false);
    let note = "note: disturbed: of 8 rounds begun 1 were repeated (the first: steal 20.0 % > 5.0 % \
                in a visit of gin)";
    assert!(text.contains(note), "{text}");
}

#[test]
fn what_closing_costs_is_said_in_ratios() {
    let mut record = record(7);
    let fresh = ScenarioRecord {
        name: "saturation-fresh".to_owned(),
        fresh: true,
        fresh_for: Some("saturation".to_owned()),
        ..record.suite.scenarios[1].clone()
    };
    record.suite.scenarios.push(fresh);
    for visit in &mut record.visits {
        let rate = if visit.entry == "gin" { 8_000.0 } else { 2_000.0 };
        visit.trials.push(trial("saturation-fresh", rate, 32.0));
    }
    let text = render(&Analysis::of(&record), Format::Text, false);
    let sentence = "saturation: flask closes its connections: gin over flask is 10.0x (10.0 to 10.0) \
                    with keep-alive and 4.00x (4.00 to 4.00) with one connection per request for \
                    both.";
    assert!(text.contains(sentence), "{text}");
    let look = Look { color: false, width: 400, has_details: false };
    let glance = render_as(&Analysis::of(&record), Format::Text, look);
    let said = "(flask): closes the connection after each response; saturation with a new connection for each request: gin 4.00x (4.00-4.00)";
    assert!(glance.contains(said), "{glance}");
}

#[test]
fn the_whole_runs_confounders_stand_before_the_contenders() {
    let mut record = record(7);
    record.placement =
        Placement { client_cpus: vec![0], server_cpus: vec![0, 1], service_cpus: vec![] };
    record.host.smt_siblings = vec![vec![0, 1]];
    record.visits[0].evidence.as_mut().unwrap().refused_at = vec!["[::1]:8080".to_owned()];
    let [text, markdown, html, _, json] = in_all_formats(&record);
    for report in [text, markdown, html] {
        for code in ["shared-cores", "smt-siblings", "localhost-resolves-twice"] {
            assert!(report.contains(code), "{code}: {report}");
        }
    }
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["confounders"][0]["code"], "shared-cores");
    assert_eq!(json["confounders"][1]["touches"][1], "saturation");
}

#[test]
fn lines_fit_and_colours_take_no_room() {
    let look = Look { color: true, width: 12, has_details: true };
    let text = format!("{} two three", look.paint(Tone::Better, "one"));
    assert_eq!(look.wrapped(&text, "  "), "\u{1b}[1;32mone\u{1b}[0m two\n  three");
    assert_eq!(Look::default().paint(Tone::Better, "one"), "one");
}

#[test]
fn a_flag_is_never_parted() {
    let look = Look { color: false, width: 13, has_details: true };
    assert_eq!(look.wrapped("so use --no-images", ""), "so use\n--no-images");
}
