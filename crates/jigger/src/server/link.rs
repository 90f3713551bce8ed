//! The jigger end of the guard: starts it, sends requests, receives events.

use std::cell::RefCell;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};
use std::{io, thread};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::UsageError;
use super::protocol::{Event, Message, Request, VERB, write_line};
use super::tree::{self, Mark};
use super::{StartSpec, container};

/// What a response may take: far more than the longest, which is a command of an engine.
const RESPONSE_LIMIT: Duration = container::COMMAND_LIMIT.saturating_mul(2);

#[derive(Debug)]
pub(super) struct Link {
    guard: Child,
    /// One request is under way at a time; `None` once no more requests go to the guard.
    pipes: RefCell<Option<Pipes>>,
    events: Receiver<Event>,
}

#[derive(Debug)]
struct Pipes {
    requests: ChildStdin,
    responses: Receiver<Result<Value, UsageError>>,
}

impl Link {
    /// Starts a guard whose environment, and that of all that it starts, carries `mark`.
    pub(super) fn start(spec: &StartSpec, log: File, mark: &Mark) -> io::Result<Self> {
        let mut command = Command::new(&spec.guard);
        command.arg(VERB).current_dir(&spec.dir);
        command.envs(spec.env.iter().map(|(name, value)| (name, value)));
        command.env(tree::VARIABLE, mark.text());
        // A process group of its own: Ctrl-C at the terminal reaches jigger alone.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let mut guard = command.spawn()?;
        let no_pipe = || io::Error::other("no pipe");
        let requests = guard.stdin.take().ok_or_else(no_pipe)?;
        let output = guard.stdout.take().ok_or_else(no_pipe)?;
        let ((to_events, events), (to_responses, responses)) = (channel(), channel());
        let reader = thread::Builder::new().name("guard-link".to_owned());
        reader.spawn(move || hand_on(output, &to_events, &to_responses))?;
        let pipes = RefCell::new(Some(Pipes { requests, responses }));
        Ok(Self { guard, pipes, events })
    }

    /// The next event, for which it waits at most until `deadline`; one that is there already is
    /// returned even if that has passed.
    ///
    /// # Errors
    /// There is none, or there will be none any more.
    pub(super) fn next(&self, deadline: Instant) -> Result<Event, RecvTimeoutError> {
        self.events.recv_timeout(deadline.saturating_duration_since(Instant::now()))
    }

    /// Sends a request that has no response.
    ///
    /// # Errors
    /// What the operating system says when the guard is gone.
    pub(super) fn send(&self, request: &Request) -> io::Result<()> {
        match self.pipes.borrow().as_ref() {
            Some(pipes) => write_line(&pipes.requests, request),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Sends a request and waits for the response.
    ///
    /// # Errors
    /// The guard's own, or [`UsageError::Gone`] when it does not respond any more.
    pub(super) fn request<R: DeserializeOwned>(&self, request: &Request) -> Result<R, UsageError> {
        let mut pipes = self.pipes.borrow_mut();
        let response = pipes.as_ref().and_then(|pipes| {
            write_line(&pipes.requests, request).ok()?;
            pipes.responses.recv_timeout(RESPONSE_LIMIT).ok()
        });
        let Some(response) = response else {
            // A response that came after all would be taken for another request's.
            *pipes = None;
            return Err(UsageError::Gone);
        };
        serde_json::from_value(response?).map_err(|_| UsageError::Gone)
    }

    /// Has the guard end the server. The end of the pipe says it as well.
    pub(super) fn order_stop(&self) {
        // A guard that is gone is noticed by the silence.
        let _ = self.send(&Request::Stop);
        self.pipes.take();
    }

    /// Waits for the end of a guard that has said its last word.
    pub(super) fn wait(&mut self) {
        let _ = self.guard.wait();
    }

    /// Ends a guard that does not do its work.
    pub(super) fn kill(&mut self) {
        let _ = self.guard.kill();
        self.wait();
    }
}

/// Hands on what the guard says, until it is gone or talks nonsense.
fn hand_on(
    output: ChildStdout,
    events: &Sender<Event>,
    responses: &Sender<Result<Value, UsageError>>,
) {
    let lines = BufReader::new(output).lines().map_while(Result::ok);
    for message in lines.map_while(|line| serde_json::from_str(&line).ok()) {
        // Whoever does not listen any more has no use for it.
        let _ = match message {
            Message::Event(event) => events.send(event).map_err(drop),
            Message::Response(response) => responses.send(response).map_err(drop),
        };
    }
}
