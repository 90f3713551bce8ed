//! CPU time and memory of a whole tree, against what its processes say of themselves.

use crate::world::{World, status};
use jigger::host::allowed_cores;
use jigger::server::usage::{CpuSource, MemoryKind};

/// Burns CPU in every place where an account could lose it: a live process, an ended thread, a
/// child that its parent waited for, a daemonised one that ended, one that lives on. Each says
/// what its own clock shows, in nanoseconds.
const BURNERS: &str = "
import os, signal, threading, time
def burn(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end: pass
def tell(): os.write(1, b'%d\\n' % time.process_time_ns())
waited = os.fork()
if waited == 0: burn(.15); tell(); os._exit(0)
os.waitpid(waited, 0)
middle = os.fork()
if middle == 0:
    if os.fork(): os._exit(0)
    os.setsid(); burn(.15); tell(); os._exit(0)
os.waitpid(middle, 0)
if os.fork() == 0: burn(.15); tell(); signal.pause()
thread = threading.Thread(target=burn, args=(.15,)); thread.start(); thread.join()
tell()
signal.pause()
";

/// Four workers share 32 MiB that their master wrote before it forked.
const SHARERS: &str = "
import os, signal
block = bytearray(b'x') * (32 << 20)
for _ in range(4):
    if os.fork() == 0: break
os.write(1, b'ready\\n')
signal.pause()
";

fn assert_cpu(world: &World, source: CpuSource, tolerance_ns: u64) {
    let server = world.start();
    let told: u64 = world.log_lines(4).iter().map(|line| line.parse::<u64>().unwrap()).sum();
    // The daemonised process may still be ending; the master and its last child stay.
    crate::world::until("two left", || server.usage().unwrap().memory.processes == 2);
    let cpu = server.usage().unwrap().cpu;
    if source == CpuSource::Cgroup && cpu.source == CpuSource::Proc {
        eprintln!("no cgroup can be made here, so only /proc was tested");
    } else {
        assert_eq!(cpu.source, source);
    }
    let difference_ns = cpu.total_ns.abs_diff(told);
    let allowed_ns = tolerance_ns + told / 50;
    assert!(difference_ns <= allowed_ns, "{} ns, by themselves {told} ns", cpu.total_ns);
    server.stop().unwrap();
}

#[test]
fn cpu_time_by_the_cgroup_is_what_the_processes_used() {
    assert_cpu(&World::python(BURNERS), CpuSource::Cgroup, 10_000_000);
}

/// Two ticks of 10 ms for what the guard reaped, and two for what the server did.
#[test]
fn cpu_time_by_proc_is_what_the_processes_used() {
    let world = World::python(BURNERS).with_variable("JIGGER_CGROUP", "0");
    assert_cpu(&world, CpuSource::Proc, 40_000_000);
}

#[test]
fn shared_memory_counts_once() {
    let world = World::python(SHARERS);
    let server = world.start();
    world.log_lines(5);
    let memory = server.usage().unwrap().memory;
    assert_eq!((memory.processes, memory.threads), (5, 5));
    assert_eq!(memory.kind, MemoryKind::Pss);
    let block_bytes = 32 << 20;
    assert!(memory.rss_bytes > 5 * block_bytes, "{memory:?}");
    assert!(memory.total_bytes > block_bytes, "{memory:?}");
    assert!(memory.total_bytes < 2 * block_bytes, "{memory:?}");
    server.stop().unwrap();
}

#[test]
fn the_host_is_read_where_the_server_is() {
    let server = World::new(&["sleep", "1000"]).start();
    let cpus = allowed_cores();
    let earlier = server.host_reading(&cpus).unwrap();
    let found = server.host_reading(&cpus).unwrap().since(&earlier, true);
    assert!((0.0..=1.0).contains(&found.steal_share), "{found:?}");
    let here = jigger::disturbance::HostReading::here(&cpus);
    assert_eq!(earlier.frequency_mhz.is_some(), here.frequency_mhz.is_some());
    server.stop().unwrap();
}

#[test]
fn each_request_gets_its_own_response() {
    let world = World::new(&["sleep", "1000"]);
    let server = world.start();
    for _ in 0..50 {
        assert_eq!(server.listening(), []);
        server.host_reading(&[0]).unwrap();
        assert!(server.usage().unwrap().memory.rss_bytes > 0);
    }
    assert_eq!(status(server.pid(), "Name"), "sleep");
    server.stop().unwrap();
}
