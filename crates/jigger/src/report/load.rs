//! What came of a load, as `jigger load` and `jigger wrk` write it for programs.

mod condition;
mod requests;
mod text;
mod timeline;
mod tls;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use jigger_load::{Address, ErrorKind, Errors, Http, Load, Pacing, Sample, Unmade};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::analysis::{ENGINE_SHARE_LIMIT, Unanswered, engine_share, is_near_ports, offered};
use crate::metric::{Bound, Kind, Statistic};
use crate::numbers::number;
use crate::record::{Http2Settings, Limit};

use requests::RequestFigures;

pub use condition::{Condition, parse_share};
pub use timeline::Timeline;
use tls::TlsFigures;

/// The version of the JSON shape.
pub const VERSION: u32 = 1;

/// One load and its results.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LoadReport<'a> {
    #[schemars(extend("const" = VERSION))]
    version: u32,
    url: &'a str,
    /// How long it took.
    seconds: f64,
    /// The HTTP version, `1.1` or `2`.
    http: &'static str,
    connections: usize,
    /// Requests under way at once on each connection, over HTTP/2; null over HTTP/1.1.
    streams: Option<usize>,
    /// How many requests a connection was kept for; null for any number.
    requests_per_connection: Option<u32>,
    /// Whether the requests were gRPC calls.
    grpc: bool,
    /// The server's SETTINGS over HTTP/2.
    http2_settings: Option<Http2Settings>,
    threads: usize,
    driver: &'a str,
    batch: bool,
    busy_poll: bool,
    /// Requests due per second; null in a closed loop.
    asked_per_second: Option<f64>,
    /// Requests that were due (open loop) or begun (closed loop).
    due: u64,
    /// Correct responses.
    pub requests: u64,
    /// Of these the ones that were held to what is expected of their bodies; the status of all was
    /// checked.
    checked: u64,
    requests_per_second: f64,
    /// Bytes received, including heads.
    bytes: u64,
    /// Without percentiles if the server stopped responding in a closed loop, because they would leave
    /// out those who wait.
    response_time_us: Latencies,
    /// The percentiles of --percentiles, in microseconds, by their text; null if there are too few
    /// responses for one.
    response_time_percentiles_us: BTreeMap<String, Option<f64>>,
    /// `at-least` if the rate was not reached: the response times then include the requests without
    /// a response, with their age at the end.
    response_time_bound: Option<Bound>,
    /// Without the wait between due and sent; null in closed loop.
    service_time_us: Option<Latencies>,
    /// By the kernel's clock; null if it was not used.
    kernel_time_us: Option<Latencies>,
    /// Of making connections.
    connect_time_us: Latencies,
    /// Null over plain HTTP.
    tls: Option<TlsFigures>,
    /// Response times in nanoseconds: HdrHistogram V2, not compressed, in base64; those of several
    /// runs can be added.
    histogram: String,
    /// Of several requests each by itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    by_request: Vec<RequestFigures>,
    /// Responses by status code.
    status: &'a BTreeMap<u16, u64>,
    /// Failed requests by kind.
    #[serde(serialize_with = "every_kind")]
    #[schemars(schema_with = "every_kind_schema")]
    errors: &'a Errors,
    connections_opened: u64,
    /// Connections that were being made at the end, TLS handshakes included.
    connections_not_made: u64,
    /// Connections that the server ended although it should keep them.
    closed_by_server: u64,
    /// Bytes that arrived while every request had its response.
    surplus_bytes: u64,
    /// Responses that arrived in pieces about 40 ms apart.
    held_back: u64,
    in_flight_at_end: InFlight,
    /// Of the requests due, those that failed, or had no response at the end although the rate was not
    /// reached or the server had stopped responding; 0 to 1.
    pub error_rate: f64,
    /// The limiting resource, as far as a client can tell; null without a response.
    limit: Option<LimitSeen>,
    engine: EngineFigures,
    /// What the response times are judged by.
    #[serde(skip)]
    judged_times_ns: Option<Histogram<u64>>,
    #[serde(skip)]
    chosen: Vec<String>,
    #[serde(skip)]
    is_port_limited: bool,
    #[serde(skip)]
    local_ports: u32,
    #[serde(skip)]
    unmade: Unmade,
}

