//! Starts a server, watches it and ends it with all that it started, come what may. So it does with
//! builds and the tools of `jigger cross-check`.
//!
//! Between jigger and the server stands the [`guard`]: `jigger __guard ...`, a process of its own
//! that outlives a jigger killed with SIGKILL just long enough to end the server's whole tree.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use procfs::process::Process;
use serde::{Deserialize, Serialize};

mod command;
mod container;
mod error;
pub mod guard;
pub mod job;
mod link;
mod log;
pub mod port;
mod protocol;
pub mod ready;
mod tree;
pub mod usage;
mod user;

pub use command::{CommandError, SuiteCommand};
pub use container::Container;
pub(crate) use error::below;
pub use error::{Diagnostic, GuardError, StartError, StopError, UsageError};
pub use job::Ended;
pub use protocol::{Exit, VERB};
pub use user::{User, UserError};

use link::Link;
use protocol::{Event, Request, Spawned, VERSION};
use tree::Mark;
use usage::Usage;

use crate::cgroup;
use crate::disturbance::HostReading;
use crate::host::monotonic_ns;

/// How long the guard may take to start a program: far more than a loaded machine needs.
const START_LIMIT: Duration = Duration::from_secs(30);

/// What the guard may take beyond the grace and the time for killing, to say so and leave.
const LEAVE_LIMIT: Duration = Duration::from_secs(5);

/// How to start one server. What is not sent to the guard, it has from its own start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartSpec {
    /// The program and its arguments; no shell reads them.
    pub argv: Vec<String>,
    #[serde(skip)]
    pub dir: PathBuf,
    /// Variables set besides those of jigger's own environment.
    #[serde(skip)]
    pub env: Vec<(String, String)>,
    /// The file for standard output and standard error of the whole tree; emptied first.
    #[serde(skip)]
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
    #[serde(skip)]
    pub guard: PathBuf,
    /// The user that it runs as; `None` for jigger's own.
    pub user: Option<User>,
    /// The container that `argv` makes and that the server runs in; `None` for a process of the
    /// host.
    pub container: Option<Container>,
}

impl StartSpec {
    /// For a process of the host that writes all to its log, with all cores.
    pub fn new(argv: Vec<String>, dir: PathBuf, log: PathBuf, grace: Duration) -> Self {
        let (env, guard) = (Vec::new(), PathBuf::from(guard::PROGRAM));
        let (input, output, cpus, user, container) = (None, None, None, None, None);
        Self { argv, dir, env, log, input, output, cpus, grace, guard, user, container }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    Running,
    /// Its first process returned 0 and left others behind, as a program that daemonises does.
    Daemonised,
    /// It is over: its first process ended other than by daemonising, or all of them did.
    Exited(Exit),
}

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
    spec: StartSpec,
    spawned: Spawned,
    /// The first process, held so that its id cannot be mistaken; `None` if it ended at once.
    first: Option<Process>,
    life: Life,
    mark: Mark,
    stopped: bool,
}

impl Server {
    /// Starts a server and returns as soon as its program runs, ready or not.
    ///
    /// Whether its port is free has to be checked first ([`port::wait_free`]): another process that
    /// listens there would be taken for the server.
    ///
    /// # Errors
    /// [`StartError`]; nothing is left running then.
    pub fn start(spec: &StartSpec) -> Result<Self, StartError> {
        if !spec.dir.is_dir() {
            return Err(StartError::Directory(spec.dir.clone()));
        }
        let log = log::create(&spec.log)
            .map_err(|error| StartError::Log(spec.log.clone(), error.into()))?;
        let mark = Mark::new();
        let mut link = Link::start(spec, log, &mark).map_err(|error| not_run(spec, error))?;
        match spawn(&link, spec) {
            Ok(spawned) => Ok(Self {
                link,
                spec: spec.clone(),
                first: Process::new(spawned.pid).ok(),
                spawned,
                life: Life::Running,
                mark,
                stopped: false,
            }),
            Err(error) => {
                link.order_stop();
                link.kill();
                mark.kill();
                Err(error)
            }
        }
    }

    pub fn pid(&self) -> i32 {
        self.spawned.pid
    }

    /// The time since just before the guard spawned the server's program, so that the guard's own
    /// start is not counted as the server's.
    pub fn elapsed_since_spawn(&self) -> Duration {
        Duration::from_nanos(monotonic_ns().saturating_sub(self.spawned.monotonic_ns))
    }

    /// What has become of it by now; does not wait.
    pub fn life(&mut self) -> Life {
        while self.take_event(Instant::now()) {}
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
        self.take_event(Instant::now() + limit);
        self.life
    }

    /// The last `lines` lines that the server wrote, at most 64 KiB.
    pub fn log_tail(&self, lines: usize) -> String {
        log::tail(&self.spec.log, lines)
    }

    /// The first bytes that the server wrote, at most `bytes`.
    pub fn log_head(&self, bytes: u64) -> String {
        log::head(&self.spec.log, bytes)
    }

    /// How much the server has written to its log, in bytes.
    pub fn log_bytes(&self) -> u64 {
        log::size_bytes(&self.spec.log)
    }

    /// The addresses that the server's processes listen on (TCP), sorted; none once it is gone.
    pub fn listening(&self) -> Vec<SocketAddr> {
        self.link.request(&Request::Listening).unwrap_or_default()
    }

