//! The record: every sample of a run, on disk. All reports are functions of it.
//!
//! On-disk types live here and in `record/` alone. Times are in nanoseconds unless the name says
//! otherwise; histograms are HdrHistogram V2 (compressed), base64.

mod contender;
mod costs;
mod file;
mod histogram;
mod http2;
mod plan;
mod request;
mod service;
mod tls;

use std::collections::BTreeMap;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::disturbance::{Disturbance, Limits};
use crate::host::{Host, Placement};
use crate::wording::plain;

pub use contender::{ContenderRecord, Status};
pub use costs::{
    ArtifactRecord, BigFileRecord, BuildKind, ContainerRecord, ImageRecord, LaunchRecord,
    LayerRecord, Limit,
};
pub use file::{RecordError, RecordFile, embed};
pub use histogram::{decode_histogram, encode_histogram};
pub use http2::{Http2Settings, own_streams};
pub use plan::{
    BoundRecord, PacingRecord, Phase, PlanRecord, PublishedRecord, ThresholdRecord, VisitParts,
};
pub use request::{ReplayRecord, RequestRecord, RequestTrialRecord, VariantRecord};
pub use service::{ServiceRecord, ServiceTrialRecord};
pub use tls::{TlsAgreementRecord, TlsTrialRecord};

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
    /// The options and the plan; unknown in older records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanRecord>,
    /// What was to be measured.
    pub suite: SuiteRecord,
    /// Where.
    pub host: Host,
    /// On which cores.
    pub placement: Placement,
    /// What ran beside the contenders, each after those that it used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceRecord>,
    /// Who, in the suite's order, with what became of each.
    pub contenders: Vec<ContenderRecord>,
    /// How rates that are a share of a capacity were determined.
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
    /// Not yet: the run is in progress, or was killed.
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
    /// The limits beyond which a round was repeated, fixed before the first one.
    #[serde(default = "Limits::none")]
    pub disturbance: Limits,
    /// When the run was to be looked at, as fixed before the first round; older records have none.
    #[serde(default)]
    pub looks: Vec<LookRecord>,
    /// Its scenarios.
    pub scenarios: Vec<ScenarioRecord>,
    /// The thresholds.
    #[serde(default)]
    pub thresholds: Vec<ThresholdRecord>,
    /// What others published.
    #[serde(default)]
    pub published: Vec<PublishedRecord>,
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

/// One scenario as it was run.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioRecord {
    /// Its name.
    pub name: String,
    /// Connections held open.
    pub connections: usize,
    /// Load threads.
    pub threads: usize,
    /// Over HTTP/2: requests under way at once on each connection; absent for HTTP/1.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http2: Option<usize>,
    /// Whether the requests were gRPC calls.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub grpc: bool,
    /// Whether each request got a new connection.
    pub fresh: bool,
    /// How many requests a connection was kept for; absent for any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_connection: Option<u32>,
    /// Whether these resumed TLS sessions.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub resumed: bool,
    /// Requests a trial, where that ends it.
    pub requests: Option<u64>,
    /// Length of a trial, where that ends it.
    pub duration_ns: Option<u64>,
    /// Requests due per second, in an open loop.
    pub rate_per_second: Option<f64>,
    /// Whether they were due at random times, as independent users come.
    #[serde(default)]
    pub exponential: bool,
    /// Requests due at the same instant; absent for one.
    #[serde(default)]
    pub burst: Option<u32>,
    /// The objective; the scenario searched for the highest rate that meets it.
    #[serde(default)]
    pub objective: Option<String>,
    /// The load generator's rate in this scenario against a server that does nothing, in requests
    /// per second: the highest of the attempts.
    #[serde(default)]
    pub ceiling_per_second: Option<f64>,
    /// The attempts at it; all but the last were disturbed.
    #[serde(default)]
    pub ceiling_attempts: Vec<CeilingAttempt>,
    /// The scenario that this one repeats with fresh connections, to measure what closing costs.
    #[serde(default)]
    pub fresh_for: Option<String>,
    /// What was sent; empty for a GET of the contender's URL.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<RequestRecord>,
    /// What was sent for each connection before its load.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub setup: Vec<RequestRecord>,
    /// Whether each connection sent the cookies back that it was given.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keeps_cookies: bool,
    /// Which one of several that the suite's matrix made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<VariantRecord>,
    /// The file whose requests were sent in turn instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<ReplayRecord>,
}

/// A rate that is a share of the slowest contender's capacity, as it was found before the rounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CalibrationRecord {
    /// The scenario's name.
    pub scenario: String,
    /// The share, 0..1.
    pub share: f64,
    /// Requests per second of each contender in a closed loop with the scenario's connections.
    pub capacities: Vec<CapacityRecord>,
    /// The rate for all; absent when no capacity could be measured.
    pub rate_per_second: Option<f64>,
}

