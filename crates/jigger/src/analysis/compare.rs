//! Contenders against each other: ratios over the rounds that they share, and verdicts.

use jigger_stats::{CONFIDENCE, Case, Contrast, Direction, Finding, Margin, Panel, Verdict, judge};

use super::claim::restrict;
use super::headline::headline_metrics;
use super::metric::{direction, rates_of};
use super::{Bound, ContenderResult, Metric, Quiet};
use crate::plan::PLACEBO;
use crate::record::{Record, Status};

/// One metric of one contender, divided by another's.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The metric's name.
    pub metric: String,
    /// Whose.
    pub contender: String,
    /// Divided by whose.
    pub baseline: String,
    /// The ratio over the rounds that both share.
    pub ratio: f64,
    /// Lower end of its 95 % interval; `None` with too few rounds, or where the ratio is a bound
    /// that does not support it.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// The largest difference that the interval leaves open, as a share; `None` without an
    /// interval.
    pub largest_difference: Option<f64>,
    /// Half the interval's width, as a share; `None` without an interval.
    pub half_width: Option<f64>,
    /// Whether the metric ranks its scenario, so that it takes part in the report's family.
    pub is_headline: bool,
    /// What the comparison says, where it is of the family and nothing forbids it.
    pub verdict: Option<Verdict>,
    /// The p-value behind "different", adjusted for the family and the looks.
    pub p_adjusted: Option<f64>,
    /// Rounds that entered.
    pub rounds: usize,
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
    /// The ratio so far.
    pub ratio: f64,
    /// The half-width of its interval as a share, with enough rounds.
    pub half_width: Option<f64>,
}

/// Every contender's rate against the baseline's, as they are now.
#[must_use]
pub fn standings(record: &Record) -> Vec<Standing> {
    let names: Vec<&str> = record.contenders.iter().map(|found| found.name.as_str()).collect();
    let Some(baseline) = names.iter().position(|name| *name == record.suite.baseline) else {
        return Vec::new();
    };
    let rates: Vec<Vec<Metric>> = names.iter().map(|name| rates_of(record, name)).collect();
    let mut standings = Vec::new();
    for metric in &rates[baseline] {
        let panel = panel(rates.iter().map(Vec::as_slice), &metric.name);
        let others = (0..names.len()).filter(|at| *at != baseline);
        standings.extend(others.filter_map(|at| {
            let contrast = panel.contrast(at, baseline)?;
            Some(Standing {
                contender: names[at].to_owned(),
                metric: metric.name.clone(),
                ratio: contrast.ratio(),
                half_width: contrast.interval(CONFIDENCE).map(|interval| interval.half_width()),
            })
        }));
    }
    standings
}

/// The baseline's second entry divided by the first, metric by metric; nothing for a run without.
pub fn placebo(baseline: &ContenderResult<'_>) -> Vec<Comparison> {
    let names = (PLACEBO, baseline.record.name.as_str());
    let compared = |metric: &Metric| {
        Some(Comparison::new(&metric.name, names, against_itself(metric)?, false))
    };
    baseline.metrics.iter().filter_map(compared).collect()
}

/// Below this a difference of the baseline from itself is no chance.
const SELF_DIFFERENCE_LEVEL: f64 = 0.01;

/// The headline metrics in which the baseline differs from itself by more than chance.
pub fn self_differences(record: &Record, baseline: &ContenderResult<'_>) -> Vec<String> {
    let differs = |metric: &&Metric| {
        let p_value = against_itself(metric).and_then(|found| found.p_value());
        p_value.is_some_and(|p| p < SELF_DIFFERENCE_LEVEL)
    };
    let headlines = headline_metrics(record);
    let shown = baseline.metrics.iter().filter(|metric| headlines.contains(&metric.name));
    shown.filter(differs).map(|metric| metric.name.clone()).collect()
}

/// The second of two entries divided by the first.
fn against_itself(metric: &Metric) -> Option<Contrast> {
    let [first, second] = &metric.entries[..] else { return None };
    Panel::pair(second, first).contrast(0, 1)
}

/// All comparisons of a report.
#[derive(Debug, Default)]
pub struct Comparisons {
    /// Every metric of every contender against the baseline's.
    pub to_baseline: Vec<Comparison>,
    /// The headline metrics of any two contenders that are not the baseline.
    pub of_others: Vec<Comparison>,
}

