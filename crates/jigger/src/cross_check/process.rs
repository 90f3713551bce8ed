//! Runs another tool to its end, on the cores of the load engine.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use rustix::thread::CpuSet;

use crate::interrupt::Interrupt;

const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What a program said.
#[derive(Debug)]
pub struct Said {
    /// Whether it ended well.
    pub is_success: bool,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Said {
    /// The last line of what it said, for a message.
    #[must_use]
    pub fn last_line(&self) -> &str {
        let lines = self.stdout.lines().chain(self.stderr.lines());
        lines.rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing").trim()
    }
}

/// Runs a program; it is ended when it takes longer than `limit` or the user interrupts.
///
/// # Errors
/// A message when it cannot be started or was ended.
pub fn run(
    arguments: &[String],
    cpus: &[usize],
    limit: Duration,
    interrupt: &Interrupt,
) -> Result<Said, String> {
    // A process starts on the cores of the thread that starts it.
    thread::scope(|scope| {
        let work = scope.spawn(|| {
            keep_to(cpus);
            run_here(arguments, limit, interrupt)
        });
        work.join().unwrap_or_else(|_| Err("the tool's thread panicked".to_owned()))
    })
}

/// Where the system does not let a thread be pinned, the tool runs wherever it is put.
fn keep_to(cpus: &[usize]) {
    let mut set = CpuSet::new();
    cpus.iter().filter(|cpu| **cpu < CpuSet::MAX_CPU).for_each(|cpu| set.set(*cpu));
    if set.count() > 0 {
        let _ = rustix::thread::sched_setaffinity(None, &set);
    }
}

fn run_here(arguments: &[String], limit: Duration, interrupt: &Interrupt) -> Result<Said, String> {
    let (program, rest) = arguments.split_first().ok_or("the command is empty")?;
    let mut command = Command::new(program);
    command.args(rest).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // The servers are on this machine; a proxy would be measured instead.
    command.env("NO_PROXY", "*").env("no_proxy", "*").process_group(0);
    let mut child =
        command.spawn().map_err(|error| format!("{program} cannot be started: {error}"))?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let stdout = thread::spawn(move || text(out));
    let stderr = thread::spawn(move || text(err));
    let deadline = Instant::now() + limit;
    let status: Result<ExitStatus, String> = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Ok(status),
            Err(error) => break Err(format!("{program} cannot be waited for: {error}")),
            Ok(None) if interrupt.is_raised() => break Err("interrupted".to_owned()),
            Ok(None) if Instant::now() >= deadline => {
                break Err(format!("{program} did not end within {} s", limit.as_secs()));
            }
            Ok(None) => thread::sleep(LOOK_EVERY),
        }
    };
    if status.is_err() {
        if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(pid, Signal::KILL);
        }
        let _ = child.wait();
    }
    let (stdout, stderr) = (stdout.join().unwrap_or_default(), stderr.join().unwrap_or_default());
    status.map(|status| Said { is_success: status.success(), stdout, stderr })
}

fn text(stream: Option<impl std::io::Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        // What was read before an error is still worth showing.
        let _ = stream.read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn what_a_program_says_is_kept_and_its_end_is_seen() {
        let interrupt = Interrupt::default();
        let limit = Duration::from_secs(20);
        let said =
            run(&words(&["sh", "-c", "echo out; echo err >&2; exit 3"]), &[0], limit, &interrupt);
        let said = said.unwrap();
        assert_eq!(
            (said.is_success, said.stdout.as_str(), said.last_line()),
            (false, "out\n", "err")
        );
        let missing = run(&words(&["no-such-program"]), &[0], limit, &interrupt).unwrap_err();
        assert!(missing.contains("cannot be started"), "{missing}");
    }

    #[test]
    fn a_program_that_does_not_end_is_ended_with_its_children() {
        let interrupt = Interrupt::default();
        let sleep = words(&["sh", "-c", "sleep 1000 & wait"]);
        let late = run(&sleep, &[0], Duration::ZERO, &interrupt).unwrap_err();
        assert!(late.contains("did not end within 0 s"), "{late}");
        interrupt.raise();
        let ended = run(&sleep, &[0], Duration::from_secs(1_000), &interrupt).unwrap_err();
        assert_eq!(ended, "interrupted");
    }
}
