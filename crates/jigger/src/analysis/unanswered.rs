//! What the requests without a response at the end of a load say about the others.

use hdrhistogram::Histogram;
use jigger_load::{Extent, Load, Pacing, Sample};

use super::trial::Offered;
use crate::numbers::number;

/// The width of the engine's ticks.
const TICK_NS: u64 = 100_000_000;
/// The share of a load at whose end a server that sends nothing has stopped, not paused.
const SILENT_SHARE: f64 = 0.1;
/// How many times the longest response time the oldest request has waited then.
const SILENT_TIMES: u64 = 2;

/// Requests without a response when the time was up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unanswered {
    pub count: u64,
    pub oldest_ns: u64,
    /// Open loop: more than are under way at any moment, so the rate asked for was not reached.
    pub is_backlog: bool,
    /// When the last response came, if the server had stopped responding by the end: since the start.
    pub silent_since_ns: Option<u64>,
}

impl Unanswered {
    pub fn of(load: &Load, sample: &Sample) -> Self {
        let ages_ns = &sample.unanswered_ns;
        Self {
            count: ages_ns.len(),
            oldest_ns: ages_ns.max(),
            is_backlog: offered(load, sample).is_some_and(|offered| !offered.is_reached()),
            silent_since_ns: silent_since_ns(sample),
        }
    }

    /// Whether the response times of the others are all that users would have seen.
    pub fn is_usual(self) -> bool {
        !self.is_backlog && self.silent_since_ns.is_none()
    }

    /// The response times that may be judged. In open loop those of all requests due: the ones without
    /// a response are in it as old as they were at the end, so that each percentile is at most the
    /// true one. `None` in closed loop when the server has stopped responding: who would have come
    /// meanwhile is in no response time.
    pub fn judged_times(self, load: &Load, sample: &Sample) -> Option<Histogram<u64>> {
        let mut times_ns = sample.response_time_ns.clone();
        if self.is_usual() {
            return Some(times_ns);
        }
        // The engine's histograms have the same bounds.
        let has_all = load.pacing != Pacing::Closed && times_ns.add(&sample.unanswered_ns).is_ok();
        has_all.then_some(times_ns)
    }

    /// How many count as failed: all, or none where they were just under way.
    pub fn failed(self) -> u64 {
        if self.is_usual() { 0 } else { self.count }
    }
}

/// What an open loop was asked for and what came of it; `None` in closed loop.
pub fn offered(load: &Load, sample: &Sample) -> Option<Offered> {
    let Pacing::Open { rate_per_second, arrivals, burst } = load.pacing else {
        return None;
    };
    let times = &sample.response_time_ns;
    Some(Offered {
        rate_per_second,
        arrivals,
        burst,
        is_counted: matches!(load.extent, Extent::Count(_)),
        due: sample.due,
        responses: sample.requests,
        elapsed_ns: sample.elapsed_ns,
        mean_ns: if times.is_empty() { 0.0 } else { times.mean() },
    })
}

fn silent_since_ns(sample: &Sample) -> Option<u64> {
    let last = |ticks: &Vec<u32>| ticks.iter().rposition(|responses| *responses > 0);
    let last_tick = sample.ticks.iter().filter_map(last).max()?;
    let since_ns = (last_tick as u64 + 1) * TICK_NS;
    let silent_ns = sample.elapsed_ns.saturating_sub(since_ns);
    let is_long = number(silent_ns) > SILENT_SHARE * number(sample.elapsed_ns);
    let longest_ns = sample.response_time_ns.max();
    let is_late = sample.unanswered_ns.max() > longest_ns.saturating_mul(SILENT_TIMES);
    (silent_ns > 0 && is_long && is_late).then_some(since_ns)
}

#[cfg(test)]
mod tests {
    use jigger_load::{Address, Arrivals, Request, Url};

    use super::*;
    use crate::report::load::tests::sample;

    const SECOND: u64 = 1_000_000_000;

    fn load(pacing: Pacing) -> Load {
        let address = Address::Tcp(std::net::SocketAddr::from(([127, 0, 0, 1], 1)));
        let url = Url::parse("http://127.0.0.1:1/").unwrap();
        Load { pacing, ..Load::new(address, Request::new("GET", &url, &[], b"").unwrap()) }
    }

    fn at(rate_per_second: f64) -> Load {
        load(Pacing::Open { rate_per_second, arrivals: Arrivals::Even, burst: 1 })
    }

    /// Four seconds at 500 a second; after 1,000 responses of 1 ms nothing more comes.
    fn frozen() -> Sample {
        let mut frozen = Sample { elapsed_ns: 4 * SECOND, due: 2_000, ..sample(1_000) };
        (0..1_000).for_each(|n| frozen.unanswered_ns.record(n * 2_000_000).unwrap());
        frozen.ticks = vec![[vec![50; 20], vec![0; 20]].concat()];
        frozen
    }

    #[test]
    fn a_server_that_freezes_is_told_from_a_slow_one() {
        let found = Unanswered::of(&at(500.0), &frozen());
        assert_eq!((found.count, found.is_backlog), (1_000, true));
        assert_eq!(found.silent_since_ns, Some(2 * SECOND));
        assert_eq!((found.is_usual(), found.failed()), (false, 1_000));
        let mut slow = frozen();
        slow.ticks = vec![vec![25; 40]];
        let found = Unanswered::of(&at(500.0), &slow);
        assert!(found.is_backlog && found.silent_since_ns.is_none());
        let frozen = frozen();
        let least = Unanswered::of(&at(500.0), &frozen).judged_times(&at(500.0), &frozen).unwrap();
        assert!(least.value_at_quantile(0.99) > 1_900_000_000);
        assert!(least.value_at_quantile(0.9) > 1_500_000_000);
    }

    #[test]
    fn a_closed_loop_on_a_server_that_hangs_is_found() {
        let mut hung = sample(1_000);
        hung.ticks = vec![vec![200, 200, 200, 200, 200, 0, 0, 0, 0, 0]];
        hung.unanswered_ns.record_n(SECOND / 2, 8).unwrap();
        let found = Unanswered::of(&load(Pacing::Closed), &hung);
        assert_eq!(found.silent_since_ns, Some(SECOND / 2));
        assert_eq!(found.judged_times(&load(Pacing::Closed), &hung), None);
    }

    #[test]
    fn what_is_under_way_at_any_moment_is_usual() {
        let mut busy = sample(1_000);
        busy.ticks = vec![vec![100; 10]];
        busy.unanswered_ns.record_n(900_000, 8).unwrap();
        assert!(Unanswered::of(&load(Pacing::Closed), &busy).is_usual());
        // Each response takes 400 ms.
        let mut slow = sample(0);
        slow.response_time_ns.record_n(400_000_000, 16).unwrap();
        slow.ticks = vec![vec![0, 0, 0, 8, 0, 0, 0, 8, 0, 0]];
        slow.unanswered_ns.record_n(200_000_000, 8).unwrap();
        assert!(Unanswered::of(&load(Pacing::Closed), &slow).is_usual());
    }
}
