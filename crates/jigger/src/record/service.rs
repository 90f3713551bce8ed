//! Services on disk: what ran beside the contenders, and what it used in each trial.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A service that contenders used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceRecord {
    /// Its name.
    pub name: String,
    /// What its version command says; absent without one, or when it never ran.
    pub version: Option<String>,
    /// The command that started it; empty for one that ran from an image.
    pub start: Vec<String>,
    /// The image that it ran from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The user that it ran as; absent for jigger's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Whether it was started afresh for each visit.
    pub each_visit: bool,
    /// The cores that it was kept to.
    pub cpus: Vec<usize>,
    /// Why it could not be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What a service used in a trial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceTrialRecord {
    /// Its name.
    pub name: String,
    /// Processor time of its tree.
    pub cpu_ns: u64,
    /// Memory of its tree at the end.
    pub memory_bytes: u64,
}
