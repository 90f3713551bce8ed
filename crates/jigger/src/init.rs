//! A suite for the servers that are found in a folder, as `jigger init` writes it.
//!
//! Files are read and nothing is run. What cannot be told from them is written down as a guess,
//! with a comment that says so.

mod go;
mod listening;
mod node;
mod python;
mod rust;
mod walk;
mod write;

use std::path::{Path, PathBuf};

pub use walk::find;
pub use write::suite_text;

/// A server that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its name in the suite.
    pub name: String,
    /// Its folder, from the one that was searched; `.` for that one.
    pub dir: String,
    /// What it is and by which file it was found.
    pub what: String,
    /// Programs that its commands need.
    pub needs: Vec<&'static str>,
    /// The commands that build it.
    pub build: Vec<String>,
    /// The command that starts it; none where only an image can.
    pub start: Option<String>,
    /// How it learns its port.
    pub port: Port,
    /// A path that it answers.
    pub path: String,
    /// Whether a Dockerfile is beside it.
    pub has_dockerfile: bool,
}

/// How a server learns on which port to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Port {
    /// From this environment variable.
    Variable(String),
    /// The command that starts it names the port.
    Argument,
    /// It is written in the sources.
    Fixed(u16),
    /// It was not found out.
    Unknown,
}

/// A folder that may be a project: where it is, and its files that matter.
#[derive(Debug, Clone, Default)]
struct Folder {
    path: PathBuf,
    /// From the searched folder, with `/`; empty for that one.
    dir: String,
    /// Names of the files in it, sorted.
    files: Vec<String>,
}

impl Folder {
    fn has(&self, name: &str) -> bool {
        self.files.iter().any(|file| file == name)
    }

    /// A file's text, as far as it is one.
    fn text(&self, name: &str) -> String {
        std::fs::read(self.path.join(name))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// The texts of all files whose names end so, those in the folders named included.
    fn sources(&self, endings: &[&str], folders: &[&str]) -> Vec<(String, String)> {
        let mut sources: Vec<(String, String)> = Vec::new();
        for folder in std::iter::once(&"").chain(folders) {
            let mut names = names_in(&self.path.join(folder));
            names.retain(|name| endings.iter().any(|ending| name.ends_with(ending)));
            sources.extend(names.into_iter().map(|name| {
                let name = if folder.is_empty() { name } else { format!("{folder}/{name}") };
                let text = self.text(&name);
                (name, text)
            }));
        }
        sources
    }

    /// `services/gin/go.mod`.
    fn place(&self, file: &str) -> String {
        if self.dir.is_empty() { file.to_owned() } else { format!("{}/{file}", self.dir) }
    }
}

/// Names of the plain files in a folder, sorted; none when it cannot be read.
fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries.filter(|entry| entry.path().is_file());
    let mut names: Vec<String> =
        files.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests;
