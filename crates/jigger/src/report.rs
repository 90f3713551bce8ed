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

use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::Serialize;

pub use html::{Chart, charts};
pub use look::{Look, Tone};

use crate::analysis::{Analysis, Difference};

/// What can be written as output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
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
    /// Those of a whole report.
    pub const OF_REPORTS: &[Self] =
        &[Self::Text, Self::Markdown, Self::Html, Self::Csv, Self::Json];
    /// Those of what changed: `ab` and `diff`.
    pub const OF_CHANGES: &[Self] = &[Self::Text, Self::Markdown, Self::Json];
    /// Those of a load: `load`, `wrk` and `timeit`.
    pub const OF_LOADS: &[Self] = &[Self::Text, Self::Json];
    /// Those of `cross-check`.
    pub const OF_CROSS_CHECKS: &[Self] = &[Self::Markdown, Self::Json];

    /// A flag's parser for those alone, whose error names them.
    pub fn among(offered: &'static [Self]) -> impl TypedValueParser<Value = Self> {
        let names = offered.iter().filter_map(ValueEnum::to_possible_value);
        PossibleValuesParser::new(names).try_map(|name| Self::from_str(&name, false))
    }

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

/// One object for programs, with a line break at its end.
#[must_use]
pub fn to_json(report: &impl Serialize) -> String {
    let text = serde_json::to_string_pretty(report);
    text.expect("the keys of a report are texts, and writing to memory cannot fail") + "\n"
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
        Format::Text | Format::Markdown => {
            format!("{}\n{}", report(), changes::difference(found, format, look))
        }
        Format::Csv | Format::Json => report(),
    }
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
