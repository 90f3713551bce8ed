//! The sentences that a reader would otherwise draw from the tables by hand.

use jigger_stats::Verdict;

use super::units::{bytes, significant, time_us, with_unit};
use crate::analysis::{Analysis, Bound, Comparison};
use crate::record::ScenarioRecord;

/// All sentences, the scenarios' first.
pub fn sentences(analysis: &Analysis<'_>) -> Vec<String> {
    let mut sentences = Vec::new();
    for scenario in &analysis.record.suite.scenarios {
        // A noisy machine's figures stand in the tables; no sentence is made of them.
        if !analysis.quiet.is_too_noisy() {
            sentences.extend(rates(analysis, scenario));
            sentences.extend(steadiest(analysis, scenario));
        }
        sentences.extend(closing(analysis, scenario));
    }
    sentences.extend(startups(analysis));
    sentences.extend(images(analysis));
    sentences.extend(super::costs::sentences(analysis));
    sentences
}

fn rates(analysis: &Analysis<'_>, scenario: &ScenarioRecord) -> Vec<String> {
    // Where requests come at a fixed rate, all serve equally many.
    if scenario.rate_per_second.is_some() {
        return Vec::new();
    }
    let metric = format!("{}.requests_per_second", scenario.name);
    let of_metric = analysis.comparisons.iter().filter(|c| c.metric == metric);
    of_metric
        .filter(|comparison| comparison.withheld.is_none())
        .map(|comparison| rate_sentence(scenario, comparison))
        .collect()
}

fn rate_sentence(scenario: &ScenarioRecord, comparison: &Comparison) -> String {
    let Comparison { contender, baseline, ratio, .. } = comparison;
    let interval = interval(comparison);
    let place = &scenario.name;
    match comparison.verdict {
        Some(Verdict::Equivalent) => {
            format!("{place}: {contender} and {baseline} are equivalent{interval}.")
        }
        Some(Verdict::Inconclusive { further_rounds }) if comparison.bound.is_none() => {
            let more = further_rounds.map_or(String::new(), |rounds| {
                format!(
                    "; about {rounds} more round{} would tell",
                    if rounds == 1 { "" } else { "s" }
                )
            });
            format!(
                "{place}: too few rounds to tell {contender} from {baseline}: {} times as many \
                 requests a second{interval}{more}.",
                significant(*ratio)
            )
        }
        _ => format!(
            "{place}: {contender} answered {}{ratio} times as many requests a second as \
             {baseline}{interval}.",
            limit(comparison.bound),
            ratio = significant(*ratio)
        ),
    }
}

/// The words for a ratio that the load engine, and not the server, has limited.
fn limit(bound: Option<Bound>) -> &'static str {
    match bound {
        None => "",
        Some(Bound::AtLeast) => "at least ",
        Some(Bound::AtMost) => "at most ",
    }
}

fn interval(comparison: &Comparison) -> String {
    match (comparison.low, comparison.high) {
        (Some(low), Some(high)) => format!(" ({} to {})", significant(low), significant(high)),
        _ => String::new(),
    }
}

/// Which contender's latency varies least. With intervals it is only said where
/// that of its ratio to the baseline excludes chance; without, as a plain figure.
fn steadiest(analysis: &Analysis<'_>, scenario: &ScenarioRecord) -> Option<String> {
    let metric = format!("{}.response_time_us.stdev", scenario.name);
    let baseline = &analysis.record.suite.baseline;
    let judged = analysis.comparisons.iter().filter(|c| c.metric == metric);
    let judged = judged.filter(|c| c.withheld.is_none() && c.bound.is_none());
    let least = judged.min_by(|a, b| a.ratio.total_cmp(&b.ratio))?;
    let is_steadier = least.ratio < 1.0;
    let (best, worst) =
        if is_steadier { (&least.contender, baseline) } else { (baseline, &least.contender) };
    let supported = match least.verdict {
        Some(verdict) => verdict.is_different(),
        None => true,
    };
    let value = |name: &str| Some(analysis.contender(name)?.metric(&metric)?.estimate);
    let (steady, other) = (time_us(value(best)?), time_us(value(worst)?));
    supported.then(|| {
        format!(
            "{}: {best} has the steadier latency: a standard deviation of {steady} against \
             {worst}'s {other}.",
            scenario.name
        )
    })
}