/// In microseconds; null if there are too few responses.
#[derive(Debug, Serialize, JsonSchema)]
struct Latencies {
    mean: Option<f64>,
    stdev: Option<f64>,
    p50: Option<f64>,
    p90: Option<f64>,
    p95: Option<f64>,
    p99: Option<f64>,
    p99_9: Option<f64>,
    p99_99: Option<f64>,
    max: Option<f64>,
}

/// Requests without a response at the end.
#[derive(Debug, Serialize, JsonSchema)]
struct InFlight {
    count: u64,
    oldest_us: f64,
    /// When the last response came, if the server had stopped responding; null otherwise.
    silent_since_seconds: Option<f64>,
}

/// What the load generator itself used.
#[derive(Debug, Serialize, JsonSchema)]
struct EngineFigures {
    cpu_us_per_request: Option<f64>,
    /// Of its cores, 0 to 1.
    cpu_share: f64,
    /// How late requests were sent in open loop.
    schedule_lag_us: Option<Latencies>,
    client_limited: bool,
}

/// A limit as a client sees it, who does not know what the server did with its time.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum LimitSeen {
    ClientCpu,
    Ports,
    Rate,
    ServerOrConnections,
}

impl LimitSeen {
    fn words(self) -> &'static str {
        match self {
            Self::ClientCpu => Limit::ClientCpu.words(),
            Self::Ports => Limit::Ports.words(),
            Self::Rate => Limit::Rate.words(),
            Self::ServerOrConnections => "server or connections",
        }
    }
}

impl<'a> LoadReport<'a> {
    /// The URL is as typed; `local_ports` are the kernel's.
    pub fn of(url: &'a str, load: &Load, sample: &'a Sample, local_ports: u32) -> Self {
        let engine = EngineFigures::of(sample);
        let is_port_limited = matches!(load.address, Address::Tcp(_))
            && is_near_ports(sample.connections_opened, sample.elapsed_ns, local_ports);
        let unanswered = Unanswered::of(load, sample);
        let judged_times_ns = unanswered.judged_times(load, sample);
        // What the server took looks good when it has stopped.
        let if_responding = |times: &Option<Histogram<u64>>| {
            times.as_ref().filter(|_| unanswered.silent_since_ns.is_none()).map(Latencies::of)
        };
        let is_open = load.pacing != Pacing::Closed;
        let limit = (sample.requests > 0).then_some(match () {
            () if engine.client_limited => LimitSeen::ClientCpu,
            () if is_port_limited => LimitSeen::Ports,
            () if is_open && !unanswered.is_backlog => LimitSeen::Rate,
            () => LimitSeen::ServerOrConnections,
        });
        Self {
            version: VERSION,
            url,
            seconds: number(sample.elapsed_ns) / 1e9,
            http: http_version(load.http),
            connections: load.connections,
            streams: (load.http == Http::V2).then_some(load.pipeline),
            requests_per_connection: load.requests_per_connection,
            grpc: load.grpc,
            http2_settings: sample.peer_settings.map(Into::into),
            threads: load.threads,
            driver: sample.driver,
            batch: load.batch,
            busy_poll: load.busy_poll,
            asked_per_second: offered(load, sample).map(|offered| offered.rate_per_second),
            due: sample.due,
            requests: sample.requests,
            checked: sample.requests.saturating_sub(sample.unchecked),
            requests_per_second: sample.requests_per_second(),
            bytes: sample.bytes_received,
            response_time_us: judged_times_ns.as_ref().map_or(Latencies::NONE, Latencies::of),
            response_time_percentiles_us: BTreeMap::new(),
            response_time_bound: (is_open && !unanswered.is_usual()).then_some(Bound::AtLeast),
            service_time_us: if_responding(&sample.service_time_ns),
            kernel_time_us: if_responding(&sample.kernel_time_ns),
            connect_time_us: Latencies::of(&sample.connect_time_ns),
            tls: sample.tls.as_ref().map(TlsFigures::of),
            histogram: STANDARD.encode(jigger_load::sample::encode_v2(&sample.response_time_ns)),
            by_request: requests::figures(load, sample, judged_times_ns.is_some()),
            status: &sample.status,
            errors: &sample.errors,
            connections_opened: sample.connections_opened,
            connections_not_made: sample.unmade.connecting + sample.unmade.shaking,
            closed_by_server: sample.closed_by_server,
            surplus_bytes: sample.surplus_bytes,
            held_back: sample.held_back,
            in_flight_at_end: InFlight {
                count: unanswered.count,
                oldest_us: number(unanswered.oldest_ns) / 1e3,
                silent_since_seconds: unanswered.silent_since_ns.map(|ns| number(ns) / 1e9),
            },
            error_rate: error_rate(sample, unanswered),
            limit,
            engine,
            judged_times_ns,
            chosen: Vec::new(),
            is_port_limited,
            local_ports,
            unmade: sample.unmade,
        }
    }

