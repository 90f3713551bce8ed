//! The ratio of two contenders, estimated on logarithms over rounds.

use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::error::StatsError;

/// Fewer rounds than this show no spread worth the name: there is a ratio and no interval.
pub const FEWEST_ROUNDS: usize = 3;

/// One contender's value divided by another's: an estimate on the log scale with its standard
/// error.
///
/// Logarithms turn a ratio into a difference, so that "twice" and "half" weigh the same
/// (Kalibera & Jones 2013, "Rigorous benchmarking in reasonable time", ISMM). [`crate::Panel`]
/// makes it from rounds that both contenders share, [`Contrast::between`] from two runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contrast {
    log_ratio: f64,
    spread: Option<Spread>,
    rounds: usize,
}

/// What is known of an estimate's error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    /// The standard error of the log ratio; 0 where no value differs from another.
    pub standard_error: f64,
    /// Degrees of freedom of its t distribution.
    pub degrees_of_freedom: f64,
}

impl Contrast {
    /// From an estimate; without an interval below [`FEWEST_ROUNDS`].
    pub(crate) fn new(log_ratio: f64, spread: Spread, rounds: usize) -> Self {
        Self { log_ratio, spread: (rounds >= FEWEST_ROUNDS).then_some(spread), rounds }
    }

    /// Two runs that share no rounds: the new values divided by the old ones (Welch 1947, "The
    /// generalization of 'Student's' problem", Biometrika 34).
    ///
    /// Nothing cancels here: what the machine did to a whole run stays in the ratio, and the
    /// interval does not know of it. `None` when either run has no positive value.
    pub fn between(new: &[f64], old: &[f64]) -> Option<Self> {
        let (new, old) = (Sample::of(new)?, Sample::of(old)?);
        let spread = satterthwaite(
            (new.variance / new.count(), new.count() - 1.0),
            (old.variance / old.count(), old.count() - 1.0),
        );
        Some(Self::new(new.mean - old.mean, spread, new.rounds.min(old.rounds)))
    }

    /// The ratio; 1 means no difference.
    pub fn ratio(&self) -> f64 {
        self.log_ratio.exp()
    }

    /// Rounds it rests on; of two runs, the fewer.
    pub const fn rounds(&self) -> usize {
        self.rounds
    }

    /// The t interval of the ratio at a confidence between 0 and 1; `None` at any other, and with
    /// fewer than [`FEWEST_ROUNDS`] rounds. Where all rounds agree, both ends are the ratio.
    pub fn interval(&self, confidence: f64) -> Option<Interval> {
        let reach = self.reach(1.0 - confidence)?;
        let (low, high) = ((self.log_ratio - reach).exp(), (self.log_ratio + reach).exp());
        Some(Interval { low, high })
    }

    /// The two-sided p-value of "the ratio is 1".
    pub fn p_value(&self) -> Option<f64> {
        self.p_beyond(Margin::NONE)
    }

    /// The p-value of "the ratio lies within the margin": small when the interval lies wholly
    /// beyond it, on either side.
    pub fn p_beyond(&self, margin: Margin) -> Option<f64> {
        let Spread { standard_error, degrees_of_freedom } = self.spread?;
        let distance = self.log_ratio.abs() - margin.log();
        if distance <= 0.0 {
            return Some(1.0);
        }
        Some(two_sided_p_value(distance / standard_error, degrees_of_freedom))
    }

    /// Whether the two are the same within the margin: two one-sided tests at `level` each, which
    /// is the interval of confidence `1 - 2 * level` lying inside the margin (Schuirmann 1987, "A
    /// comparison of the two one-sided tests procedure and the power approach", Journal of
    /// Pharmacokinetics and Biopharmaceutics 15).
    pub fn is_within(&self, margin: Margin, level: f64) -> bool {
        let room = margin.log() - self.log_ratio.abs();
        self.spread.is_some_and(|Spread { standard_error, degrees_of_freedom }| {
            if standard_error == 0.0 || room <= 0.0 {
                return standard_error == 0.0 && room >= 0.0;
            }
            two_sided_p_value(room / standard_error, degrees_of_freedom) / 2.0 <= level
        })
    }

    /// The largest difference that the interval leaves open, as a share: 0.12 when neither is
    /// more than 12 % above the other.
    pub fn largest_difference(&self, confidence: f64) -> Option<f64> {
        Some((self.log_ratio.abs() + self.reach(1.0 - confidence)?).exp_m1())
    }

    /// From the estimate to either end of the interval with a two-sided error of `level`, which
    /// lies between 0 and 1.
    fn reach(&self, level: f64) -> Option<f64> {
        let is_level = level > 0.0 && level < 1.0;
        let Spread { standard_error, degrees_of_freedom } = self.spread.filter(|_| is_level)?;
        Some(two_sided_critical(level, degrees_of_freedom) * standard_error)
    }
}

