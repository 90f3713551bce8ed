//! Writes reports to standard output and to files.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::analysis::{Analysis, Difference};
use crate::report::{
    Chart, Format, Look, card, charts, markdown_with_charts, render, render_since,
};

/// Checks that each file can be written and its format is known, before work begins.
pub fn check_files(files: &[PathBuf], card: Option<&Path>) -> Result<()> {
    for file in files {
        if Format::of_file(file).is_none() {
            bail!(
                "cannot tell the format of {}: end its name in .html, .md, .json, .csv or .txt",
                file.display()
            );
        }
    }
    for file in files.iter().map(PathBuf::as_path).chain(card) {
        let opened = std::fs::OpenOptions::new().append(true).create(true).open(file);
        opened.with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

/// Draws the picture for a post, if a file for it is given.
pub fn write_card(analysis: &Analysis<'_>, file: Option<&Path>) -> Result<()> {
    file.map_or(Ok(()), |file| write_file(file, &card(analysis)))
}

/// Writes the report into each file, in the format of its extension; charts, when asked for, as
/// SVG files into a folder that the Markdown ones refer to.
pub fn write_files(
    analysis: &Analysis<'_>,
    files: &[PathBuf],
    charts_folder: Option<&Path>,
) -> Result<()> {
    let drawn = charts_folder.map(|folder| write_charts(analysis, folder)).transpose()?;
    for file in files {
        let format = Format::of_file(file).unwrap_or(Format::Text);
        let text = match (format, charts_folder, &drawn) {
            (Format::Markdown, Some(folder), Some(drawn)) => {
                let way = way(file.parent().unwrap_or(Path::new("")), folder)?;
                let path = |name: &str| way.join(format!("{name}.svg")).display().to_string();
                markdown_with_charts(analysis, drawn, path)
            }
            _ => render(analysis, format, false),
        };
        write_file(file, &text)?;
    }
    Ok(())
}

/// The same with what changed since an earlier record.
pub fn write_files_since(found: &Difference<'_>, files: &[PathBuf]) -> Result<()> {
    for file in files {
        let format = Format::of_file(file).unwrap_or(Format::Text);
        write_file(file, &render_since(found, format, Look::default()))?;
    }
    Ok(())
}

fn write_charts(analysis: &Analysis<'_>, folder: &Path) -> Result<Vec<Chart>> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let drawn = charts(analysis);
    for chart in &drawn {
        write_file(&folder.join(format!("{}.svg", chart.name)), &chart.svg)?;
    }
    Ok(drawn)
}

/// The way from one folder to another, as a link has it. Both exist.
fn way(from: &Path, to: &Path) -> Result<PathBuf> {
    let here = if from == Path::new("") { Path::new(".") } else { from };
    let whole = |path: &Path| {
        path.canonicalize().with_context(|| format!("cannot find the folder {}", path.display()))
    };
    let (from, to) = (whole(here)?, whole(to)?);
    let common = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(common).map(|_| "..");
    Ok(up.collect::<PathBuf>().join(to.components().skip(common).collect::<PathBuf>()))
}

fn write_file(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// Writes a line to standard error. A reader that has gone is no reason to end, least of all before
/// what was begun is cleared away.
pub fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Writes to standard output. A reader that has gone (`| head`) is no error.
pub fn print(text: &str) -> Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("cannot write to standard output"),
    }
}
