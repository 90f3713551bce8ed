//! Statistics over rounds: the order in which contenders are visited, the ratio of one contender
//! to the baseline with its interval, the verdict, and when to stop.
//!
//! Rounds are the observations, never requests. Everything here is a pure function of numbers:
//! no I/O, no clock, no global state. The same seed gives the same plan on every machine and in
//! every later version.
//!
//! The way through the modules, in the order in which a run uses them:
//!
//! 1. [`Orders`] says in which order round `n` visits the contenders.
//! 2. [`SteadyRule`] says when a warm-up may end.
//! 3. [`Stopping`] says, on the width of the intervals alone, whether another round is due.
//! 4. [`Location`] summarises one metric of one contender; [`Ratio`] compares it with the baseline,
//!    over the rounds of one run ([`Paired`]) or between two runs ([`Unpaired`]).
//! 5. [`judge_family`] turns the comparisons of one metric into [`Verdict`]s under Holm's control,
//!    [`judge_together`] those of several metrics.
//!
//! ```
//! use jigger_stats::{Direction, Margin, Paired, judge_family};
//!
//! let baseline = [101.0, 99.0, 100.0, 102.0, 98.0, 100.5, 99.5, 101.5];
//! let contender = [121.0, 120.0, 119.5, 123.0, 118.0, 121.5, 119.0, 122.0];
//! let pairs = Paired::new(&contender, &baseline)?;
//! let findings = judge_family(&[pairs], Margin::default(), 0.95, Direction::HigherIsBetter)?;
//! assert!(findings[0].verdict.is_better());
//! # Ok::<(), jigger_stats::StatsError>(())
//! ```

mod error;
mod estimate;
mod holm;
mod interval;
mod margin;
mod order;
mod outlook;
mod paired;
mod random;
mod rank_sum;
mod shifts;
mod signed_rank;
mod steady;
mod stopping;
mod student;
mod unpaired;
mod verdict;

pub use error::{Side, StatsError, TooFew};
pub use estimate::{Location, Scale};
pub use holm::{holm_adjusted, holm_levels};
pub use interval::Interval;
pub use margin::{Margin, Margins};
pub use order::Orders;
pub use paired::{Method, Paired, Ratio};
pub use random::SplitMix64;
pub use signed_rank::rounds_needed_for;
pub use steady::{Steadiness, SteadyRule};
pub use stopping::{Decision, Stopping};
pub use unpaired::Unpaired;
pub use verdict::{Case, Direction, Finding, Judged, Verdict, judge_family, judge_together};