/// The variance of a difference of two estimates, and its degrees of freedom (Satterthwaite 1946,
/// "An approximate distribution of estimates of variance components", Biometrics Bulletin 2).
pub(crate) fn satterthwaite((one, df_one): (f64, f64), (other, df_other): (f64, f64)) -> Spread {
    let variance = one + other;
    let weights = one * one / df_one + other * other / df_other;
    let degrees_of_freedom =
        if weights > 0.0 { variance * variance / weights } else { df_one.min(df_other) };
    Spread { standard_error: variance.sqrt(), degrees_of_freedom }
}

/// Mean and variance of the logarithms of one run's values.
struct Sample {
    mean: f64,
    variance: f64,
    rounds: usize,
}

impl Sample {
    fn of(values: &[f64]) -> Option<Self> {
        let logs: Vec<f64> = values.iter().copied().filter_map(log).collect();
        let rounds = logs.len();
        (rounds > 0).then(|| Self { mean: mean(&logs), variance: variance(&logs), rounds })
    }

    fn count(&self) -> f64 {
        count(self.rounds)
    }
}

/// The logarithm of what has one.
pub(crate) fn log(value: f64) -> Option<f64> {
    (value > 0.0 && value.is_finite()).then(|| value.ln())
}

/// The mean, which of equal values is exactly that value, so that what never varies has no spread.
pub(crate) fn mean(values: &[f64]) -> f64 {
    let first = values.first().copied().unwrap_or(f64::NAN);
    first + values.iter().map(|value| value - first).sum::<f64>() / count(values.len())
}

/// The sample variance; 0 for a single value.
pub(crate) fn variance(values: &[f64]) -> f64 {
    let mean = mean(values);
    let squares = values.iter().map(|value| (value - mean).powi(2));
    squares.sum::<f64>() / (count(values.len()) - 1.0).max(1.0)
}

#[expect(clippy::cast_precision_loss, reason = "rounds never come near 2^53")]
pub(crate) fn count(items: usize) -> f64 {
    items as f64
}

/// An interval of ratios, both ends included.
///
/// A ratio of 1.1 means 10 % above the baseline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The lower end; above 0.
    pub low: f64,
    /// The upper end; finite.
    pub high: f64,
}

impl Interval {
    /// Half the width as a share: 0.03 stands for "plus or minus 3 %".
    ///
    /// Taken on the log scale, where the interval was made: `sqrt(high / low) - 1`.
    pub fn half_width(&self) -> f64 {
        (self.high / self.low).sqrt() - 1.0
    }

    /// Whether `ratio` lies within, ends included.
    pub fn contains(&self, ratio: f64) -> bool {
        self.low <= ratio && ratio <= self.high
    }
}

/// The value that a t variable exceeds in absolute size with probability `level`.
pub(crate) fn two_sided_critical(level: f64, degrees_of_freedom: f64) -> f64 {
    -distribution(degrees_of_freedom).inverse_cdf(level / 2.0)
}

/// The probability of a t variable at least as far from 0 as `statistic`.
pub(crate) fn two_sided_p_value(statistic: f64, degrees_of_freedom: f64) -> f64 {
    2.0 * distribution(degrees_of_freedom).cdf(-statistic.abs())
}

fn distribution(degrees_of_freedom: f64) -> StudentsT {
    StudentsT::new(0.0, 1.0, degrees_of_freedom.max(1.0))
        .expect("a scale of 1 and at least one degree of freedom are always valid")
}

/// The difference that does not matter, as a share, and the same in both directions on the log
/// scale: 0.02 stands for ratios from 1 / 1.02 to 1.02.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Margin {
    share: f64,
}

impl Margin {
    /// Every difference matters.
    pub const NONE: Self = Self { share: 0.0 };

    /// A margin of `share`: 0.02 for plus or minus 2 %, 0 for none.
    ///
    /// # Errors
    /// [`StatsError::Margin`] when it is negative, infinite or not a number.
    pub fn new(share: f64) -> Result<Self, StatsError> {
        if share >= 0.0 && share.is_finite() {
            Ok(Self { share })
        } else {
            Err(StatsError::Margin { margin: share })
        }
    }

    /// The margin as a share.
    pub const fn share(self) -> f64 {
        self.share
    }

    /// The margin on the log scale.
    pub(crate) fn log(self) -> f64 {
        self.share.ln_1p()
    }
}

