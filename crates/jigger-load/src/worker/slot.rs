//! The place of one connection, through its successive sockets.

use super::pieces::Pieces;
use crate::protocol::Protocol;
use rustix::io::Errno;

pub(super) struct Slot<S, P> {
    pub(super) socket: Option<S>,
    pub(super) phase: Phase,
    pub(super) connection: P,
    /// Bytes that the kernel has not taken yet.
    pub(super) rest: Vec<u8>,
    pub(super) rest_from: usize,
    pub(super) pieces: Pieces,
    pub(super) connect_ns: u64,
    pub(super) backoff_ns: u64,
    /// Whether this socket has brought a response.
    pub(super) responded: bool,
    /// The kernel refused to take more; what it has for us is still to be read.
    pub(super) write_error: Option<Errno>,
    pub(super) free_since_ns: u64,
    /// Closed loop: since when no request has been under way, if none is.
    pub(super) idle_since_ns: u64,
    /// Where requests come in batches: the pause before the next one.
    pub(super) pause: Pause,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Closed,
    /// No new attempt before this time.
    Resting(u64),
    Connecting,
    Open,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pause {
    /// The source has not been asked how long it is.
    Unknown,
    Until(u64),
    Over,
}

impl<S, P: Protocol> Slot<S, P> {
    pub(super) fn new(pipeline: usize) -> Slot<S, P> {
        Slot {
            socket: None,
            phase: Phase::Closed,
            connection: P::new(pipeline),
            rest: Vec::new(),
            rest_from: 0,
            pieces: Pieces::default(),
            connect_ns: 0,
            backoff_ns: 0,
            responded: false,
            write_error: None,
            free_since_ns: 0,
            idle_since_ns: 0,
            pause: Pause::Unknown,
        }
    }

    /// When something is to be done about it if nothing happens.
    pub(super) fn wakes_ns(&self, timeout_ns: u64) -> Option<u64> {
        match (self.phase, self.connection.flights().front(), self.pause) {
            (Phase::Resting(until_ns), ..) => Some(until_ns),
            (_, Some(flight), _) => Some(flight.started_ns.saturating_add(timeout_ns)),
            (_, None, Pause::Until(until_ns)) => Some(until_ns),
            (_, None, _) => None,
        }
    }

    /// The socket is gone, and with it what was being sent and read.
    pub(super) fn disconnect(&mut self) {
        self.socket = None;
        self.connection.disconnect();
        self.write_error = None;
        self.drop_rest();
        self.pieces = Pieces::default();
    }

    pub(super) fn drop_rest(&mut self) {
        self.rest = Vec::new();
        self.rest_from = 0;
    }
}
