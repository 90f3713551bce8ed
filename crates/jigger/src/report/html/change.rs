//! What changed since an earlier record.

use maud::{Markup, html};

use super::scrolling;
use crate::analysis::Difference;
use crate::report::changes::{difference_tables, difference_title, headline, remarks};
use crate::report::tables::Table;

pub fn body(found: &Difference<'_>) -> Markup {
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
