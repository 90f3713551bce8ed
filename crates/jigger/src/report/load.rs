//! What `jigger load` prints.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use jigger_load::{Address, Arrivals, ErrorKind, Extent, Load, Pacing, Sample};
use serde_json::{Map, Value, json};

use super::units::{bytes, grouped, time_us};
use crate::analysis::{ENGINE_SHARE_LIMIT, Offered, engine_share, is_near_ports};
use crate::confounder::{HELD_BACK_SHARE, closes_connections};
use crate::metric::Kind;
use crate::numbers::number;
use crate::record::Limit;

/// One load and what came of it.
#[derive(Debug)]
pub struct Told<'a> {
    /// The URL as typed.
    pub url: &'a str,
    /// What was asked for.
    pub load: &'a Load,
    /// What was measured.
    pub sample: &'a Sample,
    /// The kernel's local ports.
    pub local_ports: u32,
}

impl Told<'_> {
    fn seconds(&self) -> f64 {
        number(self.sample.elapsed_ns) / 1e9
    }

    fn engine_share(&self) -> f64 {
        let engine = &self.sample.engine;
        engine_share(engine.cpu_ns, self.sample.elapsed_ns, engine.cores)
    }

    fn engine_cpu_us(&self) -> Option<f64> {
        let requests = self.sample.requests;
        (requests > 0).then(|| number(self.sample.engine.cpu_ns) / 1e3 / number(requests))
    }

    fn is_client_limited(&self) -> bool {
        self.sample.requests > 0 && self.engine_share() >= ENGINE_SHARE_LIMIT
    }

    fn is_port_limited(&self) -> bool {
        let Sample { connections_opened, elapsed_ns, .. } = *self.sample;
        let is_tcp = matches!(self.load.address, Address::Tcp(_));
        is_tcp && is_near_ports(connections_opened, elapsed_ns, self.local_ports)
    }

    /// What was used up, as far as a client can know it.
    fn limit(&self) -> Option<Seen> {
        let is_reached = || self.offered().is_some_and(|offered| offered.is_reached());
        (self.sample.requests > 0).then(|| match () {
            () if self.is_client_limited() => Seen::Known(Limit::ClientCpu),
            () if self.is_port_limited() => Seen::Known(Limit::Ports),
            () if is_reached() => Seen::Known(Limit::Rate),
            () => Seen::ServerOrConnections,
        })
    }

    /// What an open loop was asked for and what came of it.
    fn offered(&self) -> Option<Offered> {
        let Pacing::Open { rate_per_second, arrivals, burst } = self.load.pacing else {
            return None;
        };
        let times = &self.sample.response_time_ns;
        Some(Offered {
            rate_per_second,
            exponential: arrivals == Arrivals::Exponential,
            burst,
            is_counted: matches!(self.load.extent, Extent::Count(_)),
            due: self.sample.due,
            answered: self.sample.requests,
            elapsed_ns: self.sample.elapsed_ns,
            mean_ns: if times.is_empty() { 0.0 } else { times.mean() },
        })
    }
}

/// A limit as a client sees it, who does not know what the server did with its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Known(Limit),
    ServerOrConnections,
}

impl Seen {
    fn words(self) -> &'static str {
        match self {
            Self::Known(limit) => limit.words(),
            Self::ServerOrConnections => "server or connections",
        }
    }

    fn code(self) -> &'static str {
        match self {
            Self::Known(limit) => limit.code(),
            Self::ServerOrConnections => "server-or-connections",
        }
    }
}

/// For people.
#[must_use]
pub fn text(told: &Told<'_>) -> String {
    let Told { url, load, sample, .. } = told;
    let mut text = String::new();
    let _ = writeln!(text, "{url}: {} connections, {} threads", load.connections, load.threads);
    let is_bound = told.is_client_limited() || told.is_port_limited();
    let bound = if is_bound { "at least " } else { "" };
    let _ = writeln!(
        text,
        "  {} requests in {:.2} s: {bound}{} a second, {} a second",
        grouped(number(sample.requests)),
        told.seconds(),
        grouped(sample.requests_per_second()),
        bytes(number(sample.bytes_received) / told.seconds())
    );
    if let Some(limit) = told.limit() {
        let _ = writeln!(text, "  limit: {}", limit.words());
    }
    latency_lines(&mut text, "response time", &sample.response_time_ns);
    if let Some(service) = &sample.service_time_ns {
        latency_lines(&mut text, "service time", service);
    }
    if let Some(kernel) = &sample.kernel_time_ns {
        latency_lines(&mut text, "server's time", kernel);
    }
    if !sample.connect_time_ns.is_empty() && sample.connections_opened > load.connections as u64 {
        latency_lines(&mut text, "connect time", &sample.connect_time_ns);
    }
    if load.pacing == Pacing::Closed {
        text.push_str(CLOSED_LOOP);
    }
    if load.batch && sample.kernel_time_ns.as_ref().is_some_and(|times| !times.is_empty()) {
        text.push_str(BATCH);
    }
    problem_lines(&mut text, told);
    text
}

/// What a closed loop cannot show (Schroeder et al. 2006).
const CLOSED_LOOP: &str = "  closed loop: while the server stalls nothing is asked, so the waiting \
                           of those who would\n  have come is not in these times; --rate N has it\n";

/// How the two times differ by the client's own doing.
const BATCH: &str = "  batch: where 8 or more were due, answers were left to gather for up to 400 us; \
                     that is in the\n  response time and not in the server's time, which ends when the \
                     kernel has the answer\n";

