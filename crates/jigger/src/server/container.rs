//! A server in a container: an engine's daemon starts it, so it is no descendant of the guard, and
//! has to be asked about, stopped and removed by its name.

use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What an engine may take for one answer, besides what the server takes to end.
pub(super) const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// Between two looks whether the engine's program has ended.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// A container by its engine and name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// The engine's program: docker or podman, as an absolute path.
    pub engine: PathBuf,
    /// The container's name; no other may have it.
    pub name: String,
}

impl Container {
    /// Makes it, by the engine's own command line; it does not run yet.
    pub(super) fn create(&self, program: &OsStr, arguments: &[OsString]) -> Result<(), String> {
        let mut command = Command::new(program);
        command.args(arguments);
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
    pub(super) fn remove(&self) -> Result<(), String> {
        match self.ask(&["rm", "--force", "--volumes"], ANSWER_LIMIT) {
            Err(message) if !message.to_lowercase().contains("no such container") => Err(message),
            _ => Ok(()),
        }
    }

    /// The id of its first process in the host's count.
    pub(super) fn pid(&self) -> Result<i32, String> {
        let said = self.ask(&["inspect", "--format", "{{.State.Pid}}"], ANSWER_LIMIT)?;
        let pid = said.trim().parse().ok().filter(|pid| *pid > 0);
        pid.ok_or_else(|| format!("the container {} does not run", self.name))
    }

    fn ask(&self, words: &[&str], limit: Duration) -> Result<String, String> {
        let mut command = Command::new(&self.engine);
        command.args(words).arg(&self.name);
        answer(command, limit)
    }
}

/// Runs an engine's program to its end: what it wrote, or what it complained of. Such answers are
/// a few lines, which a pipe holds.
fn answer(mut command: Command, limit: Duration) -> Result<String, String> {
    let shown = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("{shown} cannot run: {error}"))?;
    let deadline = Instant::now() + limit;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < deadline => std::thread::sleep(LOOK_EVERY),
            outcome => {
                let _ = child.kill().and_then(|()| child.wait());
                let reason = outcome.err().map(|error| error.to_string());
                let late = format!("no answer within {} s", limit.as_secs());
                return Err(format!("{shown}: {}", reason.unwrap_or(late)));
            }
        }
    };
    let (stdout, stderr) = texts(&mut child);
    if status.success() {
        return Ok(stdout);
    }
    let complaint = stderr.lines().rev().map(str::trim).find(|line| !line.is_empty());
    Err(complaint.map_or_else(|| format!("{shown} ended with {status}"), str::to_owned))
}

fn texts(child: &mut Child) -> (String, String) {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    // What cannot be read is an empty answer; the exit status tells what happened.
    let _ = child.stdout.take().map(|mut pipe| pipe.read_to_end(&mut stdout));
    let _ = child.stderr.take().map(|mut pipe| pipe.read_to_end(&mut stderr));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&stdout), text(&stderr))
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
    fn an_answer_is_what_was_written_or_the_last_complaint() {
        let limit = Duration::from_secs(30);
        assert_eq!(answer(shell("echo fine; echo note >&2"), limit), Ok("fine\n".to_owned()));
        let complaint = answer(shell("echo a >&2; echo b >&2; echo >&2; exit 1"), limit);
        assert_eq!(complaint, Err("b".to_owned()));
        let silent = answer(shell("exit 3"), limit).unwrap_err();
        assert!(silent.contains("exit status: 3"), "{silent}");
        let absent = answer(Command::new("/no/such/engine"), limit).unwrap_err();
        assert!(absent.contains("/no/such/engine cannot run"), "{absent}");
    }

    #[test]
    fn an_engine_that_hangs_is_not_waited_for_for_ever() {
        let late = answer(shell("exec sleep 600"), Duration::from_millis(20)).unwrap_err();
        assert!(late.contains("no answer within"), "{late}");
    }
}
