//! One metric of all contenders over the rounds of one run.

use crate::contrast::{Contrast, Spread, count, log, mean, satterthwaite, variance};

/// The values of one metric on logarithms: for each contender its entries, for each entry one
/// value a round. A contender that is entered twice, as the baseline is, has two entries, and both
/// are data (Dunnett 1955: what all others are compared with wants more visits).
///
/// The estimate of a contrast is the difference of the contenders' mean logarithms over the rounds
/// in which all their entries have a value. Its spread takes out what a round does to everyone. The
/// model is that an entry's value in a round is its mean, the round's effect with variance `r`, and
/// an error with the entry's own variance `v_i`; entries and effects are taken as deviations from
/// their means over `n` rounds:
///
/// - The start: `C` is the covariance of all entries over these rounds,
///   `r = max(0, sum w C_ik / sum w)` over pairs `i < k` with `w = 1 / sqrt(C_ii C_kk)` what they
///   have in common, and `v_i = max(C_ii - r, C_ii / 10)`.
/// - Four steps of expectation and maximisation (Dempster, Laird & Rubin 1977, "Maximum likelihood
///   from incomplete data via the EM algorithm", Journal of the Royal Statistical Society B 39) for
///   the restricted likelihood (Patterson & Thompson 1971, "Recovery of inter-block information
///   when block sizes are unequal", Biometrika 58). With `u = 1 / (1/r + sum 1/v_i)` a round's
///   effect is `b = u sum (deviation of entry i) / v_i`; then
///   `v_i = sum (deviation of entry i - b)^2 / (n - 1) + u` and `r = sum b^2 / (n - 1) + u`.
///   Without them `C_ii - r` holds what the round's effect and the errors have in common by chance,
///   and the interval is now too narrow, now too wide.
/// - A contender's variance is the mean of its entries', and the squared standard error the sum of
///   both contenders' `v / (entries n)`.
/// - The degrees of freedom are Satterthwaite's of `entries (n - 1)` each, at most `1.5 (n - 1)`
///   (`1.25 (n - 1)` with three entries), since `r` is estimated too.
///
/// With two entries in all this would be a paired t test with an estimated correlation; then it is
/// the paired t test itself (Student 1908). `examples/simulate` shows what the rule keeps.
#[derive(Debug, Clone)]
pub struct Panel {
    /// Contender, entry, round.
    contenders: Vec<Vec<Vec<Option<f64>>>>,
}

/// An entry's own variance is at first taken for at least this share of all its variance.
const LEAST_OWN_SHARE: f64 = 0.1;

/// Steps from the first estimate of the variances towards the likeliest. Fewer leave intervals too
/// wide where rounds vary much; more make variances of few rounds too small, and so more false
/// alarms (eight: 5.4 % of reports in one noisy world), for hardly any power.
const STEPS: usize = 4;

impl Panel {
    /// The values of each contender's entries, one for each round, `None` where a round has none.
    /// Values that are zero, negative or not finite have no logarithm and count as none.
    pub fn new(contenders: &[Vec<&[Option<f64>]>]) -> Self {
        let logs = |rounds: &&[Option<f64>]| -> Vec<Option<f64>> {
            rounds.iter().map(|value| value.and_then(log)).collect()
        };
        let entries = |entries: &Vec<&[Option<f64>]>| -> Vec<Vec<Option<f64>>> {
            entries.iter().map(logs).filter(|entry| entry.iter().any(Option::is_some)).collect()
        };
        Self { contenders: contenders.iter().map(entries).collect() }
    }

    /// The two entries of a run as a panel of two contenders with one entry each.
    pub fn pair(contender: &[Option<f64>], baseline: &[Option<f64>]) -> Self {
        Self::new(&[vec![contender], vec![baseline]])
    }

    /// One contender's value divided by another's, both by their place in [`Panel::new`]; `None`
    /// when there is no round in which both have their values.
    pub fn contrast(&self, contender: usize, baseline: usize) -> Option<Contrast> {
        let (mine, theirs) = (self.contenders.get(contender)?, self.contenders.get(baseline)?);
        if mine.is_empty() || theirs.is_empty() {
            return None;
        }
        let rounds = common_rounds(mine.iter().chain(theirs));
        if rounds.is_empty() {
            return None;
        }
        let (mine, theirs) = (taken(mine, &rounds), taken(theirs, &rounds));
        let spread = self.spread(&mine, &theirs, &rounds);
        Some(Contrast::new(overall_mean(&mine) - overall_mean(&theirs), spread, rounds.len()))
    }

