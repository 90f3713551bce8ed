//! Why a visit ended early.

use crate::server::Diagnostic;

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
