//! One contender's turn in one round: launch, verify, warm up, every scenario, stop.

mod before_load;
mod capacity;
mod ceiling;
mod certificate;
mod kernel;
mod launched;
mod live;
mod target;
mod trial;
mod verify;
mod warm_up;

use crate::server::Diagnostic;

pub use live::LiveWorld;
pub use trial::{Conditions, run as run_trial};

/// Why a visit ended early.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct VisitError(pub String);

impl VisitError {
    pub(super) fn of(error: impl ToString) -> Self {
        Self(error.to_string())
    }
}

impl<E: Diagnostic> From<E> for VisitError {
    fn from(error: E) -> Self {
        Self(error.in_full())
    }
}
