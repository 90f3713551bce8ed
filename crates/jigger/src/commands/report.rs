//! `jigger report`: a record's report again.

use anyhow::Result;

use super::{Exit, output};
use crate::analysis::Analysis;
use crate::cli::ReportArgs;
use crate::record::Record;
use crate::report::render_as;

/// Reads the record and writes its report.
///
/// # Errors
/// When the record cannot be read or a file cannot be written.
pub fn run(args: &ReportArgs) -> Result<Exit> {
    let record = Record::read(&args.record)?;
    output::check_files(&args.output)?;
    let analysis = Analysis::of(&record);
    if args.output.is_empty() {
        output::print(&render_as(&analysis, args.format, args.shown.look()))?;
    }
    output::write_files(&analysis, &args.output, args.charts.as_deref())?;
    Ok(Exit::Fine)
}
