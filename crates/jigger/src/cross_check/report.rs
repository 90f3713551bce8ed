//! The tools' figures beside jigger's, as Markdown.

pub mod json;

use std::fmt::Write as _;

use jigger_load::Extent;

use super::checked::{Checked, Figure, JIGGER, Multiple, Series};
use super::read::Reading;
use super::tool::TOOLS;
use crate::report::units::{count, grouped, time_us};
use crate::suite::Scenario;

/// The whole page's part.
#[must_use]
pub fn markdown(checked: &Checked<'_>) -> String {
    let mut text = format!("## Cross-check of the suite `{}`\n\n", checked.suite);
    let named: Vec<String> =
        checked.tools.iter().map(|(name, version)| format!("{name} {version}")).collect();
    let _ = writeln!(
        text,
        "{}. In each round jigger restarted, verified and warmed up every server. Then every tool \
         ran against it, one after another, in an order drawn for that round. The tools ran on core \
         {}, the servers on core {}. Values are medians over the rounds. Ratios compare a tool with \
         jigger in the same round, with the 95 % interval if there are 3 rounds or more.\n\nTools: \
         {}.\n",
        count(checked.rounds, "round"),
        list(&checked.placement.client_cpus),
        list(&checked.placement.server_cpus),
        named.iter().map(|name| name.trim()).collect::<Vec<_>>().join(", ")
    );
    for scenario in checked.scenarios {
        scenario_part(&mut text, checked, scenario);
    }
    reasons(&mut text, checked);
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
        "| server | tool | requests/s | as a multiple of jigger's | mean | as a multiple | p50 | p99 | failed |\n\
         |---|---|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for contender in &checked.contenders {
        let Some(own) = checked.find(contender, &scenario.name, JIGGER) else {
            continue;
        };
        let of_tools = checked.tools.iter();
        let of_tools =
            of_tools.filter_map(|(tool, _)| checked.find(contender, &scenario.name, tool));
        of_tools.for_each(|series| row(text, series, own));
    }
    text.push('\n');
}

fn in_words(scenario: &Scenario) -> String {
    let connections = match (scenario.connections, scenario.is_fresh()) {
        (1, true) => "a new connection for each request".to_owned(),
        (1, false) => "one connection".to_owned(),
        (many, true) => format!("{many} at a time, a new connection for each request"),
        (many, false) => format!("{many} connections"),
    };
    match scenario.extent {
        Extent::Count(requests) => format!("{connections}, {requests} requests"),
        Extent::Time(time) => format!("{connections}, {} s", time.as_secs_f64()),
    }
}

fn row(text: &mut String, series: &Series, own: &Series) {
    let shown = |figure: Figure, unit: fn(f64) -> String| {
        series.median(figure).map_or_else(|| "-".to_owned(), unit)
    };
    let multiple = |figure: Figure| {
        if series.tool == JIGGER {
            return String::new();
        }
        series.multiple(own, figure).map_or_else(|| "-".to_owned(), with_interval)
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

fn reasons(text: &mut String, checked: &Checked<'_>) {
    text.push_str("### Why they differ by design\n\n");
    for tool in TOOLS.iter().filter(|tool| checked.series.iter().any(|one| one.tool == tool.name)) {
        let _ = writeln!(text, "- **{}**: {}", tool.name, tool.differs);
    }
}

fn with_interval(multiple: Multiple) -> String {
    match multiple.low.zip(multiple.high) {
        Some((low, high)) => format!("{:.3} ({low:.3} to {high:.3})", multiple.ratio),
        None => format!("{:.3}", multiple.ratio),
    }
}

fn list(cores: &[usize]) -> String {
    cores.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
