//! HTTP/1.1 responses, parsed incrementally and without I/O (RFC 9112).
//!
//! The head is httparse's work; the framing of the body is decided here. Anything that two
//! readers could frame differently (two different lengths, a length beside chunked) is an error, never
//! a guess (RFC 9112, section 6.3).

pub(crate) mod chunked;
mod head;

use chunked::{Chunk, Chunked};
pub(crate) use head::{Head, fields, version};
use head::{Parsed, parse};

/// The longest head accepted.
pub const HEAD_MAX_BYTES: usize = 64 << 10;

/// Below this an incomplete head is parsed anew with every piece, so that garbage is noticed
/// at once however it is split; above it only when a line ends, to stay linear.
const ALWAYS_PARSE_BYTES: usize = 1 << 10;

/// Why bytes are no HTTP/1.1 response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The head's grammar.
    #[error("the head is not HTTP/1.1 ({0})")]
    Head(httparse::Error),
    /// What begins as HTTP/2 does, where HTTP/1.1 was asked for.
    #[error("the server seems to speak HTTP/2 on this port; load it with HTTP/2")]
    Http2,
    /// TLS where plain HTTP was asked for (RFC 8446, section 5.1: an alert or a handshake record).
    #[error("the server speaks TLS on this port; write https:// in the URL")]
    Tls,
    /// More than 64 KiB.
    #[error("the head is longer than 64 KiB")]
    HeadTooLong,
    /// A status of other than three digits that begin with 1 to 9.
    #[error("the status {0} is not between 100 and 999")]
    Status(u16),
    /// Protocol switch without a request for it.
    #[error("the server switched protocols (101) without a request to do so")]
    Switched,
    /// `Content-Length` more than once, with different values.
    #[error("Content-Length is given twice, with different values")]
    TwoLengths,
    /// `Content-Length` that is no decimal number below 10^18.
    #[error("Content-Length is not a number")]
    BadLength,
    /// `Content-Length` beside `Transfer-Encoding`.
    #[error("the head has both Content-Length and Transfer-Encoding")]
    LengthAndEncoding,
    /// `Transfer-Encoding` in HTTP/1.0, or chunked twice, or not last.
    #[error("Transfer-Encoding is not valid here")]
    BadEncoding,
    /// The framing of a chunk.
    #[error("the chunked body is broken: {0}")]
    Chunk(&'static str),
    /// Bytes that belong to no request.
    #[error("a response arrived before its request was sent")]
    Unasked,
}

/// What the parser found next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event<'a> {
    /// The final head (1xx heads are skipped).
    Head(Head),
    /// A piece of the body, never empty.
    Data(&'a [u8]),
    /// The response is complete.
    End,
    /// The input is used up.
    More,
}

/// How the body ends (RFC 9112, section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// After that many bytes.
    Length(u64),
    /// With the last chunk.
    Chunked,
    /// With the connection.
    UntilClose,
}

/// Where in a response a connection stands.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    state: State,
    /// A head of which only a part has arrived.
    stash: Vec<u8>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Head,
    Length(u64),
    Chunked(Chunked),
    UntilClose,
}

/// The last head parsed, shared by a thread's connections. Most responses of a server are equal
/// up to a `Date` that changes once a second, and comparing costs a tenth of parsing.
#[derive(Debug, Default)]
pub(crate) struct Memo {
    bytes: Vec<u8>,
    to_head: bool,
    head: Option<Head>,
}

impl Memo {
    /// The bytes of the last final head.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn recall(&self, input: &[u8], to_head: bool) -> Option<Head> {
        let head = self.head?;
        (self.to_head == to_head && input.starts_with(&self.bytes)).then_some(head)
    }

    fn keep(&mut self, bytes: &[u8], head: Head, to_head: bool) {
        self.bytes.clear();
        self.bytes.extend_from_slice(bytes);
        self.to_head = to_head;
        self.head = Some(head);
    }
}

