//! The search for the highest rate that keeps a promise: bracketing, then bisection. Pure.

/// Two rates this near each other count as found.
const PRECISION: f64 = 1.03;

/// More rates than this are not tried, so that a search ends.
const MOST_PROBES: usize = 20;

/// Which rate is tried next, from what became of those before.
///
/// From its start it doubles while the promise is kept and halves while it is missed; once it lies
/// between two rates, the geometric mean of them is tried until they are 3 % apart. Whatever the
/// answers are, even ones that contradict each other, it ends after 20 rates and gives none that
/// missed.
#[derive(Debug, Clone)]
pub struct Search {
    start: f64,
    lowest: f64,
    kept: Option<f64>,
    missed: Option<f64>,
    probes: usize,
}

impl Search {
    /// A search that begins at `start` and tries nothing below `lowest`, both above zero.
    pub fn new(start: f64, lowest: f64) -> Self {
        Self { start: start.max(lowest), lowest, kept: None, missed: None, probes: 0 }
    }

    /// The rate to try next; `None` at the end.
    pub fn next(&self) -> Option<f64> {
        if self.probes >= MOST_PROBES {
            return None;
        }
        match (self.kept, self.missed) {
            (None, None) => Some(self.start),
            (Some(kept), None) => Some(kept * 2.0),
            (None, Some(missed)) if missed <= self.lowest => None,
            (None, Some(missed)) => Some((missed / 2.0).max(self.lowest)),
            (Some(kept), Some(missed)) if missed / kept <= PRECISION => None,
            (Some(kept), Some(missed)) => Some((kept * missed).sqrt()),
        }
    }

    /// Whether the promise was kept at [`Search::next`].
    pub fn tell(&mut self, kept: bool) {
        let Some(rate) = self.next() else { return };
        self.probes += 1;
        *(if kept { &mut self.kept } else { &mut self.missed }) = Some(rate);
    }

    /// The highest rate that kept the promise; `None` when none did.
    pub fn highest(&self) -> Option<f64> {
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Runs the search against a server that keeps the promise up to `capacity`.
    fn found(start: f64, lowest: f64, capacity: f64) -> (Option<f64>, usize) {
        let mut search = Search::new(start, lowest);
        while let Some(rate) = search.next() {
            search.tell(rate <= capacity);
        }
        (search.highest(), search.probes)
    }

    #[test]
    fn from_a_near_start_seven_rates_are_enough() {
        let (highest, probes) = found(500.0, 10.0, 900.0);
        assert!((874.0..=900.0).contains(&highest.unwrap()), "{highest:?}");
        assert!(probes <= 7, "{probes}");
    }

    #[test]
    fn when_even_the_lowest_rate_misses_there_is_none() {
        assert_eq!(found(500.0, 100.0, 99.0), (None, 4));
        assert_eq!(found(1.0, 100.0, 99.0), (None, 1));
    }

    proptest! {
        #[test]
        fn it_finds_any_capacity_to_three_percent(
            lowest in 0.5_f64..100.0,
            above in 0.0_f64..9.0,
            off in -9.0_f64..9.0,
        ) {
            let capacity = lowest * above.exp2();
            let (highest, probes) = found(capacity * off.exp2(), lowest, capacity);
            let highest = highest.expect("the lowest rate keeps the promise");
            prop_assert!(highest <= capacity && capacity <= highest * PRECISION * (1.0 + 1e-9));
            prop_assert!(probes <= MOST_PROBES);
        }

        #[test]
        fn it_ends_whatever_the_answers_are_with_a_rate_that_was_kept(
            start in 0.5_f64..1e6,
            answers in proptest::collection::vec(any::<bool>(), 30),
        ) {
            let mut search = Search::new(start, 1.0);
            let mut kept = Vec::new();
            let mut answers = answers.into_iter();
            while let Some(rate) = search.next() {
                let answer = answers.next().expect("it ends before thirty");
                kept.extend(answer.then_some(rate));
                search.tell(answer);
            }
            prop_assert_eq!(search.highest(), kept.into_iter().reduce(f64::max));
        }
    }
}
