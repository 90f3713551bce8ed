//! The ratio of two series of which the rounds have nothing to do with each other.

use crate::error::{Side, StatsError, TooFew, checked_confidence};
use crate::paired::{Method, Ratio, check_positive};
use crate::rank_sum::rank_sum;
use crate::shifts::Shifts;
use crate::verdict::Judged;

/// Two runs: each value of the one against each of the other, on logarithms.
///
/// For what was measured at two times there are no common rounds, so nothing cancels: what the
/// machine did to a whole run stays in the ratio, and the interval does not know of it.
#[derive(Debug, Clone)]
pub struct Unpaired {
    analysis: Shifts,
    /// The fewer of both runs' rounds.
    rounds: usize,
}

impl Unpaired {
    /// Compares the rounds of `contender` with those of `baseline`; they may differ in number.
    ///
    /// # Errors
    /// [`StatsError::NoRounds`], or [`StatsError::NotPositive`] for the first value that is zero,
    /// negative, infinite or not a number.
    pub fn new(contender: &[f64], baseline: &[f64]) -> Result<Self, StatsError> {
        if contender.is_empty() || baseline.is_empty() {
            return Err(StatsError::NoRounds);
        }
        check_positive(contender, Side::Contender)?;
        check_positive(baseline, Side::Baseline)?;
        let logs = |values: &[f64]| values.iter().map(|value| value.ln()).collect::<Vec<_>>();
        let analysis = rank_sum(&logs(contender), &logs(baseline));
        Ok(Self { analysis, rounds: contender.len().min(baseline.len()) })
    }

    /// The Hodges-Lehmann estimate of the ratio: the median of the ratios of all pairs.
    #[must_use]
    pub fn estimate(&self) -> f64 {
        self.analysis.estimate().exp()
    }

    /// Estimate, exact interval and p-value by rank sums. For 95 %, four rounds on either side are
    /// enough.
    ///
    /// # Errors
    /// [`StatsError::TooFew`], [`StatsError::Confidence`].
    pub fn rank_sum(&self, confidence: f64) -> Result<Ratio, StatsError> {
        let level = 1.0 - checked_confidence(confidence)?;
        let (low, high) = self.analysis.interval(level).ok_or_else(|| {
            let needed = (1..).find(|&rounds| rank_sum_reaches(rounds, level)).unwrap_or(1);
            TooFew { rounds: self.rounds, needed, confidence }
        })?;
        Ok(Ratio {
            estimate: self.estimate(),
            low: low.exp(),
            high: high.exp(),
            confidence,
            rounds: self.rounds,
            p_value: self.analysis.p_value(0.0),
            method: Method::RankSum,
        })
    }
}

/// Whether so many rounds on either side can have a p-value of `level`: the smallest is 2 out of
/// the ways to choose them.
fn rank_sum_reaches(rounds: usize, level: f64) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "rounds never come near 2^53")]
    let ways = |ways: f64, step: usize| ways * (rounds + step) as f64 / step as f64;
    2.0 / (1..=rounds).fold(1.0, ways) <= level
}

impl Judged for Unpaired {
    fn ratio(&self, confidence: f64) -> Result<Ratio, StatsError> {
        self.rank_sum(confidence)
    }

    fn shifts(&self) -> &Shifts {
        &self.analysis
    }

    /// Not told: rounds could be added to one run only, and then on another day.
    fn further_rounds(&self, _ratio: &Ratio, _level: f64, _log_margin: f64) -> Option<usize> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: [f64; 6] = [100.0, 101.0, 99.0, 102.0, 98.0, 100.5];

    #[test]
    fn twice_as_much_is_a_ratio_of_two() {
        let new = OLD.map(|value| value * 2.0);
        let ratio = Unpaired::new(&new, &OLD).unwrap().rank_sum(0.95).unwrap();
        assert!((ratio.estimate - 2.0).abs() < 0.01, "{ratio:?}");
        assert!(ratio.low > 1.9 && ratio.high < 2.1, "{ratio:?}");
        assert_eq!(ratio.method, Method::RankSum);
        assert!((ratio.p_value - 2.0 / 924.0).abs() < 1e-12);
    }

    #[test]
    fn four_rounds_on_either_side_are_enough_and_three_are_not() {
        let of = |rounds: usize| Unpaired::new(&OLD[..rounds], &OLD[..rounds]).unwrap();
        assert!(of(4).rank_sum(0.95).is_ok());
        let too_few = TooFew { rounds: 3, needed: 4, confidence: 0.95 };
        assert_eq!(of(3).rank_sum(0.95), Err(StatsError::TooFew(too_few)));
        let three_against_six = Unpaired::new(&OLD[..3], &OLD).unwrap();
        assert!(three_against_six.rank_sum(0.95).is_ok());
    }

    #[test]
    fn what_has_no_ratio_is_refused() {
        assert!(matches!(Unpaired::new(&[], &OLD), Err(StatsError::NoRounds)));
        let zero = Unpaired::new(&OLD, &[1.0, 0.0]);
        let named = StatsError::NotPositive { side: Side::Baseline, round: 2, value: 0.0 };
        assert!(matches!(zero, Err(error) if error == named));
        assert!(Unpaired::new(&OLD, &OLD).unwrap().rank_sum(95.0).is_err());
    }
}
