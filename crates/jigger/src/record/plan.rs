//! What was asked for and planned, on disk. The rest of the plan is beside it in the record: the
//! seed, the placement, and in `suite` the scenarios, the looks, the warm-up and the limits.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plan::{Options, Phase, RunPlan};

/// What was asked for, and what was done about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanRecord {
    /// What was asked for beside the suite.
    pub options: Options,
    /// What was to be done, in this order.
    pub phases: Vec<Phase>,
    /// No stop before so many rounds.
    pub min_rounds: usize,
    /// Never more rounds.
    pub max_rounds: usize,
    /// A comparison known to within this share needed no further rounds.
    pub until_half_width: f64,
    /// Once `min_rounds` were done, none was begun that would end after this; absent for no limit.
    pub budget_ns: Option<u64>,
    /// Whether the baseline was entered a second time.
    pub placebo: bool,
    /// How long each ceiling was measured.
    pub ceiling_ns: Option<u64>,
}

impl PlanRecord {
    pub(super) fn of(plan: &RunPlan) -> Self {
        let ns = |time: std::time::Duration| u64::try_from(time.as_nanos()).ok();
        Self {
            options: plan.options.clone(),
            phases: plan.phases.clone(),
            min_rounds: plan.rounds.min,
            max_rounds: plan.rounds.max,
            until_half_width: plan.rounds.until_half_width,
            budget_ns: ns(plan.rounds.budget),
            placebo: plan.placebo,
            ceiling_ns: ns(plan.ceiling_time),
        }
    }
}
