//! Arithmetic that belongs to no stage, and numbers of cores in a list.

/// Counts and nanoseconds of a run are far below 2^53, where f64 is exact.
#[expect(clippy::cast_precision_loss, reason = "see above")]
pub fn number(value: u64) -> f64 {
    value as f64
}

/// The smallest of the sorted values that at least such a share of them does not exceed; for the
/// half of an even number the mean of the middle two, as a median is.
///
/// # Panics
/// When there are no values.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let count = sorted.len();
    if share == 0.5 && count.is_multiple_of(2) {
        return f64::midpoint(sorted[count / 2 - 1], sorted[count / 2]);
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to count")]
    let rank = (number(count as u64) * share).ceil() as usize;
    sorted[rank.clamp(1, count) - 1]
}

pub fn cpu_list(cpus: &[usize], separator: &str) -> String {
    cpus.iter().map(ToString::to_string).collect::<Vec<_>>().join(separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_so_many_do_not_exceed() {
        let times: Vec<f64> = (1..=20).map(f64::from).collect();
        assert_eq!(quantile(&times, 0.5), 10.5);
        assert_eq!(quantile(&times, 0.9), 18.0);
        assert_eq!((quantile(&times, 0.0), quantile(&times, 1.0)), (1.0, 20.0));
        assert_eq!(quantile(&times[..3], 0.5), 2.0);
        assert_eq!(quantile(&times[..1], 0.9), 1.0);
    }
}
