//! The tables: every figure with its unit and interval.

use maud::{Markup, html};

use super::caveats::Caveats;
use super::{bound_sign, interval, scrolling};
use crate::analysis::{Analysis, ContenderResult};
use crate::record::{Limit, ScenarioRecord};
use crate::report::tables::{LIMIT, measured, ratio_text, scenario_title};
use crate::report::units::{significant, with_unit};

/// A column: the metric's name and its heading.
type Column = (&'static str, &'static str);

const RATE: &str = "requests_per_second";

const OF_SCENARIO: [Column; 9] = [
    (RATE, "requests a second"),
    ("response_time_us.mean", "mean"),
    ("response_time_us.stdev", "standard deviation"),
    ("response_time_us.p50", "p50"),
    ("response_time_us.p90", "p90"),
    ("response_time_us.p99", "p99"),
    ("response_time_us.p99_9", "p99.9"),
    ("response_time_us.max", "maximum of a round"),
    ("cpu_us_per_request", "CPU time a request"),
];

const OF_SERVER: [Column; 4] = [
    ("startup_ms", "start-up"),
    ("memory_idle_bytes", "idle memory"),
    ("memory_peak_bytes", "peak memory"),
    ("build_seconds", "build"),
];

pub fn body(analysis: &Analysis<'_>, caveats: &Caveats) -> Option<Markup> {
    let scenarios = &analysis.record.suite.scenarios;
    let tables: Vec<Markup> = scenarios
        .iter()
        .filter_map(|scenario| scenario_table(analysis, scenario, caveats))
        .chain(server_table(analysis, caveats))
        .collect();
    (!tables.is_empty()).then(|| html! {
        p.how {
            "Below each figure stands its 95 % interval over the rounds. A percentile is the mean of "
            "the rounds' percentiles; one that the answers of a round are too few for is left out. "
            "CPU time and memory are those of the server's whole process tree. The limit is the "
            "resource that was used up, so that no more requests were answered."
        }
        @for table in &tables { (table) }
    })
}

fn scenario_table(
    analysis: &Analysis<'_>,
    scenario: &ScenarioRecord,
    caveats: &Caveats,
) -> Option<Markup> {
    let place = &scenario.name;
    let rate = format!("{place}.{RATE}");
    let columns = present(analysis, &OF_SCENARIO, |metric| format!("{place}.{metric}"))?;
    let rows = html! {
        @for contender in measured(analysis) {
            tr {
                th scope="row" { (contender.record.name) (caveats.beside(&contender.record.name, place)) }
                @for (metric, _) in &columns {
                    (cell(contender, metric))
                    @if *metric == rate { td { (ratio(analysis, contender, &rate)) } }
                }
                td { (analysis.limit(&contender.record.name, place).map_or("-", Limit::words)) }
            }
        }
    };
    let headings = columns.iter().flat_map(|(metric, heading)| {
        let ratio = (*metric == rate).then_some("ratio");
        std::iter::once(*heading).chain(ratio)
    });
    let headings = headings.chain([LIMIT]);
    Some(table(&scenario_title(scenario), headings, &rows))
}

fn server_table(analysis: &Analysis<'_>, caveats: &Caveats) -> Option<Markup> {
    let columns = present(analysis, &OF_SERVER, str::to_owned)?;
    let tags = |contender: &ContenderResult<'_>| {
        html! {
            @for (metric, _) in &columns { (caveats.beside(&contender.record.name, metric)) }
        }
    };
    let rows = html! {
        @for contender in measured(analysis) {
            tr {
                th scope="row" { (contender.record.name) (tags(contender)) }
                @for (metric, _) in &columns { (cell(contender, metric)) }
            }
        }
    };
    Some(table("the servers as such", columns.iter().map(|(_, heading)| *heading), &rows))
}

/// The columns that at least one contender has a figure for, with the metrics' whole names.
fn present(
    analysis: &Analysis<'_>,
    columns: &[Column],
    whole_name: impl Fn(&str) -> String,
) -> Option<Vec<(String, &'static str)>> {
    let has_figure = |name: &str| analysis.contenders.iter().any(|c| c.metric(name).is_some());
    let columns: Vec<(String, &'static str)> = columns
        .iter()
        .map(|(metric, heading)| (whole_name(metric), *heading))
        .filter(|(name, _)| has_figure(name))
        .collect();
    (!columns.is_empty()).then_some(columns)
}

fn table<'a>(title: &str, headings: impl Iterator<Item = &'a str>, rows: &Markup) -> Markup {
    scrolling(
        title,
        &html! {
            table {
                caption { span { (title) } }
                thead {
                    tr {
                        th scope="col" { "contender" }
                        @for heading in headings { th scope="col" { (heading) } }
                    }
                }
                tbody { (rows) }
            }
        },
    )
}

fn cell(contender: &ContenderResult<'_>, metric: &str) -> Markup {
    let Some(metric) = contender.metric(metric) else {
        return html! { td { "-" } };
    };
    html! {
        td {
            (bound_sign(metric.bound)) (with_unit(metric.estimate, metric.unit))
            @if let (Some(low), Some(high)) = (metric.low, metric.high) {
                span.interval { (interval((low, high), metric.unit)) }
            }
        }
    }
}

/// No ratio is shown where a gate forbids it.
fn ratio(analysis: &Analysis<'_>, contender: &ContenderResult<'_>, rate: &str) -> Markup {
    if contender.record.name == analysis.record.suite.baseline {
        return html! { "baseline" };
    }
    let comparison = analysis.comparison(rate, &contender.record.name);
    let Some(comparison) = comparison.filter(|comparison| comparison.withheld.is_none()) else {
        return html! { "-" };
    };
    html! {
        (ratio_text(comparison))
        @if let (Some(low), Some(high)) = (comparison.low, comparison.high) {
            span.interval { (significant(low)) " to " (significant(high)) }
        }
    }
}
