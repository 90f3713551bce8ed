//! The suite file as it is written: these types mirror the keys, no more.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{SuiteError, names};

/// The whole file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawSuite {
    pub suite: RawHead,
    #[serde(default)]
    pub expect: Option<RawExpect>,
    #[serde(default)]
    pub contender: Vec<RawContender>,
    #[serde(default)]
    pub scenario: Vec<RawScenario>,
}

/// `[suite]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawHead {
    pub name: String,
    pub baseline: Option<String>,
    pub placebo: Option<bool>,
    pub margin: Option<f64>,
    pub measure_closing: Option<bool>,
    #[serde(default)]
    pub rounds: RawRounds,
    #[serde(default)]
    pub warm_up: RawWarmUp,
    #[serde(default)]
    pub disturbance: RawDisturbance,
}

/// `rounds = { ... }`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawRounds {
    pub min: Option<usize>,
    pub max: Option<usize>,
    pub until_half_width: Option<f64>,
    pub budget: Option<String>,
}

/// `warm_up = { ... }`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawWarmUp {
    pub window: Option<String>,
    pub windows: Option<usize>,
    pub cap: Option<String>,
}

/// `disturbance = { ... }`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawDisturbance {
    pub steal: Option<f64>,
    pub foreign_cpu: Option<f64>,
    pub cpu_pressure: Option<f64>,
    pub throttled: Option<f64>,
}

/// `[expect]` or a contender's `expect = { ... }`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawExpect {
    pub status: Option<u16>,
    pub headers: Option<BTreeMap<String, String>>,
    #[schemars(with = "Option<serde_json::Value>")]
    pub json: Option<toml::Value>,
    pub text: Option<String>,
    pub regex: Option<String>,
    pub sha256: Option<String>,
    pub length: Option<u64>,
}

/// A command: one string, split as a shell splits words, or an argument list.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RawCommand {
    Line(String),
    Arguments(Vec<String>),
}

/// `build`: one command line, or several; each a line or an argument list.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RawBuild {
    Line(String),
    Commands(Vec<RawCommand>),
}

/// `[[contender]]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawContender {
    pub name: String,
    pub dir: Option<String>,
    #[serde(default)]
    pub needs: Vec<String>,
    pub build: Option<RawBuild>,
    pub start: Option<RawCommand>,
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    pub url: String,
    pub start_limit: Option<String>,
    pub grace: Option<String>,
    pub expect: Option<RawExpect>,
    pub image: Option<RawImage>,
}

/// `image = { ... }`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawImage {
    pub build: Option<RawCommand>,
    #[serde(rename = "ref")]
    pub reference: Option<String>,
}

/// `[[scenario]]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawScenario {
    pub name: String,
    pub connections: Option<usize>,
    pub threads: Option<RawThreads>,
    pub connection: Option<String>,
    pub requests: Option<u64>,
    pub duration: Option<String>,
    pub rate: Option<f64>,
    pub timeout: Option<String>,
}

/// `threads = 8` or `threads = "auto"`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RawThreads {
    Count(usize),
    Word(String),
}

/// Reads the text into the raw types.
pub fn parse(text: &str, place: &str) -> Result<RawSuite, SuiteError> {
    toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        SuiteError::Syntax { place: format!("{place}:{line}"), message: explain(error.message()) }
    })
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

/// serde lists every known field; a reader wants the nearest.
fn explain(message: &str) -> String {
    let Some(rest) = message.strip_prefix("unknown field `") else {
        return message.to_owned();
    };
    let mut quoted = rest.split('`');
    let name = quoted.next().unwrap_or_default();
    let known: Vec<&str> = quoted.skip(1).step_by(2).collect();
    names::unknown("key", name, &known)
}
