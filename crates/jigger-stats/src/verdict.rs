//! From ratios to verdicts.

use crate::error::{StatsError, checked_confidence};
use crate::holm::{holm_adjusted, holm_levels};
use crate::interval::Interval;
use crate::margin::{Margin, Margins};
use crate::paired::{Paired, Ratio};
use crate::shifts::{Shifts, is_within};

/// Which way a metric is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// More is better, such as requests a second.
    HigherIsBetter,
    /// Less is better, such as response time or bytes.
    LowerIsBetter,
}

/// What a comparison says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The contender beats the baseline by more than the margin.
    Better,
    /// The contender falls behind the baseline by more than the margin.
    Worse,
    /// The two differ by no more than the margin.
    Equivalent,
    /// The rounds so far leave more than one of the others open.
    Inconclusive {
        /// Rounds to add so that the verdict would be settled, if estimate and spread stay as they
        /// are. `None` when that would take more than 1,000: the difference is too near the
        /// margin.
        further_rounds: Option<usize>,
    },
}

/// What [`judge_family`] found for one comparison.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finding {
    /// The ratio with its interval at the confidence asked for, the comparison taken alone.
    pub ratio: Ratio,
    /// The interval at the level at which Holm's procedure decided this comparison, never
    /// narrower than that of `ratio`; the verdict is what this interval says. Unbounded with too few rounds for
    /// so many comparisons.
    pub interval: Interval,
    /// The verdict.
    pub verdict: Verdict,
    /// p-value of "the difference is no greater than the margin", adjusted by Holm.
    pub p_different: f64,
    /// p-value of "the difference is greater than the margin", adjusted by Holm.
    pub p_equivalent: f64,
}

/// Judges all comparisons of one metric with one baseline together (the placebo not among them).
///
/// A verdict is "better" or "worse" when the interval lies wholly beyond the margin, "equivalent"
/// when it lies wholly inside. Better, equivalent and worse exclude each other, so testing all
/// three for one comparison needs no correction (Goeman, Solari & Stijnen 2010, "Three-sided
/// hypothesis testing", Statistics in Medicine 29, 2117-2125). Several comparisons do, by Holm's
/// procedure, once over the claims of a difference and once over the claims of equivalence:
///
/// - the chance that any contender which differs from the baseline by no more than the margin is
///   called better or worse is at most `1 - confidence`;
/// - so is, separately, the chance that any contender which differs by more is called equivalent.
///
/// Both hold however the comparisons depend on each other (Holm 1979), for margins fixed
/// beforehand. One for differences that is widened to the placebo ([`Margin::widened_to`]) makes
/// the first still safer. That for equivalence is not to be widened, see [`Margins`].
/// A difference called in the wrong direction needs an interval that is wrong by more than twice
/// the margin.
///
/// The first step of Holm's procedure over `k` comparisons asks for `1 - (1 - confidence) / k`, so
/// six rounds settle one comparison at 95 %, seven settle up to three, eight up to six.
///
/// # Errors
/// [`StatsError::TooFew`] when a comparison has too few rounds for an interval of `confidence`
/// even alone; [`StatsError::Confidence`].
pub fn judge_family(
    comparisons: &[Paired],
    margins: impl Into<Margins>,
    confidence: f64,
    direction: Direction,
) -> Result<Vec<Finding>, StatsError> {
    let margins = margins.into();
    let cases: Vec<Case<&Paired>> =
        comparisons.iter().map(|comparison| Case { comparison, margins, direction }).collect();
    judge_together(&cases, confidence)
}

/// One comparison with what counts as no difference there and which way it is better.
#[derive(Debug, Clone, Copy)]
pub struct Case<C> {
    /// A [`Paired`] or an [`Unpaired`](crate::Unpaired).
    pub comparison: C,
    /// The differences that do not matter.
    pub margins: Margins,
    /// Which way the metric is better.
    pub direction: Direction,
}

/// Judges comparisons of several metrics as one family: what [`judge_family`] promises for one
/// metric then holds for all of them together, as a decision needs that hangs on every one.
///
/// # Errors
/// As [`judge_family`].
pub fn judge_together<C: Judged>(
    cases: &[Case<C>],
    confidence: f64,
) -> Result<Vec<Finding>, StatsError> {
    let level = 1.0 - checked_confidence(confidence)?;
    let family = Family {
        different: Claims::new(cases, level, p_different),
        equivalent: Claims::new(cases, level, |case| {
            case.comparison.shifts().p_inside(case.margins.equivalent.log())
        }),
    };
    cases
        .iter()
        .enumerate()
        .map(|(index, case)| Ok(family.finding(index, case, case.comparison.ratio(confidence)?)))
        .collect()
}

/// What a comparison has to tell for a verdict. Only this crate can implement it, for what
/// [`Judged::shifts`] gives is its own.
pub trait Judged {
    /// The estimate of the ratio, for which one round is enough.
    fn estimate(&self) -> f64 {
        self.shifts().estimate().exp()
    }

    /// The ratio with its interval, the comparison taken alone.
    ///
    /// # Errors
    /// [`StatsError::TooFew`], [`StatsError::Confidence`].
    fn ratio(&self, confidence: f64) -> Result<Ratio, StatsError>;

