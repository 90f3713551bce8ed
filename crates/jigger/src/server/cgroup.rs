//! A cgroup v2 of the server's own, where one can be made: the kernel's exact CPU account, and
//! an end to a fork storm at one stroke.
//!
//! Source: the kernel's `Documentation/admin-guide/cgroup-v2.rst` (`cpu.stat`, `cgroup.kill`).

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use procfs::process::Process;

/// The environment variable that, set to 0, keeps the guard from making a cgroup.
const SWITCH: &str = "JIGGER_CGROUP";

/// A cgroup made by the guard below the one that jigger runs in.
#[derive(Debug)]
pub(super) struct Cgroup {
    path: PathBuf,
    parent: PathBuf,
}

impl Cgroup {
    /// Makes one and moves the calling process into it, so that what it starts is born there.
    ///
    /// `None` wherever this cannot be had: no cgroup v2, no permission, [`SWITCH`] set to 0, or a
    /// parent that hands out controllers. In that last case a group of its own would change how the server shares
    /// the processors with the load engine, and the measurement with it.
    pub(super) fn enter() -> Option<Self> {
        if env::var_os(SWITCH).is_some_and(|value| value == "0") {
            return None;
        }
        let parent = own_directory()?;
        let controllers = fs::read_to_string(parent.join("cgroup.subtree_control")).ok()?;
        if !controllers.trim().is_empty() {
            return None;
        }
        let path = parent.join(format!("jigger-{}", std::process::id()));
        // Left behind by a guard of the same process id that was killed.
        let _ = fs::remove_dir(&path);
        fs::create_dir(&path).ok()?;
        let group = Self { path, parent };
        let entered = cpu_ns(&group.path).and_then(|_| move_self(&group.path));
        if entered.is_err() {
            remove(&group.path);
            return None;
        }
        Some(group)
    }

    /// Moves the calling process back, so that the guard's own work is not counted.
    pub(super) fn leave(&self) {
        // Failing here costs accuracy of microseconds only, and the removal is tried again later.
        let _ = move_self(&self.parent);
    }

    /// The directory of the group.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// CPU time of every process that is or ever was in the group, in nanoseconds (kernel
/// resolution: 1 us).
pub(super) fn cpu_ns(group: &Path) -> io::Result<u64> {
    let text = fs::read_to_string(group.join("cpu.stat"))?;
    parse_cpu_ns(&text)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "cpu.stat has no usage_usec"))
}

/// The kernel's own CPU account of the group that an engine has put a process into.
///
/// Version 1 first: where both are mounted, engines use its controllers, and version 2 has the
/// process in the root group, whose account is the whole machine's.
pub(super) fn account_of(process: &Process) -> Option<Account> {
    let groups = process.cgroups().ok()?.0;
    let mounts = Process::myself().ok()?.mountinfo().ok()?;
    let own_group = |pathname: &String| pathname != "/";
    let v1 = groups.iter().find(|group| group.controllers.iter().any(|name| name == "cpuacct"));
    let v1 = v1.filter(|group| own_group(&group.pathname)).and_then(|group| {
        let mount = mounts.iter().find(|mount| {
            mount.fs_type == "cgroup" && mount.super_options.contains_key("cpuacct")
        })?;
        let folder = below_mount(&group.pathname, &mount.root, &mount.mount_point)?;
        Some(Account::V1(folder)).filter(|account| account.cpu_ns().is_ok())
    });
    v1.or_else(|| {
        let group = groups.iter().find(|group| group.hierarchy == 0)?;
        let mount = mounts.iter().find(|mount| mount.fs_type == "cgroup2")?;
        let folder = below_mount(&group.pathname, &mount.root, &mount.mount_point)?;
        let account = Some(Account::V2(folder)).filter(|_| own_group(&group.pathname));
        account.filter(|account| account.cpu_ns().is_ok())
    })
}

/// A group's folder, by the version of its hierarchy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Account {
    /// Below the controller cpuacct.
    V1(PathBuf),
    /// In the unified hierarchy.
    V2(PathBuf),
}

impl Account {
    /// CPU time of every process that is or ever was in the group, in nanoseconds.
    pub(super) fn cpu_ns(&self) -> io::Result<u64> {
        let Self::V1(folder) = self else {
            return cpu_ns(self.folder());
        };
        let text = fs::read_to_string(folder.join("cpuacct.usage"))?;
        text.trim().parse().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    /// The group's folder.
    pub(super) fn folder(&self) -> &Path {
        match self {
            Self::V1(folder) | Self::V2(folder) => folder,
        }
    }
}

/// SIGKILL to all of the group at once, where the kernel has it (5.14 and later).
pub(super) fn kill(group: &Path) {
    let _ = fs::write(group.join("cgroup.kill"), "1");
}

/// Removes the emptied group; one that is gone or still in use is left.
pub(super) fn remove(group: &Path) {
    let _ = fs::remove_dir(group);
}

fn parse_cpu_ns(text: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix("usage_usec "))?;
    value.trim().parse::<u64>().ok()?.checked_mul(1_000)
}

fn move_self(group: &Path) -> io::Result<()> {
    fs::write(group.join("cgroup.procs"), "0")
}

/// Where the calling process's own cgroup v2 is mounted, on a pure or a hybrid hierarchy.
fn own_directory() -> Option<PathBuf> {
    let own = Process::myself().ok()?;
    let groups = own.cgroups().ok()?;
    let pathname = groups.0.into_iter().find(|group| group.hierarchy == 0)?.pathname;
    let mounts = own.mountinfo().ok()?;
    let mount = mounts.iter().find(|mount| mount.fs_type == "cgroup2")?;
    below_mount(&pathname, &mount.root, &mount.mount_point)
}

/// `pathname` counts from the hierarchy's root, of which the mount may show only a part.
fn below_mount(pathname: &str, root: &str, mount_point: &Path) -> Option<PathBuf> {
    let relative = Path::new(pathname).strip_prefix(root).ok()?;
    // `/../..` is what a process outside of its cgroup namespace reads.
    let escapes = relative.components().any(|part| part.as_os_str() == "..");
    (!escapes).then(|| mount_point.join(relative))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_stat_is_read_in_nanoseconds() {
        let text = "usage_usec 1234\nuser_usec 1000\nsystem_usec 234\n";
        assert_eq!(parse_cpu_ns(text), Some(1_234_000));
        assert_eq!(parse_cpu_ns("nr_periods 0\n"), None);
    }

    #[test]
    fn a_group_is_found_below_whole_and_partial_mounts() {
        let mounted = Path::new("/sys/fs/cgroup");
        let cases = [
            ("/", "/", Some("/sys/fs/cgroup")),
            ("/user.slice/a", "/", Some("/sys/fs/cgroup/user.slice/a")),
            ("/box/a", "/box", Some("/sys/fs/cgroup/a")),
            ("/elsewhere", "/box", None),
            ("/../../a", "/", None),
        ];
        for (pathname, root, expected) in cases {
            assert_eq!(below_mount(pathname, root, mounted), expected.map(PathBuf::from));
        }
    }
}
