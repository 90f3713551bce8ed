//! gunicorn under load, as jigger accounts for it, against time(1) and the kernel's own groups.
//!
//!     cargo test --test server_witness -- --nocapture
//!
//! prints the figures side by side. What the machine does not have (control groups that may be made,
//! time(1)) is said and left out; one witness of the CPU time there must be. Memory has one
//! everywhere: what /proc says of each process, mapping by mapping.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

#[path = "fixtures/witness.rs"]
mod witness;
#[path = "server/world.rs"]
#[expect(dead_code, reason = "the other tests of servers use more of it")]
mod world;

use std::fs;
use std::path::{Path, PathBuf};

use jigger::server::usage::{CpuSource, CpuTime, Memory};
use jigger::server::{Exit, Life, Server};
use rustix::process::{Pid, Signal, kill_process};
use witness::{KernelGroup, Timed, environment};
use world::{World, until};

/// Responses that gunicorn gives in each test: a second or two of its time.
const REQUESTS: u64 = 3_000;

/// gunicorn as a server of jigger's, inside of the kernel's groups and below time(1).
struct Gunicorn {
    world: World,
    group: Option<KernelGroup>,
    timed: Timed,
    log: PathBuf,
}

/// What both sides say about one run.
struct Figures {
    cpu: CpuTime,
    memory: Memory,
    kernel_cpu_ns: Option<u64>,
    kernel_memory_bytes: Option<u64>,
    /// By the mappings of each process.
    mapped_bytes: u64,
    timed_cpu_ns: Option<u64>,
}

impl Gunicorn {
    fn new(flags: &str) -> Self {
        let group = KernelGroup::new();
        let world = World::new(&["sh", "-c", "exit 1"]);
        let timed = Timed::new(world.dir.path().join("time.txt"));
        // A daemon's standard error leads nowhere.
        let log = world.dir.path().join("gunicorn.log");
        // The kernel charges a file's pages to the group that read them first. So the group's own
        // processes make a copy of the interpreter, its packages and all libraries.
        let script = format!(
            "{}exec {} sh -c 'cp -r {} python && cp {}/main.py . && exec env \
             LD_LIBRARY_PATH=python/libs PYTHONPATH=python/libs python/bin/python -m gunicorn \
             {flags} --no-control-socket --log-file {} -b 127.0.0.1:0 main:app'",
            group.as_ref().map(KernelGroup::entering).unwrap_or_default(),
            timed.prefix(),
            environment().display(),
            witness::source().display(),
            log.display(),
        );
        let mut world = world;
        world.spec.argv = ["sh", "-c", &script].map(str::to_owned).to_vec();
        Self { world, group, timed, log }
    }

    /// Loads it, lets it end by itself, and collects what each side says.
    fn figures(&self, is_daemon: bool) -> Figures {
        let mut server = self.world.start();
        let port = self.port();
        until("gunicorn answers", || witness::answers(port));
        if is_daemon {
            until("daemonised", || server.life() == Life::Daemonised);
        }
        witness::load(port, REQUESTS);
        let memory = server.usage().unwrap().memory;
        let kernel_memory_bytes = self.group.as_ref().map(KernelGroup::memory_bytes);
        let mapped_bytes = witness::proportional_bytes(&self.processes());
        if let Some(group) = &self.group {
            eprintln!("the kernel's group is {}", group.charges());
        }
        self.end(&mut server);
        let figures = Figures {
            cpu: server.usage().unwrap().cpu,
            memory,
            kernel_cpu_ns: self.group.as_ref().map(KernelGroup::cpu_ns),
            kernel_memory_bytes,
            mapped_bytes,
            timed_cpu_ns: self.timed.cpu_ns(),
        };
        server.stop().unwrap();
        figures
    }

    /// The port that the system gave it, so that no one else can have taken it.
    fn port(&self) -> u16 {
        let mut port = None;
        until("gunicorn listens", || {
            port = listening_port(&fs::read_to_string(&self.log).unwrap_or_default());
            port.is_some()
        });
        port.unwrap()
    }

