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
//! 3. [`Location`] summarises one metric of one contender; a [`Panel`] compares any two contenders
//!    over the rounds of one run, [`Contrast::between`] one contender between two runs.
//! 4. [`judge`] turns the comparisons of a report into [`Verdict`]s under Holm's control.
//! 5. [`Looks`] says when to look at the verdicts, and what each look may spend.

#![doc = "\n"]
#![doc = include_str!("../README.md")]
#![warn(missing_docs)]
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod contrast;
mod error;
mod estimate;
mod looks;
mod order;
mod panel;
mod random;
mod steady;
mod verdict;

pub use contrast::{Contrast, FEWEST_ROUNDS, Interval, Margin};
pub use error::StatsError;
pub use estimate::Location;
pub use looks::{FAMILY_LEVEL, Look, Looks};
pub use order::Orders;
pub use panel::Panel;
pub use random::SplitMix64;
pub use steady::{Steadiness, SteadyRule};
pub use verdict::{CONFIDENCE, Case, Direction, Finding, Verdict, holm_adjusted, judge};
