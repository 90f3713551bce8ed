//! The rule that jigger had before, for comparison: the ratio to the baseline's first entry by
//! Hodges & Lehmann with the exact interval of Wilcoxon's signed ranks, a difference only beyond a
//! margin that the placebo's half-width widens, and Holm's procedure over the contenders of each
//! metric.

use jigger_stats::{Margin, holm_adjusted};

const LEVEL: f64 = 0.05;

/// What a level may be missed by because of rounding, such as in `1.0 - 0.95`.
const ROUNDING: f64 = 1e-9;

/// The rule for runs of so many rounds.
#[derive(Debug, Clone)]
pub struct OldRule {
    /// `tail[t]` is the probability that at most `t` Walsh averages lie below the true value.
    tail: Vec<f64>,
}

/// What it said of one contender.
#[derive(Debug, Clone, Copy)]
pub struct OldFinding {
    /// The interval of 95 % on the log scale.
    pub interval: (f64, f64),
    /// 1 for faster, -1 for slower.
    pub different: Option<f64>,
    /// Whether it is called equivalent.
    pub is_equivalent: bool,
}

impl OldRule {
    /// `None` below six rounds, of which no interval of 95 % exists.
    pub fn new(rounds: usize) -> Option<Self> {
        let mut probability = vec![0.0; rounds * (rounds + 1) / 2 + 1];
        probability[0] = 1.0;
        for rank in 1..=rounds {
            for sum in (0..probability.len()).rev() {
                let with_rank = if sum >= rank { probability[sum - rank] } else { 0.0 };
                probability[sum] = f64::midpoint(probability[sum], with_rank);
            }
        }
        let tail = probability.into_iter().scan(0.0, |total, share| {
            *total += share;
            Some(*total)
        });
        (rounds >= 6).then(|| Self { tail: tail.collect() })
    }

    /// Judges the contenders of one scenario, whose first entries are the baseline and its
    /// placebo.
    pub fn judge(&self, scenario: &[Vec<Option<f64>>]) -> Vec<OldFinding> {
        let walsh: Vec<Vec<f64>> =
            scenario[1..].iter().map(|entry| walsh_averages(entry, &scenario[0])).collect();
        let (low, high) = self.interval(&walsh[0]);
        let equivalent = Margin::default().share().ln_1p();
        let different = equivalent.max((high - low) / 2.0);
        let adjusted = |p_value: &dyn Fn(&Vec<f64>) -> f64| {
            holm_adjusted(&walsh[1..].iter().map(p_value).collect::<Vec<f64>>())
        };
        let p_different = adjusted(&|walsh| self.p_beyond(walsh, different));
        let p_equivalent = adjusted(&|walsh| self.p_inside(walsh, equivalent));
        let claims = p_different.into_iter().zip(p_equivalent);
        let finding = |(walsh, (p_different, p_equivalent)): (&Vec<f64>, (f64, f64))| OldFinding {
            interval: self.interval(walsh),
            different: is_within(p_different).then(|| median(walsh).signum()),
            is_equivalent: !is_within(p_different) && is_within(p_equivalent),
        };
        walsh[1..].iter().zip(claims).map(finding).collect()
    }

    fn interval(&self, walsh: &[f64]) -> (f64, f64) {
        let cut = self.tail.partition_point(|&tail| is_within(2.0 * tail));
        (walsh[cut - 1], walsh[walsh.len() - cut])
    }

    fn p_beyond(&self, walsh: &[f64], bound: f64) -> f64 {
        let not_above = walsh.partition_point(|&average| average <= bound);
        let not_below = walsh.len() - walsh.partition_point(|&average| average < -bound);
        self.two_sided(not_above.min(not_below))
    }

    fn p_inside(&self, walsh: &[f64], bound: f64) -> f64 {
        let below = walsh.partition_point(|&average| average < -bound);
        let above = walsh.len() - walsh.partition_point(|&average| average <= bound);
        self.two_sided(below.max(above))
    }

    fn two_sided(&self, statistic: usize) -> f64 {
        (2.0 * self.tail[statistic]).min(1.0)
    }
}

fn is_within(p_value: f64) -> bool {
    p_value <= LEVEL * (1.0 + ROUNDING)
}

/// The means of all pairs of log ratios, each with itself included, in ascending order.
fn walsh_averages(contender: &[Option<f64>], baseline: &[Option<f64>]) -> Vec<f64> {
    let pairs = contender.iter().flatten().zip(baseline.iter().flatten());
    let ratios: Vec<f64> = pairs.map(|(value, base)| (value / base).ln()).collect();
    let mut averages = Vec::with_capacity(ratios.len() * (ratios.len() + 1) / 2);
    for (index, first) in ratios.iter().enumerate() {
        averages.extend(ratios[index..].iter().map(|second| f64::midpoint(*first, *second)));
    }
    averages.sort_unstable_by(f64::total_cmp);
    averages
}

fn median(sorted: &[f64]) -> f64 {
    f64::midpoint(sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2])
}
