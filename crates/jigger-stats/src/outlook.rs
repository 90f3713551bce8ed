//! How many more rounds an open comparison needs.

use crate::paired::Ratio;
use crate::signed_rank::rounds_needed_for;
use crate::student;

/// More than this is no plan but a sign that the difference sits on the margin.
const MOST_FURTHER_ROUNDS: usize = 1_000;

/// Rounds to add to `ratio` so that its interval at two-sided `level` would no longer touch the
/// margin (`log_margin`, on the log scale), if estimate and spread stay as they are. At least 1;
/// `None` beyond 1,000.
///
/// The usual sample-size reasoning: the half-width shrinks like t / sqrt(rounds). The spread is
/// taken back from the width of the present interval rather than from the standard deviation, so
/// that a spike which hardly widens the interval does not inflate the answer.
pub(crate) fn further_rounds(ratio: &Ratio, level: f64, log_margin: f64) -> Option<usize> {
    let spread = log_spread(ratio);
    let distance = (ratio.estimate.ln().abs() - log_margin).abs();
    let fewest = rounds_needed_for(1.0 - level);
    let is_settled = |further: usize| {
        let rounds = ratio.rounds + further;
        rounds >= fewest && expected_half_width(spread, rounds, level) < distance
    };
    if !is_settled(MOST_FURTHER_ROUNDS) {
        return None;
    }
    let (mut open, mut settled) = (0, MOST_FURTHER_ROUNDS);
    while settled - open > 1 {
        let middle = usize::midpoint(open, settled);
        if is_settled(middle) {
            settled = middle;
        } else {
            open = middle;
        }
    }
    Some(settled)
}

/// The standard deviation of log ratios that would give the interval `ratio` has.
fn log_spread(ratio: &Ratio) -> f64 {
    let half_width = (ratio.high / ratio.low).ln() / 2.0;
    half_width / expected_half_width(1.0, ratio.rounds, 1.0 - ratio.confidence)
}

#[expect(clippy::cast_precision_loss, reason = "rounds never come near 2^53")]
fn expected_half_width(spread: f64, rounds: usize, level: f64) -> f64 {
    student::two_sided_critical(level, rounds - 1) * spread / (rounds as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paired::Method;

    fn ratio(estimate: f64, half_width: f64, rounds: usize) -> Ratio {
        let reach = 1.0 + half_width;
        Ratio {
            estimate,
            low: estimate / reach,
            high: estimate * reach,
            confidence: 0.95,
            rounds,
            p_value: 0.5,
            method: Method::SignedRank,
        }
    }

    /// Half the width needs about four times the rounds; t is smaller then, which saves a few.
    #[test]
    fn half_the_width_needs_about_four_times_the_rounds() {
        let further = further_rounds(&ratio(1.0, 0.04, 10), 0.05, 0.02_f64.ln_1p()).unwrap();
        assert!((22..=30).contains(&further), "{further}");
    }

    #[test]
    fn a_stricter_level_needs_more() {
        let further = |level| further_rounds(&ratio(1.05, 0.06, 12), level, 0.02_f64.ln_1p());
        assert!(further(0.05 / 3.0).unwrap() > further(0.05).unwrap());
    }

    #[test]
    fn an_estimate_on_the_margin_is_never_settled() {
        assert_eq!(further_rounds(&ratio(1.02, 0.03, 10), 0.05, 0.02_f64.ln_1p()), None);
    }

    #[test]
    fn the_exact_interval_sets_the_fewest() {
        let further = further_rounds(&ratio(3.0, 0.001, 6), 0.05 / 4.0, 0.02_f64.ln_1p());
        assert_eq!(further, Some(2));
        assert_eq!(rounds_needed_for(1.0 - 0.05 / 4.0), 8);
    }
}
