//! All that is known of a metric, in one place.

use jigger_stats::Direction;

use super::{Bound, Kind, Source, Unit, Words};

/// All that is known of a metric.
#[derive(Debug, Clone, Copy)]
pub struct Descriptor {
    pub kind: Kind,
    /// As files have it, after the scenario's name and a dot where it is of a scenario.
    pub name: &'static str,
    pub unit: Unit,
    pub source: Source,
    pub direction: Direction,
    pub words: Words,
    pub role: Role,
    /// What it is when the load engine or the local ports were the limit; `None`: what it seems.
    pub bound: Option<Bound>,
    /// Its heading in the tables of the terminal and of Markdown; without one it has no column.
    pub column: Option<&'static str>,
    /// Its heading in the tables of the HTML report.
    pub figure: Option<&'static str>,
    /// The title of its ratios in the HTML report.
    pub ratios: Option<&'static str>,
    /// What a sentence on a container calls it; the scenario's name follows.
    pub subject: Option<&'static str>,
}

/// What a metric decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It ranks scenarios whose rate the servers decide, and a decision on a change counts it.
    OfFreeRate,
    /// The same for scenarios whose rate is given.
    OfGivenRate,
    /// A decision on a change counts it, whatever the scenario.
    Counted,
    /// It is shown only.
    Shown,
}

impl Role {
    /// Whether it ranks a scenario.
    #[must_use]
    pub fn is_headline(self, is_rate_given: bool) -> bool {
        self == if is_rate_given { Self::OfGivenRate } else { Self::OfFreeRate }
    }

    /// Whether a decision on a change counts it without being asked to.
    #[must_use]
    pub fn is_counted(self, is_rate_given: bool) -> bool {
        self == Self::Counted || self.is_headline(is_rate_given)
    }
}

impl Descriptor {
    /// Of a kind that only has a value: less of it is better, and nothing but full listings shows
    /// it.
    pub(super) const fn new(kind: Kind, name: &'static str, unit: Unit, source: Source) -> Self {
        let words = match unit {
            Unit::Bytes => Words::SIZE,
            _ => Words::SPEED,
        };
        let bound = match source {
            // They contain the engine's own queue, or the search for a port.
            Source::ResponseTimes(_) | Source::Percentile { .. } => Some(Bound::AtMost),
            _ => None,
        };
        Self {
            kind,
            name,
            unit,
            source,
            direction: Direction::LowerIsBetter,
            words,
            role: Role::Shown,
            bound,
            column: None,
            figure: None,
            ratios: None,
            subject: None,
        }
    }

    /// Whether more of it is better, as of requests a second.
    #[must_use]
    pub fn is_more_better(&self) -> bool {
        self.direction == Direction::HigherIsBetter
    }

    pub(super) const fn more_is_better(self, bound: Bound) -> Self {
        Self { direction: Direction::HigherIsBetter, bound: Some(bound), ..self }
    }

    pub(super) const fn words(self, words: Words) -> Self {
        Self { words, ..self }
    }

    pub(super) const fn role(self, role: Role) -> Self {
        Self { role, ..self }
    }

    pub(super) const fn column(self, heading: &'static str) -> Self {
        Self { column: Some(heading), ..self }
    }

    pub(super) const fn figure(self, heading: &'static str) -> Self {
        Self { figure: Some(heading), ..self }
    }

    pub(super) const fn ratios(self, title: &'static str) -> Self {
        Self { ratios: Some(title), ..self }
    }

    pub(super) const fn subject(self, subject: &'static str) -> Self {
        Self { subject: Some(subject), ..self }
    }
}
