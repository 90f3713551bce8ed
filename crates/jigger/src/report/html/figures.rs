//! The tables: every figure with its unit and interval, and what changed since an earlier record.

use maud::{Markup, html};

use super::caveats::Caveats;
use super::{bound_sign, interval, scrolling};
use crate::analysis::{Analysis, ContenderResult, Difference};
use crate::metric::{Kind, Metric};
use crate::record::{Limit, ScenarioRecord};
use crate::report::changes::{difference_tables, difference_title, headline, remarks};
use crate::report::services;
use crate::report::tables::{LIMIT, Table, measured, ratio_text, request_table, scenario_title};
use crate::report::units::{significant, with_unit};

type Column<'a> = (Metric<'a>, &'static str);

pub fn body(analysis: &Analysis<'_>, caveats: &Caveats) -> Option<Markup> {
    let scenarios = &analysis.record.suite.scenarios;
    let tables: Vec<Markup> = scenarios
        .iter()
        .flat_map(|scenario| {
            [scenario_table(analysis, scenario, caveats), requests(analysis, scenario)]
        })
        .flatten()
        .chain(server_table(analysis, caveats))
        .chain(services::tables(analysis).iter().map(lines))
        .collect();
    (!tables.is_empty()).then(|| html! {
        p.how {
            "The 95 % interval over the rounds stands below each figure. A percentile is the mean of "
            "the rounds' percentiles; it is left out if a round has too few responses for it. "
            "CPU time and memory are those of the server's whole process tree. The limit is the "
            "resource that ran out first."
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
    let rate = Kind::RequestsPerSecond.of(place);
    let columns = present(analysis, Some(place))?;
    let rows = html! {
        @for contender in measured(analysis) {
            tr {
                th scope="row" { (contender.record.name) (caveats.beside(&contender.record.name, place)) }
                @for (metric, _) in &columns {
                    (cell(contender, *metric))
                    @if *metric == rate { td { (ratio(analysis, contender, rate)) } }
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

/// Each request of a mix.
fn requests(analysis: &Analysis<'_>, scenario: &ScenarioRecord) -> Option<Markup> {
    let found = request_table(analysis, scenario);
    (!found.rows.is_empty()).then(|| lines(&found))
}

/// A table as the other reports have it.
pub fn lines(of: &Table) -> Markup {
    marked_lines(of, &[])
}

/// The same with what stands beside the name in each row.
pub fn marked_lines(of: &Table, beside: &[Markup]) -> Markup {
    let headings = of.heading.iter().skip(1).map(String::as_str);
    let cells = html! {
        @for (at, row) in of.rows.iter().enumerate() {
            tr {
                @if let Some((contender, cells)) = row.split_first() {
                    th scope="row" { (contender) @if let Some(marks) = beside.get(at) { (marks) } }
                    @for cell in cells { td { (cell) } }
                }
            }
        }
    };
    table(&of.title, headings, &cells)
}

fn server_table(analysis: &Analysis<'_>, caveats: &Caveats) -> Option<Markup> {
    let columns = present(analysis, None)?;
    let tags = |contender: &ContenderResult<'_>| {
        html! {
            @for (metric, _) in &columns { (caveats.beside(&contender.record.name, &metric.to_string())) }
        }
    };
    let rows = html! {
        @for contender in measured(analysis) {
            tr {
                th scope="row" { (contender.record.name) (tags(contender)) }
                @for (metric, _) in &columns { (cell(contender, *metric)) }
            }
        }
    };
    Some(table("costs", columns.iter().map(|(_, heading)| *heading), &rows))
}

/// The columns that at least one contender has a figure for: of a scenario, or of servers as such.
fn present<'a>(analysis: &Analysis<'_>, scenario: Option<&'a str>) -> Option<Vec<Column<'a>>> {
    let column = |kind: Kind| Some((Metric { kind, scenario }, kind.descriptor().figure?));
    let has_figure = |metric| analysis.contenders.iter().any(|it| it.summary(metric).is_some());
    let columns: Vec<Column<'a>> = Kind::all()
        .filter(|kind| kind.is_of_scenario() == scenario.is_some())
        .filter_map(column)
        .filter(|(metric, _)| has_figure(*metric))
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
                        th scope="col" { "server" }
                        @for heading in headings { th scope="col" { (heading) } }
                    }
                }
                tbody { (rows) }
            }
        },
    )
}

fn cell(contender: &ContenderResult<'_>, metric: Metric<'_>) -> Markup {
    let Some(found) = contender.summary(metric) else {
        return html! { td { "-" } };
    };
    let unit = metric.descriptor().unit;
    html! {
        td {
            (bound_sign(found.bound)) (with_unit(found.estimate, unit))
            @if let (Some(low), Some(high)) = (found.low, found.high) {
                span.interval { (interval((low, high), unit)) }
            }
        }
    }
}

/// No ratio is shown where a gate forbids it.
fn ratio(analysis: &Analysis<'_>, contender: &ContenderResult<'_>, rate: Metric<'_>) -> Markup {
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

pub fn change(found: &Difference<'_>) -> Markup {
    html! {
        p { (difference_title(found)) }
        @if found.reasons.is_empty() {
            p { strong { (headline(found)) } }
            @for table in difference_tables(found) { (drawn(&table)) }
            ul { @for remark in remarks(found) { li { (remark) } } }
        } @else {
            p { "The two cannot be compared:" }
            ul.notes { @for reason in &found.reasons { li { (reason) } } }
        }
    }
}

fn drawn(table: &Table) -> Markup {
    scrolling(
        &table.title,
        &html! {
            table {
                caption { span { (table.title) } }
                thead { tr {
                    @for (at, heading) in table.heading.iter().enumerate() {
                        th scope="col" { (if at == 0 { "metric" } else { heading }) }
                    }
                } }
                tbody {
                    @for row in &table.rows {
                        tr {
                            @for (at, cell) in row.iter().enumerate() {
                                @if at == 0 { th scope="row" { (cell) } } @else { td { (cell) } }
                            }
                        }
                    }
                }
            }
        },
    )
}
