//! `[[scenario]]`: a request and a pacing, with the objective of a capacity, and how they are read.

use std::path::Path;
use std::time::Duration;

use jigger_load::{Arrivals, ConnectionPolicy, Extent, Http};

use super::fault::{Checked, Fault, at, duration, plain_name, refused, unknown};
use super::grpc;
use super::protocol;
use super::raw::{RawLimit, RawRequest, RawScenario, RawThreads};
use super::replay::Replay;
use super::request::{self, RequestSpec, Setup};
use super::setup;
use crate::metric::Statistic;
use crate::record::VariantRecord;

/// How long a rate is tried in the search for an objective's highest one.
const PROBE: Duration = Duration::from_secs(2);

/// How requests are sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// Unique within the suite; the first part of metric names.
    pub name: String,
    /// What is sent, with weights; one request at least.
    pub requests: Vec<(RequestSpec, u32)>,
    /// What is sent in turn instead, where a file has it; `requests` are a sample of it.
    pub replay: Option<Replay>,
    pub pacing: Pacing,
    pub connections: usize,
    /// Load threads; `None` lets the tool choose for the machine.
    pub threads: Option<usize>,
    pub http: Http,
    /// Requests under way at once on each connection; 1 for HTTP/1.1.
    pub streams: usize,
    pub connection: ConnectionPolicy,
    /// After so many requests a kept connection is closed and a new one made.
    pub requests_per_connection: Option<u32>,
    /// Whether fresh connections resume earlier TLS sessions.
    pub resumes: bool,
    pub extent: Extent,
    pub timeout: Duration,
    /// Which of several this is that a matrix made.
    pub variant: Option<VariantRecord>,
    /// The scenario that this one repeats with fresh connections, to measure what closing costs; it
    /// is not in the file.
    pub fresh_for: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Pacing {
    /// Closed loop: the response to the one before.
    Closed,
    /// Open loop: the clock.
    Rate { per_second: f64, spread: Spread },
    /// Open loop, at a share of what the slowest contender can do, which is measured before the
    /// rounds.
    ShareOfSlowest {
        /// The share; 0.6 is 60 %.
        share: f64,
        spread: Spread,
    },
    /// Open loop: each trial looks for the highest rate that keeps a promise.
    Capacity { objective: Objective, spread: Spread },
}

/// How the requests of an open loop are spread in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spread {
    pub arrivals: Arrivals,
    /// Requests due at the same instant; 1 for none.
    pub burst: u32,
}

impl Scenario {
    pub fn paced(&self, pacing: Pacing) -> Self {
        Self { pacing, ..self.clone() }
    }

    /// Its only request, where a URL says all of it, in HTTP/1.1.
    pub fn plain_get(&self) -> Option<&RequestSpec> {
        match self.requests.as_slice() {
            [(only, _)] if only.is_plain_get() && self.is_plain() => Some(only),
            _ => None,
        }
    }

    /// What each connection has before its load.
    pub fn setup(&self) -> &Setup {
        &self.requests[0].0.setup
    }

    /// Whether it sends the same all the time, in HTTP/1.1.
    fn is_plain(&self) -> bool {
        self.http == Http::V1 && self.replay.is_none()
    }

    /// Requests that may be under way at once.
    pub fn at_once(&self) -> usize {
        self.connections * self.streams
    }

    pub fn is_fresh(&self) -> bool {
        self.connection == ConnectionPolicy::Fresh
    }

    /// Whether its requests are gRPC calls.
    pub fn is_grpc(&self) -> bool {
        self.requests.iter().any(|(request, _)| request.is_grpc)
    }

    /// How many connections so many requests take, besides the first ones.
    pub fn connections_made_by(&self, requests: u64) -> u64 {
        match self.requests_per_connection {
            _ if self.is_fresh() => requests,
            Some(each) => requests / u64::from(each),
            None => 0,
        }
    }

    /// Whether it makes connections all the time, which takes local ports.
    pub fn makes_connections(&self) -> bool {
        self.is_fresh() || self.requests_per_connection.is_some()
    }

    /// The same, each trial cut to so many requests or so much time.
    pub fn shortened(&self, requests: u64, time: Duration) -> Self {
        let extent = match self.extent {
            Extent::Count(count) => Extent::Count(count.min(requests)),
            Extent::Time(long) => Extent::Time(long.min(time)),
        };
        Self { extent, ..self.clone() }
    }

    /// Load threads on a client with so many cores.
    pub fn threads_on(&self, client_cores: usize) -> usize {
        self.threads.unwrap_or(client_cores).min(self.connections).max(1)
    }
}

/// What the suite gives to each scenario.
#[derive(Clone, Copy)]
pub struct Common<'a> {
    pub request: &'a RawRequest,
    pub setup: &'a [RawRequest],
    pub folder: &'a Path,
}

