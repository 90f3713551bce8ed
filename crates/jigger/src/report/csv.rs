//! The report as CSV: one line for each contender, metric and round.

use csv::Writer;

use super::tables::requirement;
use crate::analysis::{Analysis, ContenderResult, Outcome};
use crate::metric::Bound;
use crate::plan::PLACEBO;

/// The first line. Rounds count from 1; the field is empty for what is measured once a run. A
/// round without a value, such as one whose responses were wrong, has an empty `value`. `bound` is
/// `>=` or `<=` where the value is a bound only, `limit` what limited the contender in the metric's
/// scenario.
const HEADING: [&str; 7] = ["contender", "metric", "unit", "round", "value", "bound", "limit"];

/// Every value of every round. Figures have all their digits.
pub fn render(analysis: &Analysis<'_>) -> String {
    let mut writer = Writer::from_writer(Vec::new());
    write_line(&mut writer, HEADING);
    for contender in &analysis.contenders {
        write_metrics(&mut writer, &contender.record.name, contender, 0);
    }
    for contender in &analysis.contenders {
        write_metrics(&mut writer, PLACEBO, contender, 1);
    }
    write_thresholds(&mut writer, analysis);
    let bytes = writer.into_inner().expect("writing to memory cannot fail");
    String::from_utf8(bytes).expect("only whole strings were written")
}

/// The values of one of a contender's entries, where there is such an entry.
fn write_metrics(
    writer: &mut Writer<Vec<u8>>,
    name: &str,
    contender: &ContenderResult<'_>,
    entry: usize,
) {
    for summary in &contender.summaries {
        let limit = summary.metric.scenario.and_then(|scenario| contender.limits.get(scenario));
        let limit = limit.map_or("", |limit| limit.code());
        let bound = summary.bound.map_or("", Bound::symbol);
        let unit = summary.metric.descriptor().unit.symbol();
        let metric = summary.metric.to_string();
        let rounds = summary.entries.get(entry).into_iter().flatten();
        for (round, value) in rounds.enumerate() {
            let round = if summary.is_once() { String::new() } else { (round + 1).to_string() };
            let value = value.map_or_else(String::new, |value| value.to_string());
            write_line(writer, [name, &metric, unit, &round, &value, bound, limit]);
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
        let name = format!("{} {}", threshold.metric, requirement(threshold));
        write_line(writer, [&threshold.contender, &name, "kept", "", kept, "", ""]);
    }
}

fn write_line(writer: &mut Writer<Vec<u8>>, fields: [&str; 7]) {
    writer.write_record(fields).expect("writing to memory cannot fail");
}
