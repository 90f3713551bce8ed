//! Contenders against the baseline: ratios of the same rounds, and verdicts.

use jigger_stats::{
    Interval, Margin, Margins, Paired, Ratio, Verdict, judge_family, rounds_needed_for,
};

use super::metric::{direction, rates_of};
use super::noise::margins;
use super::{Bound, ContenderResult, Metric, measured};
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
    /// Whether the interval lies wholly beyond the margin. The verdict, which answers for all
    /// comparisons of the metric together, may be open all the same.
    pub is_beyond_margin: bool,
    /// What the interval says, with enough rounds.
    pub verdict: Option<Verdict>,
    /// Rounds that entered.
    pub rounds: usize,
    /// Whether there is a value for each round, and not one for the whole run.
    pub is_of_rounds: bool,
    /// Which way the true ratio may lie from this one, when it is not it.
    pub bound: Option<Bound>,
    /// The gate that forbids this ratio; reports then show none.
    pub withheld: Option<&'static str>,
}

/// How a contender's rate stands against the baseline's while rounds are still to come.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Whose.
    pub contender: String,
    /// The metric's name.
    pub metric: String,
    /// The ratio of the same rounds' values; none without a common round.
    pub ratio: Option<f64>,
    /// The half-width of its interval as a share; infinite where there are too few rounds.
    pub half_width: f64,
}

/// The ratios that are watched, as they are now.
#[must_use]
pub fn standings(record: &Record) -> Vec<Standing> {
    let baseline = rates_of(record, &record.suite.baseline);
    let others = record.contenders.iter().filter(|other| other.name != record.suite.baseline);
    let of_contender = |name: &str| {
        let rates = rates_of(record, name).into_iter();
        rates.map(|rate| standing(name, rate, &baseline)).collect::<Vec<_>>()
    };
    others.flat_map(|contender| of_contender(&contender.name)).collect()
}

fn standing(contender: &str, rate: Metric, baseline: &[Metric]) -> Standing {
    let pairs = pair(&rate, baseline);
    let ranked = pairs.as_ref().and_then(|pairs| pairs.signed_rank(0.95).ok());
    Standing {
        contender: contender.to_owned(),
        metric: rate.name,
        ratio: pairs.map(|pairs| pairs.estimate()),
        half_width: ranked.map_or(f64::INFINITY, |ranked| ranked.interval().half_width()),
    }
}

/// The half-widths of the ratios that are watched, as shares; infinite where
/// there are too few rounds.
#[must_use]
pub fn half_widths(record: &Record) -> Vec<f64> {
    standings(record).into_iter().map(|standing| standing.half_width).collect()
}

/// The placebo against the baseline.
pub fn placebo(record: &Record, contenders: &[ContenderResult<'_>]) -> Vec<Comparison> {
    let Some(baseline) = baseline_metrics(record, contenders) else {
        return Vec::new();
    };
    if record.visits_of(PLACEBO).next().is_none() {
        return Vec::new();
    }
    let (metrics, ..) = measured(record, PLACEBO);
    let compared = |metric: &Metric| {
        compare_family(&[(PLACEBO, metric)], baseline, record, Margin::default().into()).pop()
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
        let margins = margins(record, &base.name, placebo);
        comparisons.extend(compare_family(&family, baseline, record, margins));
    }
    comparisons
}

/// One contender's metrics against another's, each judged alone.
pub(super) fn compare_with(
    record: &Record,
    contender: &ContenderResult<'_>,
    base: &ContenderResult<'_>,
) -> Vec<Comparison> {
    let margin = Margin::new(record.suite.margin).unwrap_or_default();
    let name = contender.record.name.as_str();
    let compared = |metric: &Metric| {
        let found =
            compare_family(&[(name, metric)], &base.metrics, record, margin.into()).pop()?;
        Some(Comparison { baseline: base.record.name.clone(), ..found })
    };
    contender.metrics.iter().filter_map(compared).collect()
}

fn baseline_metrics<'a>(
    record: &Record,
    contenders: &'a [ContenderResult<'_>],
) -> Option<&'a [Metric]> {
    let baseline = contenders.iter().find(|c| c.record.name == record.suite.baseline)?;
    Some(&baseline.metrics)
}

/// One metric of several contenders. One with too few rounds for an interval has a ratio and neither
/// interval nor verdict, and is not of the family that is judged together: it claims nothing that
/// could be wrong. So are figures that are had once a run (image sizes).
fn compare_family(
    family: &[(&str, &Metric)],
    baseline: &[Metric],
    record: &Record,
    margins: Margins,
) -> Vec<Comparison> {
    let paired: Vec<(&str, &Metric, Paired)> = family
        .iter()
        .filter_map(|(name, metric)| Some((*name, *metric, pair(metric, baseline)?)))
        .collect();
    let Some((_, first, _)) = paired.first() else {
        return Vec::new();
    };
    let is_of_rounds = baseline.iter().any(|base| base.name == first.name && base.rounds.len() > 1);
    let needed = rounds_needed_for(0.95);
    let judged: Vec<Paired> = paired
        .iter()
        .filter(|(_, _, pairs)| pairs.rounds() >= needed)
        .map(|(_, _, pairs)| pairs.clone())
        .collect();
    let findings = judge_family(&judged, margins, 0.95, direction(&first.name));
    let mut findings = findings.unwrap_or_default().into_iter();
    paired
        .iter()
        .map(|(name, metric, pairs)| {
            let finding = (pairs.rounds() >= needed).then(|| findings.next()).flatten();
            Comparison {
                metric: metric.name.clone(),
                contender: (*name).to_owned(),
                baseline: record.suite.baseline.clone(),
                ratio: pairs.estimate(),
                low: finding.map(|finding| finding.ratio.low),
                high: finding.map(|finding| finding.ratio.high),
                is_beyond_margin: finding.is_some_and(|finding| {
                    let Ratio { low, high, .. } = finding.ratio;
                    margins.different.is_passed_by(Interval { low, high })
                }),
                verdict: finding.map(|finding| finding.verdict),
                rounds: pairs.rounds(),
                is_of_rounds,
                bound: None,
                withheld: None,
            }
        })
        .collect()
}

impl Comparison {
    /// Whether it was measured in rounds, as image sizes are not, but in too few to be judged.
    #[must_use]
    pub fn has_too_few_rounds(&self) -> bool {
        self.is_of_rounds && self.rounds < rounds_needed_for(0.95)
    }
}

/// The rounds in which both have a value.
pub(super) fn pair(metric: &Metric, baseline: &[Metric]) -> Option<Paired> {
    let base = baseline.iter().find(|base| base.name == metric.name)?;
    let both = metric.rounds.iter().zip(&base.rounds).filter_map(|(a, b)| Some(((*a)?, (*b)?)));
    let (contender, baseline): (Vec<f64>, Vec<f64>) = both.unzip();
    Paired::new(&contender, &baseline).ok()
}
