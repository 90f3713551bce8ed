//! `objective = "p99 < 20ms"`: the promise whose highest rate a capacity scenario looks for.

use std::time::Duration;

use super::fault::{Checked, duration, refused};
use super::names;

/// A promise about response times.
#[derive(Debug, Clone, PartialEq)]
pub struct Objective {
    /// What of the response times has to stay below the limit.
    pub statistic: Statistic,
    pub limit: Duration,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Statistic {
    Mean,
    Max,
    /// The one that this share of them does not exceed, 0..1.
    Quantile(f64),
}

/// The statistics by name, and the answers that each needs to mean anything: ten lie beyond a
/// percentile (docs/method.md).
const STATISTICS: [(&str, Statistic, u32); 6] = [
    ("p50", Statistic::Quantile(0.5), 10),
    ("p90", Statistic::Quantile(0.9), 100),
    ("p99", Statistic::Quantile(0.99), 1_000),
    ("p99.9", Statistic::Quantile(0.999), 10_000),
    ("mean", Statistic::Mean, 100),
    ("max", Statistic::Max, 100),
];

impl Objective {
    /// Reads `p99 < 20ms`.
    ///
    /// # Errors
    /// The message, with what to write instead.
    pub fn parse(text: &str) -> Checked<Self> {
        let Some((name, limit)) = text.split_once('<') else {
            return refused(format!("objective = '{text}': write for instance \"p99 < 20ms\""));
        };
        let known = STATISTICS.map(|(name, _, _)| name);
        let found = STATISTICS.iter().find(|(known, _, _)| *known == name.trim());
        let (_, statistic, _) = found.ok_or_else(|| {
            format!("objective: {}", names::unknown("statistic", name.trim(), &known))
        })?;
        let limit = duration("objective", limit.trim())?;
        Ok(Self { statistic: *statistic, limit, text: text.trim().to_owned() })
    }

    /// The answers that have to be there for the statistic to mean anything.
    #[must_use]
    pub fn answers_needed(&self) -> u32 {
        let of = |(_, statistic, _): &&(&str, Statistic, u32)| *statistic == self.statistic;
        STATISTICS.iter().find(of).map_or(1, |(_, _, needed)| *needed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_statistic_is_read() {
        let of = |text: &str| Objective::parse(text).unwrap();
        let tail = of(" p99.9<1.5s ");
        assert_eq!(tail.statistic, Statistic::Quantile(0.999));
        assert_eq!((tail.limit, tail.answers_needed()), (Duration::from_millis(1_500), 10_000));
        assert_eq!(of("mean < 2ms").statistic, Statistic::Mean);
        assert_eq!(of("max < 2ms").answers_needed(), 100);
    }

    #[test]
    fn each_wrong_objective_has_its_message() {
        let fault = |text: &str| Objective::parse(text).unwrap_err().to_string();
        assert!(fault("p99 20ms").contains("\"p99 < 20ms\""));
        assert!(fault("p98 < 20ms").contains("did you mean 'p9"));
        assert!(fault("p99 < fast").contains("a time above zero"));
    }
}
