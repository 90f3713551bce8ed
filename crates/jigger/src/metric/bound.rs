//! Which way the true value may lie from a figure.

use schemars::JsonSchema;
use serde::Serialize;

/// Which way the true value may lie from a figure that is not it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Bound {
    /// The true value is this one or a higher one.
    AtLeast,
    /// The true value is this one or a lower one.
    AtMost,
}

impl Bound {
    /// `>=` or `<=`.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Self::AtLeast => ">=",
            Self::AtMost => "<=",
        }
    }

    /// The bound of one divided by something that has this bound.
    #[must_use]
    pub fn inverse(self) -> Self {
        match self {
            Self::AtLeast => Self::AtMost,
            Self::AtMost => Self::AtLeast,
        }
    }
}
