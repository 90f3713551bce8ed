//! `[[threshold]]`: what a metric of a contender has to keep, for runs that gate a change.

use super::raw::{RawLimit, RawThreshold};
use super::{Contender, Scenario, names, quantity};

/// A promise about one metric of one contender.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// The metric's name.
    pub metric: String,
    /// Whose.
    pub contender: String,
    /// On which side of the limit it has to stay.
    pub bound: Bound,
    /// The limit.
    pub limit: Limit,
    /// The limit as it was written.
    pub text: String,
}

/// The side of a limit that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// The limit or more.
    AtLeast,
    /// The limit or less.
    AtMost,
}

/// What a metric is held against.
#[derive(Debug, Clone, PartialEq)]
pub enum Limit {
    /// An amount, in the metric's unit.
    Amount(f64),
    /// So many times the value of another contender in the same rounds.
    Times {
        /// How many times.
        factor: f64,
        /// Whose value.
        contender: String,
    },
}

/// Metrics that each scenario has, after its name and a dot.
const OF_SCENARIO: [&str; 12] = [
    "requests_per_second",
    "seconds_per_request",
    "response_time_us.mean",
    "response_time_us.stdev",
    "response_time_us.max",
    "response_time_us.p50",
    "response_time_us.p90",
    "response_time_us.p99",
    "response_time_us.p99_9",
    "response_time_us.p99_99",
    "cpu_us_per_request",
    "memory_bytes",
];

/// Metrics of a server as such.
const OF_SERVER: [&str; 12] = [
    "startup_ms",
    "startup_ms.min",
    "startup_ms.p50",
    "startup_ms.p90",
    "startup_ms.max",
    "memory_idle_bytes",
    "memory_peak_bytes",
    "build_seconds",
    "artifact_bytes",
    "image_unpacked_bytes",
    "image_transfer_bytes",
    "image_own_bytes",
];

/// Checks that each is a metric which a suite with these scenarios can have: its whole name, or
/// what follows the scenario's.
///
/// # Errors
/// The message, with the nearest name.
pub fn check_metrics(wanted: &[String], scenarios: &[&str]) -> Result<(), String> {
    let whole = metric_names(scenarios);
    let names: Vec<&str> =
        OF_SCENARIO.into_iter().chain(whole.iter().map(String::as_str)).collect();
    wanted.iter().try_for_each(|name| known("metric", name, &names))
}

/// The names of all metrics that a suite with these scenarios can have.
fn metric_names(scenarios: &[&str]) -> Vec<String> {
    let of_scenarios = scenarios
        .iter()
        .flat_map(|scenario| OF_SCENARIO.map(|metric| format!("{scenario}.{metric}")));
    of_scenarios.chain(OF_SERVER.map(str::to_owned)).collect()
}

/// Checks one threshold against the suite that it is in.
///
/// # Errors
/// The message, with what to write instead.
pub fn validated(
    raw: RawThreshold,
    contenders: &[Contender],
    scenarios: &[Scenario],
) -> Result<Threshold, String> {
    let place = format!("threshold on '{}'", raw.metric);
    let names: Vec<&str> = scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
    let metrics = metric_names(&names);
    checked(raw, &metrics, contenders).map_err(|message| format!("{place}: {message}"))
}

fn checked(
    raw: RawThreshold,
    metrics: &[String],
    contenders: &[Contender],
) -> Result<Threshold, String> {
    known("metric", &raw.metric, &metrics.iter().map(String::as_str).collect::<Vec<_>>())?;
    let contender_names: Vec<&str> = contenders.iter().map(|c| c.name.as_str()).collect();
    known("contender", &raw.contender, &contender_names)?;
    let (bound, key, written) = match (raw.at_least, raw.at_most) {
        (Some(limit), None) => (Bound::AtLeast, "at_least", limit),
        (None, Some(limit)) => (Bound::AtMost, "at_most", limit),
        _ => return Err("give either at_least or at_most".to_owned()),
    };
    let text = match written {
        RawLimit::Number(number) => number.to_string(),
        RawLimit::Text(text) => text,
    };
    let limit = limit(key, &text, &raw.metric, &contender_names)?;
    Ok(Threshold { metric: raw.metric, contender: raw.contender, bound, limit, text })
}