    fn spread(&self, mine: &[Vec<f64>], theirs: &[Vec<f64>], rounds: &[usize]) -> Spread {
        let all: Vec<Vec<f64>> =
            self.contenders.iter().flat_map(|entries| taken(entries, rounds)).collect();
        let steps = count(rounds.len()) - 1.0;
        if let ([one], [other], 2) = (mine, theirs, all.len()) {
            let differences: Vec<f64> = one.iter().zip(other).map(|(a, b)| a - b).collect();
            let standard_error = (variance(&differences) / count(rounds.len())).sqrt();
            return Spread { standard_error, degrees_of_freedom: steps };
        }
        let effects = RoundEffects::estimated(&all);
        let of = |entries: &[Vec<f64>]| {
            let own: Vec<f64> =
                entries.iter().map(|entry| effects.own_variance(&deviations(entry))).collect();
            let entries = count(entries.len());
            (mean(&own) / (entries * count(rounds.len())), entries * steps)
        };
        let spread = satterthwaite(of(mine), of(theirs));
        let most = if all.len() == 3 { 1.25 } else { 1.5 } * steps;
        Spread { degrees_of_freedom: spread.degrees_of_freedom.min(most), ..spread }
    }
}

/// What each round does to every entry, as far as its entries show.
struct RoundEffects {
    /// The best guess for each round.
    guesses: Vec<f64>,
    /// The variance of each about its guess.
    uncertainty: f64,
}

impl RoundEffects {
    fn estimated(entries: &[Vec<f64>]) -> Self {
        // What never varies has nothing in common with anything.
        let varying: Vec<Vec<f64>> =
            entries.iter().map(|entry| deviations(entry)).filter(|d| product(d, d) > 0.0).collect();
        let rounds = entries.first().map_or(0, Vec::len);
        let mut effects = Self { guesses: vec![0.0; rounds], uncertainty: 0.0 };
        let mut common = common_variance(&varying);
        let at_first = |entry: &Vec<f64>| {
            let all = product(entry, entry);
            (all - common).max(LEAST_OWN_SHARE * all)
        };
        let mut own: Vec<f64> = varying.iter().map(at_first).collect();
        if common > 0.0 {
            for _ in 0..STEPS {
                effects = Self::given(&varying, &own, common);
                own = varying.iter().map(|entry| effects.own_variance(entry)).collect();
                common = product(&effects.guesses, &effects.guesses) + effects.uncertainty;
            }
        }
        effects
    }

    fn given(varying: &[Vec<f64>], own: &[f64], common: f64) -> Self {
        let weights = own.iter().map(|variance| 1.0 / variance);
        let uncertainty = 1.0 / (1.0 / common + weights.clone().sum::<f64>());
        let mut guesses = vec![0.0; varying.first().map_or(0, Vec::len)];
        for (entry, weight) in varying.iter().zip(weights) {
            for (guess, deviation) in guesses.iter_mut().zip(entry) {
                *guess += uncertainty * weight * deviation;
            }
        }
        Self { guesses, uncertainty }
    }

    /// The variance of an entry's deviations that no round's effect explains.
    fn own_variance(&self, deviations: &[f64]) -> f64 {
        let rest: Vec<f64> = deviations.iter().zip(&self.guesses).map(|(d, b)| d - b).collect();
        product(&rest, &rest) + self.uncertainty
    }
}

/// What a round does to every entry, as a variance; 0 where the entries do not vary together.
fn common_variance(varying: &[Vec<f64>]) -> f64 {
    let variances: Vec<f64> = varying.iter().map(|entry| product(entry, entry)).collect();
    let (mut sum, mut weights) = (0.0, 0.0);
    for (at, entry) in varying.iter().enumerate() {
        for before in 0..at {
            let scale = (variances[at] * variances[before]).sqrt();
            sum += product(entry, &varying[before]) / scale;
            weights += 1.0 / scale;
        }
    }
    if weights > 0.0 { (sum / weights).max(0.0) } else { 0.0 }
}

fn deviations(entry: &[f64]) -> Vec<f64> {
    let mean = mean(entry);
    entry.iter().map(|value| value - mean).collect()
}

/// The sample covariance of two series of deviations, and so the variance of one with itself.
fn product(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(a, b)| a * b).sum::<f64>() / (count(one.len()) - 1.0).max(1.0)
}

/// The rounds in which all entries have a value.
fn common_rounds<'a>(entries: impl Iterator<Item = &'a Vec<Option<f64>>>) -> Vec<usize> {
    let entries: Vec<&Vec<Option<f64>>> = entries.collect();
    let rounds = entries.iter().map(|entry| entry.len()).min().unwrap_or(0);
    let is_whole = |round: &usize| entries.iter().all(|entry| entry[*round].is_some());
    (0..rounds).filter(is_whole).collect()
}

