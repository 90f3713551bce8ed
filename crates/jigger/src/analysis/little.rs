//! Little's law: whether a closed loop's rate and its response times agree.
//!
//! It judges a contender's scenario by the median of its rounds. A single round that departs stays
//! in, as every other round that came out unlike the rest: to take it out would be to choose
//! rounds by their outcome.

use super::trial::{Trial, is_clean};
use crate::numbers::number;
use crate::record::{ScenarioRecord, TrialRecord};

/// Allowed departure from the law, as a share of the connections.
const TOLERANCE: f64 = 0.05;

/// The connections that the median round's rate and mean response time account for, when that is
/// not the number that there were; `None` also where the law says nothing.
pub fn departed<'a>(
    scenario: &ScenarioRecord,
    trials: impl Iterator<Item = &'a Trial<'a>>,
) -> Option<f64> {
    let mut occupied: Vec<f64> = trials.filter_map(|trial| occupied(scenario, trial)).collect();
    occupied.sort_by(f64::total_cmp);
    let upper = *occupied.get(occupied.len() / 2)?;
    let lower = occupied[(occupied.len() - 1) / 2];
    let median = f64::midpoint(lower, upper);
    let departure = (median / number(scenario.connections as u64) - 1.0).abs();
    (departure > TOLERANCE).then_some(median)
}

/// How many connections were waiting for an answer or being made again, on the average; `None`
/// where the law says nothing.
fn occupied(scenario: &ScenarioRecord, trial: &Trial<'_>) -> Option<f64> {
    let TrialRecord { requests, elapsed_ns, idle_ns, .. } = *trial.record;
    // Without it the time of making a connection again, of which one connection has the most, is
    // missing: older records.
    let is_known = idle_ns.is_some() || scenario.connections > 1;
    let is_closed = scenario.rate_per_second.is_none();
    if !is_closed || !is_known || !is_clean(trial.record) || elapsed_ns == 0 {
        return None;
    }
    let mean_ns = trial.response_time.as_ref()?.mean();
    Some((number(requests) * mean_ns + number(idle_ns.unwrap_or(0))) / number(elapsed_ns))
}

#[cfg(test)]
mod tests {
    use hdrhistogram::Histogram;

    use super::*;
    use crate::report::tests::drawn::blank;

    /// What is found of trials of 1 s in which so many connections were busy.
    fn found(busy: &[u64]) -> Option<f64> {
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
        departed(&blank::scenario("q", 32), trials.iter())
    }

    #[test]
    fn the_median_round_is_judged() {
        assert_eq!(found(&[]), None);
        assert_eq!(found(&[32, 32, 32]), None);
        assert_eq!(found(&[32, 20, 32]), None, "a single round is no judgement");
        assert!((found(&[24, 32, 20]).unwrap() - 24.0).abs() < 0.1);
        assert!((found(&[24, 32, 20, 26]).unwrap() - 25.0).abs() < 0.1);
    }
}
