//! What a server costs: CPU time and memory of its whole process tree, read through its guard.

use serde::{Deserialize, Serialize};

/// CPU time, memory and size of a server's process tree at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    pub cpu: CpuTime,
    pub memory: Memory,
}

/// CPU time that a process tree has used since it was spawned, ended processes included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuTime {
    /// User and system time, in nanoseconds.
    pub total_ns: u64,
    pub source: CpuSource,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// In bytes; what it means is `kind`.
    pub total_bytes: u64,
    pub kind: MemoryKind,
    /// Sum of the resident sizes, shared pages counted once for each process, in bytes.
    pub rss_bytes: u64,
    /// Live processes, zombies left out.
    pub processes: u32,
    pub threads: u32,
}

/// How pages that several processes share were counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum MemoryKind {
    /// Proportional set size: each shared page divided by the number of its users.
    #[default]
    Pss,
    /// Resident set size for at least one process whose `smaps_rollup` may not be read: shared
    /// pages count more than once.
    Rss,
}
