//! wrk2's latency report: percentiles, then the whole spectrum as HdrHistogram prints it.
//!
//! The layout was taken from wrk2's own output (<https://github.com/giltene/wrk2>, README).

use std::fmt::Write as _;

use jigger_load::Histogram;

use super::numbers::{cell, time_us};
use crate::numbers::number;

/// Lines for each halving of the distance to 100 %.
const TICKS: u32 = 5;
/// The spectrum is in milliseconds.
const SCALE_US: f64 = 1_000.0;

/// The lines for these times in microseconds, which are called so.
#[must_use]
pub fn text(name: &str, times_us: &Histogram<u64>) -> String {
    let mut text = format!("  Latency Distribution (HdrHistogram - {name})\n");
    for percent in [50.0, 75.0, 90.0, 99.0, 99.9, 99.99, 99.999, 100.0] {
        let value = time_us(number(times_us.value_at_quantile(percent / 100.0)));
        let _ = writeln!(text, "{percent:7.3}%{}", cell(&value, 10));
    }
    text.push_str("\n  Detailed Percentile spectrum:\n");
    let _ = writeln!(
        text,
        "{:>12} {:>12} {:>12} {:>12}\n",
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
    );
    let mut total = 0;
    for step in times_us.iter_quantiles(TICKS) {
        total += step.count_since_last_iteration();
        let quantile = step.quantile_iterated_to();
        let value = number(step.value_iterated_to()) / SCALE_US;
        let inverse = 1.0 / (1.0 - quantile);
        let _ = writeln!(text, "{value:12.3} {quantile:12.6} {total:12} {inverse:12.2}");
    }
    summary(&mut text, times_us);
    text
}

fn summary(text: &mut String, times_us: &Histogram<u64>) {
    let (mean, stdev) = if times_us.is_empty() {
        (0.0, 0.0)
    } else {
        (times_us.mean() / SCALE_US, times_us.stdev() / SCALE_US)
    };
    let max = number(times_us.max()) / SCALE_US;
    // Values of either half of the resolution share a bucket, so that the sub-buckets are the
    // smallest power of two that is no less than twice ten to the number of digits.
    let sub_buckets = (2 * 10_u32.pow(times_us.sigfig().into())).next_power_of_two();
    let _ = writeln!(text, "#[Mean    = {mean:12.3}, StdDeviation   = {stdev:12.3}]");
    let _ = writeln!(text, "#[Max     = {max:12.3}, Total count    = {:12}]", times_us.len());
    let buckets = times_us.buckets();
    let _ = writeln!(text, "#[Buckets = {buckets:12}, SubBuckets     = {sub_buckets:12}]");
    text.push_str("----------------------------------------------------------\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first lines of the spectrum in wrk2's README, for times that give them.
    #[test]
    fn lines_stand_as_in_wrk2() {
        let mut times = jigger_load::sample::histogram();
        times.record(921).unwrap();
        times.record_n(4_053, 3_950).unwrap();
        times.record_n(12_503, 35_549).unwrap();
        let text = text("Recorded Latency", &times);
        for line in [
            " 50.000%   12.50ms",
            "100.000%   12.50ms",
            "       Value   Percentile   TotalCount 1/(1-Percentile)",
            "       0.921     0.000000            1         1.00",
            "       4.053     0.100000         3951         1.11",
            "      12.503     1.000000        39500          inf",
            "#[Max     =       12.503, Total count    =        39500]",
        ] {
            assert!(
                text.lines().any(|found| found.trim_end() == line),
                "{line:?} is not in\n{text}"
            );
        }
        assert!(text.ends_with("SubBuckets     =         2048]\n----------------------------------------------------------\n"));
    }

    #[test]
    fn no_times_have_no_spectrum() {
        let text = text("Recorded Latency", &jigger_load::sample::histogram());
        assert!(text.contains("Total count    =            0]"), "{text}");
    }
}
