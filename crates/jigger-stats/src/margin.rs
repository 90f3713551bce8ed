//! How large a difference has to be to matter.

use crate::error::StatsError;
use crate::interval::Interval;

/// The difference that does not matter, as a share, and the same in both directions on the log
/// scale: 0.02 stands for ratios from 1 / 1.02 to 1.02.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Margin {
    share: f64,
}

/// The margins of the two kinds of claim.
///
/// A placebo that strays widens the first only. Widening the second too would make a noisy machine
/// call large differences equivalent: in the simulation with all troubles at once that befell a true
/// difference of 5 % in one run of ten rounds in eight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Margins {
    /// Faster or slower: the interval lies wholly beyond this one.
    pub different: Margin,
    /// Equivalent: the interval lies wholly inside this one.
    pub equivalent: Margin,
}

impl From<Margin> for Margins {
    /// The same margin for both.
    fn from(margin: Margin) -> Self {
        Self { different: margin, equivalent: margin }
    }
}

impl Margin {
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

    /// This margin, or the placebo's half-width ([`crate::Interval::half_width`]) where that is wider:
    /// what the baseline cannot be told from itself by is no difference between contenders either.
    /// For [`Margins::different`].
    ///
    /// # Errors
    /// [`StatsError::Margin`] when the placebo has no bounded interval, since then the noise floor
    /// is not known.
    pub fn widened_to(self, placebo_half_width: f64) -> Result<Self, StatsError> {
        Ok(Self { share: self.share.max(Self::new(placebo_half_width)?.share) })
    }

    /// The margin as a share.
    #[must_use]
    pub const fn share(self) -> f64 {
        self.share
    }

    /// Whether an interval of ratios lies wholly beyond this margin.
    #[must_use]
    pub fn is_passed_by(self, interval: Interval) -> bool {
        interval.low > 1.0 + self.share || interval.high < 1.0 / (1.0 + self.share)
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
    use super::*;
    use crate::interval::Interval;

    #[test]
    fn the_wider_of_margin_and_noise_floor_counts() {
        assert_eq!(Margin::default().widened_to(0.001), Ok(Margin::default()));
        assert_eq!(Margin::default().widened_to(0.07), Margin::new(0.07));
    }

    #[test]
    fn without_a_noise_floor_there_is_no_margin() {
        let unbounded = Interval::UNBOUNDED.half_width();
        assert!(Margin::default().widened_to(unbounded).is_err());
        for bad in [-0.01, f64::NAN, f64::INFINITY] {
            assert!(matches!(Margin::new(bad), Err(StatsError::Margin { .. })), "{bad}");
        }
    }
}