/// Checks one scenario.
pub fn validated(mut raw: RawScenario, suite: Common<'_>) -> Checked<Scenario> {
    let name = plain_name("scenario", raw.name.clone())?;
    let of_matrix = if raw.variant.is_some() { " (of [matrix])" } else { "" };
    let place = format!("scenario '{name}'{of_matrix}");
    let asked = asked(&mut raw, suite).map_err(at(&place))?;
    scenario_body(name, asked, &raw).map_err(at(&place))
}

type Weighted = Vec<(RequestSpec, u32)>;

/// The requests, and the file that they are a sample of.
fn asked(raw: &mut RawScenario, suite: Common<'_>) -> Checked<(Weighted, Option<Replay>)> {
    let (own, mix) = (raw.request.take(), raw.requests_mix.take());
    let request = request::default(own, suite.request)?;
    let before = raw.setup_request.take().unwrap_or_else(|| suite.setup.to_vec());
    let setup = setup::read(before, request.cookies.unwrap_or(false), suite.folder)?;
    let place = (&setup, suite.folder);
    let Some(file) = raw.requests_file.take() else {
        return Ok((request::validated(request, mix, place)?, None));
    };
    if mix.is_some() {
        return refused("give one of requests_mix, requests_file");
    }
    let replay = Replay::read(file, &request, place)?;
    Ok((replay.sample(), Some(replay)))
}

fn scenario_body(
    name: String,
    (mut requests, replay): (Weighted, Option<Replay>),
    raw: &RawScenario,
) -> Checked<Scenario> {
    let connections = raw.connections.unwrap_or(1);
    let threads = match &raw.threads {
        None => None,
        Some(RawThreads::Count(count)) => Some(*count),
        Some(RawThreads::Word(word)) if word == "auto" => None,
        Some(RawThreads::Word(word)) => {
            return refused(format!("threads = '{word}': write a number or \"auto\""));
        }
    };
    if connections == 0 || threads == Some(0) {
        return refused("connections and threads must be above zero");
    }
    if threads.is_some_and(|threads| threads > connections) {
        return refused("more threads than connections; each thread needs at least one");
    }
    let pacing = pacing(raw)?;
    let (http, is_grpc) = protocol::of_scenario(raw.protocol.as_deref())?;
    if is_grpc {
        requests = calls(requests, replay.as_ref())?;
    }
    requests.iter_mut().for_each(|(request, _)| request.http = http);
    let (connection, resumes) = connection(raw.connection.as_deref())?;
    let streams = protocol::streams(raw.streams, http, connection)?;
    Ok(Scenario {
        name,
        requests,
        replay,
        pacing,
        connections,
        threads,
        http,
        streams,
        connection,
        requests_per_connection: requests_per_connection(raw.requests_per_connection, connection)?,
        resumes,
        extent: extent(raw)?,
        timeout: duration("timeout", raw.timeout.as_deref().unwrap_or("10s"))?,
        variant: raw.variant.clone(),
        fresh_for: None,
    })
}

/// The same requests as gRPC calls.
fn calls(requests: Weighted, replay: Option<&Replay>) -> Checked<Weighted> {
    if replay.is_some() {
        return refused("requests_file has no gRPC calls; use request or requests_mix");
    }
    let call = |(request, weight): (RequestSpec, u32)| Ok((grpc::call(request)?, weight));
    requests.into_iter().map(call).collect()
}

/// The policy, and whether fresh connections resume sessions.
fn connection(policy: Option<&str>) -> Checked<(ConnectionPolicy, bool)> {
    const POLICIES: [&str; 3] = ["fresh", "resumed", "keep-alive"];
    match policy {
        None | Some("keep-alive") => Ok((ConnectionPolicy::KeepAlive, false)),
        Some("fresh") => Ok((ConnectionPolicy::Fresh, false)),
        Some("resumed") => Ok((ConnectionPolicy::Fresh, true)),
        Some(other) => refused(format!("connection: {}", unknown("policy", other, &POLICIES))),
    }
}

fn requests_per_connection(each: Option<u32>, policy: ConnectionPolicy) -> Checked<Option<u32>> {
    match (each, policy) {
        (Some(0), _) => refused("requests_per_connection must be above zero"),
        (Some(_), ConnectionPolicy::Fresh) => refused(
            "a fresh connection carries one request; leave out requests_per_connection, or connection",
        ),
        _ => Ok(each),
    }
}

fn extent(raw: &RawScenario) -> Checked<Extent> {
    match (raw.requests, &raw.duration) {
        (Some(0), None) => refused("requests must be above zero"),
        (Some(requests), None) => Ok(Extent::Count(requests)),
        (None, Some(text)) => Ok(Extent::Time(duration("duration", text)?)),
        (None, None) if raw.objective.is_some() => Ok(Extent::Time(PROBE)),
        (None, None) => refused("give either requests = N or duration = \"4s\""),
        (Some(_), Some(_)) => refused("give either requests or duration, not both"),
    }
}

