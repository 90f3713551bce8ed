//! The report as Markdown.

use super::curves;
use super::glance::{self, Caveat, Matrix};
use super::heading;
use super::published;
use super::sentence::{Part, Sentence};
use super::sentences::sentences;
use super::services;
use super::tables::{Table, tables};
use super::warnings::{Warning, warnings};
use crate::analysis::Analysis;

/// The whole report, with links to charts, given by title and path.
pub fn render(analysis: &Analysis<'_>, charts: &[(String, String)]) -> String {
    let record = analysis.record;
    let mut text = format!(
        "## {}\n\n{}, seed {}, baseline {}; {}; jigger {}\n",
        record.suite.name,
        heading::extent_with_end(analysis),
        record.seed,
        record.suite.baseline,
        heading::machine_with_kernel(analysis),
        record.jigger
    );
    text.push_str(&at_a_glance(analysis));
    let sentences = sentences(analysis);
    if !sentences.is_empty() {
        text.push_str("\n<details><summary>All comparisons</summary>\n\n");
        text.extend(sentences.iter().map(|sentence| format!("- {}\n", marked(sentence))));
        text.push_str("\n</details>\n");
    }
    let (figures, more) = (tables(analysis), curves::tables(analysis));
    for table in figures.iter().chain(&more).chain(&services::tables(analysis)) {
        text.push_str(&format!("\n### {}\n\n{}", escaped(&table.title), markdown_table(table)));
    }
    if !charts.is_empty() {
        text.push_str("\n### Charts\n\n");
        for (title, path) in charts {
            // In angle brackets a path may have spaces in it.
            text.push_str(&format!("![{}](<{path}>)\n", escaped(title)));
        }
    }
    let warnings = warnings(analysis);
    if !warnings.is_empty() {
        text.push_str("\n### Caveats\n\n");
        for warning in &warnings {
            text.push_str(&format!("- {}\n", warning_text(warning)));
        }
    }
    text
}

/// The contenders by the figures that people choose by, what they say, and what was not alike.
fn at_a_glance(analysis: &Analysis<'_>) -> String {
    let Matrix { heading, rows } = glance::matrix(analysis);
    let caveats = glance::caveats(analysis);
    let mut text = String::new();
    if !rows.is_empty() {
        let best = |(figure, is_best): &(String, bool)| match is_best {
            true => format!("**{}**", escaped(figure)),
            false => escaped(figure),
        };
        text.push_str(&format!("\n| | {} |\n", heading.join(" | ")));
        text.push_str(&format!("| --- | {} |\n", vec!["--:"; heading.len()].join(" | ")));
        for (name, figures) in &rows {
            let figures: Vec<String> = figures.iter().map(best).collect();
            let marks = glance::marks_of(&caveats, name);
            let marks = marks.map_or_else(String::new, |marks| format!(" {marks}"));
            text.push_str(&format!("| {}{marks} | {} |\n", escaped(name), figures.join(" | ")));
        }
    }
    let lists = [
        glance::summary(analysis).iter().map(marked).collect::<Vec<_>>(),
        published::lines(analysis).iter().map(|line| escaped(line)).collect(),
        caveats.iter().enumerate().map(numbered).collect(),
    ];
    for list in lists.iter().filter(|list| !list.is_empty()) {
        text.push('\n');
        text.extend(list.iter().map(|line| format!("- {line}\n")));
    }
    text
}

fn numbered((at, caveat): (usize, &Caveat<'_>)) -> String {
    format!("[{}] {}", at + 1, escaped(&caveat.text()))
}

fn marked(sentence: &Sentence) -> String {
    let part = |part: &Part| match part {
        Part::Plain(text) => escaped(text),
        Part::Set(_, text) => format!("**{}**", escaped(text)),
    };
    sentence.parts().iter().map(part).collect()
}

fn warning_text(warning: &Warning) -> String {
    let one_line = |text: &str| escaped(text).replace('\n', " ");
    let mut text = format!("**{}**", escaped(&warning.code));
    if !warning.place.is_empty() {
        text.push_str(&format!(" {}", escaped(&warning.place)));
    }
    text.push_str(&format!(": {}", one_line(&warning.cause)));
    if let Some(remedy) = &warning.remedy {
        text.push_str(&format!("; to do: {}", one_line(remedy)));
    }
    text
}

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