fn known(kind: &str, name: &str, known: &[&str]) -> Result<(), String> {
    if known.contains(&name) { Ok(()) } else { Err(names::unknown(kind, name, known)) }
}

/// `20ms`, or `2 x flask`.
fn limit(key: &str, text: &str, metric: &str, contenders: &[&str]) -> Result<Limit, String> {
    let Some((factor, other)) = text.split_once(" x ") else {
        return quantity::parse(key, text, metric).map(Limit::Amount);
    };
    let factor = factor.trim().parse::<f64>().ok().filter(|f| *f > 0.0 && f.is_finite());
    let factor = factor.ok_or_else(|| {
        format!("{key} = '{text}': write a number above zero before the x, such as \"2 x {other}\"")
    })?;
    known("contender", other.trim(), contenders).map_err(|message| format!("{key}: {message}"))?;
    Ok(Limit::Times { factor, contender: other.trim().to_owned() })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::suite::Suite;

    fn suite(threshold: &str) -> Result<Suite, String> {
        let contender = |name| format!("[[contender]]\nname = \"{name}\"\nurl = \"http://h/\"\n");
        let text = format!(
            "[suite]\nname = \"s\"\n{}{}[[scenario]]\nname = \"q\"\nrequests = 1\n\
             [[threshold]]\n{threshold}\n",
            contender("gin"),
            contender("flask")
        );
        Suite::parse(&text, "s.toml", Path::new("/")).map_err(|error| error.to_string())
    }

    #[test]
    fn amounts_and_multiples() {
        let read = |text: &str| suite(text).unwrap().thresholds.remove(0);
        let amount = read("metric = \"startup_ms\"\ncontender = \"gin\"\nat_most = \"1s\"");
        assert_eq!((amount.bound, amount.limit), (Bound::AtMost, Limit::Amount(1_000.0)));
        let number =
            read("metric = \"q.requests_per_second\"\ncontender = \"gin\"\nat_least = 1000");
        assert_eq!((number.limit, number.text.as_str()), (Limit::Amount(1_000.0), "1000"));
        let times = read(
            "metric = \"q.requests_per_second\"\ncontender = \"gin\"\nat_least = \"1.5 x flask\"",
        );
        let wanted = Limit::Times { factor: 1.5, contender: "flask".to_owned() };
        assert_eq!((times.bound, times.limit), (Bound::AtLeast, wanted));
    }

    #[test]
    fn each_wrong_threshold_has_its_message() {
        let rate = "metric = \"q.requests_per_second\"\n";
        let gin = "contender = \"gin\"\n";
        let cases = [
            (format!("metric = \"q.request_per_second\"\n{gin}at_most = 1"), "did you mean 'q.req"),
            (format!("{rate}contender = \"gim\"\nat_most = 1"), "did you mean 'gin'?"),
            (format!("{rate}{gin}"), "either at_least or at_most"),
            (format!("{rate}{gin}at_least = 1\nat_most = 2"), "either at_least or at_most"),
            (format!("{rate}{gin}at_least = \"20ms\""), "a number such as 1000"),
            (format!("{rate}{gin}at_least = \"2 x flaks\""), "at_least: unknown contender 'flaks'"),
            (format!("{rate}{gin}at_least = \"two x flask\""), "a number above zero before the x"),
            (format!("{rate}{gin}at_lest = 1"), "did you mean 'at_least'?"),
        ];
        for (text, wanted) in cases {
            let message = suite(&text).unwrap_err();
            assert!(message.contains(wanted), "{message:?} lacks {wanted:?}");
        }
    }
}
