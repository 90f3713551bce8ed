//! One contender's turn in one round: launch, verify, warm up, every scenario, stop.

mod capacity;
mod ceiling;
mod container;
mod error;
mod launched;
mod live;
mod local_ports;
mod search;
mod tracked;
mod trial;
mod verify;
mod warm_up;

pub use error::VisitError;
pub use live::{LiveWorld, OtherTrials};
pub use trial::{Conditions, run as run_trial};
pub use verify::{Target, verify};
