//! What was asked for and planned, on disk. The rest of the plan is beside it in the record: the
//! seed, the placement, and in `suite` the scenarios, the looks, the warm-up and the limits. What a
//! visit begins with, and where its time went.

use jigger_load::Arrivals;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ScenarioRecord, VisitRecord};
use crate::disturbance::Disturbance;

/// The options of a run, and its plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanRecord {
    /// The program's arguments that repeat these options for the suite in `suite.toml`.
    pub arguments: Vec<String>,
    /// The planned phases, in order, after the contenders were prepared.
    pub phases: Vec<Phase>,
    /// The fewest rounds.
    pub min_rounds: usize,
    /// The most rounds.
    pub max_rounds: usize,
    /// A comparison with an interval of at most this half-width needed no more rounds.
    pub until_half_width: f64,
    /// Once `min_rounds` were done, none was begun that would end after this; absent for no limit.
    pub budget_ns: Option<u64>,
    /// Whether the baseline was entered a second time.
    pub placebo: bool,
    /// How long each ceiling was measured.
    pub ceiling_ns: Option<u64>,
}

/// A part of a run, in which entries are visited for one purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Every contender is launched and verified; the evidence is kept.
    Check,
    /// Every contender's capacity in a closed loop, for rates that are shares of the slowest one's.
    Calibration,
    /// A look at every contender: whether some close connections that others keep.
    Survey,
    /// The load generator's ceiling in each scenario.
    Ceilings,
    /// Launches for start-up times alone.
    Startups,
    /// Rounds of visits.
    Rounds,
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
        arrivals: Arrivals,
        /// Requests due at the same instant.
        burst: u32,
    },
    /// Open loop: each trial searched for the highest rate that meets an objective.
    Capacity {
        /// The objective, in words.
        objective: &'a str,
        /// How requests were spread.
        arrivals: Arrivals,
        /// Requests due at the same instant.
        burst: u32,
    },
}

impl ScenarioRecord {
    /// What made its requests due. One whose rate is a share that was never found had none, as a
    /// closed loop.
    pub fn pacing(&self) -> PacingRecord<'_> {
        let arrivals = if self.exponential { Arrivals::Exponential } else { Arrivals::Even };
        let burst = self.burst.unwrap_or(1);
        match (&self.objective, self.rate_per_second) {
            (Some(objective), _) => PacingRecord::Capacity { objective, arrivals, burst },
            (None, Some(per_second)) => PacingRecord::Rate { per_second, arrivals, burst },
            (None, None) => PacingRecord::Closed,
        }
    }
}

/// How long each part of a visit took; 0 for those that it did not come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VisitParts {
    /// Starting services that did not run, and the suite's commands before the visit.
    #[serde(default)]
    pub prepare_ns: u64,
    /// From the start of the guard to the first correct response.
    pub launch_ns: u64,
    /// Verifying the responses, and reading the idle memory.
    pub verify_ns: u64,
    /// The warm-up.
    pub warm_up_ns: u64,
    /// All trials, with what lies between them.
    pub trials_ns: u64,
    /// Stopping the server, until no process was left.
    pub stop_ns: u64,
    /// The suite's commands after the visit, and ending services that serve one visit.
    #[serde(default)]
    pub conclude_ns: u64,
}

impl VisitRecord {
    /// A visit of which nothing is known yet.
    pub fn begun(entry: &str, round: usize, position: usize) -> Self {
        Self {
            round,
            position,
            entry: entry.to_owned(),
            startup_ns: None,
            evidence: None,
            further_evidence: Vec::new(),
            steady: true,
            memory_idle_bytes: None,
            memory_peak_bytes: None,
            disturbance: Disturbance::default(),
            attempt: 0,
            repeated: false,
            parts: None,
            warm_up_rates: Vec::new(),
            trials: Vec::new(),
            failure: None,
        }
    }
}

/// A threshold: a limit for one metric of one contender.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ThresholdRecord {
    /// The metric's name.
    pub metric: String,
    /// Whose.
    pub contender: String,
    /// The side of the limit on which the metric has to stay.
    pub bound: BoundRecord,
    /// The limit in the metric's unit, or as a multiple of `relative_to`'s value.
    pub limit: f64,
    /// The contender whose value in the same rounds is the limit's measure.
    pub relative_to: Option<String>,
    /// The limit as the suite has it.
    pub text: String,
}

/// `[[published]]`: a ratio that others published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PublishedRecord {
    /// Who published it.
    pub source: String,
    /// The metric's whole name.
    pub metric: String,
    /// Whose value is divided.
    pub contender: String,
    /// By whose.
    pub to: String,
    /// The contender's value as a multiple of the other's.
    pub ratio: f64,
    /// The words in which it was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
    /// Why it may differ from what is measured here.
    pub why: String,
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
