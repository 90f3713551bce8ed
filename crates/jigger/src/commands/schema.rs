//! `jigger schema`: what files and output look like, for programs and editors.

use anyhow::Result;

use super::{Exit, output};
use crate::cli::SchemaArgs;

/// Prints the schema.
///
/// # Errors
/// When standard output cannot be written.
pub fn run(args: &SchemaArgs) -> Result<Exit> {
    output::print(&format!("{:#}\n", args.of.value()))?;
    Ok(Exit::Fine)
}
