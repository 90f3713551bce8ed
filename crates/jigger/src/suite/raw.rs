//! The suite file as it is written: these types mirror the keys, no more.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::SuiteError;
use crate::record::{PublishedRecord, VariantRecord};
use crate::wording::plain;

/// The whole file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawSuite {
    /// Names the suite and says how it is measured.
    pub suite: RawHead,
    /// What a correct response is, for every contender.
    #[serde(default)]
    pub expect: Option<RawExpect>,
    /// The request that is sent, unless a scenario has its own; a GET of the contender's URL by default.
    pub request: Option<RawRequest>,
    /// What is sent in turn for each connection before its load, such as a login.
    #[serde(default)]
    pub setup_request: Vec<RawRequest>,
    /// What contenders need beside them, such as a database.
    #[serde(default)]
    pub service: Vec<RawService>,
    /// The servers under comparison.
    #[serde(default)]
    pub contender: Vec<RawContender>,
    /// Keys of [[scenario]], or names in braces in its texts and those of [[contender]], with the values
    /// for which they are measured one by one.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Vec<serde_json::Value>>")]
    pub matrix: BTreeMap<String, Vec<toml::Value>>,
    /// The loads to run. Each visit runs all of them, those with fresh connections last.
    #[serde(default)]
    pub scenario: Vec<RawScenario>,
    /// Limits for metrics; a run that misses one ends with exit code 1.
    #[serde(default)]
    pub threshold: Vec<RawThreshold>,
    /// Ratios that others published, which the report sets beside its own.
    #[serde(default)]
    pub published: Vec<PublishedRecord>,
    /// How contenders run in containers, if they do.
    #[serde(default)]
    pub containers: RawContainers,
}

/// `[containers]`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawContainers {
    /// "host", the default, or "bridge".
    pub network: Option<String>,
    /// The most CPU time, in cores; no limit by default.
    pub cpus: Option<f64>,
    /// The most memory, such as "512 MB"; no limit by default.
    pub memory: Option<String>,
}

/// `[suite]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawHead {
    /// Names the suite in reports and the record's file.
    pub name: String,
    /// The contender by whose figures the others are divided; the first by default.
    pub baseline: Option<String>,
    /// Enter the baseline a second time, for more data on the contender that all others are
    /// compared with; true by default.
    pub placebo: Option<bool>,
    /// The largest difference that does not matter, as a fraction below 1; 0.02 by default.
    pub margin: Option<f64>,
    /// If some contenders close connections, also load all of them with fresh connections; true by
    /// default.
    pub measure_closing: Option<bool>,
    /// How many rounds.
    #[serde(default)]
    pub rounds: RawRounds,
    /// How a server is brought to its steady state.
    #[serde(default)]
    pub warm_up: RawWarmUp,
    /// How much others may take from the machine before a round is repeated.
    #[serde(default)]
    pub disturbance: RawDisturbance,
    /// Commands before each visit, in the suite's folder.
    pub prepare: Option<RawBuild>,
    /// Commands after each visit, in the suite's folder.
    pub conclude: Option<RawBuild>,
}

/// `rounds = { ... }`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawRounds {
    /// The fewest rounds; 3 by default, because an interval needs 3.
    pub min: Option<usize>,
    /// The most rounds; 20 by default. Looks after about a quarter and a half may end the run.
    pub max: Option<usize>,
    /// A comparison with an interval of at most this half-width needs no more rounds; a fraction,
    /// 0.03 by default.
    pub until_half_width: Option<f64>,
    /// Begin no round that would probably end after this, such as "5m", the default.
    pub budget: Option<String>,
}

/// `warm_up = { ... }`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawWarmUp {
    /// The length of one window; "200ms" by default.
    pub window: Option<String>,
    /// The windows that must agree in a contender's first warm-up; 5 by default.
    pub windows: Option<usize>,
    /// The longest warm-up; "10s" by default.
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
    /// The status code; 200 by default.
    pub status: Option<u16>,
    /// Headers that must be present with exactly this value.
    pub headers: Option<BTreeMap<String, String>>,
    /// The body is JSON with this value.
    #[schemars(with = "Option<serde_json::Value>")]
    pub json: Option<toml::Value>,
    /// The body is this text, byte for byte.
    pub text: Option<String>,
    /// This regular expression matches somewhere in the body.
    pub regex: Option<String>,
    /// The body has this SHA-256, in hexadecimal.
    pub sha256: Option<String>,
    /// The body has this many bytes, or between two numbers of bytes: "100..5000".
    pub length: Option<RawLength>,
    /// The body is this HTML; spacing and the way in which characters are written do not matter.
    pub html: Option<String>,
    /// The body is JSON that this JSON Schema describes; a text is the name of the schema's file.
    #[schemars(with = "Option<serde_json::Value>")]
    pub schema: Option<toml::Value>,
    /// The body is JSON that has these values, or values of these types, at these JSON pointers.
    #[schemars(with = "Option<BTreeMap<String, serde_json::Value>>")]
    pub jsonpath: Option<BTreeMap<String, toml::Value>>,
    /// A command that gets the body as its standard input and ends with 0 when all is right.
    pub command: Option<RawCommand>,
}

