//! How many files this process may open, which sockets are among.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The files that a load with so many connections and threads opens.
pub(crate) fn wanted(connections: usize, threads: usize) -> u64 {
    /// Standard streams, epolls, logs and whatever else the process holds.
    const OTHER_FILES: u64 = 32;
    connections as u64 + threads as u64 + OTHER_FILES
}

/// How many files this process may open, `None` for as many as it likes: the soft limit, which is
/// raised to the hard one first where so many connections need that. Programs started from then on
/// inherit it.
pub fn allow(connections: usize, threads: usize) -> Option<u64> {
    let limits = getrlimit(Resource::Nofile);
    let wanted = wanted(connections, threads);
    if limits.current.is_none_or(|limit| limit >= wanted) {
        return limits.current;
    }
    let raised = Rlimit { current: limits.maximum, ..limits };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limits.maximum,
        Err(_) => limits.current,
    }
}
