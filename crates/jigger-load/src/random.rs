//! A small generator whose sequence never changes, so that a seed reproduces a load years later.

/// SplitMix64 (Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators").
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

/// The seed of one of many sequences, such as that of a thread or of a request.
pub(crate) fn seed_of(seed: u64, number: u64) -> u64 {
    seed ^ number.wrapping_mul(0x9e37_79b9)
}

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `bound - 1` by multiplication (Lemire 2019); the bias is below
    /// `bound / 2^64`. `bound` 0 stands for 2^64.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        let drawn = self.next();
        if bound == 0 {
            return drawn;
        }
        let high = (u128::from(drawn) * u128::from(bound)) >> 64;
        u64::try_from(high).expect("the high half of a 128-bit product fits 64 bits")
    }

    /// Exponentially distributed with mean 1.
    pub(crate) fn exponential(&mut self) -> f64 {
        // 53 bits, as many as a double holds; never 0, of which there is no logarithm.
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
        let unit = ((self.next() >> 11) + 1) as f64 / (1_u64 << 53) as f64;
        -unit.ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_the_published_one() {
        // First outputs for seed 1234567 of the authors' reference implementation.
        let mut random = Random::new(1_234_567);
        let wanted = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973];
        assert_eq!([random.next(), random.next()], wanted);
    }

    #[test]
    fn draws_keep_their_bounds_and_mean() {
        let mut random = Random::new(7);
        let sum: u64 = (0..10_000).map(|_| random.below(10)).inspect(|n| assert!(*n < 10)).sum();
        assert!((44_000..46_000).contains(&sum), "{sum}");
        let mean = (0..100_000).map(|_| random.exponential()).sum::<f64>() / 100_000.0;
        assert!((mean - 1.0).abs() < 0.02, "{mean}");
    }
}
