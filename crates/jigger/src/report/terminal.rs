//! The report on a terminal.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, presets};

use super::glance::{self, Caveat};
use super::heading;
use super::published;
use super::sentence::{Part, Sentence};
use super::sentences::sentences;
use super::tables::{LIMIT, Table, figure_tables, grouped_names, requirement, threshold_value};
use super::warnings::{Warning, unmeasured, warnings};
use super::{Look, Tone, curves, services};
use crate::analysis::{Analysis, Outcome, ThresholdResult};

/// What is read in ten seconds, or all there is.
pub fn render(analysis: &Analysis<'_>, look: Look) -> String {
    if look.has_details { details(analysis, look) } else { glance(analysis, look) }
}

/// Tables, summary and caveats.
fn glance(analysis: &Analysis<'_>, look: Look) -> String {
    let caveats = glance::caveats(analysis);
    let mut text = glance_header(analysis, look);
    let tables = glance::tables(analysis, &caveats);
    for table in &tables {
        let table = narrowed(table, look);
        match table.title.is_empty() {
            true => text.push_str(&(laid_out(&table, look) + "\n")),
            false => text.push_str(&titled(&table, look)),
        }
    }
    if !analysis.thresholds.is_empty() {
        text.push_str(&thresholds(&analysis.thresholds, look));
    }
    let summary = glance::summary(analysis);
    if !summary.is_empty() {
        let (title, baseline) =
            (look.paint(Tone::Strong, "Summary"), &analysis.record.suite.baseline);
        let title =
            format!("{title} (1x is the baseline, {baseline}; in parentheses 95 % intervals)");
        text.push_str(&(look.wrapped(&title, "    ") + "\n"));
    }
    for sentence in &summary {
        text.push_str(&look.wrapped(&format!("  {}", painted(sentence, look)), "    "));
        text.push('\n');
    }
    text.push_str(&published_lines(analysis, look));
    text + &caveat_lines(analysis, &caveats, look)
}

fn published_lines(analysis: &Analysis<'_>, look: Look) -> String {
    let lines = published::lines(analysis);
    if lines.is_empty() {
        return String::new();
    }
    let lines = lines.iter().map(|line| look.wrapped(&format!("  {line}"), "    ") + "\n");
    look.paint(Tone::Strong, "Published elsewhere") + "\n" + &lines.collect::<String>()
}

/// Columns that the glance can do without where names are long, the first ones first.
const SPARED: [&str; 6] = ["transfer", "idle memory", "service CPU/req", "CPU/req", "p99", "p50"];

/// The table without the least of its columns, as far as it takes for it to fit.
fn narrowed(table: &Table, look: Look) -> Table {
    let mut table = table.clone();
    let is_too_wide = |table: &Table| {
        let narrow = without_limits(table, look);
        let narrow = narrow.as_ref().map_or(table, |(narrow, _)| narrow);
        widest_line(narrow, longest_name(narrow)) > look.width
    };
    for heading in SPARED {
        // The column that the ratio belongs to, the one before it, stays.
        if let Some(at) = table.heading.iter().position(|it| it == heading)
            && at + 1 != table.toned
            && is_too_wide(&table)
        {
            table.remove_column(at);
        }
    }
    table
}

/// What the run is short of, who has no figures, and the numbered caveats.
fn caveat_lines(analysis: &Analysis<'_>, caveats: &[Caveat<'_>], look: Look) -> String {
    let notes = analysis.notes().into_iter().map(|note| format!("  note: {note}"));
    let records = analysis.contenders.iter().map(|contender| contender.record);
    let unmeasured = records.flat_map(|record| {
        unmeasured(record).map(move |(what, why)| format!("  {what}: {}: {why}", record.name))
    });
    let numbered =
        caveats.iter().enumerate().map(|(at, caveat)| format!("  [{}] {}", at + 1, caveat.text()));
    let lines: Vec<String> = notes.chain(unmeasured).chain(numbered).collect();
    if lines.is_empty() {
        return String::new();
    }
    let mut text = look.paint(Tone::Strong, "Caveats") + "\n";
    for line in lines {
        for part in without_long_log(&line) {
            text.push_str(&format!("{}\n", look.wrapped(&part, "      ")));
        }
    }
    text
}

/// Of a log that is quoted, the glance has the last lines; `--details` has all.
const LOG_LINES_MAX: usize = 3;

fn without_long_log(line: &str) -> Vec<String> {
    let (first, log) = line.split_once('\n').unwrap_or((line, ""));
    let log: Vec<&str> = log.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = &log[log.len().saturating_sub(LOG_LINES_MAX)..];
    let last = last.iter().map(|line| format!("      {line}"));
    std::iter::once(first.to_owned()).chain(last).collect()
}

fn glance_header(analysis: &Analysis<'_>, look: Look) -> String {
    let (extent, machine) = (heading::extent(analysis), heading::machine(analysis));
    look.wrapped(&format!("{}: {extent}; {machine}", analysis.record.suite.name), "  ") + "\n"
}

