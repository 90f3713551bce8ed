//! One number for each contender, metric and round; and its summary over rounds.

use jigger_stats::{CONFIDENCE, Location};

use super::gate::{self, Gate};
use super::trial::is_clean;
use super::visits::Visit;
use crate::metric::{Bound, Kind, Metric, Role, Source};
use crate::numbers::number;
use crate::plan::PLACEBO;
use crate::record::{Record, ScenarioRecord};

/// One metric of one contender over its rounds, in the metric's unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary<'a> {
    pub metric: Metric<'a>,
    pub estimate: f64,
    /// The 95 % interval's ends, with enough rounds.
    pub low: Option<f64>,
    pub high: Option<f64>,
    /// The value of each round, the geometric mean of its entries'; `None` where the round has none.
    pub rounds: Vec<Option<f64>>,
    /// The values of each of its entries, of which the baseline has two.
    pub entries: Vec<Vec<Option<f64>>>,
    /// Which way the true value may lie from these, when they are not it.
    pub bound: Option<Bound>,
}

/// The values of each round; none for a round that has none.
type Rounds = Vec<Option<f64>>;

/// Every metric of a contender, in the order in which reports show them. `entries` are the names
/// under which it was visited, its own first, with their visits.
pub fn summaries_of<'a>(
    record: &'a Record,
    entries: &[(&str, Vec<Visit<'_>>)],
    gates: &[Gate],
) -> Vec<Summary<'a>> {
    let of_metric = |metric: Metric<'a>| {
        let values = entries.iter().map(|(entry, visits)| values(record, metric, entry, visits));
        let found = Summary::of_entries(metric, values)?;
        Some(Summary { bound: bound(record, metric, gates), ..found })
    };
    Metric::all(&record.scenario_names()).into_iter().filter_map(of_metric).collect()
}

/// The rates of a contender alone, for which no histogram has to be decoded.
pub fn rates_of<'a>(record: &'a Record, contender: &str) -> Vec<Summary<'a>> {
    let kind = Kind::RequestsPerSecond;
    let Source::Trial(value) = kind.descriptor().source else { return Vec::new() };
    let of_entry = |scenario: &str, entry: &str| {
        let visits = record.visits_of(entry);
        by_round(visits.map(|visit| {
            let trial = visit.trials.iter().find(|trial| trial.scenario == scenario);
            (visit.round, trial.filter(|trial| is_clean(trial)).and_then(value))
        }))
    };
    let entries = entries_of(record, contender);
    let of_scenario = |scenario: &'a ScenarioRecord| {
        let values = entries.iter().map(|entry| of_entry(&scenario.name, entry));
        Summary::of_entries(kind.of(&scenario.name), values)
    };
    record.suite.scenarios.iter().filter_map(of_scenario).collect()
}

/// The names under which a contender was visited, its own first.
pub fn entries_of<'a>(record: &Record, contender: &'a str) -> Vec<&'a str> {
    let is_doubled =
        contender == record.suite.baseline && record.visits_of(PLACEBO).next().is_some();
    if is_doubled { vec![contender, PLACEBO] } else { vec![contender] }
}

/// Every start-up time of an entry, those of the rounds and of the launches before them, in
/// milliseconds, shortest first.
pub fn startup_times_ms(record: &Record, entry: &str) -> Vec<f64> {
    let launches = record.launches.iter().filter(|launch| launch.entry == entry);
    let visits = record.visits.iter().filter(|visit| visit.entry == entry);
    let all = launches.map(|it| it.startup_ns).chain(visits.map(|it| it.startup_ns));
    let mut times: Vec<f64> = all.flatten().map(|ns| number(ns) / 1e6).collect();
    times.sort_by(f64::total_cmp);
    times
}

/// The values of one entry: of each round, or a single one of the run. Percentiles are of each
/// round, never of requests of several rounds together: rounds are the observations.
fn values(record: &Record, metric: Metric<'_>, entry: &str, visits: &[Visit<'_>]) -> Rounds {
    let scenario = metric.scenario.unwrap_or_default();
    let shape = record.scenario(scenario);
    let of_visits = |value: &dyn Fn(&Visit<'_>) -> Option<f64>| {
        by_round(visits.iter().map(|visit| (visit.record.round, value(visit))))
    };
    match metric.descriptor().source {
        Source::Visit(value) => of_visits(&|visit| value(visit.record)),
        Source::Trial(value) => of_visits(&|visit| value(visit.clean_trial(scenario)?.record)),
        source @ (Source::ResponseTimes(_) | Source::Percentile { .. }) => {
            of_visits(&|visit| source.of_times(visit.timed_trial(shape?)?.response_time.as_ref()?))
        }
        Source::Launches { launches, value } => {
            let times = startup_times_ms(record, entry);
            (times.len() >= launches).then(|| value(&times)).into_iter().map(Some).collect()
        }
        Source::Contender(value) => {
            record.contender(entry).and_then(value).into_iter().map(Some).collect()
        }
    }
}

fn by_round(values: impl Iterator<Item = (usize, Option<f64>)>) -> Rounds {
    let mut rounds = Vec::new();
    for (round, value) in values {
        rounds.resize(rounds.len().max(round + 1), None);
        rounds[round] = value.filter(|value| value.is_finite() && *value > 0.0);
    }
    rounds
}

/// With the engine or the local ports as the limit, figures are bounds; but a rate that is given is
/// what was asked for.
fn bound(record: &Record, metric: Metric<'_>, gates: &[Gate]) -> Option<Bound> {
    gate::bounding(gates, metric)?;
    let scenario = record.scenario(metric.scenario?)?;
    let descriptor = metric.descriptor();
    let is_given = descriptor.role == Role::OfFreeRate && scenario.is_rate_given();
    descriptor.bound.filter(|_| !is_given)
}

impl<'a> Summary<'a> {
    /// The summary of entries over their rounds; `None` when the first has no value at all. Of what
    /// a run has once, the first has it.
    fn of_entries(metric: Metric<'a>, values: impl Iterator<Item = Rounds>) -> Option<Self> {
        let mut values = values.filter(|rounds| rounds.iter().any(Option::is_some));
        if metric.descriptor().source.is_once() {
            let rounds = values.next()?;
            let (estimate, entries) = (rounds[0]?, vec![rounds.clone()]);
            return Some(Self {
                metric,
                estimate,
                low: None,
                high: None,
                rounds,
                entries,
                bound: None,
            });
        }
        let entries: Vec<Rounds> = values.collect();
        let count = entries.iter().map(Vec::len).max()?;
        let rounds: Rounds = (0..count).map(|round| value_of_round(&entries, round)).collect();
        let values: Vec<f64> = rounds.iter().copied().flatten().collect();
        let Location { estimate, low, high, .. } = Location::of(&values, CONFIDENCE).ok()?;
        Some(Self { metric, estimate, low, high, rounds, entries, bound: None })
    }

    /// Whether there is one value for the whole run, and not one for each round.
    pub fn is_once(&self) -> bool {
        self.metric.descriptor().source.is_once()
    }
}

/// The mean of the entries on logarithms, so that a table's ratio is the ratio of its columns; of
/// those that have a value in the round.
fn value_of_round(entries: &[Rounds], round: usize) -> Option<f64> {
    let values = entries.iter().filter_map(|entry| entry.get(round).copied().flatten());
    let values: Vec<f64> = values.collect();
    Location::of(&values, CONFIDENCE).ok().map(|location| location.estimate)
}
