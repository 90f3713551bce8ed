//! `--fail-if`: what a load must not come to.

use super::LoadReport;
use crate::metric::{Statistic, Unit, parse_amount, parse_time};
use crate::report::units::{grouped, percent, time_us};

/// Such as `p99 > 20ms`.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    subject: Subject,
    is_above: bool,
    /// In microseconds, requests a second, or as a share.
    value: f64,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Subject {
    ResponseTime(Statistic),
    RequestsPerSecond,
    ErrorRate,
}

/// A text that is no condition; the field says why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{text}': {cause}; write for instance \"p99 > 20ms\", \"error_rate > 1%\" or \"requests_per_second < 1000\""
)]
pub struct NoCondition {
    text: String,
    cause: String,
}

impl Condition {
    /// # Errors
    /// [`NoCondition`].
    pub fn parse(text: &str) -> Result<Self, NoCondition> {
        let no = |cause: String| NoCondition { text: text.to_owned(), cause };
        let at = text.find(['<', '>']).ok_or_else(|| no("it has neither < nor >".to_owned()))?;
        let (name, rest) = (text[..at].trim(), text[at + 1..].trim());
        let subject = Subject::named(name).ok_or_else(|| {
            no(format!(
                "'{name}' is none of mean, max, percentiles such as p99, requests_per_second and \
                 error_rate"
            ))
        })?;
        let value = subject
            .value(rest)
            .ok_or_else(|| no(format!("'{rest}' is not a {}", subject.dimension())))?;
        Ok(Self {
            subject,
            is_above: text[at..].starts_with('>'),
            value,
            text: text.trim().to_owned(),
        })
    }

    /// Why the load fails by it: it came to that, or it is unknown; `None` when it did not.
    pub fn fault(&self, report: &LoadReport<'_>) -> Option<String> {
        let Some(found) = self.subject.of(report) else {
            return Some(format!("--fail-if '{}': it is not known{}", self.text, unknown(report)));
        };
        let is_so = if self.is_above { found > self.value } else { found < self.value };
        let shown = self.subject.shown(found);
        is_so.then(|| format!("--fail-if '{}': it was {shown}", self.text))
    }
}

fn unknown(report: &LoadReport<'_>) -> &'static str {
    match report.judged_times_ns {
        None => ", since the server stopped responding",
        Some(_) => ", since too few responses came for it; lengthen the load",
    }
}

impl Subject {
    fn named(name: &str) -> Option<Self> {
        match name {
            "requests_per_second" => Some(Self::RequestsPerSecond),
            "error_rate" => Some(Self::ErrorRate),
            _ => Statistic::parse(name).map(Self::ResponseTime),
        }
    }

    fn value(self, text: &str) -> Option<f64> {
        match self {
            Self::ResponseTime(_) => Some(parse_time(text)?.as_secs_f64() * 1e6),
            Self::RequestsPerSecond => parse_amount(text, Unit::PerSecond).ok(),
            Self::ErrorRate => parse_share(text),
        }
    }

    fn dimension(self) -> &'static str {
        match self {
            Self::ResponseTime(_) => "time, such as 20ms",
            Self::RequestsPerSecond => "number",
            Self::ErrorRate => "share, such as 1% or 0.01",
        }
    }

    fn of(self, report: &LoadReport<'_>) -> Option<f64> {
        match self {
            Self::ResponseTime(statistic) => report.statistic_us(statistic),
            Self::RequestsPerSecond => Some(report.requests_per_second),
            Self::ErrorRate => Some(report.error_rate),
        }
    }

    fn shown(self, value: f64) -> String {
        match self {
            Self::ResponseTime(_) => time_us(value),
            Self::RequestsPerSecond => grouped(value),
            Self::ErrorRate => percent(value),
        }
    }
}

/// Reads `1%` or `0.01`, 0 to 1.
pub fn parse_share(text: &str) -> Option<f64> {
    let text = text.trim();
    let share = match text.strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().ok()? / 100.0,
        None => text.parse().ok()?,
    };
    (0.0..=1.0).contains(&share).then_some(share)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{at_rate, over_tcp, sample};
    use super::*;
    use crate::analysis::USUAL_LOCAL_PORTS;

    #[track_caller]
    fn fault(text: &str) -> Option<String> {
        let (load, sample) = (at_rate(2_000.0), sample(2_000));
        let report = LoadReport::of("u", &load, &sample, USUAL_LOCAL_PORTS);
        Condition::parse(text).unwrap().fault(&report)
    }

    #[test]
    fn a_load_fails_by_what_it_came_to() {
        for (text, found) in [
            ("p99 > 500us", Some("it was 1.00 ms")),
            ("p99>2ms", None),
            ("mean > 0.9ms", Some("it was 1.00 ms")),
            ("max < 2ms", Some("it was 1.00 ms")),
            ("requests_per_second < 1000", None),
            ("requests_per_second < 3000", Some("it was 2,000")),
            ("error_rate > 1%", None),
            ("error_rate < 0.5", Some("it was 0.0 %")),
            ("p99.99 > 1s", Some("not known, since too few responses")),
        ] {
            let fault = fault(text);
            assert_eq!(fault.is_some(), found.is_some(), "{text}: {fault:?}");
            assert!(fault.is_none_or(|fault| fault.contains(found.unwrap())), "{text}");
        }
    }

    #[test]
    fn where_the_server_stopped_nothing_is_known_to_hold() {
        let mut hung = sample(1_000);
        hung.ticks = vec![vec![500, 500, 0, 0, 0, 0, 0, 0, 0, 0]];
        hung.unanswered_ns.record(800_000_000).unwrap();
        let load = over_tcp();
        let report = LoadReport::of("u", &load, &hung, USUAL_LOCAL_PORTS);
        let fault = Condition::parse("p50 > 1s").unwrap().fault(&report).unwrap();
        assert!(fault.ends_with("since the server stopped responding"), "{fault}");
    }

    #[test]
    fn an_invalid_condition_is_refused_with_the_cause() {
        for (text, cause) in [
            ("p99", "neither < nor >"),
            ("p101 > 20ms", "'p101' is none of"),
            ("p99 > fast", "'fast' is not a time"),
            ("p99 > 20", "'20' is not a time"),
            ("error_rate > 200%", "'200%' is not a share"),
            ("requests_per_second < 20ms", "is not a number"),
        ] {
            let told = Condition::parse(text).unwrap_err().to_string();
            assert!(told.contains(cause) && told.contains("p99 > 20ms"), "{told}");
        }
    }
}
