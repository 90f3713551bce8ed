//! From contrasts to verdicts, with the correction for many comparisons.

use crate::contrast::{Contrast, Margin};
use crate::looks::FAMILY_LEVEL;

/// The confidence of the intervals that a reader sees, each comparison taken alone.
pub const CONFIDENCE: f64 = 0.95;

/// Which way a metric is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// More is better, such as requests a second.
    HigherIsBetter,
    /// Less is better, such as response time or bytes.
    LowerIsBetter,
}

/// What a comparison says: the first of these that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The two differ by no more than the margin.
    Same,
    /// The contender is better; so sure that among all comparisons of the family the chance of any
    /// wrong one is 5 % at most.
    Better,
    /// The contender is worse, as surely.
    Worse,
    /// The comparison taken alone shows that the contender is better; among so many it may be
    /// chance.
    ProbablyBetter,
    /// The same for worse.
    ProbablyWorse,
    /// No difference was shown. [`Contrast::largest_difference`] says how large it may be.
    NotShown,
}

/// One comparison, with what counts as no difference there and which way it is better.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// The ratio.
    pub contrast: Contrast,
    /// Which way the metric is better.
    pub direction: Direction,
    /// Within this the two are the same.
    pub same: Margin,
    /// Beyond this they are different: [`Margin::NONE`] where any difference counts, the margin
    /// itself where only one larger than it is held against a change.
    pub different: Margin,
}

/// What [`judge`] found for one comparison.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finding {
    /// The verdict.
    pub verdict: Verdict,
    /// The p-value of "the difference is no greater than the margin", adjusted for the family and
    /// for the looks: a difference is shown at 0.05 or below.
    pub p_adjusted: f64,
}

/// Judges comparisons as one family, in the order given; `None` for those without an interval,
/// which claim nothing and are not of the family.
///
/// - *Same* by two one-sided tests at 5 %, each comparison by itself: that a server which differs
///   by more than the margin is called the same has a chance of 5 % at most. The margin is fixed
///   beforehand and never widened.
/// - *Better* and *worse* by the t tests of all comparisons under Holm's procedure (1979) at
///   `level`, which [`crate::Looks::level_after`] gives: the chance that any of them is wrong is at
///   most 5 % over all looks of the run, however the comparisons hang together.
/// - *Probably* when the comparison's own interval of 95 % excludes 1.
pub fn judge(cases: &[Case], level: f64) -> Vec<Option<Finding>> {
    let p_values: Vec<Option<f64>> =
        cases.iter().map(|case| case.contrast.p_beyond(case.different)).collect();
    let known: Vec<f64> = p_values.iter().copied().flatten().collect();
    let mut adjusted = holm_adjusted(&known).into_iter();
    let finding = |(case, p_value): (&Case, &Option<f64>)| {
        (*p_value)?;
        let p_adjusted = (adjusted.next()? * FAMILY_LEVEL / level).min(1.0);
        Some(Finding { verdict: case.verdict(p_adjusted), p_adjusted })
    };
    cases.iter().zip(&p_values).map(finding).collect()
}

impl Case {
    fn verdict(&self, p_adjusted: f64) -> Verdict {
        let is_alone = self.contrast.p_value().is_some_and(|p| p <= 1.0 - CONFIDENCE);
        if self.contrast.is_within(self.same, FAMILY_LEVEL) {
            Verdict::Same
        } else if p_adjusted <= FAMILY_LEVEL {
            self.either(Verdict::Better, Verdict::Worse)
        } else if is_alone {
            self.either(Verdict::ProbablyBetter, Verdict::ProbablyWorse)
        } else {
            Verdict::NotShown
        }
    }

    fn either(&self, better: Verdict, worse: Verdict) -> Verdict {
        if (self.contrast.ratio() > 1.0) == (self.direction == Direction::HigherIsBetter) {
            better
        } else {
            worse
        }
    }
}

impl Verdict {
    /// Whether it claims a difference for sure: better or worse.
    pub const fn is_different(self) -> bool {
        matches!(self, Self::Better | Self::Worse)
    }

    /// Whether it is a decision: same, better or worse.
    pub const fn is_decided(self) -> bool {
        matches!(self, Self::Same | Self::Better | Self::Worse)
    }

    /// The verdict on the same two with the other one as the baseline.
    pub const fn turned(self) -> Self {
        match self {
            Self::Better => Self::Worse,
            Self::Worse => Self::Better,
            Self::ProbablyBetter => Self::ProbablyWorse,
            Self::ProbablyWorse => Self::ProbablyBetter,
            Self::Same | Self::NotShown => self,
        }
    }
}

