//! The machine's facts, and which cores client and servers get.

mod connection_table;

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::ops::RangeInclusive;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use crate::numbers::cpu_list;

pub use connection_table::ConnectionTable;

/// What the figures were measured on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
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
    /// The threads of each physical core that has several.
    #[serde(default)]
    pub smt_siblings: Vec<Vec<usize>>,
    /// Local ports that the kernel gives to connections, by `net.ipv4.ip_local_port_range`.
    #[serde(default)]
    pub local_ports: Option<u32>,
}

impl Host {
    /// Reads the facts of the host that this process runs on; what cannot be read is said to be
    /// unknown.
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
            smt_siblings: smt_siblings(&allowed_cores()),
            local_ports: local_ports(),
        }
    }
}

/// Whether an address is one of this machine's: the loopback's, or one that the kernel would answer
/// from itself. A datagram socket that is connected sends nothing (connect(2)); the kernel only
/// chooses the source address, which for one of its own is that one.
pub fn is_here(address: IpAddr) -> bool {
    let unspecified: IpAddr = match address {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let source = || {
        let socket = UdpSocket::bind((unspecified, 0)).ok()?;
        socket.connect((address, 9)).ok()?;
        Some(socket.local_addr().ok()?.ip())
    };
    address.is_loopback() || address.is_unspecified() || source() == Some(address)
}

/// How many local ports the kernel gives to connections; `None` when it does not say.
pub fn local_ports() -> Option<u32> {
    u32::try_from(local_port_range()?.count()).ok()
}

/// The ports that the kernel gives to connections (ip(7)); `None` when it does not say.
pub(crate) fn local_port_range() -> Option<RangeInclusive<u16>> {
    parse_range(&fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?)
}

fn parse_range(text: &str) -> Option<RangeInclusive<u16>> {
    let mut ends = text.split_whitespace().map(str::parse);
    let (first, last) = (ends.next()?.ok()?, ends.next()?.ok()?);
    (first <= last).then_some(first..=last)
}

/// `CLOCK_MONOTONIC` in nanoseconds: the same clock in every process of a host.
pub(crate) fn monotonic_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let part = |value: i64| u64::try_from(value).unwrap_or(0);
    part(now.tv_sec) * 1_000_000_000 + part(now.tv_nsec)
}

/// `name : value` in the files of /proc.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim())
}

/// The cores that this process may use, ascending; at least core 0.
pub fn allowed_cores() -> Vec<usize> {
    let cores: Vec<usize> = match rustix::thread::sched_getaffinity(None) {
        Ok(set) => (0..rustix::thread::CpuSet::MAX_CPU).filter(|&cpu| set.is_set(cpu)).collect(),
        Err(_) => Vec::new(),
    };
    if cores.is_empty() { vec![0] } else { cores }
}

/// The threads of each physical core that has several, among these.
fn smt_siblings(cores: &[usize]) -> Vec<Vec<usize>> {
    let of_core = |core: &usize| {
        let path = format!("/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list");
        parse_cpus(fs::read_to_string(path).ok()?.trim()).ok()
    };
    let mut groups: Vec<Vec<usize>> = cores.iter().filter_map(of_core).collect();
    groups.retain(|group| group.len() > 1);
    groups.sort();
    groups.dedup();
    groups
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no list of cores; write for instance 0,2-5")]
pub struct NotCpus(String);

/// A list of cores as the kernel writes it (`0,2-5`), ascending, each once.
///
/// # Errors
/// [`NotCpus`] when it is none.
pub fn parse_cpus(text: &str) -> Result<Vec<usize>, NotCpus> {
    let wrong = || NotCpus(text.to_owned());
    let mut cpus = Vec::new();
    for part in text.split(',').map(str::trim) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let number = |text: &str| text.trim().parse::<usize>().map_err(|_| wrong());
        let (first, last) = (number(first)?, number(last)?);
        if first > last || last >= rustix::thread::CpuSet::MAX_CPU {
            return Err(wrong());
        }
        cpus.extend(first..=last);
    }
    cpus.sort_unstable();
    cpus.dedup();
    Ok(cpus)
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{flag}: core {cpu} is not one that jigger may use; choose from {}",
    cpu_list(allowed, ", ")
)]
pub struct PlacementError {
    flag: &'static str,
    cpu: usize,
    allowed: Vec<usize>,
}

