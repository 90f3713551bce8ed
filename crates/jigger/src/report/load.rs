//! What `jigger load` prints.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use jigger_load::{Address, ErrorKind, Errors, Extent, Load, Pacing, Sample};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use super::units::{bytes, grouped, time_us};
use crate::analysis::{ENGINE_SHARE_LIMIT, Offered, engine_share, is_near_ports};
use crate::confounder::{HELD_BACK_SHARE, closes_connections};
use crate::metric::Kind;
use crate::numbers::number;
use crate::record::Limit;

/// The version of the JSON shape.
pub const VERSION: u32 = 1;

/// One load and what came of it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LoadReport<'a> {
    #[schemars(extend("const" = VERSION))]
    version: u32,
    url: &'a str,
    /// How long it took.
    seconds: f64,
    connections: usize,
    threads: usize,
    driver: &'a str,
    batch: bool,
    busy_poll: bool,
    /// Correct answers.
    requests: u64,
    requests_per_second: f64,
    /// Received, heads included.
    bytes: u64,
    response_time_us: Latencies,
    /// Without the wait between due and sent; null in closed loop.
    service_time_us: Option<Latencies>,
    /// By the kernel's clock; null where it was not asked.
    kernel_time_us: Option<Latencies>,
    /// Of making connections.
    connect_time_us: Latencies,
    /// Response times in nanoseconds: HdrHistogram V2, not compressed, in base64; those of several
    /// runs can be added.
    histogram: String,
    /// Answers by status code.
    status: &'a BTreeMap<u16, u64>,
    /// Failed requests by kind.
    #[serde(serialize_with = "every_kind")]
    #[schemars(schema_with = "every_kind_schema")]
    errors: &'a Errors,
    connections_opened: u64,
    /// Connections that the server ended although they were to be kept.
    closed_by_server: u64,
    /// Received when no request was without a response.
    surplus_bytes: u64,
    /// Answers that came in pieces some 40 ms apart.
    held_back: u64,
    in_flight_at_end: Unanswered,
    /// What was used up, as far as the client knows; null when nothing was answered.
    limit: Option<LimitSeen>,
    engine: EngineFigures,
    #[serde(skip)]
    is_closed_loop: bool,
    #[serde(skip)]
    is_port_limited: bool,
    #[serde(skip)]
    local_ports: u32,
}

/// In microseconds; null where there are too few answers for it.
#[derive(Debug, Serialize, JsonSchema)]
struct Latencies {
    mean: Option<f64>,
    stdev: Option<f64>,
    p50: Option<f64>,
    p90: Option<f64>,
    p99: Option<f64>,
    p99_9: Option<f64>,
    p99_99: Option<f64>,
    max: Option<f64>,
}

/// Requests without an answer when the time was up.
#[derive(Debug, Serialize, JsonSchema)]
struct Unanswered {
    count: u64,
    oldest_us: f64,
}

