//! What was to be measured, on disk: the parts of the suite that reports need, as the run had them.

use std::time::Duration;

use jigger_load::{Arrivals, Extent};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::disturbance::{Disturbance, Limits};
use crate::plan::RunPlan;
use crate::suite::{Bound, Limit, Pacing, Scenario, Spread, Threshold, WarmUp};

/// The parts of the suite that reports need, and its text.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct SuiteRecord {
    /// Its name.
    pub name: String,
    /// The suite file as it was read.
    pub source: String,
    /// The baseline's name.
    pub baseline: String,
    /// The difference, as a share, within which two contenders are the same.
    pub margin: f64,
    /// Beyond what a round was repeated, as fixed before the first.
    #[serde(default = "Limits::none")]
    pub disturbance: Limits,
    /// When the run was to be looked at, as fixed before the first round; older records have none.
    #[serde(default)]
    pub looks: Vec<LookRecord>,
    /// Its scenarios.
    pub scenarios: Vec<ScenarioRecord>,
    /// What had to hold.
    #[serde(default)]
    pub thresholds: Vec<ThresholdRecord>,
    /// How servers were warmed up; unknown in older records.
    #[serde(default)]
    pub warm_up: Option<WarmUpRecord>,
}

/// A planned moment at which the run might end.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LookRecord {
    /// After how many rounds.
    pub rounds: usize,
    /// The error rate that verdicts at this look may have, of 0.05 for all looks together.
    pub level: f64,
}

/// The warm-up before each visit's scenarios.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WarmUpRecord {
    /// Length of one window.
    pub window_ns: u64,
    /// Windows that had to agree.
    pub windows: usize,
    /// The most time for it.
    pub cap_ns: u64,
}

/// A promise about one metric of one contender.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ThresholdRecord {
    /// The metric's name.
    pub metric: String,
    /// Whose.
    pub contender: String,
    /// On which side of the limit it has to stay.
    pub bound: BoundRecord,
    /// The limit in the metric's unit, or how many times `relative_to`'s value it is.
    pub limit: f64,
    /// The contender whose value in the same rounds is the limit's measure.
    pub relative_to: Option<String>,
    /// The limit as the suite has it.
    pub text: String,
}

/// The side of a limit that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BoundRecord {
    /// The limit or more.
    AtLeast,
    /// The limit or less.
    AtMost,
}

/// One scenario as it was run.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioRecord {
    /// Its name.
    pub name: String,
    /// Connections held open.
    pub connections: usize,
    /// Load threads.
    pub threads: usize,
    /// Whether each request got a new connection.
    pub fresh: bool,
    /// Requests a trial, where that ends it.
    pub requests: Option<u64>,
    /// Length of a trial, where that ends it.
    pub duration_ns: Option<u64>,
    /// Requests due each second, in open loop.
    pub rate_per_second: Option<f64>,
    /// Whether they were due at random times, as independent users come.
    #[serde(default)]
    pub exponential: bool,
    /// Requests due at the same instant; absent for one.
    #[serde(default)]
    pub burst: Option<u32>,
    /// The promise whose highest rate was looked for.
    #[serde(default)]
    pub objective: Option<String>,
    /// What the load engine reached in this shape against a server that does nothing, in requests
    /// a second: the highest of the attempts.
    #[serde(default)]
    pub ceiling_per_second: Option<f64>,
    /// The attempts at it; all but the last were disturbed.
    #[serde(default)]
    pub ceiling_attempts: Vec<CeilingAttempt>,
    /// The scenario that this one repeats with fresh connections, to tell what closing costs.
    #[serde(default)]
    pub fresh_for: Option<String>,
}

/// A rate that is a share of the slowest contender's capacity, as it was found before the rounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CalibrationRecord {
    /// The scenario's name.
    pub scenario: String,
    /// The share, 0..1.
    pub share: f64,
    /// Requests a second of each contender in a closed loop with the scenario's connections.
    pub capacities: Vec<CapacityRecord>,
    /// The rate for all; absent when no capacity could be measured.
    pub rate_per_second: Option<f64>,
}

/// What a contender could do in a calibration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CapacityRecord {
    /// Its name.
    pub contender: String,
    /// Correct answers a second.
    pub requests_per_second: f64,
}

/// One measurement of the load engine's ceiling.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CeilingAttempt {
    /// Requests a second.
    pub rate_per_second: f64,
    /// What others took from the machine meanwhile.
    #[serde(flatten)]
    pub disturbance: Disturbance,
}

/// What made a scenario's requests due.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PacingRecord<'a> {
    /// Closed loop: the response to the one before.
    Closed,
    /// Open loop: the clock.
    Rate {
        /// Requests a second.
        per_second: f64,
        /// How they were spread.
        spread: Spread,
    },
    /// Open loop: each trial looked for the highest rate that keeps a promise.
    Capacity {
        /// The promise, in words.
        objective: &'a str,
        /// How requests were spread.
        spread: Spread,
    },
}

impl SuiteRecord {
    /// That of a run that has not begun.
    pub(super) fn of(plan: &RunPlan) -> Self {
        let suite = &plan.suite;
        Self {
            name: suite.name.clone(),
            source: suite.source.clone(),
            baseline: suite.baseline().name.clone(),
            margin: suite.margin,
            disturbance: plan.rounds.disturbance,
            looks: Vec::new(),
            scenarios: ScenarioRecord::all(&plan.scenarios, plan.placement.client_cpus.len()),
            thresholds: suite.thresholds.iter().map(ThresholdRecord::of).collect(),
            warm_up: Some(WarmUpRecord::of(&plan.warm_up)),
        }
    }
}

