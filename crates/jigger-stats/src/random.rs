//! The one source of randomness, fixed for ever.

/// SplitMix64: a small generator whose whole definition is below.
///
/// A plan must come out the same years later, so the generator cannot be a library's, which may
/// change its algorithm with a new version. Source: Steele, Lea & Flood 2014, "Fast splittable
/// pseudorandom number generators", OOPSLA, with the constants of Vigna's public-domain
/// `splitmix64.c`.
///
/// Not for secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitMix64 {
    state: u64,
}

/// Added to the state at each step: 2^64 divided by the golden ratio, made odd.
const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

impl SplitMix64 {
    /// A generator that starts from `seed`.
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The generator of stream `index` under `seed`, in constant time: it is seeded with the
    /// number that `SplitMix64::new(seed)` would give at that index.
    pub const fn stream(seed: u64, index: u64) -> Self {
        let mut parent = Self::new(seed.wrapping_add(GAMMA.wrapping_mul(index)));
        Self::new(parent.next_u64())
    }

    /// The next 64 bits.
    pub const fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GAMMA);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number in `0..bound`, each as likely as the others; 0 when `bound` is 0.
    ///
    /// The high half of a 128-bit product; products that would favour some results are drawn
    /// again. Source: Lemire 2019, "Fast random integer generation in an interval", ACM TOMACS 29.
    pub fn below(&mut self, bound: usize) -> usize {
        if bound == 0 {
            return 0;
        }
        let wide_bound = bound as u128;
        let refused_below = u128::from(u64::MAX).wrapping_add(1) % wide_bound;
        loop {
            let product = u128::from(self.next_u64()) * wide_bound;
            if product & u128::from(u64::MAX) >= refused_below {
                return usize::try_from(product >> 64)
                    .expect("below `bound`, which is itself a usize");
            }
        }
    }

    /// A number in `[0, 1)` with 53 random bits.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Puts `items` in a random order, each as likely as the others (Fisher & Yates; Knuth,
    /// The Art of Computer Programming 2, algorithm 3.4.2P).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vigna's splitmix64.c, seeded with 1234567, prints these (also Rosetta Code's reference).
    #[test]
    fn gives_the_published_sequence() {
        let mut random = SplitMix64::new(1_234_567);
        let first: Vec<u64> = (0..5).map(|_| random.next_u64()).collect();
        assert_eq!(
            first,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423,
                4_593_380_528_125_082_431,
                16_408_922_859_458_223_821,
            ]
        );
    }

    #[test]
    fn a_stream_is_seeded_by_its_place_in_the_parent() {
        let mut parent = SplitMix64::new(9);
        for index in 0..4 {
            let seed = parent.next_u64();
            assert_eq!(SplitMix64::stream(9, index), SplitMix64::new(seed));
        }
    }

    #[test]
    fn below_stays_below_and_reaches_everything_evenly() {
        let mut random = SplitMix64::new(3);
        let mut counts = [0_u32; 5];
        for _ in 0..50_000 {
            counts[random.below(5)] += 1;
        }
        assert!(counts.iter().all(|&count| count.abs_diff(10_000) < 400), "{counts:?}");
        assert_eq!(random.below(0), 0);
        assert_eq!(random.below(1), 0);
    }

    #[test]
    fn unit_lies_in_its_range_with_the_right_mean() {
        let mut random = SplitMix64::new(5);
        let draws: Vec<f64> = (0..20_000).map(|_| random.unit()).collect();
        assert!(draws.iter().all(|&draw| (0.0..1.0).contains(&draw)));
        let mean = draws.iter().sum::<f64>() / 20_000.0;
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
    }

    #[test]
    fn a_shuffle_keeps_the_items() {
        let mut items: Vec<usize> = (0..20).collect();
        SplitMix64::new(1).shuffle(&mut items);
        assert_ne!(items, (0..20).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..20).collect::<Vec<_>>());
    }
}