fn latency_lines(text: &mut String, name: &str, histogram: &Histogram<u64>) {
    if histogram.is_empty() {
        return;
    }
    let shown = |quantile| time_us(number(histogram.value_at_quantile(quantile)) / 1e3);
    let _ = writeln!(
        text,
        "  {name}: mean {}, stdev {}, max {}",
        time_us(histogram.mean() / 1e3),
        time_us(histogram.stdev() / 1e3),
        time_us(number(histogram.max()) / 1e3)
    );
    let enough = Kind::percentiles().filter(|(_, _, needed)| histogram.len() >= *needed);
    let list: Vec<String> =
        enough.map(|(name, q, _)| format!("{} {}", name.replace('_', "."), shown(q))).collect();
    if !list.is_empty() {
        let _ = writeln!(text, "    {}", list.join(", "));
    }
}

fn problem_lines(text: &mut String, told: &Told<'_>) {
    let sample = told.sample;
    for (kind, count, first) in sample.errors.iter() {
        let _ = writeln!(text, "  errors: {count} {}: {first}", kind.name());
    }
    if sample.status.keys().any(|status| *status != 200) {
        let list: Vec<String> =
            sample.status.iter().map(|(status, count)| format!("{count} x {status}")).collect();
        let _ = writeln!(text, "  status: {}", list.join(", "));
    }
    if sample.closed_by_server > 0 {
        // One that is ended now and then is kept all the same.
        let closes = closes_connections(sample.closed_by_server, sample.requests);
        let _ = writeln!(
            text,
            "  {}: the server ended {} connections that were to be kept",
            if closes { "connection-close" } else { "connections" },
            sample.closed_by_server
        );
    }
    if number(sample.held_back) > HELD_BACK_SHARE * number(sample.requests) {
        let _ = writeln!(
            text,
            "  delayed-acks: {} answers came in pieces some 40 ms apart; if the server sets no \
             TCP_NODELAY,\n  it waits for the acknowledgement of the first: set it, or write head and \
             body in one go",
            grouped(number(sample.held_back))
        );
    }
    if told.is_client_limited() {
        let _ = writeln!(
            text,
            "  client-limited: the load engine used {:.0} % of its cores; give it more threads \
             (-t) or cores",
            told.engine_share() * 100.0
        );
    }
    if told.is_port_limited() {
        let _ = writeln!(
            text,
            "  port-limited: {} connections were opened a second, near the end of the {} local \
             ports;\n  widen net.ipv4.ip_local_port_range (sysctl), or keep connections",
            grouped(number(sample.connections_opened) / told.seconds()),
            told.local_ports
        );
    }
}

/// For programs: version 1 of the shape in docs/suite.md.
#[must_use]
pub fn json(told: &Told<'_>) -> String {
    let Told { url, load, sample, .. } = told;
    let status: Map<String, Value> =
        sample.status.iter().map(|(code, count)| (code.to_string(), json!(count))).collect();
    let errors: Map<String, Value> = ErrorKind::ALL
        .iter()
        .map(|kind| (kind.name().to_owned(), json!(sample.errors.count(*kind))))
        .collect();
    let value = json!({
        "version": 1,
        "url": url,
        "seconds": told.seconds(),
        "connections": load.connections,
        "threads": load.threads,
        "driver": sample.driver,
        "batch": load.batch,
        "busy_poll": load.busy_poll,
        "requests": sample.requests,
        "requests_per_second": sample.requests_per_second(),
        "bytes": sample.bytes_received,
        "response_time_us": latencies(&sample.response_time_ns),
        "service_time_us": sample.service_time_ns.as_ref().map(latencies),
        "kernel_time_us": sample.kernel_time_ns.as_ref().map(latencies),
        "connect_time_us": latencies(&sample.connect_time_ns),
        "histogram": STANDARD.encode(jigger_load::sample::encode_v2(&sample.response_time_ns)),
        "status": status,
        "errors": errors,
        "connections_opened": sample.connections_opened,
        "closed_by_server": sample.closed_by_server,
        "held_back": sample.held_back,
        "in_flight_at_end": {
            "count": sample.in_flight_at_end.count,
            "oldest_us": number(sample.in_flight_at_end.oldest_ns) / 1e3,
        },
        "limit": told.limit().map(Seen::code),
        "engine": {
            "cpu_us_per_request": told.engine_cpu_us(),
            "cpu_share": told.engine_share(),
            "schedule_lag_us": sample.engine.schedule_lag_ns.as_ref().map(latencies),
            "client_limited": told.is_client_limited(),
        },
    });
    format!("{value:#}\n")
}

/// Mean, stdev, quantiles and max in microseconds; `null` where samples are too few.
fn latencies(histogram: &Histogram<u64>) -> Value {
    let mut map = Map::new();
    let some = !histogram.is_empty();
    map.insert("mean".to_owned(), json!(some.then(|| histogram.mean() / 1e3)));
    map.insert("stdev".to_owned(), json!(some.then(|| histogram.stdev() / 1e3)));
    for (name, quantile, needed) in Kind::percentiles() {
        let value = number(histogram.value_at_quantile(quantile)) / 1e3;
        map.insert(name.to_owned(), json!((histogram.len() >= needed).then_some(value)));
    }
    map.insert("max".to_owned(), json!(some.then(|| number(histogram.max()) / 1e3)));
    Value::Object(map)
}

#[cfg(test)]
mod tests;
