//! What is spoken on a connection: which requests are under way, bytes in, complete responses or
//! an error out, and whether it may be used again. No I/O.

pub(crate) mod http1;

use crate::expect::Expect;
use std::collections::VecDeque;
use std::fmt::Display;

/// A request under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flight {
    /// Open loop: when it was due; closed loop: when it was begun.
    pub(crate) due_ns: u64,
    /// First byte sent, or, fresh, the begin of its connection.
    pub(crate) started_ns: u64,
    /// Its number in the run; with the seed it fixes a template's values.
    pub(crate) counter: u64,
    /// Which of its source's requests.
    pub(crate) request: u32,
    /// Whether it is a `HEAD`, the response to which has no body.
    pub(crate) is_head: bool,
}

/// A complete response.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Response {
    pub(crate) flight: Flight,
    pub(crate) status: u16,
    pub(crate) verdict: Verdict,
    pub(crate) keeps_alive: bool,
}

/// What a complete response is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Correct,
    WrongStatus,
    WrongBody,
}

/// Takes responses whole while they come in; `()` leaves them.
pub(crate) trait Sink {
    /// The head of a response; what came before belongs to another.
    fn head(&mut self, bytes: &[u8]);

    /// The next piece of its body.
    fn data(&mut self, piece: &[u8]);
}

impl Sink for () {
    fn head(&mut self, _: &[u8]) {}

    fn data(&mut self, _: &[u8]) {}
}

/// Why what came on a connection is no response to one of its requests. The connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unusable<E> {
    /// It is not what the protocol has.
    Malformed(E),
    /// No request was without a response.
    Surplus,
    /// The server says that it closes a connection that was idle for too long.
    IdleTimeout,
}

/// One connection's conversation, through its successive sockets. The source of requests encodes
/// them for it.
pub(crate) trait Protocol {
    /// What a thread's connections share.
    type Shared: Default;

    /// Why what came is none of its responses.
    type Error: Display;

    /// A conversation with room for so many requests at once.
    fn new(requests: usize) -> Self;

    /// The requests without a response, oldest first.
    fn flights(&self) -> &VecDeque<Flight>;

    /// How many of them, the oldest, have been handed over for sending.
    fn sent(&self) -> usize;

    /// How many of them are still to be sent.
    fn unsent(&self) -> usize {
        self.flights().len() - self.sent()
    }

    /// One more request, to be sent.
    fn begin(&mut self, flight: Flight);

    /// The unsent requests go out now.
    fn restart(&mut self, now_ns: u64);

    /// Every request has been handed over.
    fn mark_sent(&mut self);

    /// Takes bytes until a response is complete; `None`: all taken, and more are needed.
    fn absorb(
        &mut self,
        input: &mut &[u8],
        expect: &Expect,
        shared: &mut Self::Shared,
        sink: impl Sink,
    ) -> Result<Option<Response>, Unusable<Self::Error>>;

    /// The stream has ended: the response that this completes, if one.
    fn end_of_stream(&mut self, expect: &Expect, shared: &mut Self::Shared) -> Option<Response>;

    /// Whether a part of a response has arrived.
    fn is_within_response(&self) -> bool;

    /// The socket is gone: forgets the response being read; requests stay, to be sent anew.
    fn disconnect(&mut self);

    /// Gives up so many requests, the oldest.
    fn abandon(&mut self, count: usize);
}
