//! The record: every sample of a run, on disk. All reports are functions of it.
//!
//! On-disk types live here and in `record/` alone. Times are in nanoseconds unless the name says
//! otherwise; histograms are HdrHistogram V2 (compressed), base64.

mod costs;
mod embedded;
mod file;
mod limit;
mod plan;
mod suite;
mod visit;

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::disturbance::Disturbance;
use crate::host::{Host, Placement};
use crate::plan::{Method, Options, PLACEBO, RunPlan};

pub use costs::{
    ArtifactRecord, BigFileRecord, BuildKind, ContainerRecord, ImageRecord, LaunchRecord,
    LayerRecord,
};
pub use embedded::{Embedded, embed};
pub use file::RecordFile;
pub use limit::Limit;
pub use plan::PlanRecord;
pub use suite::{
    BoundRecord, CalibrationRecord, CapacityRecord, CeilingAttempt, LookRecord, PacingRecord,
    ScenarioRecord, SuiteRecord, ThresholdRecord, WarmUpRecord,
};
pub use visit::VisitParts;

/// The version of the on-disk format that this program writes and reads.
pub const VERSION: u32 = 2;

/// One run.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// [`VERSION`] of the program that wrote it.
    pub version: u32,
    /// That program's own version.
    pub jigger: String,
    /// When the run began, RFC 3339.
    pub created: String,
    /// The seed that the rounds' orders were drawn with.
    pub seed: u64,
    /// What was asked for and planned; unknown in older records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanRecord>,
    /// What was to be measured.
    pub suite: SuiteRecord,
    /// Where.
    pub host: Host,
    /// On which cores.
    pub placement: Placement,
    /// Who, in the suite's order, with what became of each.
    pub contenders: Vec<ContenderRecord>,
    /// How rates that hang on a capacity were found.
    #[serde(default)]
    pub calibrations: Vec<CalibrationRecord>,
    /// Launches before the rounds, in the order in which they were made.
    #[serde(default)]
    pub launches: Vec<LaunchRecord>,
    /// Every visit, in the order in which they were made.
    pub visits: Vec<VisitRecord>,
    /// How the run ended.
    pub ended: Ended,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// It has not: the program is at work, or was killed.
    NotYet,
    /// A planned look found every comparison decided, or known well enough.
    Decided,
    /// The intervals were narrow enough: older records.
    WidthReached,
    /// The highest number of rounds was reached.
    MaxRounds,
    /// The time budget was used up.
    Budget,
    /// Ctrl-C.
    Interrupted,
    /// No contender was left to measure.
    NothingLeft,
}

/// What became of a contender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It took part.
    Measured,
    /// The machine lacks what it needs.
    Skipped,
    /// It did not build, start, answer or last.
    Failed,
}

/// One contender.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ContenderRecord {
    /// Its name.
    pub name: String,
    /// What became of it.
    pub status: Status,
    /// Why, when it was skipped or failed.
    pub reason: Option<String>,
    /// The command that started it; empty when it was running already.
    pub start: Vec<String>,
    /// Environment given to it.
    pub environment: Vec<(String, String)>,
    /// Wall time of its build in this run; short when nothing had changed.
    pub build_seconds: Option<f64>,
    /// What the build made, where the suite names it.
    #[serde(default)]
    pub artifact: Option<ArtifactRecord>,
    /// Its container image.
    pub image: Option<ImageRecord>,
    /// Why there is no image figure.
    pub image_reason: Option<String>,
    /// How it ran in a container; absent when it ran as a process of the host.
    #[serde(default)]
    pub container: Option<ContainerRecord>,
}

/// One visit.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct VisitRecord {
    /// The round, from 0.
    pub round: usize,
    /// The place within the round, from 0.
    pub position: usize,
    /// The entry visited: a contender's name, or the placebo.
    pub entry: String,
    /// Spawn to first correct answer; absent when jigger did not start it.
    pub startup_ns: Option<u64>,
    /// What a correct answer looked like.
    pub evidence: Option<Evidence>,
    /// Whether the warm-up ended in a steady state.
    pub steady: bool,
    /// Memory of the server's tree before load.
    pub memory_idle_bytes: Option<u64>,
    /// The highest memory of the server's tree that was seen under load.
    pub memory_peak_bytes: Option<u64>,
    /// What others took from the machine meanwhile.
    #[serde(flatten)]
    pub disturbance: Disturbance,
    /// How often the round had been begun before.
    #[serde(default)]
    pub attempt: usize,
    /// Whether the round was made again, so that this visit does not enter the analysis.
    #[serde(default)]
    pub repeated: bool,
    /// How long each part took; unknown in older records.
    #[serde(default)]
    pub parts: Option<VisitParts>,
    /// Correct answers a second in each window of the warm-up; none in older records.
    #[serde(default)]
    pub warm_up_rates: Vec<f64>,
    /// One for each scenario that ran, in the order in which they ran.
    pub trials: Vec<TrialRecord>,
    /// Why the visit ended early, with the tail of the server's log.
    pub failure: Option<String>,
}

