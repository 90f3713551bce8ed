//! The last resort when a guard itself was killed: a mark in the environment of all that it
//! started, by which the processes are found.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use procfs::process::{Process, all_processes};
use rustix::process::Signal;

use super::tree;
use crate::host::monotonic_ns;

/// The variable that carries the mark. Every contender gets it, so it favours none.
pub(super) const VARIABLE: &str = "JIGGER_SERVER";

/// How long to look for marked processes.
const LIMIT: Duration = Duration::from_secs(5);

/// So many looks in a row must find nothing: for a moment within execve(2) a process shows no
/// environment at all, between the closing of its files and the setting up of its new stack.
const LOOKS_IN_VAIN: u32 = 5;

/// A mark that no other server has, of this jigger or another.
#[derive(Debug)]
pub(super) struct Mark(String);

impl Mark {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self(format!("{}-{number}-{}", std::process::id(), monotonic_ns()))
    }

    /// The value of [`VARIABLE`].
    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// Ends with SIGKILL every process that carries it. A process that overwrote its own
    /// environment is not found: exactness is the guard's job, and this the net below it.
    pub(super) fn kill(&self) {
        let deadline = Instant::now() + LIMIT;
        let mut looks_in_vain = 0;
        while looks_in_vain < LOOKS_IN_VAIN && Instant::now() < deadline {
            let marked = self.carriers();
            looks_in_vain = if marked.is_empty() { looks_in_vain + 1 } else { 0 };
            for process in &marked {
                tree::send(process, Signal::KILL);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// A zombie's environment reads as empty, so what has been killed is not found again.
    fn carriers(&self) -> Vec<Process> {
        let wanted = format!("{VARIABLE}={}", self.0);
        let carries = |process: &Process| {
            let environment = fs::read(format!("/proc/{}/environ", process.pid()));
            let environment = environment.unwrap_or_default();
            environment.split(|&byte| byte == 0).any(|variable| variable == wanted.as_bytes())
        };
        all_processes().into_iter().flatten().flatten().filter(carries).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn only_what_carries_the_mark_is_killed() {
        let (mark, other) = (Mark::new(), Mark::new());
        assert_ne!(mark.text(), other.text());
        let start = |mark: &Mark| {
            let mut command = Command::new("cat");
            command.env(VARIABLE, mark.text()).stdin(Stdio::piped()).stdout(Stdio::null());
            command.spawn().unwrap()
        };
        let (mut marked, mut spared) = (start(&mark), start(&other));
        mark.kill();
        assert!(mark.carriers().is_empty());
        assert!(!marked.wait().unwrap().success());
        assert_eq!(spared.try_wait().unwrap(), None);
        drop(spared.stdin.take());
        assert!(spared.wait().unwrap().success());
    }
}
