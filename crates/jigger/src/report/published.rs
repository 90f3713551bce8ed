//! What others published, beside what was measured here.

use super::tables::ratio_text;
use super::units::significant;
use crate::analysis::Analysis;
use crate::metric::Metric;
use crate::record::PublishedRecord;

/// A sentence for each, in the suite's order.
pub fn lines(analysis: &Analysis<'_>) -> Vec<String> {
    let published = &analysis.record.suite.published;
    published.iter().map(|published| line(analysis, published)).collect()
}

/// `the post: gin over flask in saturation.requests_per_second 6.11x; here 20.9x (19.0-23.1): why`.
fn line(analysis: &Analysis<'_>, published: &PublishedRecord) -> String {
    let PublishedRecord { source, metric, contender, to, ratio, why } = published;
    let scenarios = analysis.record.scenario_names();
    let found = Metric::parse(metric, &scenarios)
        .and_then(|metric| analysis.between(metric, contender, to))
        .filter(|found| found.withheld.is_none());
    let here = found.map_or_else(
        || "not measured here".to_owned(),
        |found| format!("here {}", ratio_text(&found)),
    );
    format!("{source}: {contender} over {to} in {metric} {}x; {here}. {why}", significant(*ratio))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::drawn::record;

    #[test]
    fn what_was_published_stands_beside_what_was_measured() {
        let mut record = record(7);
        let published = |metric: &str| PublishedRecord {
            source: "a post".to_owned(),
            metric: metric.to_owned(),
            contender: "gin".to_owned(),
            to: "flask".to_owned(),
            ratio: 6.11,
            why: "It had another machine.".to_owned(),
        };
        record.suite.published =
            vec![published("saturation.requests_per_second"), published("saturation.memory_bytes")];
        let found = lines(&Analysis::of(&record));
        let said = "a post: gin over flask in saturation.requests_per_second 6.11x; here 10.0x \
                    (10.0-10.0). It had another machine.";
        assert_eq!(found[0], said);
        assert!(found[1].contains("6.11x; not measured here. It had"), "{}", found[1]);
    }
}
