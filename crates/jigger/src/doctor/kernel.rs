//! What the kernel allows: groups of processes, open files, ports, connections, addresses.

use std::fs;

use rustix::process::{Resource, Rlimit, getrlimit};

use super::finding::Finding;
use crate::cgroup::{self, NoCgroup};
use crate::host::{ConnectionTable, Host};
use crate::report::units::whole;

pub fn examine(host: &Host) -> Vec<Finding> {
    vec![
        own_group(cgroup::usable_parent().err()),
        controllers(&cgroup::controllers(), cgroup::has_cpu_of_v1()),
        open_files(&getrlimit(Resource::Nofile)),
        local_ports(host.local_ports),
        reuse(number_in("/proc/sys/net/ipv4/tcp_tw_reuse")),
        connection_table(ConnectionTable::now()),
        address_space(number_in("/proc/sys/kernel/randomize_va_space")),
    ]
}

fn number_in(path: &str) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

fn own_group(obstacle: Option<NoCgroup>) -> Finding {
    let name = "cgroup v2";
    let Some(obstacle) = obstacle else {
        return Finding::fine(
            name,
            "a group for each server can be made",
            "the CPU time of servers is exact, and one that forks endlessly is killed at once",
        );
    };
    let (value, remedy) = match obstacle {
        NoCgroup::SwitchedOff => ("switched off by JIGGER_CGROUP=0", "unset JIGGER_CGROUP"),
        NoCgroup::NoHierarchy => ("not mounted, or not for this process", "mount cgroup2"),
        NoCgroup::HandsOutControllers => (
            "jigger's own group passes controllers on",
            "run jigger in a group that passes none on: systemd-run --scope jigger ...",
        ),
        NoCgroup::NoPermission => (
            "this user may not make a group in jigger's own",
            "run as root, or in a group that is this user's: systemd-run --user --scope jigger ...",
        ),
    };
    Finding::lacking(
        name,
        value,
        "CPU time is summed over each server's processes; the time of a process that ended between \
         two readings may be missing",
        remedy,
    )
}

/// `usable` are those of version 2; the controller of processor time may be in version 1 instead.
fn controllers(usable: &[String], has_cpu_of_v1: bool) -> Finding {
    let name = "cgroup controllers";
    let mut shown = usable.to_vec();
    shown.extend(has_cpu_of_v1.then(|| "cpu (version 1)".to_owned()));
    let value = if shown.is_empty() { "none".to_owned() } else { shown.join(", ") };
    match has_cpu_of_v1 || usable.iter().any(|usable| usable == "cpu") {
        true => Finding::fine(
            name,
            value,
            "throttling by a quota is noticed, and the round is repeated",
        ),
        false => Finding::unknown(name, value, "without cpu, throttling by a quota goes unnoticed"),
    }
}

/// Fewer than this held suites of some thousand connections back in practice: it was the hard limit
/// of distributions before systemd 240.
const FEW_FILES: u64 = 4_096;

fn open_files(limits: &Rlimit) -> Finding {
    let name = "open files";
    let text = |limit: Option<u64>| limit.map_or_else(|| "unlimited".to_owned(), whole);
    let value = format!("soft {}, hard {}", text(limits.current), text(limits.maximum));
    match limits.maximum.filter(|limit| *limit <= FEW_FILES) {
        None => Finding::fine(
            name,
            value,
            "jigger raises the soft limit to the hard one where a load has more connections",
        ),
        Some(_) => Finding::poor(
            name,
            value,
            "a load and a server can each have fewer connections than the hard limit",
            "as root: raise the hard limit (ulimit -Hn 65536, or /etc/security/limits.conf)",
        ),
    }
}

/// The usual `ip_local_port_range`, 32768 to 60999.
const USUAL_PORTS: u32 = 28_232;

fn local_ports(ports: Option<u32>) -> Finding {
    let name = "local ports";
    let Some(ports) = ports else {
        return Finding::unknown(name, "not shown", "fresh connections need one each");
    };
    let value = whole(ports.into());
    match ports >= USUAL_PORTS {
        true => Finding::fine(
            name,
            value,
            "the limit of connections to one server, open or recently closed",
        ),
        false => Finding::poor(
            name,
            value,
            "scenarios with fresh connections run out of them early; their rate is then a bound",
            "as root: sysctl -w net.ipv4.ip_local_port_range='32768 60999'",
        ),
    }
}

