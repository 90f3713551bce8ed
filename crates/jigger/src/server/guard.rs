//! The guard: a small process between jigger and a server, so that no server outlives its visit,
//! not even when jigger is killed with SIGKILL. Builds and the tools of `jigger cross-check` have
//! one as well. It also reads what the server costs, since it is where the server is.
//!
//! jigger re-executes itself as the guard. The guard is a child subreaper: whatever the server
//! starts, however often it forks or calls `setsid`, its orphans become the guard's children, so
//! the guard can find and end all of it (prctl(2), `PR_SET_CHILD_SUBREAPER`). It ends the server
//! when its standard input closes, which is the sign that jigger is gone; a process handle of
//! jigger is watched besides, in case another process still holds the pipe. `PR_SET_PDEATHSIG`
//! would not do: it fires when the *thread* that started the guard ends.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use procfs::process::Process;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, WaitStatus, getpid, getppid, pidfd_open,
    set_child_subreaper, wait,
};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::Serialize;
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use super::StartSpec;
use super::container::Container;
use super::error::{EngineError, GuardError, StartError, SystemError, UsageError};
use super::protocol::{Event, Exit, Message, Request, Spawned, VERSION, write_line};
use super::tree::{self, ProcessTree};
use crate::cgroup::{self, Cgroup};
use crate::disturbance::HostReading;
use crate::host::monotonic_ns;

/// What guards are started from: jigger itself, also when its file has been replaced meanwhile, as by
/// an update.
pub const PROGRAM: &str = "/proc/self/exe";

/// How long processes may take to vanish after SIGKILL (they can be stuck in the kernel).
pub(super) const KILL_LIMIT: Duration = Duration::from_secs(10);

struct Guard {
    grace: Duration,
    container: Option<Container>,
    jigger: Option<OwnedFd>,
    requests: Requests,
    stop_signals: UnixStream,
    child_signals: UnixStream,
    server: Pid,
    group: Option<Cgroup>,
    tree: ProcessTree,
    gone: bool,
}

/// jigger's requests, as they come in over standard input.
struct Requests(BufReader<File>);

/// Runs the guard until the server is stopped.
///
/// Standard input is the pipe from jigger, standard output the pipe to it, standard error the
/// server's log.
pub fn main() -> ExitCode {
    report(Event::Greeting { version: VERSION });
    match Guard::start() {
        Ok(guard) => {
            guard.run();
            ExitCode::SUCCESS
        }
        Err(event) => {
            report(event);
            ExitCode::FAILURE
        }
    }
}

impl Requests {
    fn open() -> io::Result<Self> {
        Ok(Self(BufReader::new(io::stdin().as_fd().try_clone_to_owned()?.into())))
    }

    /// The next one, for which it waits; `None` when jigger is gone or says what is none.
    fn next(&mut self) -> Option<Request> {
        let mut line = String::new();
        self.0.read_line(&mut line).ok()?;
        serde_json::from_str(&line).ok()
    }

    /// Whether another has been read already, so that waiting for the pipe would not show it.
    fn has_more(&self) -> bool {
        self.0.buffer().contains(&b'\n')
    }
}

impl Guard {
    /// Starts the server that the first request asks for.
    fn start() -> Result<Self, Event> {
        let jigger = getppid().and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        let mut requests =
            Requests::open().map_err(|error| refused("cannot hear jigger", error))?;
        let Some(Request::Start(spec)) = requests.next() else {
            return Err(Event::Refused(GuardError::NoOrder));
        };
        set_child_subreaper(Some(getpid()))
            .map_err(|error| refused("cannot become a child subreaper", error))?;
        let stop_signals = signal_stream(&[SIGTERM, SIGINT, SIGHUP, SIGQUIT])
            .map_err(|error| refused("cannot watch signals", error))?;
        let child_signals = signal_stream(&[SIGCHLD])
            .map_err(|error| refused("cannot watch child processes", error))?;
        let own = Process::myself()
            .map_err(|error| refused("cannot read /proc", io::Error::other(error)))?;
        let (group, server) = spawn(&spec)?;
        Ok(Self {
            grace: spec.grace,
            container: spec.container,
            jigger,
            requests,
            stop_signals,
            child_signals,
            server,
            tree: ProcessTree::below(own, group.as_ref().map(Cgroup::account)),
            group,
            gone: false,
        })
    }

