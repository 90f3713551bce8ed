//! The kernel's table of tracked connections, which a firewall or a container engine switches on.
//!
//! Netfilter keeps each connection for 120 s after its end
//! (`net.netfilter.nf_conntrack_tcp_timeout_time_wait`), over loopback too. When the table is full
//! the kernel drops packets, and a connection takes 1 s, 3 s, or times out, whatever the server
//! does. A visit opens some ten thousand connections, where servers close theirs or scenarios want
//! fresh ones, so a quick succession of visits fills the usual table of 262,144.

use std::fs;
use std::path::Path;
use std::time::Duration;

/// The longest that is waited for room: a connection's entry is gone by then, unless others keep
/// the table full.
pub const PATIENCE: Duration = Duration::from_secs(130);

/// A visit begins when at least this part of the table is free.
const ROOM: f64 = 0.2;

/// Whether the table has room for a visit's connections; also where nothing is tracked.
#[must_use]
pub fn has_room() -> bool {
    let folder = Path::new("/proc/sys/net/netfilter");
    let read = |name: &str| -> Option<u64> {
        fs::read_to_string(folder.join(name)).ok()?.trim().parse().ok()
    };
    let (count, max) = (read("nf_conntrack_count"), read("nf_conntrack_max"));
    count.zip(max).is_none_or(|(count, max)| is_enough(count, max))
}

fn is_enough(count: u64, max: u64) -> bool {
    let number = crate::numbers::number;
    // 0 stands for no limit.
    max == 0 || number(max.saturating_sub(count)) >= ROOM * number(max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifth_of_the_table_has_to_be_free() {
        assert!(is_enough(0, 262_144) && is_enough(209_715, 262_144));
        assert!(!is_enough(209_716, 262_144) && !is_enough(300_000, 262_144));
        assert!(is_enough(5, 0));
    }
}
