//! Load until the server's rate is level: found out in a contender's first visit, then known.

use std::ops::ControlFlow;
use std::time::Duration;

use jigger_load::{ConnectionPolicy, Extent, Load};
use jigger_stats::{Steadiness, SteadyRule};

use super::VisitError;
use super::trial::{Conditions, load_of};
use crate::event::{Event, Listener};
use crate::server::Server;
use crate::suite::{Pacing, Scenario, WarmUp};

/// No warm-up whose need is known takes less, the cap permitting.
const SHORTEST: Duration = Duration::from_millis(300);

/// What the first warm-up of a contender taught.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Learned {
    /// Until its rate had levelled.
    needed: Duration,
    /// Whether it had levelled at all.
    steady: bool,
}

impl Learned {
    /// Itself, unless it was known before, was cut off, or the rate never levelled: what disturbed
    /// one visit must not lengthen all others, so the next one finds out anew.
    fn to_keep(self, known: Option<Self>, is_cut_off: bool) -> Option<Self> {
        (known.is_none() && !is_cut_off && self.steady).then_some(self)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct WarmedUp {
    /// Whether the server's rate held still at the end, noise apart.
    pub steady: bool,
    /// Correct responses a second in the last window; 0 when there was none.
    pub rate_per_second: f64,
    /// The same in each window.
    pub rates: Vec<f64>,
    /// Connections opened, and in which time.
    pub opened: (u64, Duration),
    /// What it taught, for later ones to take.
    pub learned: Option<Learned>,
}

/// Warms up over kept connections, as long as the server lives: until its rate is level or, once
/// that is known, for as long as it takes.
///
/// # Errors
/// [`VisitError`] when the load engine cannot run.
pub fn warm_up(
    (how, scenarios): (&WarmUp, &[Scenario]),
    conditions: &Conditions<'_>,
    known: Option<Learned>,
    mut server: Option<&mut Server>,
    listener: &mut Listener<'_>,
) -> Result<WarmedUp, VisitError> {
    let limit = time(known, how);
    let Some(scenario) = scenario(scenarios, limit) else {
        return Ok(WarmedUp::without_load());
    };
    let load = Load { observe_every: how.window, ..load_of(&scenario, conditions)? };
    let rule = SteadyRule { windows: how.windows, ..SteadyRule::default() };
    let mut windows = Windows { limit, ..Windows::default() };
    let mut is_cut_off = false;
    let sample = jigger_load::run(&load, &mut |progress| {
        if let Some(rate) = windows.add(progress.elapsed, progress.responses) {
            listener(Event::Step { name: "warming up".to_owned(), rate_per_second: Some(rate) });
        }
        is_cut_off = conditions.are_over(server.as_deref_mut());
        let is_over = is_cut_off || known.is_none() && windows.show_a_level(&rule);
        if is_over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .map_err(VisitError::of)?;
    let elapsed = Duration::from_nanos(sample.elapsed_ns);
    let found = known.unwrap_or_else(|| windows.learned(&rule, elapsed));
    let rate = windows.rates.last().copied();
    Ok(WarmedUp {
        steady: found.steady,
        rate_per_second: rate.unwrap_or_else(|| sample.requests_per_second()),
        rates: windows.rates,
        opened: (sample.connections_opened, elapsed),
        learned: found.to_keep(known, is_cut_off),
    })
}

impl WarmedUp {
    /// Without scenarios.
    fn without_load() -> Self {
        let opened = (0, Duration::ZERO);
        Self { steady: true, rate_per_second: 0.0, rates: Vec::new(), opened, learned: None }
    }
}

/// How a server is loaded: in a closed loop of the most connections that the suite keeps, or of the
/// most at all where it keeps none. Never with fresh ones, which would use up the local ports that
/// the scenarios need.
fn scenario(scenarios: &[Scenario], time: Duration) -> Option<Scenario> {
    let busiest = scenarios.iter().max_by_key(|it| (!it.is_fresh(), it.connections))?;
    Some(Scenario {
        connection: ConnectionPolicy::KeepAlive,
        resumes: false,
        extent: Extent::Time(time),
        ..busiest.paced(Pacing::Closed)
    })
}

/// The connections that a warm-up for these scenarios has.
pub fn connections(scenarios: &[Scenario]) -> Option<usize> {
    scenario(scenarios, Duration::ZERO).map(|scenario| scenario.connections)
}

/// How long the warm-up is at most. Of a contender whose need is known it takes that and one window
/// more: the first one began with the most to read and to compile, so later ones need less.
fn time(known: Option<Learned>, warm_up: &WarmUp) -> Duration {
    let again = |known: Learned| (known.needed + warm_up.window).max(SHORTEST);
    known.map_or(warm_up.cap, |known| again(known).min(warm_up.cap))
}

#[derive(Debug, Default)]
struct Windows {
    /// None begins after this: a client that does not come to end its load in time shows nothing.
    limit: Duration,
    /// Correct responses a second in each.
    rates: Vec<f64>,
    ends: Vec<Duration>,
    /// Responses until then.
    answers: u64,
}

impl Windows {
    /// Ends a window with the load's totals so far; its rate, unless no time has passed or all was
    /// over.
    fn add(&mut self, elapsed: Duration, answers: u64) -> Option<f64> {
        let begun = self.ends.last().copied().unwrap_or_default();
        let span = elapsed.saturating_sub(begun).as_secs_f64();
        if span <= 0.0 || begun >= self.limit {
            return None;
        }
        let rate = crate::numbers::number(answers.saturating_sub(self.answers)) / span;
        self.answers = answers;
        self.rates.push(rate);
        self.ends.push(elapsed);
        Some(rate)
    }

    /// Whether a longer warm-up would teach nothing more.
    fn show_a_level(&self, rule: &SteadyRule) -> bool {
        rule.judge(&self.rates) == Steadiness::Steady || rule.is_noisy_but_level(&self.rates)
    }

    /// What they taught in all the time that the warm-up took.
    fn learned(&self, rule: &SteadyRule, elapsed: Duration) -> Learned {
        let needed = rule.level_since(&self.rates).map(|since| match since {
            0 => Duration::ZERO,
            since => self.ends[since - 1],
        });
        let holds = matches!(
            rule.judge_at_limit(&self.rates),
            Steadiness::Steady | Steadiness::Noisy { .. }
        );
        let steady = holds || self.show_a_level(rule);
        Learned { needed: needed.unwrap_or(elapsed), steady }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;
    use crate::suite::Suite;

    const WINDOW: Duration = Duration::from_millis(100);

    fn scenarios(text: &str) -> Vec<Scenario> {
        let head = "[suite]\nname = \"s\"\n[[contender]]\nname = \"a\"\nurl = \"http://h/\"\n";
        Suite::parse(&format!("{head}{text}"), "s", Path::new("/")).unwrap().scenarios
    }

    /// Windows of a tenth of a second with so many responses each.
    fn windows(answers: &[u64]) -> Windows {
        let mut windows = Windows { limit: WINDOW * 30, ..Windows::default() };
        let mut total = 0;
        for (answers, at) in answers.iter().zip(1_u32..) {
            total += answers;
            windows.add(WINDOW * at, total);
        }
        windows
    }

    fn warm_up_of(cap_ms: u64) -> WarmUp {
        WarmUp { window: WINDOW, windows: 5, cap: Duration::from_millis(cap_ms) }
    }

    #[test]
    fn fresh_connections_never_warm_up() {
        let all = scenarios(
            "[[scenario]]\nname = \"one\"\nrequests = 9\n\
             [[scenario]]\nname = \"many\"\nconnections = 8\nrate = 50\nduration = \"1s\"\n\
             [[scenario]]\nname = \"fresh\"\nconnections = 32\nconnection = \"fresh\"\n\
             duration = \"1s\"\n",
        );
        let chosen = scenario(&all, WINDOW).unwrap();
        assert_eq!((chosen.connections, chosen.is_fresh()), (8, false));
        assert_eq!(chosen.pacing, Pacing::Closed);
        assert_eq!(chosen.extent, Extent::Time(WINDOW));
        let chosen = scenario(&all[2..], WINDOW).unwrap();
        assert_eq!((chosen.connections, chosen.is_fresh()), (32, false));
        assert_eq!(scenario(&[], WINDOW), None);
    }

    #[test]
    fn a_window_counts_what_was_answered_in_it() {
        let mut windows = windows(&[100, 300]);
        assert_eq!(windows.rates, [1_000.0, 3_000.0]);
        assert_eq!(windows.add(WINDOW * 2, 500), None, "no time has passed");
        assert_eq!(windows.add(WINDOW * 31, 500), Some(100.0 / 2.9), "it began in time");
        assert_eq!(windows.add(WINDOW * 32, 500), None, "the load was to be over");
        assert_eq!(windows.rates.len(), 3);
    }

    #[test]
    fn what_the_first_visit_needed_is_taken_again_within_bounds() {
        let rule = SteadyRule::default();
        let compiled = windows(&[10, 40, 80, 90, 200, 300, 300, 301, 299, 300]);
        assert!(compiled.show_a_level(&rule));
        let learned = compiled.learned(&rule, WINDOW * 10);
        assert_eq!(learned, Learned { needed: WINDOW * 5, steady: true });
        let taken = |learned, cap_ms| time(Some(learned), &warm_up_of(cap_ms)).as_millis();
        assert_eq!(taken(learned, 3_000), 600);
        assert_eq!(taken(learned, 550), 550, "never longer than the cap");
        assert_eq!(learned.to_keep(None, false), Some(learned));
        assert_eq!(learned.to_keep(None, true), None, "cut off");
        assert_eq!(learned.to_keep(Some(learned), false), None, "known before");
        let at_once = windows(&[300; 5]).learned(&rule, WINDOW * 5);
        assert_eq!(at_once.needed, Duration::ZERO);
        assert_eq!(taken(at_once, 3_000), 300);
        assert_eq!(time(None, &warm_up_of(3_000)).as_millis(), 3_000);
    }

    #[test]
    fn a_rate_that_still_climbs_at_the_cap_is_not_steady() {
        let rule = SteadyRule::default();
        let climbing: Vec<u64> = (1..=30).map(|at| at * 100).collect();
        let windows = windows(&climbing);
        assert!(!windows.show_a_level(&rule));
        let learned = windows.learned(&rule, WINDOW * 30);
        assert!(!learned.steady);
        assert_eq!(learned.to_keep(None, false), None, "the next visit finds out anew");
    }

    proptest! {
        // The same cases every time, and none written into the sources.
        #![proptest_config(ProptestConfig {
            rng_seed: RngSeed::Fixed(5),
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        /// However few windows the cap leaves, and however many have to agree.
        #[test]
        fn what_a_cap_cuts_short_teaches_no_more_than_it_took(
            counts in proptest::collection::vec(0_u64..1_000, 0..20),
            judged in 1_usize..8,
        ) {
            let rule = SteadyRule { windows: judged, ..SteadyRule::default() };
            let took = WINDOW * u32::try_from(counts.len()).unwrap();
            let learned = windows(&counts).learned(&rule, took);
            prop_assert!(learned.needed <= took);
            prop_assert!(!learned.steady || counts.len() >= judged.max(2));
        }
    }

    #[test]
    fn too_few_windows_teach_that_all_of_them_were_needed() {
        let learned = windows(&[300; 2]).learned(&SteadyRule::default(), WINDOW * 2);
        assert_eq!(learned, Learned { needed: WINDOW * 2, steady: false });
    }
}
