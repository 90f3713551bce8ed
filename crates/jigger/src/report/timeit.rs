//! What `jigger timeit` prints.

use std::fmt::Write as _;

use jigger_load::{Errors, Http, Sample};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::load::{http_version, kinds_schema};
use super::units::{grouped, significant, time_us};
use crate::numbers::number;

/// The version of the JSON shape.
pub const VERSION: u32 = 1;

/// The timed requests and their results.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TimeitReport {
    #[schemars(extend("const" = VERSION))]
    version: u32,
    /// Requests per round.
    number: u64,
    connection: Connection,
    urls: Vec<TimedUrl>,
}

#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Connection {
    /// A new one for each request.
    Fresh,
    /// One for all requests of a round.
    KeepAlive,
}

/// One URL and its rounds.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TimedUrl {
    url: String,
    /// The HTTP version, `1.1` or `2`.
    http: &'static str,
    rounds: Vec<Round>,
    /// Of the shortest round; null without any round.
    best_seconds: Option<f64>,
    /// By what fraction the longest round took more.
    spread: Option<f64>,
}

/// One round of one URL.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Round {
    /// For all requests, from the beginning of the first to the end of the last response.
    seconds: f64,
    /// Includes the time of failed requests; null without a correct response.
    seconds_per_request: Option<f64>,
    /// Correct responses.
    requests: u64,
    /// Failed requests by kind; kinds without any are left out.
    #[serde(serialize_with = "those_that_occurred")]
    #[schemars(schema_with = "kinds_schema")]
    errors: Errors,
}

impl TimeitReport {
    /// `keeps_connection`: one connection served all `number` requests of a round.
    pub fn new(number: u64, keeps_connection: bool, urls: Vec<TimedUrl>) -> Self {
        let connection = if keeps_connection { Connection::KeepAlive } else { Connection::Fresh };
        Self { version: VERSION, number, connection, urls }
    }

    /// Whether every URL gave a response.
    pub fn is_measured(&self) -> bool {
        self.urls.iter().all(|timed| timed.rounds.iter().any(|round| round.requests > 0))
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let connection = match self.connection {
            Connection::KeepAlive => "over one connection",
            Connection::Fresh => "a new connection for each",
        };
        let requests = grouped(number(self.number));
        for TimedUrl { url, http, rounds, best_seconds, spread } in &self.urls {
            let spoken = if *http == "2" { " (HTTP/2)" } else { "" };
            let _ = writeln!(
                text,
                "{url}: {requests} requests one after another, {connection}{spoken}"
            );
            if let [only] = rounds.as_slice() {
                let _ = writeln!(text, "  {}", only.text());
                continue;
            }
            for (nth, round) in (1..).zip(rounds) {
                let _ = writeln!(text, "  round {nth}: {}", round.text());
            }
            if let Some((best, spread)) = best_seconds.zip(*spread) {
                let spread = significant(spread * 100.0);
                let _ = writeln!(text, "  best: {best:.3} s; the longest took {spread} % more");
            }
        }
        text
    }
}

impl TimedUrl {
    /// Without any round yet.
    pub fn new(url: &str, http: Http) -> Self {
        let http = http_version(http);
        Self { url: url.to_owned(), http, rounds: Vec::new(), best_seconds: None, spread: None }
    }

    /// One more round.
    pub fn push(&mut self, round: Round) {
        self.rounds.push(round);
        let correct = || self.rounds.iter().filter(|round| round.requests > 0);
        let seconds = || correct().map(|round| round.seconds);
        self.best_seconds = seconds().reduce(f64::min).filter(|best| *best > 0.0);
        let longest = seconds().reduce(f64::max);
        self.spread = self.best_seconds.zip(longest).map(|(best, longest)| longest / best - 1.0);
    }
}

impl Round {
    /// What a load measured.
    pub fn of(sample: &Sample) -> Self {
        Self::new(number(sample.elapsed_ns) / 1e9, sample.requests, sample.errors.clone())
    }

    fn new(seconds: f64, requests: u64, errors: Errors) -> Self {
        let made = requests + errors.total();
        let seconds_per_request = (requests > 0).then(|| seconds / number(made));
        Self { seconds, seconds_per_request, requests, errors }
    }

    fn text(&self) -> String {
        let mut text = match self.seconds_per_request {
            Some(seconds) => {
                format!("{:.3} s, {} per request", self.seconds, time_us(seconds * 1e6))
            }
            None => "no correct response".to_owned(),
        };
        for (kind, count, first) in self.errors.iter() {
            let _ = write!(text, "; {count} failed ({}): {first}", kind.name());
        }
        text
    }
}

fn those_that_occurred<S: Serializer>(errors: &Errors, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(errors.iter().map(|(kind, count, _)| (kind.name(), count)))
}

#[cfg(test)]
mod tests {
    use jigger_load::ErrorKind;
    use serde_json::Value;

    use super::*;
    use crate::report::to_json;

    #[test]
    fn rounds_their_best_and_their_spread() {
        let round = |seconds| Round::new(seconds, 1_000, Errors::default());
        let mut errors = Errors::default();
        errors.add(ErrorKind::Timeout, 1_000, || "no complete response within 10s".to_owned());
        let mut timed =
            vec![TimedUrl::new("http://a/", Http::V1), TimedUrl::new("https://b/", Http::V2)];
        [2.2, 2.0].into_iter().for_each(|seconds| timed[0].push(round(seconds)));
        timed[1].push(Round::new(3.0, 0, errors));
        let report = TimeitReport::new(1_000, false, timed);
        assert_eq!(
            report.text(),
            "http://a/: 1,000 requests one after another, a new connection for each\n  \
             round 1: 2.200 s, 2.20 ms per request\n  round 2: 2.000 s, 2.00 ms per request\n  \
             best: 2.000 s; the longest took 10.0 % more\n\
             https://b/: 1,000 requests one after another, a new connection for each (HTTP/2)\n  \
             no correct response; 1000 failed (timeout): no complete response within 10s\n"
        );
        assert!(!report.is_measured());
        let value: Value = serde_json::from_str(&to_json(&report)).unwrap();
        assert_eq!(value["urls"][0]["best_seconds"], 2.0);
        assert_eq!(
            (&value["urls"][0]["http"], &value["urls"][1]["http"]),
            (&"1.1".into(), &"2".into())
        );
        assert_eq!(value["urls"][1]["best_seconds"], Value::Null);
        assert_eq!(value["urls"][1]["rounds"][0]["errors"]["timeout"], 1_000);
    }
}