/// The values in these rounds of the entries that have one in each.
fn taken(entries: &[Vec<Option<f64>>], rounds: &[usize]) -> Vec<Vec<f64>> {
    let of_entry = |entry: &Vec<Option<f64>>| -> Option<Vec<f64>> {
        rounds.iter().map(|&round| entry.get(round).copied().flatten()).collect()
    };
    entries.iter().filter_map(of_entry).collect()
}

fn overall_mean(entries: &[Vec<f64>]) -> f64 {
    mean(&entries.iter().map(|entry| mean(entry)).collect::<Vec<f64>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASELINE: [f64; 8] = [101.0, 99.0, 100.0, 102.0, 98.0, 100.5, 99.5, 101.5];
    const AGAIN: [f64; 8] = [99.5, 100.0, 101.5, 98.5, 100.5, 101.0, 99.0, 100.0];

    fn all(values: &[f64]) -> Vec<Option<f64>> {
        values.iter().copied().map(Some).collect()
    }

    fn panel(contenders: &[&[Vec<Option<f64>>]]) -> Panel {
        let mut all = Vec::new();
        for entries in contenders {
            all.push(entries.iter().map(Vec::as_slice).collect());
        }
        Panel::new(&all)
    }

    #[test]
    fn what_a_round_does_to_everyone_is_taken_out() {
        const SPEED: [f64; 8] = [1.0, 0.9, 0.97, 0.85, 1.05, 0.92, 0.88, 1.02];
        let entry = |values: [f64; 8], factor: f64| -> Vec<f64> {
            values.iter().zip(SPEED).map(|(value, speed)| factor * value * speed).collect()
        };
        let (base, again) = (entry(BASELINE, 1.0), entry(AGAIN, 1.0));
        let (faster, other) = (entry(AGAIN, 1.1), entry(BASELINE, 0.5));
        let found = panel(&[&[all(&base), all(&again)], &[all(&faster)], &[all(&other)]]);
        let interval = found.contrast(1, 0).unwrap().interval(0.95).unwrap();
        let apart = Contrast::between(&faster, &base).unwrap().interval(0.95).unwrap();
        assert!(interval.contains(1.1) && !interval.contains(1.06), "{interval:?}");
        assert!(2.0 * interval.half_width() < apart.half_width(), "{interval:?} {apart:?}");
    }

    /// With two entries in all it is the paired t test. R:
    /// `t.test(log(again), log(baseline), paired = TRUE)`.
    #[test]
    fn two_entries_alone_are_a_paired_t_test() {
        let found = Panel::pair(&all(&AGAIN), &all(&BASELINE)).contrast(0, 1).unwrap();
        assert!((found.p_value().unwrap() - 0.7967056885578601).abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn both_entries_of_the_baseline_are_data() {
        let found = panel(&[&[all(&[100.0; 4]), all(&[400.0; 4])], &[all(&[200.0; 4])]]);
        let ratio = found.contrast(1, 0).unwrap().ratio();
        assert!((ratio - 1.0).abs() < 1e-12, "the mean of the logarithms of 100 and 400 is of 200");
    }

    #[test]
    fn any_two_contenders_can_be_compared_and_turned_round() {
        let found = panel(&[
            &[all(&BASELINE), all(&AGAIN)],
            &[all(&BASELINE.map(|value| 2.0 * value))],
            &[all(&AGAIN.map(|value| 3.0 * value))],
        ]);
        let (one, other) = (found.contrast(2, 1).unwrap(), found.contrast(1, 2).unwrap());
        assert!((one.ratio() - 1.5).abs() < 0.01);
        assert!((one.ratio() * other.ratio() - 1.0).abs() < 1e-12);
        assert_eq!(one.p_value(), other.p_value());
    }

    #[test]
    fn only_rounds_in_which_both_have_values_count() {
        let mut contender = all(&BASELINE.map(|value| 2.0 * value));
        contender[3] = None;
        contender[5] = Some(0.0);
        let third = vec![None, Some(1.0)];
        let found = panel(&[&[all(&BASELINE), all(&AGAIN)], &[contender], &[third]]);
        assert_eq!(found.contrast(1, 0).unwrap().rounds(), 6);
        assert_eq!(found.contrast(2, 0).unwrap().rounds(), 1);
        assert_eq!(found.contrast(2, 0).unwrap().interval(0.95), None);
    }

    #[test]
    fn an_entry_without_any_value_is_as_good_as_none() {
        let found = panel(&[&[all(&BASELINE), vec![None; 8]], &[all(&AGAIN)], &[vec![None; 8]]]);
        assert_eq!(found.contrast(1, 0).unwrap().rounds(), 8);
        assert!(found.contrast(2, 0).is_none());
        assert!(found.contrast(0, 7).is_none());
    }
}
