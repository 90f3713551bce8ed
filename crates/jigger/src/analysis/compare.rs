//! Contenders against each other: ratios over the rounds that they share, their verdicts, and the
//! ranking of a scenario that these make.

use std::cmp::Ordering;

use jigger_stats::{
    CONFIDENCE, Case, Contrast, Direction, Finding, Look, Looks, Margin, Panel, Verdict, judge,
};

use super::claim::{Claim, Quiet, Side};
use super::summary::{Summary, rates_of};
use super::{Analysis, ContenderResult};
use crate::caveat::Code;
use crate::metric::{Bound, Kind, Metric};
use crate::plan::PLACEBO;
use crate::record::{ContenderRecord, Ended, LookRecord, Record, ScenarioRecord};

/// One metric of one contender, divided by another's.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison<'a> {
    pub metric: Metric<'a>,
    pub contender: String,
    pub baseline: String,
    /// The ratio over the rounds that both share.
    pub ratio: f64,
    /// Ends of its 95 % interval; `None` with too few rounds, or where the ratio is a bound
    /// that does not support it.
    pub low: Option<f64>,
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
    pub rounds: usize,
    /// Which way the true ratio may lie from this one, when it is not it.
    pub bound: Option<Bound>,
    /// The gate that forbids this ratio; reports then show none.
    pub withheld: Option<Code>,
}

/// How a contender's rate stands against the baseline's while rounds are still to come.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing<'a> {
    pub contender: &'a str,
    pub scenario: Option<&'a str>,
    pub ratio: f64,
    /// The half-width of its interval as a share, with enough rounds.
    pub half_width: Option<f64>,
}

/// Every contender's rate against the baseline's, as they are now.
pub fn standings(record: &Record) -> Vec<Standing<'_>> {
    let names: Vec<&str> = record.contenders.iter().map(|found| found.name.as_str()).collect();
    let Some(baseline) = names.iter().position(|name| *name == record.suite.baseline) else {
        return Vec::new();
    };
    let rates: Vec<Vec<Summary<'_>>> = names.iter().map(|name| rates_of(record, name)).collect();
    let mut standings = Vec::new();
    for Summary { metric, .. } in &rates[baseline] {
        let panel = panel(rates.iter().map(Vec::as_slice), *metric);
        let others = (0..names.len()).filter(|at| *at != baseline);
        standings.extend(others.filter_map(|at| {
            let contrast = panel.contrast(at, baseline)?;
            Some(Standing {
                contender: names[at],
                scenario: metric.scenario,
                ratio: contrast.ratio(),
                half_width: contrast.interval(CONFIDENCE).map(|interval| interval.half_width()),
            })
        }));
    }
    standings
}

/// The baseline's second entry divided by the first, metric by metric; nothing for a run without.
pub fn placebo<'a>(baseline: &ContenderResult<'a>) -> Vec<Comparison<'a>> {
    let names = (PLACEBO, baseline.record.name.as_str());
    let compared = |summary: &Summary<'a>| {
        Some(Comparison::new(summary.metric, names, against_itself(summary)?, false))
    };
    baseline.summaries.iter().filter_map(compared).collect()
}

/// Below this a difference of the baseline from itself is no chance.
const SELF_DIFFERENCE_LEVEL: f64 = 0.01;

/// The headline metrics in which the baseline differs from itself by more than chance.
pub fn self_differences<'a>(record: &Record, baseline: &ContenderResult<'a>) -> Vec<Metric<'a>> {
    let differs = |summary: &&Summary<'_>| {
        let p_value = against_itself(summary).and_then(|found| found.p_value());
        p_value.is_some_and(|p| p < SELF_DIFFERENCE_LEVEL)
    };
    let headlines = headline_metrics(record);
    let shown = baseline.summaries.iter().filter(|found| headlines.contains(&found.metric));
    shown.filter(differs).map(|found| found.metric).collect()
}

/// The second of two entries divided by the first.
fn against_itself(summary: &Summary<'_>) -> Option<Contrast> {
    let [first, second] = &summary.entries[..] else { return None };
    Panel::pair(second, first).contrast(0, 1)
}