impl Parser {
    /// Takes from `input` what makes up the next event. `to_head`: the request was `HEAD`.
    pub(crate) fn next<'a>(
        &mut self,
        input: &mut &'a [u8],
        to_head: bool,
        memo: &mut Memo,
    ) -> Result<Event<'a>, Malformed> {
        match &mut self.state {
            State::Head => self.head(input, to_head, memo),
            State::Length(0) => {
                self.state = State::Head;
                Ok(Event::End)
            }
            State::Length(left) => {
                let length = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
                *left -= length as u64;
                Ok(data(take(input, length)))
            }
            State::UntilClose => Ok(data(std::mem::take(input))),
            State::Chunked(chunked) => match chunked.next(input)? {
                Chunk::Data(piece) => Ok(Event::Data(piece)),
                Chunk::More => Ok(Event::More),
                Chunk::End => {
                    self.state = State::Head;
                    Ok(Event::End)
                }
            },
        }
    }

    /// The connection has ended: whether that completes the response under way.
    pub(crate) fn close_completes(&mut self) -> bool {
        let completes = matches!(self.state, State::UntilClose);
        self.reset();
        completes
    }

    /// Back to the beginning of a response, for a new connection.
    pub(crate) fn reset(&mut self) {
        self.state = State::Head;
        self.stash = Vec::new();
    }

    /// Whether a part of a response has arrived.
    pub(crate) fn is_within_response(&self) -> bool {
        !matches!(self.state, State::Head) || !self.stash.is_empty()
    }

    fn head<'a>(
        &mut self,
        input: &mut &'a [u8],
        to_head: bool,
        memo: &mut Memo,
    ) -> Result<Event<'a>, Malformed> {
        while !input.is_empty() {
            if self.stash.is_empty()
                && let Some(head) = memo.recall(input, to_head)
            {
                take(input, memo.bytes.len());
                return Ok(self.begin(head));
            }
            let Some(head) = self.parse_head(input, to_head, memo)? else {
                continue;
            };
            return Ok(self.begin(head));
        }
        Ok(Event::More)
    }

    /// `None` when the input held no final head; it is then used up, or past a 1xx head.
    fn parse_head(
        &mut self,
        input: &mut &[u8],
        to_head: bool,
        memo: &mut Memo,
    ) -> Result<Option<Head>, Malformed> {
        let stashed = self.stash.len();
        if stashed > 0 {
            self.stash.extend_from_slice(input);
            if stashed > ALWAYS_PARSE_BYTES && !input.contains(&b'\n') {
                take(input, input.len());
                return self.check_stash().map(|()| None);
            }
        }
        let bytes: &[u8] = if stashed > 0 { &self.stash } else { input };
        let (head, length) = match parse(bytes, to_head)? {
            Parsed::Partial => {
                if stashed == 0 {
                    self.stash.extend_from_slice(input);
                }
                take(input, input.len());
                return self.check_stash().map(|()| None);
            }
            Parsed::Interim(length) => (None, length),
            Parsed::Final(head, length) => {
                memo.keep(&bytes[..length], head, to_head);
                (Some(head), length)
            }
        };
        take(input, length - stashed);
        self.stash = Vec::new();
        Ok(head)
    }

    fn check_stash(&self) -> Result<(), Malformed> {
        if self.stash.len() > HEAD_MAX_BYTES { Err(Malformed::HeadTooLong) } else { Ok(()) }
    }

    fn begin(&mut self, head: Head) -> Event<'static> {
        self.state = match head.framing {
            Framing::Length(bytes) => State::Length(bytes),
            Framing::Chunked => State::Chunked(Chunked::default()),
            Framing::UntilClose => State::UntilClose,
        };
        Event::Head(head)
    }
}

fn data(piece: &[u8]) -> Event<'_> {
    if piece.is_empty() { Event::More } else { Event::Data(piece) }
}

fn take<'a>(input: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (taken, rest) = input.split_at(length);
    *input = rest;
    taken
}

#[cfg(test)]
mod tests;
