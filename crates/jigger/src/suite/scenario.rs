//! `[[scenario]]`: raw to validated, and what goes with what.

use std::time::Duration;

use super::raw::{RawLimit, RawScenario, RawThreads};
use super::validate::{at, duration, plain_name};
use super::{Arrivals, Extent, Objective, Scenario, names};

/// What a check says when it fails.
type Checked<T> = Result<T, String>;

/// How long a rate is tried in the search for an objective's highest one.
const PROBE: Duration = Duration::from_secs(2);

/// Checks one scenario.
///
/// # Errors
/// The message, with what to write instead.
pub fn validated(raw: RawScenario) -> Checked<Scenario> {
    let name = plain_name("scenario", raw.name.clone())?;
    let place = format!("scenario '{name}'");
    scenario_body(name, &raw).map_err(at(&place))
}

fn scenario_body(name: String, raw: &RawScenario) -> Checked<Scenario> {
    let connections = raw.connections.unwrap_or(1);
    let threads = match &raw.threads {
        None => None,
        Some(RawThreads::Count(count)) => Some(*count),
        Some(RawThreads::Word(word)) if word == "auto" => None,
        Some(RawThreads::Word(word)) => {
            return Err(format!("threads = '{word}': write a number or \"auto\""));
        }
    };
    if connections == 0 || threads == Some(0) {
        return Err("connections and threads must be above zero".to_owned());
    }
    if threads.is_some_and(|threads| threads > connections) {
        return Err("more threads than connections; each thread needs one at least".to_owned());
    }
    let pacing = pacing(raw)?;
    Ok(Scenario {
        name,
        connections,
        threads,
        fresh: is_fresh(raw.connection.as_deref())?,
        extent: extent(raw)?,
        rate_per_second: pacing.rate_per_second,
        share_of_slowest: pacing.share_of_slowest,
        arrivals: pacing.arrivals,
        burst: pacing.burst,
        objective: pacing.objective,
        timeout: duration("timeout", raw.timeout.as_deref().unwrap_or("10s"))?,
        fresh_for: None,
    })
}

fn is_fresh(connection: Option<&str>) -> Checked<bool> {
    match connection {
        None | Some("keep-alive") => Ok(false),
        Some("fresh") => Ok(true),
        Some(other) => Err(format!(
            "connection: {}",
            names::unknown("policy", other, &["fresh", "keep-alive"])
        )),
    }
}

fn extent(raw: &RawScenario) -> Checked<Extent> {
    match (raw.requests, &raw.duration) {
        (Some(0), None) => Err("requests must be above zero".to_owned()),
        (Some(requests), None) => Ok(Extent::Requests(requests)),
        (None, Some(text)) => Ok(Extent::Time(duration("duration", text)?)),
        (None, None) if raw.objective.is_some() => Ok(Extent::Time(PROBE)),
        (None, None) => Err("give either requests = N or duration = \"4s\"".to_owned()),
        (Some(_), Some(_)) => Err("give either requests or duration, not both".to_owned()),
    }
}

/// What makes a request due.
#[derive(Debug, Default)]
struct Pacing {
    rate_per_second: Option<f64>,
    share_of_slowest: Option<f64>,
    arrivals: Arrivals,
    burst: u32,
    objective: Option<Objective>,
}

fn pacing(raw: &RawScenario) -> Checked<Pacing> {
    let (rate_per_second, share_of_slowest) = match &raw.rate {
        None => (None, None),
        Some(RawLimit::Number(rate)) if *rate > 0.0 && rate.is_finite() => (Some(*rate), None),
        Some(RawLimit::Number(_)) => return Err("rate must be above zero".to_owned()),
        Some(RawLimit::Text(text)) => (None, Some(share(text)?)),
    };
    let objective = raw.objective.as_deref().map(Objective::parse).transpose()?;
    if objective.is_some() && (raw.rate.is_some() || raw.requests.is_some()) {
        return Err("an objective looks for the rate itself: leave out rate and requests; \
                    duration is how long each rate is tried"
            .to_owned());
    }
    let is_open = raw.rate.is_some() || objective.is_some();
    if !is_open && (raw.arrivals.is_some() || raw.burst.is_some()) {
        return Err("arrivals and burst need a rate or an objective".to_owned());
    }
    let burst = raw.burst.unwrap_or(1);
    if burst == 0 {
        return Err("burst must be above zero".to_owned());
    }
    let arrivals = arrivals(raw.arrivals.as_deref())?;
    Ok(Pacing { rate_per_second, share_of_slowest, arrivals, burst, objective })
}

/// `60% of slowest`.
fn share(text: &str) -> Checked<f64> {
    let percent = text.trim().strip_suffix("of slowest").map(str::trim_end);
    let percent = percent.and_then(|text| text.strip_suffix('%')?.trim().parse::<f64>().ok());
    percent
        .filter(|percent| *percent > 0.0 && *percent <= 100.0)
        .map(|percent| percent / 100.0)
        .ok_or_else(|| {
            format!("rate = '{text}': write a number, or a share such as \"60% of slowest\"")
        })
}

fn arrivals(name: Option<&str>) -> Checked<Arrivals> {
    match name {
        None | Some("even") => Ok(Arrivals::Even),
        Some("exponential") => Ok(Arrivals::Exponential),
        Some(other) => {
            Err(format!("arrivals: {}", names::unknown("kind", other, &["even", "exponential"])))
        }
    }
}
