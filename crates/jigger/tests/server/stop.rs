//! Nothing of a server survives its visit, however it was built and whoever was killed.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::world::{PATIENCE, World, marked, status, until};
use jigger::server::UsageError;
use jigger::server::{Exit, Life, StopError};
use rustix::process::{Pid, Signal, kill_process};

/// A master and four workers; each ends by SIGTERM, and the master waits for its workers.
const PREFORK: &str = "
import os, signal, sys
workers = []
for _ in range(4):
    pid = os.fork()
    if pid == 0:
        print('worker'); signal.pause()
    workers.append(pid)
def end(*_):
    for pid in workers: os.waitpid(pid, 0)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print('master')
while True: signal.pause()
";

/// Leaves its session and its process group by a double fork, as daemons do.
const DAEMON: &str = "
import os, signal
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
print('daemon')
signal.pause()
";

/// Neither the server nor its daemonised helper cares for SIGTERM.
const STUBBORN: &str = "
import os, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork(): os._exit(0)
print('ready')
while True: signal.pause()
";

/// Two processes that fork and leave their place to the child, for ever.
const FORK_STORM: &str = "
import os, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.fork()
print('storm')
while True:
    if os.fork(): os._exit(1)
";

fn kill(pid: i32, signal: Signal) {
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

fn guard_of(world: &World, server: i32) -> i32 {
    let guard = status(server, "PPid").parse().unwrap();
    assert!(world.marked().contains(&guard));
    guard
}

#[test]
fn a_prefork_server_ends_by_itself_within_its_grace() {
    let world = World::python(PREFORK);
    let server = world.start();
    world.log_lines(5);
    assert_eq!(world.marked().len(), 6, "master, workers, guard");
    let stopped = server.stop().unwrap();
    assert!(!stopped.forced);
    assert_eq!(world.marked(), [0; 0]);
}

#[test]
fn a_dropped_server_is_stopped_too() {
    let world = World::python(PREFORK);
    let server = world.start();
    world.log_lines(5);
    drop(server);
    assert_eq!(world.marked(), [0; 0]);
}

#[test]
fn a_daemon_is_alive_after_its_first_process_and_ended_with_the_visit() {
    let world = World::python(DAEMON);
    let mut server = world.start();
    world.log_lines(1);
    until("daemonised", || server.life() == Life::Daemonised);
    assert_eq!(server.exit(), None);
    until("one process", || server.usage().unwrap().memory.processes == 1);
    assert!(!server.stop().unwrap().forced);
    assert_eq!(world.marked(), [0; 0]);
}

#[test]
fn a_daemon_that_dies_has_exited() {
    let world = World::python(DAEMON);
    let mut server = world.start();
    world.log_lines(1);
    until("daemonised", || server.life() == Life::Daemonised);
    let guard = world.marked().into_iter().find(|pid| status(*pid, "Name") == "jigger").unwrap();
    let daemon = world.marked().into_iter().find(|pid| *pid != guard).unwrap();
    kill(daemon, Signal::KILL);
    until("its end", || server.exit().is_some());
    server.stop().unwrap();
}

#[test]
fn a_server_that_ignores_sigterm_is_killed_after_its_grace() {
    let grace = Duration::from_millis(50);
    let world = World::python(STUBBORN).with_grace(grace);
    let server = world.start();
    world.log_lines(2);
    let stopped = server.stop().unwrap();
    assert!(stopped.forced);
    assert!(stopped.took >= grace);
    assert_eq!(world.marked(), [0; 0]);
}

#[test]
fn a_fork_storm_is_ended_with_a_cgroup_and_without() {
    for cgroup in ["1", "0"] {
        let world = World::python(FORK_STORM)
            .with_grace(Duration::from_millis(20))
            .with_variable("JIGGER_CGROUP", cgroup);
        let server = world.start();
        world.log_lines(2);
        assert!(server.stop().unwrap().forced);
        assert_eq!(world.marked(), [0; 0], "JIGGER_CGROUP={cgroup}");
    }
}

#[test]
fn a_stopped_process_is_woken_so_that_it_can_end() {
    let world = World::new(&["sleep", "1000"]);
    let server = world.start();
    kill(server.pid(), Signal::STOP);
    until("it to stop", || status(server.pid(), "State").starts_with('T'));
    assert!(!server.stop().unwrap().forced);
    assert_eq!(world.marked(), [0; 0]);
}

#[test]
fn a_server_that_ended_by_itself_says_how() {
    let world = World::new(&["sh", "-c", "echo cannot bind; exit 3"]);
    let mut server = world.start();
    until("its end", || server.exit() == Some(Exit::Code(3)));
    assert_eq!(server.log_tail(10), "cannot bind");
    assert!(!server.stop().unwrap().forced);
    assert_eq!(world.marked(), [0; 0]);
}

#[test]
fn a_server_killed_from_outside_has_exited_and_its_workers_are_ended() {
    let world = World::python(PREFORK);
    let mut server = world.start();
    world.log_lines(5);
    kill(server.pid(), Signal::KILL);
    assert_eq!(server.wait_change(PATIENCE), Life::Exited(Exit::Signal(9)));
    assert_eq!(world.marked().len(), 5, "the workers live on, and the guard");
    server.stop().unwrap();
    assert_eq!(world.marked(), [0; 0]);
}

#[test]
fn a_guard_that_is_asked_to_end_ends_the_server_first() {
    let world = World::python(PREFORK);
    let mut server = world.start();
    world.log_lines(5);
    kill(guard_of(&world, server.pid()), Signal::TERM);
    until("the end of all", || world.marked().is_empty());
    until("the news", || server.exit() == Some(Exit::Code(0)));
}

#[test]
fn a_guard_killed_from_outside_is_noticed_and_the_server_is_killed() {
    for cgroup in ["1", "0"] {
        let world = World::python(STUBBORN).with_variable("JIGGER_CGROUP", cgroup);
        let mut server = world.start();
        world.log_lines(2);
        kill(guard_of(&world, server.pid()), Signal::KILL);
        until("the news", || server.exit() == Some(Exit::GuardLost));
        assert_eq!(server.usage(), Err(UsageError::Gone));
        assert!(matches!(server.stop(), Err(StopError::GuardLost)));
        assert_eq!(world.marked(), [0; 0], "JIGGER_CGROUP={cgroup}");
    }
}

#[test]
fn a_cgroup_is_removed_with_its_server() {
    let world = World::new(&["sleep", "1000"]);
    let server = world.start();
    let group = std::fs::read_to_string(format!("/proc/{}/cgroup", server.pid())).unwrap();
    let guard = guard_of(&world, server.pid());
    let own = format!("/jigger-{guard}");
    let guards = std::fs::read_to_string(format!("/proc/{guard}/cgroup")).unwrap();
    assert!(!guards.contains(&own), "the guard's work is not the server's");
    server.stop().unwrap();
    if group.contains(&own) {
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        let mounts = mounts.lines().filter(|line| line.contains(" - cgroup2 "));
        for mount in mounts.map(|line| line.split(' ').nth(4).unwrap()) {
            assert!(!std::path::Path::new(&format!("{mount}{own}")).exists());
        }
    }
}

#[test]
fn nothing_survives_a_jigger_killed_with_sigkill() {
    let own = std::env::current_exe().unwrap();
    let mut holder = Command::new(own)
        .args(["--exact", "stop::hold_a_server_until_killed", "--ignored", "--nocapture"])
        .env("JIGGER_TEST_HOLD", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(holder.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mark = lines.find_map(|line| line.strip_prefix("mark ").map(str::to_owned)).unwrap();
    assert_eq!(marked(&mark).len(), 3, "server, its daemonised helper, guard");
    let begun = Instant::now();
    holder.kill().unwrap();
    holder.wait().unwrap();
    until("the end of all", || marked(&mark).is_empty());
    assert!(begun.elapsed() < PATIENCE);
}

/// Stands for a jigger in mid-run.
#[test]
#[ignore = "the test above runs it as a process of its own"]
fn hold_a_server_until_killed() {
    if std::env::var_os("JIGGER_TEST_HOLD").is_none() {
        return;
    }
    let world = World::python(STUBBORN).with_grace(Duration::from_millis(50));
    let _server = world.start();
    world.log_lines(2);
    println!("\nmark {}", world.mark);
    let _ = std::io::stdin().read(&mut [0]);
}
