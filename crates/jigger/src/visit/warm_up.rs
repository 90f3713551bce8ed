//! Load until the server's rate is steady, or the cap is reached.

use std::time::Duration;

use jigger_load::{Extent, Flow};
use jigger_stats::{Steadiness, SteadyRule};

use super::live::VisitError;
use super::trial::{Conditions, load_of};
use crate::event::{Event, Listener};
use crate::server::Server;
use crate::suite::Suite;

/// What the warm-up ended with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WarmedUp {
    /// Whether the server's rate held still at the end, noise apart.
    pub steady: bool,
    /// Correct answers a second in the last window; 0 when there was none.
    pub rate_per_second: f64,
}

/// Warms up in the way of the busiest scenario, as long as the server lives.
///
/// # Errors
/// [`VisitError`] when the load engine cannot run.
pub fn warm_up(
    suite: &Suite,
    conditions: &Conditions<'_>,
    mut server: Option<&mut Server>,
    listener: &mut Listener<'_>,
) -> Result<WarmedUp, VisitError> {
    let Some(busiest) = suite.scenarios.iter().max_by_key(|scenario| scenario.connections) else {
        return Ok(WarmedUp { steady: true, rate_per_second: 0.0 });
    };
    let mut load = load_of(busiest, conditions);
    load.extent = Extent::Time(suite.warm_up.cap);
    load.observe_every = suite.warm_up.window;
    let rule = SteadyRule { windows: suite.warm_up.windows, ..SteadyRule::default() };
    let mut windows = Vec::new();
    let (mut answers_before, mut elapsed_before) = (0, Duration::ZERO);
    let mut steady = false;
    jigger_load::run(&load, &mut |progress| {
        let span = progress.elapsed.saturating_sub(elapsed_before).as_secs_f64();
        let answers = progress.answers.saturating_sub(answers_before);
        (answers_before, elapsed_before) = (progress.answers, progress.elapsed);
        if span > 0.0 {
            let rate = crate::analysis::number(answers) / span;
            listener(Event::Step { name: "warming up".to_owned(), rate_per_second: Some(rate) });
            windows.push(rate);
        }
        steady = rule.judge(&windows) == Steadiness::Steady;
        let is_over = steady || conditions.are_over(server.as_deref_mut());
        if is_over { Flow::Stop } else { Flow::Continue }
    })
    .map_err(VisitError::of)?;
    let holds =
        matches!(rule.judge_at_limit(&windows), Steadiness::Steady | Steadiness::Noisy { .. });
    let rate_per_second = windows.last().copied().unwrap_or(0.0);
    Ok(WarmedUp { steady: steady || holds, rate_per_second })
}
