//! Starts a server, watches it and ends it with all that it started, come what may. So it does with
//! builds and the tools of `jigger cross-check`.
//!
//! Between jigger and the server stands the [`guard`]: `jigger __guard ...`, a process of its own
//! that outlives a jigger killed with SIGKILL just long enough to end the server's whole tree.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use procfs::process::Process;
use rustix::time::{ClockId, clock_gettime};

mod cgroup;
mod container;
mod error;
pub mod guard;
mod link;
mod log;
pub mod port;
mod protocol;
pub mod ready;
mod sockets;
mod stray;
mod tree;
pub mod usage;

pub use container::Container;
pub use error::{StartError, StopError};
pub use protocol::Exit;

use link::{Link, News};
use protocol::Event;
use usage::{Meter, Usage, UsageError};

/// How long the guard may take to start a program: far more than a loaded machine needs.
const START_LIMIT: Duration = Duration::from_secs(30);

/// What the guard may take beyond the grace and the time for killing, to say good-bye.
const FAREWELL_LIMIT: Duration = Duration::from_secs(5);

/// How to start one server.
#[derive(Clone, Debug)]
pub struct StartSpec {
    /// The program and its arguments; no shell reads them.
    pub argv: Vec<String>,
    /// The directory to start in.
    pub dir: PathBuf,
    /// Variables set besides those of jigger's own environment.
    pub env: Vec<(String, String)>,
    /// The file for standard output and standard error of the whole tree; emptied first.
    pub log: PathBuf,
    /// The file that it reads as its standard input; `None` for nothing.
    pub input: Option<PathBuf>,
    /// The file for standard output alone, made or emptied; `None` for the log.
    pub output: Option<PathBuf>,
    /// The cores that the server is kept to; `None` for all.
    pub cpus: Option<Vec<usize>>,
    /// How long the server may take to end by itself after SIGTERM.
    pub grace: Duration,
    /// The program to re-execute as the guard: jigger itself, as an absolute path.
    pub guard: PathBuf,
    /// The container that `argv` makes and that the server runs in; `None` for a process of the
    /// host.
    pub container: Option<Container>,
}

/// What has become of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// Its first process runs.
    Running,
    /// Its first process returned 0 and left others behind, as a program that daemonises does.
    Daemonised,
    /// It is over: its first process ended other than by daemonising, or all of them did.
    Exited(Exit),
}

/// How a server was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// From the order to the end of its last process, to 1 ms.
    pub took: Duration,
    /// Whether SIGKILL was needed, since the grace had passed.
    pub forced: bool,
}

/// A running server. Dropping it stops it too.
#[derive(Debug)]
pub struct Server {
    link: Link,
    pid: i32,
    /// The first process, held so that its id cannot be mistaken; `None` if it ended at once.
    first: Option<Process>,
    spawned_ns: u64,
    life: Life,
    log: PathBuf,
    grace: Duration,
    mark: String,
    meter: Meter,
    cgroup: Option<PathBuf>,
    container: Option<Container>,
    stopped: bool,
}

/// What the guard says about a server that it has started.
#[derive(Default)]
struct Spawned {
    pid: i32,
    monotonic_ns: u64,
    cgroup: Option<PathBuf>,
}

impl Server {
    /// Starts a server and returns as soon as its program runs, ready or not.
    ///
    /// Whether its port is free is to be asked first ([`port::wait_free`]): another process that
    /// listens there would be taken for the server.
    pub fn start(spec: &StartSpec) -> Result<Self, StartError> {
        if spec.argv.is_empty() {
            return Err(StartError::NoCommand);
        }
        if !spec.dir.is_dir() {
            return Err(StartError::Directory { path: spec.dir.clone() });
        }
        let log = log::create(&spec.log)
            .map_err(|source| StartError::Log { path: spec.log.clone(), source })?;
        let mark = stray::new_mark();
        let mut link = Link::start(spec, log, &mark)
            .map_err(|error| guard_error(spec, format!("it could not be started: {error}")))?;
        let spawned = wait_for_spawn(&mut link, spec).and_then(|spawned| {
            let meter = Meter::new(link.pid(), spawned.cgroup.clone());
            let ended = || guard_error(spec, "it ended at once".to_owned());
            meter.ok_or_else(ended).map(|meter| (spawned, meter))
        });
        match spawned {
            Ok((spawned, meter)) => Ok(Self::new(spec, link, mark, spawned, meter)),
            Err(error) => {
                link.order_stop();
                link.kill();
                stray::kill(&mark);
                Err(error)
            }
        }
    }

