//! Which container engine answers, and why the others do not.

use std::env;
use std::ffi::OsStr;
use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::{PathBuf, absolute};
use std::process::Command;
use std::time::Duration;

use thiserror::Error;

use super::command::{Answer, answer};
use super::engine::{Engine, Program};

/// An engine that is asked for its version and says nothing for so long does not answer.
const DETECTION_LIMIT: Duration = Duration::from_secs(20);

/// No engine can be used: for each that was tried, why, and what to do about it.
#[derive(Debug, Error)]
pub enum NoEngine {
    /// The engine asked for is not one that jigger knows.
    #[error("unknown container engine '{0}': choose docker or podman")]
    Unknown(String),
    /// None of those tried answers.
    #[error("no container engine answers.{}", tried_lines(.0))]
    Unavailable(Vec<(Program, Unavailable)>),
}

/// Why one engine cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unavailable {
    /// There is no such program on the PATH.
    NotInstalled,
    /// The program is there and fails; what it said.
    NoAnswer(String),
    /// The program is there and this user may not use it; what it said.
    NoPermission(String),
}

impl Engine {
    /// The engine of that name, or the first that answers, looked for on the PATH.
    ///
    /// # Errors
    /// The name is unknown, or no engine can be used: the error says for each why, and the remedy.
    pub fn detect(choice: Option<&str>) -> Result<Self, NoEngine> {
        Self::detect_in(choice, &env::var_os("PATH").unwrap_or_default())
    }

    /// As [`Engine::detect`], with the folders of `search_path` (separated as in PATH).
    ///
    /// # Errors
    /// As [`Engine::detect`].
    pub fn detect_in(choice: Option<&str>, search_path: &OsStr) -> Result<Self, NoEngine> {
        let mut tried = Vec::new();
        for program in Program::ALL {
            if choice.is_some_and(|name| name != program.name()) {
                continue;
            }
            match ask_version(program, search_path) {
                Ok(engine) => return Ok(engine),
                Err(why) => tried.push((program, why)),
            }
        }
        match choice {
            Some(name) if tried.is_empty() => Err(NoEngine::Unknown(name.to_owned())),
            _ => Err(NoEngine::Unavailable(tried)),
        }
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInstalled => formatter.write_str("not installed"),
            Self::NoAnswer(said) => write!(formatter, "installed but does not answer ({said})"),
            Self::NoPermission(said) => {
                write!(formatter, "installed but this user may not use it ({said})")
            }
        }
    }
}

impl Unavailable {
    /// What to do about it.
    #[must_use]
    pub fn remedy(&self, program: Program) -> &'static str {
        match (self, program) {
            (Self::NotInstalled, Program::Docker) => {
                "install it (on Debian and Ubuntu: apt install docker.io)"
            }
            (Self::NotInstalled, Program::Podman) => {
                "install it (on Debian and Ubuntu: apt install podman)"
            }
            (Self::NoAnswer(_), Program::Docker) => {
                "start its daemon (systemctl start docker, or dockerd as root) and check DOCKER_HOST"
            }
            (Self::NoAnswer(_), Program::Podman) => "see what `podman info` says",
            (Self::NoPermission(_), Program::Docker) => {
                "run as root, or join the group that may (usermod -aG docker USER, then log in again)"
            }
            (Self::NoPermission(_), Program::Podman) => {
                "run as the user who owns podman's storage, or as root"
            }
        }
    }
}

fn tried_lines(tried: &[(Program, Unavailable)]) -> String {
    tried
        .iter()
        .map(|(program, why)| format!("\n  {program}: {why}; {}", why.remedy(*program)))
        .collect()
}

fn ask_version(program: Program, search_path: &OsStr) -> Result<Engine, Unavailable> {
    let path = find(program, search_path).ok_or(Unavailable::NotInstalled)?;
    let answer = answer(Command::new(&path).args(version_question(program)), DETECTION_LIMIT)
        .map_err(|error| Unavailable::NoAnswer(error.to_string()))?;
    let version = answer.stdout.trim().to_owned();
    if answer.status.success() && !version.is_empty() {
        return Ok(Engine::new(program, version, path));
    }
    Err(why_silent(&answer))
}

fn why_silent(answer: &Answer) -> Unavailable {
    let complaint = answer.complaint();
    match answer.stderr.to_lowercase().contains("permission denied") {
        true => Unavailable::NoPermission(complaint),
        false => Unavailable::NoAnswer(complaint),
    }
}

/// The program's absolute path: a build may run in another folder.
fn find(program: Program, search_path: &OsStr) -> Option<PathBuf> {
    let runs = |path: &PathBuf| {
        path.metadata().is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
    };
    let mut paths = env::split_paths(search_path).map(|folder| folder.join(program.name()));
    paths.find(runs).and_then(|path| absolute(path).ok())
}

/// A question that only a working engine answers, and the answer is its version.
fn version_question(program: Program) -> [&'static str; 3] {
    match program {
        // The server's version: the client's is known without a daemon.
        Program::Docker => ["version", "--format", "{{.Server.Version}}"],
        // `info` opens the storage, which is where a podman that cannot work fails.
        Program::Podman => ["info", "--format", "{{.Version.Version}}"],
    }
}
