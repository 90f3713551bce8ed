//! The report on a terminal.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, presets};

use super::sentences::sentences;
use super::tables::{Table, tables};
use crate::analysis::Analysis;
use crate::record::Status;

/// Bold when colour is wanted; meaning never hangs on it.
fn strong(text: &str, color: bool) -> String {
    if color { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() }
}

fn warning(text: &str, color: bool) -> String {
    if color { format!("\u{1b}[33m{text}\u{1b}[0m") } else { text.to_owned() }
}

/// The whole report.
pub fn render(analysis: &Analysis<'_>, color: bool) -> String {
    let mut text = header(analysis, color);
    for table in tables(analysis) {
        text.push_str(&format!("\n{}\n{}\n", strong(&table.title, color), laid_out(&table)));
    }
    text.push('\n');
    for sentence in sentences(analysis) {
        text.push_str(&format!("{sentence}\n"));
    }
    for line in warnings(analysis) {
        text.push_str(&format!("{}\n", warning(&line, color)));
    }
    text
}

fn header(analysis: &Analysis<'_>, color: bool) -> String {
    let record = analysis.record;
    let title = format!(
        "{}: {} contenders, {} rounds, seed {}, baseline {}",
        record.suite.name,
        record.contenders.len(),
        analysis.rounds,
        record.seed,
        record.suite.baseline
    );
    let list = |cpus: &[usize]| cpus.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    format!(
        "{}\n{}, {} cores (client on {}, servers on {}), Linux {}\n",
        strong(&title, color),
        record.host.processor,
        record.host.cores,
        list(&record.placement.client_cpus),
        list(&record.placement.server_cpus),
        record.host.kernel
    )
}

/// The table in columns, two spaces in.
pub fn laid_out(table: &Table) -> String {
    let mut grid = comfy_table::Table::new();
    grid.load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(table.heading.clone())
        .add_rows(table.rows.clone());
    for (at, column) in grid.column_iter_mut().enumerate() {
        column.set_padding((if at == 0 { 2 } else { 1 }, 0));
        column.set_constraint(ColumnConstraint::ContentWidth);
        if at > 0 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    grid.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// What a reader must know before believing a figure, each with its remedy.
pub fn warnings(analysis: &Analysis<'_>) -> Vec<String> {
    let mut lines: Vec<String> =
        analysis.notes().into_iter().map(|note| format!("note: {}", note.0)).collect();
    for found in &analysis.confounders {
        lines.push(format!(
            "{}: all contenders (all scenarios): {}; {}",
            found.code, found.detail, found.remedy
        ));
    }
    for contender in &analysis.contenders {
        let name = &contender.record.name;
        if let (Status::Skipped | Status::Failed, Some(reason)) =
            (contender.record.status, &contender.record.reason)
        {
            let what =
                if contender.record.status == Status::Skipped { "skipped" } else { "failed" };
            lines.push(format!("{what}: {name}: {reason}"));
        }
        if let Some(reason) = &contender.record.image_reason {
            lines.push(format!("no image size: {name}: {reason}"));
        }
        for gate in &contender.gates {
            let place = if gate.scenario.is_empty() { "all scenarios" } else { &gate.scenario };
            lines
                .push(format!("{}: {name} ({place}): {}; {}", gate.code, gate.detail, gate.remedy));
        }
        for found in &contender.confounders {
            let all = found.touches.len() == analysis.record.suite.scenarios.len();
            let touches = if all { "all scenarios".to_owned() } else { found.touches.join(", ") };
            lines.push(format!(
                "{}: {name} ({touches}): {}; {}",
                found.code, found.detail, found.remedy
            ));
        }
    }
    lines
}
