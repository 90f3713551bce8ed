//! A server's processes: found below one process, metered, and sent signals that cannot hit a
//! stranger.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{fs, io};

use nix::time::clock_getcpuclockid;
use procfs::ProcResult;
use procfs::process::{Process, Stat, all_processes};
use rustix::process::{
    Pid, PidfdFlags, Signal, kill_process, kill_process_group, pidfd_open, pidfd_send_signal,
};

use super::error::UsageError;
use super::port;
use super::usage::{CpuSource, CpuTime, Memory, MemoryKind, Usage};
use crate::cgroup::Account;
use crate::host::monotonic_ns;

/// How often the tree is read again when a process ended during the reading.
const READINGS: usize = 5;

#[derive(Debug)]
pub(super) struct ProcessTree {
    /// Held open, so that a reused process id never reads as it.
    root: Process,
    /// Whether the root is the server's own first process, or the guard above it.
    is_server: bool,
    account: Option<Account>,
}

impl ProcessTree {
    /// Those below a guard, and their CPU account if they have one.
    pub(super) fn below(guard: Process, account: Option<Account>) -> Self {
        Self { root: guard, is_server: false, account }
    }

    /// Those of a container whose first process is `pid`.
    pub(super) fn of_container(pid: i32) -> ProcResult<Self> {
        let root = Process::new(pid)?;
        let account = Account::of(&root);
        Ok(Self { root, is_server: true, account })
    }

    pub(super) fn usage(&self) -> Result<Usage, UsageError> {
        Ok(Usage { cpu: self.cpu()?, memory: self.memory()? })
    }

    /// The addresses that they listen on (TCP), sorted.
    pub(super) fn listening(&self) -> Vec<SocketAddr> {
        port::listening(&self.processes())
    }

    /// Parents before their children.
    fn processes(&self) -> Vec<Process> {
        let first = self.is_server.then(|| Process::new(self.root.pid()).ok()).flatten();
        first.into_iter().chain(descendants(self.root.pid())).collect()
    }

    fn root_stat(&self) -> Result<Stat, UsageError> {
        self.root.stat().map_err(|_| UsageError::Gone)
    }

    fn cpu(&self) -> Result<CpuTime, UsageError> {
        let root = self.root_stat()?;
        let Some(account) = &self.account else {
            return Ok(CpuTime { total_ns: self.cpu_by_proc(&root)?, source: CpuSource::Proc });
        };
        let unreadable =
            |error: io::Error| UsageError::Account(account.folder().to_owned(), error.into());
        let total_ns = account.cpu_ns().map_err(unreadable)?;
        Ok(CpuTime { total_ns, source: CpuSource::Cgroup })
    }

    /// Parents are read before their children, so time handed up by a dying child is never
    /// counted twice; when one vanished in between, the reading is made again.
    fn cpu_by_proc(&self, root: &Stat) -> Result<u64, UsageError> {
        let mut reaped_ns = self.reaped_by_guard_ns(root);
        let mut total_ns = 0;
        for _ in 0..READINGS {
            let live: Vec<Option<u64>> = self.processes().iter().map(process_cpu_ns).collect();
            total_ns = reaped_ns + live.iter().flatten().sum::<u64>();
            if live.iter().all(Option::is_some) {
                break;
            }
            reaped_ns = self.reaped_by_guard_ns(&self.root_stat()?);
        }
        Ok(total_ns)
    }

    /// What a container's own first process has reaped is counted with it.
    fn reaped_by_guard_ns(&self, root: &Stat) -> u64 {
        if self.is_server { 0 } else { reaped_ns(root) }
    }

    fn memory(&self) -> Result<Memory, UsageError> {
        self.root_stat()?;
        let mut memory = Memory::default();
        self.processes().iter().for_each(|process| add_memory(&mut memory, process));
        Ok(memory)
    }
}

/// CPU time of one process and of the children that it has waited for; `None` once it is gone.
fn process_cpu_ns(process: &Process) -> Option<u64> {
    let clock_ns = clock_ns(process.pid());
    // Read through the directory held open: it fails if the id has been reused.
    let stat = process.stat().ok()?;
    Some(clock_ns.unwrap_or_else(|| ticks_to_ns(stat.utime + stat.stime)) + reaped_ns(&stat))
}

