//! Before and after: what `jigger diff` and `jigger ab` print.

pub mod json;

use jigger_stats::Verdict;

use super::markdown::{escaped, markdown_table};
use super::tables::{Table, bounded, threshold_table};
use super::terminal::{thresholds, titled};
use super::units::{count, fine, percent, with_unit};
use super::warnings::warnings;
use super::{Format, Look, Tone};
use crate::analysis::{Basis, Change, Claim, Compared, Difference, Figure, ThresholdResult};
use crate::metric::{Kind, Unit};

/// Writes what changed between two runs. The look matters to [`Format::Text`] alone.
pub fn difference(found: &Difference<'_>, format: Format, look: Look) -> String {
    match format {
        Format::Json => super::to_json(&json::Difference::of(found)),
        Format::Markdown => {
            let title = escaped(&headline(found));
            let mut text = format!("## {title}\n\n{}\n", escaped(&difference_title(found)));
            for table in difference_tables(found) {
                text.push_str(&format!(
                    "\n### {}\n\n{}",
                    escaped(&table.title),
                    markdown_table(&table)
                ));
            }
            text.push_str(&bullets(&remarks(found)));
            text
        }
        _ => difference_text(found, look),
    }
}

fn difference_text(found: &Difference<'_>, look: Look) -> String {
    let mut text = lines(&[difference_title(found), headline(found)], look);
    for table in change_tables(found) {
        text.push_str(&format!("\n{}", titled(&table, look)));
    }
    add_thresholds(&mut text, &found.new.thresholds, look);
    add_remarks(&mut text, &remarks(found), look);
    text
}

/// Each on lines that fit.
fn lines(texts: &[String], look: Look) -> String {
    // What a log said keeps its lines.
    let parts = texts.iter().flat_map(|text| text.lines());
    parts.map(|part| look.wrapped(part, "  ") + "\n").collect()
}

fn add_thresholds(text: &mut String, results: &[ThresholdResult<'_>], look: Look) {
    if !results.is_empty() {
        text.push_str(&format!("\n{}", thresholds(results, look)));
    }
}

fn add_remarks(text: &mut String, remarks: &[String], look: Look) {
    if !remarks.is_empty() {
        text.push_str(&format!("\n{}", lines(remarks, look)));
    }
}

/// One contender after the other at two revisions.
#[derive(Debug, Clone, Copy)]
pub struct Revisions<'a> {
    pub base: &'a str,
    pub head: &'a str,
    pub compared: &'a [Compared<'a>],
}

/// Writes what changed between two revisions. The look matters to [`Format::Text`] alone.
pub fn revisions(found: &Revisions<'_>, format: Format, look: Look) -> String {
    match format {
        Format::Json => super::to_json(&json::Ab::of(found)),
        Format::Markdown => {
            found.compared.iter().map(|run| revision_markdown(found, run)).collect()
        }
        _ => found.compared.iter().map(|run| revision_text(found, run, look)).collect(),
    }
}

fn revision_title(run: &Compared<'_>) -> String {
    let name = contender_of(run);
    let gone = (run.lost.len(), run.not_told.len());
    format!("{name}: {}", verdict_sentence(&run.changes, gone, &run.analysis.thresholds))
}

/// The contender's name, from that of its suite.
fn contender_of<'a>(run: &Compared<'a>) -> &'a str {
    let name = run.analysis.record.suite.name.as_str();
    name.strip_prefix("ab-").unwrap_or(name)
}

fn revision_lead(found: &Revisions<'_>, run: &Compared<'_>) -> String {
    let record = run.analysis.record;
    format!(
        "{} against {}, {} interleaved rounds, seed {}; {}, {}, Linux {}; jigger {}",
        found.head,
        found.base,
        run.analysis.rounds,
        record.seed,
        record.host.processor,
        count(record.host.cores, "core"),
        record.host.kernel,
        record.jigger
    )
}

/// The metrics that count, and those that do not.
fn revision_tables(run: &Compared<'_>) -> (Table, Table) {
    let unit = |change: &Change<'_>| Some(change.metric.descriptor().unit);
    let of = |counts: bool, title: &str| {
        let rows: Vec<&Change<'_>> = run.changes.iter().filter(|c| c.counts == counts).collect();
        change_table(title, ("base", "head"), &rows, &unit)
    };
    (of(true, "what counts"), of(false, "other metrics, not judged"))
}

fn revision_remarks(run: &Compared<'_>) -> Vec<String> {
    let lost = run.lost.iter().map(|metric| format!("worse: the head no longer has {metric}"));
    let not_told = run.not_told.iter();
    let not_told = not_told.map(|(metric, gate)| format!("not judged: {metric} ({gate})"));
    let warnings = warnings(run.analysis).into_iter().map(|warning| warning.to_string());
    lost.chain(not_told).chain(warnings).collect()
}

