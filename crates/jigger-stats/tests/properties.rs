//! What has to hold for any numbers.

use jigger_stats::{
    CONFIDENCE, Case, Contrast, Direction, FAMILY_LEVEL, Finding, Location, Look, Looks, Margin,
    Panel, SplitMix64, Verdict, holm_adjusted, judge,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

type Entry = Vec<Option<f64>>;

/// Contenders with one entry each, but the first, which has two.
#[derive(Debug, Clone)]
struct Run(Vec<Entry>);

impl Run {
    fn panel(&self) -> Panel {
        self.panel_in_order(&(0..self.contenders()).collect::<Vec<_>>())
    }

    /// The panel with its contenders in another order.
    fn panel_in_order(&self, order: &[usize]) -> Panel {
        let entries = |&contender: &usize| -> Vec<&[Option<f64>]> {
            let entries = if contender == 0 { 0..2 } else { contender + 1..contender + 2 };
            self.0[entries].iter().map(Vec::as_slice).collect()
        };
        Panel::new(&order.iter().map(entries).collect::<Vec<_>>())
    }

    fn contenders(&self) -> usize {
        self.0.len() - 1
    }

    /// Each value changed by its entry and round.
    fn map(&self, change: impl Fn(usize, usize, f64) -> f64) -> Self {
        let entry = |(at, entry): (usize, &Entry)| -> Entry {
            let values = entry.iter().enumerate();
            values.map(|(round, value)| value.map(|value| change(at, round, value))).collect()
        };
        Self(self.0.iter().enumerate().map(entry).collect())
    }
}

/// Runs of two to five contenders and three to twelve rounds, with missing values now and then.
fn runs() -> impl Strategy<Value = Run> {
    (3_usize..7, 3_usize..13, 0.01_f64..3.0).prop_flat_map(|(entries, rounds, spread)| {
        let value = (-1.0_f64..1.0).prop_map(move |place| 100.0 * (spread * place).exp());
        vec(vec(proptest::option::weighted(0.97, value), rounds), entries).prop_map(Run)
    })
}

/// Contrasts of every size and certainty.
fn contrasts() -> impl Strategy<Value = Contrast> {
    (-0.1_f64..0.1, 0.001_f64..0.1, 3_usize..12, any::<u64>()).prop_map(
        |(shift, spread, rounds, seed)| {
            let mut random = SplitMix64::new(seed);
            let mut values = |shift: f64| -> Vec<f64> {
                (0..rounds).map(|_| (shift + spread * random.unit()).exp()).collect()
            };
            let (new, old) = (values(shift), values(0.0));
            Contrast::between(&new, &old).expect("positive values")
        },
    )
}

fn cases() -> impl Strategy<Value = Vec<Case>> {
    let case = (contrasts(), any::<bool>(), any::<bool>(), 0.0_f64..0.1);
    let case = case.prop_map(|(contrast, is_up, has_margin, share)| Case {
        contrast,
        direction: if is_up { Direction::HigherIsBetter } else { Direction::LowerIsBetter },
        same: Margin::new(share).expect("a share"),
        different: Margin::new(if has_margin { share } else { 0.0 }).expect("a share"),
    });
    vec(case, 1..12)
}

fn first(run: &Run) -> Option<Contrast> {
    run.panel().contrast(1, 0)
}

fn is_close(left: f64, right: f64) -> bool {
    left == right || (left / right - 1.0).abs() < 1e-6
}

/// Whether two contrasts say the same, the one times `factor`.
fn is_same(left: Option<Contrast>, right: Option<Contrast>, factor: f64) -> bool {
    let (Some(left), Some(right)) = (left, right) else {
        return left.is_none() && right.is_none();
    };
    let ends = |contrast: Contrast| contrast.interval(CONFIDENCE).map(|i| [i.low, i.high]);
    let intervals = match (ends(left), ends(right)) {
        (Some(left), Some(right)) => {
            left.iter().zip(right).all(|(left, right)| is_close(left * factor, right))
        }
        (left, right) => left.is_none() && right.is_none(),
    };
    is_close(left.ratio() * factor, right.ratio()) && left.rounds() == right.rounds() && intervals
}

fn findings(cases: &[Case]) -> Vec<Finding> {
    judge(cases, FAMILY_LEVEL).into_iter().map(|found| found.expect("an interval")).collect()
}

/// The same cases in every run; a failure is found again without a file that remembers it.
fn fixed_cases() -> ProptestConfig {
    ProptestConfig {
        rng_seed: RngSeed::Fixed(4),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(fixed_cases())]

    #[test]
    fn the_estimate_lies_in_its_interval(run in runs(), confidence in 0.01_f64..0.999) {
        if let Some(contrast) = first(&run) {
            prop_assert!(contrast.ratio() > 0.0 && contrast.ratio().is_finite());
            if let Some(interval) = contrast.interval(confidence) {
                prop_assert!(interval.contains(contrast.ratio()));
                prop_assert!(interval.half_width() > 0.0);
            }
        }
    }

    #[test]
    fn more_confidence_is_never_narrower(run in runs(), low in 0.01_f64..0.99, more in 0.0_f64..1.0) {
        let high = low + (0.999 - low) * more;
        let interval = |confidence| first(&run).and_then(|contrast| contrast.interval(confidence));
        if let (Some(narrow), Some(wide)) = (interval(low), interval(high)) {
            prop_assert!(wide.low <= narrow.low && narrow.high <= wide.high);
        }
    }

    #[test]
    fn the_interval_is_where_the_p_value_says(run in runs(), confidence in 0.5_f64..0.999) {
        if let Some(contrast) = first(&run)
            && let (Some(interval), Some(p_value)) = (contrast.interval(confidence), contrast.p_value())
            && (p_value - (1.0 - confidence)).abs() > 1e-9
        {
            prop_assert_eq!(interval.contains(1.0), p_value > 1.0 - confidence);
        }
    }

    #[test]
    fn swapping_the_two_gives_the_reciprocal_and_the_turned_verdict(run in runs()) {
        let panel = run.panel();
        let (Some(there), Some(back)) = (panel.contrast(1, 0), panel.contrast(0, 1)) else {
            prop_assert!(panel.contrast(1, 0).is_none() && panel.contrast(0, 1).is_none());
            return Ok(());
        };
        prop_assert!(is_close(there.ratio() * back.ratio(), 1.0));
        let verdict = |contrast| {
            let (direction, same) = (Direction::HigherIsBetter, Margin::default());
            let case = Case { contrast, direction, same, different: Margin::NONE };
            judge(&[case], FAMILY_LEVEL)[0].map(|finding| finding.verdict)
        };
        prop_assert_eq!(verdict(there).map(Verdict::turned), verdict(back));
        if let (Some(one), Some(other)) = (there.interval(0.95), back.interval(0.95)) {
            prop_assert!(is_close(one.low * other.high, 1.0));
        }
    }

    #[test]
    fn a_contender_that_is_faster_throughout_moves_the_ratio_only(run in runs(), factor in 0.01_f64..100.0) {
        let faster = run.map(|entry, _, value| if entry == 2 { factor * value } else { value });
        prop_assert!(is_same(first(&run), first(&faster), factor));
        if run.contenders() > 2 {
            let other = |run: &Run| run.panel().contrast(2, 0);
            prop_assert!(is_same(other(&run), other(&faster), 1.0));
        }
    }

    /// A unit is none of the ratio's business. What a round does to all of them is neither, as far
    /// as the estimate goes; its interval has to separate it from the noise.
    #[test]
    fn what_hits_everyone_leaves_the_ratio_alone(run in runs(), factor in 0.01_f64..100.0, seed: u64) {
        prop_assert!(is_same(first(&run), first(&run.map(|_, _, value| factor * value)), 1.0));
        let mut random = SplitMix64::new(seed);
        let rounds: Vec<f64> = run.0[0].iter().map(|_| 0.1 + random.unit()).collect();
        let hit = first(&run.map(|_, round, value| rounds[round] * value));
        let ratios = (first(&run).map(|c| c.ratio()), hit.map(|c| c.ratio()));
        prop_assert!(ratios.0.zip(ratios.1).is_none_or(|(before, after)| is_close(before, after)));
    }

    #[test]
    fn the_order_of_rounds_and_of_contenders_does_not_matter(run in runs(), seed: u64) {
        let mut random = SplitMix64::new(seed);
        let mut rounds: Vec<usize> = (0..run.0[0].len()).collect();
        random.shuffle(&mut rounds);
        let entry = |entry: &Entry| rounds.iter().map(|&round| entry[round]).collect();
        let shuffled = Run(run.0.iter().map(entry).collect());
        prop_assert!(is_same(first(&run), first(&shuffled), 1.0));
        let mut order: Vec<usize> = (0..run.contenders()).collect();
        random.shuffle(&mut order);
        let place = |contender| order.iter().position(|&other| other == contender);
        let (Some(one), Some(zero)) = (place(1), place(0)) else {
            return Err(TestCaseError::fail("a shuffle keeps the items"));
        };
        let reordered = run.panel_in_order(&order).contrast(one, zero);
        prop_assert!(is_same(first(&run), reordered, 1.0));
    }

    #[test]
    fn any_numbers_and_any_lengths_give_an_answer(
        entries in vec(vec(proptest::option::of(any::<f64>()), 0..8), 0..6),
        of_first in 0_usize..4, confidence in any::<f64>(),
    ) {
        let (own, others) = entries.split_at(of_first.min(entries.len()));
        let mut contenders: Vec<Vec<&[Option<f64>]>> = vec![own.iter().map(Vec::as_slice).collect()];
        contenders.extend(others.iter().map(|entry| vec![entry.as_slice()]));
        let panel = Panel::new(&contenders);
        for contender in 0..contenders.len() + 1 {
            for baseline in 0..contenders.len() {
                let Some(contrast) = panel.contrast(contender, baseline) else { continue };
                prop_assert!(!contrast.ratio().is_nan());
                let interval = contrast.interval(confidence);
                prop_assert!(interval.is_none_or(|interval| interval.low <= interval.high));
                prop_assert!(contrast.p_value().is_none_or(|p_value| (0.0..=1.0).contains(&p_value)));
                prop_assert!(contrast.p_value().is_none() || contrast.rounds() >= 3);
            }
        }
        let plain = |entry: &Entry| entry.iter().copied().flatten().collect::<Vec<f64>>();
        for pair in entries.windows(2) {
            let between = Contrast::between(&plain(&pair[0]), &plain(&pair[1]));
            prop_assert!(between.is_none_or(|contrast| !contrast.ratio().is_nan()));
            let values = plain(&pair[0]);
            let location = Location::of(&values, 0.95);
            prop_assert!(location.is_err() || values.iter().all(|value| value.is_finite()));
        }
    }

    #[test]
    fn a_location_lies_within_its_values_and_scales_with_them(
        values in vec(0.01_f64..1e6, 1..20), factor in 0.001_f64..1000.0,
    ) {
        let location = Location::of(&values, 0.95).unwrap();
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = values.iter().copied().fold(0.0, f64::max);
        prop_assert!(least <= location.estimate && location.estimate <= most);
        prop_assert_eq!(location.low.is_some(), values.len() >= 3);
        prop_assert!(location.low.is_none_or(|low| low <= location.estimate));
        prop_assert!(location.high.is_none_or(|high| location.estimate <= high));
        let scaled: Vec<f64> = values.iter().map(|value| value * factor).collect();
        let scaled = Location::of(&scaled, 0.95).unwrap();
        prop_assert!(is_close(scaled.estimate, location.estimate * factor));
        prop_assert!(scaled.low.zip(location.low).is_none_or(|(a, b)| is_close(a, b * factor)));
    }

    #[test]
    fn holm_lies_between_no_correction_and_bonferroni(p_values in vec(0.0_f64..1.0, 1..8)) {
        let adjusted = holm_adjusted(&p_values);
        let count = p_values.len() as f64;
        for (p_value, adjusted) in p_values.iter().zip(&adjusted) {
            let bonferroni = (count * p_value).min(1.0);
            prop_assert!(*p_value <= *adjusted && *adjusted <= bonferroni);
        }
        for (first, second) in p_values.iter().zip(&adjusted) {
            for (third, fourth) in p_values.iter().zip(&adjusted) {
                prop_assert!(first > third || second <= fourth);
            }
        }
    }

    #[test]
    fn a_verdict_is_what_its_tests_say(cases in cases()) {
        for (case, Finding { verdict, p_adjusted }) in cases.iter().zip(findings(&cases)) {
            let is_same = case.contrast.is_within(case.same, FAMILY_LEVEL);
            prop_assert_eq!(verdict == Verdict::Same, is_same);
            prop_assert_eq!(verdict.is_different(), !is_same && p_adjusted <= FAMILY_LEVEL);
            let is_up = case.contrast.ratio() > 1.0;
            let is_better = is_up == (case.direction == Direction::HigherIsBetter);
            match verdict {
                Verdict::Better | Verdict::ProbablyBetter => prop_assert!(is_better),
                Verdict::Worse | Verdict::ProbablyWorse => prop_assert!(!is_better),
                Verdict::Same | Verdict::NotShown => {}
            }
            if verdict == Verdict::NotShown {
                prop_assert!(case.contrast.p_value().is_some_and(|p_value| p_value > 0.05));
            }
        }
    }

    #[test]
    fn company_makes_no_difference_surer(cases in cases(), level in 0.001_f64..0.05) {
        let all = findings(&cases);
        let fewer = findings(&cases[1..]);
        for (with, without) in all[1..].iter().zip(&fewer) {
            prop_assert!(with.p_adjusted >= without.p_adjusted);
        }
        for (stricter, plain) in judge(&cases, level).into_iter().zip(&all) {
            let stricter = stricter.expect("an interval");
            prop_assert!(stricter.p_adjusted >= plain.p_adjusted);
            prop_assert!(!stricter.verdict.is_different() || plain.verdict == stricter.verdict);
        }
    }

    #[test]
    fn looks_spend_five_percent_in_ascending_order(min in 1_usize..40, more in 0_usize..60, square in 0_usize..12) {
        let looks = Looks::planned(min, min + more, square).unwrap();
        let spent: f64 = looks.all().iter().map(|look| look.level).sum();
        prop_assert!((spent - FAMILY_LEVEL).abs() < 1e-12);
        prop_assert!(looks.all().windows(2).all(|pair| pair[0].rounds < pair[1].rounds));
        prop_assert!(looks.last() <= min + more);
        prop_assert!(looks.all().iter().all(|look| look.rounds >= min));
        for &Look { rounds, level } in looks.all() {
            prop_assert!(looks.is_due(rounds));
            prop_assert_eq!(looks.level_after(rounds, true), level);
            prop_assert!(looks.level_after(rounds, false) >= level - 1e-12);
        }
        let outside = looks.level_after(min + more + 1, false);
        prop_assert!((0.0..=FAMILY_LEVEL).contains(&outside));
    }
}