impl WarmUpRecord {
    fn of(warm_up: &WarmUp) -> Self {
        let ns = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        Self { window_ns: ns(warm_up.window), windows: warm_up.windows, cap_ns: ns(warm_up.cap) }
    }
}

impl ThresholdRecord {
    fn of(threshold: &Threshold) -> Self {
        let (limit, relative_to) = match &threshold.limit {
            Limit::Amount(amount) => (*amount, None),
            Limit::Times { factor, contender } => (*factor, Some(contender.clone())),
        };
        Self {
            metric: threshold.metric.clone(),
            contender: threshold.contender.clone(),
            bound: match threshold.bound {
                Bound::AtLeast => BoundRecord::AtLeast,
                Bound::AtMost => BoundRecord::AtMost,
            },
            limit,
            relative_to,
            text: threshold.text.clone(),
        }
    }
}

impl ScenarioRecord {
    /// How scenarios are run on a client with so many cores.
    #[must_use]
    pub fn all(scenarios: &[Scenario], client_cores: usize) -> Vec<Self> {
        scenarios.iter().map(|scenario| Self::of(scenario, client_cores)).collect()
    }

    fn of(scenario: &Scenario, client_cores: usize) -> Self {
        let (requests, duration_ns) = match scenario.extent {
            Extent::Count(requests) => (Some(requests), None),
            Extent::Time(time) => (None, u64::try_from(time.as_nanos()).ok()),
        };
        let (rate_per_second, objective, spread) = match &scenario.pacing {
            Pacing::Closed => (None, None, None),
            Pacing::Rate { per_second, spread } => (Some(*per_second), None, Some(spread)),
            Pacing::ShareOfSlowest { spread, .. } => (None, None, Some(spread)),
            Pacing::Capacity { objective, spread } => {
                (None, Some(objective.text.clone()), Some(spread))
            }
        };
        Self {
            name: scenario.name.clone(),
            connections: scenario.connections,
            threads: scenario.threads_on(client_cores),
            fresh: scenario.is_fresh(),
            requests,
            duration_ns,
            rate_per_second,
            exponential: spread.is_some_and(|it| it.arrivals == Arrivals::Exponential),
            burst: spread.map(|spread| spread.burst).filter(|burst| *burst > 1),
            objective,
            ceiling_per_second: None,
            ceiling_attempts: Vec::new(),
            fresh_for: scenario.fresh_for.clone(),
        }
    }

    /// What made its requests due. One whose rate is a share that was never found had none, as a
    /// closed loop.
    #[must_use]
    pub fn pacing(&self) -> PacingRecord<'_> {
        let arrivals = if self.exponential { Arrivals::Exponential } else { Arrivals::Even };
        let spread = Spread { arrivals, burst: self.burst.unwrap_or(1) };
        match (&self.objective, self.rate_per_second) {
            (Some(objective), _) => PacingRecord::Capacity { objective, spread },
            (None, Some(per_second)) => PacingRecord::Rate { per_second, spread },
            (None, None) => PacingRecord::Closed,
        }
    }

    /// Keeps the attempts at the ceiling, and the highest as the ceiling: a disturbance only ever
    /// lowers it.
    pub fn set_ceiling(&mut self, attempts: Vec<CeilingAttempt>) {
        let rates = attempts.iter().map(|attempt| attempt.rate_per_second);
        self.ceiling_per_second = rates.reduce(f64::max);
        self.ceiling_attempts = attempts;
    }

    /// Whether the ceiling was disturbed in every attempt, so that it may be too low.
    #[must_use]
    pub fn has_disturbed_ceiling(&self, limits: &Limits) -> bool {
        let is_disturbed =
            |attempt: &CeilingAttempt| limits.exceeded_by(&attempt.disturbance).is_some();
        !self.ceiling_attempts.is_empty() && self.ceiling_attempts.iter().all(is_disturbed)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::suite::Suite;

    #[test]
    fn a_pacing_survives_the_record() {
        let spread = Spread { arrivals: Arrivals::Exponential, burst: 4 };
        let recorded = |lines: &str| {
            let text = format!(
                "[suite]\nname = \"s\"\n[[contender]]\nname = \"a\"\nurl = \"http://h/\"\n\
                 [[scenario]]\nname = \"q\"\nduration = \"1s\"\n{lines}\n"
            );
            let suite = Suite::parse(&text, "s", Path::new("/")).unwrap();
            ScenarioRecord::all(&suite.scenarios, 1).remove(0)
        };
        assert_eq!(recorded("").pacing(), PacingRecord::Closed);
        let drawn = "arrivals = \"exponential\"\nburst = 4\n";
        let rate = recorded(&format!("rate = 500\n{drawn}"));
        assert_eq!(rate.pacing(), PacingRecord::Rate { per_second: 500.0, spread });
        let capacity = recorded(&format!("objective = \"p99 < 20ms\"\n{drawn}"));
        let objective = "p99 < 20ms";
        assert_eq!(capacity.pacing(), PacingRecord::Capacity { objective, spread });
    }
}
