//! Why figures cannot be given.

/// Why a statistic cannot be computed from the values given.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum StatsError {
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
    /// Numbers of rounds that no run can keep.
    #[error("{min} to {max} rounds make no sense; give 1 <= min <= max")]
    Rounds {
        /// The least number of rounds given.
        min: usize,
        /// The greatest number of rounds given.
        max: usize,
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
        let rounds = StatsError::Rounds { min: 4, max: 3 };
        assert_eq!(rounds.to_string(), "4 to 3 rounds make no sense; give 1 <= min <= max");
        let value = StatsError::NotFinite { round: 3, value: f64::NAN };
        assert!(value.to_string().starts_with("round 3 is NaN, which is not a finite number;"));
    }

    #[test]
    fn confidence_lies_strictly_between_0_and_1() {
        assert_eq!(checked_confidence(0.95), Ok(0.95));
        for bad in [0.0, 1.0, -0.5, 95.0, f64::NAN] {
            assert!(checked_confidence(bad).is_err(), "{bad}");
        }
    }
}
