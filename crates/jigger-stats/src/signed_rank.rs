//! Hodges-Lehmann estimate and exact Wilcoxon signed-rank interval of one series.

use crate::shifts::{Shifts, cumulated, is_within};

/// The signed-rank analysis of one series of differences, which have to be finite, and at least
/// one: the candidates are the Walsh averages, the means of all pairs of values, each value with
/// itself included.
///
/// Sources: Wilcoxon 1945, "Individual comparisons by ranking methods", Biometrics Bulletin 1;
/// Hodges & Lehmann 1963, "Estimates of location based on rank tests", Annals of Mathematical
/// Statistics 34; Hollander, Wolfe & Chicken 2014, Nonparametric Statistical Methods, 3rd edition,
/// sections 3.1 to 3.3.
pub(crate) fn signed_rank(values: &[f64]) -> Shifts {
    let mut walsh_averages = Vec::with_capacity(values.len() * (values.len() + 1) / 2);
    for (index, first) in values.iter().enumerate() {
        walsh_averages.extend(values[index..].iter().map(|second| f64::midpoint(*first, *second)));
    }
    Shifts::new(walsh_averages, null_tail(values.len()))
}

/// The fewest rounds from which an exact interval of `confidence` (0..1) can be made:
/// 6 for 0.95, 8 for 0.99.
///
/// With `n` rounds the smallest two-sided p-value is 2 / 2^n, whatever the values are.
#[must_use]
pub fn rounds_needed_for(confidence: f64) -> usize {
    let mut smallest_p_value = 1.0;
    let mut rounds = 1;
    while !is_within(smallest_p_value, 1.0 - confidence) && rounds < MOST_ROUNDS_CONSIDERED {
        smallest_p_value /= 2.0;
        rounds += 1;
    }
    rounds
}

/// Beyond this the smallest p-value no longer differs from 0 in a double.
const MOST_ROUNDS_CONSIDERED: usize = 1024;

/// The exact distribution function of the signed-rank statistic for `rounds` values: each rank
/// 1..=rounds enters the sum or does not, with probability one half each.
///
/// Dynamic programming over the ranks, in probabilities rather than counts, so that it cannot
/// overflow. Source: Hollander, Wolfe & Chicken 2014, section 3.1.
fn null_tail(rounds: usize) -> Vec<f64> {
    let greatest_sum = |rank: usize| rank * (rank + 1) / 2;
    let mut probability = vec![0.0; greatest_sum(rounds) + 1];
    probability[0] = 1.0;
    for rank in 1..=rounds {
        for sum in (0..=greatest_sum(rank)).rev() {
            let with_rank = if sum >= rank { probability[sum - rank] } else { 0.0 };
            probability[sum] = f64::midpoint(probability[sum], with_rank);
        }
    }
    cumulated(probability)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_rounds_are_the_fewest_for_95_percent() {
        let fewest = |confidence| rounds_needed_for(confidence);
        assert_eq!(fewest(0.5), 2);
        assert_eq!(fewest(0.9), 5);
        assert_eq!(fewest(0.95), 6);
        assert_eq!(fewest(0.96875), 6);
        assert_eq!(fewest(0.99), 8);
        assert_eq!(fewest(1.0 - 0.05 / 4.0), 8);
    }

    /// For three values the sums 0..=6 have the counts 1, 1, 1, 2, 1, 1, 1 out of 8.
    #[test]
    fn the_null_distribution_of_three_is_right() {
        assert_eq!(null_tail(3), [0.125, 0.25, 0.375, 0.625, 0.75, 0.875, 1.0]);
        assert_eq!(null_tail(0), [1.0]);
    }

    #[test]
    fn the_null_distribution_survives_many_rounds() {
        let tail = null_tail(300);
        assert!((tail.last().unwrap() - 1.0).abs() < 1e-9);
        assert!(tail.windows(2).all(|pair| pair[0] <= pair[1]));
    }

    #[test]
    fn six_rounds_span_from_the_smallest_to_the_greatest() {
        let analysis = signed_rank(&[3.0, 1.0, 2.0, 6.0, 4.0, 5.0]);
        assert_eq!(analysis.interval(0.05), Some((1.0, 6.0)));
        assert_eq!(analysis.interval(0.03), None);
        assert!((analysis.estimate() - 3.5).abs() < 1e-12);
        assert!((analysis.p_value(0.0) - 0.03125).abs() < 1e-15);
    }

    /// Hollander, Wolfe & Chicken 2014, table 3.1 (Hamilton depression scale, two visits of nine
    /// patients) and examples 3.1, 3.3 and 3.4; R's `wilcox.test` prints the same.
    #[test]
    fn the_textbook_example_comes_out() {
        let first = [1830, 500, 1620, 2480, 1680, 1880, 1550, 3060, 1300];
        let second = [878, 647, 598, 2050, 1060, 1290, 1060, 3140, 1290];
        let thousandths = second.iter().zip(first).map(|(after, before)| after - before);
        let differences: Vec<f64> = thousandths.map(|value| f64::from(value) / 1000.0).collect();
        let analysis = signed_rank(&differences);
        let (low, high) = analysis.interval(0.05).unwrap();
        assert!((analysis.estimate() + 0.46).abs() < 1e-12);
        assert!((low + 0.786).abs() < 1e-12);
        assert!((high + 0.010).abs() < 1e-12);
        assert!((analysis.p_value(0.0) - 0.039_062_5).abs() < 1e-12);
    }

    #[test]
    fn interval_and_p_value_tell_the_same() {
        let analysis = signed_rank(&[0.3, -0.1, 0.25, 0.4, 0.18, 0.22, -0.02, 0.31, 0.5]);
        for level in [0.2, 0.1, 0.05, 0.02, 0.01] {
            let (low, high) = analysis.interval(level).unwrap();
            for null in [-0.5, -0.05, 0.0, 0.04, 0.1, 0.2, 0.3, 0.36, 0.6] {
                let excluded = null < low || null > high;
                assert_eq!(excluded, is_within(analysis.p_value(null), level), "{null} at {level}");
                assert_eq!(low > null, is_within(analysis.p_above(null), level));
                assert_eq!(high < null, is_within(analysis.p_below(null), level));
            }
            for bound in [0.0, 0.1, 0.3, 0.45, 0.6] {
                let inside = -bound <= low && high <= bound;
                assert_eq!(
                    inside,
                    is_within(analysis.p_inside(bound), level),
                    "{bound} at {level}"
                );
            }
        }
    }

    #[test]
    fn values_that_tie_with_the_null_speak_against_rejecting_it() {
        let zeros = signed_rank(&[0.0; 8]);
        assert!((zeros.p_value(0.0) - 1.0).abs() < f64::EPSILON);
        assert!((zeros.p_inside(0.0) - 2.0 / 256.0).abs() < 1e-15);
        let opposed = signed_rank(&[1.0, -1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
        let without_tie = signed_rank(&[1.0, -0.5, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6]);
        assert!(opposed.p_value(0.0) > without_tie.p_value(0.0));
    }

    #[test]
    fn a_level_near_one_gives_the_middle() {
        let analysis = signed_rank(&[1.0, 2.0]);
        let (low, high) = analysis.interval(0.999).unwrap();
        assert!(low <= high);
    }
}
