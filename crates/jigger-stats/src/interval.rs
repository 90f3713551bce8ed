//! An interval of ratios.

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
    #[must_use]
    pub fn half_width(&self) -> f64 {
        (self.high / self.low).sqrt() - 1.0
    }

    /// Whether `ratio` lies within, ends included.
    #[must_use]
    pub fn contains(&self, ratio: f64) -> bool {
        self.low <= ratio && ratio <= self.high
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_width_is_symmetric_in_the_direction_of_the_ratio() {
        let above = Interval { low: 1.0 / 1.03, high: 1.03 };
        assert!((above.half_width() - 0.03).abs() < 1e-12);
        let scaled = Interval { low: 7.0 / 1.03, high: 7.0 * 1.03 };
        assert!((scaled.half_width() - 0.03).abs() < 1e-12);
    }
}