/// What closing connections costs: the ratio as asked beside the ratio where all, the one that
/// closes and those that do not, make a connection for each request.
fn closing(analysis: &Analysis<'_>, scenario: &ScenarioRecord) -> Vec<String> {
    let Some(kept) = &scenario.fresh_for else {
        return Vec::new();
    };
    let ratio = |scenario: &str, contender: &str| {
        let metric = format!("{scenario}.requests_per_second");
        let found = analysis.comparison(&metric, contender)?;
        found.withheld.is_none().then(|| ratio_with_interval(found))
    };
    let baseline = &analysis.record.suite.baseline;
    let closes = |name: &str| {
        let confounders = analysis.contender(name).map(|found| found.confounders.as_slice());
        confounders.unwrap_or_default().iter().any(|found| found.code == "connection-close")
    };
    let others = analysis.contenders.iter().map(|contender| contender.record.name.as_str());
    others
        .filter(|name| name != baseline && closes(name) != closes(baseline))
        .filter_map(|name| {
            let closer = if closes(name) { name } else { baseline };
            Some(format!(
                "{kept}: {closer} closes its connections: {name} over {baseline} is {} as asked \
                 and {} with a fresh connection for each request for both.",
                ratio(kept, name)?,
                ratio(&scenario.name, name)?
            ))
        })
        .collect()
}

fn ratio_with_interval(comparison: &Comparison) -> String {
    let bound = comparison.bound.map_or(String::new(), |bound| format!("{} ", bound.symbol()));
    format!("{bound}{}x{}", significant(comparison.ratio), interval(comparison))
}

fn startups(analysis: &Analysis<'_>) -> Option<String> {
    let started = analysis.contenders.iter().filter_map(|contender| {
        let metric = contender.metric("startup_ms")?;
        Some((contender.record.name.as_str(), metric))
    });
    let mut started: Vec<_> = started.collect();
    started.sort_by(|a, b| a.1.estimate.total_cmp(&b.1.estimate));
    let (first, last) = (started.first()?, started.last()?);
    (started.len() > 1).then(|| {
        format!(
            "start-up: {} answers after {}, {} after {}.",
            first.0,
            with_unit(first.1.estimate, first.1.unit),
            last.0,
            with_unit(last.1.estimate, last.1.unit)
        )
    })
}

fn images(analysis: &Analysis<'_>) -> Vec<String> {
    // A contender's second entry, in a container, has the image of the first.
    let is_second = |name: &str| {
        let container = analysis.contender(name).and_then(|c| c.record.container.as_ref());
        container.is_some_and(|container| container.of != name)
    };
    let of_images = analysis
        .comparisons
        .iter()
        .filter(|c| c.metric == "image_unpacked_bytes" && !is_second(&c.contender));
    of_images
        .filter_map(|comparison| {
            let size = |name: &str| {
                Some(analysis.contender(name)?.metric("image_unpacked_bytes")?.estimate)
            };
            let (mine, theirs) = (size(&comparison.contender)?, size(&comparison.baseline)?);
            let change = if mine <= theirs {
                format!("{:.0} % smaller than", (1.0 - mine / theirs) * 100.0)
            } else {
                format!("{} times the size of", significant(mine / theirs))
            };
            Some(format!(
                "image: {}'s is {change} {}'s ({} against {}).",
                comparison.contender,
                comparison.baseline,
                bytes(mine),
                bytes(theirs)
            ))
        })
        .collect()
}
