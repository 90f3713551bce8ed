//! What was measured, and what follows from it: medians, and multiples of jigger's own figures.

use jigger_stats::{CONFIDENCE, Panel};
use schemars::JsonSchema;
use serde::Serialize;

use super::error::ToolError;
use super::read::Reading;
use super::tool::Found;
use crate::host::Placement;
use crate::plan::RunPlan;
use crate::record::{ContenderRecord, Record};
use crate::server::Diagnostic as _;
use crate::suite::Scenario;

/// jigger's own name among the tools.
pub const JIGGER: &str = "jigger";

/// One figure of a reading.
pub type Figure = fn(&Reading) -> Option<f64>;

#[derive(Debug)]
pub struct Checked<'a> {
    pub suite: &'a str,
    pub scenarios: &'a [Scenario],
    /// The contenders that took part.
    pub contenders: Vec<String>,
    pub rounds: usize,
    pub placement: &'a Placement,
    /// jigger's name and those of the tools, with their versions; an empty one is not known.
    pub tools: Vec<(&'static str, String)>,
    pub series: Vec<Series>,
    /// What could not be run, with the remedy.
    pub missing: Vec<String>,
}

/// What one tool measured of one contender in one scenario.
#[derive(Debug, Clone)]
pub struct Series {
    pub contender: String,
    pub scenario: String,
    /// `jigger` or the tool's name.
    pub tool: &'static str,
    /// One for each round, as far as there are any; `None` where there is none.
    pub readings: Vec<Option<Reading>>,
    /// Why a round has none: the last reason.
    pub fault: Option<String>,
}

/// A tool's figure as a multiple of jigger's, with its 95 % interval where there are 3 rounds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Multiple {
    pub ratio: f64,
    pub low: Option<f64>,
    pub high: Option<f64>,
}

impl<'a> Checked<'a> {
    /// Nothing yet, of a run with these tools; and what could not be run.
    #[must_use]
    pub fn new(plan: &'a RunPlan, found: &[Found], missing: Vec<String>) -> Self {
        let own = (JIGGER, env!("CARGO_PKG_VERSION").to_owned());
        let alone = plan.scenarios.iter().filter(|scenario| scenario.plain_get().is_none());
        let alone = alone.map(|scenario| {
            format!(
                "the scenario {} with other tools: the tools only send a GET of one URL in \
                 HTTP/1.1, so only jigger ran it",
                scenario.name
            )
        });
        let others = found.iter().map(|found| (found.tool.name, found.version.clone()));
        Self {
            suite: &plan.suite.name,
            scenarios: &plan.scenarios,
            contenders: Vec::new(),
            rounds: 0,
            placement: &plan.placement,
            tools: std::iter::once(own).chain(others).collect(),
            series: Vec::new(),
            missing: missing.into_iter().chain(alone).collect(),
        }
    }

    /// Keeps what a tool measured of a contender in a scenario, or why it did not.
    pub fn keep(
        &mut self,
        (contender, scenario, tool): (&str, &str, &'static str),
        round: usize,
        reading: Result<Reading, ToolError>,
    ) {
        let place = self.place(contender, scenario, tool).unwrap_or_else(|| {
            self.series.push(Series {
                contender: contender.to_owned(),
                scenario: scenario.to_owned(),
                tool,
                readings: Vec::new(),
                fault: None,
            });
            self.series.len() - 1
        });
        let series = &mut self.series[place];
        series.readings.resize(round, None);
        series.readings.push(reading.as_ref().ok().copied());
        series.fault = reading.err().map(|error| error.in_full()).or(series.fault.take());
    }

    /// Takes from the record who took part, and who did not or no longer.
    pub fn conclude(&mut self, record: &Record) {
        let visited = |it: &&ContenderRecord| record.visits_of(&it.name).next().is_some();
        let name = |it: &ContenderRecord| it.name.clone();
        self.contenders = record.contenders.iter().filter(visited).map(name).collect();
        let reasons =
            record.contenders.iter().filter_map(|it| Some((&it.name, it.reason.as_ref()?)));
        let line = |(name, reason)| format!("the contender {name}: {reason}");
        self.missing.extend(reasons.map(line));
    }

    /// Whether a tool has been run in vain, so that running it again would only take time.
    #[must_use]
    pub fn is_hopeless(&self, contender: &str, scenario: &str, tool: &str) -> bool {
        let of_tool = self.find(contender, scenario, tool);
        of_tool.is_some_and(|series| {
            series.fault.is_some() && series.readings.iter().all(Option::is_none)
        })
    }

    /// What a tool measured of a contender in a scenario.
    #[must_use]
    pub fn find(&self, contender: &str, scenario: &str, tool: &str) -> Option<&Series> {
        self.place(contender, scenario, tool).map(|place| &self.series[place])
    }

    fn place(&self, contender: &str, scenario: &str, tool: &str) -> Option<usize> {
        self.series.iter().position(|series| {
            series.contender == contender && series.scenario == scenario && series.tool == tool
        })
    }
}

impl Series {
    /// The median over the rounds that have the figure.
    #[must_use]
    pub fn median(&self, figure: Figure) -> Option<f64> {
        let mut values: Vec<f64> = self.values(figure).flatten().collect();
        values.sort_by(f64::total_cmp);
        let middle = values.len().checked_sub(1)? / 2;
        Some(f64::midpoint(values[middle], values[values.len() / 2]))
    }

    /// The figure as a multiple of jigger's, from the rounds in which both have it.
    #[must_use]
    pub fn multiple(&self, own: &Self, figure: Figure) -> Option<Multiple> {
        let values = |series: &Self| -> Vec<Option<f64>> { series.values(figure).collect() };
        let contrast = Panel::pair(&values(self), &values(own)).contrast(0, 1)?;
        let interval = contrast.interval(CONFIDENCE);
        let (low, high) = interval.map(|interval| (interval.low, interval.high)).unzip();
        Some(Multiple { ratio: contrast.ratio(), low, high })
    }

    #[must_use]
    pub fn failed(&self) -> u64 {
        self.readings.iter().flatten().map(|reading| reading.failed).sum()
    }

    fn values(&self, figure: Figure) -> impl Iterator<Item = Option<f64>> {
        self.readings.iter().map(move |reading| reading.as_ref().and_then(figure))
    }
}
