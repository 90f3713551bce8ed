//! The tools' figures for programs. `jigger schema cross-check` is made from these shapes.

use jigger_load::Extent;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::checked::{Checked, Figure, JIGGER, Multiple, Series};
use super::super::read::Reading;
use super::super::tool::TOOLS;
use crate::host::Placement;
use crate::report::to_json;
use crate::suite::Scenario;

/// The version of [`CrossCheck`].
pub const VERSION: u32 = 1;

/// A whole cross-check.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CrossCheck<'a> {
    #[schemars(extend("const" = VERSION))]
    version: u32,
    suite: &'a str,
    /// Rounds begun.
    rounds: usize,
    placement: &'a Placement,
    /// jigger first.
    tools: Vec<ToolShape<'a>>,
    scenarios: Vec<ScenarioShape<'a>>,
    /// Those that took part.
    contenders: &'a [String],
    series: Vec<SeriesShape<'a>>,
    /// What could not be run, with the remedy.
    missing: &'a [String],
}

#[derive(Debug, Serialize, JsonSchema)]
struct ToolShape<'a> {
    name: &'a str,
    /// Null if the tool does not print it.
    version: Option<&'a str>,
    /// Why its figures differ from jigger's by design; null for jigger.
    differs: Option<&'a str>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ScenarioShape<'a> {
    name: &'a str,
    #[schemars(range(min = 1))]
    connections: usize,
    #[schemars(extend("enum" = ["fresh", "keep-alive"]))]
    connection: &'a str,
    /// The number of requests; null for a scenario with a duration.
    #[schemars(range(min = 1))]
    requests: Option<u64>,
    /// The duration; null for a scenario with a number of requests.
    seconds: Option<f64>,
}

/// What one tool measured of one contender in one scenario.
#[derive(Debug, Serialize, JsonSchema)]
struct SeriesShape<'a> {
    contender: &'a str,
    scenario: &'a str,
    tool: &'a str,
    /// One for each round; null where the tool gave no figures.
    rounds: Vec<Option<Reading>>,
    median: Median,
    multiple: Multiples,
    /// Of all rounds.
    failed: u64,
    /// Why a round has no figures: the last reason.
    fault: Option<&'a str>,
}

/// Over the rounds that have the figure; null when none has.
#[derive(Debug, Serialize, JsonSchema)]
struct Median {
    requests_per_second: Option<f64>,
    mean_us: Option<f64>,
    p50_us: Option<f64>,
    p99_us: Option<f64>,
}

/// Of jigger's figure in the same rounds; null for jigger itself.
#[derive(Debug, Serialize, JsonSchema)]
struct Multiples {
    requests_per_second: Option<Multiple>,
    mean_us: Option<Multiple>,
}

/// One object, with a line break at its end.
#[must_use]
pub fn render(checked: &Checked<'_>) -> String {
    to_json(&CrossCheck {
        version: VERSION,
        suite: checked.suite,
        rounds: checked.rounds,
        placement: checked.placement,
        tools: checked.tools.iter().map(ToolShape::of).collect(),
        scenarios: checked.scenarios.iter().map(ScenarioShape::of).collect(),
        contenders: &checked.contenders,
        series: checked.series.iter().map(|series| SeriesShape::of(checked, series)).collect(),
        missing: &checked.missing,
    })
}

impl<'a> ToolShape<'a> {
    fn of((name, version): &'a (&'static str, String)) -> Self {
        let known = TOOLS.iter().find(|tool| tool.name == *name);
        Self {
            name,
            version: Some(version.as_str()).filter(|version| !version.is_empty()),
            differs: known.map(|tool| tool.differs),
        }
    }
}

impl<'a> ScenarioShape<'a> {
    fn of(scenario: &'a Scenario) -> Self {
        let (requests, seconds) = match scenario.extent {
            Extent::Count(requests) => (Some(requests), None),
            Extent::Time(time) => (None, Some(time.as_secs_f64())),
        };
        Self {
            name: &scenario.name,
            connections: scenario.connections,
            connection: if scenario.is_fresh() { "fresh" } else { "keep-alive" },
            requests,
            seconds,
        }
    }
}

impl<'a> SeriesShape<'a> {
    fn of(checked: &Checked<'_>, series: &'a Series) -> Self {
        let own = checked.find(&series.contender, &series.scenario, JIGGER);
        let own = own.filter(|_| series.tool != JIGGER);
        let multiple = |of: Figure| own.and_then(|own| series.multiple(own, of));
        let mut rounds = series.readings.clone();
        rounds.resize(checked.rounds, None);
        Self {
            contender: &series.contender,
            scenario: &series.scenario,
            tool: series.tool,
            rounds,
            median: Median {
                requests_per_second: series.median(|it| Some(it.requests_per_second)),
                mean_us: series.median(|it| it.mean_us),
                p50_us: series.median(|it| it.p50_us),
                p99_us: series.median(|it| it.p99_us),
            },
            multiple: Multiples {
                requests_per_second: multiple(|it| Some(it.requests_per_second)),
                mean_us: multiple(|it| it.mean_us),
            },
            failed: series.failed(),
            fault: series.fault.as_deref(),
        }
    }
}
