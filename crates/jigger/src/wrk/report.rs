//! wrk's report, line by line; at a fixed rate that of wrk2.

use std::fmt::Write as _;

use jigger_load::{ErrorKind, Histogram, Sample};

use super::numbers::{binary, cell, metric, time_s, time_us};
use super::spectrum;
use super::statistics::Statistics;
use crate::numbers::number;

/// wrk's threads count their responses so often.
const TICK_MS: u64 = 100;

/// wrk2's names for its latencies: from when a request was due, and from when it was sent.
const RECORDED: &str = "Recorded Latency";
const UNCORRECTED: &str =
    "Uncorrected Latency (measured without taking delayed starts into account)";

/// What was asked for.
#[derive(Debug)]
pub struct Options<'a> {
    /// The URL as typed.
    pub url: &'a str,
    /// Threads.
    pub threads: u64,
    /// Connections.
    pub connections: u64,
    /// Seconds asked for.
    pub duration_s: u64,
    /// Requests due each second, in open loop.
    pub rate: Option<u64>,
    /// Whether percentiles were asked for.
    pub latency: bool,
    /// Whether, at a fixed rate, percentiles from when each request was sent were asked for.
    pub uncorrected_latency: bool,
    /// Whether wrk's own correction is applied.
    pub exact: bool,
}

/// What wrk's report and its scripts say about a load.
#[derive(Debug, Clone)]
pub struct Figures {
    /// Complete responses, whatever their status.
    pub requests: u64,
    /// In microseconds; in open loop from when each request was due.
    pub latency: Statistics,
    /// Responses a second, one value for each thread and 100 ms in which it had one.
    pub rates: Statistics,
    /// What failed.
    pub counts: Counts,
}

/// What failed, in wrk's kinds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections that could not be made.
    pub connect: u64,
    /// Connections that broke, and bytes that are no HTTP.
    pub read: u64,
    /// Requests that could not be written.
    pub write: u64,
    /// Requests that had no response in time.
    pub timeout: u64,
    /// Responses with a status over 399.
    pub status: u64,
}

impl Counts {
    fn of(sample: &Sample) -> Self {
        use ErrorKind::{
            Alpn, ConnectRefused, ConnectReset, ConnectTimeout, LocalLimit, ReadClosedEarly,
            ReadMalformed, ReadReset, Resolve, Timeout, TlsAlert, TlsHandshake, Write,
        };
        // A handshake is part of making a connection, as for wrk.
        let connect = [
            Resolve,
            ConnectRefused,
            ConnectReset,
            ConnectTimeout,
            LocalLimit,
            TlsHandshake,
            TlsAlert,
            Alpn,
        ];
        let sum =
            |kinds: &[ErrorKind]| kinds.iter().map(|kind| sample.errors.count(*kind)).sum::<u64>();
        Self {
            connect: sum(&connect),
            read: sum(&[ReadReset, ReadClosedEarly, ReadMalformed]),
            write: sum(&[Write]),
            timeout: sum(&[Timeout]),
            status: sample.status.range(400..).map(|(_, count)| count).sum(),
        }
    }

    fn lines(&self) -> String {
        let Self { connect, read, write, timeout, status } = self;
        let mut text = String::new();
        if connect + read + write + timeout > 0 {
            let _ = writeln!(
                text,
                "  Socket errors: connect {connect}, read {read}, write {write}, timeout {timeout}"
            );
        }
        if *status > 0 {
            let _ = writeln!(text, "  Non-2xx or 3xx responses: {status}");
        }
        text
    }
}

impl Figures {
    /// The figures of a load whose responses count whatever their status and body.
    #[must_use]
    pub fn of(options: &Options<'_>, sample: &Sample) -> Self {
        let requests = sample.status.values().sum();
        let mut latency = Statistics::default();
        for bucket in sample.response_time_ns.iter_recorded() {
            latency.record(bucket.value_iterated_to() / 1_000, bucket.count_at_value());
        }
        if options.exact && options.rate.is_none() {
            let each = requests / options.connections.max(1);
            latency.correct((sample.elapsed_ns / 1_000).checked_div(each).unwrap_or(0));
        }
        Self { requests, latency, rates: rates(sample), counts: Counts::of(sample) }
    }
}

