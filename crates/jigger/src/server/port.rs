//! Ports: free ones for each visit, who holds one that is taken, and where processes listen
//! (`/proc/net/tcp` and `tcp6` against `/proc/PID/fd`).

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use procfs::net::{TcpState, tcp, tcp6};
use procfs::process::{FDTarget, Process, all_processes};

use super::Diagnostic;
use crate::host::local_port_range;

/// The lowest port handed out: below are those that well-known services use.
const LOWEST: u16 = 10_000;

/// Hands out free ports, none of them twice.
///
/// They lie outside of the range from which the kernel takes the client ends of connections
/// (`ip_local_port_range`, see ip(7)). Inside of it, one of the thousands of closed client
/// connections that a load test leaves in TIME_WAIT could hold the port when the next server
/// binds to it.
#[derive(Debug)]
pub struct Ports {
    candidates: Vec<u16>,
    next: usize,
    handed_out: HashSet<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its id; `None` when it belongs to another user and may not be looked at.
    pub pid: Option<i32>,
    /// Its command line, or what is known of it.
    pub command_line: String,
}

#[derive(Debug, thiserror::Error)]
#[error("port {port} is taken by {holder}")]
pub struct PortTaken {
    pub port: u16,
    pub holder: Holder,
}

impl Ports {
    /// Ports for one run. Different runs begin at different places, so that two jiggers on a
    /// machine seldom try for the same one.
    pub fn new() -> Self {
        let candidates = candidates(&ephemeral_range());
        // A prime as the step, so that neighbouring process ids begin far apart.
        let offset = usize::try_from(std::process::id()).unwrap_or(0).wrapping_mul(7_919);
        let next = offset.checked_rem(candidates.len()).unwrap_or(0);
        Self { candidates, next, handed_out: HashSet::new() }
    }

    /// A port on which nothing listens, neither on IPv4 nor on IPv6.
    pub fn pick(&mut self) -> io::Result<u16> {
        for _ in 0..self.candidates.len() {
            let port = self.candidates[self.next];
            self.next = (self.next + 1) % self.candidates.len();
            if !self.handed_out.contains(&port) && is_free(port) {
                self.handed_out.insert(port);
                return Ok(port);
            }
        }
        self.pick_ephemeral()
    }

    /// For machines whose range of client ports leaves no others.
    fn pick_ephemeral(&mut self) -> io::Result<u16> {
        // Each listener is held until one is found, so that the kernel offers another each time.
        let mut held = Vec::new();
        loop {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            let port = listener.local_addr()?.port();
            if self.handed_out.insert(port) {
                return Ok(port);
            }
            held.push(listener);
        }
    }
}

impl Default for Ports {
    fn default() -> Self {
        Self::new()
    }
}

impl Diagnostic for PortTaken {
    fn remedy(&self) -> Cow<'static, str> {
        "end that process, or choose another port in the suite".into()
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            Some(pid) => write!(out, "process {pid} ({})", self.command_line),
            None => out.write_str(&self.command_line),
        }
    }
}

/// Who listens on `port`; `None` when nobody does.
pub fn who_has(port: u16) -> Option<Holder> {
    let at_port = listeners().filter(|(address, _)| address.port() == port);
    let inodes: HashSet<u64> = at_port.map(|(_, inode)| inode).collect();
    if inodes.is_empty() {
        return None;
    }
    let mut processes = all_processes().into_iter().flatten().flatten();
    let holder =
        processes.find(|process| socket_inodes(process).iter().any(|inode| inodes.contains(inode)));
    Some(match holder {
        Some(process) => Holder {
            pid: Some(process.pid()),
            command_line: process.cmdline().unwrap_or_default().join(" "),
        },
        None => Holder { pid: None, command_line: "a process of another user".to_owned() },
    })
}

