//! One metric of one contender over the rounds.

use crate::error::{StatsError, checked_confidence};
use crate::shifts::median_of_sorted;
use crate::signed_rank::signed_rank;

/// The scale on which a [`Location`] was estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// On logarithms, then turned back: all values were positive.
    Log,
    /// On the values as they are: at least one was zero or negative.
    Plain,
}

/// The typical value of a metric, in the metric's own unit.
///
/// It says what this contender did on this machine, for its own row in a table. Two contenders are
/// compared by [`crate::Ratio`], never by laying their intervals side by side: pairing by round
/// removes what both had to bear, and that is most of the width here.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Location {
    /// The Hodges-Lehmann pseudo-median; with too few rounds for an interval, the plain median.
    pub estimate: f64,
    /// Lower end of the interval; `None` with too few rounds.
    pub low: Option<f64>,
    /// Upper end of the interval; `None` with too few rounds.
    pub high: Option<f64>,
    /// Rounds it rests on.
    pub rounds: usize,
    /// The scale it was estimated on.
    pub scale: Scale,
}

impl Location {
    /// Summarises one value for each round with a signed-rank interval of `confidence` (0..1).
    ///
    /// # Errors
    /// [`StatsError::NoRounds`], [`StatsError::NotFinite`], [`StatsError::Confidence`].
    pub fn of(values: &[f64], confidence: f64) -> Result<Self, StatsError> {
        let level = 1.0 - checked_confidence(confidence)?;
        let sorted = sorted_finite(values)?;
        let scale = if sorted[0] > 0.0 { Scale::Log } else { Scale::Plain };
        let analysis = signed_rank(&scale.apply(&sorted));
        // Turning back from logarithms rounds; what all rounds agree on has to come out exact.
        let turn_back = |value: f64| scale.undo(value).clamp(sorted[0], sorted[sorted.len() - 1]);
        let interval = analysis.interval(level);
        Ok(Self {
            estimate: match interval {
                Some(_) => turn_back(analysis.estimate()),
                None => median_of_sorted(&sorted),
            },
            low: interval.map(|(low, _)| turn_back(low)),
            high: interval.map(|(_, high)| turn_back(high)),
            rounds: values.len(),
            scale,
        })
    }
}

impl Scale {
    fn apply(self, values: &[f64]) -> Vec<f64> {
        match self {
            Self::Log => values.iter().map(|value| value.ln()).collect(),
            Self::Plain => values.to_vec(),
        }
    }

    fn undo(self, value: f64) -> f64 {
        match self {
            Self::Log => value.exp(),
            Self::Plain => value,
        }
    }
}

fn sorted_finite(values: &[f64]) -> Result<Vec<f64>, StatsError> {
    if let Some(index) = values.iter().position(|value| !value.is_finite()) {
        return Err(StatsError::NotFinite { round: index + 1, value: values[index] });
    }
    if values.is_empty() {
        return Err(StatsError::NoRounds);
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    Ok(sorted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_that_agree_come_out_exact() {
        let location = Location::of(&[12_345_678.0; 7], 0.95).unwrap();
        assert_eq!(location.estimate, 12_345_678.0);
        assert_eq!((location.low, location.high), (Some(12_345_678.0), Some(12_345_678.0)));
    }

    #[test]
    fn below_six_rounds_there_is_the_median_without_an_interval() {
        let location = Location::of(&[5.0, 1.0, 100.0], 0.95).unwrap();
        assert_eq!((location.estimate, location.low, location.high), (5.0, None, None));
        assert_eq!(Location::of(&[4.0, 1.0], 0.95).unwrap().estimate, 2.5);
        assert_eq!(Location::of(&[4.0], 0.95).unwrap().rounds, 1);
    }

    #[test]
    fn zeros_and_negatives_are_summarised_as_they_are() {
        let location = Location::of(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0], 0.95).unwrap();
        assert_eq!(location.scale, Scale::Plain);
        assert_eq!((location.estimate, location.low, location.high), (2.5, Some(0.0), Some(5.0)));
        let shifted = Location::of(&[-3.0, -2.0, -1.0, 0.0, 1.0, 2.0], 0.95).unwrap();
        assert_eq!(shifted.estimate, -0.5);
    }

    #[test]
    fn positive_values_are_summarised_on_logarithms() {
        let location = Location::of(&[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0], 0.95).unwrap();
        assert_eq!(location.scale, Scale::Log);
        assert!((location.estimate - 8.0).abs() < 1e-12);
    }

    #[test]
    fn bad_values_are_named() {
        assert_eq!(Location::of(&[], 0.95), Err(StatsError::NoRounds));
        let infinite = StatsError::NotFinite { round: 2, value: f64::INFINITY };
        assert_eq!(Location::of(&[1.0, f64::INFINITY], 0.95), Err(infinite));
        assert!(matches!(
            Location::of(&[f64::NAN], 0.95),
            Err(StatsError::NotFinite { round: 1, .. })
        ));
        assert!(Location::of(&[1.0], 1.0).is_err());
    }
}
