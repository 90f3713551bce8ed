//! The report as one HTML page that needs nothing else: no network, no script, no font.
//!
//! Whatever the suite, the servers and their logs say is escaped by the templates; nothing but
//! the style sheet and the escaped record is written as it is.

mod bars;
mod caveats;
mod costs;
mod curves;
mod figures;
mod glance;
mod images;
mod latency;
mod provenance;
mod ratios;
mod rounds;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::heading;
use super::sentence::{Part, Sentence};
use super::sentences::sentences;
use super::tables::{requirement, threshold_value};
use super::units::with_unit;
use crate::analysis::{Analysis, Difference};
use crate::metric::{Bound, Unit};
use crate::record::{ScenarioRecord, embed};
use caveats::Caveats;

struct Section {
    id: &'static str,
    title: &'static str,
    body: Markup,
}

impl Section {
    fn of(id: &'static str, title: &'static str, body: Option<Markup>) -> Option<Self> {
        body.map(|body| Self { id, title, body })
    }

    fn unfolded(&self) -> Markup {
        let heading = self.heading();
        html! { section id=(self.id) aria-labelledby=(heading) { h2 id=(heading) { (self.title) } (self.body) } }
    }

    /// A link to what is in it unfolds it.
    fn folded(&self) -> Markup {
        let heading = self.heading();
        html! {
            details.part {
                summary { h2 id=(heading) { (self.title) } }
                section id=(self.id) aria-labelledby=(heading) { (self.body) }
            }
        }
    }

    fn heading(&self) -> String {
        format!("{}-heading", self.id)
    }
}

/// What the charts need of the style sheet: they are files of their own too.
const COLORS: &str = include_str!("html/colors.css");
const STYLE: &str = concat!(include_str!("html/colors.css"), include_str!("html/style.css"));

/// Nothing is loaded and no script runs, whatever a server managed to put into the page.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
                      base-uri 'none'; form-action 'none'";

/// The whole page, ending with a line feed, with the record in it, and with what changed since an
/// earlier one where that is given. Everything is folded but that, the glance
/// and the curves of a matrix.
pub fn render(analysis: &Analysis<'_>, since: Option<&Difference<'_>>) -> String {
    let caveats = Caveats::of(analysis);
    let record = embed(analysis.record);
    let first = Section::of("glance", "At a glance", glance::body(analysis, &caveats));
    let change = "What changed since an earlier record";
    let change =
        since.and_then(|found| Section::of("change", change, Some(figures::change(found))));
    let curves =
        Section::of("curves", "By the values of the matrix", curves::body(analysis, &caveats));
    let details = details(analysis, &caveats, record.is_packed);
    let title = format!("{}: jigger report", analysis.record.suite.name);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content=(format!("jigger {}", analysis.record.jigger));
                // Without it, a browser asks the server of the page for an icon.
                link rel="icon" href="data:,";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (header(analysis))
                main {
                    @for section in first.iter().chain(&curves).chain(&change) { (section.unfolded()) }
                    @for section in &details { (section.folded()) }
                }
                footer { p { "Made by jigger " (analysis.record.jigger) " from the record in this page." } }
                (PreEscaped(record.element))
            }
        }
    };
    page.into_string() + "\n"
}

fn details(analysis: &Analysis<'_>, caveats: &Caveats, is_packed: bool) -> Vec<Section> {
    let throughput = costs::throughput_against_memory(analysis, caveats);
    let reproduce = provenance::reproduce(analysis.record, is_packed);
    [
        ("verdicts", "Comparisons", verdicts(analysis)),
        ("ratios", "Ratios to the baseline", ratios::body(analysis, caveats)),
        ("figures", "Figures", figures::body(analysis, caveats)),
        ("rounds", "Each round", rounds::body(analysis, caveats)),
        ("latency", "Distribution of response times", latency::body(analysis, caveats)),
        ("costs", "Throughput against memory", throughput),
        ("start-up", "Start-up", costs::start_up(analysis)),
        ("images", "Container images", images::body(analysis)),
        ("caveats", "Caveats and remedies", caveats.body(analysis)),
        ("evidence", "Verified responses", provenance::evidence(analysis)),
        ("provenance", "Host, versions and commands", Some(provenance::body(analysis))),
        ("reproduce", "How to reproduce it", Some(reproduce)),
    ]
    .into_iter()
    .filter_map(|(id, title, body)| Section::of(id, title, body))
    .collect()
}

