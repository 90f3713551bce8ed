//! Contenders against the baseline: ratios of the same rounds, and verdicts.

use jigger_stats::{Margin, Paired, Verdict, judge_family};

use super::metric::{direction, metrics_of};
use super::{ContenderResult, Metric, is_placebo};
use crate::plan::PLACEBO;
use crate::record::Record;

/// One metric of one contender, divided by the baseline's.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The metric's name.
    pub metric: String,
    /// Whose.
    pub contender: String,
    /// Divided by whose.
    pub baseline: String,
    /// The ratio of the same rounds' values.
    pub ratio: f64,
    /// Lower end of its 95 % interval, with enough rounds.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// What the interval says, with enough rounds.
    pub verdict: Option<Verdict>,
    /// Rounds that entered.
    pub rounds: usize,
}

/// Metrics whose intervals decide when enough rounds were run.
const WATCHED: &[&str] = &["requests_per_second"];

/// The half-widths of the ratios that are watched, as shares; infinite where
/// there are too few rounds.
#[must_use]
pub fn half_widths(record: &Record) -> Vec<f64> {
    let baseline = metrics_of(record, &record.suite.baseline);
    let mut widths = Vec::new();
    for contender in &record.contenders {
        if contender.name == record.suite.baseline {
            continue;
        }
        for metric in metrics_of(record, &contender.name) {
            if WATCHED.iter().any(|watched| metric.name.ends_with(watched)) {
                let ratio = pair(&metric, &baseline).and_then(|p| p.signed_rank(0.95).ok());
                widths.push(ratio.map_or(f64::INFINITY, |ratio| ratio.interval().half_width()));
            }
        }
    }
    widths
}

/// The placebo against the baseline.
pub fn placebo(record: &Record, contenders: &[ContenderResult<'_>]) -> Vec<Comparison> {
    let Some(baseline) = baseline_metrics(record, contenders) else {
        return Vec::new();
    };
    if !record.visits.iter().any(|visit| is_placebo(&visit.entry)) {
        return Vec::new();
    }
    let metrics = metrics_of(record, PLACEBO);
    let compared = |metric: &Metric| {
        compare_family(&[(PLACEBO, metric)], baseline, record, Margin::default()).pop()
    };
    metrics.iter().filter_map(compared).collect()
}

/// Every contender's metrics against the baseline's, each metric's family judged together.
pub fn comparisons(
    record: &Record,
    contenders: &[ContenderResult<'_>],
    placebo: &[Comparison],
) -> Vec<Comparison> {
    let Some(baseline) = baseline_metrics(record, contenders) else {
        return Vec::new();
    };
    let mut comparisons = Vec::new();
    for base in baseline {
        let family: Vec<(&str, &Metric)> = contenders
            .iter()
            .filter(|contender| contender.record.name != record.suite.baseline)
            .filter_map(|c| Some((c.record.name.as_str(), c.metric(&base.name)?)))
            .collect();
        let margin = margin(record, &base.name, placebo);
        comparisons.extend(compare_family(&family, baseline, record, margin));
    }
    comparisons
}

/// The suite's margin, widened to the placebo's half-width: what differs less
/// than a server from itself is not told apart.
fn margin(record: &Record, metric: &str, placebo: &[Comparison]) -> Margin {
    let margin = Margin::new(record.suite.margin).unwrap_or_default();
    let floor = placebo.iter().find(|comparison| comparison.metric == metric);
    let half_width = floor.and_then(|c| Some((c.high? / c.low?).sqrt() - 1.0));
    half_width.and_then(|width| margin.widened_to(width).ok()).unwrap_or(margin)
}

fn baseline_metrics<'a>(
    record: &Record,
    contenders: &'a [ContenderResult<'_>],
) -> Option<&'a [Metric]> {
    let baseline = contenders.iter().find(|c| c.record.name == record.suite.baseline)?;
    Some(&baseline.metrics)
}

/// One metric of several contenders. Figures that are had once a run (image
/// sizes) have a ratio and neither interval nor verdict.
fn compare_family(
    family: &[(&str, &Metric)],
    baseline: &[Metric],
    record: &Record,
    margin: Margin,
) -> Vec<Comparison> {
    let paired: Vec<(&str, &Metric, Paired)> = family
        .iter()
        .filter_map(|(name, metric)| Some((*name, *metric, pair(metric, baseline)?)))
        .collect();
    let Some((_, first, _)) = paired.first() else {
        return Vec::new();
    };
    let judged: Vec<Paired> = paired.iter().map(|(_, _, pairs)| pairs.clone()).collect();
    let findings = judge_family(&judged, margin, 0.95, direction(&first.name)).ok();
    paired
        .iter()
        .enumerate()
        .map(|(at, (name, metric, pairs))| {
            let finding = findings.as_ref().map(|findings| &findings[at]);
            Comparison {
                metric: metric.name.clone(),
                contender: (*name).to_owned(),
                baseline: record.suite.baseline.clone(),
                ratio: pairs.estimate(),
                low: finding.map(|finding| finding.ratio.low),
                high: finding.map(|finding| finding.ratio.high),
                verdict: finding.map(|finding| finding.verdict),
                rounds: pairs.rounds(),
            }
        })
        .collect()
}

/// The rounds in which both have a value.
pub(super) fn pair(metric: &Metric, baseline: &[Metric]) -> Option<Paired> {
    let base = baseline.iter().find(|base| base.name == metric.name)?;
    let both = metric.rounds.iter().zip(&base.rounds).filter_map(|(a, b)| Some(((*a)?, (*b)?)));
    let (contender, baseline): (Vec<f64>, Vec<f64>) = both.unzip();
    Paired::new(&contender, &baseline).ok()
}
