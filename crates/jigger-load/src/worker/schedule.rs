//! When each request of an open loop is due, and how long to let responses gather before looking at
//! them.

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

/// Below so many requests under way every response counts.
const UNDER_WAY_MIN: usize = 8;
const NAP_MIN_NS: u64 = 10_000;
/// Measured at 64 and 256 connections against a server of 20 us a response: from 100 to 400 us the
/// client's CPU a request falls by a tenth to a fifth, beyond that hardly; rate and percentiles
/// stay, as a closed loop's response time is connections by rate however it is looked at.
const NAP_MAX_NS: u64 = 400_000;
/// Work that the server is to have left at the end of a nap: what a core takes to wake up and to send
/// the first request, 40 to 60 us on a virtual machine (`cargo bench -p jigger-load --bench truth`).
const LEFT_MIN_NS: u64 = 45_000;
/// With more left than this a nap may be longer.
const LEFT_ENOUGH_NS: u64 = 70_000;
/// So many looks in a row that brought one response or none show a server too slow for batches.
const FRUITLESS_MAX: u32 = 8;
/// Then naps are left out for so many looks.
const PAUSE: u32 = 256;

/// Batching of wake-ups, from what is known about the pace of the responses.
///
/// A wake-up costs client and server more than a response does. Where many responses are due the
/// client naps, and steers the nap by what the server has left to do at its end: long enough to take
/// many responses at once, short enough that the server never runs out of requests while the client
/// wakes up. Additive increase and multiplicative decrease (Chiu & Jain 1989), so that a server that
/// speeds up is never kept waiting for long.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    responses: u64,
    looked_ns: u64,
    nap_ns: u64,
    fruitless: u32,
}

impl Gathering {
    /// After a look at the sockets: how long to nap before the next one; `None`: not at all.
    pub(super) fn nap_ns(&mut self, now_ns: u64, responses: u64, under_way: usize) -> Option<u64> {
        let gathered = responses - self.responses;
        let since_ns = now_ns.saturating_sub(self.looked_ns);
        (self.responses, self.looked_ns) = (responses, now_ns);
        if under_way < UNDER_WAY_MIN {
            return None;
        }
        match left_ns(since_ns, gathered, under_way as u64) {
            Some(..LEFT_MIN_NS) => self.nap_ns -= self.nap_ns / 4,
            Some(LEFT_ENOUGH_NS..) => self.nap_ns = (self.nap_ns + NAP_MIN_NS).min(NAP_MAX_NS),
            Some(_) | None => {}
        }
        self.fruitless = if gathered > 1 { 0 } else { (self.fruitless + 1) % PAUSE };
        (self.nap_ns >= NAP_MIN_NS && self.fruitless <= FRUITLESS_MAX).then_some(self.nap_ns)
    }
}

/// What the server still had to do when the client looked, at the pace of the time before; unknown
/// when no response had come.
fn left_ns(since_ns: u64, gathered: u64, under_way: u64) -> Option<u64> {
    let left = under_way.saturating_sub(gathered);
    since_ns.saturating_mul(left).checked_div(gathered)
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

    /// Looks at a server that takes so long for a response, after the nap has settled: how many
    /// responses each brings.
    fn settled(response_ns: u64, under_way: usize) -> Vec<u64> {
        let (mut gathering, mut responses, mut now_ns) = (Gathering::default(), 0, 0);
        let mut gathered = Vec::new();
        for _ in 0..200 {
            let nap_ns = gathering.nap_ns(now_ns, responses, under_way).unwrap_or_default();
            // Without a nap one look takes what a wake-up does; it lasts until a response comes.
            let time_ns = (nap_ns + 5_000).max(response_ns);
            let come = (time_ns / response_ns).min(under_way as u64);
            now_ns += time_ns;
            responses += come;
            gathered.push(come);
        }
        gathered.split_off(100)
    }

    #[test]
    fn the_server_has_work_for_as_long_as_waking_takes() {
        for (response_ns, under_way, least) in [(5_000, 64, 40), (26_000, 8, 4), (1_000, 256, 150)]
        {
            let gathered = settled(response_ns, under_way);
            let most = *gathered.iter().max().unwrap();
            let left_ns = (under_way as u64 - most) * response_ns;
            // A nap that has just become too long is shortened at the next look.
            assert!(
                left_ns + NAP_MIN_NS >= LEFT_MIN_NS - response_ns,
                "{response_ns} ns: {gathered:?}"
            );
            assert!(gathered.iter().all(|come| *come >= least), "{response_ns} ns: {gathered:?}");
        }
    }

    #[test]
    fn no_nap_where_it_gathers_nothing_or_keeps_the_server_waiting() {
        let naps = |response_ns: u64, responses: u64, under_way: usize| {
            let mut gathering = Gathering::default();
            let look =
                |n: u64| gathering.nap_ns(n * response_ns, n * responses, under_way).is_some();
            (0..10_000).map(look).filter(|naps| *naps).count()
        };
        assert_eq!(naps(26_000, 1, 7), 0, "few under way");
        assert_eq!(naps(5_000, 1, 8), 0, "all is done before a core is awake");
        assert!(naps(200_000, 1, 64) < 500, "a slow server");
        assert_eq!(naps(40_000, 40, 64), 0, "the client is the slower one");
    }
}
