//! `jigger man`: the manual, from the same words as `--help`.

use anyhow::{Context as _, Result};
use clap::CommandFactory as _;
use clap_mangen::{Man, generate_to};

use super::{Exit, output};
use crate::cli::{Cli, ManArgs};

/// Prints the page of jigger itself, or writes all pages.
///
/// # Errors
/// When a page cannot be written.
pub fn run(args: &ManArgs) -> Result<Exit> {
    let Some(folder) = &args.dir else {
        let mut page = Vec::new();
        Man::new(Cli::command()).render(&mut page)?;
        output::print(&String::from_utf8_lossy(&page))?;
        return Ok(Exit::Fine);
    };
    let written =
        std::fs::create_dir_all(folder).and_then(|()| generate_to(Cli::command(), folder));
    written.with_context(|| format!("cannot write man pages into {}", folder.display()))?;
    Ok(Exit::Fine)
}