impl PlacementError {
    /// # Errors
    /// When one of these cores, which a flag names, is not among those allowed.
    pub fn check(flag: &'static str, cpus: &[usize], allowed: &[usize]) -> Result<(), Self> {
        match cpus.iter().find(|cpu| !allowed.contains(cpu)) {
            Some(&cpu) => Err(Self { flag, cpu, allowed: allowed.to_vec() }),
            None => Ok(()),
        }
    }
}

/// Which cores the load engine and the servers run on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Placement {
    /// The load engine's.
    pub client_cpus: Vec<usize>,
    /// The servers'.
    pub server_cpus: Vec<usize>,
    /// Those of services that have cores of their own; empty where they share the servers'.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub service_cpus: Vec<usize>,
}

impl Placement {
    /// For a client and servers on the same cores.
    pub const SHARED_REMEDY: &'static str =
        "use a machine with two cores or more, or give --client-cpus and --server-cpus";
    /// For a client and servers on threads of one physical core.
    pub const SIBLINGS_REMEDY: &'static str =
        "put them on different physical cores with --client-cpus and --server-cpus";

    /// A quarter of the cores, one at least, for the client; the rest for the
    /// servers; on a single core both share it.
    pub fn split(cores: &[usize]) -> Self {
        if cores.len() < 2 {
            return Self::of(cores.to_vec(), cores.to_vec());
        }
        let (client, server) = cores.split_at((cores.len() / 4).max(1));
        Self::of(client.to_vec(), server.to_vec())
    }

    /// The cores chosen for the client and for the servers. Where one is not chosen it gets what
    /// the other leaves, or the same cores when nothing is left.
    ///
    /// # Errors
    /// [`PlacementError`] when a core is not among `cores`.
    pub fn chosen(
        cores: &[usize],
        client: Option<&[usize]>,
        server: Option<&[usize]>,
    ) -> Result<Self, PlacementError> {
        for (flag, chosen) in [("--client-cpus", client), ("--server-cpus", server)] {
            PlacementError::check(flag, chosen.unwrap_or_default(), cores)?;
        }
        let left = |by: &[usize]| {
            let left: Vec<usize> = cores.iter().copied().filter(|cpu| !by.contains(cpu)).collect();
            if left.is_empty() { by.to_vec() } else { left }
        };
        let (client_cpus, server_cpus) = match (client, server) {
            (None, None) => return Ok(Self::split(cores)),
            (Some(client), Some(server)) => (client.to_vec(), server.to_vec()),
            (Some(client), None) => (client.to_vec(), left(client)),
            (None, Some(server)) => (left(server), server.to_vec()),
        };
        Ok(Self::of(client_cpus, server_cpus))
    }

    fn of(client_cpus: Vec<usize>, server_cpus: Vec<usize>) -> Self {
        Self { client_cpus, server_cpus, service_cpus: Vec::new() }
    }

    /// The same with cores for services where there are enough: those that neither the client nor
    /// the servers have, or else a third of the servers' if those were not chosen. Otherwise
    /// services share the servers'.
    #[must_use]
    pub fn with_services(mut self, cores: &[usize], is_server_chosen: bool) -> Self {
        let is_taken =
            |cpu: &usize| self.client_cpus.contains(cpu) || self.server_cpus.contains(cpu);
        self.service_cpus = cores.iter().copied().filter(|cpu| !is_taken(cpu)).collect();
        let servers = self.server_cpus.len();
        if self.service_cpus.is_empty() && !is_server_chosen && servers > 1 {
            self.service_cpus = self.server_cpus.split_off(servers - (servers / 3).max(1));
        }
        self
    }