    /// All that carry the mark, but for the guard.
    fn processes(&self) -> Vec<i32> {
        let guard = Path::new(env!("CARGO_BIN_EXE_jigger")).canonicalize().unwrap();
        let is_guard =
            |pid: &i32| fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == guard);
        self.world.marked().into_iter().filter(|pid| !is_guard(pid)).collect()
    }

    /// SIGTERM to gunicorn's master alone: it ends its workers and waits for them, and time(1)
    /// for it.
    fn end(&self, server: &mut Server) {
        let master = self.world.marked().into_iter().filter(|pid| is_python(*pid)).min().unwrap();
        kill_process(Pid::from_raw(master).unwrap(), Signal::TERM).unwrap();
        until("gunicorn ended", || matches!(server.life(), Life::Exited(Exit::Code(0))));
    }
}

/// The port in gunicorn's line about it, once that is written to its end.
fn listening_port(log: &str) -> Option<u16> {
    let (_, rest) = log.split_once("Listening at: http://127.0.0.1:")?;
    rest.split_once(' ')?.0.parse().ok()
}

fn is_python(pid: i32) -> bool {
    fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe.ends_with("python/bin/python"))
}

/// How far `ours` is from `theirs`, as a share.
#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn off_by(ours: u64, theirs: u64) -> f64 {
    (ours as f64 - theirs as f64) / theirs as f64
}

fn assert_close(what: &str, ours: u64, theirs: Option<u64>, tolerance: f64) -> bool {
    let Some(theirs) = theirs else {
        eprintln!("{what}: no witness on this machine");
        return false;
    };
    let off = off_by(ours, theirs);
    eprintln!("{what}: jigger {ours}, witness {theirs}, {:+.2} %", off * 100.0);
    assert!(off.abs() <= tolerance, "{what}: {ours} against {theirs}");
    true
}

fn assert_figures(name: &str, figures: &Figures, has_time: bool) {
    let cpu = figures.cpu.total_ns;
    let timed = figures.timed_cpu_ns.filter(|_| has_time);
    let source = figures.cpu.source;
    let by_kernel = assert_close(
        &format!("{name}: CPU ns ({source:?}) against the kernel's group"),
        cpu,
        figures.kernel_cpu_ns,
        0.02,
    );
    let by_time = has_time
        && assert_close(&format!("{name}: CPU ns ({source:?}) against time"), cpu, timed, 0.02);
    assert!(
        by_kernel || by_time,
        "no witness at all: install time, or run where groups may be made"
    );
    assert_close(
        &format!("{name}: memory in bytes against the kernel's group"),
        figures.memory.total_bytes,
        figures.kernel_memory_bytes,
        0.05,
    );
    assert_close(
        &format!("{name}: memory in bytes against the mappings of each process"),
        figures.memory.total_bytes,
        Some(figures.mapped_bytes),
        0.05,
    );
}

#[test]
fn eight_workers_cost_what_the_kernel_and_time_say() {
    let figures = Gunicorn::new("-w 8").figures(false);
    // The master, its workers, and time(1) where there is one.
    assert!(figures.memory.processes >= 9, "{:?}", figures.memory);
    assert!(figures.memory.rss_bytes > figures.memory.total_bytes * 3 / 2, "{:?}", figures.memory);
    assert_figures("gunicorn -w 8", &figures, true);
}

#[test]
fn eight_workers_cost_the_same_without_a_cgroup_of_their_own() {
    let mut gunicorn = Gunicorn::new("-w 8");
    gunicorn.world = gunicorn.world.with_variable("JIGGER_CGROUP", "0");
    let figures = gunicorn.figures(false);
    assert_eq!(figures.cpu.source, CpuSource::Proc);
    assert_figures("gunicorn -w 8, /proc", &figures, true);
}

/// `--daemon` forks twice and leaves its session, so time(1) sees nothing of it.
#[test]
fn a_daemon_costs_what_the_kernel_says() {
    for switch in ["1", "0"] {
        let mut gunicorn = Gunicorn::new("-w 2 --daemon");
        gunicorn.world = gunicorn.world.with_variable("JIGGER_CGROUP", switch);
        if gunicorn.group.is_none() {
            eprintln!("no control group may be made here: no witness for a daemon");
            return;
        }
        let figures = gunicorn.figures(true);
        assert_figures(&format!("gunicorn --daemon, JIGGER_CGROUP={switch}"), &figures, false);
    }
}
