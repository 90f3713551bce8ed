//! wrk's report, line by line.

use std::fmt::Write as _;

use jigger_load::{ErrorKind, Sample};

use super::format::{binary, cell, metric, time_s, time_us};
use super::statistics::Statistics;
use crate::analysis::number;

/// What the report is about.
#[derive(Debug)]
pub struct Told<'a> {
    /// The URL as typed.
    pub url: &'a str,
    /// Threads.
    pub threads: u64,
    /// Connections.
    pub connections: u64,
    /// Seconds asked for.
    pub duration_s: u64,
    /// Whether percentiles were asked for.
    pub latency: bool,
    /// Whether wrk's own correction is applied.
    pub exact: bool,
}

/// The two lines that are printed before the load begins.
#[must_use]
pub fn head(told: &Told<'_>) -> String {
    format!(
        "Running {} test @ {}\n  {} threads and {} connections\n",
        time_s(number(told.duration_s)),
        told.url,
        told.threads,
        told.connections
    )
}

/// All lines after the load has ended.
#[must_use]
pub fn body(told: &Told<'_>, sample: &Sample) -> String {
    let complete = completed(sample);
    let latency = latencies(told, sample, complete);
    let mut text = String::from("  Thread Stats   Avg      Stdev     Max   +/- Stdev\n");
    row(&mut text, "Latency", &latency, time_us);
    row(&mut text, "Req/Sec", &rates(sample), metric);
    if told.latency {
        text.push_str("  Latency Distribution\n");
        for percent in [50.0, 75.0, 90.0, 99.0] {
            let value = time_us(number(latency.percentile(percent)));
            let _ = writeln!(text, "{percent:7.0}%{}", cell(&value, 10));
        }
    }
    let seconds = number(sample.elapsed_ns) / 1e9;
    let bytes = number(sample.bytes_received);
    let runtime = time_us(number(sample.elapsed_ns) / 1e3);
    let _ = writeln!(text, "  {complete} requests in {runtime}, {}B read", binary(bytes));
    problems(&mut text, sample);
    let _ = writeln!(text, "Requests/sec: {:9.2}", number(complete) / seconds);
    let _ = writeln!(text, "Transfer/sec: {:>10}B", binary(bytes / seconds));
    text
}

/// wrk counts an answer with an error status as a request.
fn completed(sample: &Sample) -> u64 {
    sample.requests + sample.errors.count(ErrorKind::Status)
}

fn latencies(told: &Told<'_>, sample: &Sample, complete: u64) -> Statistics {
    let mut statistics = Statistics::default();
    for bucket in sample.response_time_ns.iter_recorded() {
        statistics.record(bucket.value_iterated_to() / 1_000, bucket.count_at_value());
    }
    if told.exact {
        let each = complete / told.connections.max(1);
        statistics.correct((sample.elapsed_ns / 1_000).checked_div(each).unwrap_or(0));
    }
    statistics
}

/// One value for each thread and 100 ms in which it had an answer.
fn rates(sample: &Sample) -> Statistics {
    let mut statistics = Statistics::default();
    for answers in sample.ticks.iter().flatten().filter(|answers| **answers > 0) {
        statistics.record(u64::from(*answers) * 10, 1);
    }
    statistics
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

fn problems(text: &mut String, sample: &Sample) {
    use ErrorKind::{
        ConnectRefused, ConnectReset, ConnectTimeout, LocalLimit, ReadClosedEarly, ReadMalformed,
        ReadReset, Resolve, Status, Timeout, Write, WrongAnswer,
    };
    let sum =
        |kinds: &[ErrorKind]| kinds.iter().map(|kind| sample.errors.count(*kind)).sum::<u64>();
    let connect = sum(&[Resolve, ConnectRefused, ConnectReset, ConnectTimeout, LocalLimit]);
    let read = sum(&[ReadReset, ReadClosedEarly, ReadMalformed, WrongAnswer]);
    let (write, timeout) = (sum(&[Write]), sum(&[Timeout]));
    if connect + read + write + timeout > 0 {
        let _ = writeln!(
            text,
            "  Socket errors: connect {connect}, read {read}, write {write}, timeout {timeout}"
        );
    }
    let status = sum(&[Status]);
    if status > 0 {
        let _ = writeln!(text, "  Non-2xx or 3xx responses: {status}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows that wrk printed for such statistics, from the data file.
    #[test]
    fn rows_stand_as_in_wrk() {
        let shown = |name: &str, cells: [&str; 3], within: &str| {
            format!(
                "    {name:<10}{}{}{}{within:>8}%",
                cell(cells[0], 8),
                cell(cells[1], 10),
                cell(cells[2], 9)
            )
        };
        let printed = include_str!("../../tests/data/wrk-format.tsv");
        for (name, cells, within) in [
            ("Latency", ["635.91us", "0.89ms", "12.92ms"], "93.69"),
            ("Req/Sec", ["56.20k", "8.07k", "62.00k"], "86.54"),
            ("Req/Sec", ["255.47", "188.81", "670.00"], "65.98"),
        ] {
            let row = shown(name, cells, within);
            assert!(printed.lines().any(|line| line == row), "{row:?}");
        }
    }
}