    /// The cores of a service.
    pub fn cpus_of_service(&self, wants_own: bool) -> &[usize] {
        match wants_own && !self.service_cpus.is_empty() {
            true => &self.service_cpus,
            false => &self.server_cpus,
        }
    }

    /// For servers on another machine: the load engine alone is placed, on the cores chosen for it
    /// or on all.
    pub fn of_client(cores: &[usize], chosen: Option<&[usize]>) -> Self {
        let client_cpus = chosen.unwrap_or(cores).to_vec();
        Self::of(client_cpus, Vec::new())
    }

    /// Whether the servers run on this machine.
    pub fn has_servers_here(&self) -> bool {
        !self.server_cpus.is_empty()
    }

    /// Who runs where, in words.
    pub fn text(&self, separator: &str) -> String {
        let client = cpu_list(&self.client_cpus, separator);
        if !self.has_servers_here() {
            return format!("client on {client}, servers on another machine");
        }
        let servers = cpu_list(&self.server_cpus, separator);
        let services = match self.service_cpus.as_slice() {
            [] => String::new(),
            cpus => format!(", services on {}", cpu_list(cpus, separator)),
        };
        format!("client on {client}, servers on {servers}{services}")
    }

    /// All of them, each once, ascending.
    pub fn cpus(&self) -> Vec<usize> {
        let mut cpus =
            [self.client_cpus.as_slice(), &self.server_cpus, &self.service_cpus].concat();
        cpus.sort_unstable();
        cpus.dedup();
        cpus
    }

    /// The cores that client and servers share.
    pub fn shared_cpus(&self) -> Vec<usize> {
        self.client_cpus.iter().copied().filter(|cpu| self.server_cpus.contains(cpu)).collect()
    }

    /// Pairs of a client's and a server's core that are threads of one physical core.
    pub fn siblings_apart(&self, siblings: &[Vec<usize>]) -> Vec<(usize, usize)> {
        let of_client = |&client: &usize| {
            let group = siblings.iter().find(|group| group.contains(&client));
            let group = group.map_or(&[][..], Vec::as_slice).iter().copied();
            let served = group.filter(move |cpu| *cpu != client && self.server_cpus.contains(cpu));
            served.map(move |server| (client, server)).collect::<Vec<_>>()
        };
        self.client_cpus.iter().flat_map(of_client).collect()
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
        assert_eq!(Placement::split(&[3]).shared_cpus(), [3]);
        assert!(Placement::split(&[0, 1, 2, 3, 4, 5, 6, 7]).shared_cpus().is_empty());
    }

    #[test]
    fn a_range_of_ports_has_both_its_ends() {
        assert_eq!(parse_range("32768\t60999\n"), Some(32_768..=60_999));
        assert_eq!(parse_range("60999 32768"), None);
        assert_eq!(parse_range("32768"), None);
        assert_eq!(parse_range("x y"), None);
    }

    #[test]
    fn lists_are_those_of_the_kernel() {
        assert_eq!(parse_cpus("0,2-5,3").unwrap(), [0, 2, 3, 4, 5]);
        assert_eq!(parse_cpus("7").unwrap(), [7]);
        for wrong in ["", ",", "a", "3-1", "0-", "-1", "99999999999", "0-99999"] {
            assert_eq!(parse_cpus(wrong), Err(NotCpus(wrong.to_owned())));
        }
    }

    #[test]
    fn what_is_not_chosen_gets_the_rest() {
        let chosen = |client: Option<&[usize]>, server: Option<&[usize]>| {
            let placement = Placement::chosen(&[0, 1, 2, 3], client, server)?;
            Ok::<_, PlacementError>((placement.client_cpus, placement.server_cpus))
        };
        assert_eq!(chosen(None, None), Ok((vec![0], vec![1, 2, 3])));
        assert_eq!(chosen(Some(&[1, 2]), None), Ok((vec![1, 2], vec![0, 3])));
        assert_eq!(chosen(None, Some(&[3])), Ok((vec![0, 1, 2], vec![3])));
        assert_eq!(chosen(Some(&[1]), Some(&[1, 2])), Ok((vec![1], vec![1, 2])));
        assert_eq!(chosen(None, Some(&[0, 1, 2, 3])), Ok((vec![0, 1, 2, 3], vec![0, 1, 2, 3])));
        let message = chosen(None, Some(&[1, 9])).unwrap_err().to_string();
        assert_eq!(
            message,
            "--server-cpus: core 9 is not one that jigger may use; choose from 0, 1, 2, 3"
        );
    }