/// What was seen when the answers were verified.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// HTTP version, such as "1.1".
    pub http_version: String,
    /// Status code.
    pub status: u16,
    /// Headers as they came.
    pub headers: Vec<(String, String)>,
    /// Length of the body.
    pub body_bytes: u64,
    /// SHA-256 of the body, hexadecimal.
    pub body_sha256: String,
    /// The body's first bytes as text.
    pub body_start: String,
    /// Whether two answers were the same byte for byte.
    pub body_repeats: bool,
    /// Whether the server closed a connection that was to be kept.
    pub closes_connections: bool,
    /// Processes in the server's tree once it answered.
    pub processes: Option<u32>,
    /// Threads in the server's tree once it answered.
    pub threads: Option<u32>,
    /// What its log said about a debug mode or a development server.
    pub debug_notice: Option<String>,
    /// Addresses of the URL's host that refused the connection, though they come before the one
    /// that the server was asked at.
    #[serde(default)]
    pub refused_at: Vec<String>,
}

/// One contender x one scenario x one round.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct TrialRecord {
    /// The scenario's name.
    pub scenario: String,
    /// Length of the trial.
    pub elapsed_ns: u64,
    /// Correct answers.
    pub requests: u64,
    /// Bytes received.
    pub bytes_received: u64,
    /// From due (open loop) or first byte sent, or from the connect where each
    /// request has its own connection, to the last byte.
    pub response_time: String,
    /// Time to connect.
    pub connect_time: String,
    /// Answers by status code.
    pub status: BTreeMap<u16, u64>,
    /// Failed requests by kind; kinds that did not occur are left out.
    pub errors: BTreeMap<String, u64>,
    /// An example of what the system said, by kind.
    pub error_examples: BTreeMap<String, String>,
    /// Requests without an answer when the trial ended.
    pub in_flight: u64,
    /// Age of the oldest of them.
    pub in_flight_oldest_ns: u64,
    /// Connections opened.
    pub connections_opened: u64,
    /// Connections that the server closed although they were to be kept.
    pub closed_by_server: u64,
    /// Answers of which a piece came some 40 ms after the one before, as when the server waits for
    /// the client's delayed acknowledgement.
    #[serde(default)]
    pub held_back: u64,
    /// Answers that came after the trial and before its connections were closed.
    #[serde(default)]
    pub heard_out: u64,
    /// Processor time of the server's tree during the trial.
    pub server_cpu_ns: Option<u64>,
    /// Memory of the server's tree under this load: the median of the looks at it.
    #[serde(default)]
    pub memory_bytes: Option<u64>,
    /// Processor time of the load engine.
    pub engine_cpu_ns: u64,
    /// Cores that the load engine had.
    pub engine_cores: usize,
    /// Closed loop: time in which connections had no request under way, summed over them: they
    /// were being closed and made again, or had no request left to send.
    #[serde(default)]
    pub idle_ns: Option<u64>,
    /// Bytes that the server wrote to its log meanwhile.
    pub log_bytes: u64,
    /// The engine's driver.
    pub driver: String,
    /// Requests that were due or begun until the end.
    #[serde(default)]
    pub due: Option<u64>,
    /// The highest rate that kept the scenario's objective; the rest of the trial is what was
    /// measured at that rate. Absent without an objective, or when no rate kept it.
    #[serde(default)]
    pub capacity_per_second: Option<f64>,
    /// The rates that were tried for it, in that order.
    #[serde(default)]
    pub probes: Vec<ProbeRecord>,
    /// The resource that was used up; absent where that is not known, or nothing was answered.
    #[serde(default)]
    pub limit: Option<Limit>,
}

/// One rate tried in the search for the highest one that keeps an objective.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProbeRecord {
    /// Requests due each second.
    pub rate_per_second: f64,
    /// How long it was tried.
    pub elapsed_ns: u64,
    /// Correct answers.
    pub requests: u64,
    /// Failed requests.
    pub errors: u64,
    /// Requests without an answer at the end.
    pub in_flight: u64,
    /// The objective's statistic of the response times; absent with too few answers for it.
    pub statistic_ns: Option<u64>,
    /// Whether the objective was kept.
    pub kept: bool,
}

impl TrialRecord {
    /// Correct answers a second, or with an objective the highest rate that kept it; 0 where there
    /// is none.
    #[must_use]
    pub fn requests_per_second(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 53 bits")]
        let answered = self.requests as f64 * 1e9 / self.elapsed_ns.max(1) as f64;
        if self.probes.is_empty() { answered } else { self.capacity_per_second.unwrap_or(0.0) }
    }
}

/// Why a record cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The file cannot be written.
    #[error("cannot write the record {path}: {source}\n  name another place with --record FILE")]
    Write {
        /// Where.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file cannot be read.
    #[error("cannot read the record {path}: {source}")]
    Read {
        /// Where.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not a record.
    #[error("{path} is not a record of jigger: {message}")]
    NotARecord {
        /// Where.
        path: String,
        /// What is wrong.
        message: String,
    },
    /// A newer program wrote it.
    #[error(
        "{path} has record version {found}; this jigger reads up to {VERSION}\n  use the jigger that wrote it, or a newer one"
    )]
    Newer {
        /// Where.
        path: String,
        /// The version found.
        found: u64,
    },
}

