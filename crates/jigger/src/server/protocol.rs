//! What the guard tells jigger: one line of text for each event.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// How the first process of a server ended, or that it can no longer be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It returned this exit code.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
    /// The guard itself was ended from outside, so nobody saw how the server ended.
    GuardLost,
}

/// One event, as the guard writes it and jigger reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// The server's processes are accounted for in this cgroup v2 directory.
    Cgroup(PathBuf),
    /// The server's first process runs; the instant is `CLOCK_MONOTONIC` just before the spawn.
    Spawned { pid: i32, monotonic_ns: u64 },
    /// The operating system refused to start the program, with this error number.
    Failed { errno: i32, message: String },
    /// The guard could not do what it was asked, before it came to start anything.
    Refused(String),
    /// The first process ended; `others_live` when processes that it left behind still run.
    Exited { exit: Exit, others_live: bool },
    /// No process of the server is left.
    Gone,
    /// The server's container could not be removed, for this reason.
    Left(String),
    /// The guard ended the server, is about to leave, and could not end the `survivors`.
    Stopped { took_ms: u64, forced: bool, survivors: Vec<i32> },
}

/// A line that is no event.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the guard said {0:?}, which is no event")]
pub(super) struct NotAnEvent(String);

impl fmt::Display for Exit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(out, "exit code {code}"),
            Self::Signal(number) => match signal_hook::low_level::signal_name(*number) {
                Some(name) => write!(out, "signal {number} ({name})"),
                None => write!(out, "signal {number}"),
            },
            Self::GuardLost => out.write_str("an unknown end, since its guard was ended"),
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cgroup(path) => write!(out, "cgroup {}", path.display()),
            Self::Spawned { pid, monotonic_ns } => write!(out, "spawned {pid} {monotonic_ns}"),
            Self::Failed { errno, message } => write!(out, "failed {errno} {}", one_line(message)),
            Self::Refused(message) => write!(out, "refused {}", one_line(message)),
            Self::Exited { exit, others_live } => {
                let others = if *others_live { "others" } else { "alone" };
                match exit {
                    Exit::Code(code) => write!(out, "exited code {code} {others}"),
                    Exit::Signal(signal) => write!(out, "exited signal {signal} {others}"),
                    Exit::GuardLost => write!(out, "exited lost 0 {others}"),
                }
            }
            Self::Left(message) => write!(out, "left {}", one_line(message)),
            Self::Gone => out.write_str("gone"),
            Self::Stopped { took_ms, forced, survivors } => {
                let pids: Vec<String> = survivors.iter().map(ToString::to_string).collect();
                write!(out, "stopped {took_ms} forced={forced} survivors={}", pids.join(","))
            }
        }
    }
}

impl FromStr for Event {
    type Err = NotAnEvent;

    fn from_str(line: &str) -> Result<Self, NotAnEvent> {
        parse(line).ok_or_else(|| NotAnEvent(line.to_owned()))
    }
}

fn parse(line: &str) -> Option<Event> {
    let (kind, rest) = line.split_once(' ').unwrap_or((line, ""));
    match kind {
        "cgroup" => Some(Event::Cgroup(PathBuf::from(rest))),
        "spawned" => {
            let (pid, monotonic_ns) = rest.split_once(' ')?;
            Some(Event::Spawned {
                pid: pid.parse().ok()?,
                monotonic_ns: monotonic_ns.parse().ok()?,
            })
        }
        "failed" => {
            let (errno, message) = rest.split_once(' ')?;
            Some(Event::Failed { errno: errno.parse().ok()?, message: message.to_owned() })
        }
        "refused" => Some(Event::Refused(rest.to_owned())),
        "left" => Some(Event::Left(rest.to_owned())),
        "exited" => parse_exited(rest),
        "gone" => Some(Event::Gone),
        "stopped" => parse_stopped(rest),
        _ => None,
    }
}

fn parse_exited(rest: &str) -> Option<Event> {
    let mut words = rest.split(' ');
    let (how, number, others) = (words.next()?, words.next()?.parse().ok()?, words.next()?);
    let exit = match how {
        "code" => Exit::Code(number),
        "signal" => Exit::Signal(number),
        "lost" => Exit::GuardLost,
        _ => return None,
    };
    let others_live = match others {
        "others" => true,
        "alone" => false,
        _ => return None,
    };
    Some(Event::Exited { exit, others_live })
}

fn parse_stopped(rest: &str) -> Option<Event> {
    let mut words = rest.split(' ');
    let took_ms = words.next()?.parse().ok()?;
    let forced = words.next()?.strip_prefix("forced=")?.parse().ok()?;
    let survivors = words.next()?.strip_prefix("survivors=")?;
    let pids = survivors.split(',').filter(|pid| !pid.is_empty());
    let survivors: Result<Vec<i32>, _> = pids.map(str::parse).collect();
    Some(Event::Stopped { took_ms, forced, survivors: survivors.ok()? })
}

/// A message with a line break would read as two events.
fn one_line(message: &str) -> String {
    message.replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_survives_the_pipe() {
        let events = [
            Event::Cgroup(PathBuf::from("/sys/fs/cgroup/a b")),
            Event::Spawned { pid: 7, monotonic_ns: 1_234_567_890_123 },
            Event::Failed { errno: 2, message: "No such file".to_owned() },
            Event::Refused("no core 99".to_owned()),
            Event::Exited { exit: Exit::Code(-1), others_live: false },
            Event::Exited { exit: Exit::Signal(9), others_live: true },
            Event::Gone,
            Event::Left("the daemon does not answer".to_owned()),
            Event::Stopped { took_ms: 12, forced: true, survivors: vec![3, 4] },
            Event::Stopped { took_ms: 0, forced: false, survivors: vec![] },
        ];
        for event in events {
            assert_eq!(event.to_string().parse(), Ok(event));
        }
    }

    #[test]
    fn a_line_break_in_a_message_stays_one_event() {
        let event = Event::Refused("two\nlines".to_owned());
        assert_eq!(event.to_string(), "refused two lines");
    }

    #[test]
    fn what_is_no_event_is_refused_by_name() {
        for line in ["", "spawned 1", "exited code x alone", "stopped 1 forced=maybe survivors="] {
            assert_eq!(line.parse::<Event>(), Err(NotAnEvent(line.to_owned())));
        }
    }

    #[test]
    fn an_exit_reads_as_a_sentence_part() {
        assert_eq!(Exit::Signal(9).to_string(), "signal 9 (SIGKILL)");
        assert_eq!(Exit::Code(3).to_string(), "exit code 3");
    }
}