/// Every metric of every contender against the baseline's, and the headline metrics of any two
/// contenders that are not the baseline. The headline metrics of all pairs are one family, judged
/// together at `level` (see [`jigger_stats::Looks::level_after`]).
pub fn comparisons<'a>(
    record: &'a Record,
    contenders: &[ContenderResult<'a>],
    quiet: &Quiet,
    level: f64,
) -> (Vec<Comparison<'a>>, Vec<Comparison<'a>>) {
    let Some(baseline) = contenders.iter().position(|c| c.record.name == record.suite.baseline)
    else {
        return (Vec::new(), Vec::new());
    };
    let headlines = headline_metrics(record);
    let mut drafts = Vec::new();
    for Summary { metric, .. } in &contenders[baseline].summaries {
        let is_headline = headlines.contains(metric);
        drafts.extend(drafted(contenders, *metric, is_headline, |_, at| at == baseline));
    }
    let to_baseline = drafts.len();
    for metric in headlines {
        let is_of_others =
            |one: usize, other: usize| other < one && ![one, other].contains(&baseline);
        drafts.extend(drafted(contenders, metric, true, is_of_others));
    }
    let mut all = judged(drafts, Margin::new(record.suite.margin).unwrap_or_default(), level);
    restrict(&mut all, contenders, quiet);
    let of_others = all.split_off(to_baseline);
    (all, of_others)
}

