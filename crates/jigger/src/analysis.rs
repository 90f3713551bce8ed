//! Record to results: summaries, comparisons, verdicts and gates. Pure.

mod change;
mod claim;
mod compare;
mod difference;
mod gate;
mod limit;
mod services;
mod summary;
mod threshold;
mod trial;
mod unanswered;
mod visits;

use std::collections::BTreeMap;

use jigger_stats::FEWEST_ROUNDS;

pub use change::{Change, Compared, Figure, is_counted};
pub use claim::{Claim, Quiet};
pub use compare::{Comparison, Ranked, Standing, headline, standings};
pub use difference::{Basis, Difference, has_common_baseline};
pub use gate::Gate;
pub use limit::{ENGINE_SHARE_LIMIT, USUAL_LOCAL_PORTS, engine_share, is_near_ports, set_limits};
pub use services::cpu_share_of_service;
pub use summary::{Summary, startup_times_ms};
pub use threshold::{Outcome, ThresholdResult};
pub use unanswered::{Unanswered, offered};
pub use visits::{
    LatencyCurve, RequestFigures, by_request, checked_share, latency_curve, response_times,
};

use crate::caveat::Code;
use crate::confounder::{self, Confounder};
use crate::metric::Metric;
use crate::record::{
    CalibrationRecord, CapacityRecord, ContenderRecord, Ended, Limit, Record, Status,
};

/// Everything that a report shows.
#[derive(Debug, Clone)]
pub struct Analysis<'a> {
    pub record: &'a Record,
    /// Rounds in which every contender that was measured was visited.
    pub rounds: usize,
    /// One for each of the suite's contenders, in its order.
    pub contenders: Vec<ContenderResult<'a>>,
    /// Each contender's metrics against the baseline's.
    pub comparisons: Vec<Comparison<'a>>,
    /// The headline metrics of any two contenders that are not the baseline.
    pub pairs: Vec<Comparison<'a>>,
    /// The baseline's second entry against the first.
    pub placebo: Vec<Comparison<'a>>,
    /// The error rate of the verdicts, which all looks of a run share.
    pub level: f64,
    pub thresholds: Vec<ThresholdResult<'a>>,
    pub quiet: Quiet,
    pub confounders: Vec<Confounder>,
    /// Contenders in containers, each against itself as a process of the host.
    pub containers: Vec<Comparison<'a>>,
    /// Contenders that are variants of others, each against that one.
    pub counterparts: Vec<Comparison<'a>>,
}

#[derive(Debug, Clone)]
pub struct ContenderResult<'a> {
    pub record: &'a ContenderRecord,
    /// Its metrics, in the order in which reports show them.
    pub summaries: Vec<Summary<'a>>,
    /// How it differs from the baseline other than in speed.
    pub confounders: Vec<Confounder>,
    pub gates: Vec<Gate>,
    /// What limited it, by scenario; those of which that is not known are left out.
    pub limits: BTreeMap<String, Limit>,
}

impl<'a> Analysis<'a> {
    pub fn of(record: &'a Record) -> Self {
        let mut contenders: Vec<ContenderResult<'a>> = record
            .contenders
            .iter()
            .map(|contender| {
                let (summaries, gates, limits) = measured(record, &contender.name);
                let confounders = confounder::of_contender(record, &contender.name);
                ContenderResult { record: contender, summaries, confounders, gates, limits }
            })
            .collect();
        let quiet = Quiet::of(record);
        let level = compare::level(record);
        let (comparisons, pairs) = compare::comparisons(record, &contenders, &quiet, level);
        let rounds = contenders.iter().filter_map(rounds_of).min().unwrap_or(0);
        let thresholds = threshold::results(record, &contenders, &quiet, level);
        let is_baseline =
            |found: &&mut ContenderResult<'_>| found.record.name == record.suite.baseline;
        let mut placebo = Vec::new();
        if let Some(baseline) = contenders.iter_mut().find(is_baseline) {
            placebo = compare::placebo(baseline);
            let differing = compare::self_differences(record, baseline);
            baseline.confounders.extend(confounder::of_self_differences(&differing));
        }
        let beside = |of: fn(&ContenderRecord) -> Option<&str>| {
            let mut compared = compare::beside(&contenders, of);
            compare::restrict(&mut compared, &contenders, &quiet);
            compared
        };
        let containers = beside(ContenderRecord::second_entry_of);
        let counterparts = beside(|contender| contender.counterpart.as_deref());
        Self {
            record,
            rounds,
            placebo,
            comparisons,
            pairs,
            level,
            thresholds,
            quiet,
            confounders: confounder::of_run(record),
            containers,
            counterparts,
            contenders,
        }
    }

