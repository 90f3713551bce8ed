//! When a warm-up has reached its steady state.

use crate::contrast::{count, two_sided_critical};

/// Judges warm-up windows: steady when the last few neither vary much nor drift.
///
/// The window-by-window rule follows Georges, Buytaert & Eeckhout 2007, "Statistically rigorous
/// Java performance evaluation", OOPSLA (a window of the last measurements whose variation has to
/// fall below a threshold), with the range in place of their coefficient of variation, since with
/// five windows it is what one sees; the slope is added because a slow climb can stay within the
/// range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SteadyRule {
    /// How many of the last windows are judged.
    pub windows: usize,
    /// Their range (greatest minus smallest) has to be below this share of their mean.
    pub max_spread: f64,
    /// The least-squares line through them may rise or fall by less than this share of their mean
    /// from the first of them to the last.
    pub max_drift: f64,
}

/// What the warm-up windows show.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Steadiness {
    /// Steady: measuring may begin.
    Steady,
    /// There are not enough windows to judge by.
    TooFewWindows,
    /// The windows vary, as those of this server on this machine do, about a level that holds.
    Noisy {
        /// Range divided by mean.
        spread: f64,
    },
    /// The windows vary too much.
    Varies {
        /// Range divided by mean.
        spread: f64,
    },
    /// The windows climb or fall.
    Drifts {
        /// Rise (or, negative, fall) of the fitted line from first to last, divided by the mean.
        drift: f64,
    },
}

impl SteadyRule {
    /// Judges the windows so far, oldest first: one figure each, such as requests a second.
    ///
    /// Windows without a response (mean 0) or that are not finite are never steady:
    /// their spread is given as infinite.
    pub fn judge(&self, windows: &[f64]) -> Steadiness {
        let Some(start) = windows.len().checked_sub(self.windows.max(2)) else {
            return Steadiness::TooFewWindows;
        };
        let last = &windows[start..];
        let mean = mean(last);
        if !(mean.is_finite() && mean > 0.0) {
            return Steadiness::Varies { spread: f64::INFINITY };
        }
        let spread = range(last) / mean;
        let drift = fitted_rise(last) / mean;
        if spread >= self.max_spread {
            Steadiness::Varies { spread }
        } else if drift.abs() >= self.max_drift {
            Steadiness::Drifts { drift }
        } else {
            Steadiness::Steady
        }
    }

    /// Judges the windows of a warm-up that has reached its time limit without being steady.
    ///
    /// Rates of short windows vary by more than the rule allows on many machines, however long one
    /// waits, and rounds measure that anyway. What rounds cannot show is that the server was still
    /// changing. So the later half of the windows is [`Steadiness::Noisy`] unless the line through
    /// it rises or falls by more than the rule allows and by more than chance does: the t-test of
    /// the slope, at 95 % (Draper & Smith 1998, "Applied regression analysis", 3rd edition,
    /// chapter 1).
    pub fn judge_at_limit(&self, windows: &[f64]) -> Steadiness {
        let verdict = self.judge(windows);
        if matches!(verdict, Steadiness::Steady | Steadiness::TooFewWindows) {
            return verdict;
        }
        let judged = (windows.len() / 2).max(self.windows).max(3);
        // Two windows have a line without residuals, which would show the effect of chance.
        let Some(start) = windows.len().checked_sub(judged) else { return verdict };
        let later = &windows[start..];
        let mean = mean(later);
        if !(mean.is_finite() && mean > 0.0) {
            return Steadiness::Varies { spread: f64::INFINITY };
        }
        let (drift, limit) = drift_and_limit(later);
        if drift.abs() >= self.max_drift && drift.abs() > limit {
            Steadiness::Drifts { drift }
        } else {
            Steadiness::Noisy { spread: range(later) / mean }
        }
    }

    /// The first window from which on the rates are at the level that they end with: how much of a
    /// warm-up was needed. `None` when there are not enough windows to judge by, or nothing was
    /// answered in the last.
    ///
    /// The level is reached when the median of so many windows as the rule judges comes within
    /// `max_spread` of it, or within twice the noise of one window where that is more, and stays
    /// below what lies above it: a rate that has climbed to its level and falls for a while was
    /// disturbed, and one that still falls has not reached it. The noise is had from the differences
    /// between neighbours, which a slow climb changes little.
    pub fn level_since(&self, windows: &[f64]) -> Option<usize> {
        let judged = self.windows.max(2);
        let last = windows.len().checked_sub(judged)?;
        let level = median(&windows[windows.len() - judged.max(windows.len() / 4)..]);
        if !(level.is_finite() && level > 0.0) {
            return None;
        }
        let noise = noise(windows);
        let above = |value: f64, times: f64| {
            let tolerance = (times * noise).max(self.max_spread * level);
            (value > level - tolerance, value > level + tolerance)
        };
        let median_at = |start: usize| above(median(&windows[start..start + judged]), 2.0);
        let reached = (0..=last).find(|&start| median_at(start).0).unwrap_or(last);
        let falling = (0..=last).rev().find(|&start| median_at(start).1);
        let since = reached.max(falling.map_or(0, |start| start + 1));
        // A median can be level though the first of its windows are not.
        let climbing = windows[since..].iter().take_while(|rate| !above(**rate, 3.0).0).count();
        Some((since + climbing).min(windows.len() - 1))
    }

