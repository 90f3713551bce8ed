//! What jigger and a guard say to each other: one line of JSON for each message.
//!
//! The guard greets, jigger asks for the start; what becomes of the server are events, which come
//! unasked. Meanwhile jigger sends requests, one at a time, and the guard sends a response to each.
//! The end of either pipe means that the other side is gone.

use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::StartSpec;
use super::error::{EngineError, GuardError, StartError, UsageError};

/// The word on jigger's command line that makes it a guard; not for users.
pub const VERB: &str = "__guard";

/// The version of this protocol, which the guard's greeting names: a change of any message but the
/// greeting raises it.
pub(super) const VERSION: u32 = 2;

/// How the first process of a server ended, or that it can no longer be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    Code(i32),
    Signal(i32),
    /// The guard itself was ended from outside, so nobody saw how the server ended.
    GuardLost,
}

/// What jigger asks of the guard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Request {
    /// Start the server; the response is an event. Nothing else may come first.
    Start(Box<StartSpec>),
    /// From now on meter the processes in the server's container, which runs by now.
    LookIntoContainer,
    /// The [`Usage`](super::usage::Usage) of the server at the moment of the response.
    Usage,
    /// The addresses that the server's processes listen on.
    Listening,
    /// A [`HostReading`](crate::disturbance::HostReading) of these cores.
    HostReading { cpus: Vec<usize> },
    /// End the server, say how that went, and leave; so does the end of the pipe.
    Stop,
}

/// What the guard says: something that happened, or the response to the oldest request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Message<R = Value> {
    Event(Event),
    Response(Result<R, UsageError>),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Event {
    /// The guard is there and speaks this version; it says so before anything else.
    Greeting {
        version: u32,
    },
    /// The server's first process runs.
    Spawned(Spawned),
    NotStarted(StartError),
    /// The guard could not do what it was asked, before it came to start anything.
    Refused(GuardError),
    /// The first process ended; `others_live` when processes that it left behind still run.
    Exited {
        exit: Exit,
        others_live: bool,
    },
    Gone,
    ContainerLeft(EngineError),
    /// The guard ended the server, is about to leave, and could not end the `survivors`.
    Stopped {
        took_ms: u64,
        forced: bool,
        survivors: Vec<i32>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Spawned {
    pub(super) pid: i32,
    /// `CLOCK_MONOTONIC` just before the spawn.
    pub(super) monotonic_ns: u64,
    /// The cgroup v2 directory in which its processes are accounted for.
    pub(super) cgroup: Option<PathBuf>,
}

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

/// Writes a message as one line, whole and at once: JSON has no line break but those around it.
pub(super) fn write_line(mut to: impl Write, message: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    to.write_all(&line)?;
    to.flush()
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;
    use std::time::Duration;

    use serde::de::DeserializeOwned;

    use super::super::error::SystemError;
    use super::super::{Container, User};
    use super::*;

    /// Through a pipe's bytes, which are one line.
    fn passed<M: Serialize + DeserializeOwned + PartialEq + Debug>(message: &M) {
        let mut bytes = Vec::new();
        write_line(&mut bytes, message).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        assert_eq!(serde_json::from_str::<M>(&text).unwrap(), *message);
    }

    fn two_lines() -> SystemError {
        SystemError { errno: 2, message: "No such\nfile \u{2028}".to_owned() }
    }

    #[test]
    fn every_request_survives_the_pipe() {
        let argv = ["serve", "--cpus", "a b\n--"].map(str::to_owned).to_vec();
        let (nowhere, grace) = (PathBuf::new, Duration::from_millis(250));
        let spec = StartSpec {
            input: Some("/t/in".into()),
            cpus: Some(vec![0, 3]),
            user: Some(User { name: "u".to_owned(), uid: 7, gid: 8, home: "/h".into() }),
            guard: nowhere(),
            container: Some(Container { engine: "/bin/docker".into(), name: "c-1".to_owned() }),
            ..StartSpec::new(argv, nowhere(), nowhere(), grace)
        };
        passed(&Request::Start(Box::new(spec)));
        passed(&Request::LookIntoContainer);
        passed(&Request::Usage);
        passed(&Request::Listening);
        passed(&Request::HostReading { cpus: vec![1] });
        passed(&Request::Stop);
    }

    #[test]
    fn every_event_survives_the_pipe() {
        let spawned = Spawned {
            pid: 7,
            monotonic_ns: 1_234_567_890_123,
            cgroup: Some(PathBuf::from("/sys/fs/cgroup/a b")),
        };
        let events = [
            Event::Greeting { version: VERSION },
            Event::Spawned(spawned),
            Event::NotStarted(StartError::Spawn("x".to_owned(), two_lines())),
            Event::Refused(GuardError::Refused("no\ncore".to_owned(), two_lines())),
            Event::Exited { exit: Exit::Code(-1), others_live: false },
            Event::Exited { exit: Exit::Signal(9), others_live: true },
            Event::Gone,
            Event::ContainerLeft(EngineError::NotRun("/bin/docker".into(), two_lines())),
            Event::Stopped { took_ms: 12, forced: true, survivors: vec![3, 4] },
            Event::Stopped { took_ms: 0, forced: false, survivors: vec![] },
        ];
        for event in events {
            passed(&Message::<Value>::Event(event));
        }
    }

    #[test]
    fn every_response_survives_the_pipe() {
        passed(&Message::Response(Ok(())));
        passed(&Message::Response(Ok(vec![String::from("127.0.0.1:80")])));
        passed(&Message::<()>::Response(Err(UsageError::Gone)));
        let error = UsageError::Account("/a".into(), two_lines());
        passed(&Message::<()>::Response(Err(error)));
        let error = UsageError::Container("c".to_owned(), EngineError::Refused("a\nb".to_owned()));
        passed(&Message::<()>::Response(Err(error)));
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for line in
            ["", "spawned 1 2", "{\"event\":{\"spawned\":{\"pid\":1}}}", "{\"event\":\"x\"}"]
        {
            assert!(serde_json::from_str::<Message>(line).is_err(), "{line}");
        }
    }

    #[test]
    fn an_exit_reads_as_a_sentence_part() {
        assert_eq!(Exit::Signal(9).to_string(), "signal 9 (SIGKILL)");
        assert_eq!(Exit::Code(3).to_string(), "exit code 3");
    }
}
