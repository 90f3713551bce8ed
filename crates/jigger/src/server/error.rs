//! Why a server could not be started or stopped, and the messages of such errors.

use std::borrow::Cow;
use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::io::Errno;
use serde::{Deserialize, Serialize};

/// An error that knows what to do about it.
pub trait Diagnostic: std::error::Error {
    /// What to do about it; empty where that depends on the cause.
    fn remedy(&self) -> Cow<'static, str> {
        Cow::Borrowed("")
    }

    /// The end of the log in which more is said; empty where there is none, or where the caller has
    /// the server and its log.
    fn log_tail(&self) -> &str {
        ""
    }

    /// All of it in one message: what is wrong, each cause once, the remedy, the end of the log.
    fn in_full(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        let remedy = self.remedy();
        let separator = if remedy.is_empty() { "" } else { "; " };
        format!("{text}{separator}{remedy}{}", below(self.log_tail()))
    }
}

/// What an operating system said, as it goes over the link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct SystemError {
    /// The error's number; 0 when it has none.
    pub errno: i32,
    pub message: String,
}

impl From<io::Error> for SystemError {
    fn from(error: io::Error) -> Self {
        Self { errno: error.raw_os_error().unwrap_or(0), message: error.to_string() }
    }
}

impl From<Errno> for SystemError {
    fn from(errno: Errno) -> Self {
        io::Error::from(errno).into()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum EngineError {
    #[error("{} cannot run", .0.display())]
    NotRun(PathBuf, #[source] SystemError),
    #[error("{}: no response within {} s", .0.display(), .1.as_secs())]
    Silent(PathBuf, Duration),
    /// The last line of its errors, else how it ended.
    #[error("{0}")]
    Refused(String),
    #[error("the container {0} does not run")]
    NoProcess(String),
}

/// Why a server could not be started. Programs are named as they were given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum StartError {
    #[error("the start command is empty")]
    NoCommand,
    #[error("the directory {} to start in does not exist", .0.display())]
    Directory(PathBuf),
    #[error("the server's log {} cannot be written", .0.display())]
    Log(PathBuf, #[source] SystemError),
    #[error("{program:?} was not found {place}")]
    NotFound { program: String, place: String },
    #[error("{0:?} exists, but the interpreter in its first line or its loader does not")]
    NoInterpreter(String),
    #[error("{0:?} may not be executed")]
    NotExecutable(String),
    #[error("{program:?} may not be executed by the user '{user}'")]
    NotExecutableBy { program: String, user: String },
    #[error("{0:?} is not a program for this machine")]
    NotAProgram(String),
    #[error("{0:?} could not be started")]
    Spawn(String, #[source] SystemError),
    #[error("the container {0} could not be started")]
    Container(String, #[source] EngineError),
    #[error("the guard {program}, which watches the server, failed")]
    Guard { program: PathBuf, source: GuardError, log_tail: String },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum GuardError {
    #[error("it could not be started")]
    NotRun(#[source] SystemError),
    #[error("it started nothing within {} s", .0.as_secs())]
    Late(Duration),
    #[error("it ended without a message")]
    Silent,
    #[error("it uses version {theirs} of the protocol, and this jigger uses {ours}")]
    OtherVersion { theirs: u32, ours: u32 },
    #[error("it received no start command")]
    NoOrder,
    /// The operating system refused it this, before it came to start anything.
    #[error("{0}")]
    Refused(String, #[source] SystemError),
}

/// Why a server was not stopped as it should be.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    #[error(
        "processes {0:?} of the server did not end even after SIGKILL, so they hang in the kernel or belong to another user"
    )]
    Survivors(Vec<i32>),
    #[error("the container {name} could not be removed")]
    ContainerLeft { engine: PathBuf, name: String, source: EngineError },
    #[error(
        "the server's guard was ended from outside; what could be found of the server was killed"
    )]
    GuardLost,
}

/// Why the costs of a server could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum UsageError {
    #[error("the server is no longer running, so its CPU time and memory cannot be read")]
    Gone,
    #[error("the processes of the container {0} cannot be determined")]
    Container(String, #[source] EngineError),
    #[error("the server's CPU account in {} cannot be read", .0.display())]
    Account(PathBuf, #[source] SystemError),
}

impl Diagnostic for UsageError {}

impl StartError {
    /// The error for a program that the operating system refused to start.
    pub(super) fn of_spawn(program: &str, user: Option<&str>, error: io::Error) -> Self {
        let has_path = program.contains('/');
        let is_there = has_path && Path::new(program).exists();
        let program = program.to_owned();
        match Errno::from_io_error(&error) {
            Some(Errno::NOENT | Errno::NOTDIR) if is_there => Self::NoInterpreter(program),
            Some(Errno::NOENT | Errno::NOTDIR) => {
                Self::NotFound { program, place: place(has_path) }
            }
            Some(Errno::ACCESS | Errno::PERM) => match user {
                Some(user) => Self::NotExecutableBy { program, user: user.to_owned() },
                None => Self::NotExecutable(program),
            },
            Some(Errno::NOEXEC) => Self::NotAProgram(program),
            _ => Self::Spawn(program, error.into()),
        }
    }
}

impl Diagnostic for StartError {
    fn remedy(&self) -> Cow<'static, str> {
        let remedy = match self {
            Self::NoCommand => "give the contender a program to start",
            Self::Directory(_) => "correct the directory, or make it first",
            Self::Log(..) => "choose a writable output directory",
            Self::NotFound { .. } => "install it, build the contender, or correct the command",
            Self::NoInterpreter(_) => "install it or rebuild the contender",
            Self::NotExecutable(_) => "make it executable (chmod +x) or correct the command",
            Self::NotExecutableBy { .. } => {
                "let that user execute it and enter the folders above it (chmod, or another place)"
            }
            Self::NotAProgram(_) => {
                "a script needs a first line such as #!/bin/sh, a binary has to be built for this \
                 processor"
            }
            Self::Spawn(..) | Self::Container(..) | Self::Guard { .. } => "",
        };
        remedy.into()
    }

    fn log_tail(&self) -> &str {
        if let Self::Guard { log_tail, .. } = self { log_tail } else { "" }
    }
}

impl Diagnostic for StopError {
    fn remedy(&self) -> Cow<'static, str> {
        match self {
            Self::Survivors(_) => "end them by hand before the next run".into(),
            Self::ContainerLeft { engine, name, .. } => {
                format!("remove it by hand ({} rm --force {name})", engine.display()).into()
            }
            Self::GuardLost => "look for leftovers with ps".into(),
        }
    }
}

/// The tail of a log as the end of a message; nothing when there is none.
pub(crate) fn below(log_tail: &str) -> String {
    if log_tail.is_empty() {
        return String::new();
    }
    format!("; the end of its log:\n  {}", log_tail.replace('\n', "\n  "))
}

/// Where this process looks for a program, in words.
fn place(has_path: bool) -> String {
    if has_path {
        let here = env::current_dir().unwrap_or_default();
        return format!("from {}", here.display());
    }
    format!("on PATH ({})", env::var("PATH").unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_with_each_cause_once_and_the_remedy_after_them() {
        let denied = || io::Error::from(io::ErrorKind::PermissionDenied).into();
        let error = StartError::Log("/log".into(), denied());
        let told = "the server's log /log cannot be written: permission denied; choose a writable \
                    output directory";
        assert_eq!(error.in_full(), told);
        let error = StartError::Guard {
            program: "/jigger".into(),
            source: GuardError::Refused("cannot watch".to_owned(), denied()),
            log_tail: "one\ntwo".to_owned(),
        };
        let told = "the guard /jigger, which watches the server, failed: cannot watch: \
                    permission denied; the end of its log:\n  one\n  two";
        assert_eq!(error.in_full(), told);
    }
}
