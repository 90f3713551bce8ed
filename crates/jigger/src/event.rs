//! What the work reports to the display. The only link from one to the other.

use std::time::Duration;

/// Rounds and launches are counted from 0.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    Preparing {
        contender: String,
        /// What is done, such as "building".
        step: &'static str,
    },
    LeftOut {
        contender: String,
        /// Why, with the remedy.
        reason: String,
    },
    /// A launch for its start-up time alone begins.
    Launching {
        entry: String,
        launch: usize,
        launches: usize,
    },
    RoundsBegin {
        /// In each round.
        visits: usize,
        max_rounds: usize,
    },
    VisitBegins {
        entry: String,
        round: usize,
        visits_done: usize,
        /// Estimated time left; `None` before the first visit has ended.
        left: Option<Duration>,
    },
    /// A step of the visit begins: "starting", "warming up", a scenario's name.
    Step {
        name: String,
        /// Requests a second so far, where there is load.
        rate_per_second: Option<f64>,
    },
    /// A round is made again, since a visit of it was disturbed.
    RoundRepeated {
        round: usize,
        /// What was beyond which limit, in whose visit.
        evidence: String,
    },
    RoundEnded {
        round: usize,
        /// How the contenders stand in the scenario with the most connections.
        standings: Vec<Standing>,
    },
    Looked {
        rounds: usize,
        /// Whether every comparison is decided, so that the run ends here.
        is_settled: bool,
        /// After how many rounds the next look is due; `None` for the last.
        next: Option<usize>,
    },
    RoundsEnded,
}

/// A contender's rate as a multiple of the baseline's, so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    pub contender: String,
    pub ratio: f64,
    /// The half-width of its interval as a share, with enough rounds.
    pub half_width: Option<f64>,
}

pub type Listener<'a> = dyn FnMut(Event) + 'a;
