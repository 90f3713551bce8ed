//! `jigger report`: the report of a record again. `jigger diff`: two records, and whether anything got
//! worse.

use anyhow::{Context as _, Result, bail};

use super::{Exit, output};
use crate::analysis::{Analysis, Basis, Difference, has_common_baseline};
use crate::cli::{DiffArgs, ReportArgs};
use crate::record::Record;
use crate::report::{Format, changes, render_as, render_since};
use crate::suite::check_metrics;

pub fn run(args: &ReportArgs) -> Result<Exit> {
    let record = Record::read(&args.record)?;
    output::check_files(&args.output, args.card.as_deref())?;
    let analysis = Analysis::of(&record);
    output::write_card(&analysis, args.card.as_deref())?;
    let Some(earlier) = &args.against else {
        if args.is_printed() {
            output::print(&render_as(&analysis, args.format, args.look()))?;
        }
        output::write_files(&analysis, &args.output, args.charts.as_deref())?;
        return Ok(Exit::Fine);
    };
    against(&analysis, &Record::read(earlier)?, args)
}

fn against(analysis: &Analysis<'_>, earlier: &Record, args: &ReportArgs) -> Result<Exit> {
    let earlier = Analysis::of(earlier);
    let is_relative = has_common_baseline(&earlier, analysis);
    let basis = if is_relative { Basis::Relative } else { Basis::Absolute };
    let found = Difference::of(&earlier, analysis, basis, &[]);
    check_comparable(&found, args.force)?;
    let formats = args.output.iter().filter_map(|file| Format::of_file(file));
    let formats: Vec<Format> =
        if args.output.is_empty() { vec![args.format] } else { formats.collect() };
    if formats.iter().any(|format| matches!(format, Format::Csv | Format::Json)) {
        bail!(
            "--against is for text, Markdown and HTML; `jigger diff --format json` is for programs"
        );
    }
    if args.is_printed() {
        output::print(&render_since(&found, args.format, args.look()))?;
    }
    output::write_files_since(&found, &args.output)?;
    Ok(Exit::Fine)
}

pub fn diff(args: &DiffArgs) -> Result<Exit> {
    let (old, new) = (Record::read(&args.old)?, Record::read(&args.new)?);
    check_metrics(&args.metric, &new.scenario_names()).context("--metric")?;
    let (old, new) = (Analysis::of(&old), Analysis::of(&new));
    let found = Difference::of(&old, &new, basis(args, &old, &new)?, &args.metric);
    check_comparable(&found, args.force)?;
    output::print(&changes::difference(&found, args.format, args.color.look()))?;
    let is_missed = found.is_worse() || new.misses_thresholds(args.strict);
    Ok(if is_missed { Exit::Missed } else { Exit::Fine })
}

fn basis(args: &DiffArgs, old: &Analysis<'_>, new: &Analysis<'_>) -> Result<Basis> {
    let is_possible = has_common_baseline(old, new);
    if args.relative && !is_possible {
        bail!(
            "--relative: the runs have no common baseline with another contender \
             ({} and {})",
            old.record.suite.baseline,
            new.record.suite.baseline
        );
    }
    Ok(if is_possible && !args.absolute { Basis::Relative } else { Basis::Absolute })
}

/// Refuses two records whose figures do not mean the same, or that share none.
fn check_comparable(found: &Difference<'_>, is_forced: bool) -> Result<()> {
    if !found.reasons.is_empty() && !is_forced {
        bail!(
            "these two records cannot be compared:\n  {}\n  measure again under the same \
             conditions, or use --force",
            found.reasons.join("\n  ")
        );
    }
    if found.changes.is_empty() && found.lost.is_empty() {
        let notes = found.notes.iter().map(|note| format!("\n  {note}"));
        bail!(
            "the two records have no contender with a metric in common{}",
            notes.collect::<String>()
        );
    }
    Ok(())
}