/// The CPU clock of a process counts its ended threads too, which `schedstat` does not.
fn clock_ns(pid: i32) -> Option<u64> {
    let clock = clock_getcpuclockid(nix::unistd::Pid::from_raw(pid)).ok()?;
    let now = clock.now().ok()?;
    let seconds = u64::try_from(now.tv_sec()).ok()?;
    Some(seconds * 1_000_000_000 + u64::try_from(now.tv_nsec()).ok()?)
}

fn reaped_ns(stat: &Stat) -> u64 {
    ticks_to_ns(u64::try_from(stat.cutime + stat.cstime).unwrap_or(0))
}

fn ticks_to_ns(ticks: u64) -> u64 {
    ticks * (1_000_000_000 / procfs::ticks_per_second())
}

fn add_memory(memory: &mut Memory, process: &Process) {
    let Ok(stat) = process.stat() else { return };
    if stat.state == 'Z' {
        return;
    }
    let resident_bytes = stat.rss * procfs::page_size();
    let rollup = process.smaps_rollup().ok();
    let map = rollup.as_ref().and_then(|rollup| rollup.memory_map_rollup.0.first());
    let field = |name: &str| map.and_then(|map| map.extension.map.get(name)).copied();
    if field("Pss").is_none() {
        memory.kind = MemoryKind::Rss;
    }
    memory.total_bytes += field("Pss").unwrap_or(resident_bytes);
    memory.rss_bytes += field("Rss").unwrap_or(resident_bytes);
    memory.processes += 1;
    memory.threads += u32::try_from(stat.num_threads).unwrap_or(1);
}

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
    // `process` holds open still exists only if it was not.
    if process.stat().is_ok() {
        let _ = pidfd_send_signal(&handle, signal);
    }
}

/// SIGKILL to the process group that `first` leads, if that process still lives.
pub(super) fn kill_group(first: &Process) {
    if let Some(pid) = Pid::from_raw(first.pid()).filter(|_| first.stat().is_ok()) {
        let _ = kill_process_group(pid, Signal::KILL);
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

/// The variable that carries the mark. Every contender gets it, so it favours none.
pub(super) const VARIABLE: &str = "JIGGER_SERVER";

const LIMIT: Duration = Duration::from_secs(5);

/// So many looks in a row must find nothing: for a moment within execve(2) a process shows no
/// environment at all, between the closing of its files and the setting up of its new stack.
const LOOKS_IN_VAIN: u32 = 5;

/// The last resort when a guard itself was killed: a mark in the environment of all that it started,
/// by which the processes are found. No other server has it, of this jigger or another.
#[derive(Debug)]
pub(super) struct Mark(String);

impl Mark {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self(format!("{}-{number}-{}", std::process::id(), monotonic_ns()))
    }

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
                send(process, Signal::KILL);
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
    use std::process::{Command, Stdio};

    use super::*;

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

    /// The tree of the test process itself serves: what it starts is below it.
    #[test]
    fn processes_are_counted_with_their_memory() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let memory = ProcessTree::below(Process::myself().unwrap(), None).memory().unwrap();
        assert!(memory.processes >= 1);
        assert!(memory.threads >= memory.processes);
        assert!(memory.total_bytes > 0);
        assert!(memory.rss_bytes >= memory.total_bytes);
        drop(child.stdin.take());
        child.wait().unwrap();
    }

    /// Both are the kernel's one account of run time; ticks cut off the rest of user and of system
    /// time. So between two readings of the ticks the clock lies, however long they are apart.
    #[test]
    fn a_process_clock_agrees_with_its_ticks() {
        let own = Process::myself().unwrap();
        let ticks = || own.stat().map(|stat| stat.utime + stat.stime).unwrap();
        let first = ticks();
        while ticks() < first + 3 {
            std::hint::black_box(0);
        }
        let before = ticks();
        let clock_ns = clock_ns(own.pid()).unwrap();
        let after = ticks();
        assert!(ticks_to_ns(before) <= clock_ns, "{before} ticks, then {clock_ns} ns");
        assert!(clock_ns < ticks_to_ns(after + 2), "{clock_ns} ns, then {after} ticks");
    }

    #[test]
    fn a_containers_first_process_counts_with_those_below_it() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let tree = ProcessTree::of_container(i32::try_from(child.id()).unwrap()).unwrap();
        let memory = tree.memory().unwrap();
        assert_eq!((memory.processes, memory.threads), (1, 1));
        drop(child.stdin.take());
        child.wait().unwrap();
        assert_eq!(tree.usage(), Err(UsageError::Gone));
    }

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
