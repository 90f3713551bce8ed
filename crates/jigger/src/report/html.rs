//! The report as one HTML page that needs nothing else: no network, no script, no font.
//!
//! Whatever the suite, the servers and their logs say is escaped by the templates; nothing but
//! the style sheet and the escaped record is written as it is.

mod caveats;
mod costs;
mod figures;
mod glance;
mod images;
mod latency;
mod provenance;
mod ratios;
mod rounds;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::sentences::{Part, Sentence, sentences};
use super::tables::{promise, threshold_value};
use super::units::{count, with_unit};
use crate::analysis::{Analysis, Difference};
use crate::metric::{Bound, Unit};
use crate::record::{ScenarioRecord, embed};
use caveats::Caveats;

struct Section {
    id: &'static str,
    title: &'static str,
    body: Markup,
}

/// What the charts need of the style sheet: they are files of their own too.
const COLORS: &str = include_str!("html/colors.css");
const STYLE: &str = concat!(include_str!("html/colors.css"), include_str!("html/style.css"));

/// Nothing is loaded and no script runs, whatever a server managed to put into the page.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
                      base-uri 'none'; form-action 'none'";

/// The whole page, ending with a line feed, with the record in it, and with what changed since an
/// earlier one where that is given.
pub fn render(analysis: &Analysis<'_>, since: Option<&Difference<'_>>) -> String {
    let caveats = Caveats::of(analysis);
    let record = embed(analysis.record);
    let mut sections = sections(analysis, &caveats, record.is_packed);
    sections.extend(since.map(|found| Section {
        id: "change",
        title: "What changed since an earlier record",
        body: figures::change(found),
    }));
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
                (header(analysis, &sections))
                main {
                    @for section in &sections {
                        section id=(section.id) aria-labelledby=(format!("{}-heading", section.id)) {
                            h2 id=(format!("{}-heading", section.id)) { (section.title) }
                            (section.body)
                        }
                    }
                }
                footer { p { "Made by jigger " (analysis.record.jigger) " from the record in this page." } }
                (PreEscaped(record.element))
            }
        }
    };
    page.into_string() + "\n"
}

fn sections(analysis: &Analysis<'_>, caveats: &Caveats, is_packed: bool) -> Vec<Section> {
    let section = |id, title, body: Option<Markup>| Some(Section { id, title, body: body? });
    [
        section("glance", "At a glance", glance::body(analysis)),
        section("verdicts", "Comparisons", verdicts(analysis)),
        section("thresholds", "Thresholds", thresholds(analysis)),
        section("ratios", "Ratios to the baseline", ratios::body(analysis, caveats)),
        section("figures", "Figures", figures::body(analysis, caveats)),
        section("rounds", "Each round", rounds::body(analysis, caveats)),
        section("latency", "Response times into the tail", latency::body(analysis, caveats)),
        section(
            "costs",
            "Throughput against memory",
            costs::throughput_against_memory(analysis, caveats),
        ),
        section("start-up", "Start-up", costs::start_up(analysis)),
        section("images", "Container images", images::body(analysis)),
        section("caveats", "Caveats", caveats.body(analysis)),
        section("evidence", "Verified answers", provenance::evidence(analysis)),
        section("provenance", "Host, versions and commands", Some(provenance::body(analysis))),
        section(
            "reproduce",
            "How to reproduce it",
            Some(provenance::reproduce(analysis.record, is_packed)),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn header(analysis: &Analysis<'_>, sections: &[Section]) -> Markup {
    let record = analysis.record;
    let notes = analysis.notes();
    html! {
        header {
            h1 { (record.suite.name) }
            p.lead {
                (count(record.contenders.len(), "contender")) ", "
                (super::sentences::rounds(analysis)) ", baseline " b { (record.suite.baseline) } ". "
                (record.host.processor) ", " (count(record.host.cores, "core"))
                " (" (record.placement.text(", ")) "), Linux "
                (record.host.kernel) ". "
                time datetime=(record.created) { (record.created) }
            }
            @if !notes.is_empty() {
                ul.notes { @for note in &notes { li { (note) } } }
            }
            nav aria-label="Contents" {
                ul { @for section in sections { li { a href=(format!("#{}", section.id)) { (section.title) } } } }
            }
        }
    }
}

fn verdicts(analysis: &Analysis<'_>) -> Option<Markup> {
    let sentences = sentences(analysis);
    (!sentences.is_empty()).then(|| html! {
        details {
            summary { (count(sentences.len(), "sentence")) }
            ul.verdicts { @for sentence in &sentences { li { (set(sentence)) } } }
        }
        p.how {
            "Contenders that share a rank are not told apart. A range in brackets is the 95 % "
            "interval of the ratio over the rounds, and 'at least' its nearer end. All comparisons "
            "are judged together: the chance that any stated difference is none is 5 %, but for "
            "those called probable."
        }
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
            thead { tr { @for name in ["contender", "metric", "promised", "measured", "outcome"] { th scope="col" { (name) } } } }
            tbody {
                @for result in &analysis.thresholds {
                    tr {
                        th scope="row" { (result.threshold.contender) }
                        td { (result.threshold.metric) }
                        td { (promise(result.threshold)) }
                        td { (threshold_value(result)) }
                        td { (result.outcome.name()) }
                    }
                }
            }
        }
    };
    (!analysis.thresholds.is_empty()).then(|| html! {
        (scrolling("Thresholds", &table))
        p.how {
            "A threshold holds when the whole 95 % interval keeps it and fails when the whole interval "
            "misses it; in between it is not settled."
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
    if number == "0" { number.to_owned() } else { format!("{number} {unit}") }
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

/// The charts that stand unfolded in the page, in its order.
pub fn charts(analysis: &Analysis<'_>) -> Vec<Chart> {
    let caveats = Caveats::of(analysis);
    let bodies = sections(analysis, &caveats, false).into_iter().map(|section| section.body.0);
    bodies.flat_map(|body| of_section(&body)).collect()
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
