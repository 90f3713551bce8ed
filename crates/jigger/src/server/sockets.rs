//! Which process listens where: `/proc/net/tcp` and `tcp6` against `/proc/PID/fd`.

use std::collections::HashSet;
use std::net::SocketAddr;

use procfs::net::{TcpState, tcp, tcp6};
use procfs::process::{FDTarget, Process};

/// A listening TCP socket of any process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Listener {
    pub address: SocketAddr,
    pub inode: u64,
}

/// All listening TCP sockets in jigger's network namespace.
pub(super) fn listeners() -> Vec<Listener> {
    let entries = tcp().into_iter().flatten().chain(tcp6().into_iter().flatten());
    let listening = entries.filter(|entry| entry.state == TcpState::Listen);
    listening.map(|entry| Listener { address: entry.local_address, inode: entry.inode }).collect()
}

/// The addresses that any of `processes` listens on, sorted, each once.
pub(super) fn listening(processes: &[Process]) -> Vec<SocketAddr> {
    let owned: HashSet<u64> = processes.iter().flat_map(socket_inodes).collect();
    let mut addresses: Vec<SocketAddr> = listeners()
        .into_iter()
        .filter(|listener| owned.contains(&listener.inode))
        .map(|listener| listener.address)
        .collect();
    addresses.sort();
    addresses.dedup();
    addresses
}

/// The sockets of a process; none where its descriptors may not be read.
pub(super) fn socket_inodes(process: &Process) -> Vec<u64> {
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
    use std::net::TcpListener;

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
