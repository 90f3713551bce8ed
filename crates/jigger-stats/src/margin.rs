//! How large a difference has to be to matter.

use crate::error::StatsError;

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
    #[must_use]
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
    use super::*;

    #[test]
    fn a_margin_is_a_share_of_nought_or_more() {
        assert_eq!(Margin::new(0.0), Ok(Margin::NONE));
        assert_eq!(Margin::new(0.02), Ok(Margin::default()));
        for bad in [-0.01, f64::NAN, f64::INFINITY] {
            assert!(matches!(Margin::new(bad), Err(StatsError::Margin { .. })), "{bad}");
        }
    }
}