    /// The same with these percentiles of the response times in place of the usual ones.
    pub fn with_percentiles(mut self, percentiles: &[String]) -> Self {
        for text in percentiles {
            let value = Statistic::parse(&format!("p{text}")).and_then(|it| self.statistic_us(it));
            self.response_time_percentiles_us.insert(text.clone(), value);
        }
        self.chosen = percentiles.to_vec();
        self
    }

    /// Of the response times; `None` with too few of them, or where they are withheld.
    fn statistic_us(&self, statistic: Statistic) -> Option<f64> {
        let times = self.judged_times_ns.as_ref()?;
        (times.len() >= u64::from(statistic.responses_needed()))
            .then(|| number(statistic.of(times)) / 1e3)
    }
}

/// The share of the requests due that failed.
fn error_rate(sample: &Sample, unanswered: Unanswered) -> f64 {
    let failed = sample.errors.total() + unanswered.failed();
    number(failed) / number(sample.due.max(failed).max(1))
}

impl Latencies {
    const NONE: Self = Self {
        mean: None,
        stdev: None,
        p50: None,
        p90: None,
        p95: None,
        p99: None,
        p99_9: None,
        p99_99: None,
        max: None,
    };

    fn of(times_ns: &Histogram<u64>) -> Self {
        let value = |kind: Kind| kind.descriptor().source.of_times(times_ns);
        Self {
            mean: value(Kind::ResponseTimeMean),
            stdev: value(Kind::ResponseTimeStdev),
            p50: value(Kind::ResponseTimeP50),
            p90: value(Kind::ResponseTimeP90),
            p95: value(Kind::ResponseTimeP95),
            p99: value(Kind::ResponseTimeP99),
            p99_9: value(Kind::ResponseTimeP999),
            p99_99: value(Kind::ResponseTimeP9999),
            max: value(Kind::ResponseTimeMax),
        }
    }
}

impl EngineFigures {
    fn of(sample: &Sample) -> Self {
        let Sample { requests, elapsed_ns, ref engine, .. } = *sample;
        let cpu_share = engine_share(engine.cpu_ns, elapsed_ns, engine.cores);
        let cpu_us_per_request = || number(engine.cpu_ns) / 1e3 / number(requests);
        Self {
            cpu_us_per_request: (requests > 0).then(cpu_us_per_request),
            cpu_share,
            schedule_lag_us: engine.schedule_lag_ns.as_ref().map(Latencies::of),
            client_limited: requests > 0 && cpu_share >= ENGINE_SHARE_LIMIT,
        }
    }
}

/// As reports write it.
pub(super) fn http_version(http: Http) -> &'static str {
    match http {
        Http::V1 => "1.1",
        Http::V2 => "2",
    }
}

/// Also the kinds of which there was none.
fn every_kind<S: Serializer>(errors: &Errors, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(ErrorKind::ALL.map(|kind| (kind.name(), errors.count(kind))))
}

fn every_kind_schema(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = kinds_schema(generator);
    schema.insert("required".to_owned(), ErrorKind::ALL.map(ErrorKind::name).into());
    schema
}

/// Counts by kind of failure, none of them required.
pub(super) fn kinds_schema(_: &mut SchemaGenerator) -> Schema {
    let count = json_schema!({ "type": "integer", "minimum": 0 });
    let counts = BTreeMap::from(ErrorKind::ALL.map(|kind| (kind.name(), count.clone())));
    json_schema!({ "type": "object", "properties": counts, "additionalProperties": false })
}

#[cfg(test)]
pub mod tests;
