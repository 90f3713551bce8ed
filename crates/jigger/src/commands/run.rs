//! `jigger run`: a suite to its report.

use anyhow::Result;

use super::{Exit, measure};
use crate::cli::RunArgs;
use crate::host::allowed_cores;
use crate::plan::RunPlan;
use crate::prepare::Images;
use crate::suite::Suite;

/// Runs a suite.
///
/// # Errors
/// When the suite is wrong or a file cannot be written.
pub fn run(args: &RunArgs) -> Result<Exit> {
    let options = args.options.clone();
    let suite = Suite::read(&args.suite, &options.selection)?;
    let images = match options.no_images {
        true => Images::Skip,
        false => Images::detect(&suite, options.engine.as_deref()),
    };
    measure(&RunPlan::new(suite, options, &allowed_cores())?, images, &args.output)
}
