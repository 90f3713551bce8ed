//! The planned moments at which a run may end.

use crate::error::StatsError;

/// The family's error rate: the chance that anything at all is called different that is not.
pub const FAMILY_LEVEL: f64 = 0.05;

/// What each of three looks may spend of [`FAMILY_LEVEL`]. Together they spend it all, so that by
/// the union bound no look costs more than was planned, whatever the others showed (Lan & DeMets
/// 1983, "Discrete sequential boundaries for clinical trials", Biometrika 70, spend by a function
/// of time; fixed shares are the simplest of them).
const SHARES: [f64; 3] = [0.2, 0.3, 0.5];

/// The least number of rounds at which anything can be decided.
const FEWEST_ROUNDS: usize = crate::contrast::FEWEST_ROUNDS;

/// One look.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// After how many rounds.
    pub rounds: usize,
    /// The error rate that a decision at this look may have.
    pub level: f64,
}

/// When a run may end: looks in ascending order, the last of which ends it.
///
/// Stopping at any moment at which a difference seems significant finds differences that are not
/// there. Planned looks with a spent error rate do not, and still end a clear case early.
#[derive(Debug, Clone, PartialEq)]
pub struct Looks(Vec<Look>);

impl Looks {
    /// Looks after a quarter, a half and all of `max` rounds, each at the nearest whole number of
    /// squares of `square` rounds (see [`crate::Orders::square_len`]) and not before `min`; a
    /// single one when `min` is `max`. Looks that fall together or before `min` leave their share
    /// to the next.
    ///
    /// # Errors
    /// [`StatsError::Rounds`] unless 1 <= min <= max.
    pub fn planned(min: usize, max: usize, square: usize) -> Result<Self, StatsError> {
        if min == 0 || min > max {
            return Err(StatsError::Rounds { min, max });
        }
        let square = square.max(1);
        let last = if min == max { max } else { last_look(max, min, square) };
        let earliest = min.max(FEWEST_ROUNDS).next_multiple_of(square);
        let nearest = |rounds: usize| ((2 * rounds + square) / (2 * square)).max(1) * square;
        let places = [nearest(max.div_ceil(4)), nearest(max.div_ceil(2)), last];
        let (mut looks, mut saved) = (Vec::new(), 0.0);
        for (at, (place, share)) in places.into_iter().zip(SHARES).enumerate() {
            saved += share;
            let place = if at + 1 < places.len() { place.max(earliest) } else { place };
            let next = places.get(at + 1).map_or(usize::MAX, |&next| next.max(earliest));
            let is_kept = at + 1 == places.len() || (place < last && place < next);
            if is_kept {
                looks.push(Look { rounds: place, level: saved * FAMILY_LEVEL });
                saved = 0.0;
            }
        }
        Ok(Self(looks))
    }

    /// The looks of a record; none at all stand for a single look at the end.
    pub fn of(looks: Vec<Look>) -> Self {
        Self(looks)
    }

    /// In ascending order.
    pub fn all(&self) -> &[Look] {
        &self.0
    }

    /// The most rounds.
    pub fn last(&self) -> usize {
        self.0.last().map_or(0, |look| look.rounds)
    }

    /// Whether a look is due after so many rounds.
    pub fn is_due(&self, rounds: usize) -> bool {
        self.0.iter().any(|look| look.rounds == rounds)
    }

    /// The error rate that verdicts after so many rounds may have. `is_look`: the run went on or
    /// ended by what this look showed, so the later looks keep their shares. A run that ended for
    /// another reason (time, the user) spends all that the looks before have left.
    pub fn level_after(&self, rounds: usize, is_look: bool) -> f64 {
        let here = self.0.iter().find(|look| look.rounds == rounds).filter(|_| is_look);
        let spent: f64 =
            self.0.iter().filter(|look| look.rounds < rounds).map(|look| look.level).sum();
        here.map_or((FAMILY_LEVEL - spent).max(0.0), |look| look.level)
    }
}

/// The greatest whole number of squares up to `max`, where that costs no more than a tenth of the
/// rounds and is not below `min`; else `max` itself.
fn last_look(max: usize, min: usize, square: usize) -> usize {
    let whole = max / square * square;
    if whole >= min && 10 * whole >= 9 * max { whole } else { max }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds(min: usize, max: usize, square: usize) -> Vec<usize> {
        let looks = Looks::planned(min, max, square).unwrap();
        let total: f64 = looks.all().iter().map(|look| look.level).sum();
        assert!((total - FAMILY_LEVEL).abs() < 1e-12, "{looks:?}");
        looks.all().iter().map(|look| look.rounds).collect()
    }

    #[test]
    fn looks_stand_at_whole_squares_near_a_quarter_a_half_and_all() {
        assert_eq!(rounds(5, 20, 5), [5, 10, 20]);
        assert_eq!(rounds(1, 20, 5), [5, 10, 20]);
        assert_eq!(rounds(5, 20, 3), [6, 9, 18]);
        assert_eq!(rounds(5, 20, 4), [8, 12, 20]);
        assert_eq!(rounds(5, 20, 2), [6, 10, 20]);
        assert_eq!(rounds(5, 20, 9), [9, 18]);
        assert_eq!(rounds(1, 20, 1), [5, 10, 20]);
    }

    #[test]
    fn the_fewest_and_the_most_rounds_are_kept() {
        assert_eq!(rounds(7, 30, 5), [10, 15, 30]);
        assert_eq!(rounds(7, 7, 5), [7]);
        assert_eq!(rounds(3, 3, 5), [3]);
        assert_eq!(rounds(20, 40, 5), [20, 40]);
        assert_eq!(rounds(2, 4, 5), [4]);
        assert_eq!(rounds(2, 3, 2), [3]);
        assert_eq!(rounds(3, 20, 7), [7, 20]);
        assert_eq!(rounds(1, 1, 1), [1]);
        assert!(Looks::planned(0, 3, 5).is_err() && Looks::planned(4, 3, 5).is_err());
    }

    #[test]
    fn a_run_that_ends_between_looks_spends_what_is_left() {
        let looks = Looks::planned(5, 20, 5).unwrap();
        let level = |rounds, is_look| (looks.level_after(rounds, is_look) * 1e4).round() / 1e4;
        assert_eq!([level(5, true), level(10, true), level(20, true)], [0.01, 0.015, 0.025]);
        assert_eq!([level(5, false), level(8, false), level(12, false)], [0.05, 0.04, 0.025]);
        assert_eq!(Looks::of(Vec::new()).level_after(7, true), FAMILY_LEVEL);
    }
}
