//! What ranks a scenario: its headline metric, the ranking, and the level of verdicts.

use std::cmp::Ordering;

use jigger_stats::{Direction, Look, Looks, Verdict};

use super::metric::direction;
use super::{Analysis, ContenderResult, Metric};
use crate::record::{Ended, Record, ScenarioRecord};

/// The metrics of a scenario that take part in the report's family, the one that ranks it first:
/// the rate where the servers decide it, the response times where it is given.
#[must_use]
pub fn headlines(scenario: &ScenarioRecord) -> &'static [&'static str] {
    let is_given = scenario.rate_per_second.is_some() && scenario.objective.is_none();
    if is_given {
        &["response_time_us.p50", "response_time_us.p99"]
    } else {
        &["requests_per_second"]
    }
}

/// The same of all scenarios, with the scenarios' names.
pub(super) fn headline_metrics(record: &Record) -> Vec<String> {
    let of = |scenario: &ScenarioRecord| -> Vec<String> {
        headlines(scenario).iter().map(|metric| format!("{}.{metric}", scenario.name)).collect()
    };
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
    /// Its headline metric.
    pub metric: Option<&'a Metric>,
}

impl<'a> Analysis<'a> {
    /// The contenders of a scenario, best first by its headline metric. A contender's rank is one
    /// more than the number of those that are shown to be better.
    #[must_use]
    pub fn ranking(&'a self, scenario: &ScenarioRecord) -> Vec<Ranked<'a>> {
        let name = format!("{}.{}", scenario.name, headlines(scenario)[0]);
        let with_metric = |contender: &'a ContenderResult<'a>| {
            let metric = contender.metric(&name);
            let is_told = !self.quiet.is_too_noisy() && !contender.has_gate("errors", &name);
            let rank = metric.filter(|_| is_told).map(|_| {
                1 + self
                    .contenders
                    .iter()
                    .filter(|other| self.is_better(&name, other, contender))
                    .count()
            });
            Ranked { rank, contender, metric }
        };
        let mut ranked: Vec<Ranked<'a>> =
            self.contenders.iter().filter(|found| found.has_figures()).map(with_metric).collect();
        ranked.sort_by(|one, other| order(one, other, direction(&name)));
        ranked
    }

    /// Whether one contender is shown to be better than another.
    fn is_better(
        &self,
        metric: &str,
        one: &ContenderResult<'_>,
        other: &ContenderResult<'_>,
    ) -> bool {
        let found = self.between(metric, &one.record.name, &other.record.name);
        found.is_some_and(|found| found.verdict == Some(Verdict::Better))
    }
}

/// Ranked before those without a figure, then by the figure, better first.
fn order(one: &Ranked<'_>, other: &Ranked<'_>, direction: Direction) -> Ordering {
    let value = |ranked: &Ranked<'_>| ranked.metric.map_or(0.0, |metric| metric.estimate);
    let by_value = match direction {
        Direction::HigherIsBetter => value(other).total_cmp(&value(one)),
        Direction::LowerIsBetter => value(one).total_cmp(&value(other)),
    };
    one.rank.is_none().cmp(&other.rank.is_none()).then(by_value)
}
