//! One trial, and whether its response times are what they seem.
//!
//! In a closed loop by Little's law: whether the rate and the response times agree. It judges a
//! contender's scenario by the median of its rounds. A single round that departs stays in, as every
//! other round that came out unlike the rest: to take it out would be to choose rounds by their
//! outcome.
//!
//! In an open loop by whether responses came at the rate at which requests were due. A trial ends
//! while requests are under way, with the best of servers. The question is whether a queue grew. So
//! of the requests without a response at the end, as many as are under way at any moment of a steady
//! state do not count as missing: by Little's law the responses a second times the mean response time,
//! and what chance adds to it. In a queue that grows all the time the number at the end is more than
//! twice that.

use hdrhistogram::Histogram;
use jigger_load::Arrivals;

use crate::numbers::number;
use crate::record::{Limit, PacingRecord, ScenarioRecord, TrialRecord, decode_histogram};

/// A trial of a visit that enters the analysis.
pub struct Trial<'a> {
    pub record: &'a TrialRecord,
    /// `None` when the record is damaged.
    pub response_time: Option<Histogram<u64>>,
    /// What limited it: as it was recorded, or for older records as it is found now.
    pub limit: Option<Limit>,
    /// Whether the entry's response times in this scenario depart from Little's law.
    pub departs: bool,
}

impl<'a> Trial<'a> {
    /// The trial, its histogram decoded, before it is looked at with others.
    pub fn of(record: &'a TrialRecord) -> Self {
        let response_time = decode_histogram(&record.response_time);
        Self { record, response_time, limit: record.limit, departs: false }
    }
}

/// Whether every request of a trial got its correct response, and there was one.
pub fn is_clean(trial: &TrialRecord) -> bool {
    trial.errors.is_empty() && trial.requests > 0
}

/// Allowed departure from the law, as a share of the connections.
const TOLERANCE: f64 = 0.05;

/// The connections that the median round's rate and mean response time account for, when that is
/// not the number that there were; `None` also where the law says nothing.
pub fn departed<'a>(
    scenario: &ScenarioRecord,
    trials: impl Iterator<Item = &'a Trial<'a>>,
) -> Option<f64> {
    let trials: Vec<_> = trials.collect();
    let at_once = trials.iter().map(|trial| scenario.at_once_in(trial.record)).min()?;
    let mut occupied: Vec<f64> =
        trials.iter().filter_map(|trial| occupied(scenario, trial)).collect();
    occupied.sort_by(f64::total_cmp);
    let upper = *occupied.get(occupied.len() / 2)?;
    let lower = occupied[(occupied.len() - 1) / 2];
    let median = f64::midpoint(lower, upper);
    let departure = (median / number(at_once as u64) - 1.0).abs();
    (departure > TOLERANCE).then_some(median)
}

/// How many connections were waiting for a response or being made again, on the average; `None`
/// where the law says nothing.
fn occupied(scenario: &ScenarioRecord, trial: &Trial<'_>) -> Option<f64> {
    let TrialRecord { requests, elapsed_ns, idle_ns, .. } = *trial.record;
    // Without it the time of making a connection again, of which one connection has the most, is
    // missing: older records.
    let is_known = idle_ns.is_some() || scenario.at_once() > 1;
    let is_closed = scenario.pacing() == PacingRecord::Closed;
    if !is_closed || !is_known || !is_clean(trial.record) || elapsed_ns == 0 {
        return None;
    }
    let mean_ns = trial.response_time.as_ref()?.mean();
    Some((number(requests) * mean_ns + number(idle_ns.unwrap_or(0))) / number(elapsed_ns))
}

/// The share of what was due that must have got a response.
const NEEDED_SHARE: f64 = 0.99;

/// Standard deviations that a random number may be off by.
const DEVIATIONS: f64 = 3.0;

/// What an open loop was asked for, and what came of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Offered {
    pub rate_per_second: f64,
    pub arrivals: Arrivals,
    /// Requests due at the same instant.
    pub burst: u32,
    /// Whether so many requests ended it, and not the clock: then all got a response in the end.
    pub is_counted: bool,
    /// Until the end.
    pub due: u64,
    /// Correctly, until the end.
    pub responses: u64,
    pub elapsed_ns: u64,
    /// The mean response time; 0 where there is none.
    pub mean_ns: f64,
}

impl Offered {
    /// Of a trial; `None` in closed loop.
    pub fn of(scenario: &ScenarioRecord, trial: &Trial<'_>) -> Option<Self> {
        let PacingRecord::Rate { per_second, arrivals, burst } = scenario.pacing() else {
            return None;
        };
        let TrialRecord { requests, in_flight, elapsed_ns, .. } = *trial.record;
        let failed: u64 = trial.record.errors.values().sum();
        let times = trial.response_time.as_ref().filter(|times| !times.is_empty());
        Some(Self {
            rate_per_second: per_second,
            arrivals,
            burst,
            is_counted: scenario.requests.is_some(),
            // Not the rate times the trial's length: random times make it more or less than that.
            // Records that have no `due` have what it is made of.
            due: trial.record.due.unwrap_or(requests + in_flight + failed),
            responses: requests,
            elapsed_ns,
            mean_ns: times.map_or(0.0, |times| times.mean()),
        })
    }

