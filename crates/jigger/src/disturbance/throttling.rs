//! How long a quota or heat has held the cores back.
//!
//! Sources: the kernel's `Documentation/admin-guide/cgroup-v2.rst` (`cpu.stat`, `throttled_usec`)
//! and `Documentation/scheduler/sched-bwc.rst` (version 1, `throttled_time`); thermal throttling
//! is in /sys/devices/system/cpu/cpuN/thermal_throttle (Intel only).

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use procfs::process::Process;

/// Time held back so far; `None` where the machine does not show it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Throttling {
    by_quota: Option<Duration>,
    by_heat: Option<Duration>,
}

impl Throttling {
    pub(super) fn now(cpus: &[usize]) -> Self {
        Self { by_quota: by_quota(), by_heat: by_heat(cpus) }
    }

    /// The time since `earlier`, the greater of the two.
    pub(super) fn since(self, earlier: Self) -> Option<Duration> {
        let passed = |now: Option<Duration>, before: Option<Duration>| {
            now.zip(before).map(|(now, before)| now.saturating_sub(before))
        };
        let by_quota = passed(self.by_quota, earlier.by_quota);
        by_quota.max(passed(self.by_heat, earlier.by_heat))
    }
}

/// Of jigger's own cgroup and those above it, one of which may have the quota.
fn by_quota() -> Option<Duration> {
    let times = cpu_groups().into_iter().flat_map(|(top, own)| {
        let groups: Vec<PathBuf> = own.ancestors().map(Path::to_path_buf).collect();
        groups.into_iter().take_while(move |group| group.starts_with(&top))
    });
    times.filter_map(|group| parse(&fs::read_to_string(group.join("cpu.stat")).ok()?)).max()
}

/// Mount point and own directory of each hierarchy that accounts for the cores.
fn cpu_groups() -> Vec<(PathBuf, PathBuf)> {
    let Ok(process) = Process::myself() else { return Vec::new() };
    let (Ok(groups), Ok(mounts)) = (process.cgroups(), process.mountinfo()) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for group in groups.0 {
        let is_second = group.hierarchy == 0;
        if !is_second && !group.controllers.iter().any(|name| name == "cpu") {
            continue;
        }
        let mount = mounts.iter().find(|mount| match mount.fs_type.as_str() {
            "cgroup2" => is_second,
            "cgroup" => !is_second && mount.super_options.contains_key("cpu"),
            _ => false,
        });
        let below = mount.and_then(|mount| {
            let relative = Path::new(&group.pathname).strip_prefix(&mount.root).ok()?;
            Some((mount.mount_point.clone(), mount.mount_point.join(relative)))
        });
        found.extend(below);
    }
    found
}

fn parse(text: &str) -> Option<Duration> {
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().parse::<u64>().ok()
    };
    let second = value("throttled_usec ").map(Duration::from_micros);
    second.or_else(|| value("throttled_time ").map(Duration::from_nanos))
}

fn by_heat(cpus: &[usize]) -> Option<Duration> {
    let of_core = |cpu: &usize| {
        let folder = format!("/sys/devices/system/cpu/cpu{cpu}/thermal_throttle");
        let text = fs::read_to_string(Path::new(&folder).join("core_throttle_total_time_ms"));
        text.ok()?.trim().parse().ok().map(Duration::from_millis)
    };
    cpus.iter().filter_map(of_core).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_of_cpu_stat_are_read() {
        let second = "usage_usec 9\nnr_throttled 2\nthrottled_usec 1500\n";
        assert_eq!(parse(second), Some(Duration::from_micros(1_500)));
        let first = "nr_periods 9\nnr_throttled 2\nthrottled_time 1500\n";
        assert_eq!(parse(first), Some(Duration::from_nanos(1_500)));
        assert_eq!(parse("usage_usec 9\n"), None);
    }

    #[test]
    fn the_greater_of_quota_and_heat_counts() {
        let at = |quota, heat| Throttling {
            by_quota: Some(Duration::from_millis(quota)),
            by_heat: Some(Duration::from_millis(heat)),
        };
        assert_eq!(at(30, 15).since(at(10, 10)), Some(Duration::from_millis(20)));
        let unknown = Throttling { by_quota: None, ..at(0, 20) };
        assert_eq!(unknown.since(at(10, 10)), Some(Duration::from_millis(10)));
        let nothing = Throttling { by_quota: None, by_heat: None };
        assert_eq!(nothing.since(nothing), None);
    }
}
