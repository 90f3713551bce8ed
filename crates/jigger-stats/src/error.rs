//! Why figures cannot be given.

use std::fmt;

/// Which of the two series of a comparison a value belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The contender's values.
    Contender,
    /// The baseline's values.
    Baseline,
}

impl fmt::Display for Side {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Contender => "contender",
            Self::Baseline => "baseline",
        })
    }
}

/// There are too few rounds for an interval at this confidence.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error(
    "{rounds} rounds are too few for an interval of {:.4} % confidence; run at least {needed}",
    confidence * 100.0
)]
pub struct TooFew {
    /// Rounds there are.
    pub rounds: usize,
    /// Rounds there have to be.
    pub needed: usize,
    /// Confidence asked for, 0..1.
    pub confidence: f64,
}

/// Why a statistic cannot be computed from the values given.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum StatsError {
    /// Too few rounds for an interval; the figures can still be shown without one.
    #[error(transparent)]
    TooFew(#[from] TooFew),
    /// The series have different lengths, so rounds cannot be paired.
    #[error(
        "the contender has {contender} rounds and the baseline {baseline}; \
         pair only rounds that both finished"
    )]
    LengthsDiffer {
        /// Rounds of the contender.
        contender: usize,
        /// Rounds of the baseline.
        baseline: usize,
    },
    /// A value of which no ratio can be formed: zero, negative, infinite or not a number.
    #[error(
        "round {round} of the {side} is {value}, and a ratio needs positive finite values; \
         leave out the failed round on both sides, or compare differences"
    )]
    NotPositive {
        /// The series it is in.
        side: Side,
        /// The round, counted from 1.
        round: usize,
        /// The value.
        value: f64,
    },
    /// A value that is infinite or not a number.
    #[error("round {round} is {value}, which is not a finite number; leave out the failed round")]
    NotFinite {
        /// The round, counted from 1.
        round: usize,
        /// The value.
        value: f64,
    },
    /// There are no values at all.
    #[error("there are no rounds to summarise; at least one has to finish")]
    NoRounds,
    /// A confidence that is not strictly between 0 and 1.
    #[error("a confidence of {confidence} makes no sense; give one between 0 and 1, such as 0.95")]
    Confidence {
        /// The confidence given.
        confidence: f64,
    },
    /// A margin that is negative, infinite or not a number.
    #[error("a margin of {margin} makes no sense; give a share of 0 or more, such as 0.02 for 2 %")]
    Margin {
        /// The margin given.
        margin: f64,
    },
    /// Limits for stopping that no run can keep.
    #[error(
        "stopping after {min_rounds} to {max_rounds} rounds at a half-width of {half_width} makes \
         no sense; give 1 <= min <= max and a half-width above 0, such as 0.03 for 3 %"
    )]
    Stopping {
        /// The least number of rounds given.
        min_rounds: usize,
        /// The greatest number of rounds given.
        max_rounds: usize,
        /// The half-width given.
        half_width: f64,
    },
}

/// Refuses a confidence outside (0, 1).
pub(crate) fn checked_confidence(confidence: f64) -> Result<f64, StatsError> {
    if confidence > 0.0 && confidence < 1.0 {
        Ok(confidence)
    } else {
        Err(StatsError::Confidence { confidence })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_tell_cause_and_remedy() {
        let too_few = TooFew { rounds: 4, needed: 6, confidence: 0.95 };
        assert_eq!(
            StatsError::from(too_few).to_string(),
            "4 rounds are too few for an interval of 95.0000 % confidence; run at least 6"
        );
        let value = StatsError::NotPositive { side: Side::Baseline, round: 3, value: 0.0 };
        assert!(value.to_string().starts_with("round 3 of the baseline is 0, and a ratio needs"));
    }

    #[test]
    fn confidence_lies_strictly_between_0_and_1() {
        assert_eq!(checked_confidence(0.95), Ok(0.95));
        for bad in [0.0, 1.0, -0.5, 95.0, f64::NAN] {
            assert!(checked_confidence(bad).is_err(), "{bad}");
        }
    }
}