    /// Whether a warm-up may end though its windows vary by more than the rule allows: there are
    /// twice as many level ones as it judges, they show no drift, and they would have shown one of
    /// 15 % (t-test of the slope, 95 %).
    pub fn is_noisy_but_level(&self, windows: &[f64]) -> bool {
        const SEEN: f64 = 0.15;
        let level = self.level_since(windows).map_or(&[][..], |since| &windows[since..]);
        if level.len() < (2 * self.windows).max(3) {
            return false;
        }
        let (drift, limit) = drift_and_limit(level);
        limit <= SEEN && drift.abs() <= limit.max(self.max_drift)
    }
}

impl Default for SteadyRule {
    /// Five windows within 5 %, with less than 2.5 % of slope from first to last.
    fn default() -> Self {
        Self { windows: 5, max_spread: 0.05, max_drift: 0.025 }
    }
}

fn range(values: &[f64]) -> f64 {
    let greatest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let smallest = values.iter().copied().fold(f64::INFINITY, f64::min);
    greatest - smallest
}

#[expect(clippy::cast_precision_loss, reason = "windows never come near 2^53")]
fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// How far the least-squares line through equally spaced values rises from the first to the last.
#[expect(clippy::cast_precision_loss, reason = "windows never come near 2^53")]
fn fitted_rise(values: &[f64]) -> f64 {
    let steps = (values.len() - 1) as f64;
    let centre = steps / 2.0;
    let mean = mean(values);
    let offsets = (0..values.len()).map(|index| index as f64 - centre);
    let (products, squares) =
        values.iter().zip(offsets).fold((0.0, 0.0), |(products, squares), (value, offset)| {
            (products + offset * (value - mean), squares + offset * offset)
        });
    products / squares * steps
}

/// How far the line through at least three values rises, as a share of their mean, and how far it
/// would by chance alone in all but 5 % of cases.
fn drift_and_limit(values: &[f64]) -> (f64, f64) {
    const LEVEL: f64 = 0.05;
    let mean = mean(values);
    let limit = two_sided_critical(LEVEL, count(values.len() - 2)) * rise_error(values) / mean;
    (fitted_rise(values) / mean, limit)
}

/// The upper one of the two in the middle where the number is even.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// The standard deviation of one value, from the median of the differences between neighbours: for
/// normal ones that is 0.6745 times the square root of 2 times it.
fn noise(values: &[f64]) -> f64 {
    let differences: Vec<f64> = values.windows(2).map(|two| (two[1] - two[0]).abs()).collect();
    median(&differences) / (0.6745 * std::f64::consts::SQRT_2)
}