impl Record {
    /// The record of a run that begins now, on a host of which these are the facts.
    #[must_use]
    pub fn begun(plan: &RunPlan, host: Host) -> Self {
        Self {
            version: VERSION,
            jigger: env!("CARGO_PKG_VERSION").to_owned(),
            created: jiff::Timestamp::now().to_string(),
            seed: plan.options.method.seed,
            plan: Some(PlanRecord::of(plan)),
            suite: SuiteRecord::of(plan),
            host,
            placement: plan.placement.clone(),
            contenders: Vec::new(),
            calibrations: Vec::new(),
            launches: Vec::new(),
            visits: Vec::new(),
            ended: Ended::NotYet,
        }
    }

    /// The program's arguments that make the same run of the suite in this file; of an older record
    /// all that is known of them.
    #[must_use]
    pub fn arguments(&self, suite: &str) -> Vec<String> {
        let method = || Method { seed: self.seed, ..Method::default() };
        let known = || Options { method: method(), ..Options::default() };
        let options = self.plan.as_ref().map_or_else(known, |plan| plan.options.clone());
        options.arguments(suite)
    }

    /// The indexes of the contenders that take part.
    #[must_use]
    pub fn taking_part(&self) -> Vec<usize> {
        let contenders = self.contenders.iter().enumerate();
        contenders.filter(|(_, it)| it.status == Status::Measured).map(|(at, _)| at).collect()
    }

    /// Marks a contender as failed; the placebo's failures are the baseline's.
    pub fn mark_failed(&mut self, entry: &str, reason: String) {
        let name = if entry == PLACEBO { self.suite.baseline.as_str() } else { entry };
        if let Some(contender) = self.contenders.iter_mut().find(|it| it.name == name) {
            contender.status = Status::Failed;
            contender.reason = Some(reason);
        }
    }

    /// The visits that the analysis is of: all but those of rounds that were made again.
    pub fn used_visits(&self) -> impl Iterator<Item = &VisitRecord> {
        self.visits.iter().filter(|visit| !visit.repeated)
    }

    /// Those of one entry, in the order of the rounds.
    pub fn visits_of<'a>(&'a self, entry: &'a str) -> impl Iterator<Item = &'a VisitRecord> {
        self.used_visits().filter(move |visit| visit.entry == entry)
    }

    /// Reads a record of this or an older version, from its file or from an HTML report.
    ///
    /// # Errors
    /// [`RecordError`] when it cannot be read, is no record, or is newer.
    pub fn read(path: &Path) -> Result<Self, RecordError> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|source| RecordError::Read { path: shown.clone(), source })?;
        let not_a_record =
            |message: String| RecordError::NotARecord { path: shown.clone(), message };
        let is_page = text.trim_start().starts_with('<');
        let text = match is_page.then(|| embedded::extract(&text)) {
            None => text,
            Some(Some(json)) => json,
            Some(None) => {
                return Err(not_a_record("the page holds no whole record of jigger".to_owned()));
            }
        };
        let value: serde_json::Value =
            serde_json::from_str(&text).map_err(|error| not_a_record(error.to_string()))?;
        match value.get("version").and_then(serde_json::Value::as_u64) {
            None => Err(not_a_record("it has no version".to_owned())),
            Some(found) if found > u64::from(VERSION) => {
                Err(RecordError::Newer { path: shown, found })
            }
            Some(_) => {
                serde_json::from_value(value).map_err(|error| not_a_record(error.to_string()))
            }
        }
    }
}

/// The schema of a record.
#[must_use]
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Record).to_value()
}

/// A histogram as text: V2 with compression, base64.
#[must_use]
pub fn encode_histogram(histogram: &Histogram<u64>) -> String {
    let mut bytes = Vec::new();
    V2DeflateSerializer::new()
        .serialize(histogram, &mut bytes)
        .expect("writing to memory cannot fail");
    STANDARD.encode(bytes)
}

/// A histogram from its text; `None` when it is damaged.
#[must_use]
pub fn decode_histogram(text: &str) -> Option<Histogram<u64>> {
    let bytes = STANDARD.decode(text).ok()?;
    Deserializer::new().deserialize(&mut bytes.as_slice()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_survives_its_text() {
        let mut histogram = Histogram::<u64>::new(3).unwrap();
        histogram.record_n(1_000, 5).unwrap();
        histogram.record(9_000_000).unwrap();
        assert_eq!(decode_histogram(&encode_histogram(&histogram)).unwrap(), histogram);
        assert!(decode_histogram("AAAA").is_none());
    }

    #[test]
    fn newer_and_foreign_files_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let message = |text: &str| {
            let path = folder.path().join("r.json");
            std::fs::write(&path, text).unwrap();
            Record::read(&path).unwrap_err().to_string()
        };
        assert!(message("{\"version\": 99}").contains("record version 99"));
        assert!(message("{}").contains("it has no version"));
        assert!(message("x").contains("is not a record of jigger"));
    }
}
