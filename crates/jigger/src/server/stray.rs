//! The last resort when a guard itself was killed: a mark in the environment of all that it
//! started, by which the processes are found.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use procfs::process::{Process, all_processes};
use rustix::process::{Pid, Signal, kill_process_group};

use super::{monotonic_ns, tree};

/// The variable that carries the mark. Every contender gets it, so it favours none.
pub(super) const VARIABLE: &str = "JIGGER_SERVER";

/// How long to look for strays.
const LIMIT: Duration = Duration::from_secs(5);

/// So many looks in a row must find nothing: for a moment within execve(2) a process shows no
/// environment at all, between the closing of its files and the setting up of its new stack.
const LOOKS_IN_VAIN: u32 = 5;

/// A mark that no other server has, of this jigger or another.
pub(super) fn new_mark() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{}-{number}-{}", std::process::id(), monotonic_ns())
}

/// Ends with SIGKILL every process that carries `mark`. A process that overwrote its own
/// environment is not found: exactness is the guard's job, and this the net below it.
pub(super) fn kill(mark: &str) {
    let deadline = Instant::now() + LIMIT;
    let mut looks_in_vain = 0;
    while looks_in_vain < LOOKS_IN_VAIN && Instant::now() < deadline {
        let strays = carrying(mark);
        looks_in_vain = if strays.is_empty() { looks_in_vain + 1 } else { 0 };
        for process in &strays {
            tree::send(process, Signal::KILL);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Ends the process group that `first` leads, if that process still lives: its members may have
/// overwritten their environment, as programs that set their title do.
pub(super) fn kill_group(first: Option<&Process>) {
    let alive = first.filter(|process| process.stat().is_ok());
    if let Some(pid) = alive.and_then(|process| Pid::from_raw(process.pid())) {
        let _ = kill_process_group(pid, Signal::KILL);
    }
}

fn carrying(mark: &str) -> Vec<Process> {
    let wanted = format!("{VARIABLE}={mark}");
    let processes = all_processes().into_iter().flatten().flatten();
    processes.filter(|process| carries(process.pid(), wanted.as_bytes())).collect()
}

/// A zombie's environment reads as empty, so what has been killed is not found again.
fn carries(pid: i32, wanted: &[u8]) -> bool {
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment.split(|&byte| byte == 0).any(|variable| variable == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn only_what_carries_the_mark_is_killed() {
        let (mark, other) = (new_mark(), new_mark());
        assert_ne!(mark, other);
        let start = |mark: &str| {
            let mut command = Command::new("cat");
            command.env(VARIABLE, mark).stdin(Stdio::piped()).stdout(Stdio::null());
            command.spawn().unwrap()
        };
        let (mut marked, mut spared) = (start(&mark), start(&other));
        kill(&mark);
        assert!(carrying(&mark).is_empty());
        assert!(!marked.wait().unwrap().success());
        assert_eq!(spared.try_wait().unwrap(), None);
        drop(spared.stdin.take());
        assert!(spared.wait().unwrap().success());
    }
}