/// Compares all contenders. The headline metrics of all pairs are one family, judged together at
/// `level` (see [`jigger_stats::Looks::level_after`]).
pub fn comparisons(
    record: &Record,
    contenders: &[ContenderResult<'_>],
    quiet: &Quiet,
    level: f64,
) -> Comparisons {
    let Some(baseline) = contenders.iter().position(|c| c.record.name == record.suite.baseline)
    else {
        return Comparisons::default();
    };
    let headlines = headline_metrics(record);
    let mut drafts = Vec::new();
    for metric in &contenders[baseline].metrics {
        let is_headline = headlines.contains(&metric.name);
        drafts.extend(drafted(contenders, &metric.name, is_headline, |_, at| at == baseline));
    }
    let to_baseline = drafts.len();
    for metric in &headlines {
        let is_of_others =
            |one: usize, other: usize| other < one && ![one, other].contains(&baseline);
        drafts.extend(drafted(contenders, metric, true, is_of_others));
    }
    let mut all = judged(drafts, Margin::new(record.suite.margin).unwrap_or_default(), level);
    restrict(&mut all, contenders, quiet);
    let of_others = all.split_off(to_baseline);
    Comparisons { to_baseline: all, of_others }
}

/// One metric of some pairs of contenders, by their places: those of which the second is a baseline
/// for the first.
fn drafted(
    contenders: &[ContenderResult<'_>],
    metric: &str,
    is_headline: bool,
    is_wanted: impl Fn(usize, usize) -> bool,
) -> Vec<(Comparison, Contrast)> {
    let panel = panel(contenders.iter().map(|found| found.metrics.as_slice()), metric);
    let name = |at: usize| contenders[at].record.name.as_str();
    let mut drafts = Vec::new();
    for one in 0..contenders.len() {
        for other in (0..contenders.len()).filter(|other| *other != one && is_wanted(one, *other)) {
            let contrast = panel.contrast(one, other);
            drafts.extend(contrast.map(|contrast| {
                let names = (name(one), name(other));
                (Comparison::new(metric, names, contrast, is_headline), contrast)
            }));
        }
    }
    drafts
}

/// Gives the headline metrics' comparisons their verdicts.
fn judged(drafts: Vec<(Comparison, Contrast)>, same: Margin, level: f64) -> Vec<Comparison> {
    let case = |(comparison, contrast): &(Comparison, Contrast)| {
        comparison.is_headline.then(|| Case {
            contrast: *contrast,
            direction: comparison.direction(),
            same,
            different: Margin::NONE,
        })
    };
    let findings = findings(&drafts, case, level);
    let finish =
        |((comparison, _), finding): ((Comparison, Contrast), Option<Finding>)| Comparison {
            verdict: finding.map(|finding| finding.verdict),
            p_adjusted: finding.map(|finding| finding.p_adjusted),
            ..comparison
        };
    drafts.into_iter().zip(findings).map(finish).collect()
}

/// What is found of each draft that is a case; these are judged as one family.
pub(super) fn findings<T>(
    drafts: &[T],
    case: impl Fn(&T) -> Option<Case>,
    level: f64,
) -> Vec<Option<Finding>> {
    let cases: Vec<Option<Case>> = drafts.iter().map(case).collect();
    let family: Vec<Case> = cases.iter().copied().flatten().collect();
    let mut found = judge(&family, level).into_iter();
    cases.iter().map(|case| case.and_then(|_| found.next().flatten())).collect()
}

/// Every metric of one contender against another's, without verdicts.
pub(super) fn compare_with(
    contenders: &[ContenderResult<'_>],
    (contender, base): (usize, usize),
) -> Vec<Comparison> {
    let metrics = contenders[contender].metrics.iter();
    let wanted = |one: usize, other: usize| (one, other) == (contender, base);
    metrics
        .flat_map(|metric| drafted(contenders, &metric.name, false, wanted))
        .map(|(comparison, _)| comparison)
        .collect()
}

/// One metric of several contenders, each with its entries; those without it have none.
pub(super) fn panel<'a>(contenders: impl Iterator<Item = &'a [Metric]>, metric: &str) -> Panel {
    let entries = |metrics: &'a [Metric]| -> Vec<&'a [Option<f64>]> {
        let found = metrics.iter().find(|found| found.name == metric);
        found.map_or_else(Vec::new, |found| found.entries.iter().map(Vec::as_slice).collect())
    };
    Panel::new(&contenders.map(entries).collect::<Vec<_>>())
}

impl Comparison {
    fn new(
        metric: &str,
        (contender, baseline): (&str, &str),
        contrast: Contrast,
        is_headline: bool,
    ) -> Self {
        let interval = contrast.interval(CONFIDENCE);
        Self {
            metric: metric.to_owned(),
            contender: contender.to_owned(),
            baseline: baseline.to_owned(),
            ratio: contrast.ratio(),
            low: interval.map(|interval| interval.low),
            high: interval.map(|interval| interval.high),
            largest_difference: contrast.largest_difference(CONFIDENCE),
            half_width: interval.map(|interval| interval.half_width()),
            is_headline,
            verdict: None,
            p_adjusted: None,
            rounds: contrast.rounds(),
            bound: None,
            withheld: None,
        }
    }

    /// Which way its metric is better.
    pub(super) fn direction(&self) -> Direction {
        direction(&self.metric)
    }

    /// Whether more of its metric is better, as of requests a second.
    #[must_use]
    pub fn is_more_better(&self) -> bool {
        self.direction() == Direction::HigherIsBetter
    }

    /// The same two with the other one as the baseline.
    #[must_use]
    pub fn turned(&self) -> Self {
        Self {
            contender: self.baseline.clone(),
            baseline: self.contender.clone(),
            ratio: 1.0 / self.ratio,
            low: self.high.map(|high| 1.0 / high),
            high: self.low.map(|low| 1.0 / low),
            verdict: self.verdict.map(Verdict::turned),
            bound: self.bound.map(Bound::inverse),
            ..self.clone()
        }
    }

    /// Whether nothing is left to find out: it is decided, known to within `half_width`, or
    /// something other than more rounds would have to change.
    pub(super) fn is_settled(&self, half_width: f64) -> bool {
        let is_known = self.half_width.is_some_and(|width| width <= half_width);
        let is_decided = self.verdict.is_some_and(Verdict::is_decided);
        is_decided || is_known || self.withheld.is_some() || self.bound.is_some()
    }
}

/// Whether the contender is measured no longer.
pub(super) fn has_ended(contenders: &[ContenderResult<'_>], name: &str) -> bool {
    let found = contenders.iter().find(|contender| contender.record.name == name);
    found.is_none_or(|contender| contender.record.status != Status::Measured)
}
