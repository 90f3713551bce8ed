//! A server in a container: an engine's daemon starts it, so it is no descendant of the guard, and
//! has to be asked about, stopped and removed by its name.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::EngineError;
use crate::image::Output;

/// What an engine may take for one answer, besides what the server takes to end.
pub(super) const ANSWER_LIMIT: Duration = Duration::from_secs(30);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// The engine's program: docker or podman, as an absolute path.
    pub engine: PathBuf,
    /// The container's name; no other may have it.
    pub name: String,
}

impl Container {
    /// A name that no other container has: engines take letters, digits, `_`, `.` and `-`.
    pub fn new_name(server: &str) -> String {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let server = server.replace('+', ".");
        format!("jigger-{}-{number}-{server}", std::process::id())
    }

    /// Makes it, by the engine's own command line; it does not run yet.
    pub(super) fn create(command: Command) -> Result<(), EngineError> {
        answer(command, ANSWER_LIMIT).map(|_| ())
    }

    /// The command that starts it and stays attached: what the server writes comes out of it, and
    /// it ends when the server does, with its exit code.
    pub(super) fn start_command(&self) -> Command {
        let mut command = Command::new(&self.engine);
        command.args(["start", "--attach", &self.name]);
        command
    }

    /// Asks the server to end by the signal that its image names, and has it killed after `grace`.
    pub(super) fn stop(&self, grace: Duration) {
        let whole_seconds = grace.as_secs() + u64::from(grace.subsec_nanos() > 0);
        let time = format!("--time={whole_seconds}");
        // One that ended by itself or never ran is an error here; the removal comes anyway.
        let _ = self.ask(&["stop", &time], grace + ANSWER_LIMIT);
    }

    /// Removes it, running or not; one that is not there is no error.
    pub(super) fn remove(&self) -> Result<(), EngineError> {
        match self.ask(&["rm", "--force", "--volumes"], ANSWER_LIMIT) {
            Err(EngineError::Refused(complaint)) if is_absence(&complaint) => Ok(()),
            outcome => outcome.map(|_| ()),
        }
    }

    /// The id of its first process in the host's count.
    pub(super) fn pid(&self) -> Result<i32, EngineError> {
        let said = self.ask(&["inspect", "--format", "{{.State.Pid}}"], ANSWER_LIMIT)?;
        let pid = said.trim().parse().ok().filter(|pid| *pid > 0);
        pid.ok_or_else(|| EngineError::NoProcess(self.name.clone()))
    }

    fn ask(&self, words: &[&str], limit: Duration) -> Result<String, EngineError> {
        let mut command = Command::new(&self.engine);
        command.args(words).arg(&self.name);
        answer(command, limit)
    }
}

/// No engine has an exit code for it.
fn is_absence(complaint: &str) -> bool {
    complaint.to_lowercase().contains("no such container")
}

/// Runs an engine's program to its end: what it wrote, or what it complained of.
fn answer(mut command: Command, limit: Duration) -> Result<String, EngineError> {
    let program = PathBuf::from(command.get_program());
    match Output::of(&mut command, limit) {
        Ok(output) if output.status.success() => Ok(output.stdout),
        Ok(output) => Err(EngineError::Refused(output.complaint_of(&program.to_string_lossy()))),
        Err(error) if error.kind() == ErrorKind::TimedOut => {
            Err(EngineError::Silent(program, limit))
        }
        Err(error) => Err(EngineError::NotRun(program, error.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn names_are_such_as_engines_take_and_never_the_same() {
        let name = || Container::new_name("gin+container");
        let (first, second) = (name(), name());
        assert_ne!(first, second);
        assert!(first.ends_with("-gin.container"), "{first}");
    }

    #[test]
    fn an_answer_is_what_was_written_or_the_last_complaint() {
        let limit = Duration::from_secs(30);
        assert_eq!(answer(shell("echo fine; echo note >&2"), limit), Ok("fine\n".to_owned()));
        let refused = |complaint: &str| Err(EngineError::Refused(complaint.to_owned()));
        let complained = answer(shell("echo a >&2; echo b >&2; echo >&2; exit 1"), limit);
        assert_eq!(complained, refused("b"));
        assert_eq!(answer(shell("exit 3"), limit), refused("sh ended with exit status: 3"));
        let absent = answer(Command::new("/no/such/engine"), limit).unwrap_err();
        assert_eq!(absent.to_string(), "/no/such/engine cannot run");
    }

    #[test]
    fn an_engine_that_hangs_is_not_waited_for_for_ever() {
        let late = answer(shell("exec sleep 600"), Duration::from_millis(20));
        assert!(matches!(late, Err(EngineError::Silent(..))), "{late:?}");
    }
}