fn pacing(raw: &RawScenario) -> Checked<Pacing> {
    let objective = raw.objective.as_deref().map(Objective::parse).transpose()?;
    if objective.is_some() && (raw.rate.is_some() || raw.requests.is_some()) {
        return refused(
            "an objective searches for the rate: leave out rate and requests; duration is how \
             long each rate is tried",
        );
    }
    let spread = spread(raw)?;
    match (objective, &raw.rate) {
        (Some(objective), _) => Ok(Pacing::Capacity { objective, spread }),
        (None, Some(RawLimit::Number(per_second)))
            if *per_second > 0.0 && per_second.is_finite() =>
        {
            Ok(Pacing::Rate { per_second: *per_second, spread })
        }
        (None, Some(RawLimit::Number(_))) => refused("rate must be above zero"),
        (None, Some(RawLimit::Text(text))) => {
            Ok(Pacing::ShareOfSlowest { share: share(text)?, spread })
        }
        (None, None) if raw.arrivals.is_some() || raw.burst.is_some() => {
            refused("arrivals and burst need a rate or an objective")
        }
        (None, None) => Ok(Pacing::Closed),
    }
}

fn spread(raw: &RawScenario) -> Checked<Spread> {
    let burst = raw.burst.unwrap_or(1);
    if burst == 0 {
        return refused("burst must be above zero");
    }
    Ok(Spread { arrivals: arrivals(raw.arrivals.as_deref())?, burst })
}

/// `60% of slowest`.
fn share(text: &str) -> Checked<f64> {
    let percent = text.trim().strip_suffix("of slowest").map(str::trim_end);
    let percent = percent.and_then(|text| text.strip_suffix('%')?.trim().parse::<f64>().ok());
    percent
        .filter(|percent| *percent > 0.0 && *percent <= 100.0)
        .map(|percent| percent / 100.0)
        .ok_or_else(|| {
            Fault::from(format!(
                "rate = '{text}': write a number, or a share such as \"60% of slowest\""
            ))
        })
}

fn arrivals(name: Option<&str>) -> Checked<Arrivals> {
    match name {
        None | Some("even") => Ok(Arrivals::Even),
        Some("exponential") => Ok(Arrivals::Exponential),
        Some(other) => {
            refused(format!("arrivals: {}", unknown("kind", other, &["even", "exponential"])))
        }
    }
}

/// A promise about response times.
#[derive(Debug, Clone, PartialEq)]
pub struct Objective {
    /// What of the response times has to stay below the limit.
    pub statistic: Statistic,
    pub limit: Duration,
    pub text: String,
}

impl Objective {
    /// Reads `p99 < 20ms`.
    pub fn parse(text: &str) -> Checked<Self> {
        let Some((name, limit)) = text.split_once('<') else {
            return refused(format!("objective = '{text}': write for instance \"p99 < 20ms\""));
        };
        let name = name.trim();
        let statistic = Statistic::parse(name).ok_or_else(|| {
            format!("objective: '{name}' is none of mean, max and percentiles such as p99 or p99.9")
        })?;
        let limit = duration("objective", limit.trim())?;
        Ok(Self { statistic, limit, text: text.trim().to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_statistic_is_read() {
        let of = |text: &str| Objective::parse(text).unwrap();
        let tail = of(" p99.9<1.5s ");
        assert_eq!(tail.statistic, Statistic::Quantile(0.999));
        assert_eq!(tail.limit, Duration::from_millis(1_500));
        assert_eq!(of("mean < 2ms").statistic, Statistic::Mean);
        assert_eq!(of("p97.5 < 2ms").statistic, Statistic::Quantile(0.975));
    }

    #[test]
    fn connections_of_a_number_of_requests_are_kept_ones() {
        let (kept, fresh) = (ConnectionPolicy::KeepAlive, ConnectionPolicy::Fresh);
        assert_eq!(requests_per_connection(Some(3), kept).unwrap(), Some(3));
        assert_eq!(requests_per_connection(None, fresh).unwrap(), None);
        for (found, part) in [
            (requests_per_connection(Some(0), kept), "above zero"),
            (requests_per_connection(Some(3), fresh), "carries one request"),
        ] {
            let fault = found.unwrap_err().to_string();
            assert!(fault.contains(part), "{fault}");
        }
    }

    #[test]
    fn each_wrong_objective_has_its_message() {
        let fault = |text: &str| Objective::parse(text).unwrap_err().to_string();
        assert!(fault("p99 20ms").contains("\"p99 < 20ms\""));
        assert!(fault("p100 < 20ms").contains("'p100' is none of mean, max"));
        assert!(fault("p99 < fast").contains("a time above zero"));
    }
}
