//! The ratio of a contender to the baseline, from paired rounds.

use crate::error::{Side, StatsError, TooFew, checked_confidence};
use crate::interval::Interval;
use crate::outlook::further_rounds;
use crate::shifts::Shifts;
use crate::signed_rank::{rounds_needed_for, signed_rank};
use crate::student;
use crate::verdict::Judged;

/// How a [`Ratio`] was computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Hodges-Lehmann estimate with the exact Wilcoxon signed-rank interval: what verdicts use.
    SignedRank,
    /// Mean with Student's interval, shown beside the other. It assumes normal log ratios.
    PairedT,
    /// Hodges-Lehmann shift with the exact rank-sum interval, for rounds that cannot be paired.
    RankSum,
}

/// How many times the baseline's value the contender's is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio {
    /// The ratio itself; 1 means no difference.
    pub estimate: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// Confidence of the interval, 0..1. It holds for this comparison taken alone.
    pub confidence: f64,
    /// Rounds it rests on.
    pub rounds: usize,
    /// Two-sided p-value of "the ratio is 1", unadjusted.
    pub p_value: f64,
    /// How it was computed.
    pub method: Method,
}

impl Ratio {
    /// The ratio by Hodges-Lehmann and signed ranks, from the values of the same rounds.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] below [`rounds_needed_for`] rounds (6 for 0.95); otherwise as
    /// [`Paired::new`], and for a confidence outside 0..1.
    pub fn of(contender: &[f64], baseline: &[f64], confidence: f64) -> Result<Self, StatsError> {
        Paired::new(contender, baseline)?.signed_rank(confidence)
    }

    /// The ratio by a paired t on log ratios, from the values of the same rounds.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub fn paired_t(
        contender: &[f64],
        baseline: &[f64],
        confidence: f64,
    ) -> Result<Self, StatsError> {
        Paired::new(contender, baseline)?.paired_t(confidence)
    }

    /// The interval by itself.
    #[must_use]
    pub const fn interval(&self) -> Interval {
        Interval { low: self.low, high: self.high }
    }
}

/// The rounds of a comparison: the logarithm of contender / baseline for each.
///
/// Taking both from the same round cancels what the machine did to that round, and logarithms
/// turn a ratio into a difference, so that "twice" and "half" weigh the same
/// (Kalibera & Jones 2013, "Rigorous benchmarking in reasonable time", ISMM, on ratios).
#[derive(Debug, Clone)]
pub struct Paired {
    log_ratios: Vec<f64>,
    analysis: Shifts,
}

impl Paired {
    /// Pairs round `n` of `contender` with round `n` of `baseline`.
    ///
    /// # Errors
    /// [`StatsError::LengthsDiffer`], [`StatsError::NoRounds`], or [`StatsError::NotPositive`]
    /// for the first value that is zero, negative, infinite or not a number.
    pub fn new(contender: &[f64], baseline: &[f64]) -> Result<Self, StatsError> {
        if contender.len() != baseline.len() {
            let (contender, baseline) = (contender.len(), baseline.len());
            return Err(StatsError::LengthsDiffer { contender, baseline });
        }
        if contender.is_empty() {
            return Err(StatsError::NoRounds);
        }
        check_positive(contender, Side::Contender)?;
        check_positive(baseline, Side::Baseline)?;
        let log_ratios: Vec<f64> =
            contender.iter().zip(baseline).map(|(value, base)| value.ln() - base.ln()).collect();
        let analysis = signed_rank(&log_ratios);
        Ok(Self { log_ratios, analysis })
    }

    /// Rounds in the comparison.
    #[must_use]
    pub fn rounds(&self) -> usize {
        self.log_ratios.len()
    }

    /// The Hodges-Lehmann estimate of the ratio: needs no interval, so one round is enough.
    #[must_use]
    pub fn estimate(&self) -> f64 {
        self.analysis.estimate().exp()
    }

    /// Estimate, exact interval and p-value by signed ranks.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] below [`rounds_needed_for`] rounds, [`StatsError::Confidence`].
    pub fn signed_rank(&self, confidence: f64) -> Result<Ratio, StatsError> {
        let level = 1.0 - checked_confidence(confidence)?;
        let (low, high) = self.analysis.interval(level).ok_or_else(|| self.too_few(confidence))?;
        Ok(Ratio {
            estimate: self.estimate(),
            low: low.exp(),
            high: high.exp(),
            confidence,
            rounds: self.rounds(),
            p_value: self.analysis.p_value(0.0),
            method: Method::SignedRank,
        })
    }

    /// Estimate, interval and p-value by a paired t on the log ratios (Student 1908).
    ///
    /// # Errors
    /// As [`Self::signed_rank`]. The t interval could be had from two rounds on; it is refused
    /// below the same number, since so few rounds cannot show whether they are anywhere near
    /// normal.
    pub fn paired_t(&self, confidence: f64) -> Result<Ratio, StatsError> {
        let level = 1.0 - checked_confidence(confidence)?;
        if self.rounds() < rounds_needed_for(confidence).max(2) {
            return Err(self.too_few(confidence).into());
        }
        let (mean, standard_error) = mean_and_standard_error(&self.log_ratios);
        let degrees_of_freedom = self.rounds() - 1;
        let reach = student::two_sided_critical(level, degrees_of_freedom) * standard_error;
        let statistic = if mean == 0.0 { 0.0 } else { mean / standard_error };
        Ok(Ratio {
            estimate: mean.exp(),
            low: (mean - reach).exp(),
            high: (mean + reach).exp(),
            confidence,
            rounds: self.rounds(),
            p_value: student::two_sided_p_value(statistic, degrees_of_freedom),
            method: Method::PairedT,
        })
    }

