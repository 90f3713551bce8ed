//! wrk's statistics: the meaning of each number in its report.

use std::collections::BTreeMap;

use crate::numbers::number;

/// Values and how often each occurred.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Statistics {
    counts: BTreeMap<u64, u64>,
    count: u64,
    min: Option<u64>,
    max: u64,
}

impl Statistics {
    /// Adds a value that occurred `times` times.
    pub fn record(&mut self, value: u64, times: u64) {
        if times == 0 {
            return;
        }
        *self.counts.entry(value).or_insert(0) += times;
        self.count += times;
        self.min = Some(self.min.map_or(value, |min| min.min(value)));
        self.max = self.max.max(value);
    }

    /// How many values, phantom ones included.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The lowest value recorded; 0 without one.
    #[must_use]
    pub fn min(&self) -> u64 {
        self.min.unwrap_or(0)
    }

    /// How many different values.
    #[must_use]
    pub fn distinct(&self) -> usize {
        self.counts.len()
    }

    /// The different value at this place in ascending order, from 0 on, and its count.
    #[must_use]
    pub fn value(&self, at: usize) -> Option<(u64, u64)> {
        self.counts.iter().nth(at).map(|(value, times)| (*value, *times))
    }

    /// The highest value.
    #[must_use]
    pub fn max(&self) -> u64 {
        self.max
    }

    /// Only values between the recorded minimum and maximum are looked at: with
    /// the correction on, phantoms below the minimum count and are not seen,
    /// as in wrk.
    fn visible(&self) -> impl Iterator<Item = (u64, u64)> {
        let from = self.min.unwrap_or(0);
        self.counts.range(from..=self.max).map(|(value, times)| (*value, *times))
    }

    /// Sum of the visible values over the number of all.
    #[must_use]
    pub fn mean(&self) -> f64 {
        if self.count == 0 {
            return 0.0;
        }
        let sum: f64 = self.visible().map(|(value, times)| number(value) * number(times)).sum();
        sum / number(self.count)
    }

    /// Divided by one less than the number of values.
    #[must_use]
    pub fn stdev(&self) -> f64 {
        if self.count < 2 {
            return 0.0;
        }
        let mean = self.mean();
        let square = |(value, times): (u64, u64)| (number(value) - mean).powi(2) * number(times);
        (self.visible().map(square).sum::<f64>() / number(self.count - 1)).sqrt()
    }

    /// Per cent of the values within `stdevs` standard deviations of the mean;
    /// not a number without values, which wrk prints as `-nan`.
    #[must_use]
    pub fn within(&self, stdevs: f64) -> f64 {
        let (mean, reach) = (self.mean(), self.stdev() * stdevs);
        let near =
            |(value, _): &(u64, u64)| (mean - reach..=mean + reach).contains(&number(*value));
        let inside: u64 = self.visible().filter(near).map(|(_, times)| times).sum();
        number(inside) / number(self.count) * 100.0
    }

    /// The first visible value whose cumulative count reaches floor(p N / 100) + 1; 0 without one.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "floor of a rank")]
    pub fn percentile(&self, percent: f64) -> u64 {
        let rank = (percent / 100.0 * number(self.count)).floor() as u64 + 1;
        let mut cumulative = 0;
        for (value, times) in self.visible() {
            cumulative += times;
            if cumulative >= rank {
                return value;
            }
        }
        0
    }

    /// wrk's correction: every value n of at least twice `expected` adds phantom
    /// values at n - expected, n - 2 expected, ..., above `expected`.
    pub fn correct(&mut self, expected: u64) {
        if expected == 0 {
            return;
        }
        let real: Vec<(u64, u64)> =
            self.counts.range(expected * 2..).map(|(value, times)| (*value, *times)).collect();
        for (value, times) in real {
            let mut phantom = value - expected;
            while phantom > expected {
                *self.counts.entry(phantom).or_insert(0) += times;
                self.count += times;
                phantom -= expected;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = include_str!("../../tests/data/wrk-format.tsv");

    fn line(start: &str) -> &'static str {
        PRINTED.lines().find(|line| line.starts_with(start)).unwrap()
    }

    fn hundred() -> Statistics {
        let mut statistics = Statistics::default();
        (0..100).for_each(|at| statistics.record(900_000 + 10 * at, 1));
        statistics
    }

    #[test]
    fn before_the_correction() {
        let found = hundred();
        let text = format!(
            "before n={} mean={:.2} p50={} p99={} within={:.2}",
            found.count(),
            found.mean(),
            found.percentile(50.0),
            found.percentile(99.0),
            found.within(1.0)
        );
        assert_eq!(text, line("before"));
    }

    #[test]
    fn after_the_correction() {
        let mut found = hundred();
        found.correct(15_000);
        let text = format!(
            "after n={} min={} mean={:.2} sd={:.2} p50={} p99={} within={:.2}",
            found.count(),
            found.min.unwrap(),
            found.mean(),
            found.stdev(),
            found.percentile(50.0),
            found.percentile(99.0),
            found.within(1.0)
        );
        assert_eq!(text, line("after"));
    }

    #[test]
    fn percentiles_count_from_the_floor_of_their_rank() {
        let mut ten = Statistics::default();
        (1..=10).for_each(|value| ten.record(value, 1));
        for line in PRINTED.lines().filter(|line| line.starts_with("pctl n=10")) {
            let (left, value) = line.split_once(" -> ").unwrap();
            let percent: f64 = left.split("p=").last().unwrap().parse().unwrap();
            assert_eq!(ten.percentile(percent).to_string(), value, "{line}");
        }
        let mut four = Statistics::default();
        (1..=4).for_each(|value| four.record(value, 1));
        let [p50, p75, p90, p99, p100] =
            [50.0, 75.0, 90.0, 99.0, 100.0].map(|p| four.percentile(p));
        let text = format!("n=4 p50={p50} p75={p75} p90={p90} p99={p99} p100={p100}");
        assert_eq!(text, line("n=4"));
    }

    #[test]
    fn nothing_is_within_nothing() {
        assert!(Statistics::default().within(1.0).is_nan());
    }
}
