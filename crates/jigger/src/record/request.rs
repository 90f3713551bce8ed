//! What a scenario sent, and what became of each of several requests.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One request of a scenario, as the suite has it: its placeholders are not filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RequestRecord {
    /// How often it was sent beside the scenario's others.
    pub weight: u32,
    /// Its method.
    pub method: String,
    /// What was appended to the contender's URL.
    pub path: String,
    /// Its headers, besides `Host` and `Content-Length`.
    pub headers: Vec<(String, String)>,
    /// Length of the body.
    pub body_bytes: u64,
    /// SHA-256 of the body, hexadecimal; absent without one.
    pub body_sha256: Option<String>,
    /// The files that it was read from, by the suite's key.
    pub files: BTreeMap<String, String>,
    /// Whether `{{counter}}` and its like were filled in.
    pub template: bool,
    /// What was kept of its responses, by the names of the values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub captures: BTreeMap<String, String>,
}

impl RequestRecord {
    /// `POST /orders`.
    pub fn title(&self) -> String {
        format!("{} {}", self.method, self.path).trim_end().to_owned()
    }
}

/// Which one of several this is that a suite's matrix made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VariantRecord {
    /// Their common name.
    pub of: String,
    /// Its values, by the matrix's keys.
    pub values: BTreeMap<String, String>,
}

/// A file whose requests were sent in turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReplayRecord {
    /// As the suite names it.
    pub file: String,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// Its requests.
    pub requests: u64,
    /// Requests of it that were not sent: of another host, or without the body that they had.
    pub left_out: u64,
}

/// What became of one of several requests in a trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RequestTrialRecord {
    /// Correct responses.
    pub requests: u64,
    /// Failed requests.
    pub errors: u64,
    /// As that of the trial.
    pub response_time: String,
}
