//! What is read first: all servers by the figures that people choose by, how fast each is, and what
//! that says.

use maud::{Markup, html};

use super::bars::{Bar, INTERVALS, bars};
use super::{Caveats, anchor, figure, scrolling, set, thresholds};
use crate::analysis::{Analysis, Ranked, headline};
use crate::record::ScenarioRecord;
use crate::report::glance::{self, Caveat, Matrix, matrix, numbers_of, scenarios, summary};
use crate::report::published;
use crate::report::tables::ranked_name;
use crate::report::units::grouped;

pub fn body(analysis: &Analysis<'_>, details: &Caveats) -> Option<Markup> {
    let found = matrix(analysis);
    // Those of a matrix are drawn as curves.
    let single = scenarios(analysis).filter(|scenario| scenario.variant.is_none());
    let charts: Vec<Markup> = single.filter_map(|it| rates(analysis, it)).collect();
    let (thresholds, sentences) = (thresholds(analysis), summary(analysis));
    let (caveats, published) = (glance::caveats(analysis), published::lines(analysis));
    let baseline = &analysis.record.suite.baseline;
    (!found.rows.is_empty()).then(|| html! {
        (scrolling("Servers by the figures that decide", &table(&found, &caveats)))
        p.how { "Bold: the best value of each column, and those that were not shown to differ from it." }
        @if !charts.is_empty() {
            h3 { "Throughput" }
            p.how { "Requests per second. " (INTERVALS) }
            div.charts { @for chart in &charts { (chart) } }
        }
        @if let Some(thresholds) = &thresholds { (thresholds) }
        @if !sentences.is_empty() {
            h3 { "Summary" }
            p.how { "1x is the baseline, " (baseline) "; in parentheses 95 % intervals." }
            ul.verdicts { @for sentence in &sentences { li { (set(sentence)) } } }
        }
        @if !published.is_empty() {
            h3 { "Published elsewhere" }
            ul { @for line in &published { li { (line) } } }
        }
        (list(&caveats, details))
    })
}

fn table(found: &Matrix, caveats: &[Caveat<'_>]) -> Markup {
    html! {
        table.best {
            thead {
                tr {
                    th scope="col" { "server" }
                    @for heading in &found.heading {
                        // Lines end between words, not at the hyphens within them.
                        th scope="col" { @for word in heading.split(' ') { span { (word) } " " } }
                    }
                }
            }
            tbody {
                @for (name, figures) in &found.rows {
                    tr {
                        th scope="row" {
                            (name)
                            @for number in numbers_of(caveats, name) {
                                " " a href=(format!("#glance-caveat-{number}")) { "[" (number) "]" }
                            }
                        }
                        @for (figure, is_best) in figures {
                            td { @if *is_best { strong { (figure) } } @else { (figure) } }
                        }
                    }
                }
            }
        }
    }
}

/// Each server's rate, the fastest first. Nothing where the scenario gives the rate.
fn rates(analysis: &Analysis<'_>, scenario: &ScenarioRecord) -> Option<Markup> {
    if !headline(scenario).descriptor().is_more_better() {
        return None;
    }
    let bar = |Ranked { rank, contender, summary }: &Ranked<'_>| {
        let name = &contender.record.name;
        let series = analysis.contenders.iter().position(|it| it.record.name == *name)?;
        Some(Bar::of(series, ranked_name(*rank, name), (*summary)?))
    };
    let ranked: Vec<Bar> = analysis.ranking(scenario).iter().filter_map(bar).collect();
    (!ranked.is_empty()).then(|| {
        let id = anchor("rates", &scenario.name);
        let title = format!("{}: requests per second", scenario.name);
        let chart = bars(&id, &title, &title, &ranked, grouped);
        let limits = glance::limits(analysis, scenario);
        let caption = html! { @if let Some(limits) = &limits { "Limit: " (limits) "." } };
        html! { div { h4 { (glance::title(scenario)) } (figure(&chart, &caption)) } }
    })
}

/// The numbered caveats, each with a link to what was found and what to do about it.
fn list(caveats: &[Caveat<'_>], details: &Caveats) -> Markup {
    html! {
        @if !caveats.is_empty() {
            h3 { "Caveats" }
            ul.numbered {
                @for (at, caveat) in caveats.iter().enumerate() {
                    li id=(format!("glance-caveat-{}", at + 1)) {
                        "[" (at + 1) "] "
                        @match details.place(caveat.code) {
                            Some(place) => a href=(format!("#{place}")) { (caveat.code) },
                            None => (caveat.code),
                        }
                        (caveat.after_code())
                    }
                }
            }
        }
    }
}
