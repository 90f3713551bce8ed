//! Start-up times as a distribution: those of the rounds, and of the launches before them.

use super::metric::{Metric, of};
use crate::record::Record;

/// Percentiles of start-up times and the launches that each needs: as for response times, so many
/// that it is not just the longest.
const QUANTILES: [(&str, f64, usize); 2] = [("p50", 0.5, 2), ("p90", 0.9, 10)];

/// Every start-up time of an entry, in milliseconds, shortest first.
#[must_use]
pub fn startup_times_ms(record: &Record, entry: &str) -> Vec<f64> {
    let launches = record.launches.iter().filter(|launch| launch.entry == entry);
    let visits = record.visits.iter().filter(|visit| visit.entry == entry);
    let all = launches.map(|it| it.startup_ns).chain(visits.map(|it| it.startup_ns));
    let mut times: Vec<f64> = all.flatten().map(|ns| of(ns) / 1e6).collect();
    times.sort_by(f64::total_cmp);
    times
}

/// `startup_ms.min`, `.p50`, `.p90` and `.max` of two launches or more.
pub fn startup_metrics(record: &Record, entry: &str) -> Vec<Metric> {
    let times = startup_times_ms(record, entry);
    let (Some(least), Some(most)) = (times.first(), times.last()) else {
        return Vec::new();
    };
    if times.len() < 2 {
        return Vec::new();
    }
    let quantiles = QUANTILES.iter().filter(|(_, _, needed)| times.len() >= *needed);
    let quantiles = quantiles.map(|(name, share, _)| (*name, quantile(&times, *share)));
    let ends = [("min", *least), ("max", *most)];
    ends.into_iter()
        .chain(quantiles)
        .map(|(name, value)| Metric::once(&format!("startup_ms.{name}"), value))
        .collect()
}

/// The smallest value that at least such a share of the values does not exceed; for the half of an
/// even number the mean of the middle two, as a median is.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let count = sorted.len();
    if share == 0.5 && count.is_multiple_of(2) {
        return f64::midpoint(sorted[count / 2 - 1], sorted[count / 2]);
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to count")]
    let rank = (of(count as u64) * share).ceil() as usize;
    sorted[rank.clamp(1, count) - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_so_many_do_not_exceed() {
        let times: Vec<f64> = (1..=20).map(f64::from).collect();
        assert_eq!(quantile(&times, 0.5), 10.5);
        assert_eq!(quantile(&times, 0.9), 18.0);
        assert_eq!(quantile(&times[..3], 0.5), 2.0);
        assert_eq!(quantile(&times[..1], 0.9), 1.0);
    }
}
