//! An interval of ratios.

/// An interval of ratios, both ends included.
///
/// A ratio of 1.1 means 10 % above the baseline. With too few rounds for the confidence asked for,
/// nothing can be excluded and the interval is [`Interval::UNBOUNDED`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The lower end; 0 when unbounded.
    pub low: f64,
    /// The upper end; infinite when unbounded.
    pub high: f64,
}

impl Interval {
    /// Every ratio: what is known when no interval of this confidence exists yet.
    pub const UNBOUNDED: Self = Self { low: 0.0, high: f64::INFINITY };

    /// Half the width as a share: 0.03 stands for "plus or minus 3 %".
    ///
    /// Taken on the log scale, where the interval was made: `sqrt(high / low) - 1`. Infinite for
    /// an unbounded interval.
    #[must_use]
    pub fn half_width(&self) -> f64 {
        (self.high / self.low).sqrt() - 1.0
    }

    /// Whether `ratio` lies within, ends included.
    #[must_use]
    pub fn contains(&self, ratio: f64) -> bool {
        self.low <= ratio && ratio <= self.high
    }

    /// Whether it has two finite positive ends.
    #[must_use]
    pub fn is_bounded(&self) -> bool {
        self.low > 0.0 && self.high.is_finite()
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

    #[test]
    fn an_unbounded_interval_contains_all_and_has_no_width() {
        assert!(Interval::UNBOUNDED.half_width().is_infinite());
        assert!(Interval::UNBOUNDED.contains(1e300));
        assert!(!Interval::UNBOUNDED.is_bounded());
        assert!(Interval { low: 0.5, high: 2.0 }.is_bounded());
    }
}