    /// The analysis on the log scale.
    fn shifts(&self) -> &Shifts;

    /// Rounds to add so that the interval would no longer touch the margin.
    fn further_rounds(&self, ratio: &Ratio, level: f64, log_margin: f64) -> Option<usize>;
}

impl<J: Judged> Judged for &J {
    fn ratio(&self, confidence: f64) -> Result<Ratio, StatsError> {
        (*self).ratio(confidence)
    }

    fn shifts(&self) -> &Shifts {
        (*self).shifts()
    }

    fn further_rounds(&self, ratio: &Ratio, level: f64, log_margin: f64) -> Option<usize> {
        (*self).further_rounds(ratio, level, log_margin)
    }
}

impl Verdict {
    /// What an interval says by itself: wholly beyond the margin, wholly inside, or neither
    /// (`None`). For several comparisons together use [`judge_family`].
    #[must_use]
    pub fn of(interval: Interval, margin: Margin, direction: Direction) -> Option<Self> {
        let limit = margin.log();
        let (low, high) = (interval.low.ln(), interval.high.ln());
        if low > limit {
            Some(direction.verdict_on(1.0))
        } else if high < -limit {
            Some(direction.verdict_on(-1.0))
        } else if -limit <= low && high <= limit {
            Some(Self::Equivalent)
        } else {
            None
        }
    }

    /// Whether it is [`Verdict::Better`].
    #[must_use]
    pub const fn is_better(self) -> bool {
        matches!(self, Self::Better)
    }

    /// Whether it claims a difference: better or worse.
    #[must_use]
    pub const fn is_different(self) -> bool {
        matches!(self, Self::Better | Self::Worse)
    }
}

impl Direction {
    /// The verdict on a contender whose log ratio has this sign.
    fn verdict_on(self, log_ratio: f64) -> Verdict {
        if (log_ratio > 0.0) == (self == Self::HigherIsBetter) {
            Verdict::Better
        } else {
            Verdict::Worse
        }
    }
}

/// What Holm's procedure says about each comparison of a family.
struct Family {
    different: Claims,
    equivalent: Claims,
}

impl Family {
    fn finding<C: Judged>(&self, index: usize, case: &Case<C>, ratio: Ratio) -> Finding {
        let (level, verdict) = self.decide(index, case, &ratio);
        Finding {
            ratio,
            interval: interval_at(&case.comparison, level),
            verdict,
            p_different: self.different.adjusted[index],
            p_equivalent: self.equivalent.adjusted[index],
        }
    }

    /// The level that decided and the verdict. Never both claims can be made: the intervals of one
    /// comparison at any two levels contain one another, so they cannot lie on both sides of the
    /// margin.
    fn decide<C: Judged>(&self, index: usize, case: &Case<C>, ratio: &Ratio) -> (f64, Verdict) {
        let log_ratio = ratio.estimate.ln();
        if self.different.made[index] {
            (self.different.levels[index], case.direction.verdict_on(log_ratio))
        } else if self.equivalent.made[index] {
            (self.equivalent.levels[index], Verdict::Equivalent)
        } else {
            (
                self.different.levels[index].min(self.equivalent.levels[index]),
                self.open(index, case, ratio),
            )
        }
    }

    fn open<C: Judged>(&self, index: usize, case: &Case<C>, ratio: &Ratio) -> Verdict {
        let distance = ratio.estimate.ln().abs();
        let Margins { different, equivalent } = case.margins;
        // Between the two, more rounds settle it as they narrow the placebo's interval too.
        let (claims, limit) = if distance > different.log() {
            (&self.different, different.log())
        } else if distance > equivalent.log() {
            (&self.different, equivalent.log())
        } else {
            (&self.equivalent, equivalent.log())
        };
        let further_rounds = case.comparison.further_rounds(ratio, claims.levels[index], limit);
        Verdict::Inconclusive { further_rounds }
    }
}

/// The interval at a two-sided level, unbounded when there are too few rounds for it.
fn interval_at(comparison: &impl Judged, level: f64) -> Interval {
    comparison
        .shifts()
        .interval(level)
        .map_or(Interval::UNBOUNDED, |(low, high)| Interval { low: low.exp(), high: high.exp() })
}

/// One kind of claim over a family, decided by Holm's procedure.
struct Claims {
    adjusted: Vec<f64>,
    levels: Vec<f64>,
    made: Vec<bool>,
}

impl Claims {
    fn new<C>(cases: &[Case<C>], level: f64, p_value: impl Fn(&Case<C>) -> f64) -> Self {
        let p_values: Vec<f64> = cases.iter().map(p_value).collect();
        let adjusted = holm_adjusted(&p_values);
        let made = adjusted.iter().map(|&adjusted| is_within(adjusted, level)).collect();
        Self { levels: holm_levels(&p_values, level), adjusted, made }
    }
}

