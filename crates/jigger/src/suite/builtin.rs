//! The suites that are compiled into the program, contenders' sources included.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::SuiteError;
use super::body_expectation::hex;

include!(concat!(env!("OUT_DIR"), "/contender_files.rs"));

/// The names of the compiled-in suites, the default one first.
pub const BUILTIN_NAMES: &[&str] = &["pong", "post", "placebo", "known", "stack", "tls"];

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Builtin {
    pub name: &'static str,
    pub text: &'static str,
}

impl Builtin {
    pub fn named(name: &str) -> Option<Self> {
        let text = match name {
            "pong" => include_str!(concat!(env!("OUT_DIR"), "/suites/pong.toml")),
            "post" => include_str!(concat!(env!("OUT_DIR"), "/suites/post.toml")),
            "placebo" => include_str!(concat!(env!("OUT_DIR"), "/suites/placebo.toml")),
            "known" => include_str!(concat!(env!("OUT_DIR"), "/suites/known.toml")),
            "stack" => include_str!(concat!(env!("OUT_DIR"), "/suites/stack.toml")),
            "tls" => include_str!(concat!(env!("OUT_DIR"), "/suites/tls.toml")),
            _ => return None,
        };
        let name = BUILTIN_NAMES.iter().find(|known| **known == name)?;
        Some(Self { name, text })
    }

    /// Writes the contenders' sources into the cache folder, when they are not
    /// there yet, and returns the folder that the suite's paths start from.
    ///
    /// The folder is named after the sources' digest, so that a newer program
    /// never builds older sources, and builds are reused between runs.
    pub(super) fn unpack(self) -> Result<PathBuf, SuiteError> {
        let root = cache_folder().join(digest());
        let failed = |cause| SuiteError::Unpack {
            name: self.name.to_owned(),
            directory: root.display().to_string(),
            cause,
        };
        for (path, bytes) in CONTENDER_FILES {
            write_when_changed(&root.join("contenders").join(path), bytes).map_err(failed)?;
        }
        let suites = root.join("suites");
        std::fs::create_dir_all(&suites).map_err(failed)?;
        Ok(suites)
    }
}

/// Leaves an unchanged file alone: a new time stamp would make builds run again.
fn write_when_changed(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if std::fs::read(path).is_ok_and(|found| found == bytes) {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    std::fs::write(path, bytes)
}

fn digest() -> String {
    let mut hash = Sha256::new();
    for (path, bytes) in CONTENDER_FILES {
        hash.update(path.as_bytes());
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    }
    hex(&hash.finalize()[..6])
}

/// JIGGER_CACHE_DIR, else the XDG cache folder, else a folder for temporary files.
pub fn cache_folder() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(folder) = set("JIGGER_CACHE_DIR") {
        return folder.into();
    }
    let base = set("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || set("HOME").map(|home| PathBuf::from(home).join(".cache"));
    base.or_else(home).unwrap_or_else(std::env::temp_dir).join("jigger")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::Suite;

    #[test]
    fn every_builtin_suite_is_valid_and_its_contenders_have_sources() {
        for name in BUILTIN_NAMES {
            let builtin = Builtin::named(name).unwrap();
            let suite = Suite::parse(builtin.text, name, Path::new("/s/suites")).unwrap();
            for contender in &suite.contenders {
                let folder = contender.directory.strip_prefix("/s/suites/../contenders/").unwrap();
                let has_files =
                    CONTENDER_FILES.iter().any(|(path, _)| Path::new(path).starts_with(folder));
                assert!(has_files, "{name}: no sources for {}", folder.display());
            }
        }
    }

    /// A build that did not notice a new or removed file would carry another list.
    #[test]
    fn the_sources_are_those_of_the_folder() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("contenders");
        let (mut folders, mut found) = (vec![root.clone()], Vec::new());
        while let Some(folder) = folders.pop() {
            for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(&root).unwrap().display().to_string();
                    found.push(name.replace("Cargo.toml.in", "Cargo.toml"));
                }
            }
        }
        found.sort();
        let mut compiled_in: Vec<&str> = CONTENDER_FILES.iter().map(|(path, _)| *path).collect();
        compiled_in.sort_unstable();
        assert_eq!(compiled_in, found);
    }

    #[test]
    fn manifests_have_the_names_that_their_tools_look_for() {
        for manifest in
            ["axum/Cargo.toml", "axum/Cargo.lock", "gin/go.mod", "flask/requirements.lock"]
        {
            assert!(CONTENDER_FILES.iter().any(|(path, _)| *path == manifest), "{manifest}");
        }
    }
}
