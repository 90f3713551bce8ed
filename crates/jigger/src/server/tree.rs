//! The processes below one process, and signals to them that cannot hit a stranger.

use std::collections::HashMap;
use std::path::Path;
use std::sync::OnceLock;

use procfs::process::{Process, all_processes};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};

/// Every live process below `root`, parents before their children; zombies included.
///
/// A [`Process`] holds its `/proc` directory open, so a reused process id never reads as it.
pub(super) fn descendants(root: i32) -> Vec<Process> {
    if has_children_files() { walk(root) } else { scan(root) }
}

/// Sends `signal` to exactly this process; one that has ended already is no error.
pub(super) fn send(process: &Process, signal: Signal) {
    let Some(pid) = Pid::from_raw(process.pid()) else {
        return;
    };
    let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else {
        // Kernels before 5.3 have no pidfd; the id was read a moment ago.
        if process.is_alive() {
            let _ = kill_process(pid, signal);
        }
        return;
    };
    // The id may have been reused between the listing and the opening: the directory that
    // `process` holds open still answers only if it was not.
    if process.stat().is_ok() {
        let _ = pidfd_send_signal(&handle, signal);
    }
}

/// `/proc/PID/task/TID/children` needs `CONFIG_PROC_CHILDREN`; with it one look costs
/// microseconds, which is what wins the race against a fork storm.
fn has_children_files() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| Path::new("/proc/thread-self/children").exists())
}

fn walk(root: i32) -> Vec<Process> {
    let mut found = Vec::new();
    let mut next = children_of(root);
    while !next.is_empty() {
        let level: Vec<Process> =
            next.into_iter().filter_map(|pid| Process::new(pid).ok()).collect();
        next = level.iter().flat_map(|process| children_of(process.pid())).collect();
        found.extend(level);
    }
    found
}

fn children_of(pid: i32) -> Vec<i32> {
    let tasks = Process::new(pid).and_then(|process| process.tasks());
    let tasks = tasks.into_iter().flatten().flatten();
    let children = tasks.filter_map(|task| task.children().ok()).flatten();
    children.filter_map(|child| i32::try_from(child).ok()).collect()
}

fn scan(root: i32) -> Vec<Process> {
    let mut by_parent: HashMap<i32, Vec<Process>> = HashMap::new();
    for process in all_processes().into_iter().flatten().flatten() {
        if let Ok(stat) = process.stat() {
            by_parent.entry(stat.ppid).or_default().push(process);
        }
    }
    let mut found = by_parent.remove(&root).unwrap_or_default();
    let mut at = 0;
    while at < found.len() {
        let children = by_parent.remove(&found[at].pid()).unwrap_or_default();
        found.extend(children);
        at += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    /// A shell whose child is another shell whose child is `cat`, all alive while stdin is open.
    const NESTED: &str = "sh -c 'cat; true'; true";

    fn nested() -> (std::process::Child, Vec<i32>) {
        let mut command = Command::new("sh");
        command.args(["-c", NESTED]).stdin(Stdio::piped()).stdout(Stdio::null());
        let child = command.spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let tree = loop {
            let tree: Vec<i32> = descendants(pid).iter().map(Process::pid).collect();
            if tree.len() == 2 {
                break tree;
            }
            std::thread::yield_now();
        };
        (child, tree)
    }

    #[test]
    fn both_ways_of_looking_find_the_same_tree_parents_first() {
        let (mut child, tree) = nested();
        let root = i32::try_from(child.id()).unwrap();
        let scanned: Vec<i32> = scan(root).iter().map(Process::pid).collect();
        let walked: Vec<i32> = walk(root).iter().map(Process::pid).collect();
        assert_eq!(scanned, tree);
        assert_eq!(walked, tree);
        let parent = Process::new(tree[1]).unwrap().stat().unwrap().ppid;
        assert_eq!(parent, tree[0]);
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(descendants(root).is_empty());
    }

    #[test]
    fn a_signal_reaches_the_process_and_an_ended_one_is_no_error() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let process = Process::new(i32::try_from(child.id()).unwrap()).unwrap();
        send(&process, Signal::KILL);
        assert!(!child.wait().unwrap().success());
        send(&process, Signal::KILL);
        assert!(process.stat().is_err());
    }
}