    fn run(mut self) {
        while !self.wait_for_stop() {
            self.reap();
        }
        let begun = Instant::now();
        self.reap();
        if let Some(container) = &self.container {
            container.stop(self.grace);
        }
        let forced = !self.end_politely(begun + self.grace);
        if forced {
            self.end_by_force(Instant::now() + KILL_LIMIT);
        }
        if let Some(error) = self.container.as_ref().and_then(|it| it.remove().err()) {
            report(Event::ContainerLeft(error));
        }
        let survivors = tree::descendants(getpid().as_raw_pid()).iter().map(|p| p.pid()).collect();
        if let Some(group) = &self.group {
            cgroup::remove(group.path());
        }
        let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        report(Event::Stopped { took_ms, forced, survivors });
    }

    /// Sleeps until something happens; true when the server is to be stopped.
    fn wait_for_stop(&mut self) -> bool {
        let mut watched = vec![
            PollFd::new(&self.child_signals, PollFlags::IN),
            PollFd::new(self.requests.0.get_ref(), PollFlags::IN),
            PollFd::new(&self.stop_signals, PollFlags::IN),
        ];
        watched.extend(self.jigger.as_ref().map(|fd| PollFd::new(fd, PollFlags::IN)));
        if poll(&mut watched, None).is_err() {
            return false; // a signal came in between; its stream says so at the next look
        }
        let is_requested = !watched[1].revents().is_empty();
        let stop = watched[2..].iter().any(|fd| !fd.revents().is_empty());
        drain(&mut self.child_signals);
        stop || is_requested && !self.respond_to_all()
    }

    /// Responds to what jigger asks; false when it wants the server stopped, or is gone.
    fn respond_to_all(&mut self) -> bool {
        loop {
            match self.requests.next() {
                Some(Request::Usage) => respond(self.tree.usage()),
                Some(Request::Listening) => respond(Ok(self.tree.listening())),
                Some(Request::HostReading { cpus }) => respond(Ok(HostReading::here(&cpus))),
                Some(Request::LookIntoContainer) => respond(self.look_into_container()),
                Some(Request::Start(_) | Request::Stop) | None => return false,
            }
            if !self.requests.has_more() {
                return true;
            }
        }
    }

    fn look_into_container(&mut self) -> Result<(), UsageError> {
        let Some(container) = &self.container else { return Ok(()) };
        let unknown = |error| UsageError::Container(container.name.clone(), error);
        let pid = container.pid().map_err(unknown)?;
        self.tree = ProcessTree::of_container(pid).map_err(|_| UsageError::Gone)?;
        Ok(())
    }

    /// SIGTERM to every process of the tree, as systemd's `KillMode=control-group` does, and
    /// SIGCONT, without which a stopped process would not see it. True when all of them went.
    fn end_politely(&mut self, deadline: Instant) -> bool {
        for process in tree::descendants(getpid().as_raw_pid()) {
            tree::send(&process, Signal::TERM);
            tree::send(&process, Signal::CONT);
        }
        while !self.gone {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            self.wait_for_child(left);
            self.reap();
        }
        true
    }

    /// SIGKILL to all, again and again: processes may be forking faster than they are found.
    fn end_by_force(&mut self, deadline: Instant) {
        while !self.gone && Instant::now() < deadline {
            if let Some(group) = &self.group {
                cgroup::kill(group.path());
            }
            for process in tree::descendants(getpid().as_raw_pid()) {
                tree::send(&process, Signal::KILL);
            }
            self.wait_for_child(Duration::from_millis(1));
            self.reap();
        }
    }

    fn wait_for_child(&mut self, limit: Duration) {
        let timeout = Timespec::try_from(limit).ok();
        let mut watched = [PollFd::new(&self.child_signals, PollFlags::IN)];
        let _ = poll(&mut watched, timeout.as_ref());
        drain(&mut self.child_signals);
    }

    /// Collects all that ended. "No child at all" proves that nothing of the tree lives: every
    /// orphan below a subreaper is its child.
    fn reap(&mut self) {
        let mut server_exit = None;
        let had_gone = self.gone;
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) if pid == self.server => server_exit = exit_of(status),
                Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
                Ok(None) => break,
                Err(_) => {
                    self.gone = true;
                    break;
                }
            }
        }
        if let Some(exit) = server_exit {
            report(Event::Exited { exit, others_live: !self.gone });
        }
        if self.gone && !had_gone {
            report(Event::Gone);
        }
    }
}