/// What a contender could do in a calibration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CapacityRecord {
    /// Its name.
    pub contender: String,
    /// Correct responses per second.
    pub requests_per_second: f64,
}

/// One measurement of the load engine's ceiling.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CeilingAttempt {
    /// Requests per second.
    pub rate_per_second: f64,
    /// What others took from the machine meanwhile.
    #[serde(flatten)]
    pub disturbance: Disturbance,
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
    /// Spawn to first correct response; absent when jigger did not start it.
    pub startup_ns: Option<u64>,
    /// What a correct response looked like; of several requests the one that showed that the server was
    /// ready.
    pub evidence: Option<Evidence>,
    /// The responses to the other requests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further_evidence: Vec<Evidence>,
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
    /// Correct responses per second in each window of the warm-up; none in older records.
    #[serde(default)]
    pub warm_up_rates: Vec<f64>,
    /// One for each scenario that ran, in the order in which they ran.
    pub trials: Vec<TrialRecord>,
    /// Why the visit ended early, with the tail of the server's log.
    pub failure: Option<String>,
}

/// What was seen when the responses were verified.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// What was sent, such as `POST /orders`; absent for a GET of the contender's URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// HTTP version, such as "1.1"; in older records "HTTP/1.1".
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
    /// Whether two responses were the same byte for byte.
    pub body_repeats: bool,
    /// Whether the server closed a connection that it should keep.
    pub closes_connections: bool,
    /// Processes in the server's tree once it responded.
    pub processes: Option<u32>,
    /// Threads in the server's tree once it responded.
    pub threads: Option<u32>,
    /// What its log said about a debug mode or a development server.
    pub debug_notice: Option<String>,
    /// Addresses of the URL's host that refused the connection, though they come before the one
    /// that the requests went to.
    #[serde(default)]
    pub refused_at: Vec<String>,
    /// The TLS parameters that were agreed on; absent over plain HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsAgreementRecord>,
}

impl Evidence {
    /// The version with the protocol's name, such as "HTTP/1.1".
    pub fn protocol(&self) -> String {
        format!("HTTP/{}", self.http_version.trim_start_matches("HTTP/"))
    }
}

/// One contender x one scenario x one round.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct TrialRecord {
    /// The scenario's name.
    pub scenario: String,
    /// Length of the trial.
    pub elapsed_ns: u64,
    /// Correct responses.
    pub requests: u64,
    /// Of these the ones whose body was taken as it came: only a sample was held to the rule for it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unchecked: u64,
    /// Bytes received.
    pub bytes_received: u64,
    /// From due (open loop) or first byte sent, or from the connect where each
    /// request has its own connection, to the last byte.
    pub response_time: String,
    /// Time to connect.
    pub connect_time: String,
    /// Responses by status code.
    pub status: BTreeMap<u16, u64>,
    /// Failed requests by kind; kinds that did not occur are left out.
    pub errors: BTreeMap<String, u64>,
    /// An example of what the system said, by kind.
    pub error_examples: BTreeMap<String, String>,
    /// Requests without a response when the trial ended.
    pub in_flight: u64,
    /// Age of the oldest of them.
    pub in_flight_oldest_ns: u64,
    /// Connections opened.
    pub connections_opened: u64,
    /// Connections that the server closed although it should keep them.
    pub closed_by_server: u64,
    /// Bytes that arrived while every request had its response.
    #[serde(default)]
    pub surplus_bytes: u64,
    /// Responses of which a piece arrived about 40 ms after the one before, as when the server waits for
    /// the client's delayed acknowledgement.
    #[serde(default)]
    pub held_back: u64,
    /// Responses that came after the trial and before its connections were closed.
    #[serde(default)]
    pub heard_out: u64,
    /// Processor time of the server's tree during the trial.
    pub server_cpu_ns: Option<u64>,
    /// Memory of the server's tree under this load: the median of its readings.
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
    /// The highest rate that met the scenario's objective; the rest of the trial was measured at that
    /// rate. Absent without an objective, or if no rate met it.
    #[serde(default)]
    pub capacity_per_second: Option<f64>,
    /// The rates that were tried for it, in that order.
    #[serde(default)]
    pub probes: Vec<ProbeRecord>,
    /// The resource that limited the rate; absent if it is not known, or there was no response.
    #[serde(default)]
    pub limit: Option<Limit>,
    /// The server's SETTINGS over HTTP/2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http2_settings: Option<Http2Settings>,
    /// Of several requests each by itself, in the scenario's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_request: Vec<RequestTrialRecord>,
    /// What each service used that the contender uses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceTrialRecord>,
    /// The TLS handshakes; absent over plain HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsTrialRecord>,
}