/// What the load engine itself used.
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
        let is_rate_reached = || offered(load, sample).is_some_and(|offered| offered.is_reached());
        let limit = (sample.requests > 0).then(|| match () {
            () if engine.client_limited => LimitSeen::ClientCpu,
            () if is_port_limited => LimitSeen::Ports,
            () if is_rate_reached() => LimitSeen::Rate,
            () => LimitSeen::ServerOrConnections,
        });
        Self {
            version: VERSION,
            url,
            seconds: number(sample.elapsed_ns) / 1e9,
            connections: load.connections,
            threads: load.threads,
            driver: sample.driver,
            batch: load.batch,
            busy_poll: load.busy_poll,
            requests: sample.requests,
            requests_per_second: sample.requests_per_second(),
            bytes: sample.bytes_received,
            response_time_us: Latencies::of(&sample.response_time_ns),
            service_time_us: sample.service_time_ns.as_ref().map(Latencies::of),
            kernel_time_us: sample.kernel_time_ns.as_ref().map(Latencies::of),
            connect_time_us: Latencies::of(&sample.connect_time_ns),
            histogram: STANDARD.encode(jigger_load::sample::encode_v2(&sample.response_time_ns)),
            status: &sample.status,
            errors: &sample.errors,
            connections_opened: sample.connections_opened,
            closed_by_server: sample.closed_by_server,
            surplus_bytes: sample.surplus_bytes,
            held_back: sample.held_back,
            in_flight_at_end: Unanswered {
                count: sample.in_flight_at_end.count,
                oldest_us: number(sample.in_flight_at_end.oldest_ns) / 1e3,
            },
            limit,
            engine,
            is_closed_loop: load.pacing == Pacing::Closed,
            is_port_limited,
            local_ports,
        }
    }

    /// For people.
    pub fn text(&self) -> String {
        let is_bound = self.engine.client_limited || self.is_port_limited;
        let mut text = format!(
            "{}: {} connections, {} threads\n  \
             {} requests in {:.2} s: {}{} a second, {} a second\n",
            self.url,
            self.connections,
            self.threads,
            grouped(number(self.requests)),
            self.seconds,
            if is_bound { "at least " } else { "" },
            grouped(self.requests_per_second),
            bytes(number(self.bytes) / self.seconds)
        );
        if let Some(limit) = self.limit {
            let _ = writeln!(text, "  limit: {}", limit.words());
        }
        let made_anew = self.connections_opened > self.connections as u64;
        for (name, times) in [
            ("response time", Some(&self.response_time_us)),
            ("service time", self.service_time_us.as_ref()),
            ("server's time", self.kernel_time_us.as_ref()),
            ("connect time", Some(&self.connect_time_us).filter(|_| made_anew)),
        ] {
            text.extend(times.and_then(|times| times.lines(name)));
        }
        if self.is_closed_loop {
            text.push_str(CLOSED_LOOP);
        }
        if self.batch && self.kernel_time_us.as_ref().is_some_and(|times| times.mean.is_some()) {
            text.push_str(BATCH);
        }
        self.add_errors(&mut text);
        self.add_remarks(&mut text);
        text
    }

    fn add_errors(&self, text: &mut String) {
        for (kind, count, first) in self.errors.iter() {
            let _ = writeln!(text, "  errors: {count} {}: {first}", kind.name());
        }
        if self.status.keys().any(|status| *status != 200) {
            let list: Vec<String> =
                self.status.iter().map(|(status, count)| format!("{count} x {status}")).collect();
            let _ = writeln!(text, "  status: {}", list.join(", "));
        }
    }

    /// What may be wrong with the server or the client, with the remedy.
    fn add_remarks(&self, text: &mut String) {
        if self.closed_by_server > 0 {
            // One that is ended now and then is kept all the same.
            let closes = closes_connections(self.closed_by_server, self.requests);
            let _ = writeln!(
                text,
                "  {}: the server ended {} connections that were to be kept",
                if closes { "connection-close" } else { "connections" },
                self.closed_by_server
            );
        }
        if self.surplus_bytes > 0 {
            let _ = writeln!(
                text,
                "  surplus-bytes: {} came that no request asked for, so the server responds twice or \
                 sends more\n  than its Content-Length says; responses may have been taken for those \
                 of later requests",
                bytes(number(self.surplus_bytes))
            );
        }
        if number(self.held_back) > HELD_BACK_SHARE * number(self.requests) {
            let _ = writeln!(
                text,
                "  delayed-acks: {} answers came in pieces some 40 ms apart; if the server sets no \
                 TCP_NODELAY,\n  it waits for the acknowledgement of the first: set it, or write \
                 head and body in one go",
                grouped(number(self.held_back))
            );
        }
        if self.engine.client_limited {
            let _ = writeln!(
                text,
                "  client-limited: the load engine used {:.0} % of its cores; give it more \
                 threads (-t) or cores",
                self.engine.cpu_share * 100.0
            );
        }
        if self.is_port_limited {
            let _ = writeln!(
                text,
                "  port-limited: {} connections were opened a second, near the end of the {} local \
                 ports;\n  widen net.ipv4.ip_local_port_range (sysctl), or keep connections",
                grouped(number(self.connections_opened) / self.seconds),
                self.local_ports
            );
        }
    }
}

/// What a closed loop cannot show (Schroeder et al. 2006).
const CLOSED_LOOP: &str = "  closed loop: while the server stalls nothing is asked, so the waiting \
                           of those who would\n  have come is not in these times; --rate N has it\n";

/// How the two times differ by the client's own doing.
const BATCH: &str = "  batch: where 8 or more were due, answers were left to gather for up to 400 us; \
                     that is in the\n  response time and not in the server's time, which ends when the \
                     kernel has the answer\n";

impl Latencies {
    fn of(times_ns: &Histogram<u64>) -> Self {
        let value = |kind: Kind| kind.descriptor().source.of_times(times_ns);
        Self {
            mean: value(Kind::ResponseTimeMean),
            stdev: value(Kind::ResponseTimeStdev),
            p50: value(Kind::ResponseTimeP50),
            p90: value(Kind::ResponseTimeP90),
            p99: value(Kind::ResponseTimeP99),
            p99_9: value(Kind::ResponseTimeP999),
            p99_99: value(Kind::ResponseTimeP9999),
            max: value(Kind::ResponseTimeMax),
        }
    }

