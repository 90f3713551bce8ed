//! The connections of a thread with hooks: made, written, read, lost and made again.

use super::HookedWorker;
use crate::failure::ErrorKind;
use crate::hooks::{Batch, Hooks};
use crate::http1::{Head, Parser};
use crate::io::{Driver, Ready};
use crate::worker::reconnect::{
    BACKOFF_MAX_NS, BACKOFF_MIN_NS, closed_early, connect_kind, connect_message, message,
};
use rustix::io::Errno;
use std::collections::VecDeque;

/// After so many full buffers the other connections get their turn.
const READS_MAX: usize = 16;

/// Where a connection stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    #[default]
    Closed,
    /// No new attempt before this time.
    Resting(u64),
    Connecting,
    /// No batch before this time.
    Delayed(u64),
    /// Open loop: ready for what is due next.
    Free,
    /// A batch is under way.
    Asking,
}

/// The place of one connection, through its successive sockets.
pub(super) struct Slot<S> {
    socket: Option<S>,
    pub(super) phase: Phase,
    pub(super) parser: Parser,
    pub(super) batch: Batch,
    /// For each answer to come whether it answers a `HEAD`.
    pub(super) answers: VecDeque<bool>,
    pub(super) sent_bytes: usize,
    pub(super) due_ns: u64,
    pub(super) started_ns: u64,
    pub(super) free_since_ns: u64,
    connect_ns: u64,
    pub(super) backoff_ns: u64,
    /// Whether this socket has brought an answer.
    pub(super) has_answered: bool,
    is_watched_for_room: bool,
    /// The answer being read.
    pub(super) head: Option<Head>,
    pub(super) head_bytes: Vec<u8>,
    pub(super) body: Vec<u8>,
}

impl<S> Default for Slot<S> {
    fn default() -> Slot<S> {
        Slot {
            socket: None,
            phase: Phase::default(),
            parser: Parser::default(),
            batch: Batch::default(),
            answers: VecDeque::new(),
            sent_bytes: 0,
            due_ns: 0,
            started_ns: 0,
            free_since_ns: 0,
            connect_ns: 0,
            backoff_ns: 0,
            has_answered: false,
            is_watched_for_room: false,
            head: None,
            head_bytes: Vec::new(),
            body: Vec::new(),
        }
    }
}

impl<S> Slot<S> {
    /// When something is to be done about it if nothing happens.
    pub(super) fn wakes_ns(&self, timeout_ns: u64) -> Option<u64> {
        match self.phase {
            Phase::Resting(until_ns) | Phase::Delayed(until_ns) => Some(until_ns),
            Phase::Connecting => Some(self.connect_ns.saturating_add(timeout_ns)),
            Phase::Asking => Some(self.started_ns.saturating_add(timeout_ns)),
            Phase::Closed | Phase::Free => None,
        }
    }

    /// A new answer begins.
    pub(super) fn keep_head(&mut self, is_wanted: bool, bytes: &[u8]) {
        self.body.clear();
        self.head_bytes.clear();
        if is_wanted {
            self.head_bytes.extend_from_slice(bytes);
        }
    }
}

