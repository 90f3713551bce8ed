//! Counting over many simulated runs, on all cores, with the same result every time.

use std::ops::AddAssign;
use std::thread;

use jigger_stats::SplitMix64;

/// How many of how many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    hits: u64,
    of: u64,
}

impl Share {
    /// Counts one more.
    pub fn count(&mut self, is_hit: bool) {
        self.hits += u64::from(is_hit);
        self.of += 1;
    }

    /// 0..1; not a number when nothing was counted.
    pub fn value(self) -> f64 {
        self.hits as f64 / self.of as f64
    }
}

impl AddAssign for Share {
    fn add_assign(&mut self, other: Self) {
        self.hits += other.hits;
        self.of += other.of;
    }
}

/// Counts several shares over `runs` runs, each with random numbers of its own. Counts are whole
/// numbers, so it does not matter which thread had which run.
pub fn tally<const N: usize>(
    runs: u64,
    seed: u64,
    run: impl Fn(&mut SplitMix64, &mut [Share; N]) + Sync,
) -> [Share; N] {
    let threads = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let part = |first: usize| {
        let mut shares = [Share::default(); N];
        for index in (0..runs).skip(first).step_by(threads) {
            run(&mut SplitMix64::stream(seed, index), &mut shares);
        }
        shares
    };
    let mut all = [Share::default(); N];
    thread::scope(|scope| {
        let parts: Vec<_> = (0..threads).map(|first| scope.spawn(move || part(first))).collect();
        for shares in parts {
            let shares = shares.join().expect("a run that panics ends the program");
            all.iter_mut().zip(shares).for_each(|(sum, share)| *sum += share);
        }
    });
    all
}
