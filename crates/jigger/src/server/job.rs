//! Programs that run to their end, each under a guard that ends it and all that it started when it
//! is through, when the user interrupts, and when jigger is gone.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use super::{Diagnostic, Exit, Life, Server, StartError, StartSpec, StopError};
use crate::interrupt::Interrupt;

/// Between two looks whether the user interrupts.
const LOOK_EVERY: Duration = Duration::from_millis(10);

const LOG_LINES: usize = 15;

#[derive(Debug)]
pub struct Ended {
    /// With 0 also one that left others behind, which are ended.
    pub exit: Exit,
    /// Until then; ending what it left behind is not in it.
    pub took: Duration,
    pub last_lines: String,
}

#[derive(Debug, thiserror::Error)]
pub enum JobError {
    #[error("it cannot be started")]
    NotStarted(#[from] StartError),
    #[error("interrupted")]
    Interrupted,
    #[error("it did not end within {0:?}")]
    Overdue(Duration),
    #[error(transparent)]
    NotStopped(#[from] StopError),
}

impl Diagnostic for JobError {
    fn remedy(&self) -> Cow<'static, str> {
        match self {
            Self::NotStarted(error) => error.remedy(),
            Self::NotStopped(error) => error.remedy(),
            Self::Interrupted | Self::Overdue(_) => "".into(),
        }
    }

    fn log_tail(&self) -> &str {
        match self {
            Self::NotStarted(error) => error.log_tail(),
            _ => "",
        }
    }
}

/// Runs a program to its end, for at most `limit` where there is one.
///
/// # Errors
/// [`JobError`]; nothing of the program is left then either, but with
/// [`NotStopped`](JobError::NotStopped).
pub fn run(
    spec: &StartSpec,
    limit: Option<Duration>,
    interrupt: &Interrupt,
) -> Result<Ended, JobError> {
    let begun = Instant::now();
    let mut program = Server::start(spec)?;
    let exit = loop {
        match program.wait_change(LOOK_EVERY) {
            Life::Exited(exit) => break Ok(exit),
            Life::Daemonised => break Ok(Exit::Code(0)),
            Life::Running if interrupt.is_raised() => break Err(JobError::Interrupted),
            Life::Running => {}
        }
        if let Some(limit) = limit.filter(|limit| begun.elapsed() >= *limit) {
            break Err(JobError::Overdue(limit));
        }
    };
    let took = begun.elapsed();
    let last_lines = program.log_tail(LOG_LINES);
    program.stop()?;
    exit.map(|exit| Ended { exit, took, last_lines })
}