fn revision_text(found: &Revisions<'_>, run: &Compared<'_>, look: Look) -> String {
    let mut text = lines(&[revision_title(run), revision_lead(found, run)], look);
    let (counted, others) = revision_tables(run);
    let add = |text: &mut String, table: &Table| {
        if !table.rows.is_empty() {
            text.push_str(&format!("\n{}", titled(table, look)));
        }
    };
    add(&mut text, &counted);
    add_thresholds(&mut text, &run.analysis.thresholds, look);
    add(&mut text, &others);
    add_remarks(&mut text, &revision_remarks(run), look);
    text + "\n"
}

fn revision_markdown(found: &Revisions<'_>, run: &Compared<'_>) -> String {
    let (title, lead) = (escaped(&revision_title(run)), escaped(&revision_lead(found, run)));
    let (counted, others) = revision_tables(run);
    let mut text = format!("## {title}\n\n{}", markdown_table(&counted));
    if !run.analysis.thresholds.is_empty() {
        text.push_str(&format!("\n{}", markdown_table(&threshold_table(&run.analysis.thresholds))));
    }
    text.push_str(&bullets(&revision_remarks(run)));
    text.push_str(&format!(
        "\n<details>\n<summary>Other metrics, not judged, and how it was measured</summary>\n\n\
         {}\n{lead}\n\n</details>\n\n",
        markdown_table(&others)
    ));
    text
}

/// A list in Markdown, after an empty line.
fn bullets(texts: &[String]) -> String {
    if texts.is_empty() {
        return String::new();
    }
    let bullet = |text: &String| format!("- {}\n", escaped(text).replace('\n', " "));
    format!("\n{}", texts.iter().map(bullet).collect::<String>())
}

pub(super) fn difference_title(found: &Difference<'_>) -> String {
    let run = |analysis: &crate::analysis::Analysis<'_>| {
        format!("{}, {} rounds", analysis.record.created, analysis.rounds)
    };
    let basis = match found.basis {
        Basis::Absolute => "measured values, which include changes of the machine between the two \
                            runs"
            .to_owned(),
        Basis::Relative => format!(
            "ratios to {} of the same round, which exclude changes of the machine between the two runs",
            found.new.record.suite.baseline
        ),
    };
    format!(
        "{}: OLD ({}) against NEW ({}); {basis}",
        found.new.record.suite.name,
        run(found.old),
        run(found.new)
    )
}

pub(super) fn headline(found: &Difference<'_>) -> String {
    let gone = (found.lost.len(), found.not_told.len());
    verdict_sentence(&found.changes, gone, &found.new.thresholds)
}

