//! One thing that was looked at.

use schemars::JsonSchema;
use serde::Serialize;

/// The state of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// As it should be.
    Fine,
    /// Usable, but it makes figures noisier or lower.
    Poor,
    /// Missing: a run leaves out whatever needs it, with the reason.
    Lacking,
    /// The machine does not show it.
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Finding {
    /// What was checked.
    pub name: String,
    /// Its state.
    pub state: State,
    /// What was found.
    pub value: String,
    /// What that means for measuring.
    pub meaning: String,
    /// What to do about it, if anything can be done.
    pub remedy: Option<String>,
}

impl State {
    pub fn word(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Poor => "poor",
            Self::Lacking => "lacking",
            Self::Unknown => "unknown",
        }
    }
}

impl Finding {
    pub fn fine(name: &str, value: impl Into<String>, meaning: impl Into<String>) -> Self {
        Self::new(name, State::Fine, value.into(), meaning.into(), None)
    }

    pub fn unknown(name: &str, value: impl Into<String>, meaning: impl Into<String>) -> Self {
        Self::new(name, State::Unknown, value.into(), meaning.into(), None)
    }

    pub fn poor(
        name: &str,
        value: impl Into<String>,
        meaning: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::new(name, State::Poor, value.into(), meaning.into(), Some(remedy.into()))
    }

    pub fn lacking(
        name: &str,
        value: impl Into<String>,
        meaning: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::new(name, State::Lacking, value.into(), meaning.into(), Some(remedy.into()))
    }

    fn new(
        name: &str,
        state: State,
        value: String,
        meaning: String,
        remedy: Option<String>,
    ) -> Self {
        Self { name: name.to_owned(), state, value, meaning, remedy }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// What is poor or lacking has a remedy, and nothing else has.
    #[track_caller]
    pub fn assert_states(cases: impl IntoIterator<Item = (State, Finding)>) {
        for (state, found) in cases {
            assert_eq!(found.state, state, "{found:?}");
            let has_remedy = matches!(state, State::Poor | State::Lacking);
            assert_eq!(found.remedy.is_some(), has_remedy, "{found:?}");
        }
    }
}
