//! Hodges-Lehmann shift and exact rank-sum interval of two series that cannot be paired.

use statrs::distribution::{ContinuousCDF, Normal};

use crate::shifts::{Shifts, cumulated};

/// The rank-sum analysis of the shift from `before` to `after`, both finite and not empty: the
/// candidates are the differences of all pairs.
///
/// Sources: Mann & Whitney 1947, "On a test of whether one of two random variables is
/// stochastically larger than the other", Annals of Mathematical Statistics 18; Hodges & Lehmann
/// 1963, "Estimates of location based on rank tests", Annals of Mathematical Statistics 34; Moses'
/// interval as in Hollander, Wolfe & Chicken 2014, Nonparametric Statistical Methods, 3rd edition,
/// sections 4.1 to 4.3.
pub(crate) fn rank_sum(after: &[f64], before: &[f64]) -> Shifts {
    let differences =
        after.iter().flat_map(|after| before.iter().map(move |before| after - before));
    Shifts::new(differences.collect(), null_tail(after.len(), before.len()))
}

/// Up to so many pairs the distribution is computed exactly, which takes the square of it in time.
const EXACT_PAIRS: usize = 10_000;

/// The distribution function of the number of pairs in which the value of the first series is the
/// smaller, when nothing differs.
fn null_tail(first: usize, second: usize) -> Vec<f64> {
    if first * second <= EXACT_PAIRS {
        cumulated(null_probabilities(first, second))
    } else {
        normal_tail(first, second)
    }
}

/// The exact distribution. The greatest of all values is from the first series with probability
/// `first / (first + second)`, and is then larger than all of the second; what is left has the same
/// distribution with one value less (Mann & Whitney 1947, their recurrence, in probabilities rather
/// than counts, so that it cannot overflow).
#[expect(clippy::cast_precision_loss, reason = "rounds never come near 2^53")]
fn null_probabilities(first: usize, second: usize) -> Vec<f64> {
    // `rows[j]` is the distribution for `i` values against `j`, of which the last is wanted.
    let mut rows: Vec<Vec<f64>> = vec![vec![1.0]; second + 1];
    for i in 1..=first {
        rows[0] = vec![1.0];
        for j in 1..=second {
            let from_first = i as f64 / (i + j) as f64;
            let mut row = vec![0.0; i * j + 1];
            for (wins, probability) in rows[j].iter().enumerate() {
                row[wins + j] += from_first * probability;
            }
            for (wins, probability) in rows[j - 1].iter().enumerate() {
                row[wins] += (1.0 - from_first) * probability;
            }
            rows[j] = row;
        }
    }
    rows.swap_remove(second)
}

/// The normal approximation with continuity correction (Hollander, Wolfe & Chicken 2014, 4.1),
/// for so many rounds that it is within 0.0005 of the exact distribution.
#[expect(clippy::cast_precision_loss, reason = "rounds never come near 2^53")]
fn normal_tail(first: usize, second: usize) -> Vec<f64> {
    let (m, n) = (first as f64, second as f64);
    let deviation = (m * n * (m + n + 1.0) / 12.0).sqrt();
    let normal = Normal::new(m * n / 2.0, deviation).expect("the deviation is above zero");
    (0..=first * second).map(|wins| normal.cdf(wins as f64 + 0.5)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two values against two: of the six orders 1, 1, 2, 1, 1 have 0, 1, 2, 3, 4 wins.
    #[test]
    fn the_null_distribution_of_two_and_two_is_right() {
        let sixths: Vec<f64> = null_probabilities(2, 2).iter().map(|p| p * 6.0).collect();
        for (ours, counted) in sixths.iter().zip([1.0, 1.0, 2.0, 1.0, 1.0]) {
            assert!((ours - counted).abs() < 1e-12, "{sixths:?}");
        }
        assert_eq!(null_probabilities(2, 2).len(), 5);
    }

    #[test]
    fn the_distribution_does_not_depend_on_which_series_is_first() {
        let (wide, tall) = (null_tail(3, 7), null_tail(7, 3));
        assert_eq!(wide.len(), tall.len());
        assert!(wide.iter().zip(&tall).all(|(a, b)| (a - b).abs() < 1e-12));
        assert!((wide.last().unwrap() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn where_the_exact_distribution_ends_the_normal_one_takes_over_without_a_step() {
        let (exact, normal) = (null_tail(100, 100), normal_tail(100, 100));
        let apart = exact.iter().zip(&normal).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(apart < 5e-4, "{apart}");
    }

    #[test]
    fn shifted_series_are_that_far_apart() {
        let before = [1.0, 2.0, 3.0, 4.0];
        let after = before.map(|value| value + 10.0);
        let shifts = rank_sum(&after, &before);
        assert!((shifts.estimate() - 10.0).abs() < 1e-12);
        assert!((shifts.p_value(0.0) - 2.0 / 70.0).abs() < 1e-12);
        assert_eq!(shifts.interval(0.05), Some((7.0, 13.0)));
        assert_eq!(shifts.interval(0.02), None);
    }
}
