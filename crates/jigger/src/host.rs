//! The machine's facts, which cores client and servers get, and how disturbed it was.

use std::fs;

use serde::{Deserialize, Serialize};

/// What the figures were measured on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Host {
    /// The processor's name as the kernel prints it.
    pub processor: String,
    /// Processors that this process may run on.
    pub cores: usize,
    /// Main memory.
    pub memory_bytes: u64,
    /// Kernel release.
    pub kernel: String,
    /// Frequency governor of the first core, where there is one.
    pub governor: Option<String>,
    /// Whether the processor says that it runs under a hypervisor.
    pub virtual_machine: bool,
}

impl Host {
    /// Reads the facts; what cannot be read is said to be unknown.
    #[must_use]
    pub fn inspect() -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let kibibytes = field(&meminfo, "MemTotal").and_then(|text| {
            text.split_whitespace().next().and_then(|number| number.parse::<u64>().ok())
        });
        let governor = fs::read_to_string("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
        Self {
            processor: field(&cpuinfo, "model name").unwrap_or("unknown").to_owned(),
            cores: allowed_cores().len(),
            memory_bytes: kibibytes.unwrap_or(0) * 1024,
            kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
            governor: governor.ok().map(|text| text.trim().to_owned()),
            virtual_machine: field(&cpuinfo, "flags").is_some_and(|f| f.contains("hypervisor")),
        }
    }
}

/// `name : value` in the files of /proc.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim())
}

/// The cores that this process may use, ascending; at least core 0.
#[must_use]
pub fn allowed_cores() -> Vec<usize> {
    let cores: Vec<usize> = match rustix::thread::sched_getaffinity(None) {
        Ok(set) => (0..rustix::thread::CpuSet::MAX_CPU).filter(|&cpu| set.is_set(cpu)).collect(),
        Err(_) => Vec::new(),
    };
    if cores.is_empty() { vec![0] } else { cores }
}

/// Which cores the load engine and the servers run on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Placement {
    /// The load engine's.
    pub client_cpus: Vec<usize>,
    /// The servers'.
    pub server_cpus: Vec<usize>,
}

impl Placement {
    /// A quarter of the cores, one at least, for the client; the rest for the
    /// servers; on a single core both share it.
    #[must_use]
    pub fn split(cores: &[usize]) -> Self {
        if cores.len() < 2 {
            return Self { client_cpus: cores.to_vec(), server_cpus: cores.to_vec() };
        }
        let (client, server) = cores.split_at((cores.len() / 4).max(1));
        Self { client_cpus: client.to_vec(), server_cpus: server.to_vec() }
    }

    /// Whether client and servers share a core.
    #[must_use]
    pub fn shares_cores(&self) -> bool {
        self.client_cpus.iter().any(|cpu| self.server_cpus.contains(cpu))
    }
}

/// Processor time of the whole machine so far, in ticks.
#[derive(Debug, Clone, Copy, Default)]
pub struct MachineTime {
    total_ticks: u64,
    steal_ticks: u64,
}

impl MachineTime {
    /// Reads /proc/stat (proc_stat(5)): user, nice, system, idle, iowait, irq, softirq, steal.
    #[must_use]
    pub fn now() -> Self {
        Self::parse(&fs::read_to_string("/proc/stat").unwrap_or_default())
    }

    fn parse(text: &str) -> Self {
        let line = text.lines().next().unwrap_or_default();
        let ticks: Vec<u64> =
            line.split_whitespace().skip(1).take(8).filter_map(|t| t.parse().ok()).collect();
        Self { total_ticks: ticks.iter().sum(), steal_ticks: ticks.get(7).copied().unwrap_or(0) }
    }

    /// The share of the machine's time since `earlier` that the hypervisor kept for others, 0..1.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "ticks of one visit are far below 2^53")]
    pub fn steal_share_since(self, earlier: Self) -> f64 {
        let total = self.total_ticks.saturating_sub(earlier.total_ticks);
        let steal = self.steal_ticks.saturating_sub(earlier.steal_ticks);
        if total == 0 { 0.0 } else { steal as f64 / total as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_cores_are_one_each() {
        let placement = Placement::split(&[0, 1]);
        assert_eq!((placement.client_cpus, placement.server_cpus), (vec![0], vec![1]));
    }

    #[test]
    fn one_core_is_shared() {
        assert!(Placement::split(&[3]).shares_cores());
        assert!(!Placement::split(&[0, 1, 2, 3, 4, 5, 6, 7]).shares_cores());
    }

    #[test]
    fn steal_is_a_share_of_all_time() {
        let earlier = MachineTime::parse("cpu  10 0 10 80 0 0 0 0 0 0\n");
        let later = MachineTime::parse("cpu  20 0 20 150 0 0 0 10 0 0\n");
        assert!((later.steal_share_since(earlier) - 0.1).abs() < 1e-12);
        assert!(earlier.steal_share_since(later).abs() < 1e-12);
    }

    #[test]
    fn this_machine_has_a_kernel_and_memory() {
        let host = Host::inspect();
        assert!(host.memory_bytes > 0 && host.cores > 0 && !host.kernel.is_empty());
    }
}