/// The length of a body.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "a number of bytes belongs here, or a range in quotes: \"100..5000\""
)]
pub enum RawLength {
    Bytes(u64),
    /// The smallest and the largest: "100..5000".
    Range(String),
}

/// `[request]`, a scenario's `request = { ... }`, and each of its `requests_mix`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawRequest {
    /// In requests_mix: how often this request is sent relative to the others; 1 by default.
    pub weight: Option<u32>,
    /// "GET" by default, "POST" with a body.
    pub method: Option<String>,
    /// Appended to the contender's url; begins with / or ?.
    pub path: Option<String>,
    /// Headers besides Host and Content-Length; {env:NAME} is an environment variable.
    pub headers: Option<BTreeMap<String, String>>,
    /// The body as a text.
    pub body: Option<String>,
    /// The body as a value, sent as JSON with the header Content-Type: application/json.
    #[schemars(with = "Option<serde_json::Value>")]
    pub json: Option<toml::Value>,
    /// The file that is the body, relative to the suite file.
    pub body_file: Option<String>,
    /// The file whose lines replace {{line}} in turn, relative to the suite file.
    pub lines: Option<String>,
    /// Fill {{counter}}, {{random}}, {{random:LOW:HIGH}} and {{line}} in path, headers and body;
    /// true by default.
    pub template: Option<bool>,
    /// The correct response to this request; each key overrides the contender's expectation.
    pub expect: Option<RawExpect>,
    /// Each connection sends back the cookies that it was given; false by default.
    pub cookies: Option<bool>,
    /// In [[setup_request]] alone: what of the response {{NAME}} stands for afterwards, as
    /// "json:/POINTER", "header:NAME" or "regex:PATTERN".
    pub capture: Option<BTreeMap<String, String>>,
}

/// A command: one string, split as a shell splits words, or an argument list.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a command belongs here: a text in quotes, or an array of words")]
pub enum RawCommand {
    Line(String),
    Arguments(Vec<String>),
}

/// `build`: one command line, or several; each a line or an argument list.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "a command belongs here, as a text in quotes, or an array of several"
)]
pub enum RawBuild {
    Line(String),
    Commands(Vec<RawCommand>),
}

/// `[[contender]]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawContender {
    /// Unique within the suite.
    pub name: String,
    /// The folder in which the commands run, relative to the suite file.
    pub dir: Option<String>,
    /// Programs that must be on PATH; otherwise the contender is skipped.
    #[serde(default)]
    pub needs: Vec<String>,
    /// One command, or a list of commands run before the first round.
    pub build: Option<RawBuild>,
    /// The commands that build everything from scratch, for --clean-build.
    pub clean_build: Option<RawBuild>,
    /// What the build makes, relative to `dir`: its size is reported.
    pub artifact: Option<String>,
    /// The server's command; without it the server has to be running already.
    pub start: Option<RawCommand>,
    /// Environment variables for the server; {port} stands for its port.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// The URL that requests are sent to: http://HOST:PORT/PATH, or https://; {port} stands for a
    /// free port.
    pub url: String,
    /// Longest time from the start to the first correct response; "30s" by default.
    pub start_limit: Option<String>,
    /// Time from SIGTERM to SIGKILL; "5s" by default.
    pub grace: Option<String>,
    /// Headers that its requests have besides those of the suite, or instead.
    pub headers: Option<BTreeMap<String, String>>,
    /// The path of its request, instead of that of the suite.
    pub path: Option<String>,
    /// The services that it needs; {NAME.port} and {NAME.dir} stand for their ports and folders.
    #[serde(default)]
    pub uses: Vec<String>,
    /// The user that it runs as; needs root.
    pub user: Option<String>,
    /// The user that it runs as if jigger runs as root; otherwise jigger's own user.
    pub user_if_root: Option<String>,
    /// Commands before each visit of it, after those of the suite.
    pub prepare: Option<RawBuild>,
    /// Commands after each visit of it, before those of the suite.
    pub conclude: Option<RawBuild>,
    /// The correct response; each key overrides the suite's [expect].
    pub expect: Option<RawExpect>,
    /// The client's TLS options, if the url is https://.
    pub tls: Option<RawTls>,
    /// The version of HTTP that it is loaded in, where no scenario has one: "http/1.1" or "h2".
    pub protocol: Option<String>,
    /// With "h2": requests under way at once on each connection; it gets so many times fewer connections.
    pub streams: Option<usize>,
    /// The contender that this one is a variant of: the report says what sets their figures apart.
    pub counterpart: Option<String>,
    /// Its container image, for its size.
    pub image: Option<RawImage>,
    /// Which of several this is.
    #[serde(skip)]
    pub(super) variant: Option<VariantRecord>,
}

