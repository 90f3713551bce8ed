//! Pure functions of an analysis, one renderer a file.

pub mod changes;
mod chart;
mod costs;
mod csv;
mod html;
pub mod json;
pub mod load;
mod look;
mod markdown;
mod sentences;
mod tables;
mod terminal;
pub mod timeit;
pub mod units;
mod warnings;

use std::path::Path;

use serde::Serialize;

pub use html::{Chart, charts};
pub use look::{Look, Tone};

use crate::analysis::{Analysis, Difference};
use changes::ChangeFormat;

/// What a report can be written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For a terminal.
    Text,
    /// For a pull request or a blog post.
    #[value(alias = "md")]
    Markdown,
    /// One file for a browser, with the record in it.
    Html,
    /// One line for each contender, metric and round.
    Csv,
    /// For programs.
    Json,
}

impl Format {
    /// The format that a file's extension asks for.
    #[must_use]
    pub fn of_file(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "txt" => Some(Self::Text),
            "md" => Some(Self::Markdown),
            "html" => Some(Self::Html),
            "csv" => Some(Self::Csv),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// Writes an analysis as text in that format, 80 columns wide where that matters.
#[must_use]
pub fn render(analysis: &Analysis<'_>, format: Format, color: bool) -> String {
    render_as(analysis, format, Look { color, ..Look::default() })
}

/// Writes an analysis as text in that format. The look matters to [`Format::Text`] alone.
#[must_use]
pub fn render_as(analysis: &Analysis<'_>, format: Format, look: Look) -> String {
    match format {
        Format::Text => terminal::render(analysis, look),
        Format::Markdown => markdown::render(analysis, &[]),
        Format::Html => html::render(analysis, None),
        Format::Csv => csv::render(analysis),
        Format::Json => json::render(analysis),
    }
}

/// The same with what changed since an earlier record. Programs read that elsewhere
/// ([`changes`]), so that CSV and JSON are without it.
#[must_use]
pub fn render_since(found: &Difference<'_>, format: Format, look: Look) -> String {
    let report = || render_as(found.new, format, look);
    match format {
        Format::Html => html::render(found.new, Some(found)),
        Format::Text => {
            format!("{}\n{}", report(), changes::difference(found, ChangeFormat::Text, look))
        }
        Format::Markdown => {
            format!("{}\n{}", report(), changes::difference(found, ChangeFormat::Markdown, look))
        }
        Format::Csv | Format::Json => report(),
    }
}

/// A value as JSON for programs and for people who look at it.
///
/// # Panics
/// Never: the types of reports have no map whose keys are no text.
pub fn pretty(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect("reports have keys that are text") + "\n"
}

/// Writes an analysis as Markdown that shows charts, which lie where `path` says for each name.
#[must_use]
pub fn markdown_with_charts(
    analysis: &Analysis<'_>,
    charts: &[Chart],
    path: impl Fn(&str) -> String,
) -> String {
    let links: Vec<(String, String)> =
        charts.iter().map(|chart| (chart.title.clone(), path(&chart.name))).collect();
    markdown::render(analysis, &links)
}

#[cfg(test)]
pub(crate) mod tests;
