//! Holm's step-down procedure for several comparisons at once.
//!
//! Source: S. Holm 1979, "A simple sequentially rejective multiple test procedure", Scandinavian
//! Journal of Statistics 6, 65-70. It keeps the chance of one or more false rejections in the
//! whole family at or below the level, however the comparisons depend on each other (here they
//! share a baseline), and rejects at least all that Bonferroni's correction does.

/// Holm's adjusted p-values, in the order given: reject those at or below the family's level.
///
/// A p-value that is not a number comes last and stays so.
#[must_use]
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
