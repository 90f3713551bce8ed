//! What is measured. One table has all that is known of each metric; names are read and written
//! here alone.

mod bound;
mod descriptor;
mod kind;
mod quantity;
mod source;
mod table;
mod unit;
mod words;

use std::fmt;

use serde::{Serialize, Serializer};

pub use bound::Bound;
pub use descriptor::{Descriptor, Role};
pub use kind::Kind;
pub use quantity::{NoAmount, parse_amount, parse_bytes, parse_time};
pub use source::Source;
pub use unit::Unit;
pub use words::Words;

/// A metric of a run: a quantity, and for those of a trial the scenario.
///
/// Its text is `<scenario>.<name>`, or the name alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Metric<'a> {
    /// What is measured.
    pub kind: Kind,
    /// The scenario's name; `None` for a server as such.
    pub scenario: Option<&'a str>,
}

impl<'a> Metric<'a> {
    /// Every metric that a run with these scenarios can have, in the order in which reports show
    /// them.
    #[must_use]
    pub fn all(scenarios: &[&'a str]) -> Vec<Self> {
        let mut metrics = Vec::new();
        let all: Vec<Kind> = Kind::all().collect();
        for kinds in all.chunk_by(|one, other| one.is_of_scenario() == other.is_of_scenario()) {
            if kinds[0].is_of_scenario() {
                let of = |scenario| kinds.iter().map(move |kind: &Kind| kind.of(scenario));
                metrics.extend(scenarios.iter().flat_map(|scenario| of(*scenario)));
            } else {
                metrics.extend(kinds.iter().map(|kind| Self::from(*kind)));
            }
        }
        metrics
    }

    /// The metric of that text; `None` when a run with these scenarios has none.
    #[must_use]
    pub fn parse(text: &str, scenarios: &[&'a str]) -> Option<Self> {
        let of_server = Kind::named(text).filter(|kind| !kind.is_of_scenario()).map(Self::from);
        let of_scenario = |scenario: &&'a str| {
            let name = text.strip_prefix(scenario)?.strip_prefix('.')?;
            let kind = Kind::named(name).filter(|kind| kind.is_of_scenario())?;
            Some(kind.of(scenario))
        };
        of_server.or_else(|| scenarios.iter().find_map(of_scenario))
    }

    /// All that is known of its kind.
    #[must_use]
    pub fn descriptor(self) -> &'static Descriptor {
        self.kind.descriptor()
    }

    /// Whether a user means it by `text`: its whole text, or its name without the scenario's.
    #[must_use]
    pub fn is_called(self, text: &str) -> bool {
        let name = self.descriptor().name;
        let of_scenario = self.scenario.and_then(|scenario| text.strip_prefix(scenario));
        text == name || of_scenario.and_then(|rest| rest.strip_prefix('.')) == Some(name)
    }
}

impl From<Kind> for Metric<'_> {
    /// Of a server as such.
    fn from(kind: Kind) -> Self {
        Self { kind, scenario: None }
    }
}

impl fmt::Display for Metric<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.descriptor().name;
        match self.scenario {
            Some(scenario) => write!(f, "{scenario}.{name}"),
            None => f.write_str(name),
        }
    }
}

impl Serialize for Metric<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests;
