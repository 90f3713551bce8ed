//! Pure functions of an analysis, one renderer a file; what can be written, and what a text report
//! may use of its terminal.

mod card;
pub mod changes;
mod chart;
mod counterparts;
mod csv;
mod curves;
mod glance;
mod heading;
mod html;
pub mod json;
pub mod load;
mod markdown;
mod published;
mod sentence;
mod sentences;
mod services;
mod tables;
mod terminal;
pub mod timeit;
pub mod units;
mod warnings;

use std::path::Path;

use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use jigger_stats::Verdict;
use serde::Serialize;
use textwrap::{Options, fill};

pub use card::render as card;
pub use html::{Chart, charts};

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
    /// Those of what changed, `ab` and `diff`, and of `image`.
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Whether meaning is coloured too; it is always in the words.
    pub color: bool,
    /// Columns; nothing that can be wrapped is wider.
    pub width: usize,
    /// Whether every figure and sentence is shown, in place of the view from above.
    pub has_details: bool,
}

/// What a colour stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// A name or a heading.
    Strong,
    /// Better than the baseline.
    Better,
    /// Worse than the baseline.
    Worse,
    /// No difference was shown.
    Same,
    /// To be read before a figure is believed.
    Warning,
}

impl Tone {
    pub(crate) fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Better => Self::Better,
            Verdict::Worse => Self::Worse,
            Verdict::Same
            | Verdict::ProbablyBetter
            | Verdict::ProbablyWorse
            | Verdict::NotShown => Self::Same,
        }
    }
}

impl Default for Look {
    /// What suits a file or a log: no colour, 80 columns.
    fn default() -> Self {
        Self { color: false, width: 80, has_details: false }
    }
}

impl Look {
    /// The text in the colour of that tone. What it wraps is without colours.
    pub fn paint(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Strong => "1",
            Tone::Better => "1;32",
            Tone::Worse => "1;31",
            Tone::Same => "2",
            Tone::Warning => "33",
        };
        if self.color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// The text in lines that fit; those after the first begin with `indent`. Colours take no room.
    pub fn wrapped(self, text: &str, indent: &str) -> String {
        // Only spaces part words: a command with dashes in it can then be copied.
        let options = Options::new(self.width)
            .subsequent_indent(indent)
            .word_splitter(textwrap::WordSplitter::NoHyphenation)
            .word_separator(textwrap::WordSeparator::AsciiSpace);
        fill(text, options)
    }
}

/// One object for programs, with a line break at its end.
pub fn to_json(report: &impl Serialize) -> String {
    let text = serde_json::to_string_pretty(report);
    text.expect("the keys of a report are texts, and writing to memory cannot fail") + "\n"
}

/// Writes an analysis as text in that format, 80 columns wide where that matters.
pub fn render(analysis: &Analysis<'_>, format: Format, color: bool) -> String {
    render_as(analysis, format, Look { color, ..Look::default() })
}

/// Writes an analysis as text in that format. The look matters to [`Format::Text`] alone.
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