impl<D: Driver, H: Hooks> HookedWorker<'_, D, H> {
    pub(super) fn connect(&mut self, index: usize) {
        let slot = &mut self.slots[index];
        slot.connect_ns = self.driver.now_ns();
        slot.has_answered = false;
        slot.phase = Phase::Connecting;
        match self.driver.connect() {
            Ok(socket) => slot.socket = Some(socket),
            Err(error) => return self.fail_connect(index, error),
        }
        if let Err(error) = self.watch(index, true) {
            self.fail_connect(index, error);
        }
    }

    pub(super) fn finish_connect(&mut self, index: usize, ready: Ready) {
        let slot = &self.slots[index];
        let Some(socket) = &slot.socket else {
            return;
        };
        if let Some(error) = self.driver.connect_error(socket) {
            return self.fail_connect(index, error);
        }
        if !ready.writable {
            return;
        }
        self.tally.connected(self.now_ns.saturating_sub(slot.connect_ns));
        match self.watch(index, false) {
            Ok(()) => self.idle(index),
            Err(error) => self.fail_connect(index, error),
        }
    }

    /// Hands the rest of the batch to the kernel.
    pub(super) fn flush(&mut self, index: usize) {
        let slot = &mut self.slots[index];
        let Some(socket) = &slot.socket else {
            return;
        };
        let rest = slot.batch.bytes().get(slot.sent_bytes..).unwrap_or_default();
        if slot.phase == Phase::Asking && !rest.is_empty() {
            match self.driver.send(socket, rest) {
                Ok(taken) => slot.sent_bytes += taken,
                Err(Errno::AGAIN) => {}
                Err(error) => return self.fail(index, ErrorKind::Write, || message(error)),
            }
        }
        let is_full = slot.phase == Phase::Asking && slot.sent_bytes < slot.batch.bytes().len();
        if is_full != slot.is_watched_for_room
            && let Err(error) = self.watch(index, is_full)
        {
            self.fail(index, ErrorKind::Write, || message(error));
        }
    }

    /// Reads until the socket has no more.
    pub(super) fn receive(&mut self, index: usize) {
        let mut buffer = std::mem::take(&mut self.buffer);
        for _ in 0..READS_MAX {
            let Some(socket) = &self.slots[index].socket else {
                break;
            };
            let received = self.driver.receive(socket, &mut buffer);
            self.now_ns = self.driver.now_ns();
            if self.now_ns >= self.end_ns {
                break;
            }
            match received {
                Ok(received) if received.bytes == 0 => {
                    self.end_of_stream(index, false);
                    break;
                }
                Ok(received) => {
                    let is_whole = received.bytes < buffer.len();
                    if !self.take(index, &buffer[..received.bytes]) || is_whole {
                        break;
                    }
                }
                Err(Errno::AGAIN) => break,
                Err(error) => {
                    self.fail(index, ErrorKind::ReadReset, || message(error));
                    break;
                }
            }
        }
        self.buffer = buffer;
    }

    /// The server ends the connection, by an answer (`announced`) or by closing.
    pub(super) fn end_of_stream(&mut self, index: usize, announced: bool) {
        let slot = &mut self.slots[index];
        let within_answer = slot.parser.within_answer();
        if slot.parser.close_completes() {
            // Its head says that it is the last, so that this comes back here, announced.
            self.complete(index);
            return;
        }
        if !self.slots[index].answers.is_empty() {
            return self.fail(index, ErrorKind::ReadClosedEarly, || {
                if announced { unanswered() } else { closed_early(within_answer) }
            });
        }
        self.tally.closed_by_server += 1;
        self.disconnect(index);
        if !self.is_over() {
            self.connect(index);
        }
    }

    pub(super) fn time_out(&mut self, index: usize) {
        let (kind, count) = match self.slots[index].phase {
            Phase::Connecting => (ErrorKind::ConnectTimeout, 1),
            _ => (ErrorKind::Timeout, self.slots[index].answers.len() as u64),
        };
        let timeout = self.load.timeout;
        self.tally.errors.add(kind, count, || format!("no complete answer within {timeout:?}"));
        self.disconnect(index);
        self.connect(index);
    }

    /// The connection broke: its requests fail, and it is made anew, after a rest when it had not
    /// brought a single answer.
    pub(super) fn fail(&mut self, index: usize, kind: ErrorKind, message: impl FnOnce() -> String) {
        let count = self.slots[index].answers.len().max(1) as u64;
        self.tally.errors.add(kind, count, message);
        let has_answered = self.slots[index].has_answered;
        self.disconnect(index);
        if has_answered { self.connect(index) } else { self.rest(index) }
    }

    fn fail_connect(&mut self, index: usize, error: Errno) {
        let kind = connect_kind(error);
        self.tally.errors.add(kind, 1, || connect_message(kind, error));
        self.disconnect(index);
        self.rest(index);
    }

    fn rest(&mut self, index: usize) {
        let slot = &mut self.slots[index];
        slot.backoff_ns = (slot.backoff_ns * 2).clamp(BACKOFF_MIN_NS, BACKOFF_MAX_NS);
        let until_ns = self.now_ns + slot.backoff_ns;
        slot.phase = Phase::Resting(until_ns);
        self.check_ns = self.check_ns.min(until_ns);
    }

    fn watch(&mut self, index: usize, writable: bool) -> Result<(), Errno> {
        let slot = &mut self.slots[index];
        let Some(socket) = &mut slot.socket else {
            return Ok(());
        };
        slot.is_watched_for_room = writable;
        self.driver.watch(socket, u32::try_from(index).unwrap_or(u32::MAX), writable)
    }

    fn disconnect(&mut self, index: usize) {
        let slot = &mut self.slots[index];
        slot.socket = None;
        slot.phase = Phase::Closed;
        slot.parser.reset();
        slot.head = None;
        slot.answers.clear();
    }
}

fn unanswered() -> String {
    "the server announced the end of the connection before it had answered all of a batch"
        .to_owned()
}