    /// The process id of the server's first process.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// When the server's program was started: `CLOCK_MONOTONIC`, in nanoseconds, just before the
    /// guard spawned it, so that the guard's own start is not counted as the server's.
    pub fn spawned_at_ns(&self) -> u64 {
        self.spawned_ns
    }

    /// The time since [`Server::spawned_at_ns`].
    pub fn elapsed_since_spawn(&self) -> Duration {
        Duration::from_nanos(monotonic_ns().saturating_sub(self.spawned_ns))
    }

    /// What has become of it by now; does not wait.
    pub fn life(&mut self) -> Life {
        while self.take_news(Instant::now()) {}
        self.life
    }

    /// How it ended, if it is over; does not wait. `None` while it runs, daemonised or not.
    pub fn exit(&mut self) -> Option<Exit> {
        match self.life() {
            Life::Exited(exit) => Some(exit),
            Life::Running | Life::Daemonised => None,
        }
    }

    /// Waits until something becomes of it, at most for `limit`.
    pub fn wait_change(&mut self, limit: Duration) -> Life {
        if let Life::Exited(_) = self.life {
            return self.life;
        }
        self.take_news(Instant::now() + limit);
        self.life
    }

    /// The last `lines` lines that the server wrote, at most 64 KiB.
    pub fn log_tail(&self, lines: usize) -> String {
        log::tail(&self.log, lines)
    }

    /// The first bytes that the server wrote, at most `bytes`.
    pub fn log_head(&self, bytes: u64) -> String {
        log::head(&self.log, bytes)
    }

    /// How much the server has written to its log, in bytes.
    pub fn log_bytes(&self) -> u64 {
        log::size_bytes(&self.log)
    }

    /// The addresses that the server's processes listen on (TCP), sorted.
    pub fn listening(&self) -> Vec<SocketAddr> {
        sockets::listening(&tree::descendants(self.link.pid()))
    }

    /// CPU time and memory of the whole tree, now.
    pub fn usage(&self) -> Result<Usage, UsageError> {
        self.meter.usage()
    }

    /// Has the meter look at the processes in the server's container, once it runs: until then, and
    /// for a process of the host, it is what the guard started.
    ///
    /// # Errors
    /// [`UsageError::Container`] when the engine does not know its processes.
    pub fn look_into_container(&mut self) -> Result<(), UsageError> {
        let Some(container) = &self.container else { return Ok(()) };
        let unknown = |message| UsageError::Container { name: container.name.clone(), message };
        let pid = container.pid().map_err(unknown)?;
        self.meter = Meter::of_container(pid).ok_or(UsageError::Gone)?;
        Ok(())
    }

    /// The same for another thread, such as one that samples the peak.
    pub fn meter(&self) -> Meter {
        self.meter.clone()
    }

    /// SIGTERM to the whole tree, SIGKILL once the grace has passed; returns when nothing of it
    /// is left.
    pub fn stop(mut self) -> Result<Stopped, StopError> {
        self.end()
    }

    fn new(spec: &StartSpec, link: Link, mark: String, spawned: Spawned, meter: Meter) -> Self {
        Self {
            link,
            pid: spawned.pid,
            first: Process::new(spawned.pid).ok(),
            spawned_ns: spawned.monotonic_ns,
            life: Life::Running,
            log: spec.log.clone(),
            grace: spec.grace,
            mark,
            meter,
            cgroup: spawned.cgroup,
            container: spec.container.clone(),
            stopped: false,
        }
    }

    /// Takes one piece of news; false when there is none by `deadline`.
    fn take_news(&mut self, deadline: Instant) -> bool {
        match self.link.next(deadline) {
            News::Event(event) => {
                self.life = after(self.life, &event);
                true
            }
            News::Nothing => false,
            News::Lost => {
                if !matches!(self.life, Life::Exited(_)) {
                    self.life = Life::Exited(Exit::GuardLost);
                }
                false
            }
        }
    }

