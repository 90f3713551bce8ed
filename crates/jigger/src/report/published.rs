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

/// `the post: "6.125 times faster": saturation.requests_per_second of gin 6.11x flask; here 20.9x
/// (19.0-23.1). Why.`
fn line(analysis: &Analysis<'_>, published: &PublishedRecord) -> String {
    let PublishedRecord { source, metric, contender, to, ratio, claim, why } = published;
    let scenarios = analysis.record.scenario_names();
    let found = Metric::parse(metric, &scenarios)
        .and_then(|metric| analysis.between(metric, contender, to))
        .filter(|found| found.withheld.is_none());
    let here = found.map_or_else(
        || "not measured here".to_owned(),
        |found| format!("here {}", ratio_text(&found)),
    );
    let claim = claim.as_ref().map_or_else(String::new, |claim| format!("\"{claim}\": "));
    let ratio = significant(*ratio);
    format!("{source}: {claim}{metric} of {contender} {ratio}x {to}; {here}. {why}")
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
            claim: (metric == "saturation.requests_per_second")
                .then(|| "6 times faster".to_owned()),
            why: "It had another machine.".to_owned(),
        };
        record.suite.published =
            vec![published("saturation.requests_per_second"), published("saturation.memory_bytes")];
        let found = lines(&Analysis::of(&record));
        let said = "a post: \"6 times faster\": saturation.requests_per_second of gin 6.11x flask; here \
                    10.0x (10.0-10.0). It had another machine.";
        assert_eq!(found[0], said);
        let said = "a post: saturation.memory_bytes of gin 6.11x flask; not measured here. It had \
                    another machine.";
        assert_eq!(found[1], said);
    }
}
