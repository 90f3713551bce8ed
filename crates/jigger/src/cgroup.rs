//! cgroups: the one that a process is in, and a server's own where one can be made: the kernel's
//! exact CPU account, and an end to a fork storm at one stroke.
//!
//! Source: the kernel's `Documentation/admin-guide/cgroup-v2.rst` (`cpu.stat`, `cgroup.kill`).

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use procfs::process::Process;
use rustix::fs::{Access, access};

/// The environment variable that, set to 0, keeps the guard from making a cgroup.
const SWITCH: &str = "JIGGER_CGROUP";

/// Where a process's group is in one hierarchy.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) mount_point: PathBuf,
    /// The group's folder, below that.
    pub(crate) folder: PathBuf,
    is_root: bool,
}

impl Group {
    /// The group of `process` in the hierarchy that has `controller` (version 1), or in the unified
    /// one for `None` (version 2).
    pub(crate) fn of(process: &Process, controller: Option<&str>) -> Option<Self> {
        let groups = process.cgroups().ok()?.0;
        let group = groups.iter().find(|group| match controller {
            Some(name) => group.controllers.iter().any(|it| it == name),
            None => group.hierarchy == 0,
        })?;
        let mounts = Process::myself().ok()?.mountinfo().ok()?;
        let mount = mounts.iter().find(|mount| match controller {
            Some(name) => mount.fs_type == "cgroup" && mount.super_options.contains_key(name),
            None => mount.fs_type == "cgroup2",
        })?;
        Self::below(&mount.mount_point, &mount.root, &group.pathname)
    }

    /// `pathname` counts from the hierarchy's root, of which the mount may show only a part.
    fn below(mount_point: &Path, root: &str, pathname: &str) -> Option<Self> {
        let relative = Path::new(pathname).strip_prefix(root).ok()?;
        // `/../..` is what a process outside of its cgroup namespace reads.
        let escapes = relative.components().any(|part| part.as_os_str() == "..");
        (!escapes).then(|| Self {
            mount_point: mount_point.to_owned(),
            folder: mount_point.join(relative),
            is_root: pathname == "/",
        })
    }
}

/// Why a server has no group of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoCgroup {
    /// [`SWITCH`] is set to 0.
    SwitchedOff,
    /// No cgroup v2 is mounted, or jigger's own group is not in it.
    NoHierarchy,
    /// A group of its own would change how the server shares the processors with the load engine,
    /// and the measurement with it.
    HandsOutControllers,
    NoPermission,
}

/// The group below which the guard may make one, if it may. Nothing is changed.
pub(crate) fn usable_parent() -> Result<PathBuf, NoCgroup> {
    if env::var_os(SWITCH).is_some_and(|value| value == "0") {
        return Err(NoCgroup::SwitchedOff);
    }
    let own = Process::myself().ok().and_then(|own| Group::of(&own, None));
    let parent = own.ok_or(NoCgroup::NoHierarchy)?.folder;
    let controllers = fs::read_to_string(parent.join("cgroup.subtree_control"))
        .map_err(|_| NoCgroup::NoHierarchy)?;
    if !controllers.trim().is_empty() {
        return Err(NoCgroup::HandsOutControllers);
    }
    let may = Access::WRITE_OK | Access::EXEC_OK;
    access(&parent, may).map_err(|_| NoCgroup::NoPermission)?;
    Ok(parent)
}

/// The controllers of cgroup v2 that jigger's own group may use.
pub(crate) fn controllers() -> Vec<String> {
    let own = Process::myself().ok().and_then(|own| Group::of(&own, None));
    let file = own.map(|group| group.folder.join("cgroup.controllers"));
    let text = file.and_then(|file| fs::read_to_string(file).ok()).unwrap_or_default();
    text.split_whitespace().map(str::to_owned).collect()
}

/// Whether jigger's own group has processor time accounted and limited by version 1.
pub(crate) fn has_cpu_of_v1() -> bool {
    Process::myself().is_ok_and(|own| Group::of(&own, Some("cpu")).is_some())
}