/// The smallest level at which the interval lies wholly beyond the margin, on either side.
fn p_different<C: Judged>(case: &Case<C>) -> f64 {
    let (shifts, limit) = (case.comparison.shifts(), case.margins.different.log());
    shifts.p_above(limit).min(shifts.p_below(-limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    const UP: Direction = Direction::HigherIsBetter;
    const DOWN: Direction = Direction::LowerIsBetter;

    /// Rounds whose log ratios lie evenly about `ratio`, `spread` apart at most.
    fn pairs(ratio: f64, spread: f64, rounds: usize) -> Paired {
        let place = |round: usize| round as f64 / (rounds - 1) as f64 - 0.5;
        let contender: Vec<f64> =
            (0..rounds).map(|round| 100.0 * ratio * (spread * place(round)).exp()).collect();
        Paired::new(&contender, &vec![100.0; rounds]).unwrap()
    }

    fn verdicts(comparisons: &[Paired], direction: Direction) -> Vec<Verdict> {
        let findings = judge_family(comparisons, Margin::default(), 0.95, direction).unwrap();
        findings.into_iter().map(|finding| finding.verdict).collect()
    }

    #[test]
    fn the_four_verdicts_and_both_directions() {
        let family = [pairs(1.1, 0.02, 12), pairs(0.9, 0.02, 12), pairs(1.0, 0.02, 12)];
        assert_eq!(verdicts(&family, UP), [Verdict::Better, Verdict::Worse, Verdict::Equivalent]);
        assert_eq!(verdicts(&family, DOWN), [Verdict::Worse, Verdict::Better, Verdict::Equivalent]);
        let open = verdicts(&[pairs(1.04, 0.2, 12)], UP);
        assert!(matches!(open[..], [Verdict::Inconclusive { further_rounds: Some(1..100) }]));
    }

    #[test]
    fn six_rounds_settle_one_comparison_but_not_four() {
        let family = vec![pairs(2.0, 0.02, 6); 4];
        assert_eq!(verdicts(&family[..1], UP), [Verdict::Better]);
        let findings = judge_family(&family, Margin::default(), 0.95, UP).unwrap();
        for finding in findings {
            assert_eq!(finding.interval, Interval::UNBOUNDED);
            let open = Verdict::Inconclusive { further_rounds: Some(2) };
            assert_eq!(finding.verdict, open);
            assert!((finding.p_different - 0.125).abs() < 1e-12);
            assert!(finding.ratio.interval().is_bounded());
        }
    }

    /// Alone the interval clears the margin; beside three others it is wider and does not.
    #[test]
    fn company_widens_the_interval() {
        let close = pairs(1.035, 0.043, 9);
        assert_eq!(verdicts(std::slice::from_ref(&close), UP), [Verdict::Better]);
        let mut family = vec![pairs(1.02, 0.05, 9); 3];
        family.push(close);
        let finding = judge_family(&family, Margin::default(), 0.95, UP).unwrap()[3];
        assert!(matches!(finding.verdict, Verdict::Inconclusive { further_rounds: Some(1..20) }));
        assert!(finding.interval.low < finding.ratio.low);
        assert!(finding.interval.high > finding.ratio.high);
        assert!(finding.p_different > 0.05);
    }

    /// A noisy placebo leaves a difference open; it does not turn it into equivalence.
    #[test]
    fn widening_makes_differences_harder_and_equivalence_no_easier() {
        let different = Margin::default().widened_to(0.2).unwrap();
        let margins = Margins { different, equivalent: Margin::default() };
        let judged = |ratio: f64| {
            judge_family(&[pairs(ratio, 0.02, 12)], margins, 0.95, UP).unwrap()[0].verdict
        };
        assert!(matches!(judged(1.1), Verdict::Inconclusive { further_rounds: Some(_) }));
        assert_eq!(judged(1.3), Verdict::Better);
        assert_eq!(judged(1.0), Verdict::Equivalent);
        let both = judge_family(&[pairs(1.1, 0.02, 12)], different, 0.95, UP).unwrap();
        assert_eq!(both[0].verdict, Verdict::Equivalent);
    }

    #[test]
    fn an_interval_by_itself_is_judged_alike() {
        let of = |low, high| Verdict::of(Interval { low, high }, Margin::default(), UP);
        assert_eq!(of(1.03, 1.2), Some(Verdict::Better));
        assert_eq!(of(0.5, 0.97), Some(Verdict::Worse));
        assert_eq!(of(0.99, 1.01), Some(Verdict::Equivalent));
        assert_eq!(of(1.01, 1.2), None);
        assert_eq!(of(0.0, f64::INFINITY), None);
        let without_margin = Margin::new(0.0).unwrap();
        let same = Interval { low: 1.0, high: 1.0 };
        assert_eq!(Verdict::of(same, without_margin, UP), Some(Verdict::Equivalent));
    }

    #[test]
    fn too_few_rounds_and_no_comparison() {
        let too_few = judge_family(&[pairs(2.0, 0.1, 5)], Margin::default(), 0.95, UP);
        assert!(matches!(too_few, Err(StatsError::TooFew(_))));
        assert_eq!(judge_family(&[], Margin::default(), 0.95, UP), Ok(vec![]));
        assert!(judge_family(&[], Margin::default(), 1.5, UP).is_err());
    }
}