/// Source: the kernel's `Documentation/networking/ip-sysctl.rst`, `tcp_tw_reuse`.
fn reuse(setting: Option<u64>) -> Finding {
    let name = "reuse of ports";
    match setting {
        None => Finding::unknown(name, "not shown", "how long a closed connection keeps its port"),
        Some(0) => Finding::poor(
            name,
            "off (tcp_tw_reuse = 0)",
            "a closed connection keeps its port for 60 s, so fresh connections run out of ports",
            "as root: sysctl -w net.ipv4.tcp_tw_reuse=2",
        ),
        Some(_) => {
            Finding::fine(name, "on", "a port is free again 1 s after its connection was closed")
        }
    }
}

fn connection_table(table: Option<ConnectionTable>) -> Finding {
    let name = "connection tracking";
    let Some(table) = table else {
        return Finding::fine(name, "off", "no table can become full");
    };
    let (connections, capacity) = (whole(table.connections), whole(table.capacity));
    let value = format!("{connections} of {capacity} entries in use");
    match table.has_room() {
        true => Finding::fine(name, value, "a visit's connections have room"),
        false => Finding::poor(
            name,
            value,
            "the kernel drops packets when it is full; each visit waits until it has room",
            "as root: sysctl -w net.netfilter.nf_conntrack_max=1048576, or do not track the loopback",
        ),
    }
}

/// Source: the kernel's `Documentation/admin-guide/sysctl/kernel.rst`, `randomize_va_space`.
fn address_space(setting: Option<u64>) -> Finding {
    let name = "address space";
    match setting {
        None => Finding::unknown(name, "not shown", "memory layout affects a server's speed"),
        Some(2) => Finding::fine(
            name,
            "random at each start",
            "memory layout affects a server's speed; each round has a new one",
        ),
        Some(other) => Finding::poor(
            name,
            format!("not random (randomize_va_space = {other})"),
            "memory layout affects a server's speed, and every round has the same one",
            "as root: sysctl -w kernel.randomize_va_space=2",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::State;
    use super::super::finding::tests::assert_states;
    use super::*;

    #[test]
    fn every_obstacle_to_a_group_has_a_remedy() {
        let obstacles = [
            NoCgroup::SwitchedOff,
            NoCgroup::NoHierarchy,
            NoCgroup::HandsOutControllers,
            NoCgroup::NoPermission,
        ];
        assert_states(obstacles.map(|it| (State::Lacking, own_group(Some(it)))));
        assert_states([
            (State::Fine, own_group(None)),
            (State::Fine, controllers(&["cpu".to_owned()], false)),
            (State::Fine, controllers(&["hugetlb".to_owned()], true)),
            (State::Unknown, controllers(&["hugetlb".to_owned()], false)),
            (State::Unknown, controllers(&[], false)),
        ]);
    }

    #[test]
    fn tight_limits_are_found() {
        let files = |maximum| open_files(&Rlimit { current: Some(1_024), maximum });
        let table = |connections| Some(ConnectionTable { connections, capacity: 1_000 });
        assert_states([
            (State::Poor, files(Some(4_096))),
            (State::Fine, files(Some(4_097))),
            (State::Fine, files(None)),
            (State::Fine, local_ports(Some(28_232))),
            (State::Poor, local_ports(Some(28_231))),
            (State::Unknown, local_ports(None)),
            (State::Poor, reuse(Some(0))),
            (State::Fine, reuse(Some(2))),
            (State::Unknown, reuse(None)),
            (State::Fine, connection_table(None)),
            (State::Fine, connection_table(table(800))),
            (State::Poor, connection_table(table(801))),
            (State::Fine, address_space(Some(2))),
            (State::Poor, address_space(Some(0))),
            (State::Unknown, address_space(None)),
        ]);
        assert_eq!(files(None).value, "soft 1,024, hard unlimited");
    }
}
