//! A command of the suite that runs to its end: a build, a hook, what sets a service up.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::job::{self, Ended, JobError};
use super::user::User;
use super::{Diagnostic, Exit, StartSpec};
use crate::interrupt::Interrupt;
use crate::temporary::TemporaryFolder;

/// From SIGTERM to SIGKILL for a command that the user interrupts.
const GRACE: Duration = Duration::from_secs(5);

#[derive(Debug, Clone)]
pub struct SuiteCommand<'a> {
    /// What it is, such as "the build".
    pub what: &'a str,
    pub arguments: Vec<String>,
    pub folder: &'a Path,
    /// Environment besides jigger's own.
    pub environment: Vec<(String, String)>,
    pub user: Option<User>,
    /// Its standard input; `None` for nothing.
    pub input: Option<PathBuf>,
    /// How long it may take, where that is limited.
    pub limit: Option<Duration>,
}

/// Why a command did not do what it is there for.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error("{what} '{command}' failed ({exit}); {}", last(.last_lines))]
    Failed { what: String, command: String, exit: Exit, last_lines: String },
    #[error("{0} was interrupted")]
    Interrupted(String),
    /// There is no folder for its log.
    #[error("{what} '{command}': cannot make a folder for its log")]
    NoPlace { what: String, command: String, source: io::Error },
    #[error("{what} '{command}' in {}", .folder.display())]
    NotRun { what: String, command: String, folder: PathBuf, source: Box<JobError> },
}

impl<'a> SuiteCommand<'a> {
    pub fn new(what: &'a str, arguments: Vec<String>, folder: &'a Path) -> Self {
        let (environment, user, input, limit) = (Vec::new(), None, None, None);
        Self { what, arguments, folder, environment, user, input, limit }
    }

    /// Runs it to its end, which is to be with 0.
    ///
    /// # Errors
    /// When it cannot be started, fails, takes too long, or the user interrupts.
    pub fn run(self, interrupt: &Interrupt) -> Result<Ended, CommandError> {
        let (what, command) = (self.what.to_owned(), shell_words::join(&self.arguments));
        let place = match TemporaryFolder::new("command") {
            Ok(place) => place,
            Err(source) => return Err(CommandError::NoPlace { what, command, source }),
        };
        let log = place.path().join("log");
        let spec = StartSpec {
            env: self.environment,
            user: self.user,
            input: self.input,
            ..StartSpec::new(self.arguments, self.folder.to_owned(), log, GRACE)
        };
        match job::run(&spec, self.limit, interrupt) {
            Ok(ended) if ended.exit == Exit::Code(0) => Ok(ended),
            Ok(Ended { exit, last_lines, .. }) => {
                Err(CommandError::Failed { what, command, exit, last_lines })
            }
            Err(JobError::Interrupted) => Err(CommandError::Interrupted(what)),
            Err(error) => {
                let (folder, source) = (self.folder.to_owned(), Box::new(error));
                Err(CommandError::NotRun { what, command, folder, source })
            }
        }
    }
}

impl CommandError {
    /// Whether there is no such program, or none that can be run.
    pub fn is_not_started(&self) -> bool {
        matches!(self, Self::NotRun { source, .. } if matches!(**source, JobError::NotStarted(_)))
    }

    /// Whether it took longer than it may.
    pub fn is_overdue(&self) -> bool {
        matches!(self, Self::NotRun { source, .. } if matches!(**source, JobError::Overdue(_)))
    }
}

impl Diagnostic for CommandError {
    fn remedy(&self) -> Cow<'static, str> {
        if let Self::NotRun { source, .. } = self { source.remedy() } else { "".into() }
    }

    fn log_tail(&self) -> &str {
        if let Self::NotRun { source, .. } = self { source.log_tail() } else { "" }
    }
}

/// Of a line that was drawn over the last state is kept.
fn last(lines: &str) -> String {
    if lines.trim().is_empty() {
        return "it wrote nothing".to_owned();
    }
    let last = |line: &str| line.trim_end().rsplit('\r').next().unwrap_or(line).to_owned();
    let lines: Vec<String> = lines.lines().map(|line| format!("    {}", last(line))).collect();
    format!("its last lines:\n{}", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_shows_the_last_state_of_each_line_or_that_there_is_none() {
        let told = |last_lines: &str| {
            let (what, command) = ("the build".to_owned(), "make".to_owned());
            let (exit, last_lines) = (Exit::Code(2), last_lines.to_owned());
            CommandError::Failed { what, command, exit, last_lines }.to_string()
        };
        let lines = "1 %\r50 %\r99 %\nno space";
        let wanted =
            "the build 'make' failed (exit code 2); its last lines:\n    99 %\n    no space";
        assert_eq!(told(lines), wanted);
        assert_eq!(told(" \n"), "the build 'make' failed (exit code 2); it wrote nothing");
    }
}
