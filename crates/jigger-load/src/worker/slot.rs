//! The place of one connection, through its successive sockets.

use crate::protocol::Protocol;
use rustix::io::Errno;
use std::ops::Range;

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
    /// It stands and its TLS handshake is under way.
    Shaking,
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
    /// Room for so many requests at once, and for so many on each socket.
    pub(super) fn new(pipeline: usize, on_a_socket: u64) -> Slot<S, P> {
        Slot {
            socket: None,
            phase: Phase::Closed,
            connection: P::new(pipeline, on_a_socket),
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
        match (self.phase, self.connection.oldest(), self.pause) {
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

/// The delay as a timer of 100 to 1,000 ticks a second keeps it, and its noticing.
const DELAYED_ACK_NS: Range<u64> = 38_000_000..56_000_000;
/// A longer response is acknowledged while it comes, and takes its time.
const SHORT_BYTES: usize = 64 << 10;

/// The pieces of one response so far, and what the time between two of them tells.
///
/// A server that writes head and body apart, without TCP_NODELAY, waits in between: Nagle's
/// algorithm (RFC 896) holds the second piece back until the first is acknowledged, and the
/// client's kernel delays that for 40 ms, since it has nothing to send (TCP_DELACK_MIN in Linux'
/// include/net/tcp.h). Such a server responds to 23 requests a second on a connection.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    /// When the last one came; 0: none has.
    last_ns: u64,
    bytes: usize,
    is_held_back: bool,
}

impl Pieces {
    /// A piece has come and another one is to.
    pub(super) fn more(&mut self, now_ns: u64, bytes: usize) {
        self.is_held_back |= self.is_late(now_ns);
        self.bytes += bytes;
        self.last_ns = now_ns;
    }

    /// The last one has come: whether any of a short response came so late as if it had waited for an
    /// acknowledgement.
    pub(super) fn end(&mut self, now_ns: u64) -> bool {
        if self.last_ns == 0 {
            return false;
        }
        let is_late = self.is_held_back || self.is_late(now_ns);
        let is_held_back = is_late && self.bytes <= SHORT_BYTES;
        *self = Pieces::default();
        is_held_back
    }

    fn is_late(&self, now_ns: u64) -> bool {
        self.last_ns > 0 && DELAYED_ACK_NS.contains(&now_ns.saturating_sub(self.last_ns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND_NS: u64 = 1_000_000_000;

    /// Whether a response whose pieces come at these milliseconds is held back.
    fn held_back(pieces: &mut Pieces, bytes: usize, times_ms: &[u64]) -> bool {
        let times_ns = times_ms.iter().map(|time_ms| SECOND_NS + time_ms * 1_000_000);
        let (last_ns, first_ns) = (times_ns.clone().next_back().unwrap(), times_ns);
        first_ns.take(times_ms.len() - 1).for_each(|now_ns| pieces.more(now_ns, bytes));
        pieces.end(last_ns)
    }

    #[test]
    fn only_the_wait_for_an_acknowledgement_counts() {
        let mut pieces = Pieces::default();
        for (times_ms, wanted) in [
            (&[44][..], false),
            (&[0, 1], false),
            (&[0, 44], true),
            (&[0, 44, 45], true),
            (&[0, 1, 45], true),
            (&[0, 20, 45], false),
            (&[0, 100], false),
        ] {
            assert_eq!(held_back(&mut pieces, 100, times_ms), wanted, "{times_ms:?}");
        }
        assert!(!held_back(&mut pieces, SHORT_BYTES, &[0, 1, 45]), "a long answer");
        assert!(held_back(&mut pieces, SHORT_BYTES, &[0, 45]), "the one before is forgotten");
    }
}