fn header(analysis: &Analysis<'_>) -> Markup {
    let record = analysis.record;
    let notes = analysis.notes();
    html! {
        header {
            h1 { (record.suite.name) }
            p.lead {
                (heading::extent_with_end(analysis)) ", baseline " b { (record.suite.baseline) } ". "
                (heading::machine_with_kernel(analysis)) ". "
                time datetime=(record.created) { (heading::date(analysis)) }
            }
            @if !notes.is_empty() {
                ul.notes { @for note in &notes { li { (note) } } }
            }
        }
    }
}

fn verdicts(analysis: &Analysis<'_>) -> Option<Markup> {
    let sentences = sentences(analysis);
    (!sentences.is_empty()).then(|| html! {
        p.how {
            "A server's rank is one more than the number of servers that are shown to be better. A "
            "range in parentheses is the 95 % interval of the ratio over the rounds, and 'at least' is its lower end. The "
            "probability that any stated difference does not exist is at most 5 % for the whole report, "
            "apart from differences called probable."
        }
        ul { @for sentence in &sentences { li { (set(sentence)) } } }
    })
}

fn set(sentence: &Sentence) -> Markup {
    html! {
        @for part in sentence.parts() {
            @match part {
                Part::Plain(text) => (text),
                Part::Set(_, text) => strong { (text) },
            }
        }
    }
}

fn thresholds(analysis: &Analysis<'_>) -> Option<Markup> {
    let table = html! {
        table {
            thead { tr { @for name in ["server", "metric", "required", "measured", "outcome"] { th scope="col" { (name) } } } }
            tbody {
                @for result in &analysis.thresholds {
                    tr {
                        th scope="row" { (result.threshold.contender) }
                        td { (result.threshold.metric) }
                        td { (requirement(result.threshold)) }
                        td { (threshold_value(result)) }
                        td { (result.outcome.name()) }
                    }
                }
            }
        }
    };
    (!analysis.thresholds.is_empty()).then(|| html! {
        h3 { "Thresholds" }
        (scrolling("Thresholds", &table))
        p.how {
            "A threshold holds if the whole 95 % interval meets it, and fails if no part of the interval "
            "does. Otherwise it is inconclusive."
        }
    })
}

fn figure(chart: &Markup, caption: &Markup) -> Markup {
    html! { figure { (chart) figcaption { (caption) } } }
}

/// What is drawn of each scenario, below how it is to be read.
fn of_scenarios(
    analysis: &Analysis<'_>,
    how: &str,
    figure: impl Fn(&ScenarioRecord) -> Option<Markup>,
) -> Option<Markup> {
    let scenarios = analysis.record.suite.scenarios.iter();
    let figures: Vec<Markup> = scenarios.filter_map(figure).collect();
    (!figures.is_empty()).then(|| {
        html! {
            p.how { (how) }
            div.charts { @for figure in &figures { (figure) } }
        }
    })
}

/// A table that can be scrolled sideways, by keyboard too, where it is wider than the page.
fn scrolling(label: &str, table: &Markup) -> Markup {
    html! { div.scrolling role="region" aria-label=(label) tabindex="0" { (table) } }
}

/// What stands before a figure that is a bound only.
fn bound_sign(bound: Option<Bound>) -> &'static str {
    match bound {
        None => "",
        Some(Bound::AtLeast) => "\u{2265} ",
        Some(Bound::AtMost) => "\u{2264} ",
    }
}

/// `1.20 to 1.31 ms`: the unit once where both ends have the same.
fn interval((low, high): (f64, f64), unit: Unit) -> String {
    let (low, high) = (with_unit(low, unit), with_unit(high, unit));
    match (low.split_once(' '), high.split_once(' ')) {
        (Some((number, one)), Some((_, other))) if one == other => format!("{number} to {high}"),
        _ => format!("{low} to {high}"),
    }
}