    #[test]
    fn services_get_cores_of_their_own_where_there_are_enough() {
        let of = |cores: usize| {
            let cores: Vec<usize> = (0..cores).collect();
            let found = Placement::split(&cores).with_services(&cores, false);
            (found.client_cpus.len(), found.server_cpus.len(), found.service_cpus.len())
        };
        assert_eq!(
            [1, 2, 3, 4, 8].map(of),
            [(1, 1, 0), (1, 1, 0), (1, 1, 1), (1, 2, 1), (2, 4, 2)]
        );
        let all = [0, 1, 2, 3];
        let chosen = |client: &[usize], server: &[usize]| {
            let found = Placement::chosen(&all, Some(client), Some(server)).unwrap();
            found.with_services(&all, true)
        };
        assert_eq!(chosen(&[0], &[1, 2]).service_cpus, [3]);
        let shared = chosen(&[0], &[1, 2, 3]);
        assert!(shared.service_cpus.is_empty());
        assert_eq!(shared.cpus_of_service(true), [1, 2, 3]);
        let apart = Placement::split(&all).with_services(&all, false);
        assert_eq!(
            (apart.cpus_of_service(true), apart.cpus_of_service(false)),
            (&[3][..], &[1, 2][..])
        );
        assert_eq!(apart.text(","), "client on 0, servers on 1,2, services on 3");
        assert_eq!(apart.cpus(), all);
    }

    #[test]
    fn threads_of_one_core_are_noticed_on_both_sides_only() {
        let siblings = vec![vec![0, 2], vec![1, 3]];
        let apart = Placement::chosen(&[0, 1, 2, 3], Some(&[0]), Some(&[2, 3])).unwrap();
        assert_eq!(apart.siblings_apart(&siblings), [(0, 2)]);
        let together = Placement::chosen(&[0, 1, 2, 3], Some(&[0, 2]), Some(&[1, 3])).unwrap();
        assert_eq!(together.siblings_apart(&siblings), []);
        assert_eq!(apart.siblings_apart(&[]), []);
    }

    /// 198.51.100.7 and 2001:db8::1 are nobody's (RFC 5737, RFC 3849); nothing is sent to them.
    #[test]
    fn this_machines_own_addresses_are_known() {
        for own in ["127.0.0.1", "127.8.7.6", "0.0.0.0", "::1"] {
            assert!(is_here(own.parse().unwrap()), "{own}");
        }
        for other in ["198.51.100.7", "2001:db8::1"] {
            assert!(!is_here(other.parse().unwrap()), "{other}");
        }
        let away = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        if away.connect("198.51.100.7:9").is_ok() {
            let own = away.local_addr().unwrap().ip();
            assert!(is_here(own), "{own} is the source of what leaves this machine");
        }
    }

    #[test]
    fn servers_elsewhere_leave_all_cores_to_the_client() {
        let placement = Placement::of_client(&[0, 1], None);
        assert_eq!(placement.text(","), "client on 0,1, servers on another machine");
        assert!(!placement.has_servers_here());
        assert_eq!(Placement::of_client(&[0, 1], Some(&[1])).client_cpus, [1]);
        assert_eq!(Placement::split(&[0, 1]).text(","), "client on 0, servers on 1");
    }

    #[test]
    fn this_machine_has_a_kernel_and_memory() {
        let host = Host::inspect();
        assert!(host.memory_bytes > 0 && host.cores > 0 && !host.kernel.is_empty());
    }
}
