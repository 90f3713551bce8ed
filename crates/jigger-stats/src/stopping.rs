//! When a run has enough rounds.

use crate::error::StatsError;

/// Stops on the width of the intervals, at the end of a cycle, and never on significance.
///
/// Looking at the verdict after every round and stopping as soon as it is "different" finds
/// differences that are not there; the width says nothing about which side won, so stopping on it
/// does not favour one. The simulation that comes with this crate
/// (`cargo run --release -p jigger-stats --example simulate`) shows both.
///
/// A budget of time is the caller's to watch, since there is no clock here.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stopping {
    min_rounds: usize,
    max_rounds: usize,
    half_width: f64,
}

/// What to do after a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Another round.
    GoOn,
    /// Every interval is narrow enough.
    WidthReached,
    /// There may be no more rounds.
    MaxRounds,
}

impl Stopping {
    /// Between `min_rounds` and `max_rounds`, as soon as every interval's half-width is at most
    /// `half_width` (a share: 0.03 for plus or minus 3 %).
    ///
    /// # Errors
    /// [`StatsError::Stopping`] unless 1 <= min <= max and the half-width is above 0 and finite.
    pub fn new(min_rounds: usize, max_rounds: usize, half_width: f64) -> Result<Self, StatsError> {
        let rounds_make_sense = 1 <= min_rounds && min_rounds <= max_rounds;
        if rounds_make_sense && half_width > 0.0 && half_width.is_finite() {
            Ok(Self { min_rounds, max_rounds, half_width })
        } else {
            Err(StatsError::Stopping { min_rounds, max_rounds, half_width })
        }
    }

    /// Decides after `rounds` finished rounds, in cycles of `cycle_len` (see
    /// [`crate::Orders::cycle_len`]), from the half-widths of all intervals watched
    /// ([`crate::Interval::half_width`]).
    ///
    /// A half-width that is infinite or not a number is not narrow enough. With no interval to
    /// watch, the least number of rounds is enough. `max_rounds` ends the run even within a cycle.
    #[must_use]
    pub fn decide(&self, rounds: usize, cycle_len: usize, half_widths: &[f64]) -> Decision {
        let at_cycle_end = rounds.is_multiple_of(cycle_len.max(1));
        let narrow = half_widths.iter().all(|&half_width| half_width <= self.half_width);
        if at_cycle_end && rounds >= self.min_rounds && narrow {
            Decision::WidthReached
        } else if rounds >= self.max_rounds {
            Decision::MaxRounds
        } else {
            Decision::GoOn
        }
    }

    /// The least number of rounds.
    #[must_use]
    pub const fn min_rounds(&self) -> usize {
        self.min_rounds
    }

    /// The greatest number of rounds.
    #[must_use]
    pub const fn max_rounds(&self) -> usize {
        self.max_rounds
    }

    /// The half-width to reach, as a share.
    #[must_use]
    pub const fn half_width(&self) -> f64 {
        self.half_width
    }
}

impl Default for Stopping {
    /// 6 to 30 rounds, until plus or minus 3 %.
    fn default() -> Self {
        Self { min_rounds: 6, max_rounds: 30, half_width: 0.03 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stopping() -> Stopping {
        Stopping::new(6, 30, 0.03).unwrap()
    }

    #[test]
    fn narrow_intervals_end_the_run_at_the_end_of_a_cycle_only() {
        for rounds in 1..30 {
            let expected = if rounds % 5 == 0 && rounds >= 6 {
                Decision::WidthReached
            } else {
                Decision::GoOn
            };
            assert_eq!(stopping().decide(rounds, 5, &[0.01, 0.03]), expected, "{rounds}");
        }
    }

    #[test]
    fn one_wide_interval_keeps_it_going_until_the_last_round() {
        for wide in [0.031, f64::INFINITY, f64::NAN] {
            assert_eq!(stopping().decide(29, 1, &[0.01, wide]), Decision::GoOn);
            assert_eq!(stopping().decide(30, 1, &[0.01, wide]), Decision::MaxRounds);
        }
        assert_eq!(stopping().decide(31, 10, &[0.01]), Decision::MaxRounds);
    }

    #[test]
    fn the_last_round_may_reach_the_width_too() {
        assert_eq!(stopping().decide(30, 10, &[0.01]), Decision::WidthReached);
    }

    #[test]
    fn with_nothing_to_watch_the_fewest_rounds_are_enough() {
        assert_eq!(stopping().decide(5, 1, &[]), Decision::GoOn);
        assert_eq!(stopping().decide(6, 1, &[]), Decision::WidthReached);
    }

    #[test]
    fn limits_that_no_run_can_keep_are_refused() {
        for (min, max, half_width) in
            [(0, 3, 0.1), (7, 6, 0.1), (1, 2, 0.0), (1, 2, -0.1), (1, 2, f64::NAN)]
        {
            assert!(Stopping::new(min, max, half_width).is_err(), "{min} {max} {half_width}");
        }
        assert_eq!(Stopping::new(6, 30, 0.03), Ok(Stopping::default()));
    }
}
