//! Writes reports to standard output and to files.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::analysis::Analysis;
use crate::report::{Format, render};

/// Checks that each file can be written and its format is known, before work begins.
pub fn check_files(files: &[PathBuf]) -> Result<()> {
    for file in files {
        if Format::of_file(file).is_none() {
            bail!(
                "cannot tell the format of {}: end its name in .html, .md, .json, .csv or .txt",
                file.display()
            );
        }
        let opened = std::fs::OpenOptions::new().append(true).create(true).open(file);
        opened.with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

/// Writes the report into each file, in the format of its extension.
pub fn write_files(analysis: &Analysis<'_>, files: &[PathBuf]) -> Result<()> {
    for file in files {
        let format = Format::of_file(file).unwrap_or(Format::Text);
        write_file(file, &render(analysis, format, false))?;
    }
    Ok(())
}

fn write_file(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// Writes to standard output. A reader that has gone (`| head`) is no error.
pub fn print(text: &str) -> Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("cannot write to standard output"),
    }
}
