//! What the program tells of itself, from the words of its help and its types: shell completions,
//! man pages, schemas of its files and output.

use anyhow::{Context as _, Result};
use clap::CommandFactory as _;
use clap_mangen::{Man, generate_to};

use super::{Exit, output};
use crate::cli::{Cli, CompletionsArgs, ManArgs, SchemaArgs};

pub fn completions(args: &CompletionsArgs) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "jigger", &mut script);
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Fine)
}

pub fn man(args: &ManArgs) -> Result<Exit> {
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

pub fn schema(args: &SchemaArgs) -> Result<Exit> {
    output::print(&format!("{:#}\n", args.of.value()))?;
    Ok(Exit::Fine)
}
