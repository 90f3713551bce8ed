//! Student's t distribution, as far as it is needed.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// The value that a t variable exceeds in absolute size with probability `level`.
pub(crate) fn two_sided_critical(level: f64, degrees_of_freedom: f64) -> f64 {
    -distribution(degrees_of_freedom).inverse_cdf(level / 2.0)
}

/// The probability of a t variable at least as far from 0 as `statistic`.
pub(crate) fn two_sided_p_value(statistic: f64, degrees_of_freedom: f64) -> f64 {
    2.0 * distribution(degrees_of_freedom).cdf(-statistic.abs())
}

fn distribution(degrees_of_freedom: f64) -> StudentsT {
    StudentsT::new(0.0, 1.0, degrees_of_freedom.max(1.0))
        .expect("a scale of 1 and at least one degree of freedom are always valid")
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Quantile {
        level: f64,
        degrees_of_freedom: f64,
        critical: f64,
    }

    #[test]
    fn agrees_with_scipy() {
        let json = include_str!("../tests/fixtures/scipy-t.json");
        let quantiles: Vec<Quantile> = serde_json::from_str(json).unwrap();
        assert_eq!(quantiles.len(), 66);
        for Quantile { level, degrees_of_freedom, critical } in quantiles {
            let ours = two_sided_critical(level, degrees_of_freedom);
            assert!((ours / critical - 1.0).abs() < 1e-9, "{ours} is not {critical}");
            let p_value = two_sided_p_value(critical, degrees_of_freedom);
            assert!((p_value / level - 1.0).abs() < 1e-9, "{p_value} is not {level}");
        }
    }

    #[test]
    fn no_difference_has_a_p_value_of_one_and_no_spread_one_of_zero() {
        assert!((two_sided_p_value(0.0, 5.0) - 1.0).abs() < 1e-12);
        assert!(two_sided_p_value(f64::INFINITY, 5.0).abs() < 1e-12);
    }
}
