//! What is read first: all contenders by the figures that people choose by, and what these say.

use maud::{Markup, html};

use super::{scrolling, set};
use crate::analysis::Analysis;
use crate::report::glance::{Matrix, caveats, matrix, summary};
use crate::report::published;

/// Sentences beyond these are no summary.
const SENTENCES_MAX: usize = 8;

pub fn body(analysis: &Analysis<'_>) -> Option<Markup> {
    let found = matrix(analysis);
    let sentences = summary(analysis);
    let (caveats, published) = (caveats(analysis), published::lines(analysis));
    (!found.rows.is_empty()).then(|| html! {
        (scrolling("Servers by the figures that decide", &table(&found)))
        ul.verdicts { @for sentence in sentences.iter().take(SENTENCES_MAX) { li { (set(sentence)) } } }
        @if !published.is_empty() {
            h3 { "Published elsewhere" }
            ul { @for line in &published { li { (line) } } }
        }
        @if !caveats.is_empty() {
            h3 { "Caveats" }
            ul { @for caveat in &caveats { li { (caveat.text()) } } }
        }
        p.how { "Bold marks the best value of each column, or several values if no difference was shown." }
    })
}

fn table(found: &Matrix) -> Markup {
    html! {
        table {
            thead { tr { th scope="col" { "server" } @for heading in &found.heading { th scope="col" { (heading) } } } }
            tbody {
                @for (name, figures) in &found.rows {
                    tr {
                        th scope="row" { (name) }
                        @for (figure, is_best) in figures {
                            td { @if *is_best { strong { (figure) } } @else { (figure) } }
                        }
                    }
                }
            }
        }
    }
}
