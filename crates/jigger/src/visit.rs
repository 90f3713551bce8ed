//! One contender's turn in one round: launch, verify, warm up, every scenario, stop.

mod capacity;
mod live;
mod search;
mod trial;
mod verify;
mod warm_up;

pub use live::{LiveWorld, VisitError};
pub use trial::scenario_records;
pub use verify::{Target, verify};