/// What all changes that count say together, the verdict first, with the numbers of those that were
/// lost and of those of which nothing can be told.
pub fn verdict_sentence(
    changes: &[Change<'_>],
    (lost, not_told): (usize, usize),
    thresholds: &[ThresholdResult<'_>],
) -> String {
    let counted: Vec<&Change<'_>> = changes.iter().filter(|change| change.counts).collect();
    let with = |verdict: Verdict| -> Vec<&&Change<'_>> {
        counted.iter().filter(|change| change.verdict == Some(verdict)).collect()
    };
    let (worse, better) = (with(Verdict::Worse), with(Verdict::Better));
    let total = counted.len() + lost + not_told;
    let mut text = if let Some(first) = worse.first() {
        let count = worse.len() + lost;
        format!("{}: worse in {count} of {total} metrics", change_sentence(first))
    } else if lost > 0 {
        format!("Worse: {lost} of {total} metrics are no longer measured")
    } else if let Some(first) = better.first() {
        format!(
            "{}: better in {} of {total} metrics, worse in none",
            change_sentence(first),
            better.len()
        )
    } else {
        unchanged(&counted, total)
    };
    if !worse.is_empty() && !better.is_empty() {
        text.push_str(&format!(", better in {}", better.len()));
    }
    let failed = thresholds.iter().filter(|result| result.outcome.is_failure()).count();
    if failed > 0 {
        let noun = if failed == 1 { "threshold fails" } else { "thresholds fail" };
        text.push_str(&format!("; {failed} {noun}"));
    }
    text
}

/// `Slower, 0.719x in saturation.requests_per_second (0.676 to 0.769)`.
fn change_sentence(change: &Change<'_>) -> String {
    let is_worse = change.verdict == Some(Verdict::Worse);
    let words = change.metric.descriptor().words;
    let word = capitalised(if is_worse { words.worse } else { words.better });
    let ratio = claimed(change.claim, format!("{}x", fine(change.ratio)));
    format!("{word}, {ratio} in {} ({})", change.metric, interval(change))
}

fn capitalised(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().into_iter().flat_map(char::to_uppercase).chain(rest).collect()
}

/// No change for sure: how sure that is.
fn unchanged(counted: &[&Change<'_>], total: usize) -> String {
    let same = counted.iter().filter(|change| change.verdict == Some(Verdict::Same)).count();
    if same == total && total > 0 {
        return match total {
            1 => "Same within the margin in its only metric".to_owned(),
            _ => format!("Same within the margin in all {total} metrics"),
        };
    }
    let probably = counted.iter().find(|change| change.verdict == Some(Verdict::ProbablyWorse));
    if let Some(change) = probably {
        return format!(
            "No change shown; probably worse: {} ({})",
            change.metric,
            interval(change)
        );
    }
    let widest = counted
        .iter()
        .filter(|change| change.verdict == Some(Verdict::NotShown))
        .filter_map(|change| Some((change, change.largest_difference?)))
        .max_by(|one, other| one.1.total_cmp(&other.1));
    let open = widest.map_or_else(String::new, |(change, share)| {
        format!("; if there is one, it is below {} ({})", percent(share), change.metric)
    });
    let untold = total.saturating_sub(counted.iter().filter(|it| it.verdict.is_some()).count());
    let untold = if untold > 0 { format!(", {untold} not judged") } else { String::new() };
    format!("No change shown in {}{untold}{open}", count(total, "metric"))
}

pub(super) fn difference_tables(found: &Difference<'_>) -> Vec<Table> {
    let mut tables = change_tables(found);
    tables.push(threshold_table(&found.new.thresholds));
    tables.retain(|table| !table.rows.is_empty());
    tables
}

/// A table for each contender, and the baseline's own.
fn change_tables(found: &Difference<'_>) -> Vec<Table> {
    let mut tables = Vec::new();
    for contender in &found.new.contenders {
        let name = &contender.record.name;
        let of_contender = |change: &&Change<'_>| change.contender == *name && change.counts;
        let rows: Vec<&Change<'_>> = found.changes.iter().filter(of_contender).collect();
        let unit = |change: &Change<'_>| found.unit(change);
        tables.push(change_table(name, ("old", "new"), &rows, &unit));
    }
    let rates = |change: &&Change<'_>| change.metric.kind == Kind::RequestsPerSecond;
    let drift: Vec<&Change<'_>> = found.drift.iter().filter(rates).collect();
    let title = format!(
        "baseline {}, not judged: changes of the machine or of the server",
        found.new.record.suite.baseline
    );
    let unit = |change: &Change<'_>| Some(change.metric.descriptor().unit);
    tables.push(change_table(&title, ("old", "new"), &drift, &unit));
    tables.retain(|table| !table.rows.is_empty());
    tables
}

const VERDICT_COLUMN: usize = 5;

pub fn change_table(
    title: &str,
    (before, after): (&str, &str),
    changes: &[&Change<'_>],
    unit: &dyn Fn(&Change<'_>) -> Option<Unit>,
) -> Table {
    let row = |change: &&Change<'_>| {
        let value = |figure: Figure| {
            let text = match unit(change) {
                Some(unit) => with_unit(figure.value, unit),
                None => format!("{}x", fine(figure.value)),
            };
            claimed(figure.claim, text)
        };
        vec![
            change.metric.to_string(),
            value(change.before),
            value(change.after),
            claimed(change.claim, format!("{}x", fine(change.ratio))),
            interval(change),
            verdict_text(change),
        ]
    };
    Table {
        title: title.to_owned(),
        heading: ["", before, after, "ratio", "95 % interval", "verdict"].map(str::to_owned).into(),
        rows: changes.iter().map(row).collect(),
        tones: changes.iter().map(|change| change.verdict.map(Tone::of)).collect(),
        toned: VERDICT_COLUMN,
    }
}

/// `>= 1.21x` for what is a bound only, `-` for what a gate forbids.
fn claimed(claim: Claim, text: String) -> String {
    if claim.withheld.is_some() { "-".to_owned() } else { bounded(claim.bound, text) }
}

/// The verdict, with the size of what it leaves open.
fn verdict_text(change: &Change<'_>) -> String {
    match (change.verdict, change.largest_difference) {
        (Some(Verdict::NotShown), Some(share)) => format!("no difference above {}", percent(share)),
        _ => change.word().to_owned(),
    }
}

fn interval(change: &Change<'_>) -> String {
    let is_shown = change.claim.withheld.is_none();
    match (change.low, change.high) {
        (Some(low), Some(high)) if is_shown => format!("{} to {}", fine(low), fine(high)),
        (Some(low), None) if is_shown => format!(">= {}", fine(low)),
        (None, Some(high)) if is_shown => format!("<= {}", fine(high)),
        _ => "-".to_owned(),
    }
}

pub(super) fn remarks(found: &Difference<'_>) -> Vec<String> {
    let lost = found.lost.iter();
    let lost = lost.map(|(contender, metric)| format!("worse: {contender} no longer has {metric}"));
    let not_told = found.not_told.iter();
    let not_told = not_told
        .map(|(contender, metric, gate)| format!("not judged: {contender}'s {metric} ({gate})"));
    let reasons = found.reasons.iter().map(|reason| format!("not comparable: {reason}"));
    let notes = found.notes.iter().map(|note| format!("note: {note}"));
    lost.chain(not_told).chain(reasons).chain(notes).collect()
}

#[cfg(test)]
mod tests;
