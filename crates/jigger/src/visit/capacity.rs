//! A capacity scenario: rates tried one after another until the highest is known that keeps the
//! objective.

use std::time::Duration;

use jigger_load::{Extent, Histogram, Sample};

use super::VisitError;
use super::trial;
use super::trial::Conditions;
use crate::event::Listener;
use crate::metric::Statistic;
use crate::numbers::number;
use crate::record::{ProbeRecord, TrialRecord, encode_histogram};
use crate::server::Server;
use crate::suite::{Objective, Pacing, Scenario, Spread};

/// A rate too low to have responses enough in the suite's time for one is tried up to so many times
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
    let needed = f64::from(objective.statistic.responses_needed());
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

/// Whether the objective was kept: no failed request, the statistic below its limit with responses
/// enough for it, and no queue of requests left that the server did not come to.
fn judged(objective: &Objective, connections: usize, rate: f64, sample: &Sample) -> ProbeRecord {
    let errors: u64 = sample.errors.iter().map(|(_, count, _)| count).sum();
    let limit_ns = u64::try_from(objective.limit.as_nanos()).unwrap_or(u64::MAX);
    let statistic_ns = statistic_ns(objective, sample);
    let in_flight = &sample.unanswered_ns;
    let backlog = number(connections as u64) + BACKLOG_SHARE * number(sample.due);
    // What has no response yet would have been the longest.
    let is_too_old = objective.statistic == Statistic::Max && in_flight.max() >= limit_ns;
    let kept = errors == 0
        && statistic_ns.is_some_and(|statistic_ns| statistic_ns < limit_ns)
        && number(in_flight.len()) <= backlog
        && !is_too_old;
    ProbeRecord {
        rate_per_second: rate,
        elapsed_ns: sample.elapsed_ns,
        requests: sample.requests,
        errors,
        in_flight: in_flight.len(),
        statistic_ns,
        kept,
    }
}

/// Of a schedule's requests the last few are still under way when the time is up.
const ANSWERED_SHARE: f64 = 0.9;

fn statistic_ns(objective: &Objective, sample: &Sample) -> Option<u64> {
    let times: &Histogram<u64> = &sample.response_time_ns;
    let needed = f64::from(objective.statistic.responses_needed()) * ANSWERED_SHARE;
    (number(times.len()) >= needed).then(|| objective.statistic.of(times))
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
        by_request: Vec::new(),
        ..trial
    }
}

/// Two rates this near each other count as found.
const PRECISION: f64 = 1.03;

/// More rates than this are not tried, so that a search ends.
const MOST_PROBES: usize = 20;

/// Which rate is tried next, from what became of those before.
///
/// From its start it doubles while the promise is kept and halves while it is missed; once it lies
/// between two rates, the geometric mean of them is tried until they are 3 % apart. Whatever the
/// responses are, even ones that contradict each other, it ends after 20 rates and gives none that
/// missed.
#[derive(Debug, Clone)]
pub struct Search {
    start: f64,
    lowest: f64,
    kept: Option<f64>,
    missed: Option<f64>,
    probes: usize,
}

impl Search {
    /// A search that begins at `start` and tries nothing below `lowest`, both above zero.
    pub fn new(start: f64, lowest: f64) -> Self {
        Self { start: start.max(lowest), lowest, kept: None, missed: None, probes: 0 }
    }

    /// The rate to try next; `None` at the end.
    pub fn next(&self) -> Option<f64> {
        if self.probes >= MOST_PROBES {
            return None;
        }
        match (self.kept, self.missed) {
            (None, None) => Some(self.start),
            (Some(kept), None) => Some(kept * 2.0),
            (None, Some(missed)) if missed <= self.lowest => None,
            (None, Some(missed)) => Some((missed / 2.0).max(self.lowest)),
            (Some(kept), Some(missed)) if missed / kept <= PRECISION => None,
            (Some(kept), Some(missed)) => Some((kept * missed).sqrt()),
        }
    }

    /// Whether the promise was kept at [`Search::next`].
    pub fn tell(&mut self, kept: bool) {
        let Some(rate) = self.next() else { return };
        self.probes += 1;
        *(if kept { &mut self.kept } else { &mut self.missed }) = Some(rate);
    }

    /// The highest rate that kept the promise; `None` when none did.
    pub fn highest(&self) -> Option<f64> {
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Runs the search against a server that keeps the promise up to `capacity`.
    fn found(start: f64, lowest: f64, capacity: f64) -> (Option<f64>, usize) {
        let mut search = Search::new(start, lowest);
        while let Some(rate) = search.next() {
            search.tell(rate <= capacity);
        }
        (search.highest(), search.probes)
    }

    #[test]
    fn from_a_near_start_seven_rates_are_enough() {
        let (highest, probes) = found(500.0, 10.0, 900.0);
        assert!((874.0..=900.0).contains(&highest.unwrap()), "{highest:?}");
        assert!(probes <= 7, "{probes}");
    }

    #[test]
    fn when_even_the_lowest_rate_misses_there_is_none() {
        assert_eq!(found(500.0, 100.0, 99.0), (None, 4));
        assert_eq!(found(1.0, 100.0, 99.0), (None, 1));
    }

    proptest! {
        #[test]
        fn it_finds_any_capacity_to_three_percent(
            lowest in 0.5_f64..100.0,
            above in 0.0_f64..9.0,
            off in -9.0_f64..9.0,
        ) {
            let capacity = lowest * above.exp2();
            let (highest, probes) = found(capacity * off.exp2(), lowest, capacity);
            let highest = highest.expect("the lowest rate keeps the promise");
            prop_assert!(highest <= capacity && capacity <= highest * PRECISION * (1.0 + 1e-9));
            prop_assert!(probes <= MOST_PROBES);
        }

        #[test]
        fn it_ends_whatever_the_answers_are_with_a_rate_that_was_kept(
            start in 0.5_f64..1e6,
            answers in proptest::collection::vec(any::<bool>(), 30),
        ) {
            let mut search = Search::new(start, 1.0);
            let mut kept = Vec::new();
            let mut answers = answers.into_iter();
            while let Some(rate) = search.next() {
                let answer = answers.next().expect("it ends before thirty");
                kept.extend(answer.then_some(rate));
                search.tell(answer);
            }
            prop_assert_eq!(search.highest(), kept.into_iter().reduce(f64::max));
        }
    }
}