    /// Whether the rate that was asked for was reached.
    pub fn is_reached(&self) -> bool {
        self.steady_share() >= NEEDED_SHARE
    }

    /// The share of the requests due that got a response, or were under way as in a steady state.
    pub fn steady_share(&self) -> f64 {
        let spread = match self.arrivals {
            Arrivals::Exponential => DEVIATIONS * number(self.responses).sqrt(),
            Arrivals::Even => 0.0,
        };
        let (due, unanswered) = self.due_and_missing(spread);
        share(due, (unanswered - self.normally_under_way()).max(0.0))
    }

    /// The share that truly got a response: by the end, or when the last of so many was due.
    pub fn response_share(&self) -> f64 {
        let (due, unanswered) = self.due_and_missing(0.0);
        share(due, unanswered)
    }

    /// The requests that were due, and those without a correct response: at the end; or in a load of
    /// so many requests, which ends when all have a response, when the last was due, that is a number
    /// of requests later than it would be by the rate.
    fn due_and_missing(&self, requests_later: f64) -> (f64, f64) {
        if !self.is_counted {
            return (number(self.due), number(self.due.saturating_sub(self.responses)));
        }
        let due = number(self.responses);
        let late_seconds =
            number(self.elapsed_ns) / 1e9 - (due + requests_later) / self.rate_per_second;
        let late_share = late_seconds * 1e9 / number(self.elapsed_ns).max(1.0);
        (due, due * late_share.max(0.0))
    }

    /// How many requests may be under way at any moment although no queue grows: their mean number
    /// by Little's law (1961), and what a Poisson number of that mean has beyond it, or a whole
    /// burst.
    fn normally_under_way(&self) -> f64 {
        let mean = number(self.responses) * self.mean_ns / number(self.elapsed_ns).max(1.0);
        let burst = number(u64::from(self.burst));
        // Bursts at random times are what comes by chance then, not single requests.
        let at_once = if self.arrivals == Arrivals::Exponential { burst } else { 1.0 };
        mean + (DEVIATIONS * (mean * at_once).sqrt()).max(burst)
    }
}