/// As wrk: the responses of a tick, by its length in whole milliseconds. Only the last tick may be
/// shorter than the others.
fn rates(sample: &Sample) -> Statistics {
    let mut statistics = Statistics::default();
    for thread in &sample.ticks {
        for (at, responses) in thread.iter().enumerate().filter(|(_, responses)| **responses > 0) {
            let began_ms = at as u64 * TICK_MS;
            let length_ms = (sample.elapsed_ns / 1_000_000).saturating_sub(began_ms).min(TICK_MS);
            if let Some(rate) = (u64::from(*responses) * 1_000).checked_div(length_ms) {
                statistics.record(rate, 1);
            }
        }
    }
    statistics
}

/// The two lines that are printed before the load begins.
#[must_use]
pub fn head(options: &Options<'_>) -> String {
    format!(
        "Running {} test @ {}\n  {} threads and {} connections\n",
        time_s(number(options.duration_s)),
        options.url,
        options.threads,
        options.connections
    )
}

/// All lines after the load has ended.
#[must_use]
pub fn body(options: &Options<'_>, sample: &Sample, figures: &Figures) -> String {
    let mut text = String::from("  Thread Stats   Avg      Stdev     Max   +/- Stdev\n");
    row(&mut text, "Latency", &figures.latency, time_us);
    row(&mut text, "Req/Sec", &figures.rates, metric);
    match (options.latency, options.rate) {
        (true, None) => distribution(&mut text, &figures.latency),
        (true, Some(_)) => {
            text.push_str(&spectrum::text(RECORDED, &in_us(&sample.response_time_ns)));
        }
        (false, _) => {}
    }
    if let Some(times_ns) = sample.service_time_ns.as_ref().filter(|_| options.uncorrected_latency)
    {
        text.push('\n');
        text.push_str(&spectrum::text(UNCORRECTED, &in_us(times_ns)));
    }
    let seconds = number(sample.elapsed_ns) / 1e9;
    let bytes = number(sample.bytes_received);
    let runtime = time_us(number(sample.elapsed_ns) / 1e3);
    let requests = figures.requests;
    let _ = writeln!(text, "  {requests} requests in {runtime}, {}B read", binary(bytes));
    text.push_str(&figures.counts.lines());
    let _ = writeln!(text, "Requests/sec: {:9.2}", number(requests) / seconds);
    let _ = writeln!(text, "Transfer/sec: {:>10}B", binary(bytes / seconds));
    text
}

/// What wrk has no line for, so that it goes to standard error with `-v`: percentiles beyond its own, when
/// there are responses enough for them, and what went wrong, by kind.
#[must_use]
pub fn more(options: &Options<'_>, sample: &Sample) -> String {
    let mut text = String::new();
    let times = &sample.response_time_ns;
    for (percent, needed) in [(99.9, 10_000), (99.99, 100_000)] {
        if options.latency && options.rate.is_none() && times.len() >= needed {
            let value = time_us(number(times.value_at_quantile(percent / 100.0)) / 1e3);
            // Without a per cent sign: programs take lines that have one for wrk's.
            let _ = writeln!(text, "jigger: p{percent} {value}");
        }
    }
    for (kind, count, first) in sample.errors.iter() {
        let _ = writeln!(text, "jigger: {count} {}: {first}", kind.name());
    }
    if sample.unmade.is_telling(sample.requests) {
        let _ = writeln!(text, "jigger: {}", sample.unmade);
    }
    text
}

fn distribution(text: &mut String, latency: &Statistics) {
    text.push_str("  Latency Distribution\n");
    for percent in [50.0, 75.0, 90.0, 99.0] {
        let value = time_us(number(latency.percentile(percent)));
        let _ = writeln!(text, "{percent:7.0}%{}", cell(&value, 10));
    }
}

/// wrk2 records microseconds, with three digits.
fn in_us(times_ns: &Histogram<u64>) -> Histogram<u64> {
    let mut times_us = jigger_load::sample::histogram();
    for bucket in times_ns.iter_recorded() {
        let value = (bucket.value_iterated_to() / 1_000).max(1);
        times_us.saturating_record_n(value, bucket.count_at_value());
    }
    times_us
}

fn row(text: &mut String, name: &str, statistics: &Statistics, shown: fn(f64) -> String) {
    let within = statistics.within(1.0);
    // wrk prints what its C library makes of 0 / 0.
    let within = if within.is_nan() { "-nan".to_owned() } else { format!("{within:.2}") };
    let _ = writeln!(
        text,
        "    {name:<10}{}{}{}{within:>8}%",
        cell(&shown(statistics.mean()), 8),
        cell(&shown(statistics.stdev()), 10),
        cell(&shown(number(statistics.max())), 9),
    );
}

#[cfg(test)]
mod tests;
