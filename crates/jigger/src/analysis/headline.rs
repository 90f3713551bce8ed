//! What ranks a scenario: its headline metric, the ranking, and the level of verdicts.

use std::cmp::Ordering;

use jigger_stats::{Direction, Look, Looks, Verdict};

use super::{Analysis, ContenderResult, Summary};
use crate::metric::{Kind, Metric};
use crate::record::{Ended, Record, ScenarioRecord};

/// What ranks a scenario: the rate where the servers decide it, the response times where it is
/// given.
///
/// # Panics
/// Never: each sort of scenario has a headline in the table of metrics, which a test shows.
#[must_use]
pub fn headline(scenario: &ScenarioRecord) -> Kind {
    headlines(scenario).next().expect("each sort of scenario has a headline")
}

/// The metrics of a scenario that take part in the report's family, the one that ranks it first.
fn headlines(scenario: &ScenarioRecord) -> impl Iterator<Item = Kind> {
    let is_given = scenario.is_rate_given();
    Kind::all().filter(move |kind| kind.descriptor().role.is_headline(is_given))
}

/// The headline metrics of all scenarios.
pub(super) fn headline_metrics(record: &Record) -> Vec<Metric<'_>> {
    let of = |scenario| headlines(scenario).map(|kind| kind.of(&scenario.name));
    record.suite.scenarios.iter().flat_map(of).collect()
}

/// The error rate that a record's verdicts may have, after the rounds that it has and by how the
/// run ended.
pub(super) fn level(record: &Record) -> f64 {
    let rounds = record.used_visits().map(|visit| visit.round + 1).max().unwrap_or(0);
    let is_look = matches!(record.ended, Ended::Decided | Ended::NotYet);
    let look = |look: &crate::record::LookRecord| Look { rounds: look.rounds, level: look.level };
    Looks::of(record.suite.looks.iter().map(look).collect()).level_after(rounds, is_look)
}

/// A contender's place in a scenario.
#[derive(Debug, Clone, Copy)]
pub struct Ranked<'a> {
    /// 1 for the best. Those that are not told apart share a rank; `None` without a figure.
    pub rank: Option<usize>,
    /// The contender.
    pub contender: &'a ContenderResult<'a>,
    /// Its figures of the headline metric.
    pub summary: Option<&'a Summary<'a>>,
}

impl<'a> Analysis<'a> {
    /// The contenders of a scenario, best first by its headline metric. A contender's rank is one
    /// more than the number of those that are shown to be better.
    #[must_use]
    pub fn ranking(&'a self, scenario: &ScenarioRecord) -> Vec<Ranked<'a>> {
        let kind = headline(scenario);
        let metric = kind.of(&scenario.name);
        let placed = |contender: &'a ContenderResult<'a>| {
            let summary = contender.summary(metric);
            let is_told = !self.quiet.is_too_noisy() && !contender.has_gate("errors", metric);
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
