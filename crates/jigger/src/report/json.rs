//! The report as JSON, version 2: the shape that programs read.

use jigger_stats::Verdict;
use serde_json::{Map, Value, json};

use crate::analysis::{
    Analysis, Comparison, ContenderResult, Metric, Ranked, ThresholdResult, response_times,
};
use crate::record::encode_histogram;

/// The version of the JSON shapes below.
const VERSION: u32 = 2;

/// The whole report.
pub fn render(analysis: &Analysis<'_>) -> String {
    let record = analysis.record;
    let value = json!({
        "version": VERSION,
        "suite": record.suite.name,
        "seed": record.seed,
        "rounds": analysis.rounds,
        "rounds_begun": analysis.quiet.attempts,
        "rounds_repeated": analysis.quiet.repeated,
        "rounds_disturbed_and_used": analysis.quiet.used,
        "too_noisy": analysis.quiet.is_too_noisy(),
        "confounders": analysis.confounders,
        "ended": record.ended,
        "baseline": record.suite.baseline,
        "host": record.host,
        "placement": record.placement,
        "driver": driver(analysis),
        "contenders": analysis.contenders.iter().map(|found| contender(analysis, found)).collect::<Vec<_>>(),
        "calibrations": record.calibrations,
        "level": analysis.level,
        "comparisons": analysis.comparisons.iter().map(comparison).collect::<Vec<_>>(),
        "pairs": analysis.pairs.iter().map(comparison).collect::<Vec<_>>(),
        "ranking": ranking(analysis),
        "placebo": analysis.placebo.iter().map(comparison).collect::<Vec<_>>(),
        "thresholds": analysis.thresholds.iter().map(threshold).collect::<Vec<_>>(),
        "containers": analysis.containers.iter().map(comparison).collect::<Vec<_>>(),
    });
    pretty(&value)
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

fn driver(analysis: &Analysis<'_>) -> Option<String> {
    let mut trials = analysis.record.visits.iter().flat_map(|visit| &visit.trials);
    trials.next().map(|trial| trial.driver.clone())
}

fn contender(analysis: &Analysis<'_>, result: &ContenderResult<'_>) -> Value {
    let metrics: Map<String, Value> =
        result.metrics.iter().map(|found| (found.name.clone(), metric(found))).collect();
    let gates: Vec<Value> = result
        .gates
        .iter()
        .map(|gate| {
            json!({
                "code": gate.code, "metric": gate.scenario, "detail": gate.detail,
                "remedy": gate.remedy,
            })
        })
        .collect();
    json!({
        "name": result.record.name,
        "status": result.record.status,
        "reason": result.record.reason,
        "image_reason": result.record.image_reason,
        "image": result.record.image,
        "artifact": result.record.artifact,
        "container": result.record.container,
        "metrics": metrics,
        "limits": result.limits,
        "histograms": histograms(analysis, &result.record.name),
        "confounders": result.confounders,
        "gates": gates,
    })
}

/// By scenario. They can be added to those of other runs, which percentiles cannot.
fn histograms(analysis: &Analysis<'_>, contender: &str) -> Map<String, Value> {
    let scenarios = analysis.record.suite.scenarios.iter();
    let found = scenarios.filter_map(|scenario| {
        let times = response_times(analysis.record, contender, &scenario.name)?;
        Some((scenario.name.clone(), encode_histogram(&times).into()))
    });
    found.collect()
}

/// By scenario, best first. A rank that several share says that they are not told apart.
fn ranking(analysis: &Analysis<'_>) -> Map<String, Value> {
    let scenarios = analysis.record.suite.scenarios.iter();
    let ranked = |scenario| -> Vec<Value> {
        let place = |found: &Ranked<'_>| json!({ "contender": found.contender.record.name, "rank": found.rank });
        analysis.ranking(scenario).iter().map(place).collect()
    };
    scenarios.map(|scenario| (scenario.name.clone(), ranked(scenario).into())).collect()
}

fn metric(metric: &Metric) -> Value {
    json!({
        "unit": metric.unit,
        "estimate": metric.estimate,
        "low": metric.low,
        "high": metric.high,
        "rounds": metric.rounds,
        "entries": metric.entries,
        "bound": metric.bound,
    })
}

fn comparison(comparison: &Comparison) -> Value {
    let shown = |value: f64| comparison.withheld.is_none().then_some(value);
    json!({
        "metric": comparison.metric,
        "contender": comparison.contender,
        "baseline": comparison.baseline,
        "ratio": shown(comparison.ratio),
        "low": comparison.low.and_then(shown),
        "high": comparison.high.and_then(shown),
        "rounds": comparison.rounds,
        "largest_difference": comparison.largest_difference.and_then(shown),
        "headline": comparison.is_headline,
        "verdict": comparison.verdict.map(verdict),
        "p_adjusted": comparison.p_adjusted,
        "bound": comparison.bound,
        "withheld": comparison.withheld,
    })
}

/// A threshold with its outcome.
pub fn threshold(result: &ThresholdResult) -> Value {
    let threshold = &result.threshold;
    json!({
        "metric": threshold.metric,
        "contender": threshold.contender,
        "bound": threshold.bound,
        "limit": threshold.limit,
        "relative_to": threshold.relative_to,
        "value": result.value,
        "low": result.low,
        "high": result.high,
        "outcome": result.outcome.name(),
    })
}

/// Only headline metrics have one, and all of them are speeds.
fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Same => "same",
        Verdict::Better => "faster",
        Verdict::Worse => "slower",
        Verdict::ProbablyBetter => "probably-faster",
        Verdict::ProbablyWorse => "probably-slower",
        Verdict::NotShown => "no-difference-shown",
    }
}