/// `tls = { ... }`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawTls {
    /// The file with the certificates to trust (PEM), instead of the system's.
    pub ca: Option<String>,
    /// The file with the client's certificate (PEM).
    pub cert: Option<String>,
    /// The file with the private key to it (PEM).
    pub key: Option<String>,
    /// Do not verify the server's certificate; false by default.
    pub insecure: Option<bool>,
    /// The server name to send (SNI) and to verify, instead of the url's host.
    pub sni: Option<String>,
    /// The only version to offer, "1.2" or "1.3"; both by default.
    pub version: Option<String>,
    /// The cipher suites to offer, in IANA's names, best first; all by default.
    #[serde(default)]
    pub ciphers: Vec<String>,
    /// The groups to offer for the key exchange, in IANA's names, best first; the usual ones by default.
    #[serde(default)]
    pub groups: Vec<String>,
}

/// `image = { ... }`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawImage {
    /// The command that builds the image; {engine} and {tag} stand for the engine and the tag.
    pub build: Option<RawCommand>,
    /// The reference of an image that the engine already has.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// Words after the image's name when it runs as a container: arguments of its command, or
    /// another command.
    pub args: Option<RawCommand>,
    /// Environment variables of the container.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// The port on which it listens within the container.
    pub port: Option<u16>,
}

/// `[[service]]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawService {
    /// Unique within the suite; the first part of {NAME.port} and {NAME.dir}.
    pub name: String,
    /// Other services that it needs.
    #[serde(default)]
    pub uses: Vec<String>,
    /// Programs that must be on PATH; otherwise the contenders that use it are skipped.
    #[serde(default)]
    pub needs: Vec<String>,
    /// Folders besides PATH in which its programs may be; * stands for any name.
    #[serde(default)]
    pub path: Vec<String>,
    /// The user that it runs as; needs root.
    pub user: Option<String>,
    /// The user that it runs as if jigger runs as root; otherwise jigger's own user.
    pub user_if_root: Option<String>,
    /// Its command; {port} is its port, {dir} its own temporary folder.
    pub start: Option<RawCommand>,
    /// The image to run it from, instead of start.
    pub image: Option<RawServiceImage>,
    /// Commands before it is started.
    pub setup: Option<RawBuild>,
    /// When it is ready: "tcp" by default, an http:// URL, or a command that ends with 0.
    pub ready: Option<RawCommand>,
    /// Commands once it is ready, such as those that fill a database.
    pub populate: Option<RawBuild>,
    /// The command whose first line of output is its version.
    pub version: Option<RawCommand>,
    /// Environment variables for all its commands.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Its port; a free one by default.
    pub port: Option<u16>,
    /// "run", the default: one start for the whole run; or "visit": a fresh start before each visit.
    pub scope: Option<String>,
    /// "servers", the default: on the servers' cores; or "services": on separate cores if there are
    /// enough.
    pub cpus: Option<String>,
    /// The longest that one of its commands before its start, or once it is ready, may take; "5m" by
    /// default.
    pub setup_limit: Option<String>,
    /// Time from its start until it is ready; "30s" by default.
    pub start_limit: Option<String>,
    /// Time from SIGTERM to SIGKILL; "5s" by default.
    pub grace: Option<String>,
}

/// `image = "postgres:17"`, or a table.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "the reference of an image belongs here, or a table with its ref")]
pub enum RawServiceImage {
    Reference(String),
    Table(RawImage),
}

