//! What `jigger timeit` prints.

use std::fmt::Write as _;

use jigger_load::Sample;
use serde_json::{Value, json};

use super::units::{grouped, significant, time_us};
use crate::numbers::number;

/// One round of one URL.
#[derive(Debug, Clone, PartialEq)]
pub struct Timed {
    /// From the first request's begin to the last answer's end.
    pub seconds: f64,
    /// Correct answers.
    pub answers: u64,
    /// Failed requests by kind, with the first message of each.
    pub errors: Vec<(&'static str, u64, String)>,
}

/// What was asked and what came of it.
#[derive(Debug)]
pub struct Told<'a> {
    /// The URLs as typed.
    pub urls: &'a [String],
    /// Requests a round.
    pub number: u64,
    /// Whether one connection served them all.
    pub keeps_connection: bool,
    /// The rounds of each URL.
    pub timed: &'a [Vec<Timed>],
}

impl Timed {
    /// What a load measured.
    #[must_use]
    pub fn of(sample: &Sample) -> Self {
        let errors = sample.errors.iter();
        Self {
            seconds: number(sample.elapsed_ns) / 1e9,
            answers: sample.requests,
            errors: errors
                .map(|(kind, count, first)| (kind.name(), count, first.to_owned()))
                .collect(),
        }
    }

    fn failed(&self) -> u64 {
        self.errors.iter().map(|(_, count, _)| count).sum()
    }

    /// Failed requests took their time as well; `None` when none was made.
    fn seconds_per_request(&self) -> Option<f64> {
        let requests = self.answers + self.failed();
        (requests > 0).then(|| self.seconds / number(requests))
    }

    fn text(&self) -> String {
        let each = self.seconds_per_request().map_or_else(|| "-".to_owned(), |s| time_us(s * 1e6));
        let mut text = format!("{:.3} s, {each} a request", self.seconds);
        for (kind, count, first) in &self.errors {
            let _ = write!(text, "; {count} failed ({kind}): {first}");
        }
        text
    }
}

/// The shortest round's seconds, and by how much the longest is longer, as a share.
fn best_and_spread(rounds: &[Timed]) -> Option<(f64, f64)> {
    let seconds = || rounds.iter().map(|timed| timed.seconds);
    let best = seconds().reduce(f64::min).filter(|best| *best > 0.0)?;
    let worst = seconds().reduce(f64::max)?;
    Some((best, worst / best - 1.0))
}

/// For people.
#[must_use]
pub fn text(told: &Told<'_>) -> String {
    let mut text = String::new();
    let connection =
        if told.keeps_connection { "over one connection" } else { "a new connection for each" };
    for (url, rounds) in told.urls.iter().zip(told.timed) {
        let requests = grouped(number(told.number));
        let _ = writeln!(text, "{url}: {requests} requests one after another, {connection}");
        if let [only] = rounds.as_slice() {
            let _ = writeln!(text, "  {}", only.text());
            continue;
        }
        for (round, timed) in rounds.iter().enumerate() {
            let _ = writeln!(text, "  round {}: {}", round + 1, timed.text());
        }
        if let Some((best, spread)) = best_and_spread(rounds) {
            let spread = significant(spread * 100.0);
            let _ = writeln!(text, "  best: {best:.3} s; the longest took {spread} % more");
        }
    }
    text
}

/// For programs: version 1 of the shape in docs/suite.md.
#[must_use]
pub fn json(told: &Told<'_>) -> String {
    let round = |timed: &Timed| {
        let errors: serde_json::Map<String, Value> = timed
            .errors
            .iter()
            .map(|(kind, count, _)| ((*kind).to_owned(), json!(count)))
            .collect();
        json!({
            "seconds": timed.seconds,
            "seconds_per_request": timed.seconds_per_request(),
            "requests": timed.answers,
            "errors": errors,
        })
    };
    let url = |(url, rounds): (&String, &Vec<Timed>)| {
        let summary = best_and_spread(rounds);
        json!({
            "url": url,
            "rounds": rounds.iter().map(round).collect::<Vec<_>>(),
            "best_seconds": summary.map(|(best, _)| best),
            "spread": summary.map(|(_, spread)| spread),
        })
    };
    let urls: Vec<Value> = told.urls.iter().zip(told.timed).map(url).collect();
    let connection = if told.keeps_connection { "keep-alive" } else { "fresh" };
    let value =
        json!({ "version": 1, "number": told.number, "connection": connection, "urls": urls });
    format!("{value:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timed(seconds: f64) -> Timed {
        Timed { seconds, answers: 1_000, errors: Vec::new() }
    }

    #[test]
    fn rounds_their_best_and_their_spread() {
        let failing = Timed {
            seconds: 3.0,
            answers: 0,
            errors: vec![("timeout", 1_000, "no complete answer within 10s".to_owned())],
        };
        let told = Told {
            urls: &["http://a/".to_owned(), "http://b/".to_owned()],
            number: 1_000,
            keeps_connection: false,
            timed: &[vec![timed(2.2), timed(2.0)], vec![failing]],
        };
        assert_eq!(
            text(&told),
            "http://a/: 1,000 requests one after another, a new connection for each\n  \
             round 1: 2.200 s, 2.20 ms a request\n  round 2: 2.000 s, 2.00 ms a request\n  \
             best: 2.000 s; the longest took 10.0 % more\n\
             http://b/: 1,000 requests one after another, a new connection for each\n  \
             3.000 s, 3.00 ms a request; 1000 failed (timeout): no complete answer within 10s\n"
        );
        let value: Value = serde_json::from_str(&json(&told)).unwrap();
        assert_eq!(value["urls"][0]["best_seconds"], 2.0);
        assert_eq!(value["urls"][1]["rounds"][0]["errors"]["timeout"], 1_000);
    }
}
