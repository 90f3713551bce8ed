//! What the live screen knows: totals, the rates of the last minute, the latest counts. No drawing.

use std::collections::VecDeque;
use std::time::Duration;

use jigger_load::{Extent, Load, Progress, Snapshot};

use crate::numbers::number;

/// Rates that are kept: a minute of them.
const KEPT: usize = 240;
const BARS: usize = 12;

#[derive(Debug)]
pub struct Model<'a> {
    pub url: &'a str,
    pub load: &'a Load,
    pub progress: Progress,
    /// Seconds since the start and the rate up to then, since the point before.
    pub rates: VecDeque<(f64, f64)>,
    pub snapshot: Option<Snapshot>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bar {
    /// The longest response time in it, in nanoseconds.
    pub up_to_ns: u64,
    pub count: u64,
}

impl<'a> Model<'a> {
    pub fn new(url: &'a str, load: &'a Load) -> Self {
        let progress = Progress::default();
        Self { url, load, progress, rates: VecDeque::with_capacity(KEPT + 1), snapshot: None }
    }

    pub fn follow(&mut self, progress: &Progress, snapshot: Snapshot) {
        let passed = (progress.elapsed.saturating_sub(self.progress.elapsed)).as_secs_f64();
        if passed > 0.0 {
            let responses = progress.responses.saturating_sub(self.progress.responses);
            self.rates.push_back((progress.elapsed.as_secs_f64(), number(responses) / passed));
        }
        if self.rates.len() > KEPT {
            self.rates.pop_front();
        }
        self.progress = *progress;
        self.snapshot = (!snapshot.response_time_ns.is_empty() || snapshot.errors.total() > 0)
            .then_some(snapshot);
    }

    /// How much is done, 0 to 1, and the time left where that can be told.
    pub fn done(&self) -> (f64, Option<Duration>) {
        let elapsed = self.progress.elapsed;
        match self.load.extent {
            Extent::Time(time) => {
                let share = elapsed.as_secs_f64() / time.as_secs_f64().max(1e-9);
                (share.min(1.0), Some(time.saturating_sub(elapsed)))
            }
            Extent::Count(count) => {
                let ended = number(self.progress.responses + self.progress.errors);
                let share = (ended / number(count.max(1))).min(1.0);
                let left = elapsed.as_secs_f64() * (1.0 / share - 1.0);
                (share, Duration::try_from_secs_f64(left).ok())
            }
        }
    }

    pub fn mean_rate(&self) -> f64 {
        number(self.progress.responses) / self.progress.elapsed.as_secs_f64().max(1e-9)
    }

    /// The response times in bars whose ends are at even ratios, from the least to the longest.
    pub fn bars(&self) -> Vec<Bar> {
        let Some(snapshot) = &self.snapshot else { return Vec::new() };
        let times = &snapshot.response_time_ns;
        if times.is_empty() {
            return Vec::new();
        }
        let (low, high) = (number(times.min().max(1)), number(times.max().max(1)));
        let step = (high / low).max(1.0).powf(1.0 / number(BARS as u64));
        let mut end = low;
        let mut bars: Vec<Bar> = Vec::with_capacity(BARS);
        let mut from_ns = 0;
        for at in 1..=BARS {
            end *= step;
            let up_to_ns = if at == BARS { times.max() } else { whole(end) };
            if up_to_ns >= from_ns {
                bars.push(Bar { up_to_ns, count: times.count_between(from_ns, up_to_ns) });
                from_ns = times.highest_equivalent(up_to_ns) + 1;
            }
        }
        bars
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time, below 2^63")]
fn whole(value: f64) -> u64 {
    value.round() as u64
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jigger_load::{Errors, Request, Url, sample};

    use super::*;

    fn load(extent: Extent) -> Load {
        let address = "127.0.0.1:1".parse::<std::net::SocketAddr>().unwrap();
        let request = Request::get(&Url::parse("http://127.0.0.1:1/").unwrap());
        Load { extent, ..Load::new(address.into(), request) }
    }

    fn snapshot(times_ns: &[u64]) -> Snapshot {
        let mut response_time_ns = sample::histogram();
        times_ns.iter().for_each(|time| response_time_ns.saturating_record(*time));
        Snapshot {
            response_time_ns,
            status: BTreeMap::new(),
            errors: Errors::default(),
            closed_by_server: 0,
            surplus_bytes: 0,
        }
    }

    fn progress(seconds: u64, responses: u64) -> Progress {
        Progress { elapsed: Duration::from_secs(seconds), responses, errors: 0, bytes: 0 }
    }

    #[test]
    fn rates_are_those_between_two_looks() {
        let load = load(Extent::Time(Duration::from_secs(10)));
        let mut model = Model::new("u", &load);
        model.follow(&progress(1, 100), snapshot(&[]));
        model.follow(&progress(3, 500), snapshot(&[]));
        assert_eq!(model.rates, [(1.0, 100.0), (3.0, 200.0)]);
        assert_eq!(model.done(), (0.3, Some(Duration::from_secs(7))));
        assert!(model.snapshot.is_none());
        for second in 4..1_000 {
            model.follow(&progress(second, 500), snapshot(&[]));
        }
        assert_eq!(model.rates.len(), KEPT);
    }

    #[test]
    fn a_number_of_requests_has_its_end_too() {
        let load = load(Extent::Count(400));
        let mut model = Model::new("u", &load);
        assert_eq!(model.done(), (0.0, None));
        model.follow(&progress(2, 100), snapshot(&[]));
        assert_eq!(model.done(), (0.25, Some(Duration::from_secs(6))));
    }

    #[test]
    fn every_response_time_is_in_one_bar() {
        let load = load(Extent::Count(1));
        let mut model = Model::new("u", &load);
        let times: Vec<u64> = (1..2_000).map(|at| at * 1_237).chain([90_000_000]).collect();
        model.follow(&progress(1, 2_000), snapshot(&times));
        let bars = model.bars();
        assert_eq!(bars.len(), BARS);
        assert_eq!(bars.iter().map(|bar| bar.count).sum::<u64>(), 2_000);
        assert!(bars.is_sorted_by(|a, b| a.up_to_ns < b.up_to_ns), "{bars:?}");
        model.follow(&progress(2, 1), snapshot(&[5_000]));
        assert_eq!(model.bars().iter().map(|bar| bar.count).sum::<u64>(), 1);
    }
}