/// The whole report: figures, caveats, and what the figures say.
fn details(analysis: &Analysis<'_>, look: Look) -> String {
    let mut text = header(analysis, look);
    let (figures, more) = (figure_tables(analysis), curves::tables(analysis));
    for table in figures.iter().chain(&more).chain(&services::tables(analysis)) {
        text.push_str(&format!("\n{}", titled(table, look)));
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
    text + &published_lines(analysis, look)
}

fn header(analysis: &Analysis<'_>, look: Look) -> String {
    let record = analysis.record;
    let title = format!(
        "{}: {}, seed {}, baseline {}",
        record.suite.name,
        heading::extent_with_end(analysis),
        record.seed,
        record.suite.baseline
    );
    let title = look.wrapped(&look.paint(Tone::Strong, &title), "  ");
    format!("{title}\n{}\n", look.wrapped(&heading::machine_with_kernel(analysis), "  "))
}

/// A table below its title; ends with a line feed.
pub fn titled(table: &Table, look: Look) -> String {
    let title = look.wrapped(&look.paint(Tone::Strong, &table.title), "  ");
    match without_limits(table, look) {
        None => format!("{title}\n{}\n", laid_out(table, look)),
        Some((narrow, limits)) => {
            let limits = look.wrapped(&limits, "    ");
            format!("{title}\n{}\n{limits}\n", laid_out(&narrow, look))
        }
    }
}

/// The table without the column of limits, where it is too wide with it, and these as a line.
fn without_limits(table: &Table, look: Look) -> Option<(Table, String)> {
    let at = table.heading.iter().position(|heading| heading == LIMIT)?;
    if widest_line(table, longest_name(table)) <= look.width {
        return None;
    }
    // Without the rank, which stands before the name.
    let name = |row: &'_ [String]| row[0].rsplit(' ').next().unwrap_or_default().to_owned();
    let limits = grouped_names(table.rows.iter().map(|row| (row[at].clone(), name(row))));
    let mut narrow = table.clone();
    narrow.remove_column(at);
    Some((narrow, format!("  {LIMIT}: {limits}")))
}

fn longest_name(table: &Table) -> usize {
    table.rows.iter().map(|row| row[0].chars().count()).max().unwrap_or(0)
}

/// Columns of the terminal that the table takes at least, with names of at most that length in it.
fn widest_line(table: &Table, kept: usize) -> usize {
    width_of(&grid(table, kept, 1))
}

fn width_of(grid: &comfy_table::Table) -> usize {
    grid.lines().map(|line| line.chars().count()).max().unwrap_or(0)
}

/// Thresholds as lines: names of metrics are too long for the columns of a table.
pub fn thresholds(thresholds: &[ThresholdResult<'_>], look: Look) -> String {
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
            requirement(threshold)
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
    let longest = longest_name(table);
    let too_wide = widest_line(table, longest).saturating_sub(look.width);
    let kept = longest.saturating_sub(too_wide);
    let wide = grid(table, kept, 2);
    let grid = if width_of(&wide) <= look.width { wide } else { grid(table, kept, 1) };
    let mut lines: Vec<String> = grid.lines().map(|l| l.trim_end().to_owned()).collect();
    let mut text = lines.remove(0);
    for ((line, row), tone) in lines.iter().zip(&table.rows).zip(&table.tones) {
        if row[0].chars().count() > kept {
            text.push_str(&format!("\n  {}", row[0]));
        }
        let toned = |tone: &Tone| with_tone(line, (row.as_slice(), table.toned), *tone, look);
        text.push_str(&format!("\n{}", tone.as_ref().map_or_else(|| line.to_owned(), toned)));
    }
    text
}

/// One line for the heading and for each row, without the names that are longer than `kept`, with `gap`
/// spaces before each column.
fn grid(table: &Table, kept: usize, gap: u16) -> comfy_table::Table {
    let mut grid = comfy_table::Table::new();
    grid.load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(table.heading.clone());
    for row in &table.rows {
        let name = if row[0].chars().count() > kept { "" } else { &row[0] };
        grid.add_row([name].into_iter().chain(row[1..].iter().map(String::as_str)));
    }
    for (at, column) in grid.column_iter_mut().enumerate() {
        column.set_padding((if at == 0 { 2 } else { gap }, 0));
        column.set_constraint(ColumnConstraint::ContentWidth);
        if at > 0 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    grid
}

/// Colours one cell of a line when all is laid out. The cells stand in it one after the other.
fn with_tone(line: &str, (row, toned): (&[String], usize), tone: Tone, look: Look) -> String {
    let mut end = 0;
    for cell in row.iter().take(toned) {
        end = line[end..].find(cell.as_str()).map_or(end, |at| end + at + cell.len());
    }
    let (before, rest) = line.split_at(end);
    let cell = &row[toned];
    match rest.split_once(cell.as_str()) {
        Some((gap, after)) => format!("{before}{gap}{}{after}", look.paint(tone, cell)),
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
