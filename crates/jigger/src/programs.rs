//! Programs of this machine: whether one can be started by its name, and what to do when it cannot.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

const POSTGRESQL: &str = "install PostgreSQL (Debian: postgresql), or run `make setup SUITE=stack`";

/// Where the remedy for a missing program is not just its name.
const REMEDIES: &[(&str, &str)] = &[
    ("go", "install Go 1.25 or newer (https://go.dev/dl/), or run `make setup`"),
    ("python3", "install Python 3.10 or newer with its venv module (Debian: python3-venv)"),
    ("cargo", "install Rust (https://rustup.rs)"),
    ("rustup", "install Rust with rustup (https://rustup.rs), which has the target for musl"),
    ("node", "install Node.js (https://nodejs.org)"),
    ("java", "install a JDK (Debian: default-jdk-headless)"),
    ("postgres", POSTGRESQL),
    ("initdb", POSTGRESQL),
    ("psql", POSTGRESQL),
    ("pg_isready", POSTGRESQL),
];

/// The remedy for a program that is not on PATH.
pub fn how_to_install(program: &str) -> Cow<'static, str> {
    let known = REMEDIES.iter().find(|(name, _)| *name == program);
    known.map_or_else(|| format!("install {program}").into(), |(_, how)| (*how).into())
}

/// Whether a program of that name can be started from PATH.
#[must_use]
pub fn is_on_path(program: &str) -> bool {
    is_on(&own_path(), program)
}

/// Whether a program of that name is in one of the folders of `path`, which is as PATH is.
pub fn is_on(path: &OsStr, program: &str) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    let executable = |path: &Path| {
        std::fs::metadata(path).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
    };
    std::env::split_paths(path).any(|folder| executable(&folder.join(program)))
}

/// PATH with these folders behind its own; those that cannot stand in it are left out.
pub fn path_with(folders: &[PathBuf]) -> OsString {
    let own = own_path();
    let all: Vec<PathBuf> = std::env::split_paths(&own).chain(folders.iter().cloned()).collect();
    std::env::join_paths(all).unwrap_or(own)
}

/// The same as the environment variable of a command.
pub fn path_variable(folders: &[PathBuf]) -> (String, String) {
    ("PATH".to_owned(), path_with(folders).to_string_lossy().into_owned())
}

fn own_path() -> OsString {
    std::env::var_os("PATH").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_may_be_in_a_folder_besides_path() {
        let folder = tempfile::tempdir().unwrap();
        let name = "jigger-test-program";
        std::fs::write(folder.path().join(name), "").unwrap();
        let path = || path_with(&[folder.path().to_owned()]);
        assert!(!is_on(&path(), name), "it may not be executed");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(folder.path().join(name), mode).unwrap();
        assert!(is_on(&path(), name) && !is_on_path(name));
        assert!(is_on(&path(), "sh"), "what is on PATH already still is");
    }

    #[test]
    fn a_missing_program_has_a_remedy() {
        assert_eq!(how_to_install("nonesuch"), "install nonesuch");
        assert!(how_to_install("initdb").contains("postgresql"));
    }
}
