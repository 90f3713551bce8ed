//! What is spoken on a connection: which requests are under way, bytes in, complete responses or
//! an error out, and whether it may be used again. No I/O.

pub(crate) mod http1;
pub(crate) mod http2;

use crate::expect::{BodyCheck, Expect, Expectations, LastMatches};
use crate::failure::ErrorKind;
use http2::PeerSettings;
use std::fmt::Display;

/// A request under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
    /// gRPC: the call has failed, as [`Protocol::complaint`] says.
    FailedCall,
}

/// What a response with that status and body is worth.
#[inline(always)]
fn verdict(
    expect: &Expect,
    status: u16,
    flight: &Flight,
    check: &BodyCheck,
    last_matches: &mut LastMatches,
) -> Verdict {
    if !expect.accepts_status(status) {
        Verdict::WrongStatus
    } else if flight.is_head || check.verdict(&expect.body, flight.request, last_matches) {
        Verdict::Correct
    } else {
        Verdict::WrongBody
    }
}

/// Takes responses whole while they come in; `()` leaves them.
pub(crate) trait Sink {
    /// Whether it takes single fields, where heads have no bytes of their own.
    const WANTS_FIELDS: bool = false;

    /// Whether responses are those of gRPC calls, and right only if the call has succeeded.
    const IS_GRPC: bool = false;

    /// What follows belongs to the response to that one of the source's requests; `None`: to one that
    /// was given up.
    fn of(&mut self, _request: Option<u32>) {}

    /// The head of a response; what came before belongs to another.
    fn head(&mut self, _bytes: &[u8]) {}

    /// One field of a head, `:status` first, or of trailers.
    fn field(&mut self, _name: &[u8], _value: &[u8]) {}

    /// The next piece of its body.
    fn data(&mut self, piece: &[u8]);
}

impl Sink for () {
    fn data(&mut self, _: &[u8]) {}
}

/// Why there is no response, in a kind and in words.
pub(crate) trait Failure: Display {
    fn kind(&self) -> ErrorKind;
}

/// Why what came on a connection is no response to one of its requests. But for [`Unusable::Lost`]
/// the connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unusable<E> {
    /// It is not what the protocol has.
    Malformed(E),
    /// No request was without a response.
    Surplus,
    /// The server says that it closes a connection on which nothing is under way.
    Closing,
    /// This request will have no response; the others are not touched.
    Lost(Flight, E),
}

/// One connection's conversation, through its successive sockets. The source of requests encodes
/// them for it.
pub(crate) trait Protocol {
    /// Whether responses come in any order, the server may speak first, and more goes out than
    /// requests.
    const MULTIPLEXES: bool = false;

    /// What a thread's connections share.
    type Shared: Default;

    /// Why what came is none of its responses.
    type Error: Failure;

    /// A conversation with room for so many requests at once, and for so many on each of its sockets.
    fn new(requests: usize, on_a_socket: u64) -> Self;

    /// The requests without a response; those that have been sent before others.
    fn flights(&self) -> impl Iterator<Item = &Flight>;

    /// How many they are.
    fn under_way(&self) -> usize;

    /// The one that has waited for its response for longest.
    fn oldest(&self) -> Option<&Flight>;

    /// How many of them have been handed over for sending.
    fn sent(&self) -> usize;

    /// How many of them are still to be sent.
    fn unsent(&self) -> usize {
        self.under_way() - self.sent()
    }

    /// Whether there is something that can be sent now.
    fn is_due(&self) -> bool {
        self.unsent() > 0
    }

    /// Whether more of what has been begun is still to be sent.
    fn is_sending(&self) -> bool {
        self.unsent() > 0
    }

    /// One more request, to be sent.
    fn begin(&mut self, flight: Flight);

    /// The unsent requests go out now.
    fn restart(&mut self, now_ns: u64);

    /// Every request that was laid out has been handed over.
    fn mark_sent(&mut self);

    /// Takes bytes until a response is complete; `None`: all taken, and more are needed.
    fn absorb(
        &mut self,
        input: &mut &[u8],
        expect: &(impl Expectations + ?Sized),
        shared: &mut Self::Shared,
        sink: impl Sink,
    ) -> Result<Option<Response>, Unusable<Self::Error>>;

    /// The stream has ended: the response that this completes, if one.
    fn end_of_stream(
        &mut self,
        expect: &(impl Expectations + ?Sized),
        shared: &mut Self::Shared,
    ) -> Option<Response>;

    /// Why the last response with [`Verdict::FailedCall`] is none of a successful call.
    fn complaint(_shared: &Self::Shared) -> &str {
        ""
    }

    /// Whether a part of a response has arrived.
    fn is_within_response(&self) -> bool;

    /// Whether the server has ended the connection and nothing is left on it.
    fn is_over(&self) -> bool {
        false
    }

    /// Whether as many requests have been sent on this socket as may be.
    fn is_used_up(&self) -> bool;

    /// What a connection that ends tells about a server that has not spoken this protocol on it.
    fn unspoken(&self) -> Option<Self::Error> {
        None
    }

    /// What the server is to hear before the connection is closed, for such an error if one.
    fn farewell(&self, _error: Option<&Self::Error>) -> Vec<u8> {
        Vec::new()
    }

    /// The socket is gone: forgets the response being read; requests stay, to be sent anew.
    fn disconnect(&mut self);

    /// Gives up so many requests, the first of [`Protocol::flights`].
    fn abandon(&mut self, count: usize);

    /// Gives up one of the requests that were sent then or before, when others can go on.
    fn cancel(&mut self, _deadline_ns: u64) -> Option<Flight> {
        None
    }

    /// Responses whose body was taken as it came although there is a rule for it.
    fn unchecked(shared: &Self::Shared) -> u64;

    /// What servers have said about themselves.
    fn peer(_shared: &Self::Shared) -> Option<PeerSettings> {
        None
    }
}
