//! The guard: a small process between jigger and a server, so that no server outlives its visit,
//! not even when jigger is killed with SIGKILL. The tools of `jigger cross-check` have one as well.
//!
//! jigger re-executes itself as the guard. The guard is a child subreaper: whatever the server
//! starts, however often it forks or calls `setsid`, its orphans become the guard's children, so
//! the guard can find and end all of it (prctl(2), `PR_SET_CHILD_SUBREAPER`). It ends the server
//! when its standard input closes, which is both jigger's order to stop and the sign that jigger
//! is gone; a process handle of jigger is watched besides, in case another process still holds the
//! pipe. `PR_SET_PDEATHSIG` would not do: it fires when the *thread* that started the guard ends.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, WaitStatus, getpid, getppid, pidfd_open,
    set_child_subreaper, wait,
};
use rustix::thread::{CpuSet, sched_setaffinity};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use super::cgroup::{self, Cgroup};
use super::container::Container;
use super::protocol::{Event, Exit};
use super::{monotonic_ns, tree};

/// The word on jigger's command line that makes it a guard; not for users.
pub const VERB: &str = "__guard";

/// What guards are started from: jigger itself, also when its file has been replaced meanwhile, as by
/// an update.
pub const PROGRAM: &str = "/proc/self/exe";

/// How long processes may take to vanish after SIGKILL (they can be stuck in the kernel).
pub(super) const KILL_LIMIT: Duration = Duration::from_secs(10);

/// What jigger asked the guard to do.
#[derive(Debug, PartialEq, Eq)]
struct Order {
    grace: Duration,
    cpus: Vec<usize>,
    container: Option<Container>,
    input: Option<PathBuf>,
    output: Option<PathBuf>,
    program: OsString,
    arguments: Vec<OsString>,
}

struct Guard {
    grace: Duration,
    jigger: Option<OwnedFd>,
    stop_signals: UnixStream,
    child_signals: UnixStream,
    server: Pid,
    group: Option<Cgroup>,
    container: Option<Container>,
    gone: bool,
}

/// Runs the guard until the server is stopped. `arguments` are the words after [`VERB`]:
/// `--grace-ms N [--cpus 0,1] [--container NAME --engine PROGRAM] [--input FILE] [--output FILE] --
/// PROGRAM ARGUMENT...`. With a container the words after `--` make it, and the engine starts it.
///
/// Standard input is the pipe from jigger, standard output the pipe to it, standard error the
/// server's log.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let started = Order::parse(arguments).map_err(Event::Refused).and_then(Guard::start);
    match started {
        Ok(guard) => {
            guard.run();
            ExitCode::SUCCESS
        }
        Err(event) => {
            report(&event);
            ExitCode::FAILURE
        }
    }
}

impl Order {
    /// Reads the words after [`VERB`].
    fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, String> {
        let mut arguments = arguments.into_iter();
        let (mut grace, mut cpus) = (None, Vec::new());
        let (mut name, mut engine) = (None, None);
        let (mut input, mut output) = (None, None);
        loop {
            let word = arguments.next().unwrap_or_default();
            match word.to_str() {
                Some("--") => break,
                Some("--grace-ms") => grace = number(arguments.next()).map(Duration::from_millis),
                Some("--cpus") => cpus = list(arguments.next()).ok_or("--cpus asks for numbers")?,
                Some("--container") => name = arguments.next().and_then(|it| it.into_string().ok()),
                Some("--engine") => engine = arguments.next(),
                Some("--input") => input = arguments.next().map(PathBuf::from),
                Some("--output") => output = arguments.next().map(PathBuf::from),
                _ => return Err(format!("the guard does not know the option {word:?}")),
            }
        }
        Ok(Self {
            grace: grace.ok_or("the guard needs --grace-ms with a number")?,
            cpus,
            container: name.zip(engine).map(|(name, it)| Container { engine: it.into(), name }),
            input,
            output,
            program: arguments.next().ok_or("the guard needs a program to start")?,
            arguments: arguments.collect(),
        })
    }
}

impl Guard {
    fn start(order: Order) -> Result<Self, Event> {
        let refuse = |what: &str, error: io::Error| Event::Refused(format!("{what}: {error}"));
        let jigger = getppid().and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        set_child_subreaper(Some(getpid()))
            .map_err(|error| refuse("cannot become a child subreaper", error.into()))?;
        pin(&order.cpus).map_err(|error| refuse("cannot keep to the given cores", error))?;
        let stop_signals = signal_stream(&[SIGTERM, SIGINT, SIGHUP, SIGQUIT])
            .map_err(|error| refuse("cannot watch signals", error))?;
        let child_signals = signal_stream(&[SIGCHLD])
            .map_err(|error| refuse("cannot watch child processes", error))?;
        let (group, server) = spawn(&order)?;
        let (grace, container, gone) = (order.grace, order.container, false);
        Ok(Self { grace, jigger, stop_signals, child_signals, server, group, container, gone })
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
        if let Some(message) = self.container.as_ref().and_then(|it| it.remove().err()) {
            report(&Event::Left(message));
        }
        let survivors = tree::descendants(getpid().as_raw_pid()).iter().map(|p| p.pid()).collect();
        if let Some(group) = &self.group {
            cgroup::remove(group.path());
        }
        let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        report(&Event::Stopped { took_ms, forced, survivors });
    }

