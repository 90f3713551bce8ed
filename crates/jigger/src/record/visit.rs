//! What a visit begins with, and where its time went.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::VisitRecord;
use crate::disturbance::Disturbance;

/// How long each part of a visit took; 0 for those that it did not come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VisitParts {
    /// From the start of the guard to the first correct answer.
    pub launch_ns: u64,
    /// Asking for the evidence, and looking at the memory at rest.
    pub verify_ns: u64,
    /// The warm-up.
    pub warm_up_ns: u64,
    /// All trials, with what lies between them.
    pub trials_ns: u64,
    /// Until nothing of the server was left.
    pub stop_ns: u64,
}

impl VisitParts {
    /// All of it.
    #[must_use]
    pub fn total_ns(&self) -> u64 {
        self.launch_ns + self.verify_ns + self.warm_up_ns + self.trials_ns + self.stop_ns
    }
}

impl VisitRecord {
    /// A visit of which nothing is known yet.
    #[must_use]
    pub fn begun(entry: &str, round: usize, position: usize) -> Self {
        Self {
            round,
            position,
            entry: entry.to_owned(),
            startup_ns: None,
            evidence: None,
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