/// Starts the server on its cores and in a process group of its own, inside a cgroup where there can
/// be one.
fn spawn(spec: &StartSpec) -> Result<(Option<Cgroup>, Pid), Event> {
    let (input, output) = streams(spec).map_err(Event::Refused)?;
    let own_cpus = sched_getaffinity(None);
    pin(spec.cpus.as_deref().unwrap_or_default())
        .map_err(|error| refused("cannot keep to the given cores", error))?;
    let group = Cgroup::enter();
    let monotonic_ns = monotonic_ns();
    let spawned = command(spec).and_then(|mut command| {
        command.process_group(0).stdin(input).stdout(output).stderr(Stdio::inherit());
        command.spawn().map_err(|error| not_started(spec, error))
    });
    if let Some(group) = &group {
        group.leave();
    }
    // What the guard reads under load is not to be at the cost of the server's cores alone.
    let _ = own_cpus.and_then(|cpus| sched_setaffinity(None, &cpus));
    match spawned {
        Ok(child) => {
            let server = Pid::from_child(&child);
            let cgroup = group.as_ref().map(|group| group.path().to_owned());
            report(Event::Spawned(Spawned { pid: server.as_raw_pid(), monotonic_ns, cgroup }));
            Ok((group, server))
        }
        Err(error) => {
            if let Some(group) = &group {
                cgroup::remove(group.path());
            }
            // Whatever the engine made before it failed.
            let _ = spec.container.as_ref().map(Container::remove);
            Err(Event::NotStarted(error))
        }
    }
}

/// Standard input and standard output of the server: files where they are named, otherwise nothing
/// and the log.
fn streams(spec: &StartSpec) -> Result<(Stdio, Stdio), GuardError> {
    let refused = |path: &Path, error: io::Error| {
        GuardError::Refused(path.display().to_string(), error.into())
    };
    let input = match &spec.input {
        Some(path) => Stdio::from(File::open(path).map_err(|error| refused(path, error))?),
        None => Stdio::null(),
    };
    let output = match &spec.output {
        Some(path) => Stdio::from(File::create(path).map_err(|error| refused(path, error))?),
        None => {
            let log = io::stderr().as_fd().try_clone_to_owned();
            Stdio::from(log.map_err(|error| refused(Path::new("the log"), error))?)
        }
    };
    Ok((input, output))
}

/// The command that runs the server. A container is made first, and to the end: an engine's
/// program that is killed halfway may leave one behind that nobody knows of yet.
fn command(spec: &StartSpec) -> Result<Command, StartError> {
    let (program, arguments) = spec.argv.split_first().ok_or(StartError::NoCommand)?;
    let mut command = Command::new(program);
    command.args(arguments);
    if let Some(user) = &spec.user {
        // Further groups are given up with that, as std does for root.
        command.uid(user.uid).gid(user.gid);
    }
    let Some(container) = &spec.container else { return Ok(command) };
    let refused = |error| StartError::Container(container.name.clone(), error);
    Container::create(command).map_err(refused)?;
    Ok(container.start_command())
}

fn not_started(spec: &StartSpec, error: io::Error) -> StartError {
    match &spec.container {
        Some(Container { engine, name }) => {
            let source = EngineError::NotRun(engine.clone(), error.into());
            StartError::Container(name.clone(), source)
        }
        None => StartError::of_spawn(
            spec.argv.first().map_or("", String::as_str),
            spec.user.as_ref().map(|user| user.name.as_str()),
            error,
        ),
    }
}

/// Keeps this process, and all that it starts, to the given cores; none given means all.
fn pin(cpus: &[usize]) -> io::Result<()> {
    if cpus.is_empty() {
        return Ok(());
    }
    let mut set = CpuSet::new();
    for &cpu in cpus {
        if cpu >= CpuSet::MAX_CPU {
            return Err(io::Error::other(format!("there is no core {cpu}")));
        }
        set.set(cpu);
    }
    Ok(sched_setaffinity(None, &set)?)
}

/// A stream that becomes readable when one of `signals` arrives. Handlers rather than a signal
/// mask: a mask would be inherited by the server, which could then not be ended by SIGTERM.
fn signal_stream(signals: &[i32]) -> io::Result<UnixStream> {
    let (reader, writer) = UnixStream::pair()?;
    reader.set_nonblocking(true)?;
    for signal in signals {
        signal_hook::low_level::pipe::register(*signal, writer.try_clone()?)?;
    }
    Ok(reader)
}

fn drain(stream: &mut UnixStream) {
    let mut bytes = [0; 64];
    while matches!(stream.read(&mut bytes), Ok(length) if length > 0) {}
}

fn exit_of(status: WaitStatus) -> Option<Exit> {
    let code = status.exit_status().map(Exit::Code);
    code.or_else(|| status.terminating_signal().map(Exit::Signal))
}

fn refused(what: &str, error: impl Into<SystemError>) -> Event {
    Event::Refused(GuardError::Refused(what.to_owned(), error.into()))
}

fn report(event: Event) {
    say(&Message::<()>::Event(event));
}

fn respond<R: Serialize>(response: Result<R, UsageError>) {
    say(&Message::Response(response));
}

/// jigger may be gone, in which case nobody is left to be told.
fn say<R: Serialize>(message: &Message<R>) {
    let _ = write_line(io::stdout().lock(), message);
}