/// The standard error of [`fitted_rise`], from what the line leaves over.
#[expect(clippy::cast_precision_loss, reason = "windows never come near 2^53")]
fn rise_error(values: &[f64]) -> f64 {
    let steps = (values.len() - 1) as f64;
    let (mean, slope) = (mean(values), fitted_rise(values) / steps);
    let (mut squares, mut left_over) = (0.0, 0.0);
    for (index, value) in values.iter().enumerate() {
        let offset = index as f64 - steps / 2.0;
        squares += offset * offset;
        left_over += (value - mean - slope * offset).powi(2);
    }
    (left_over / (values.len() - 2) as f64 / squares).sqrt() * steps
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;
    use crate::SplitMix64;

    fn judge(windows: &[f64]) -> Steadiness {
        SteadyRule::default().judge(windows)
    }

    #[test]
    fn level_windows_are_steady() {
        assert_eq!(judge(&[100.0, 101.0, 99.0, 100.0, 100.5]), Steadiness::Steady);
    }

    #[test]
    fn only_the_last_windows_count() {
        assert_eq!(judge(&[1.0, 50.0, 100.0, 101.0, 99.0, 100.0, 100.5]), Steadiness::Steady);
    }

    #[test]
    fn four_windows_are_too_few() {
        assert_eq!(judge(&[100.0; 4]), Steadiness::TooFewWindows);
        assert_eq!(judge(&[]), Steadiness::TooFewWindows);
    }

    #[test]
    fn a_wide_range_is_not_steady() {
        match judge(&[100.0, 106.0, 100.0, 100.0, 94.0]) {
            Steadiness::Varies { spread } => assert!((spread - 0.12).abs() < 1e-12),
            other => panic!("{other:?}"),
        }
    }

    /// A straight climb of 4 % is within the range, and its line rises by 4 % from first to last.
    #[test]
    fn a_slow_climb_and_a_slow_fall_are_not_steady() {
        match judge(&[98.0, 99.0, 100.0, 101.0, 102.0]) {
            Steadiness::Drifts { drift } => assert!((drift - 0.04).abs() < 1e-12),
            other => panic!("{other:?}"),
        }
        match judge(&[102.0, 101.0, 100.0, 99.0, 98.0]) {
            Steadiness::Drifts { drift } => assert!((drift + 0.04).abs() < 1e-12),
            other => panic!("{other:?}"),
        }
        assert_eq!(judge(&[99.0, 99.5, 100.0, 100.5, 101.0]), Steadiness::Steady);
    }

    #[test]
    fn a_server_that_answers_nothing_is_not_steady() {
        for windows in [[0.0; 5], [f64::NAN; 5], [f64::INFINITY; 5]] {
            assert_eq!(judge(&windows), Steadiness::Varies { spread: f64::INFINITY });
        }
    }

    /// Half-second windows of gunicorn with eight workers on one core of a shared machine.
    #[test]
    fn noise_about_a_level_is_told_from_a_server_that_still_changes() {
        let at_limit = |windows: &[f64]| SteadyRule::default().judge_at_limit(windows);
        let gunicorn =
            [2946.0, 3210.0, 2924.0, 3078.0, 3208.0, 3120.0, 2922.0, 3136.0, 3004.0, 3068.0];
        assert!(matches!(judge(&gunicorn), Steadiness::Varies { .. }));
        assert!(matches!(at_limit(&gunicorn), Steadiness::Noisy { .. }));
        let climbs: Vec<f64> =
            gunicorn.iter().zip(0..).map(|(rate, at)| rate + 120.0 * f64::from(at)).collect();
        assert!(matches!(at_limit(&climbs), Steadiness::Drifts { drift } if drift > 0.1));
        let started_late = [&[10.0, 900.0, 2000.0, 2900.0, 3000.0][..], &gunicorn[5..]].concat();
        assert!(matches!(at_limit(&started_late), Steadiness::Noisy { .. }));
        assert_eq!(at_limit(&[100.0; 5]), Steadiness::Steady);
        assert_eq!(at_limit(&[100.0; 3]), Steadiness::TooFewWindows);
        assert_eq!(at_limit(&[0.0; 9]), Steadiness::Varies { spread: f64::INFINITY });
    }

    /// Rates about 3,000 with a standard deviation of this share, as a climb leaves them.
    fn rates(seed: u64, count: u32, noise: f64, climb: impl Fn(f64) -> f64) -> Vec<f64> {
        let mut random = SplitMix64::new(seed);
        #[expect(clippy::cast_precision_loss, reason = "53 bits are kept")]
        let mut unit = || (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        // The sum of twelve has variance 1.
        let mut normal = || (0..12).map(|_| unit()).sum::<f64>() - 6.0;
        (0..count).map(|at| 3_000.0 * climb(f64::from(at)) * (1.0 + noise * normal())).collect()
    }

    #[test]
    fn a_rate_is_level_from_the_window_that_its_climb_ends_with() {
        let since = |windows: &[f64]| SteadyRule::default().level_since(windows);
        let level = [100.0; 12];
        assert_eq!(since(&level), Some(0));
        assert_eq!(since(&[&[10.0, 60.0][..], &level].concat()), Some(2));
        assert_eq!(since(&[&[70.0][..], &level].concat()), Some(1));
        let hiccup = [&level[..], &[20.0, 30.0], &level].concat();
        assert_eq!(since(&hiccup), Some(0), "a hiccup is no climb");
        let disturbed = [&level[..], &[70.0; 8], &level].concat();
        assert_eq!(since(&disturbed), Some(0), "it was at its level before");
        let falls = [&[130.0; 8][..], &level].concat();
        assert!((4..=8).contains(&since(&falls).unwrap()), "{:?}", since(&falls));
        let two_levels = [&[60.0; 12][..], &level].concat();
        assert_eq!(since(&two_levels), Some(12), "a server that is compiled anew");
        let climbs: Vec<f64> = (0..30).map(|at| 100.0 + 10.0 * f64::from(at)).collect();
        assert!(since(&climbs).unwrap() > 20, "{:?}", since(&climbs));
        assert_eq!(since(&level[..4]), None);
        assert_eq!(since(&[0.0; 9]), None);
        assert_eq!(since(&[f64::NAN; 9]), None);
    }

    #[test]
    fn noise_does_not_hide_since_when_a_rate_is_level() {
        let rule = SteadyRule::default();
        for noise in [0.0, 0.01, 0.05, 0.10] {
            let (mut level, mut compiled) = (Vec::new(), Vec::new());
            for seed in 0..200 {
                level.push(rule.level_since(&rates(seed, 30, noise, |_| 1.0)).unwrap());
                // Within 5 % of the end after 1.5 s in windows of 100 ms.
                let climb = rates(seed, 30, noise, |at| 1.0 - (-at / 5.0).exp());
                compiled.push(rule.level_since(&climb).unwrap());
            }
            level.sort_unstable();
            compiled.sort_unstable();
            assert!(level[180] <= 3, "{noise}: {}", level[180]);
            assert!((5..=16).contains(&compiled[100]), "{noise}: {}", compiled[100]);
            assert!(compiled[10] >= 4, "{noise}: {}", compiled[10]);
        }
    }

    #[test]
    fn a_noisy_warm_up_ends_when_it_has_shown_that_it_is_level() {
        let rule = SteadyRule::default();
        let ends = |windows: &[f64]| {
            (1..=windows.len()).find(|&count| rule.is_noisy_but_level(&windows[..count]))
        };
        let (mut level, mut too_early) = (Vec::new(), 0);
        for seed in 0..200 {
            let noisy = rates(seed, 100, 0.05, |_| 1.0);
            level.push(ends(&noisy).unwrap_or(100));
            // Reaches 95 % of its rate in the 30th window only.
            let climbs = rates(seed, 100, 0.05, |at| 1.0 - (-at / 10.0).exp());
            too_early += usize::from(ends(&climbs).unwrap_or(100) < 25);
        }
        level.sort_unstable();
        assert!(level[100] <= 15 && level[180] <= 25, "{} {}", level[100], level[180]);
        assert!(too_early <= 10, "{too_early} of 200");
        assert!(!rule.is_noisy_but_level(&[]) && !rule.is_noisy_but_level(&[0.0; 40]));
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            rng_seed: RngSeed::Fixed(5),
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        /// A cap may end a warm-up after any number of windows, of any rates.
        #[test]
        fn whatever_the_windows_they_are_judged(
            rates in vec(prop_oneof![Just(0.0), 1.0..1e6_f64], 0..40),
            windows in 0_usize..12,
        ) {
            let rule = SteadyRule { windows, ..SteadyRule::default() };
            let (verdict, at_limit) = (rule.judge(&rates), rule.judge_at_limit(&rates));
            let is_short = rates.len() < windows.max(2);
            for found in [verdict, at_limit] {
                prop_assert_eq!(found == Steadiness::TooFewWindows, is_short);
            }
            prop_assert!(verdict != Steadiness::Steady || at_limit == verdict);
            let since = rule.level_since(&rates);
            prop_assert!(since.is_none_or(|since| since < rates.len()));
            prop_assert!(!(is_short && (since.is_some() || rule.is_noisy_but_level(&rates))));
        }
    }

    /// Too few to distinguish noise from drift: what the rule itself says stands.
    #[test]
    fn two_windows_can_be_the_whole_warm_up() {
        let rule = SteadyRule { windows: 2, ..SteadyRule::default() };
        assert!(matches!(rule.judge_at_limit(&[100.0, 150.0]), Steadiness::Varies { .. }));
        assert_eq!(rule.judge_at_limit(&[100.0, 100.5]), Steadiness::Steady);
    }

    /// R: `summary(lm(c(1, 3, 4, 7, 8, 10) ~ c(0:5)))$coefficients`.
    #[test]
    fn the_error_of_the_rise_is_that_of_the_slope() {
        let values = [1.0, 3.0, 4.0, 7.0, 8.0, 10.0];
        let slope = fitted_rise(&values) / 5.0;
        assert!((slope - 1.8).abs() < 1e-12, "{slope}");
        let error = rise_error(&values) / 5.0;
        assert!((error - 0.106_904_496_764_97).abs() < 1e-9, "{error}");
    }
}