/// `[[scenario]]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawScenario {
    /// Unique within the suite; the first part of metric names.
    pub name: String,
    /// The number of open connections; 1 by default.
    pub connections: Option<usize>,
    /// Load threads, or "auto".
    pub threads: Option<RawThreads>,
    /// "http/1.1" by default, "h2": HTTP/2, with https negotiated by ALPN, with http by prior
    /// knowledge; or "grpc": unary gRPC calls over HTTP/2, whose path is /package.Service/Method and
    /// whose body is one message.
    pub protocol: Option<String>,
    /// With "h2" or "grpc": requests under way at once on each connection; 1 by default.
    pub streams: Option<usize>,
    /// "keep-alive", the default; "fresh": a new connection for each request; or "resumed": the
    /// same, with a resumed TLS session.
    pub connection: Option<String>,
    /// Close a kept connection after so many requests and make a new one.
    pub requests_per_connection: Option<u32>,
    /// The number of requests in a trial.
    pub requests: Option<u64>,
    /// How long a trial lasts, such as "4s".
    pub duration: Option<String>,
    /// Requests due per second, whether or not earlier ones have their responses; or "60% of slowest".
    pub rate: Option<RawLimit>,
    /// "even" by default, or "exponential": at random, as from independent users.
    pub arrivals: Option<String>,
    /// The number of requests due at the same time; the mean rate stays the same.
    pub burst: Option<u32>,
    /// Find the highest rate that meets this objective, such as "p99 < 20ms".
    pub objective: Option<String>,
    /// The timeout of one request; "10s" by default.
    pub timeout: Option<String>,
    /// What is sent; each key overrides the one in [request].
    pub request: Option<RawRequest>,
    /// What is sent for each connection before its load, instead of [[setup_request]].
    pub setup_request: Option<Vec<RawRequest>>,
    /// Several requests with weights; each takes the keys that it leaves out from the scenario's request.
    pub requests_mix: Option<Vec<RawRequest>>,
    /// A file of requests, sent in turn: JSON lines, URLs, vegeta targets, a HAR archive or an access
    /// log; relative to the suite file.
    pub requests_file: Option<String>,
    /// Which of several this is.
    #[serde(skip)]
    pub(super) variant: Option<VariantRecord>,
}

/// `threads = 8` or `threads = "auto"`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a whole number or \"auto\" belongs here")]
pub enum RawThreads {
    Count(usize),
    Word(String),
}

/// `[[threshold]]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawThreshold {
    /// The metric's whole name.
    pub metric: String,
    /// The contender whose metric it is.
    pub contender: String,
    /// The metric must not be below this limit.
    pub at_least: Option<RawLimit>,
    /// The metric must not be above this limit.
    pub at_most: Option<RawLimit>,
}

/// `at_least = 1000` or `at_most = "20ms"`; `rate = 500` or `rate = "60% of slowest"`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a number or a text in quotes belongs here")]
pub enum RawLimit {
    Number(f64),
    Text(String),
}

/// Reads the text into the raw types.
pub fn parse(text: &str, place: &str) -> Result<RawSuite, SuiteError> {
    toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let place = format!("{place}:{}", line_of(text, start));
        let message = match single_brackets(text, start) {
            Some(name) => format!("write [[{name}]] with two brackets, as there may be several"),
            None => plain(error.message(), "a table"),
        };
        let key = key_before(text, start).map_or_else(String::new, |key| format!("{key}: "));
        SuiteError::Syntax { place, message: format!("{key}{message}") }
    })
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

/// The name of an array's table whose head, which begins there, has one pair of brackets.
fn single_brackets(text: &str, offset: usize) -> Option<&str> {
    let name = text.get(offset..)?.strip_prefix('[')?.split_once(']')?.0.trim();
    const ARRAYS: [&str; 8] = [
        "contender",
        "service",
        "scenario",
        "setup_request",
        "threshold",
        "published",
        "scenario.requests_mix",
        "scenario.setup_request",
    ];
    ARRAYS.contains(&name).then_some(name)
}

/// The key whose value begins there.
fn key_before(text: &str, offset: usize) -> Option<&str> {
    let line = text.get(..offset)?.rsplit('\n').next()?;
    let before = line.trim_end().strip_suffix('=')?.trim_end();
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let key = before.rsplit(|c| !is_part(c)).next()?;
    (!key.is_empty()).then_some(key)
}