    /// `None` without any answer.
    fn lines(&self, name: &str) -> Option<String> {
        let [mean, stdev, max] = [self.mean?, self.stdev?, self.max?].map(time_us);
        let mut text = format!("  {name}: mean {mean}, stdev {stdev}, max {max}\n");
        let percentiles = [
            ("p50", self.p50),
            ("p90", self.p90),
            ("p99", self.p99),
            ("p99.9", self.p99_9),
            ("p99.99", self.p99_99),
        ];
        let had = percentiles.iter().filter_map(|(name, us)| Some((name, (*us)?)));
        let list: Vec<String> = had.map(|(name, us)| format!("{name} {}", time_us(us))).collect();
        if !list.is_empty() {
            let _ = writeln!(text, "    {}", list.join(", "));
        }
        Some(text)
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

/// What an open loop was asked for and what came of it.
fn offered(load: &Load, sample: &Sample) -> Option<Offered> {
    let Pacing::Open { rate_per_second, arrivals, burst } = load.pacing else {
        return None;
    };
    let times = &sample.response_time_ns;
    Some(Offered {
        rate_per_second,
        arrivals,
        burst,
        is_counted: matches!(load.extent, Extent::Count(_)),
        due: sample.due,
        answered: sample.requests,
        elapsed_ns: sample.elapsed_ns,
        mean_ns: if times.is_empty() { 0.0 } else { times.mean() },
    })
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
mod tests {
    use std::collections::BTreeMap;

    use jigger_load::{Arrivals, EngineUse, Errors, InFlight, Request, Url};
    use serde_json::Value;

    use super::*;
    use crate::analysis::USUAL_LOCAL_PORTS;
    use crate::report::to_json;

    const SECOND: u64 = 1_000_000_000;

    /// A second with so many answers of 1 ms, for which the client needed a fifth of its core.
    fn sample(requests: u64) -> Sample {
        let times = || {
            let mut times = jigger_load::sample::histogram();
            times.record_n(1_000_000, requests).unwrap();
            times
        };
        Sample {
            elapsed_ns: SECOND,
            requests,
            due: requests,
            bytes_received: 0,
            response_time_ns: times(),
            service_time_ns: None,
            kernel_time_ns: None,
            connect_time_ns: jigger_load::sample::histogram(),
            status: BTreeMap::from([(200, requests)]),
            errors: Errors::default(),
            in_flight_at_end: InFlight::default(),
            connections_opened: 8,
            closed_by_server: 0,
            surplus_bytes: 0,
            held_back: 0,
            drained: 0,
            idle_ns: 0,
            ticks: Vec::new(),
            engine: EngineUse { cpu_ns: SECOND / 5, cores: 1, schedule_lag_ns: None },
            driver: "none",
        }
    }

    fn load(address: Address) -> Load {
        let url = Url::parse("http://127.0.0.1:1/").unwrap();
        let mut load = Load::new(address, Request::new("GET", &url, &[], b"").unwrap());
        load.connections = 8;
        load
    }

    fn over_tcp() -> Load {
        load(Address::Tcp(std::net::SocketAddr::from(([127, 0, 0, 1], 1))))
    }

    fn at_rate(rate_per_second: f64) -> Load {
        let pacing = Pacing::Open { rate_per_second, arrivals: Arrivals::Even, burst: 1 };
        Load { pacing, ..over_tcp() }
    }

    /// The report as text, and the limit in the one for programs.
    fn told(load: &Load, sample: &Sample) -> (String, Value) {
        let report = LoadReport::of("u", load, sample, USUAL_LOCAL_PORTS);
        let json: Value = serde_json::from_str(&to_json(&report)).unwrap();
        (report.text(), json["limit"].clone())
    }

    #[track_caller]
    fn assert_limit(load: &Load, sample: &Sample, words: &str, code: &str) {
        let (text, json) = told(load, sample);
        assert!(text.contains(&format!("\n  limit: {words}\n")), "{text}");
        assert_eq!(json, code);
    }

    #[test]
    fn the_client_says_what_limited_it_as_far_as_it_knows() {
        let closed = over_tcp();
        assert_limit(&closed, &sample(8_000), "server or connections", "server-or-connections");
        let mut busy = sample(8_000);
        busy.engine.cpu_ns = SECOND * 9 / 10;
        assert_limit(&closed, &busy, "client CPU", "client-cpu");
        assert_limit(&at_rate(8_000.0), &sample(8_000), "rate asked", "rate");
        let short = Sample { due: 16_000, ..sample(8_000) };
        assert_limit(&at_rate(16_000.0), &short, "server or connections", "server-or-connections");
    }

    #[test]
    fn ports_are_the_limit_where_there_are_any() {
        let opened = Sample { connections_opened: 14_000, ..sample(14_000) };
        assert_limit(&over_tcp(), &opened, "local ports", "ports");
        let (text, _) = told(&over_tcp(), &opened);
        let said =
            "port-limited: 14,000 connections were opened a second, near the end of the 28232";
        assert!(text.contains(said) && text.contains("at least 14,000 a second"), "{text}");
        let by_path = load(Address::Unix("/tmp/s".into()));
        assert_limit(&by_path, &opened, "server or connections", "server-or-connections");
    }

    #[test]
    fn where_nothing_was_answered_nothing_was_used_up() {
        let mut none = sample(0);
        (none.elapsed_ns, none.engine.cpu_ns) = (85_000, 10_000_000);
        let (text, json) = told(&over_tcp(), &none);
        assert!(!text.contains("limit"), "{text}");
        assert_eq!(json, Value::Null);
    }

    #[test]
    fn a_connection_that_is_ended_now_and_then_is_not_closed_by_principle() {
        let closed = |closed_by_server| {
            let sample = Sample { closed_by_server, ..sample(8_000) };
            told(&over_tcp(), &sample).0
        };
        let said = "connections: the server ended 80 connections that were to be kept";
        assert!(closed(80).contains(said) && !closed(80).contains("connection-close"));
        assert!(closed(8_000).contains("connection-close: the server ended 8000 connections"));
        assert!(!closed(0).contains("ended"));
    }
}
