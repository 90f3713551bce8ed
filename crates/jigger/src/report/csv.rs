//! The report as CSV: one line for each contender, metric and round.

use std::collections::BTreeMap;

use csv::Writer;

use super::tables::promise;
use crate::analysis::{Analysis, Bound, Metric, Outcome, Unit, placebo_metrics};
use crate::plan::PLACEBO;
use crate::record::Limit;

/// The first line. Rounds count from 1; the field is empty for what is measured once a run. A
/// round without a value, such as one whose answers were wrong, has an empty `value`. `bound` is
/// `>=` or `<=` where the value is a bound only, `limit` what limited the contender in the metric's
/// scenario.
const HEADING: [&str; 7] = ["contender", "metric", "unit", "round", "value", "bound", "limit"];

/// Metrics that belong to a run and to none of its rounds.
const ONCE: [&str; 9] = [
    "startup_ms.min",
    "startup_ms.max",
    "startup_ms.p50",
    "startup_ms.p90",
    "build_seconds",
    "artifact_bytes",
    "image_unpacked_bytes",
    "image_transfer_bytes",
    "image_own_bytes",
];

/// Every value of every round. Figures have all their digits.
pub fn render(analysis: &Analysis<'_>) -> String {
    let mut writer = Writer::from_writer(Vec::new());
    write_line(&mut writer, HEADING);
    for contender in &analysis.contenders {
        write_metrics(&mut writer, &contender.record.name, &contender.metrics, &contender.limits);
    }
    write_metrics(&mut writer, PLACEBO, &placebo_metrics(analysis.record), &BTreeMap::new());
    write_thresholds(&mut writer, analysis);
    let bytes = writer.into_inner().expect("writing to memory cannot fail");
    String::from_utf8(bytes).expect("only whole strings were written")
}

fn write_metrics(
    writer: &mut Writer<Vec<u8>>,
    contender: &str,
    metrics: &[Metric],
    limits: &BTreeMap<String, Limit>,
) {
    for metric in metrics {
        let scenario = metric.name.split_once('.').map(|(scenario, _)| scenario);
        let limit = scenario.and_then(|scenario| limits.get(scenario)).map_or("", |it| it.code());
        for (round, value) in metric.rounds.iter().enumerate() {
            let is_once = ONCE.contains(&metric.name.as_str());
            let round = if is_once { String::new() } else { (round + 1).to_string() };
            let value = value.map_or_else(String::new, |value| value.to_string());
            let bound = metric.bound.map_or("", Bound::symbol);
            let unit = symbol(metric.unit);
            write_line(writer, [contender, &metric.name, unit, &round, &value, bound, limit]);
        }
    }
}

/// The unit `kept` stands for 1 when a threshold holds, 0 when it fails, nothing when it is open.
fn write_thresholds(writer: &mut Writer<Vec<u8>>, analysis: &Analysis<'_>) {
    for result in &analysis.thresholds {
        let kept = match result.outcome {
            Outcome::Holds => "1",
            Outcome::Fails => "0",
            Outcome::NotSettled | Outcome::NotMeasured => "",
        };
        let threshold = &result.threshold;
        let name = format!("{} {}", threshold.metric, promise(threshold));
        write_line(writer, [&threshold.contender, &name, "kept", "", kept, "", ""]);
    }
}

fn write_line(writer: &mut Writer<Vec<u8>>, fields: [&str; 7]) {
    writer.write_record(fields).expect("writing to memory cannot fail");
}

/// As in the JSON report.
fn symbol(unit: Unit) -> &'static str {
    match unit {
        Unit::PerSecond => "1/s",
        Unit::Seconds => "s",
        Unit::Milliseconds => "ms",
        Unit::Microseconds => "us",
        Unit::Bytes => "B",
    }
}
