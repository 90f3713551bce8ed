//! Why a service cannot be used.

use std::borrow::Cow;
use std::io;
use std::time::Duration;

use crate::programs::how_to_install;
use crate::record::Status;
use crate::server::port::PortTaken;
use crate::server::{CommandError, Diagnostic, Exit, StartError, StopError, UsageError, UserError};
use crate::suite::{Service, UnknownPlaceholder};

#[derive(Debug, thiserror::Error)]
#[error("the service '{service}'")]
pub struct ServiceError {
    service: String,
    #[source]
    problem: Box<Problem>,
    log_tail: String,
}

#[derive(Debug, thiserror::Error)]
pub enum Problem {
    #[error("'{program}' is not on PATH{}", nor(.folders))]
    MissingProgram {
        program: String,
        /// Where it was looked for besides.
        folders: Vec<String>,
    },
    #[error(transparent)]
    User(#[from] UserError),
    #[error("its folder cannot be made")]
    Folder(#[from] io::Error),
    #[error(transparent)]
    PortTaken(#[from] PortTaken),
    #[error("there is no container engine to run its image with")]
    NoEngine,
    #[error(transparent)]
    Placeholder(#[from] UnknownPlaceholder),
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error(transparent)]
    NotStarted(#[from] StartError),
    #[error("it ended with {exit} after {} ms, before it was ready", after.as_millis())]
    EndedAtOnce { exit: Exit, after: Duration },
    #[error("it was not ready within {} ms: {complaint}", limit.as_millis())]
    NotReady { limit: Duration, complaint: String },
    #[error("interrupted while it was started")]
    Interrupted,
    #[error(transparent)]
    Unmetered(#[from] UsageError),
    #[error("it ended during the visit with {0}")]
    Ended(Exit),
    #[error(transparent)]
    NotStopped(#[from] StopError),
}

impl ServiceError {
    pub(super) fn new(service: &Service, problem: Problem, log_tail: String) -> Self {
        Self { service: service.name.clone(), problem: Box::new(problem), log_tail }
    }

    /// What becomes of the contenders that use it.
    pub fn status(&self) -> Status {
        match &*self.problem {
            Problem::MissingProgram { .. }
            | Problem::NoEngine
            | Problem::User(UserError::NotRoot(_) | UserError::Unknown(_)) => Status::Skipped,
            _ => Status::Failed,
        }
    }
}

impl Diagnostic for ServiceError {
    fn remedy(&self) -> Cow<'static, str> {
        match &*self.problem {
            Problem::MissingProgram { program, .. } => how_to_install(program),
            Problem::User(error) => error.remedy(),
            Problem::PortTaken(error) => error.remedy(),
            Problem::NoEngine => "install docker or podman, or give the service a start".into(),
            Problem::Command(error) if error.is_overdue() => {
                "make it faster, or allow it more time (setup_limit)".into()
            }
            Problem::Command(error) => error.remedy(),
            Problem::NotStarted(error) => error.remedy(),
            Problem::EndedAtOnce { .. } => {
                "correct its start command or what its log complains of".into()
            }
            Problem::NotReady { .. } => "correct its start or its ready, or allow it more time \
                                         (start_limit)"
                .into(),
            Problem::NotStopped(error) => error.remedy(),
            _ => "".into(),
        }
    }

    fn log_tail(&self) -> &str {
        match &*self.problem {
            Problem::Command(error) => error.log_tail(),
            Problem::NotStarted(error) => error.log_tail(),
            _ => &self.log_tail,
        }
    }
}

fn nor(folders: &[String]) -> String {
    if folders.is_empty() { String::new() } else { format!(", nor in {}", folders.join(", ")) }
}