    pub fn contender(&self, name: &str) -> Option<&ContenderResult<'a>> {
        self.contenders.iter().find(|contender| contender.record.name == name)
    }

    /// The comparison of a contender's metric with the baseline's.
    pub fn comparison(&self, metric: Metric<'_>, contender: &str) -> Option<&Comparison<'a>> {
        self.comparisons.iter().find(|c| c.metric == metric && c.contender == contender)
    }

    /// The comparison of one contender's headline metric with any other's, the first divided by the
    /// second.
    pub fn between(
        &self,
        metric: Metric<'_>,
        contender: &str,
        other: &str,
    ) -> Option<Comparison<'a>> {
        let mut all = self.comparisons.iter().chain(&self.pairs).filter(|c| c.metric == metric);
        all.find_map(|found| match (found.contender.as_str(), found.baseline.as_str()) {
            names if names == (contender, other) => Some(found.clone()),
            names if names == (other, contender) => Some(found.turned()),
            _ => None,
        })
    }

    /// Whether further rounds would decide nothing more: every headline comparison is decided or known
    /// to within `half_width`, and every threshold is settled. A run with nothing to compare is
    /// never settled.
    pub fn is_settled(&self, half_width: f64) -> bool {
        let mut family =
            self.comparisons.iter().chain(&self.pairs).filter(|found| found.is_headline).peekable();
        let has_ended = |name: &str| {
            self.contender(name).is_none_or(|found| found.record.status != Status::Measured)
        };
        let is_open = |found: &Comparison<'_>| {
            !found.is_settled(half_width)
                && !has_ended(&found.contender)
                && !has_ended(&found.baseline)
        };
        let is_promise_open = |result: &ThresholdResult<'_>| result.outcome == Outcome::NotSettled;
        family.peek().is_some()
            && !family.any(is_open)
            && !self.thresholds.iter().any(is_promise_open)
    }

    /// What limited a contender in a scenario, by the trial that stands for its rounds.
    pub fn limit(&self, contender: &str, scenario: &str) -> Option<Limit> {
        self.contender(contender)?.limits.get(scenario).copied()
    }

    /// What the whole run is short of.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = self.quiet.notes();
        if self.comparisons.iter().any(|comparison| comparison.half_width.is_some()) {
            notes.extend(self.contenders.iter().filter_map(|found| self.not_judged(found)));
        } else if self.rounds < FEWEST_ROUNDS {
            notes.push(format!(
                "{} round{}: too few for an interval; {FEWEST_ROUNDS} are needed",
                self.rounds,
                if self.rounds == 1 { "" } else { "s" }
            ));
        }
        notes.extend(self.record.calibrations.iter().filter_map(calibration));
        if self.record.ended == Ended::Interrupted {
            notes.push("interrupted: the report has what was measured until then".to_owned());
        }
        notes
    }

    /// Whether a threshold fails, or was not even measured; `strict` takes those that are not
    /// settled for failed too.
    pub fn misses_thresholds(&self, strict: bool) -> bool {
        let misses = |result: &ThresholdResult<'_>| {
            result.outcome.is_failure() || (strict && result.outcome == Outcome::NotSettled)
        };
        self.thresholds.iter().any(misses)
    }

    /// Which of a contender's headline metrics have too few rounds for an interval.
    fn not_judged(&self, contender: &ContenderResult<'_>) -> Option<String> {
        let name = &contender.record.name;
        let is_short = |found: &&Comparison<'_>| {
            found.contender == *name && found.is_headline && found.rounds < FEWEST_ROUNDS
        };
        let mut few = self.comparisons.iter().filter(is_short);
        let Comparison { metric, rounds, .. } = few.next()?;
        let more = match few.count() {
            0 => String::new(),
            others => format!(" and of {others} more metrics"),
        };
        Some(format!(
            "{name}: too few rounds of {metric} ({rounds}){more} for an interval; {FEWEST_ROUNDS} \
             are needed"
        ))
    }

    pub fn has_failures(&self) -> bool {
        let failed = |c: &ContenderResult<'_>| c.record.status == Status::Failed;
        self.contenders.iter().any(failed)
            || self.contenders.iter().all(|c| c.record.status == Status::Skipped)
    }
}

impl<'a> ContenderResult<'a> {
    /// Whether there is something to show of it, whatever became of it later.
    pub fn has_figures(&self) -> bool {
        self.record.status != Status::Skipped && !self.summaries.is_empty()
    }

    pub fn summary<'m>(&self, metric: impl Into<Metric<'m>>) -> Option<&Summary<'a>> {
        let metric = metric.into();
        self.summaries.iter().find(|summary| summary.metric == metric)
    }

    /// Whether a gate of that code touches the metric.
    pub fn has_gate(&self, code: Code, metric: Metric<'_>) -> bool {
        self.gates.iter().any(|gate| gate.code == code && gate.touches(metric))
    }
}

/// Where a rate came from that is a share of the slowest contender's capacity.
fn calibration(found: &CalibrationRecord) -> Option<String> {
    let slower = |a: &&CapacityRecord, b: &&CapacityRecord| {
        a.requests_per_second.total_cmp(&b.requests_per_second)
    };
    let slowest = found.capacities.iter().min_by(slower)?;
    Some(format!(
        "{}: the rate is {} requests/s, {:.0} % of the slowest server's rate in a closed loop \
         ({}: {:.0})",
        found.scenario,
        found.rate_per_second?,
        found.share * 100.0,
        slowest.contender,
        slowest.requests_per_second
    ))
}

/// A contender's metrics, the gates that it failed, and what limited it by scenario, from the visits
/// of all its entries.
fn measured<'a>(
    record: &'a Record,
    contender: &str,
) -> (Vec<Summary<'a>>, Vec<Gate>, BTreeMap<String, Limit>) {
    let entries: Vec<(&str, Vec<visits::Visit<'_>>)> = summary::entries_of(record, contender)
        .into_iter()
        .map(|entry| (entry, visits::visits_of(record, entry)))
        .collect();
    let visits: Vec<&visits::Visit<'_>> = entries.iter().flat_map(|(_, visits)| visits).collect();
    let gates = gate::gates_of(record, &visits);
    let limits = visits::limits_of(record, &visits);
    (summary::summaries_of(record, &entries, &gates), gates, limits)
}

fn rounds_of(contender: &ContenderResult<'_>) -> Option<usize> {
    if contender.record.status == Status::Skipped {
        return None;
    }
    contender.summaries.iter().map(|summary| summary.rounds.iter().flatten().count()).max()
}
