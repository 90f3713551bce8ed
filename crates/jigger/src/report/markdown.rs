//! The report as Markdown.

use super::sentences::sentences;
use super::tables::{Table, tables};
use super::terminal::warnings;
use crate::analysis::Analysis;

/// The whole report.
pub fn render(analysis: &Analysis<'_>) -> String {
    let record = analysis.record;
    let mut text = format!(
        "## {}\n\n{} rounds, seed {}, baseline {}; {}, {} cores, Linux {}; jigger {}\n",
        record.suite.name,
        analysis.rounds,
        record.seed,
        record.suite.baseline,
        record.host.processor,
        record.host.cores,
        record.host.kernel,
        record.jigger
    );
    text.push('\n');
    for sentence in sentences(analysis) {
        text.push_str(&format!("- {}\n", escaped(&sentence)));
    }
    for table in tables(analysis) {
        text.push_str(&format!("\n### {}\n\n{}", escaped(&table.title), markdown_table(&table)));
    }
    let warnings = warnings(analysis);
    if !warnings.is_empty() {
        text.push_str("\n### What to know before believing it\n\n");
        for line in warnings {
            text.push_str(&format!("- {}\n", escaped(&line).replace('\n', " ")));
        }
    }
    text
}

/// The table as Markdown has it.
pub fn markdown_table(table: &Table) -> String {
    let row = |cells: &[String]| {
        format!("| {} |\n", cells.iter().map(|c| escaped(c)).collect::<Vec<_>>().join(" | "))
    };
    let rule: Vec<&str> =
        (0..table.heading.len()).map(|at| if at == 0 { "---" } else { "--:" }).collect();
    let mut text = row(&table.heading);
    text.push_str(&format!("| {} |\n", rule.join(" | ")));
    for cells in &table.rows {
        text.push_str(&row(cells));
    }
    text
}

/// The text with what Markdown would take for markup escaped.
pub fn escaped(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;").replace('*', "\\*")
}