/// A cgroup made by the guard below the one that jigger runs in.
#[derive(Debug)]
pub(crate) struct Cgroup {
    path: PathBuf,
    parent: PathBuf,
}

impl Cgroup {
    /// Makes one and moves the calling process into it, so that what it starts is born there.
    ///
    /// `None` wherever this cannot be had: see [`NoCgroup`].
    pub(crate) fn enter() -> Option<Self> {
        let parent = usable_parent().ok()?;
        let path = parent.join(format!("jigger-{}", std::process::id()));
        // Left behind by a guard of the same process id that was killed.
        let _ = fs::remove_dir(&path);
        fs::create_dir(&path).ok()?;
        let group = Self { path, parent };
        let entered = group.account().cpu_ns().and_then(|_| move_self(&group.path));
        if entered.is_err() {
            remove(&group.path);
            return None;
        }
        Some(group)
    }

    /// Moves the calling process back, so that the guard's own work is not counted.
    pub(crate) fn leave(&self) {
        // Failing here costs accuracy of microseconds only, and the removal is tried again later.
        let _ = move_self(&self.parent);
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The CPU time of all that is born in it.
    pub(crate) fn account(&self) -> Account {
        Account::V2(self.path.clone())
    }
}

/// The kernel's CPU account of a group: its folder, by the version of its hierarchy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Account {
    /// Below the controller cpuacct.
    V1(PathBuf),
    /// In the unified hierarchy.
    V2(PathBuf),
}

impl Account {
    /// That of the group that an engine has put a process into.
    ///
    /// Version 1 first: where both are mounted, engines use its controllers, and version 2 has the
    /// process in the root group, whose account is the whole machine's.
    pub(crate) fn of(process: &Process) -> Option<Self> {
        let own = |controller| {
            Group::of(process, controller).filter(|group| !group.is_root).map(|group| group.folder)
        };
        let is_readable = |account: &Self| account.cpu_ns().is_ok();
        let v1 = own(Some("cpuacct")).map(Self::V1).filter(is_readable);
        v1.or_else(|| own(None).map(Self::V2).filter(is_readable))
    }

    /// CPU time of every process that is or ever was in the group, in nanoseconds (version 2 counts
    /// in microseconds).
    pub(crate) fn cpu_ns(&self) -> io::Result<u64> {
        let found = match self {
            Self::V1(folder) => {
                fs::read_to_string(folder.join("cpuacct.usage"))?.trim().parse().ok()
            }
            Self::V2(folder) => parse_cpu_ns(&fs::read_to_string(folder.join("cpu.stat"))?),
        };
        found.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "it has no CPU time"))
    }

    pub(crate) fn folder(&self) -> &Path {
        match self {
            Self::V1(folder) | Self::V2(folder) => folder,
        }
    }
}

/// SIGKILL to all of the group at once, where the kernel has it (5.14 and later).
pub(crate) fn kill(group: &Path) {
    let _ = fs::write(group.join("cgroup.kill"), "1");
}

/// Removes the emptied group; one that is gone or still in use is left.
pub(crate) fn remove(group: &Path) {
    let _ = fs::remove_dir(group);
}

fn parse_cpu_ns(text: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix("usage_usec "))?;
    value.trim().parse::<u64>().ok()?.checked_mul(1_000)
}

fn move_self(group: &Path) -> io::Result<()> {
    fs::write(group.join("cgroup.procs"), "0")
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
            ("/", "/", Some(("/sys/fs/cgroup", true))),
            ("/user.slice/a", "/", Some(("/sys/fs/cgroup/user.slice/a", false))),
            ("/box/a", "/box", Some(("/sys/fs/cgroup/a", false))),
            ("/elsewhere", "/box", None),
            ("/../../a", "/", None),
        ];
        for (pathname, root, expected) in cases {
            let expected = expected.map(|(folder, is_root)| Group {
                mount_point: mounted.to_owned(),
                folder: folder.into(),
                is_root,
            });
            assert_eq!(Group::below(mounted, root, pathname), expected);
        }
    }
}