    fn too_few(&self, confidence: f64) -> TooFew {
        TooFew { rounds: self.rounds(), needed: rounds_needed_for(confidence).max(2), confidence }
    }
}

impl Judged for Paired {
    fn ratio(&self, confidence: f64) -> Result<Ratio, StatsError> {
        self.signed_rank(confidence)
    }

    fn shifts(&self) -> &Shifts {
        &self.analysis
    }

    fn further_rounds(&self, ratio: &Ratio, level: f64, log_margin: f64) -> Option<usize> {
        further_rounds(ratio, level, log_margin)
    }
}

pub(crate) fn check_positive(values: &[f64], side: Side) -> Result<(), StatsError> {
    let is_bad = |value: &f64| !(value.is_finite() && *value > 0.0);
    match values.iter().position(is_bad) {
        None => Ok(()),
        Some(index) => {
            Err(StatsError::NotPositive { side, round: index + 1, value: values[index] })
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "rounds never come near 2^53")]
fn mean_and_standard_error(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / (count - 1.0) / count).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASELINE: [f64; 8] = [101.0, 99.0, 100.0, 102.0, 98.0, 100.5, 99.5, 101.5];

    #[test]
    fn twice_as_much_is_a_ratio_of_two_without_width() {
        let doubled = BASELINE.map(|value| value * 2.0);
        for ratio in
            [Ratio::of(&doubled, &BASELINE, 0.95), Ratio::paired_t(&doubled, &BASELINE, 0.95)]
        {
            let ratio = ratio.unwrap();
            assert!((ratio.estimate - 2.0).abs() < 1e-12);
            assert!(ratio.interval().half_width() < 1e-12);
            assert!(ratio.p_value < 0.01);
            assert_eq!(ratio.rounds, 8);
        }
    }

    #[test]
    fn a_series_does_not_differ_from_itself() {
        for ratio in
            [Ratio::of(&BASELINE, &BASELINE, 0.95), Ratio::paired_t(&BASELINE, &BASELINE, 0.95)]
        {
            let ratio = ratio.unwrap();
            assert_eq!((ratio.low, ratio.estimate, ratio.high), (1.0, 1.0, 1.0));
            assert!((ratio.p_value - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn five_rounds_are_too_few_but_have_an_estimate() {
        let few = Paired::new(&BASELINE[..5], &BASELINE[..5]).unwrap();
        let too_few = StatsError::TooFew(TooFew { rounds: 5, needed: 6, confidence: 0.95 });
        assert_eq!(few.signed_rank(0.95), Err(too_few));
        assert_eq!(few.paired_t(0.95), Err(too_few));
        assert!((few.estimate() - 1.0).abs() < 1e-12);
        assert!(Ratio::of(&BASELINE[..6], &BASELINE[..6], 0.95).is_ok());
    }

    /// Pairing is the point: a machine that slows down ten times leaves the ratio alone.
    #[test]
    fn what_hits_a_whole_round_cancels() {
        let slowed: Vec<f64> =
            (0..8).map(|round| BASELINE[round] / (1.0 + 10.0 * round as f64)).collect();
        let faster: Vec<f64> = slowed.iter().map(|value| value * 1.1).collect();
        let ratio = Ratio::of(&faster, &slowed, 0.95).unwrap();
        assert!((ratio.low - 1.1).abs() < 1e-9 && (ratio.high - 1.1).abs() < 1e-9);
    }

    #[test]
    fn one_spike_does_not_move_the_estimate_far() {
        let mut contender = BASELINE.map(|value| value * 1.1);
        contender[3] /= 5.0;
        let by_rank = Ratio::of(&contender, &BASELINE, 0.95).unwrap();
        let by_t = Ratio::paired_t(&contender, &BASELINE, 0.95).unwrap();
        assert!((by_rank.estimate - 1.1).abs() < 0.001, "{by_rank:?}");
        assert!(by_t.estimate < 0.95, "{by_t:?}");
    }

    #[test]
    fn bad_values_are_named_with_their_round_and_side() {
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let mut broken = BASELINE;
            broken[2] = bad;
            let named = |result: Result<Paired, StatsError>, expected: Side| match result {
                Err(StatsError::NotPositive { side, round: 3, .. }) => side == expected,
                _ => false,
            };
            assert!(named(Paired::new(&broken, &BASELINE), Side::Contender), "{bad}");
            assert!(named(Paired::new(&BASELINE, &broken), Side::Baseline), "{bad}");
        }
    }

    #[test]
    fn series_that_cannot_be_paired_are_refused() {
        let lengths = StatsError::LengthsDiffer { contender: 8, baseline: 7 };
        assert_eq!(Ratio::of(&BASELINE, &BASELINE[..7], 0.95), Err(lengths));
        assert_eq!(Ratio::of(&[], &[], 0.95), Err(StatsError::NoRounds));
        let percent = StatsError::Confidence { confidence: 95.0 };
        assert_eq!(Ratio::of(&BASELINE, &BASELINE, 95.0), Err(percent));
        assert_eq!(Ratio::paired_t(&BASELINE, &BASELINE, 95.0), Err(percent));
    }
}
