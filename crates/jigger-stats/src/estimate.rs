//! One metric of one contender over the rounds.

use crate::contrast::{FEWEST_ROUNDS, count, log, mean, two_sided_critical, variance};
use crate::error::{StatsError, checked_confidence};

/// The typical value of a metric, in the metric's own unit.
///
/// It says what this contender did on this machine, for its own row in a table. Two contenders are
/// compared by a [`crate::Contrast`], never by laying their intervals side by side: what a round
/// did to everyone is part of these, and not of the ratio.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Location {
    /// The geometric mean: the ratio of two of them is the ratio that a contrast estimates. The
    /// plain mean where a value is zero or negative.
    pub estimate: f64,
    /// Lower end of the t interval on the logarithms; `None` below three rounds and where a value
    /// has no logarithm.
    pub low: Option<f64>,
    /// Upper end of the interval.
    pub high: Option<f64>,
    /// Rounds it rests on.
    pub rounds: usize,
}

impl Location {
    /// Summarises one value for each round with an interval of `confidence` (0..1).
    ///
    /// # Errors
    /// [`StatsError::NoRounds`], [`StatsError::NotFinite`], [`StatsError::Confidence`].
    pub fn of(values: &[f64], confidence: f64) -> Result<Self, StatsError> {
        let level = 1.0 - checked_confidence(confidence)?;
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            return Err(StatsError::NotFinite { round: index + 1, value: values[index] });
        }
        if values.is_empty() {
            return Err(StatsError::NoRounds);
        }
        let logs: Vec<f64> = values.iter().copied().filter_map(log).collect();
        let rounds = values.len();
        if logs.len() < rounds {
            return Ok(Self { estimate: mean(values), low: None, high: None, rounds });
        }
        // Turning back from logarithms rounds; what all rounds agree on has to come out exact.
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = values.iter().copied().fold(0.0, f64::max);
        let estimate = mean(&logs).exp().clamp(least, most);
        let error = if least < most { (variance(&logs) / count(rounds)).sqrt() } else { 0.0 };
        let reach = (rounds >= FEWEST_ROUNDS)
            .then(|| (two_sided_critical(level, count(rounds - 1)) * error).exp());
        Ok(Self {
            estimate,
            low: reach.map(|reach| estimate / reach),
            high: reach.map(|reach| estimate * reach),
            rounds,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R: `exp(mean(log(x)))` and `exp(t.test(log(x))$conf.int)` of `x = c(100, 110, 95, 105)`.
    #[test]
    fn positive_values_have_a_geometric_mean_with_a_t_interval() {
        let found = Location::of(&[100.0, 110.0, 95.0, 105.0], 0.95).unwrap();
        assert!((found.estimate - 102.347_301_708).abs() < 1e-8, "{found:?}");
        assert!((found.low.unwrap() - 92.571_073_795).abs() < 1e-8, "{found:?}");
        assert!((found.high.unwrap() - 113.155_975_593).abs() < 1e-8, "{found:?}");
    }

    #[test]
    fn what_all_rounds_agree_on_comes_out_exact() {
        let found = Location::of(&[0.3; 7], 0.95).unwrap();
        assert_eq!((found.estimate, found.low, found.high), (0.3, Some(0.3), Some(0.3)));
    }

    #[test]
    fn two_rounds_and_values_without_logarithm_have_no_interval() {
        assert_eq!(Location::of(&[1.0, 4.0], 0.95).unwrap().estimate, 2.0);
        assert_eq!(Location::of(&[1.0, 4.0], 0.95).unwrap().low, None);
        let plain = Location::of(&[0.0, 1.0, 5.0, 6.0], 0.95).unwrap();
        assert_eq!((plain.estimate, plain.low), (3.0, None));
    }

    #[test]
    fn no_rounds_and_no_numbers_are_refused() {
        assert_eq!(Location::of(&[], 0.95), Err(StatsError::NoRounds));
        let nan = Location::of(&[1.0, f64::NAN], 0.95);
        assert!(matches!(nan, Err(StatsError::NotFinite { round: 2, .. })));
        assert!(Location::of(&[1.0], 95.0).is_err());
    }
}
