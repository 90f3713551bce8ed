//! What response times are judged by: `p99`, `mean`, `max`.

use hdrhistogram::Histogram;

/// One number for a set of response times.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Statistic {
    Mean,
    Max,
    /// The one that this share of them does not exceed, 0..1.
    Quantile(f64),
}

/// Fewer say nothing of a mean or a longest one.
const RESPONSES_NEEDED: u32 = 100;

impl Statistic {
    /// Reads `mean`, `max` or a percentile such as `p99.9`.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "mean" => Some(Self::Mean),
            "max" => Some(Self::Max),
            _ => percentile(name.strip_prefix('p')?).map(Self::Quantile),
        }
    }

    /// The responses that have to be there for it to mean anything: ten lie beyond a percentile
    /// (docs/method.md).
    pub fn responses_needed(self) -> u32 {
        match self {
            Self::Mean | Self::Max => RESPONSES_NEEDED,
            Self::Quantile(quantile) => responses_needed(quantile),
        }
    }

    /// In nanoseconds, whatever their number.
    pub fn of(self, times_ns: &Histogram<u64>) -> u64 {
        match self {
            Self::Mean => whole(times_ns.mean()),
            Self::Max => times_ns.max(),
            Self::Quantile(quantile) => times_ns.value_at_quantile(quantile),
        }
    }
}

/// Reads a percentile such as `99.9`, above 0 and below 100, as a quantile of 0..1.
pub fn percentile(text: &str) -> Option<f64> {
    let percent = text.trim().parse::<f64>().ok()?;
    // 99.9 / 100 is not the number that 0.999 is.
    (percent > 0.0 && percent < 100.0).then(|| (percent * 1e7).round() / 1e9)
}

/// Ten responses lie beyond the percentile.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "10 or more; it saturates"
)]
pub fn responses_needed(quantile: f64) -> u32 {
    if quantile <= 0.5 { 10 } else { (10.0 / (1.0 - quantile)).round() as u32 }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a mean of times of at most an hour in nanoseconds"
)]
fn whole(mean_ns: f64) -> u64 {
    mean_ns.ceil() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::{Kind, Source};

    #[test]
    fn names_are_read() {
        assert_eq!(Statistic::parse("p99.9"), Some(Statistic::Quantile(0.999)));
        assert_eq!(Statistic::parse("p95").map(Statistic::responses_needed), Some(200));
        assert_eq!(Statistic::parse("max"), Some(Statistic::Max));
        for wrong in ["", "p", "p0", "p100", "99", "p-1", "pnan", "median"] {
            assert_eq!(Statistic::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn percentiles_need_what_the_metrics_of_them_need() {
        for kind in Kind::percentiles() {
            if let Source::Percentile { quantile, responses } = kind.descriptor().source {
                assert_eq!(u64::from(responses_needed(quantile)), responses, "{quantile}");
            }
        }
    }
}
