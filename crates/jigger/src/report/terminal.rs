//! The report on a terminal.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, presets};

use super::look::{Look, Tone};
use super::sentences::{Part, Sentence, sentences};
use super::tables::{Table, figure_tables, promise, threshold_value};
use super::warnings::{Warning, warnings};
use crate::analysis::{Analysis, Outcome, ThresholdResult};

/// The whole report: figures, what to know before believing them, and what they say.
pub fn render(analysis: &Analysis<'_>, look: Look) -> String {
    let mut text = header(analysis, look);
    for table in figure_tables(analysis) {
        text.push_str(&format!("\n{}", titled(&table, look)));
    }
    if !analysis.thresholds.is_empty() {
        text.push_str(&format!("\n{}", thresholds(&analysis.thresholds, look)));
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

/// A table below its title; ends with a line feed.
pub fn titled(table: &Table, look: Look) -> String {
    let title = look.paint(Tone::Strong, &table.title);
    format!("{}\n{}\n", look.wrapped(&title, "  "), laid_out(table, look))
}

/// Thresholds as lines: names of metrics are too long for the columns of a table.
pub fn thresholds(thresholds: &[ThresholdResult], look: Look) -> String {
    let mut text = look.paint(Tone::Strong, "thresholds") + "\n";
    for result in thresholds {
        let tone = match result.outcome {
            Outcome::Holds => Tone::Better,
            Outcome::Fails => Tone::Worse,
            Outcome::NotSettled | Outcome::NotMeasured => Tone::Warning,
        };
        let outcome = look.paint(tone, result.outcome.name());
        let threshold = &result.threshold;
        let said = format!(
            "{outcome}: {} {} {}",
            threshold.contender,
            threshold.metric,
            promise(threshold)
        );
        let line = match result.value {
            Some(_) => format!("  {said}: {}", threshold_value(result)),
            None => format!("  {said}"),
        };
        text.push_str(&look.wrapped(&line, "    "));
        text.push('\n');
    }
    text
}

/// The table in columns, two spaces in. Neither figures nor names are ever cut: where the width
/// does not suffice, long names stand on a line of their own above their figures.
fn laid_out(table: &Table, look: Look) -> String {
    let lengths = || table.rows.iter().map(|row| row[0].chars().count());
    let longest = lengths().max().unwrap_or(0);
    let widest = grid(table, longest).lines().map(|line| line.chars().count()).max().unwrap_or(0);
    let kept = longest.saturating_sub(widest.saturating_sub(look.width));
    let mut lines: Vec<String> =
        grid(table, kept).lines().map(|l| l.trim_end().to_owned()).collect();
    let mut text = lines.remove(0);
    for ((line, row), (length, tone)) in
        lines.iter().zip(&table.rows).zip(lengths().zip(&table.tones))
    {
        if length > kept {
            text.push_str(&format!("\n  {}", row[0]));
        }
        text.push_str(&format!("\n{}", with_toned_ratio(line, row, *tone, look)));
    }
    text
}

/// One line for the heading and for each row, without the names that are longer than that.
fn grid(table: &Table, kept: usize) -> comfy_table::Table {
    let mut grid = comfy_table::Table::new();
    grid.load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(table.heading.clone());
    for row in &table.rows {
        let name = if row[0].chars().count() > kept { "" } else { &row[0] };
        grid.add_row([name].into_iter().chain(row[1..].iter().map(String::as_str)));
    }
    for (at, column) in grid.column_iter_mut().enumerate() {
        column.set_padding((if at == 0 { 2 } else { 1 }, 0));
        column.set_constraint(ColumnConstraint::ContentWidth);
        if at > 0 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    grid
}

/// The ratio stands last in its line, so it can be coloured when all is laid out.
fn with_toned_ratio(line: &str, row: &[String], tone: Option<Tone>, look: Look) -> String {
    let ratio = row.last().map_or("", String::as_str);
    match (line.strip_suffix(ratio), tone) {
        (Some(before), Some(tone)) => format!("{before}{}", look.paint(tone, ratio)),
        _ => line.to_owned(),
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