/// Holm's adjusted p-values, in the order given: reject those at or below the family's level.
///
/// Source: S. Holm 1979, "A simple sequentially rejective multiple test procedure", Scandinavian
/// Journal of Statistics 6, 65-70. It keeps the chance of one or more false rejections in the
/// whole family at or below the level, however the comparisons depend on each other (here they
/// share a baseline), and rejects at least all that Bonferroni's correction does.
///
/// A p-value that is not a number comes last and stays so.
pub fn holm_adjusted(p_values: &[f64]) -> Vec<f64> {
    let mut adjusted = vec![0.0; p_values.len()];
    let mut greatest_so_far: f64 = 0.0;
    for (step, index) in ascending(p_values).into_iter().enumerate() {
        let weight = remaining(p_values.len(), step);
        greatest_so_far = greatest_so_far.max((weight * p_values[index]).min(1.0));
        adjusted[index] = if p_values[index].is_nan() { f64::NAN } else { greatest_so_far };
    }
    adjusted
}

/// Indices by ascending p-value; equal ones in the order given, those not a number last.
fn ascending(p_values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&left, &right| p_values[left].total_cmp(&p_values[right]));
    order
}

#[expect(clippy::cast_precision_loss, reason = "contenders never come near 2^53")]
fn remaining(comparisons: usize, step: usize) -> f64 {
    (comparisons - step) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contrast::Spread;

    /// A log ratio that lies so many standard errors of 1 % from 0.
    fn case(errors: f64) -> Case {
        let spread = Spread { standard_error: 0.01, degrees_of_freedom: 12.0 };
        Case {
            contrast: Contrast::new(errors * 0.01, spread, 9),
            direction: Direction::HigherIsBetter,
            same: Margin::default(),
            different: Margin::NONE,
        }
    }

    fn verdicts(cases: &[Case]) -> Vec<Verdict> {
        judge(cases, FAMILY_LEVEL).into_iter().map(|found| found.unwrap().verdict).collect()
    }

    #[test]
    fn the_verdicts_in_both_directions() {
        let family = [case(9.0), case(-9.0), case(2.3), case(-2.3), case(2.0), case(0.1)];
        let up = verdicts(&family);
        use Verdict::{Better, NotShown, ProbablyBetter, ProbablyWorse, Same, Worse};
        assert_eq!(up, [Better, Worse, ProbablyBetter, ProbablyWorse, NotShown, Same]);
        let down =
            verdicts(&family.map(|case| Case { direction: Direction::LowerIsBetter, ..case }));
        assert_eq!(down, up.iter().map(|verdict| verdict.turned()).collect::<Vec<_>>());
    }

    #[test]
    fn same_goes_before_a_difference_that_is_sure_and_small() {
        let spread = Spread { standard_error: 0.001, degrees_of_freedom: 12.0 };
        let sure = Case { contrast: Contrast::new(0.01, spread, 9), ..case(0.0) };
        assert_eq!(verdicts(&[sure]), [Verdict::Same]);
    }

    #[test]
    fn a_margin_asks_for_more_than_a_difference() {
        let beyond = |errors| Case { different: Margin::default(), ..case(errors) };
        assert_eq!(verdicts(&[beyond(9.0)]), [Verdict::Better]);
        assert_eq!(verdicts(&[beyond(4.0)]), [Verdict::ProbablyBetter]);
    }

    #[test]
    fn a_smaller_level_asks_for_more() {
        let at = |level| judge(&[case(2.7)], level)[0].unwrap();
        assert_eq!(at(0.05).verdict, Verdict::Better);
        assert_eq!(at(0.01).verdict, Verdict::ProbablyBetter);
        assert!((at(0.01).p_adjusted / at(0.05).p_adjusted - 5.0).abs() < 1e-9);
    }

    #[test]
    fn what_has_no_interval_is_not_of_the_family() {
        let spread = Spread { standard_error: 0.01, degrees_of_freedom: 2.0 };
        let few = Case { contrast: Contrast::new(3.0, spread, 2), ..case(0.0) };
        let found = judge(&[few, case(2.3), few], FAMILY_LEVEL);
        assert_eq!((found[0], found[2]), (None, None));
        assert_eq!(found[1], judge(&[case(2.3)], FAMILY_LEVEL)[0]);
    }

    #[test]
    fn one_comparison_needs_no_adjustment() {
        assert_eq!(holm_adjusted(&[0.03]), [0.03]);
    }

    #[test]
    fn an_empty_family_is_fine_and_nan_stays_nan() {
        assert!(holm_adjusted(&[]).is_empty());
        let adjusted = holm_adjusted(&[f64::NAN, 0.01]);
        assert!(adjusted[0].is_nan());
        assert_eq!(adjusted[1], 0.02);
    }
}