fn share(due: f64, missing: f64) -> f64 {
    if due > 0.0 { (1.0 - missing / due).max(0.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::drawn::blank;

    /// What is found of trials of 1 s in which so many connections were busy.
    fn found(busy: &[u64]) -> Option<f64> {
        found_in(&blank::scenario("q", 32), busy)
    }

    fn found_in(scenario: &ScenarioRecord, busy: &[u64]) -> Option<f64> {
        let records: Vec<TrialRecord> =
            busy.iter().map(|_| blank::trial("q", 1_000, 1_000_000_000)).collect();
        let trials: Vec<Trial<'_>> = busy
            .iter()
            .zip(&records)
            .map(|(busy, record)| {
                let mut times = Histogram::<u64>::new(3).unwrap();
                times.record(busy * 1_000_000).unwrap();
                Trial { response_time: Some(times), ..Trial::of(record) }
            })
            .collect();
        departed(scenario, trials.iter())
    }

    #[test]
    fn the_median_round_is_judged() {
        assert_eq!(found(&[]), None);
        assert_eq!(found(&[32, 32, 32]), None);
        assert_eq!(found(&[32, 20, 32]), None, "a single round is no judgement");
        assert!((found(&[24, 32, 20]).unwrap() - 24.0).abs() < 0.1);
        assert!((found(&[24, 32, 20, 26]).unwrap() - 25.0).abs() < 0.1);
    }

    #[test]
    fn a_loop_that_the_clock_drives_keeps_no_connection_busy() {
        let closed = || blank::scenario("q", 32);
        let rate = ScenarioRecord { rate_per_second: Some(9.0), ..closed() };
        let capacity = ScenarioRecord { objective: Some("p99 < 20ms".to_owned()), ..closed() };
        for open in [rate, capacity] {
            assert_eq!(found_in(&open, &[4, 4, 4]), None);
        }
        assert!(found_in(&closed(), &[4, 4, 4]).is_some());
    }

    const MS: u64 = 1_000_000;

    fn scenario(changes: serde_json::Value) -> ScenarioRecord {
        let mut scenario = serde_json::json!({
            "name": "q", "connections": 8, "threads": 1, "fresh": false, "requests": null,
            "duration_ns": 500 * MS, "rate_per_second": 200.0
        });
        let all = scenario.as_object_mut().unwrap();
        all.extend(changes.as_object().unwrap().clone());
        serde_json::from_value(scenario).unwrap()
    }

    fn trial((elapsed_ms, requests): (u64, u64), in_flight: u64) -> TrialRecord {
        serde_json::from_value(serde_json::json!({
            "scenario": "q", "elapsed_ns": elapsed_ms * MS, "requests": requests,
            "due": requests + in_flight, "bytes_received": 0, "response_time": "",
            "connect_time": "", "status": {}, "errors": {}, "error_examples": {},
            "in_flight": in_flight, "in_flight_oldest_ns": 0, "connections_opened": 1,
            "closed_by_server": 0, "server_cpu_ns": null, "engine_cpu_ns": 0, "engine_cores": 1,
            "log_bytes": 0, "driver": "epoll"
        }))
        .unwrap()
    }

    /// The share of a trial with so many responses, with so many in flight at its end, and with that
    /// mean response time.
    fn share(scenario: &ScenarioRecord, made: (u64, u64), in_flight: u64, mean_ms: u64) -> f64 {
        let record = trial(made, in_flight);
        let mut times = Histogram::<u64>::new(3).unwrap();
        times.record_n(mean_ms * MS, record.requests).unwrap();
        let trial = Trial { response_time: Some(times), ..Trial::of(&record) };
        Offered::of(scenario, &trial).unwrap().steady_share()
    }

    fn is_reached(share: f64) -> bool {
        share >= NEEDED_SHARE
    }

    #[test]
    fn what_is_under_way_when_a_short_trial_ends_is_not_missing() {
        let even = scenario(serde_json::json!({}));
        // 20 ms a response: four of a hundred are under way at any moment.
        assert!(is_reached(share(&even, (500, 96), 4, 20)));
        // One that met a hiccup.
        assert!(is_reached(share(&even, (500, 98), 1, 1)));
    }

    #[test]
    fn random_arrivals_may_be_fewer_than_the_rate_says() {
        let random = scenario(serde_json::json!({ "exponential": true }));
        assert!(is_reached(share(&random, (500, 85), 0, 1)));
    }

    /// The requests of a queue that grows wait half as long on the average as its last.
    #[test]
    fn a_queue_that_grew_is_missing() {
        let even = scenario(serde_json::json!({}));
        assert!(!is_reached(share(&even, (500, 50), 50, 125)));
        let bursts = scenario(serde_json::json!({ "burst": 10 }));
        assert!(!is_reached(share(&bursts, (500, 50), 50, 125)));
        let long = scenario(serde_json::json!({ "rate_per_second": 1_000.0 }));
        assert!(!is_reached(share(&long, (10_000, 9_700), 300, 150)));
        assert!(is_reached(share(&long, (10_000, 9_850), 150, 150)), "it takes 150 ms and no more");
    }

    #[test]
    fn a_burst_that_was_due_just_before_the_end_is_under_way() {
        let bursts = scenario(serde_json::json!({ "burst": 10 }));
        assert!(is_reached(share(&bursts, (500, 93), 7, 5)));
        assert!(!is_reached(share(&scenario(serde_json::json!({})), (500, 93), 7, 5)));
    }

    #[test]
    fn a_record_without_what_was_due_has_what_it_is_made_of() {
        let even = scenario(serde_json::json!({}));
        let mut old = trial((500, 50), 50);
        old.due = None;
        let share = Offered::of(&even, &Trial::of(&old)).unwrap().steady_share();
        assert!((share - 0.51).abs() < 1e-9, "{share}");
    }

    /// Of a thousand requests 64 got a response, and 28 more count as under way.
    #[test]
    fn the_share_of_responses_has_no_allowance_in_it() {
        let even = scenario(serde_json::json!({}));
        let record = trial((500, 64), 936);
        let mut times = Histogram::<u64>::new(3).unwrap();
        times.record_n(125 * MS, record.requests).unwrap();
        let trial = Trial { response_time: Some(times), ..Trial::of(&record) };
        let offered = Offered::of(&even, &trial).unwrap();
        assert!((offered.response_share() - 0.064).abs() < 1e-9, "{}", offered.response_share());
        assert!(offered.steady_share() > 0.08 && !offered.is_reached());
    }

    #[test]
    fn a_number_of_requests_is_held_against_the_time_it_took() {
        let count = |exponential: bool| {
            scenario(serde_json::json!({
                "requests": 100, "duration_ns": null, "exponential": exponential
            }))
        };
        assert!(is_reached(share(&count(false), (515, 100), 0, 20)));
        assert!(!is_reached(share(&count(false), (700, 100), 0, 100)));
        // A hundred random arrivals take 500 ms, give or take 50.
        assert!(is_reached(share(&count(true), (600, 100), 0, 1)));
        assert!(!is_reached(share(&count(true), (1_500, 100), 0, 500)));
    }
}
