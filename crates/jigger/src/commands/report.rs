//! `jigger report`: a record's report again.

use anyhow::{Result, bail};

use super::{Exit, output};
use crate::analysis::{Analysis, Basis, Difference, has_common_baseline};
use crate::cli::ReportArgs;
use crate::record::Record;
use crate::report::{Format, render_as, render_since};

/// Reads the record and writes its report.
///
/// # Errors
/// When the record cannot be read or a file cannot be written.
pub fn run(args: &ReportArgs) -> Result<Exit> {
    let record = Record::read(&args.record)?;
    output::check_files(&args.output)?;
    let analysis = Analysis::of(&record);
    let Some(earlier) = &args.against else {
        if args.output.is_empty() {
            output::print(&render_as(&analysis, args.format, args.shown.look()))?;
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
    let formats = args.output.iter().filter_map(|file| Format::of_file(file));
    let formats: Vec<Format> =
        if args.output.is_empty() { vec![args.format] } else { formats.collect() };
    if formats.iter().any(|format| matches!(format, Format::Csv | Format::Json)) {
        bail!(
            "--against is for text, Markdown and HTML; `jigger diff --format json` is for programs"
        );
    }
    if args.output.is_empty() {
        output::print(&render_since(&found, args.format, args.shown.look()))?;
    }
    output::write_files_since(&found, &args.output)?;
    Ok(Exit::Fine)
}
