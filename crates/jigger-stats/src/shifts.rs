//! A location with an exact interval, read off sorted candidates: what the rank methods share.

/// The candidates for a location or a shift, in order, and the exact distribution of the number of
/// them that lie below its true value.
///
/// Both the signed-rank and the rank-sum statistic are such a number: of the means of all pairs in
/// one series, or of the differences of all pairs from two. Estimate, interval and p-value are
/// read off the same sorted list, so that they never contradict each other.
///
/// **Ties and zeros.** The exact null distribution assumes values without ties. A candidate that
/// equals the value tested is counted against rejecting it, whichever side it would help, and the
/// interval includes its ends. With ties and zeros the result is therefore conservative: the
/// interval covers at least as often as promised. Nothing is dropped.
#[derive(Debug, Clone)]
pub struct Shifts {
    /// Ascending.
    candidates: Vec<f64>,
    /// `tail[t]` is the probability that at most `t` candidates lie below the true value.
    tail: Vec<f64>,
}

/// What a level may be missed by because of rounding, such as in `1.0 - 0.95`.
const ROUNDING: f64 = 1e-9;

/// Whether a p-value reaches a level, rounding aside. Every decision goes through here, so that
/// intervals and adjusted p-values agree.
pub(crate) fn is_within(p_value: f64, level: f64) -> bool {
    p_value <= level * (1.0 + ROUNDING)
}

impl Shifts {
    /// From candidates, which have to be finite, and at least one; `tail` has one entry more.
    pub(crate) fn new(mut candidates: Vec<f64>, tail: Vec<f64>) -> Self {
        candidates.sort_unstable_by(f64::total_cmp);
        Self { candidates, tail }
    }

    /// The median of the candidates.
    pub(crate) fn estimate(&self) -> f64 {
        median_of_sorted(&self.candidates)
    }

    /// The exact interval at two-sided `level` (0.05 for 95 % confidence), ends included; `None`
    /// when there are too few rounds for that level.
    pub(crate) fn interval(&self, level: f64) -> Option<(f64, f64)> {
        let cut = self.tail.partition_point(|&tail| is_within(2.0 * tail, level));
        // Past the middle the ends would cross; that needs a level near 1.
        let cut = cut.min(self.candidates.len().div_ceil(2));
        let low = cut.checked_sub(1)?;
        Some((self.candidates[low], self.candidates[self.candidates.len() - cut]))
    }

    /// The smallest level at which the interval excludes `null`: the two-sided p-value.
    pub(crate) fn p_value(&self, null: f64) -> f64 {
        self.p_above(null).min(self.p_below(null))
    }

    /// The smallest level at which the whole interval lies above `bound`.
    pub(crate) fn p_above(&self, bound: f64) -> f64 {
        let against = self.candidates.partition_point(|&candidate| candidate <= bound);
        self.two_sided(against)
    }

    /// The smallest level at which the whole interval lies below `bound`.
    pub(crate) fn p_below(&self, bound: f64) -> f64 {
        let below = self.candidates.partition_point(|&candidate| candidate < bound);
        self.two_sided(self.candidates.len() - below)
    }

    /// The smallest level at which the whole interval lies within `-bound..=bound`.
    pub(crate) fn p_inside(&self, bound: f64) -> f64 {
        let below = self.candidates.partition_point(|&candidate| candidate < -bound);
        let up_to = self.candidates.partition_point(|&candidate| candidate <= bound);
        self.two_sided(below.max(self.candidates.len() - up_to))
    }

    fn two_sided(&self, statistic: usize) -> f64 {
        (2.0 * self.tail[statistic]).min(1.0)
    }
}

/// The middle value, or the mean of the two in the middle.
pub(crate) fn median_of_sorted(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    }
}

/// Probabilities of 0, 1, 2, ... to those of at most so many.
pub(crate) fn cumulated(mut probability: Vec<f64>) -> Vec<f64> {
    let mut total = 0.0;
    for entry in &mut probability {
        total += *entry;
        *entry = total;
    }
    probability
}
