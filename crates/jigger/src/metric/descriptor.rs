//! All that is known of a metric, and what it is made of.

use hdrhistogram::Histogram;
use jigger_stats::Direction;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::Kind;
use crate::numbers::number;
use crate::record::{ContenderRecord, TrialRecord, VisitRecord};

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
    Shown,
}

impl Role {
    pub fn is_headline(self, is_rate_given: bool) -> bool {
        self == if is_rate_given { Self::OfGivenRate } else { Self::OfFreeRate }
    }

    /// Whether a decision on a change counts it without being asked to.
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

/// What a metric's values are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String")]
pub enum Unit {
    PerSecond,
    Seconds,
    Milliseconds,
    Microseconds,
    Bytes,
}

impl Unit {
    /// As JSON and CSV have it.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::PerSecond => "1/s",
            Self::Seconds => "s",
            Self::Milliseconds => "ms",
            Self::Microseconds => "us",
            Self::Bytes => "B",
        }
    }
}

impl Serialize for Unit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.symbol())
    }
}

/// Where a metric's values come from, which also says how often a run has one. Each function gives
/// the value in the metric's unit.
#[derive(Debug, Clone, Copy)]
pub enum Source {
    /// One a visit.
    Visit(fn(&VisitRecord) -> Option<f64>),
    /// One a trial without errors, of its counts.
    Trial(fn(&TrialRecord) -> Option<f64>),
    /// One a trial without errors, of its response times.
    ResponseTimes(fn(&Histogram<u64>) -> f64),
    /// The same: a percentile, which needs so many responses.
    Percentile {
        /// 0..1.
        quantile: f64,
        /// Ten lie beyond it at the least (docs/method.md).
        responses: u64,
    },
    /// One a run, of all start-up times in milliseconds, shortest first; of so many at the least.
    Launches {
        /// So that a percentile is not just the longest.
        launches: usize,
        /// Never of fewer.
        value: fn(&[f64]) -> f64,
    },
    /// One a run, exactly as it is.
    Contender(fn(&ContenderRecord) -> Option<f64>),
}

impl Source {
    /// Whether a run has one value, and not one for each round.
    pub const fn is_once(self) -> bool {
        matches!(self, Self::Launches { .. } | Self::Contender(_))
    }

    /// The value of these response times, in nanoseconds; `None` without any or with too few of them,
    /// and for a metric that is not of response times.
    pub fn of_times(self, times: &Histogram<u64>) -> Option<f64> {
        match self {
            Self::ResponseTimes(value) => (!times.is_empty()).then(|| value(times)),
            Self::Percentile { quantile, responses } => {
                (times.len() >= responses).then(|| number(times.value_at_quantile(quantile)) / 1e3)
            }
            _ => None,
        }
    }

    /// Whether each scenario has values of its own.
    pub const fn is_of_scenario(self) -> bool {
        matches!(self, Self::Trial(_) | Self::ResponseTimes(_) | Self::Percentile { .. })
    }
}

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
    pub fn words(self) -> &'static str {
        match self {
            Self::AtLeast => "at least",
            Self::AtMost => "at most",
        }
    }

    /// `>=` or `<=`.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::AtLeast => ">=",
            Self::AtMost => "<=",
        }
    }

    /// The bound of one divided by something that has this bound.
    pub fn inverse(self) -> Self {
        match self {
            Self::AtLeast => Self::AtMost,
            Self::AtMost => Self::AtLeast,
        }
    }
}

/// What having a better or a worse value is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    pub better: &'static str,
    pub worse: &'static str,
}

impl Words {
    /// Of rates and of times that users wait.
    pub const SPEED: Self = Self { better: "faster", worse: "slower" };
    /// Of the time until a server is there.
    pub const START: Self = Self { better: "sooner", worse: "later" };
    /// Of sizes.
    pub const SIZE: Self = Self { better: "smaller", worse: "larger" };
    /// Of CPU time.
    pub const CPU_TIME: Self = Self { better: "less CPU time", worse: "more CPU time" };
}
