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
//!
//! ```
//! use jigger_stats::{Case, Direction, Looks, Margin, Panel, Verdict, holm_adjusted, judge};
//!
//! let rounds = |values: [f64; 5]| values.map(Some);
//! let baseline = rounds([101.0, 99.0, 100.0, 102.0, 98.0]);
//! let again = rounds([100.5, 99.5, 101.5, 98.5, 100.0]);
//! let contender = rounds([121.0, 120.0, 119.5, 123.0, 118.0]);
//! let panel = Panel::new(&[vec![&baseline[..], &again[..]], vec![&contender[..]]]);
//! let contrast = panel.contrast(1, 0).expect("both have rounds");
//! let (same, different) = (Margin::default(), Margin::NONE);
//! let case = Case { contrast, direction: Direction::HigherIsBetter, same, different };
//! let level = Looks::planned(5, 20, 3)?.level_after(5, false);
//! let finding = judge(&[case], level)[0].expect("five rounds have an interval");
//! assert_eq!(finding.verdict, Verdict::Better);
//! # Ok::<(), jigger_stats::StatsError>(())
//! ```

#![warn(missing_docs)]

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