/// Waits until nothing listens on `port` any more, at most for `limit`. Closed connections that
/// linger in TIME_WAIT do not count: they do not hinder a server that sets `SO_REUSEADDR`.
pub fn wait_free(port: u16, limit: Duration) -> Result<(), PortTaken> {
    let deadline = Instant::now() + limit;
    while !is_free(port) {
        if Instant::now() >= deadline {
            let unknown = || Holder { pid: None, command_line: "an unknown process".to_owned() };
            return Err(PortTaken { port, holder: who_has(port).unwrap_or_else(unknown) });
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// Whether a server could bind to the port: all addresses at once, on each family there is.
fn is_free(port: u16) -> bool {
    let addresses = [
        SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)),
        SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)),
        SocketAddr::from((Ipv6Addr::LOCALHOST, port)),
    ];
    // A machine without IPv6 fails in another way than "address in use".
    !addresses.into_iter().any(|address| {
        TcpListener::bind(address).is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse)
    })
}

fn candidates(ephemeral: &RangeInclusive<u16>) -> Vec<u16> {
    (LOWEST..=u16::MAX).filter(|port| !ephemeral.contains(port)).collect()
}

/// The ports that clients get; the kernel's default, should it not say.
pub(crate) fn ephemeral_range() -> RangeInclusive<u16> {
    local_port_range().unwrap_or(32_768..=60_999)
}

/// Every listening TCP socket in this network namespace, with its inode.
fn listeners() -> impl Iterator<Item = (SocketAddr, u64)> {
    let entries = tcp().into_iter().flatten().chain(tcp6().into_iter().flatten());
    let listening = entries.filter(|entry| entry.state == TcpState::Listen);
    listening.map(|entry| (entry.local_address, entry.inode))
}

/// The addresses that any of `processes` listens on, sorted, each once.
pub(super) fn listening(processes: &[Process]) -> Vec<SocketAddr> {
    let owned: HashSet<u64> = processes.iter().flat_map(socket_inodes).collect();
    let owned = listeners().filter(|(_, inode)| owned.contains(inode));
    let mut addresses: Vec<SocketAddr> = owned.map(|(address, _)| address).collect();
    addresses.sort();
    addresses.dedup();
    addresses
}

/// The sockets of a process; none where its descriptors may not be read.
fn socket_inodes(process: &Process) -> Vec<u64> {
    let descriptors = process.fd().into_iter().flatten().flatten();
    let sockets = descriptors.filter_map(|descriptor| match descriptor.target {
        FDTarget::Socket(inode) => Some(inode),
        _ => None,
    });
    sockets.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_port_is_handed_out_twice_and_none_that_clients_get() {
        let mut ports = Ports::new();
        let picked: HashSet<u16> = (0..50).map(|_| ports.pick().unwrap()).collect();
        assert_eq!(picked.len(), 50);
        let ephemeral = ephemeral_range();
        if !candidates(&ephemeral).is_empty() {
            assert!(picked.iter().all(|port| !ephemeral.contains(port)));
        }
    }

    #[test]
    fn a_machine_that_gives_clients_every_port_still_has_one() {
        let mut ports = Ports { candidates: vec![], next: 0, handed_out: HashSet::new() };
        assert_ne!(ports.pick().unwrap(), ports.pick().unwrap());
    }

    #[test]
    fn a_taken_port_names_its_holder() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let holder = who_has(port).unwrap();
        assert_eq!(holder.pid, i32::try_from(std::process::id()).ok());
        let message = wait_free(port, Duration::ZERO).unwrap_err().to_string();
        assert!(message.starts_with(&format!("port {port} is taken by process ")), "{message}");
        drop(listener);
    }

    #[test]
    fn a_port_is_free_once_its_listener_is_closed() {
        let mut ports = Ports::new();
        let port = ports.pick().unwrap();
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        assert!(!is_free(port));
        drop(listener);
        wait_free(port, Duration::from_secs(5)).unwrap();
        assert_eq!(who_has(port), None);
    }

    #[test]
    fn own_listeners_are_found_on_both_families() {
        let held = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut expected = vec![held.local_addr().unwrap()];
        let six = TcpListener::bind("[::1]:0").ok();
        expected.extend(six.iter().map(|listener| listener.local_addr().unwrap()));
        let found = listening(&[Process::myself().unwrap()]);
        for address in expected {
            assert!(found.contains(&address), "{address} in {found:?}");
        }
    }
}