    /// CPU time and memory of the whole tree, as of the guard's response.
    ///
    /// The guard reads about 10 us for CPU time with a cgroup, else about 10 us a process. For
    /// memory the kernel walks the page tables of each process: 0.1 to 0.5 ms for a small one such
    /// as a gunicorn worker, more for a big one. The way there and back are some ten system calls.
    ///
    /// # Errors
    /// [`UsageError`]; [`UsageError::Gone`] also when the guard is gone.
    pub fn usage(&self) -> Result<Usage, UsageError> {
        self.link.request(&Request::Usage)
    }

    /// The counters of these cores of the host that the server runs on.
    ///
    /// # Errors
    /// [`UsageError::Gone`] when the guard is gone.
    pub fn host_reading(&self, cpus: &[usize]) -> Result<HostReading, UsageError> {
        self.link.request(&Request::HostReading { cpus: cpus.to_vec() })
    }

    /// Has the guard meter the processes in the server's container, once it runs: until then, and
    /// for a process of the host, it is what the guard started.
    ///
    /// # Errors
    /// [`UsageError::Container`] when the engine does not know its processes.
    pub fn look_into_container(&self) -> Result<(), UsageError> {
        match self.spec.container {
            Some(_) => self.link.request(&Request::LookIntoContainer),
            None => Ok(()),
        }
    }

    /// SIGTERM to the whole tree, SIGKILL once the grace has passed; returns when nothing of it
    /// is left.
    ///
    /// # Errors
    /// [`StopError`] when something of it is left, or that is unknown.
    pub fn stop(mut self) -> Result<Stopped, StopError> {
        self.end()
    }

    /// Takes one event; false when there is none by `deadline`.
    fn take_event(&mut self, deadline: Instant) -> bool {
        match self.link.next(deadline) {
            Ok(event) => {
                self.life = after(self.life, &event);
                return true;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                if !matches!(self.life, Life::Exited(_)) {
                    self.life = Life::Exited(Exit::GuardLost);
                }
            }
        }
        false
    }

    fn end(&mut self) -> Result<Stopped, StopError> {
        self.stopped = true;
        self.link.order_stop();
        let deadline = Instant::now() + self.end_limit();
        let mut left = None;
        loop {
            match self.link.next(deadline) {
                Ok(Event::Stopped { took_ms, forced, survivors }) => {
                    self.link.wait();
                    self.remove_cgroup();
                    let took = Duration::from_millis(took_ms);
                    return match (survivors.is_empty(), left) {
                        (true, None) => Ok(Stopped { took, forced }),
                        (true, Some(error)) => Err(error),
                        (false, _) => Err(StopError::Survivors(survivors)),
                    };
                }
                Ok(Event::ContainerLeft(error)) => {
                    let container = self.spec.container.clone();
                    left = container.map(|Container { engine, name }| StopError::ContainerLeft {
                        engine,
                        name,
                        source: error,
                    });
                }
                Ok(_) => {}
                Err(_) => {
                    self.link.kill();
                    self.sweep_without_guard();
                    return Err(StopError::GuardLost);
                }
            }
        }
    }

    /// What the guard may take to end the server and to say so.
    fn end_limit(&self) -> Duration {
        let by_itself = self.spec.grace + guard::KILL_LIMIT + LEAVE_LIMIT;
        // Its engine stops and removes it, each within its limit.
        let by_engine = (self.spec.grace + container::COMMAND_LIMIT) + container::COMMAND_LIMIT;
        if self.spec.container.is_some() { by_itself + by_engine } else { by_itself }
    }

    /// A group's members may have overwritten their environment, as programs that set their title
    /// do, so that the mark does not show them.
    fn sweep_without_guard(&self) {
        let _ = self.spec.container.as_ref().map(Container::remove);
        if let Some(group) = &self.spawned.cgroup {
            cgroup::kill(group);
        }
        if let Some(first) = &self.first {
            tree::kill_group(first);
        }
        self.mark.kill();
        self.remove_cgroup();
    }

    fn remove_cgroup(&self) {
        if let Some(group) = &self.spawned.cgroup {
            cgroup::remove(group);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !self.stopped {
            // An error has no receiver here; `stop` returns it.
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

/// Has a guard that greets start the server, and waits until its program runs.
fn spawn(link: &Link, spec: &StartSpec) -> Result<Spawned, StartError> {
    let deadline = Instant::now() + START_LIMIT;
    loop {
        let event = link.next(deadline).map_err(|error| match error {
            RecvTimeoutError::Timeout => guard_failed(spec, GuardError::Late(START_LIMIT)),
            RecvTimeoutError::Disconnected => guard_failed(spec, GuardError::Silent),
        })?;
        match event {
            Event::Greeting { version: VERSION } => {
                let order = Request::Start(Box::new(spec.clone()));
                link.send(&order).map_err(|error| not_run(spec, error))?;
            }
            Event::Greeting { version } => {
                return Err(guard_failed(
                    spec,
                    GuardError::OtherVersion { theirs: version, ours: VERSION },
                ));
            }
            Event::Spawned(spawned) => return Ok(spawned),
            Event::NotStarted(error) => return Err(error),
            Event::Refused(error) => return Err(guard_failed(spec, error)),
            _ => {}
        }
    }
}

fn not_run(spec: &StartSpec, error: io::Error) -> StartError {
    guard_failed(spec, GuardError::NotRun(error.into()))
}

fn guard_failed(spec: &StartSpec, source: GuardError) -> StartError {
    let log_tail = log::tail(&spec.log, 5);
    StartError::Guard { program: spec.guard.clone(), source, log_tail }
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
