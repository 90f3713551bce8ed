//! When each request of an open loop is due.

use crate::load::Arrivals;
use crate::random::Random;

/// Waking takes 40 to 60 us on a virtual machine (`cargo bench -p jigger-load --bench truth -- lag`).
const WAKE_AHEAD_MAX_NS: u64 = 100_000;

/// The due times of one thread, in order, in nanoseconds from the start; without end.
///
/// Requests are placed on a line of unit rate, then mapped to time through the rate's integral,
/// which makes ramps and exponential arrivals (a Poisson process) one case.
#[derive(Debug)]
pub(crate) struct Schedule {
    per_second: f64,
    ramp_ns: f64,
    arrivals: Arrivals,
    random: Random,
    burst: u32,
    left_in_burst: u32,
    /// Place on the line of unit rate of the next burst.
    position: f64,
    /// Distance between bursts of this thread, on the average.
    step: f64,
    bursts: u64,
    first: f64,
    due_ns: u64,
    wake_ahead_ns: u64,
}

/// What a schedule is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    /// All threads together.
    pub(crate) per_second: f64,
    pub(crate) arrivals: Arrivals,
    pub(crate) burst: u32,
    /// The time in which the rate rises from 0, linearly.
    pub(crate) ramp_ns: u64,
}

impl Schedule {
    /// The share of thread `thread` of `threads`: even arrivals are dealt out in turn.
    pub(crate) fn new(rate: &Rate, thread: usize, threads: usize, seed: u64) -> Schedule {
        let burst = f64::from(rate.burst);
        let mut random = Random::new(seed);
        #[expect(clippy::cast_precision_loss, reason = "thread counts are small")]
        let (step, offset) = (burst * threads as f64, burst * thread as f64);
        let first = match rate.arrivals {
            Arrivals::Even => offset,
            Arrivals::Exponential => step * random.exponential(),
        };
        #[expect(clippy::cast_precision_loss, reason = "a ramp is far below 2^53 ns")]
        let ramp_ns = rate.ramp_ns as f64;
        let mut schedule = Schedule {
            per_second: rate.per_second,
            ramp_ns,
            arrivals: rate.arrivals,
            random,
            burst: rate.burst,
            left_in_burst: rate.burst,
            position: first,
            step,
            bursts: 0,
            first,
            due_ns: 0,
            wake_ahead_ns: wake_ahead_ns(step * 1e9 / rate.per_second),
        };
        schedule.due_ns = schedule.time_ns();
        schedule
    }

    /// When the next request is due.
    pub(crate) fn due_ns(&self) -> u64 {
        self.due_ns
    }

    /// When to be awake for it: from then on sockets are looked at without sleeping.
    pub(crate) fn wake_ns(&self) -> u64 {
        self.due_ns.saturating_sub(self.wake_ahead_ns)
    }

    /// Goes on to the request after the next.
    pub(crate) fn advance(&mut self) {
        self.left_in_burst -= 1;
        if self.left_in_burst > 0 {
            return;
        }
        self.left_in_burst = self.burst;
        self.bursts += 1;
        match self.arrivals {
            // Multiplied, not summed: no error builds up over a long run.
            #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 bursts")]
            Arrivals::Even => self.position = self.first + self.step * self.bursts as f64,
            Arrivals::Exponential => self.position += self.step * self.random.exponential(),
        }
        self.due_ns = self.time_ns();
    }

    /// The inverse of the integral of the rate: r t^2 / (2 R) within the ramp R, then
    /// r (t - R / 2).
    fn time_ns(&self) -> u64 {
        let linear_ns = self.position * 1e9 / self.per_second;
        let time_ns = if linear_ns < self.ramp_ns / 2.0 {
            (2.0 * linear_ns * self.ramp_ns).sqrt()
        } else {
            linear_ns + self.ramp_ns / 2.0
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "never negative, and a float beyond u64 saturates to the far future"
        )]
        let time_ns = time_ns as u64;
        time_ns
    }
}

