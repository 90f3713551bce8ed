//! What a container may use at most: the kernel holds it, and exceeding the memory is reported.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod container_support;

use std::fs::read_to_string;
use std::path::{Path, PathBuf};
use std::process::Command;

use container_support::{Lab, containers_of, engine, errors, long_run, send, until, write_suite};
use procfs::process::Process;
use rustix::process::Signal;

/// What the kernel holds a group to.
#[derive(Debug, PartialEq)]
struct Limits {
    memory_bytes: u64,
    /// Beside the memory.
    swap_bytes: u64,
    /// Processor time, in thousandths of a core.
    cpu_millicores: u64,
}

impl Limits {
    /// Those of the groups that a process is in: of cgroup v1 where its controllers are there, else
    /// of v2.
    fn of(process: &Process) -> Option<Self> {
        let memory = group(process, "memory")?;
        let cpu = group(process, "cpu")?;
        let v1 = memory.join("memory.limit_in_bytes");
        if v1.exists() {
            let memory_bytes = number(&v1)?;
            let both_bytes = number(&memory.join("memory.memsw.limit_in_bytes"))?;
            let quota_us = number(&cpu.join("cpu.cfs_quota_us"))?;
            let period_us = number(&cpu.join("cpu.cfs_period_us"))?;
            let cpu_millicores = quota_us * 1_000 / period_us;
            return Some(Self {
                memory_bytes,
                swap_bytes: both_bytes - memory_bytes,
                cpu_millicores,
            });
        }
        let cpu = read_to_string(cpu.join("cpu.max")).ok()?;
        let (quota_us, period_us) = cpu.trim().split_once(' ')?;
        Some(Self {
            memory_bytes: number(&memory.join("memory.max"))?,
            swap_bytes: number(&memory.join("memory.swap.max"))?,
            cpu_millicores: quota_us.parse::<u64>().ok()? * 1_000
                / period_us.parse::<u64>().ok()?,
        })
    }
}

/// The folder of the group that has that controller.
fn group(process: &Process, controller: &str) -> Option<PathBuf> {
    let groups = process.cgroups().ok()?.0;
    let has_it = |names: &[String]| names.iter().any(|name| name == controller);
    let root = Path::new("/sys/fs/cgroup");
    let v1 = groups.iter().find(|group| has_it(&group.controllers));
    let folder = v1.map(|group| root.join(controller).join(&group.pathname[1..]));
    let v2 = || groups.iter().find(|group| group.hierarchy == 0);
    folder.or_else(|| Some(root.join(&v2()?.pathname[1..])))
}

fn number(path: &Path) -> Option<u64> {
    read_to_string(path).ok()?.trim().parse().ok()
}

fn first_process(engine: &str, container: &str) -> Process {
    let question = ["inspect", "--format", "{{.State.Pid}}", container];
    let output = Command::new(engine).args(question).output().unwrap();
    let pid = String::from_utf8_lossy(&output.stdout).trim().parse().unwrap();
    Process::new(pid).unwrap()
}

#[test]
fn the_kernel_holds_a_container_to_its_limits() {
    let Some(engine) = engine() else { return };
    let lab = Lab::new();
    let (child, name) = long_run(&lab, engine, "1h", &["--cpus", "0.5", "--memory", "64m"]);
    let limits = Limits::of(&first_process(engine, &name));
    send(&child, Signal::INT);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", errors(&output));
    let expected = Limits { memory_bytes: 64 << 20, swap_bytes: 0, cpu_millicores: 500 };
    assert_eq!(limits, Some(expected));
}

/// Under load, and before the first response: both servers take more than they may have.
#[test]
fn a_server_that_is_killed_for_its_memory_is_a_failed_visit_that_names_the_limit() {
    let Some(engine) = engine() else { return };
    let lab = Lab::new();
    for behaviour in ["leaks", "hoards"] {
        write_suite(&lab, behaviour, "requests = 2000");
        let mut command = lab.command(&["run", "suite.toml", "--in", "containers", "--quick"]);
        let command =
            command.args(["--engine", engine, "--memory", "64m"]).args(["--record", "r.json"]);
        let child = command.spawn().unwrap();
        let jigger = child.id();
        let output = child.wait_with_output().unwrap();
        let errors = errors(&output);
        assert_eq!(output.status.code(), Some(3), "{behaviour}: {errors}");
        for words in ["memory limit (64m)", "--memory", "exit code 137"] {
            assert!(errors.contains(words), "{behaviour}: no '{words}' in {errors}");
        }
        until("nothing is left", || containers_of(engine, jigger).is_empty().then_some(()));
    }
}
