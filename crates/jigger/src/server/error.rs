//! Why a server could not be started or stopped, each with the remedy.

use std::env;
use std::io;
use std::path::PathBuf;

use rustix::io::Errno;

use super::StartSpec;

/// Why a server could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The command line is empty.
    #[error("the start command is empty; give the contender a program to start")]
    NoCommand,
    /// The directory to start in is not there.
    #[error(
        "the directory {path} to start in does not exist; correct the directory, or make it first"
    )]
    Directory {
        /// The directory.
        path: PathBuf,
    },
    /// The log cannot be written.
    #[error(
        "the server's log {path} cannot be written: {source}; choose a writable output directory"
    )]
    Log {
        /// The log.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// There is no such program.
    #[error(
        "{program:?} was not found {place}; install it, build the contender, or correct the command"
    )]
    NotFound {
        /// The program as given.
        program: String,
        /// Where it was looked for.
        place: String,
    },
    /// The file is there, but the program that is to interpret or load it is not.
    #[error(
        "{program:?} is there, but the interpreter in its first line or its loader is not; install it or build the contender anew"
    )]
    NoInterpreter {
        /// The program as given.
        program: String,
    },
    /// The file may not be executed.
    #[error(
        "{program:?} may not be executed; make it executable (chmod +x) or correct the command"
    )]
    NotExecutable {
        /// The program as given.
        program: String,
    },
    /// The file is no program.
    #[error(
        "{program:?} is not a program for this machine; a script needs a first line such as #!/bin/sh, a binary has to be built for this processor"
    )]
    NotAProgram {
        /// The program as given.
        program: String,
    },
    /// Another refusal of the operating system.
    #[error("{program:?} could not be started: {message}")]
    Spawn {
        /// The program as given.
        program: String,
        /// What the operating system said.
        message: String,
    },
    /// The engine did not make or start the container.
    #[error("the container {name} could not be started: {message}")]
    Container {
        /// The container's name.
        name: String,
        /// What the engine said.
        message: String,
    },
    /// The guard could not do its work.
    #[error(
        "the guard {program} that is to watch the server could not: {message}{}",
        below(log_tail)
    )]
    Guard {
        /// The guard's program: jigger itself.
        program: PathBuf,
        /// Why.
        message: String,
        /// The last lines of the log, in which the guard's own failures are.
        log_tail: String,
    },
}

/// Why a server was not stopped as it should be.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    /// Processes did not end even after SIGKILL.
    #[error(
        "processes {pids:?} of the server did not end even after SIGKILL, so they hang in the kernel or belong to another user; end them by hand before the next run"
    )]
    Survivors {
        /// Their ids.
        pids: Vec<i32>,
    },
    /// The server's container is still there.
    #[error(
        "the container {name} could not be removed: {message}; remove it by hand ({engine} rm --force {name})"
    )]
    ContainerLeft {
        /// The engine's program.
        engine: PathBuf,
        /// The container's name.
        name: String,
        /// What the engine said.
        message: String,
    },
    /// The guard was ended from outside, or hangs.
    #[error(
        "the server's guard was ended from outside; what could be found of the server was killed, look for leftovers with ps"
    )]
    GuardLost,
}

impl StartError {
    /// The error for a program that the operating system refused to start with `errno`.
    pub(super) fn of_spawn(spec: &StartSpec, errno: i32, message: String) -> Self {
        if let Some(container) = &spec.container {
            return Self::Container { name: container.name.clone(), message };
        }
        let program = spec.argv.first().cloned().unwrap_or_default();
        let has_path = program.contains('/');
        match Errno::from_raw_os_error(errno) {
            Errno::NOENT | Errno::NOTDIR if has_path && spec.dir.join(&program).exists() => {
                Self::NoInterpreter { program }
            }
            Errno::NOENT | Errno::NOTDIR => {
                Self::NotFound { place: place(spec, has_path), program }
            }
            Errno::ACCESS | Errno::PERM => Self::NotExecutable { program },
            Errno::NOEXEC => Self::NotAProgram { program },
            _ => Self::Spawn { program, message },
        }
    }
}

/// The tail of a log as the end of a message; nothing when there is none.
pub(super) fn below(log_tail: &str) -> String {
    if log_tail.is_empty() {
        return String::new();
    }
    format!("; the end of its log:\n  {}", log_tail.replace('\n', "\n  "))
}

/// Where the guard looked for the program, in words.
fn place(spec: &StartSpec, has_path: bool) -> String {
    if has_path {
        return format!("from {}", spec.dir.display());
    }
    let own = spec.env.iter().rev().find(|(name, _)| name == "PATH");
    let path = own.map(|(_, value)| value.clone()).or_else(|| env::var("PATH").ok());
    format!("on PATH ({})", path.unwrap_or_default())
}
