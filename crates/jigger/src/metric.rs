//! What is measured. One table has all that is known of each metric; names are read and written
//! here alone.

mod descriptor;
mod quantity;
mod statistic;
mod table;

use std::fmt;

use serde::{Serialize, Serializer};

pub use descriptor::{Bound, Descriptor, Role, Source, Unit, Words};
pub use quantity::{parse_amount, parse_bytes, parse_time};
pub use statistic::{Statistic, percentile, responses_needed};

use table::TABLE;

/// What is measured of a server. [`Kind::descriptor`] says all that is known of it: a new one needs
/// a line here, one in the table, and its explanation in docs/suite.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Startup,
    StartupMin,
    StartupMax,
    StartupP50,
    StartupP90,
    RequestsPerSecond,
    SecondsPerRequest,
    ResponseTimeMean,
    ResponseTimeStdev,
    ResponseTimeP50,
    ResponseTimeP90,
    ResponseTimeP95,
    ResponseTimeP99,
    ResponseTimeP999,
    ResponseTimeP9999,
    ResponseTimeMax,
    ConnectTimeP50,
    HandshakeTimeP50,
    CpuPerRequest,
    ServiceCpuPerRequest,
    Memory,
    MemoryIdle,
    MemoryPeak,
    ServiceMemory,
    BuildTime,
    ArtifactSize,
    ImageUnpacked,
    ImageTransfer,
    ImageOwn,
}

impl Kind {
    /// Every kind, in the order in which reports show them.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|descriptor| descriptor.kind)
    }

    pub fn descriptor(self) -> &'static Descriptor {
        &TABLE[self as usize]
    }

    /// Whether each scenario has values of its own.
    pub fn is_of_scenario(self) -> bool {
        self.descriptor().source.is_of_scenario()
    }

    /// Whether it is of what runs beside the servers.
    pub fn is_of_services(self) -> bool {
        matches!(self, Self::ServiceCpuPerRequest | Self::ServiceMemory)
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|kind| kind.descriptor().name == name)
    }

    /// The percentiles of response times.
    pub fn percentiles() -> impl Iterator<Item = Self> {
        Self::all().filter(|kind| matches!(kind.descriptor().source, Source::Percentile { .. }))
    }

    pub fn of(self, scenario: &str) -> Metric<'_> {
        Metric { kind: self, scenario: Some(scenario) }
    }
}

/// A metric of a run: a quantity, and for those of a trial the scenario.
///
/// Its text is `<scenario>.<name>`, or the name alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Metric<'a> {
    pub kind: Kind,
    /// The scenario's name; `None` for a server as such.
    pub scenario: Option<&'a str>,
}

impl<'a> Metric<'a> {
    /// Every metric that a run with these scenarios can have, in the order in which reports show
    /// them.
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
    pub fn parse(text: &str, scenarios: &[&'a str]) -> Option<Self> {
        let of_server = Kind::named(text).filter(|kind| !kind.is_of_scenario()).map(Self::from);
        let of_scenario = |scenario: &&'a str| {
            let name = text.strip_prefix(scenario)?.strip_prefix('.')?;
            let kind = Kind::named(name).filter(|kind| kind.is_of_scenario())?;
            Some(kind.of(scenario))
        };
        of_server.or_else(|| scenarios.iter().find_map(of_scenario))
    }

    pub fn descriptor(self) -> &'static Descriptor {
        self.kind.descriptor()
    }

    /// Whether a user means it by `text`: its whole text, or its name without the scenario's.
    pub fn is_called(self, text: &str) -> bool {
        let name = self.descriptor().name;
        let of_scenario = self.scenario.and_then(|scenario| text.strip_prefix(scenario));
        text == name || of_scenario.and_then(|rest| rest.strip_prefix('.')) == Some(name)
    }
}

impl From<Kind> for Metric<'_> {
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
mod tests {
    use super::*;

    /// Scenarios whose names contain what names of metrics contain.
    const NAMES: [&str; 6] =
        ["many_users", "cpu_ms", "startup_ms", "requests_per_second", "x_bytes", "saturation"];

    #[test]
    fn the_table_has_each_kind_at_its_place() {
        for (place, kind) in Kind::all().enumerate() {
            assert_eq!(kind as usize, place);
            assert_eq!(Kind::named(kind.descriptor().name), Some(kind));
        }
    }

    #[test]
    fn every_metric_survives_its_text_whatever_its_scenario_is_called() {
        let all = Metric::all(&NAMES);
        let of_scenario = Kind::all().filter(|kind| kind.is_of_scenario()).count();
        assert_eq!(all.len(), Kind::all().count() + (NAMES.len() - 1) * of_scenario);
        for metric in all {
            assert_eq!(Metric::parse(&metric.to_string(), &NAMES), Some(metric));
        }
        for text in [
            "",
            "saturation",
            "saturation.startup_ms",
            "requests_per_second",
            "elsewhere.memory_bytes",
        ] {
            assert_eq!(Metric::parse(text, &NAMES), None, "{text}");
        }
    }

    #[test]
    fn a_metric_is_called_by_its_whole_text_or_by_its_own_name() {
        let p50 = Kind::ResponseTimeP50.of("saturation");
        assert!(p50.is_called("saturation.response_time_us.p50"));
        assert!(p50.is_called("response_time_us.p50"));
        assert!(!p50.is_called("sequential.response_time_us.p50"));
    }

    impl PartialEq<&str> for Metric<'_> {
        fn eq(&self, other: &&str) -> bool {
            format!("{self}").as_str() == *other
        }
    }

    impl<'a> From<&'a str> for Metric<'a> {
        /// # Panics
        /// When it is none.
        fn from(text: &'a str) -> Self {
            let scenario = text.split_once('.').map_or("", |(scenario, _)| scenario);
            Self::parse(text, &[scenario]).unwrap_or_else(|| panic!("{text} is no metric"))
        }
    }
}
