//! What a server costs right now: CPU time and memory of its whole process tree.

use std::path::PathBuf;

use nix::time::clock_getcpuclockid;
use procfs::process::{Process, Stat};

use super::cgroup::{self, Account};
use super::tree;

/// How often the tree is read again when a process ended during the reading.
const READINGS: usize = 5;

/// CPU time, memory and size of a server's process tree at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// CPU time since the spawn.
    pub cpu: CpuTime,
    /// Memory now.
    pub memory: Memory,
}

/// CPU time that a process tree has used since it was spawned, ended processes included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CpuTime {
    /// User and system time, in nanoseconds.
    pub total_ns: u64,
    /// Where the figure is from.
    pub source: CpuSource,
}

/// Where CPU time was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CpuSource {
    /// The kernel's account of a cgroup, exact to 1 us: version 2 (`cpu.stat`), or for containers
    /// also version 1 (`cpuacct.usage`).
    Cgroup,
    /// The CPU clock of each live process, in nanoseconds, and `/proc/PID/stat` for the ended
    /// ones, which counts in ticks (10 ms as a rule). A process whose parent ignores SIGCHLD is
    /// lost from this account when it ends.
    Proc,
}

/// Memory of a process tree at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// In bytes; what it means is `kind`.
    pub total_bytes: u64,
    /// How shared pages were counted.
    pub kind: MemoryKind,
    /// Sum of the resident sizes, shared pages counted once for each process, in bytes.
    pub rss_bytes: u64,
    /// Live processes, zombies left out.
    pub processes: u32,
    /// Threads of these processes.
    pub threads: u32,
}

/// How pages that several processes share were counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryKind {
    /// Proportional set size: each shared page divided by the number of its users.
    Pss,
    /// Resident set size for at least one process whose `smaps_rollup` may not be read: shared
    /// pages count more than once.
    Rss,
}

/// Why the costs of a server could not be read.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// The server was stopped, or its guard killed.
    #[error("the server is no longer running, so its CPU time and memory cannot be read")]
    Gone,
    /// The engine does not know the container's processes.
    #[error("the processes of the container {name} cannot be told: {message}")]
    Container {
        /// The container's name.
        name: String,
        /// What the engine said.
        message: String,
    },
    /// The cgroup's account could not be read.
    #[error("the server's CPU account in {path} cannot be read: {source}")]
    Cgroup {
        /// The cgroup's directory.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
}

/// Reads the costs of one server; cheap to clone and to send to a sampling thread.
#[derive(Clone, Debug)]
pub struct Meter {
    root: i32,
    root_started_ticks: u64,
    /// Whether the root is the server's own first process, or the guard above it.
    is_server: bool,
    account: Option<Account>,
}

impl Meter {
    /// A meter for the tree below the guard process `guard`, accounted for in `cgroup` if any.
    pub(super) fn new(guard: i32, cgroup: Option<PathBuf>) -> Option<Self> {
        let root_started_ticks = Process::new(guard).ok()?.stat().ok()?.starttime;
        let account = cgroup.map(Account::V2);
        Some(Self { root: guard, root_started_ticks, is_server: false, account })
    }

    /// A meter for a container whose first process is `pid`.
    pub(super) fn of_container(pid: i32) -> Option<Self> {
        let process = Process::new(pid).ok()?;
        let root_started_ticks = process.stat().ok()?.starttime;
        let account = cgroup::account_of(&process);
        Some(Self { root: pid, root_started_ticks, is_server: true, account })
    }

    /// CPU time and memory; see [`Meter::cpu`] and [`Meter::memory`] for the cost of each.
    pub fn usage(&self) -> Result<Usage, UsageError> {
        Ok(Usage { cpu: self.cpu()?, memory: self.memory()? })
    }

    /// CPU time of the tree. Costs about 10 us with a cgroup, else about 10 us a process.
    pub fn cpu(&self) -> Result<CpuTime, UsageError> {
        let root = self.root_stat()?;
        let Some(account) = &self.account else {
            return Ok(CpuTime { total_ns: self.cpu_by_proc(&root)?, source: CpuSource::Proc });
        };
        let total_ns = account
            .cpu_ns()
            .map_err(|source| UsageError::Cgroup { path: account.folder().to_owned(), source })?;
        Ok(CpuTime { total_ns, source: CpuSource::Cgroup })
    }

    /// Memory of the tree. The kernel walks the page tables of each process for this: 0.1 to 0.5 ms
    /// for a small one such as a gunicorn worker, more for a big one.
    pub fn memory(&self) -> Result<Memory, UsageError> {
        self.root_stat()?;
        let mut memory = Memory {
            total_bytes: 0,
            kind: MemoryKind::Pss,
            rss_bytes: 0,
            processes: 0,
            threads: 0,
        };
        for process in self.processes() {
            add_memory(&mut memory, &process);
        }
        Ok(memory)
    }

    /// The server's processes, parents before their children.
    fn processes(&self) -> Vec<Process> {
        let first = self.is_server.then(|| Process::new(self.root).ok()).flatten();
        first.into_iter().chain(tree::descendants(self.root)).collect()
    }

    fn root_stat(&self) -> Result<Stat, UsageError> {
        let stat = Process::new(self.root).and_then(|root| root.stat());
        let stat = stat.map_err(|_| UsageError::Gone)?;
        if stat.starttime == self.root_started_ticks { Ok(stat) } else { Err(UsageError::Gone) }
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    fn own_meter() -> Meter {
        Meter::new(i32::try_from(std::process::id()).unwrap(), None).unwrap()
    }

    /// The tree of the test process itself serves: what it starts is below it.
    #[test]
    fn processes_are_counted_with_their_memory() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let memory = own_meter().memory().unwrap();
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
        let meter = Meter::of_container(i32::try_from(child.id()).unwrap()).unwrap();
        let memory = meter.memory().unwrap();
        assert_eq!((memory.processes, memory.threads), (1, 1));
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(matches!(meter.usage(), Err(UsageError::Gone)));
    }

    #[test]
    fn a_guard_that_is_not_the_same_any_more_is_gone() {
        let meter = Meter { root_started_ticks: 1, ..own_meter() };
        assert!(matches!(meter.usage(), Err(UsageError::Gone)));
    }
}
