//! Figures out of what each tool prints.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// What a tool says about its load; null where it does not tell, or not well enough.
#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Reading {
    pub requests_per_second: f64,
    /// Mean response time, where it tells.
    pub mean_us: Option<f64>,
    /// Its median, where it tells to better than a millisecond.
    pub p50_us: Option<f64>,
    /// Its 99th percentile, likewise.
    pub p99_us: Option<f64>,
    /// Requests that failed, and responses that it takes for failures.
    pub failed: u64,
}

/// wrk's report.
pub fn wrk(text: &str) -> Option<Reading> {
    let cell = |start: &str, at: usize| {
        let line = text.lines().find(|line| line.trim_start().starts_with(start))?;
        time_us(line.split_whitespace().nth(at)?)
    };
    let errors = lines(text, "Socket errors:").flat_map(numbers).sum::<u64>();
    let status = lines(text, "Non-2xx or 3xx responses:").flat_map(numbers).sum::<u64>();
    Some(Reading {
        requests_per_second: number_after(text, "Requests/sec:")?,
        mean_us: cell("Latency ", 1),
        p50_us: cell("50%", 1),
        p99_us: cell("99%", 1),
        failed: errors + status,
    })
}

/// hey's summary; its times have a tenth of a millisecond.
pub fn hey(text: &str) -> Option<Reading> {
    let percentile = |name: &str| number_after(text, name).map(|seconds| seconds * 1e6);
    let bad = |line: &&str| {
        let line = line.trim_start();
        line.starts_with('[') && line.ends_with(" responses") && !line.starts_with("[2")
    };
    let responses = |line: &str| line.split_whitespace().nth(1)?.parse::<u64>().ok();
    let status = text.lines().filter(bad).filter_map(responses).sum::<u64>();
    let after = text.split_once("Error distribution:").map_or("", |(_, rest)| rest);
    let count =
        |line: &str| line.trim_start().strip_prefix('[')?.split(']').next()?.parse::<u64>().ok();
    let errors = after.lines().filter_map(count).sum::<u64>();
    Some(Reading {
        requests_per_second: number_after(text, "Requests/sec:")?,
        mean_us: number_after(text, "Average:").map(|seconds| seconds * 1e6),
        p50_us: percentile("50% in"),
        p99_us: percentile("99% in"),
        failed: status + errors,
    })
}

/// ab's report; its percentiles are whole milliseconds and left out.
pub fn ab(text: &str) -> Option<Reading> {
    let count = |name: &str| lines(text, name).flat_map(numbers).sum::<u64>();
    Some(Reading {
        requests_per_second: number_after(text, "Requests per second:")?,
        mean_us: number_after(text, "Time per request:").map(|milliseconds| milliseconds * 1e3),
        failed: count("Failed requests:") + count("Non-2xx responses:"),
        ..Reading::default()
    })
}

/// h2load's report.
pub fn h2load(text: &str) -> Option<Reading> {
    let finished = text.lines().find(|line| line.starts_with("finished in"))?;
    let rate = finished.split(", ").find_map(|part| part.strip_suffix(" req/s"))?;
    let times = text.lines().find(|line| line.starts_with("time for request:"));
    let mean = times.and_then(|line| time_us(line.split_whitespace().nth(5)?));
    let failed = lines(text, "requests:").flat_map(|line| line.split(", ")).filter_map(|part| {
        let (count, kind) = part.trim().split_once(' ')?;
        ["failed", "errored", "timeout"].contains(&kind).then(|| count.parse::<u64>().ok())?
    });
    Some(Reading {
        requests_per_second: rate.parse().ok()?,
        mean_us: mean,
        failed: failed.sum(),
        ..Reading::default()
    })
}

/// oha's JSON; its times are seconds.
pub fn oha(text: &str) -> Option<Reading> {
    let report: Value = serde_json::from_str(text).ok()?;
    let time_us = |at: &str| Some(number_at(&report, at)? * 1e6);
    let errors = counts(&report, "errorDistribution").map(|(_, count)| count);
    Some(Reading {
        requests_per_second: number_at(&report, "/summary/requestsPerSec")?,
        mean_us: time_us("/summary/average"),
        p50_us: time_us("/latencyPercentiles/p50"),
        p99_us: time_us("/latencyPercentiles/p99"),
        failed: bad_responses(&report, "statusCodeDistribution") + errors.sum::<u64>(),
    })
}

/// The metrics of k6's summary; its times are milliseconds.
pub fn k6(text: &str) -> Option<Reading> {
    let report: Value = serde_json::from_str(text).ok()?;
    let time_us = |name: &str| {
        let at = format!("/http_req_duration/values/{name}");
        Some(number_at(&report, &at)? * 1e3)
    };
    Some(Reading {
        requests_per_second: number_at(&report, "/http_reqs/values/rate")?,
        mean_us: time_us("avg"),
        p50_us: time_us("med"),
        p99_us: time_us("p(99)"),
        // A rate "passes" where it holds: here, where a request failed.
        failed: report.pointer("/http_req_failed/values/passes")?.as_u64()?,
    })
}

/// vegeta's report as JSON; its times are nanoseconds.
pub fn vegeta(text: &str) -> Option<Reading> {
    let report: Value = serde_json::from_str(text).ok()?;
    let time_us = |at: &str| Some(number_at(&report, at)? / 1e3);
    Some(Reading {
        requests_per_second: number_at(&report, "/throughput")?,
        mean_us: time_us("/latencies/mean"),
        p50_us: time_us("/latencies/50th"),
        p99_us: time_us("/latencies/99th"),
        // What never was a response has the status 0.
        failed: bad_responses(&report, "status_codes"),
    })
}

/// The one number that timeit gives: seconds for all requests.
pub fn timeit(text: &str, requests: u64) -> Option<Reading> {
    let seconds: f64 = text.trim().parse().ok()?;
    let requests = crate::numbers::number(requests);
    (seconds > 0.0).then(|| Reading {
        requests_per_second: requests / seconds,
        mean_us: Some(seconds / requests * 1e6),
        ..Reading::default()
    })
}

/// `12.34ms` and its like in microseconds.
fn time_us(text: &str) -> Option<f64> {
    let digits = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(digits);
    let factor = match unit {
        "us" => 1.0,
        "ms" => 1e3,
        "s" => 1e6,
        "m" => 60e6,
        "h" => 3_600e6,
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * factor)
}

fn number_at(report: &Value, at: &str) -> Option<f64> {
    report.pointer(at)?.as_f64()
}

/// Responses by what they were, from an object with a number for each.
fn counts<'a>(report: &'a Value, name: &str) -> impl Iterator<Item = (&'a str, u64)> {
    let fields = report.get(name).and_then(Value::as_object).into_iter().flatten();
    fields.map(|(name, count)| (name.as_str(), count.as_u64().unwrap_or(0)))
}

/// Responses with a status other than 2xx.
fn bad_responses(report: &Value, name: &str) -> u64 {
    let bad = counts(report, name).filter(|(status, _)| !status.starts_with('2'));
    bad.map(|(_, count)| count).sum()
}

/// What follows the name in the lines that begin with it.
fn lines<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    text.lines().filter_map(move |line| line.trim_start().strip_prefix(name))
}

fn number_after(text: &str, name: &str) -> Option<f64> {
    lines(text, name).find_map(|rest| rest.split_whitespace().next()?.parse().ok())
}

fn numbers(text: &str) -> impl Iterator<Item = u64> {
    text.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse().ok())
}

#[cfg(test)]
mod tests;
