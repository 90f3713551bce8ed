//! The kernel's table of tracked connections, which a firewall or a container engine switches on.

use std::fs;
use std::path::Path;

/// A visit begins when at least this part of the table is free.
const ROOM: f64 = 0.2;

/// How full the table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionTable {
    pub connections: u64,
    /// The most that it holds; 0 stands for no limit.
    pub capacity: u64,
}

impl ConnectionTable {
    /// As it is now; `None` where nothing is tracked.
    pub fn now() -> Option<Self> {
        let folder = Path::new("/proc/sys/net/netfilter");
        let read = |name: &str| -> Option<u64> {
            fs::read_to_string(folder.join(name)).ok()?.trim().parse().ok()
        };
        let (connections, capacity) = (read("nf_conntrack_count")?, read("nf_conntrack_max")?);
        Some(Self { connections, capacity })
    }

    /// Whether a visit's connections have room in it.
    pub fn has_room(self) -> bool {
        let number = crate::numbers::number;
        let free = self.capacity.saturating_sub(self.connections);
        self.capacity == 0 || number(free) >= ROOM * number(self.capacity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifth_of_the_table_has_to_be_free() {
        let has_room = |connections| ConnectionTable { connections, capacity: 262_144 }.has_room();
        assert!(has_room(0) && has_room(209_715));
        assert!(!has_room(209_716) && !has_room(300_000));
        assert!(ConnectionTable { connections: 5, capacity: 0 }.has_room());
    }
}
