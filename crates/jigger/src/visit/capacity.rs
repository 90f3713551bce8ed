//! A capacity scenario: rates tried one after another until the highest is known that keeps the
//! objective.

use std::time::Duration;

use jigger_load::{Extent, Histogram, Sample};

use super::error::VisitError;
use super::search::Search;
use super::trial::{self, Conditions};
use crate::event::Listener;
use crate::numbers::number;
use crate::record::{ProbeRecord, TrialRecord, encode_histogram};
use crate::server::Server;
use crate::suite::{Objective, Pacing, Scenario, Spread, Statistic};

/// A rate too low to have answers enough in the suite's time for one is tried up to so many times
/// as long.
const LONGEST: u32 = 5;

/// Of the requests that were due, those that may be unanswered at the end besides one for each
/// connection.
const BACKLOG_SHARE: f64 = 0.01;

/// Runs the search, from half of `closed_loop_rate`; a trial at the highest rate that kept the
/// objective, or one without requests when none did, and the highest memory of the server seen.
///
/// # Errors
/// [`VisitError`] when the load engine cannot run.
pub fn run(
    (scenario, objective, spread): (&Scenario, &Objective, Spread),
    conditions: &Conditions<'_>,
    mut server: Option<&mut Server>,
    closed_loop_rate: f64,
    listener: &mut Listener<'_>,
) -> Result<(TrialRecord, Option<u64>), VisitError> {
    let Extent::Time(once) = scenario.extent else {
        return Err(VisitError("an objective needs a duration".to_owned()));
    };
    let needed = f64::from(objective.answers_needed());
    let lowest = needed / (once * LONGEST).as_secs_f64();
    let mut search = Search::new(closed_loop_rate / 2.0, lowest);
    let (mut best, mut last) = (None, None);
    let (mut probes, mut peak_bytes) = (Vec::new(), None);
    while let Some(rate) = search.next() {
        let long_enough = Duration::from_secs_f64(needed / rate);
        let probe = Scenario {
            extent: Extent::Time(once.max(long_enough)),
            ..scenario.paced(Pacing::Rate { per_second: rate, spread })
        };
        let (trial, sample, peak) =
            trial::measure(&probe, conditions, server.as_deref_mut(), listener)?;
        peak_bytes = peak_bytes.max(peak);
        let record = judged(objective, scenario.connections, rate, &sample);
        search.tell(record.kept);
        if record.kept {
            best = Some(trial);
        } else {
            last = Some(trial);
        }
        probes.push(record);
        if conditions.are_over(server.as_deref_mut()) {
            break;
        }
    }
    let found = best.or_else(|| last.map(emptied));
    let mut found = found.ok_or_else(|| VisitError("no rate was tried".to_owned()))?;
    found.capacity_per_second = search.highest();
    found.probes = probes;
    Ok((found, peak_bytes))
}

/// Whether the objective was kept: no failed request, the statistic below its limit with answers
/// enough for it, and no queue of requests left that the server did not come to.
fn judged(objective: &Objective, connections: usize, rate: f64, sample: &Sample) -> ProbeRecord {
    let errors: u64 = sample.errors.iter().map(|(_, count, _)| count).sum();
    let limit_ns = u64::try_from(objective.limit.as_nanos()).unwrap_or(u64::MAX);
    let statistic_ns = statistic_ns(objective, sample);
    let in_flight = sample.in_flight_at_end;
    let backlog = number(connections as u64) + BACKLOG_SHARE * number(sample.due);
    // What is not answered yet would have been the longest.
    let is_too_old = objective.statistic == Statistic::Max && in_flight.oldest_ns >= limit_ns;
    let kept = errors == 0
        && statistic_ns.is_some_and(|statistic_ns| statistic_ns < limit_ns)
        && number(in_flight.count) <= backlog
        && !is_too_old;
    ProbeRecord {
        rate_per_second: rate,
        elapsed_ns: sample.elapsed_ns,
        requests: sample.requests,
        errors,
        in_flight: in_flight.count,
        statistic_ns,
        kept,
    }
}

/// Of a schedule's requests the last few are still under way when the time is up.
const ANSWERED_SHARE: f64 = 0.9;

fn statistic_ns(objective: &Objective, sample: &Sample) -> Option<u64> {
    let times: &Histogram<u64> = &sample.response_time_ns;
    let needed = f64::from(objective.answers_needed()) * ANSWERED_SHARE;
    (number(times.len()) >= needed).then(|| match objective.statistic {
        Statistic::Mean => whole(times.mean()),
        Statistic::Max => times.max(),
        Statistic::Quantile(quantile) => times.value_at_quantile(quantile),
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a mean of times of at most an hour in nanoseconds"
)]
fn whole(mean_ns: f64) -> u64 {
    mean_ns.ceil() as u64
}

/// A trial without figures: what was measured at rates that missed says nothing of a capacity.
fn emptied(trial: TrialRecord) -> TrialRecord {
    let none = encode_histogram(&jigger_load::sample::histogram());
    TrialRecord {
        requests: 0,
        bytes_received: 0,
        response_time: none.clone(),
        connect_time: none,
        status: Default::default(),
        errors: Default::default(),
        error_examples: Default::default(),
        in_flight: 0,
        in_flight_oldest_ns: 0,
        heard_out: 0,
        server_cpu_ns: None,
        engine_cpu_ns: 0,
        log_bytes: 0,
        due: None,
        ..trial
    }
}