/// One rate tried in the search for the highest one that meets an objective.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProbeRecord {
    /// Requests due per second.
    pub rate_per_second: f64,
    /// How long it was tried.
    pub elapsed_ns: u64,
    /// Correct responses.
    pub requests: u64,
    /// Failed requests.
    pub errors: u64,
    /// Requests without a response at the end.
    pub in_flight: u64,
    /// The objective's statistic of the response times; absent with too few responses for it.
    pub statistic_ns: Option<u64>,
    /// Whether the objective was met.
    pub kept: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl TrialRecord {
    /// Correct responses per second, or with an objective the highest rate that met it; 0 if there is
    /// none.
    pub fn requests_per_second(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 53 bits")]
        let rate = self.requests as f64 * 1e9 / self.elapsed_ns.max(1) as f64;
        if self.probes.is_empty() { rate } else { self.capacity_per_second.unwrap_or(0.0) }
    }
}

impl VisitRecord {
    /// The response to each request, first the one that showed that the server was ready.
    pub fn responses(&self) -> impl Iterator<Item = &Evidence> {
        self.evidence.iter().chain(&self.further_evidence)
    }
}

impl ScenarioRecord {
    /// Whether requests come at a rate that is given, so that the servers do not decide it.
    pub fn is_rate_given(&self) -> bool {
        matches!(self.pacing(), PacingRecord::Rate { .. })
    }

    /// Keeps the attempts at the ceiling, and the highest as the ceiling: a disturbance only ever
    /// lowers it.
    pub fn set_ceiling(&mut self, attempts: Vec<CeilingAttempt>) {
        let rates = attempts.iter().map(|attempt| attempt.rate_per_second);
        self.ceiling_per_second = rates.reduce(f64::max);
        self.ceiling_attempts = attempts;
    }

    /// Whether the ceiling was disturbed in every attempt, so that it may be too low.
    pub fn has_disturbed_ceiling(&self, limits: &Limits) -> bool {
        let is_disturbed =
            |attempt: &CeilingAttempt| limits.exceeded_by(&attempt.disturbance).is_some();
        !self.ceiling_attempts.is_empty() && self.ceiling_attempts.iter().all(is_disturbed)
    }
}

impl Record {
    /// The scenarios' names, in the suite's order.
    pub fn scenario_names(&self) -> Vec<&str> {
        self.suite.scenarios.iter().map(|scenario| scenario.name.as_str()).collect()
    }

    pub fn scenario(&self, name: &str) -> Option<&ScenarioRecord> {
        self.suite.scenarios.iter().find(|scenario| scenario.name == name)
    }

    pub fn contender(&self, name: &str) -> Option<&ContenderRecord> {
        self.contenders.iter().find(|contender| contender.name == name)
    }

    /// The load engine's I/O backend; `None` before the first trial.
    pub fn driver(&self) -> Option<&str> {
        let mut trials = self.visits.iter().flat_map(|visit| &visit.trials);
        trials.next().map(|trial| trial.driver.as_str())
    }

    /// The indexes of the contenders that take part.
    pub fn taking_part(&self) -> Vec<usize> {
        let contenders = self.contenders.iter().enumerate();
        contenders.filter(|(_, it)| it.status == Status::Measured).map(|(at, _)| at).collect()
    }

    /// The program's arguments that make the same run of the suite in `suite.toml`; of an older
    /// record all that is known of them.
    pub fn arguments(&self) -> Vec<String> {
        let seed = self.seed.to_string();
        let known = || ["run", "suite.toml", "--seed", &seed].map(str::to_owned).to_vec();
        self.plan.as_ref().map_or_else(known, |plan| plan.arguments.clone())
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
            .map_err(|cause| RecordError::Read { path: shown.clone(), cause })?;
        let not_a_record =
            |message: String| RecordError::NotARecord { path: shown.clone(), message };
        let is_page = text.trim_start().starts_with('<');
        let text = match is_page.then(|| file::extract(&text)) {
            None => text,
            Some(Some(json)) => json,
            Some(None) => {
                return Err(not_a_record("the page has no complete record of jigger".to_owned()));
            }
        };
        let value: serde_json::Value =
            serde_json::from_str(&text).map_err(|error| not_a_record(no_json(&error)))?;
        match value.get("version").and_then(serde_json::Value::as_u64) {
            None => Err(not_a_record("it has no version".to_owned())),
            Some(found) if found > u64::from(VERSION) => {
                Err(RecordError::Newer { path: shown, found })
            }
            Some(_) => {
                let record = serde_json::from_value(value);
                record.map_err(|it| not_a_record(plain(&it.to_string(), "an object")))
            }
        }
    }
}

fn no_json(error: &serde_json::Error) -> String {
    format!("it is not valid JSON (line {}, column {})", error.line(), error.column())
}

#[cfg(test)]
mod tests {
    use super::*;

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
