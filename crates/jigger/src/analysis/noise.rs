//! How far apart two figures of the same server may lie: the band that ratios are held against.

use jigger_stats::{Interval, Margin, Margins};

use super::metric::Metric;
use super::{Analysis, Comparison};
use crate::plan::PLACEBO;
use crate::record::Record;

/// The ratios that count as no difference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NoiseBand {
    /// Its lower end, below 1.
    pub low: f64,
    /// Its upper end, above 1.
    pub high: f64,
    /// Half its width, as a share.
    pub share: f64,
    /// Whether the placebo's interval made it wider than the suite's margin.
    pub is_widened: bool,
}

/// The band of a metric: the suite's margin, or the placebo's half-width where that is more.
#[must_use]
pub fn noise_band(analysis: &Analysis<'_>, metric: &str) -> NoiseBand {
    let record = analysis.record;
    let share = margins(record, metric, &analysis.placebo).different.share();
    NoiseBand {
        low: 1.0 / (1.0 + share),
        high: 1.0 + share,
        share,
        is_widened: share > suite_margin(record).share(),
    }
}

/// The suite's margin, widened for differences to the placebo's half-width: what differs less than
/// a server from itself is not told apart.
pub(super) fn margins(record: &Record, metric: &str, placebo: &[Comparison]) -> Margins {
    let margin = suite_margin(record);
    let placebo = placebo.iter().find(|comparison| comparison.metric == metric);
    let floor = placebo.and_then(Comparison::half_width);
    let different = floor.and_then(|share| margin.widened_to(share).ok()).unwrap_or(margin);
    Margins { different, equivalent: margin }
}

fn suite_margin(record: &Record) -> Margin {
    Margin::new(record.suite.margin).unwrap_or_default()
}

/// The placebo's own metrics; none when the run had no placebo.
#[must_use]
pub fn placebo_metrics(record: &Record) -> Vec<Metric> {
    super::measured(record, PLACEBO).0
}

impl Comparison {
    /// Half the width of the ratio's interval, as a share; `None` without an interval.
    #[must_use]
    pub fn half_width(&self) -> Option<f64> {
        let interval = Interval { low: self.low?, high: self.high? };
        interval.is_bounded().then(|| interval.half_width())
    }
}
