//! `jigger init`: a commented suite for the servers that are found.

use std::io::{ErrorKind, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::{Exit, output};
use crate::cli::InitArgs;
use crate::init::{ComposeService, Found, find, services, suite_text};
use crate::suite::{Suite, is_name_character};

pub fn run(args: &InitArgs) -> Result<Exit> {
    if !args.folder.is_dir() {
        bail!("{} is not a folder; name the one that holds your servers", args.folder.display());
    }
    let found = find(&args.folder);
    if !found.iter().any(|server| server.start.is_some()) {
        bail!("{}", nothing_found(&args.folder, &found));
    }
    let path = args.folder.join(&args.file);
    let shown = path.display().to_string();
    let compose = services(&args.folder);
    let beside = compose.as_ref().map(|(file, services)| (*file, services.as_slice()));
    let text = suite_text(&suite_name(&args.folder), &shown, &found, beside);
    Suite::parse(&text, &shown, &args.folder)
        .context("the suite that would be written is not valid; please report this as a bug")?;
    write_new(&path, &text)?;
    output::print(&summary(&shown, &found, beside))?;
    Ok(Exit::Fine)
}

fn nothing_found(folder: &Path, found: &[Found]) -> String {
    let images = match found.len() {
        0 => String::new(),
        count => format!(" ({count} with a Dockerfile alone, which jigger cannot start)"),
    };
    format!(
        "no server found in {}{images}: looked for go.mod, Cargo.toml, package.json and Python \
         files that listen, three folders deep\n  name the folder that holds them, or write a \
         suite by hand: docs/suite.md",
        folder.display()
    )
}

fn suite_name(folder: &Path) -> String {
    let whole = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let name = whole.file_name().map(|name| name.to_string_lossy().into_owned());
    let name: String = name.unwrap_or_default().chars().filter(|c| is_name_character(*c)).collect();
    if name.is_empty() { "suite".to_owned() } else { name }
}

/// An existing file is somebody's work and is left as it is.
fn write_new(path: &Path, text: &str) -> Result<()> {
    let file = std::fs::OpenOptions::new().write(true).create_new(true).open(path);
    let mut file = match file {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => bail!(
            "{} already exists and was not changed; choose another name with -o FILE",
            path.display()
        ),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot write {}", path.display()));
        }
    };
    file.write_all(text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
}

fn summary(path: &str, found: &[Found], compose: Option<(&str, &[ComposeService])>) -> String {
    let mut text = format!("{path}:\n");
    for server in found {
        let note = if server.start.is_some() { "" } else { " (left as a comment)" };
        text.push_str(&format!("  {}: {}{note}\n", server.name, server.what));
    }
    if let Some((file, services)) = compose {
        for service in services {
            text.push_str(&format!(
                "  {}: a service of {file} (left as a comment)\n",
                service.name
            ));
        }
    }
    let path = shell_words::quote(path);
    text + &format!("next: jigger check {path}, then jigger run {path}\n")
}
