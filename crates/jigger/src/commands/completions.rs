//! `jigger completions`: what a shell needs to complete the command line.

use anyhow::Result;
use clap::CommandFactory as _;

use super::{Exit, output};
use crate::cli::{Cli, CompletionsArgs};

/// Prints the completions.
///
/// # Errors
/// When standard output cannot be written.
pub fn run(args: &CompletionsArgs) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "jigger", &mut script);
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Fine)
}
