//! One contender's turn in one round: launch, verify, warm up, every scenario, stop.

mod capacity;
mod ceiling;
mod container;
mod launched;
mod live;
mod local_ports;
mod search;
mod survey;
mod tracked;
mod trial;
mod verify;
mod warm_up;

pub use ceiling::ceilings;
pub use live::{LiveWorld, VisitError};
pub use survey::{differ_in_closing, survey};
pub use trial::{Conditions, run as run_trial, scenario_records};
pub use verify::{Target, verify};