impl Default for Margin {
    /// Plus or minus 2 %.
    fn default() -> Self {
        Self { share: 0.02 }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    const OLD: [f64; 6] = [100.0, 101.0, 99.0, 102.0, 98.0, 100.5];

    fn contrast(log_ratio: f64, standard_error: f64, rounds: usize) -> Contrast {
        let spread = Spread { standard_error, degrees_of_freedom: 10.0 };
        Contrast::new(log_ratio, spread, rounds)
    }

    #[test]
    fn twice_as_much_is_a_ratio_of_two() {
        let new = OLD.map(|value| value * 2.0);
        let found = Contrast::between(&new, &OLD).unwrap();
        let interval = found.interval(0.95).unwrap();
        assert!((found.ratio() - 2.0).abs() < 1e-12);
        assert!(interval.low > 1.9 && interval.high < 2.1, "{interval:?}");
        assert!(found.p_value().unwrap() < 1e-9);
    }

    #[test]
    fn two_rounds_have_a_ratio_and_no_interval() {
        let few = Contrast::between(&OLD[..2], &OLD).unwrap();
        assert_eq!((few.rounds(), few.interval(0.95), few.p_value()), (2, None, None));
        assert!(few.ratio() > 0.9);
        assert!(Contrast::between(&OLD[..3], &OLD).unwrap().interval(0.95).is_some());
    }

    #[test]
    fn what_never_varies_is_known_exactly() {
        let found = Contrast::between(&[2.0; 8], &[1.0; 8]).unwrap();
        let exact = Interval { low: found.ratio(), high: found.ratio() };
        assert_eq!((found.interval(0.95), found.p_value()), (Some(exact), Some(0.0)));
        let same = Contrast::between(&[3.0; 8], &[3.0; 5]).unwrap();
        assert_eq!(same.p_value(), Some(1.0));
        assert!(same.is_within(Margin::NONE, 0.05));
        assert_eq!(Contrast::between(&[2.0; 2], &[1.0; 8]).unwrap().interval(0.95), None);
    }

    #[test]
    fn values_without_a_logarithm_are_left_out() {
        assert_eq!(Contrast::between(&[], &OLD), None);
        assert_eq!(Contrast::between(&[0.0, -1.0, f64::NAN, f64::INFINITY], &OLD), None);
        let found = Contrast::between(&[0.0, 100.0, 101.0], &OLD).unwrap();
        assert_eq!(found.rounds(), 2);
    }

    #[test]
    fn p_value_interval_and_margin_agree() {
        let found = contrast(0.1, 0.03, 9);
        let interval = found.interval(1.0 - found.p_value().unwrap()).unwrap();
        assert!((interval.low - 1.0).abs() < 1e-9, "{interval:?}");
        let margin = Margin::new(0.02).unwrap();
        let interval = found.interval(1.0 - found.p_beyond(margin).unwrap()).unwrap();
        assert!((interval.low - 1.02).abs() < 1e-9, "{interval:?}");
        assert!(contrast(0.0, 0.01, 9).is_within(margin, 0.05));
        assert!(!contrast(0.0, 0.011, 9).is_within(margin, 0.05), "1.8125 x 0.011 > ln 1.02");
        assert_eq!(contrast(0.01, 0.03, 9).p_beyond(margin), Some(1.0));
    }

    #[test]
    fn the_largest_difference_is_the_farther_end() {
        let found = contrast(-0.05, 0.02, 9);
        let interval = found.interval(0.95).unwrap();
        let open = found.largest_difference(0.95).unwrap();
        assert!((open - (1.0 / interval.low - 1.0)).abs() < 1e-12);
    }

    #[test]
    fn half_width_is_symmetric_in_the_direction_of_the_ratio() {
        let above = Interval { low: 1.0 / 1.03, high: 1.03 };
        assert!((above.half_width() - 0.03).abs() < 1e-12);
        let scaled = Interval { low: 7.0 / 1.03, high: 7.0 * 1.03 };
        assert!((scaled.half_width() - 0.03).abs() < 1e-12);
    }

    #[derive(Deserialize)]
    struct Quantile {
        level: f64,
        degrees_of_freedom: f64,
        critical: f64,
    }

    #[test]
    fn agrees_with_scipy() {
        let json = include_str!("../tests/fixtures/scipy-t.json");
        let quantiles: Vec<Quantile> = serde_json::from_str(json).unwrap();
        assert_eq!(quantiles.len(), 66);
        for Quantile { level, degrees_of_freedom, critical } in quantiles {
            let ours = two_sided_critical(level, degrees_of_freedom);
            assert!((ours / critical - 1.0).abs() < 1e-9, "{ours} is not {critical}");
            let p_value = two_sided_p_value(critical, degrees_of_freedom);
            assert!((p_value / level - 1.0).abs() < 1e-9, "{p_value} is not {level}");
        }
    }

    #[test]
    fn no_difference_has_a_p_value_of_one_and_no_spread_one_of_zero() {
        assert!((two_sided_p_value(0.0, 5.0) - 1.0).abs() < 1e-12);
        assert!(two_sided_p_value(f64::INFINITY, 5.0).abs() < 1e-12);
    }

    #[test]
    fn a_margin_is_a_share_of_nought_or_more() {
        assert_eq!(Margin::new(0.0), Ok(Margin::NONE));
        assert_eq!(Margin::new(0.02), Ok(Margin::default()));
        for bad in [-0.01, f64::NAN, f64::INFINITY] {
            assert!(matches!(Margin::new(bad), Err(StatsError::Margin { .. })), "{bad}");
        }
    }
}