    /// Sleeps until something happens; true when the server is to be stopped.
    fn wait_for_stop(&mut self) -> bool {
        let input = io::stdin();
        let mut watched = vec![
            PollFd::new(&self.child_signals, PollFlags::IN),
            PollFd::new(&self.stop_signals, PollFlags::IN),
            PollFd::new(&input, PollFlags::IN),
        ];
        watched.extend(self.jigger.as_ref().map(|fd| PollFd::new(fd, PollFlags::IN)));
        if poll(&mut watched, None).is_err() {
            return false; // a signal came in between; its stream says so at the next look
        }
        let stop = watched[1..].iter().any(|fd| !fd.revents().is_empty());
        drain(&mut self.child_signals);
        stop
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
            report(&Event::Exited { exit, others_live: !self.gone });
        }
        if self.gone && !had_gone {
            report(&Event::Gone);
        }
    }
}

/// Starts the server in a process group of its own, inside a cgroup where there can be one.
fn spawn(order: &Order) -> Result<(Option<Cgroup>, Pid), Event> {
    let (input, output) = streams(order)?;
    let group = Cgroup::enter();
    let monotonic_ns = monotonic_ns();
    let spawned = command(order).and_then(|mut command| {
        command.process_group(0);
        command.stdin(input).stdout(output).stderr(Stdio::inherit());
        command.spawn().map_err(|error| {
            let errno = error.raw_os_error().unwrap_or(0);
            Event::Failed { errno, message: error.to_string() }
        })
    });
    if let Some(group) = &group {
        group.leave();
    }
    match spawned {
        Ok(child) => {
            if let Some(group) = &group {
                report(&Event::Cgroup(group.path().to_owned()));
            }
            let server = Pid::from_child(&child);
            report(&Event::Spawned { pid: server.as_raw_pid(), monotonic_ns });
            Ok((group, server))
        }
        Err(event) => {
            if let Some(group) = &group {
                cgroup::remove(group.path());
            }
            // Whatever the engine made before it failed.
            let _ = order.container.as_ref().map(Container::remove);
            Err(event)
        }
    }
}

/// Standard input and standard output of the server: files where the order names them, otherwise
/// nothing and the log.
fn streams(order: &Order) -> Result<(Stdio, Stdio), Event> {
    let refused = |path: &Path, error| Event::Refused(format!("{}: {error}", path.display()));
    let input = match &order.input {
        Some(path) => Stdio::from(File::open(path).map_err(|error| refused(path, error))?),
        None => Stdio::null(),
    };
    let output = match &order.output {
        Some(path) => Stdio::from(File::create(path).map_err(|error| refused(path, error))?),
        None => Stdio::from(
            io::stderr()
                .as_fd()
                .try_clone_to_owned()
                .map_err(|error| Event::Refused(format!("cannot hand on the log: {error}")))?,
        ),
    };
    Ok((input, output))
}

/// The command that runs the server. A container is made first, and to the end: an engine's
/// program that is killed halfway may leave one behind that nobody knows of yet.
fn command(order: &Order) -> Result<Command, Event> {
    let Some(container) = &order.container else {
        let mut command = Command::new(&order.program);
        command.args(&order.arguments);
        return Ok(command);
    };
    container
        .create(&order.program, &order.arguments)
        .map_err(|message| Event::Failed { errno: 0, message })?;
    Ok(container.start_command())
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

/// jigger may be gone, in which case nobody is left to be told.
fn report(event: &Event) {
    let mut output = io::stdout().lock();
    let _ = writeln!(output, "{event}").and_then(|()| output.flush());
}

fn number(word: Option<OsString>) -> Option<u64> {
    word?.to_str()?.parse().ok()
}

fn list(word: Option<OsString>) -> Option<Vec<usize>> {
    word?.to_str()?.split(',').map(|cpu| cpu.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Order, String> {
        Order::parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn an_order_is_read_up_to_the_program() {
        let order = parse("--grace-ms 250 --cpus 0,3 -- serve --cpus -- x").unwrap();
        assert_eq!(order.grace, Duration::from_millis(250));
        assert_eq!(order.cpus, [0, 3]);
        assert_eq!(order.program, "serve");
        assert_eq!(order.arguments, ["--cpus", "--", "x"]);
        assert_eq!(order.container, None);
    }

    #[test]
    fn a_container_is_known_by_its_engine_and_name() {
        let order =
            parse("--grace-ms 1 --container c-1 --engine /bin/docker -- docker create").unwrap();
        let expected = Container { engine: "/bin/docker".into(), name: "c-1".to_owned() };
        assert_eq!(order.container, Some(expected));
    }

    #[test]
    fn files_stand_for_input_and_output() {
        let order = parse("--grace-ms 1 --input /t/in --output /t/out -- serve").unwrap();
        assert_eq!(order.input, Some("/t/in".into()));
        assert_eq!(order.output, Some("/t/out".into()));
        let plain = parse("--grace-ms 1 -- serve").unwrap();
        assert_eq!((plain.input, plain.output), (None, None));
    }

    #[test]
    fn an_incomplete_order_is_refused_with_what_is_missing() {
        let cases = [
            ("-- serve", "--grace-ms"),
            ("--grace-ms soon -- serve", "--grace-ms"),
            ("--grace-ms 1 --", "program"),
            ("--grace-ms 1 --cpus a -- serve", "--cpus"),
            ("--nice -- serve", "--nice"),
            ("", "option"),
        ];
        for (line, named) in cases {
            let message = parse(line).unwrap_err();
            assert!(message.contains(named), "{line}: {message}");
        }
    }
}