/// Takes from each comparison what its gates and the noise forbid.
pub fn restrict(
    comparisons: &mut [Comparison<'_>],
    contenders: &[ContenderResult<'_>],
    quiet: &Quiet,
) {
    let named = |name: &str| Side::named(contenders, quiet, name);
    for comparison in comparisons {
        let (Some(contender), Some(baseline)) =
            (named(&comparison.contender), named(&comparison.baseline))
        else {
            continue;
        };
        let claim = Claim::of(comparison.metric, &[contender], &[baseline]);
        let direction = comparison.direction();
        (comparison.bound, comparison.withheld) = (claim.bound, claim.withheld);
        (comparison.low, comparison.high) = claim.ends(comparison.low, comparison.high);
        comparison.verdict =
            comparison.verdict.and_then(|verdict| claim.allowed(verdict, direction));
    }
}

/// One metric of some pairs of contenders, by their places: those of which the second is a baseline
/// for the first.
fn drafted<'a>(
    contenders: &[ContenderResult<'a>],
    metric: Metric<'a>,
    is_headline: bool,
    is_wanted: impl Fn(usize, usize) -> bool,
) -> Vec<(Comparison<'a>, Contrast)> {
    let panel = panel(contenders.iter().map(|found| found.summaries.as_slice()), metric);
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
fn judged<'a>(
    drafts: Vec<(Comparison<'a>, Contrast)>,
    same: Margin,
    level: f64,
) -> Vec<Comparison<'a>> {
    let case = |(comparison, contrast): &(Comparison<'_>, Contrast)| {
        comparison.is_headline.then(|| Case {
            contrast: *contrast,
            direction: comparison.direction(),
            same,
            different: Margin::NONE,
        })
    };
    let findings = findings(&drafts, case, level);
    let finish =
        |((comparison, _), finding): ((Comparison<'a>, Contrast), Option<Finding>)| Comparison {
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

/// One metric of several contenders, each with its entries; those without it have none.
pub(super) fn panel<'s>(
    contenders: impl Iterator<Item = &'s [Summary<'s>]>,
    metric: Metric<'_>,
) -> Panel {
    let entries = |summaries: &'s [Summary<'s>]| -> Vec<&'s [Option<f64>]> {
        let found = summaries.iter().find(|found| found.metric == metric);
        found.map_or_else(Vec::new, |found| found.entries.iter().map(Vec::as_slice).collect())
    };
    Panel::new(&contenders.map(entries).collect::<Vec<_>>())
}

impl<'a> Comparison<'a> {
    fn new(
        metric: Metric<'a>,
        (contender, baseline): (&str, &str),
        contrast: Contrast,
        is_headline: bool,
    ) -> Self {
        let interval = contrast.interval(CONFIDENCE);
        Self {
            metric,
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

    fn direction(&self) -> Direction {
        self.metric.descriptor().direction
    }

    /// The end that a bound leaves of the ratio; `None` for a ratio that is no bound.
    pub fn supported_end(&self) -> Option<f64> {
        Some(match self.bound? {
            Bound::AtLeast => self.low.unwrap_or(self.ratio),
            Bound::AtMost => self.high.unwrap_or(self.ratio),
        })
    }

    /// The same two with the other one as the baseline.
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

/// Every metric of each contender that is set beside another one, which `of` names, divided by that
/// one's of the same rounds.
pub fn beside<'a>(
    contenders: &[ContenderResult<'a>],
    of: fn(&ContenderRecord) -> Option<&str>,
) -> Vec<Comparison<'a>> {
    let pair = |(at, found): (usize, &ContenderResult<'a>)| {
        let of = of(found.record)?;
        let other = contenders.iter().position(|other| other.record.name == of)?;
        Some((at, other))
    };
    let compared = |(one, other): (usize, usize)| {
        let is_wanted = move |this, that| (this, that) == (one, other);
        let summaries = contenders[one].summaries.iter();
        summaries.flat_map(move |found| drafted(contenders, found.metric, false, is_wanted))
    };
    let drafts = contenders.iter().enumerate().filter_map(pair).flat_map(compared);
    drafts.map(|(comparison, _)| comparison).collect()
}

/// What ranks a scenario: the rate where the servers decide it, the response times where it is
/// given.
pub fn headline(scenario: &ScenarioRecord) -> Kind {
    headlines(scenario)
        .next()
        .expect("each sort of scenario has a headline in the table, as a test shows")
}

/// The metrics of a scenario that take part in the report's family, the one that ranks it first.
fn headlines(scenario: &ScenarioRecord) -> impl Iterator<Item = Kind> {
    let is_given = scenario.is_rate_given();
    Kind::all().filter(move |kind| kind.descriptor().role.is_headline(is_given))
}

pub(super) fn headline_metrics(record: &Record) -> Vec<Metric<'_>> {
    let of = |scenario| headlines(scenario).map(|kind| kind.of(&scenario.name));
    record.suite.scenarios.iter().flat_map(of).collect()
}

/// The error rate that a record's verdicts may have, after the rounds that it has and by how the
/// run ended.
pub(super) fn level(record: &Record) -> f64 {
    let rounds = record.used_visits().map(|visit| visit.round + 1).max().unwrap_or(0);
    let is_look = matches!(record.ended, Ended::Decided | Ended::NotYet);
    let look = |look: &LookRecord| Look { rounds: look.rounds, level: look.level };
    Looks::of(record.suite.looks.iter().map(look).collect()).level_after(rounds, is_look)
}

#[derive(Debug, Clone, Copy)]
pub struct Ranked<'a> {
    /// One more than the number of contenders that are shown to be better; `None` without a figure.
    pub rank: Option<usize>,
    pub contender: &'a ContenderResult<'a>,
    /// Its figures of the headline metric.
    pub summary: Option<&'a Summary<'a>>,
}

impl<'a> Analysis<'a> {
    /// The contenders of a scenario, best first by its headline metric. A contender's rank is one
    /// more than the number of those that are shown to be better.
    pub fn ranking(&'a self, scenario: &ScenarioRecord) -> Vec<Ranked<'a>> {
        let kind = headline(scenario);
        let metric = kind.of(&scenario.name);
        let placed = |contender: &'a ContenderResult<'a>| {
            let summary = contender.summary(metric);
            let is_told = !self.quiet.is_too_noisy() && !contender.has_gate(Code::Errors, metric);
            let rank = summary.filter(|_| is_told).map(|_| {
                1 + self
                    .contenders
                    .iter()
                    .filter(|other| self.is_better(metric, other, contender))
                    .count()
            });
            Ranked { rank, contender, summary }
        };
        let mut ranked: Vec<Ranked<'a>> =
            self.contenders.iter().filter(|found| found.has_figures()).map(placed).collect();
        ranked.sort_by(|one, other| order(one, other, kind.descriptor().direction));
        ranked
    }

    /// Whether one contender is shown to be better than another.
    fn is_better(
        &self,
        metric: Metric<'_>,
        one: &ContenderResult<'_>,
        other: &ContenderResult<'_>,
    ) -> bool {
        let found = self.between(metric, &one.record.name, &other.record.name);
        found.is_some_and(|found| found.verdict == Some(Verdict::Better))
    }
}

/// Ranked before those without a figure, then by the figure, better first.
fn order(one: &Ranked<'_>, other: &Ranked<'_>, direction: Direction) -> Ordering {
    let value = |ranked: &Ranked<'_>| ranked.summary.map_or(0.0, |summary| summary.estimate);
    let by_value = match direction {
        Direction::HigherIsBetter => value(other).total_cmp(&value(one)),
        Direction::LowerIsBetter => value(one).total_cmp(&value(other)),
    };
    one.rank.is_none().cmp(&other.rank.is_none()).then(by_value)
}