    fn end(&mut self) -> Result<Stopped, StopError> {
        self.stopped = true;
        self.link.order_stop();
        let deadline = Instant::now() + self.end_limit();
        let mut left = None;
        loop {
            match self.link.next(deadline) {
                News::Event(Event::Stopped { took_ms, forced, survivors }) => {
                    self.link.wait();
                    self.remove_cgroup();
                    let took = Duration::from_millis(took_ms);
                    return match (survivors.is_empty(), left) {
                        (true, None) => Ok(Stopped { took, forced }),
                        (true, Some(error)) => Err(error),
                        (false, _) => Err(StopError::Survivors { pids: survivors }),
                    };
                }
                News::Event(Event::Left(message)) => left = self.container_left(message),
                News::Event(_) => {}
                News::Nothing | News::Lost => {
                    self.link.kill();
                    self.sweep_without_guard();
                    return Err(StopError::GuardLost);
                }
            }
        }
    }

    /// What the guard may take to end the server and to say so.
    fn end_limit(&self) -> Duration {
        let by_itself = self.grace + guard::KILL_LIMIT + FAREWELL_LIMIT;
        // Its engine is asked to stop it and to remove it, each within its limit.
        let by_engine = (self.grace + container::ANSWER_LIMIT) + container::ANSWER_LIMIT;
        if self.container.is_some() { by_itself + by_engine } else { by_itself }
    }

    fn container_left(&self, message: String) -> Option<StopError> {
        let Container { engine, name } = self.container.clone()?;
        Some(StopError::ContainerLeft { engine, name, message })
    }

    fn sweep_without_guard(&self) {
        let _ = self.container.as_ref().map(Container::remove);
        if let Some(group) = &self.cgroup {
            cgroup::kill(group);
        }
        stray::kill_group(self.first.as_ref());
        stray::kill(&self.mark);
        self.remove_cgroup();
    }

    fn remove_cgroup(&self) {
        if let Some(group) = &self.cgroup {
            cgroup::remove(group);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !self.stopped {
            // Nobody is left to be told; `stop` is for those who want to know.
            let _ = self.end();
        }
    }
}

/// What `life` becomes by `event`.
fn after(life: Life, event: &Event) -> Life {
    match (life, event) {
        (Life::Exited(_), _) => life,
        (_, Event::Exited { exit: Exit::Code(0), others_live: true }) => Life::Daemonised,
        (_, Event::Exited { exit, .. }) => Life::Exited(*exit),
        (Life::Daemonised, Event::Gone) => Life::Exited(Exit::Code(0)),
        _ => life,
    }
}

fn wait_for_spawn(link: &mut Link, spec: &StartSpec) -> Result<Spawned, StartError> {
    let deadline = Instant::now() + START_LIMIT;
    let mut cgroup = None;
    loop {
        match link.next(deadline) {
            News::Event(Event::Cgroup(path)) => cgroup = Some(path),
            News::Event(Event::Spawned { pid, monotonic_ns }) => {
                return Ok(Spawned { pid, monotonic_ns, cgroup });
            }
            News::Event(Event::Failed { errno, message }) => {
                return Err(StartError::of_spawn(spec, errno, message));
            }
            News::Event(Event::Refused(message)) => return Err(guard_error(spec, message)),
            News::Event(_) => {}
            News::Nothing => {
                let message = format!("it started nothing within {} s", START_LIMIT.as_secs());
                return Err(guard_error(spec, message));
            }
            News::Lost => return Err(guard_error(spec, "it ended without a word".to_owned())),
        }
    }
}

fn guard_error(spec: &StartSpec, message: String) -> StartError {
    let log_tail = log::tail(&spec.log, 5);
    StartError::Guard { program: spec.guard.clone(), message, log_tail }
}

/// `CLOCK_MONOTONIC` in nanoseconds: the same clock in every process of a machine.
fn monotonic_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let part = |value: i64| u64::try_from(value).unwrap_or(0);
    part(now.tv_sec) * 1_000_000_000 + part(now.tv_nsec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_process_that_leaves_others_behind_has_daemonised() {
        let left = Event::Exited { exit: Exit::Code(0), others_live: true };
        let daemonised = after(Life::Running, &left);
        assert_eq!(daemonised, Life::Daemonised);
        assert_eq!(after(daemonised, &Event::Gone), Life::Exited(Exit::Code(0)));
    }

    #[test]
    fn any_other_end_of_the_first_process_is_the_end_of_the_server() {
        for (exit, others_live) in
            [(Exit::Code(0), false), (Exit::Code(1), true), (Exit::Signal(9), true)]
        {
            let life = after(Life::Running, &Event::Exited { exit, others_live });
            assert_eq!(life, Life::Exited(exit));
            assert_eq!(after(life, &Event::Gone), Life::Exited(exit));
        }
    }
}
