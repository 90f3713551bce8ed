//! The report on a terminal.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Width, presets};

use super::look::{Look, Tone};
use super::sentences::{Part, Sentence, sentences};
use super::tables::{Table, tables};
use super::warnings::{Warning, warnings};
use crate::analysis::Analysis;

/// The whole report: figures, what to know before believing them, and what they say.
pub fn render(analysis: &Analysis<'_>, look: Look) -> String {
    let mut text = header(analysis, look);
    for table in tables(analysis) {
        let title = look.paint(Tone::Strong, &table.title);
        text.push_str(&format!("\n{}\n{}\n", look.wrapped(&title, "  "), laid_out(&table, look)));
    }
    let warnings = warnings(analysis);
    if !warnings.is_empty() {
        text.push('\n');
    }
    for warning in &warnings {
        text.push_str(&warning_text(warning, look));
    }
    let sentences = sentences(analysis);
    if !sentences.is_empty() {
        text.push('\n');
    }
    for sentence in &sentences {
        text.push_str(&look.wrapped(&painted(sentence, look), "  "));
        text.push('\n');
    }
    text
}

fn header(analysis: &Analysis<'_>, look: Look) -> String {
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
    let host = format!(
        "{}, {} cores (client on {}, servers on {}), Linux {}",
        record.host.processor,
        record.host.cores,
        list(&record.placement.client_cpus),
        list(&record.placement.server_cpus),
        record.host.kernel
    );
    let title = look.wrapped(&look.paint(Tone::Strong, &title), "  ");
    format!("{title}\n{}\n", look.wrapped(&host, "  "))
}

/// Figures are never cut; where the width does not suffice, names are broken over several lines.
fn laid_out(table: &Table, look: Look) -> String {
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
    let over = grid.lines().map(|line| line.chars().count()).max().unwrap_or(0);
    let over = over.saturating_sub(look.width);
    if over > 0 {
        let names = table.rows.iter().map(|row| row[0].chars().count()).max().unwrap_or(0);
        let kept = names.saturating_sub(over).max(8) + 2;
        grid.set_content_arrangement(ContentArrangement::Dynamic);
        grid.set_width(u16::try_from(look.width).unwrap_or(u16::MAX));
        if let Some(column) = grid.column_mut(0) {
            let width = Width::Fixed(u16::try_from(kept).unwrap_or(u16::MAX));
            column.set_constraint(ColumnConstraint::Absolute(width));
        }
    }
    let lines = grid.lines().map(|line| line.trim_end().to_owned());
    lines.map(|line| with_toned_ratio(&line, table, look)).collect::<Vec<_>>().join("\n")
}

/// The ratio stands last in its line, so it can be coloured when all is laid out.
fn with_toned_ratio(line: &str, table: &Table, look: Look) -> String {
    let of_row = table.rows.iter().zip(&table.tones).find_map(|(row, tone)| {
        let ratio = row.last()?;
        let before = line.strip_suffix(ratio.as_str())?;
        before.ends_with(' ').then_some((before, ratio, (*tone)?))
    });
    match of_row {
        Some((before, ratio, tone)) => format!("{before}{}", look.paint(tone, ratio)),
        None => line.to_owned(),
    }
}

fn painted(sentence: &Sentence, look: Look) -> String {
    let part = |part: &Part| match part {
        Part::Plain(text) => text.clone(),
        // Each word by itself, so that a line may end between two of them.
        Part::Set(tone, text) => {
            text.split(' ').map(|word| look.paint(*tone, word)).collect::<Vec<_>>().join(" ")
        }
    };
    sentence.parts().iter().map(part).collect()
}

fn warning_text(warning: &Warning, look: Look) -> String {
    let code = look.paint(Tone::Warning, &warning.code);
    let place = if warning.place.is_empty() { "" } else { " " };
    // What a log said keeps its lines.
    let mut lines = warning.cause.lines();
    let first = lines.next().unwrap_or_default();
    let head = format!("{code}:{place}{}: {first}", warning.place).replace(":: ", ": ");
    let mut text = look.wrapped(&head, "  ") + "\n";
    for line in lines {
        text.push_str(&format!("{}\n", look.wrapped(&format!("  {line}"), "    ")));
    }
    if let Some(remedy) = &warning.remedy {
        text.push_str(&format!("{}\n", look.wrapped(&format!("  to do: {remedy}"), "    ")));
    }
    text
}
