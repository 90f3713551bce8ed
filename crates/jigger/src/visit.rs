//! One contender's turn in one round: launch, verify, warm up, every scenario, stop.

mod live;
mod trial;
mod verify;
mod warm_up;

pub use live::{LiveWorld, VisitError};
pub use trial::scenario_records;
pub use verify::{Target, verify};