/// How long before each of the bursts that lie so far apart to be awake: as long as a sleeping core
/// may need to wake up, but not more than a tenth of all time.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "never negative, and a float beyond u64 saturates"
)]
fn wake_ahead_ns(gap_ns: f64) -> u64 {
    (gap_ns as u64 / 10).min(WAKE_AHEAD_MAX_NS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(rate: &Rate, thread: usize, threads: usize, count: usize) -> Vec<u64> {
        let mut schedule = Schedule::new(rate, thread, threads, 9);
        let mut next = || {
            let due_ns = schedule.due_ns();
            schedule.advance();
            due_ns
        };
        (0..count).map(|_| next()).collect()
    }

    fn even(per_second: f64, burst: u32, ramp_ns: u64) -> Rate {
        Rate { per_second, arrivals: Arrivals::Even, burst, ramp_ns }
    }

    #[test]
    fn even_arrivals_are_evenly_spaced_also_at_fractional_rates() {
        assert_eq!(times(&even(0.5, 1, 0), 0, 1, 3), [0, 2_000_000_000, 4_000_000_000]);
        assert_eq!(times(&even(1000.0, 1, 0), 0, 1, 3), [0, 1_000_000, 2_000_000]);
        assert_eq!(times(&even(2.5, 1, 0), 0, 1, 4)[3], 1_200_000_000);
        let late = times(&even(3.0, 1, 0), 0, 1, 3_000_001);
        assert_eq!(late[3_000_000], 1_000_000_000_000_000, "no drift after 11 days");
    }

    #[test]
    fn threads_share_the_even_schedule() {
        let rate = even(1000.0, 1, 0);
        let mut all = [times(&rate, 0, 3, 10), times(&rate, 1, 3, 10), times(&rate, 2, 3, 10)];
        let mut merged = all.concat();
        merged.sort_unstable();
        assert_eq!(merged, times(&rate, 0, 1, 30));
        assert_eq!(all[1].remove(0), 1_000_000);
    }

    #[test]
    fn a_tenth_of_the_time_is_spent_awake_at_most() {
        let ahead_ns = |rate: Rate, threads| Schedule::new(&rate, 0, threads, 7).wake_ahead_ns;
        assert_eq!(ahead_ns(even(10_000.0, 1, 0), 1), 10_000);
        assert_eq!(ahead_ns(even(10_000.0, 1, 0), 4), 40_000, "a thread has a part of the rate");
        assert_eq!(ahead_ns(even(10_000.0, 5, 0), 1), 50_000, "a burst is one waking");
        assert_eq!(ahead_ns(even(0.1, 1, 0), 1), WAKE_AHEAD_MAX_NS);
    }

    #[test]
    fn bursts_come_together_at_the_same_mean_rate() {
        let due = times(&even(1000.0, 3, 0), 0, 1, 9);
        let wanted = [0, 0, 0, 3, 3, 3, 6, 6, 6].map(|ms| ms * 1_000_000);
        assert_eq!(due, wanted);
    }

    #[test]
    fn a_ramp_reaches_half_its_requests_and_then_the_full_rate() {
        // 1000/s after a ramp of 2 s: 1000 requests in the ramp, a quarter of them in its half.
        let due = times(&even(1000.0, 1, 2_000_000_000), 0, 1, 2000);
        let until = |ns: u64| due.iter().filter(|due| **due < ns).count();
        assert_eq!(until(1_000_000_000), 250);
        assert_eq!(until(2_000_000_000), 1000);
        assert_eq!(due[1500] - due[1499], 1_000_000);
        assert!(due.is_sorted());
    }

    #[test]
    fn exponential_arrivals_have_the_rate_and_the_spread_of_a_poisson_process() {
        let rate =
            Rate { per_second: 1000.0, arrivals: Arrivals::Exponential, burst: 1, ramp_ns: 0 };
        let due = times(&rate, 1, 2, 20_000);
        let gaps: Vec<f64> = due.windows(2).map(|pair| (pair[1] - pair[0]) as f64).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        assert!((mean / 2e6 - 1.0).abs() < 0.03, "half of 1000/s for each thread: {mean}");
        assert!((variance.sqrt() / mean - 1.0).abs() < 0.05, "an exponential's spread is its mean");
        assert_eq!(due, times(&rate, 1, 2, 20_000), "the seed fixes the times");
    }
}
