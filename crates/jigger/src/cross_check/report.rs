//! The tools' figures beside jigger's, as Markdown.

use std::fmt::Write as _;

use jigger_stats::{Paired, Ratio};

use super::read::Reading;
use super::tool::Tool;
use crate::report::units::{grouped, time_us};
use crate::suite::{Extent, Scenario};

/// What one tool measured of one contender in one scenario.
#[derive(Debug, Clone)]
pub struct Series {
    /// The contender.
    pub contender: String,
    /// The scenario.
    pub scenario: String,
    /// `jigger` or the tool's name.
    pub tool: &'static str,
    /// One for each round; `None` where there is none.
    pub readings: Vec<Option<Reading>>,
    /// Why a round has none: the last reason.
    pub fault: Option<String>,
}

/// All that was measured.
#[derive(Debug)]
pub struct Checked<'a> {
    /// The suite's name.
    pub suite: &'a str,
    /// Its scenarios.
    pub scenarios: &'a [Scenario],
    /// The contenders that took part.
    pub contenders: Vec<String>,
    /// Rounds begun.
    pub rounds: usize,
    /// The cores of the tools and of the servers, in words.
    pub placement: String,
    /// jigger's name and those of the tools, with their versions.
    pub tools: Vec<(&'static str, String)>,
    /// Every series.
    pub series: Vec<Series>,
    /// What could not be run, with the remedy.
    pub missing: Vec<String>,
}

impl Checked<'_> {
    /// Whether a tool has been asked in vain, so that asking again would only take time.
    #[must_use]
    pub fn is_hopeless(&self, contender: &str, scenario: &str, tool: &str) -> bool {
        self.series.iter().any(|series| {
            (series.contender == contender && series.scenario == scenario && series.tool == tool)
                && series.fault.is_some()
                && series.readings.iter().all(Option::is_none)
        })
    }
}

/// jigger's own name in the table.
pub const JIGGER: &str = "jigger";

impl Series {
    fn values(&self, figure: fn(&Reading) -> Option<f64>) -> Vec<Option<f64>> {
        self.readings.iter().map(|reading| reading.as_ref().and_then(figure)).collect()
    }

    fn failed(&self) -> u64 {
        self.readings.iter().flatten().map(|reading| reading.failed).sum()
    }
}

/// The whole page's part.
#[must_use]
pub fn markdown(checked: &Checked<'_>, tools: &[Tool]) -> String {
    let mut text = format!("## Cross-check of the suite `{}`\n\n", checked.suite);
    let named: Vec<String> =
        checked.tools.iter().map(|(name, version)| format!("{name} {version}")).collect();
    let _ = writeln!(
        text,
        "{} rounds; in each every server was launched afresh, verified and warmed up, then every \
         tool ran against it in turn, in an order drawn for that round. {}. Values are medians \
         over the rounds; ratios compare a tool with jigger in the same round, with the 95 % \
         interval where there are 6 rounds.\n\nTools: {}.\n",
        checked.rounds,
        checked.placement,
        named.iter().map(|name| name.trim()).collect::<Vec<_>>().join(", ")
    );
    for scenario in checked.scenarios {
        scenario_part(&mut text, checked, scenario);
    }
    reasons(&mut text, checked, tools);
    if !checked.missing.is_empty() {
        text.push_str("\n### Not run\n\n");
        checked.missing.iter().for_each(|line| {
            let _ = writeln!(text, "- {}", line.replace('\n', "\n  "));
        });
    }
    text
}

fn scenario_part(text: &mut String, checked: &Checked<'_>, scenario: &Scenario) {
    let _ = writeln!(text, "### {}: {}\n", scenario.name, in_words(scenario));
    text.push_str(
        "| contender | tool | requests/s | as a multiple of jigger's | mean | as a multiple | p50 | p99 | failed |\n\
         |---|---|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for contender in &checked.contenders {
        let of_contender: Vec<&Series> = checked
            .series
            .iter()
            .filter(|series| series.contender == *contender && series.scenario == scenario.name)
            .collect();
        let Some(own) = of_contender.iter().find(|series| series.tool == JIGGER) else {
            continue;
        };
        for (tool, _) in &checked.tools {
            let of_tool = of_contender.iter().filter(|series| series.tool == *tool);
            of_tool.for_each(|series| row(text, series, own));
        }
    }
    text.push('\n');
}

fn in_words(scenario: &Scenario) -> String {
    let connections = match (scenario.connections, scenario.fresh) {
        (1, true) => "a new connection for each request".to_owned(),
        (1, false) => "one connection".to_owned(),
        (many, true) => format!("{many} at a time, a new connection for each request"),
        (many, false) => format!("{many} connections"),
    };
    match scenario.extent {
        Extent::Requests(requests) => format!("{connections}, {requests} requests"),
        Extent::Time(time) => format!("{connections}, {} s", time.as_secs_f64()),
    }
}

fn row(text: &mut String, series: &Series, own: &Series) {
    let shown = |figure: fn(&Reading) -> Option<f64>, unit: fn(f64) -> String| {
        median(&series.values(figure)).map_or_else(|| "-".to_owned(), unit)
    };
    let multiple = |figure: fn(&Reading) -> Option<f64>| {
        if series.tool == JIGGER {
            return String::new();
        }
        ratio(&series.values(figure), &own.values(figure)).unwrap_or_else(|| "-".to_owned())
    };
    let rate = |reading: &Reading| Some(reading.requests_per_second);
    let mean = |reading: &Reading| reading.mean_us;
    let note = series.fault.as_ref().map_or_else(String::new, |fault| {
        format!(" ({})", fault.lines().next().unwrap_or_default().replace('|', "/"))
    });
    let _ = writeln!(
        text,
        "| {} | {}{note} | {} | {} | {} | {} | {} | {} | {} |",
        series.contender,
        series.tool,
        shown(rate, grouped),
        multiple(rate),
        shown(mean, time_us),
        multiple(mean),
        shown(|reading| reading.p50_us, time_us),
        shown(|reading| reading.p99_us, time_us),
        series.failed(),
    );
}

fn reasons(text: &mut String, checked: &Checked<'_>, tools: &[Tool]) {
    text.push_str("### Why they differ by design\n\n");
    for tool in tools.iter().filter(|tool| checked.series.iter().any(|one| one.tool == tool.name)) {
        let _ = writeln!(text, "- **{}**: {}", tool.name, tool.differs);
    }
}

fn median(values: &[Option<f64>]) -> Option<f64> {
    let mut values: Vec<f64> = values.iter().flatten().copied().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len().checked_sub(1)? / 2;
    Some(f64::midpoint(values[middle], values[values.len() / 2]))
}

/// The tool's values as a multiple of jigger's, from the rounds in which both have one.
fn ratio(tool: &[Option<f64>], own: &[Option<f64>]) -> Option<String> {
    let pairs = tool.iter().zip(own).filter_map(|(tool, own)| tool.zip(*own));
    let (tool, own): (Vec<f64>, Vec<f64>) = pairs.unzip();
    match Ratio::of(&tool, &own, 0.95) {
        Ok(ratio) => Some(format!("{:.3} ({:.3} to {:.3})", ratio.estimate, ratio.low, ratio.high)),
        Err(_) => Some(format!("{:.3}", Paired::new(&tool, &own).ok()?.estimate())),
    }
}

#[cfg(test)]
mod tests;