/// The text of a round value, `10.0 ms`, without the zeros that say nothing: `10 ms`.
fn round_text(text: &str) -> String {
    let (number, unit) = text.split_once(' ').unwrap_or((text, ""));
    let number = match number.contains('.') {
        true => number.trim_end_matches('0').trim_end_matches('.'),
        false => number,
    };
    if number == "0" { number.to_owned() } else { format!("{number} {unit}").trim_end().to_owned() }
}

/// A name that may stand in an `id`: other characters become `-`.
fn anchor(prefix: &str, name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    format!("{prefix}-{}", name.chars().map(plain).collect::<String>())
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chart {
    /// Its name within the report, fit for a file: `latency-saturation`.
    pub name: String,
    pub title: String,
    pub svg: String,
}

/// The charts that are not folded within their section of the page, in its order.
pub fn charts(analysis: &Analysis<'_>) -> Vec<Chart> {
    let caveats = Caveats::of(analysis);
    let bodies = details(analysis, &caveats, false).into_iter().map(|section| section.body);
    let bodies = glance::body(analysis, &caveats).into_iter().chain(bodies);
    bodies.flat_map(|body| of_section(&body.0)).collect()
}

fn of_section(body: &str) -> Vec<Chart> {
    let unfolded =
        body.split("<details").enumerate().map(|(at, part)| match part.split_once("</details>") {
            Some((_, after)) if at > 0 => after,
            _ => part,
        });
    unfolded.flat_map(|part| part.split("<svg ").skip(1)).filter_map(of_element).collect()
}

/// From what follows `<svg ` up to the element's end.
fn of_element(text: &str) -> Option<Chart> {
    let (element, _) = text.split_once("</svg>")?;
    let name = element.strip_prefix("id=\"")?.split_once('"')?.0.to_owned();
    let title = element.split_once("<title")?.1.split_once('>')?.1.split_once("</title>")?.0;
    let (attributes, content) = element.split_once('>')?;
    let svg = format!(
        "<svg {attributes} width=\"720\"><style>{COLORS}\
         svg{{color:var(--text);background:var(--background);\
         font-family:system-ui,\"Liberation Sans\",sans-serif}}\
         svg text{{paint-order:stroke;stroke:var(--background);stroke-width:3px;\
         stroke-linejoin:round}}</style>{content}</svg>\n"
    );
    Some(Chart { name, title: unescaped(title), svg })
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

#[cfg(test)]
mod palette;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_names_its_unit_once() {
        let shown = |low, high| interval((low, high), Unit::Microseconds);
        assert_eq!(shown(12.0, 13.0), "12.0 to 13.0 us");
        assert_eq!(shown(900.0, 1_100.0), "900 us to 1.10 ms");
        assert_eq!(interval((1_000.0, 2_000.0), Unit::PerSecond), "1,000 to 2,000");
    }

    #[test]
    fn round_values_have_no_needless_zeros() {
        let shown = ["10.0 ms", "0.50 us", "100 MB", "0.00 us"].map(round_text);
        assert_eq!(shown, ["10 ms", "0.5 us", "100 MB", "0"]);
    }

    #[test]
    fn names_make_anchors() {
        assert_eq!(anchor("ratios", "a b\"<.p99"), "ratios-a-b---p99");
    }

    #[test]
    fn folded_charts_are_left_out() {
        let chart = |name: &str| {
            format!("<svg id=\"{name}\" role=\"img\"><title id=\"t\">A &lt; b</title><g/></svg>")
        };
        let body = format!(
            "{}<details open><summary>s</summary>{}</details>{}",
            chart("a"),
            chart("b"),
            chart("c")
        );
        let found = of_section(&body);
        let names: Vec<&str> = found.iter().map(|chart| chart.name.as_str()).collect();
        assert_eq!(names, ["a", "c"]);
        assert_eq!(found[0].title, "A < b");
        let svg = &found[0].svg;
        assert!(svg.starts_with("<svg id=\"a\" role=\"img\" width=\"720\"><style>:root{"), "{svg}");
        assert!(svg.contains("</style><title") && svg.ends_with("</svg>\n"), "{svg}");
    }
}
