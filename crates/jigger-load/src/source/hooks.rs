//! Hooks: what a program may do at each request and each response of a load.

use super::Source;
use crate::protocol::http1::Http1;
use crate::protocol::http1::parser::chunked::{Chunk, Chunked};
use crate::protocol::http1::parser::fields;
use crate::protocol::{Flight, Sink};
use std::ops::{Range, RangeInclusive};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// One thread's hooks. Each connection goes round: delay, request, its responses, delay, ...
pub trait Hooks: Send + 'static {
    /// Called before each batch: how long its connection waits first.
    fn delay(&mut self) -> (Duration, HookAction);

    /// Fills the next batch: one message, or several to be sent before the first response. One
    /// without messages is the connection's last; when all have had theirs, the thread ends.
    fn request(&mut self, batch: &mut Batch) -> HookAction;

    /// Whether [`Hooks::response`] is to be called. Only then are responses kept whole.
    fn wants_responses(&self) -> bool;

    /// Takes a complete response.
    fn response(&mut self, response: &WholeResponse<'_>) -> HookAction;
}

/// What a hook wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookAction {
    /// Go on.
    Continue,
    /// This thread ends; a batch just filled is still sent. The others go on.
    EndThread,
    /// All threads end, with what was measured.
    EndLoad,
}

/// A response with its head and body.
#[derive(Clone, Copy, Debug)]
pub struct WholeResponse<'a> {
    /// 200 to 599.
    pub status: u16,
    /// The head's bytes, status line and closing empty line included.
    pub head: &'a [u8],
    /// The body, without its framing.
    pub body: &'a [u8],
}

impl WholeResponse<'_> {
    /// The header fields in order, names as the server wrote them.
    pub fn headers(&self) -> Vec<(String, String)> {
        fields(self.head)
    }
}

/// What the hooks of a thread have each of its connections send.
pub(crate) struct Hooked<'a, H> {
    hooks: H,
    wants_responses: bool,
    exchanges: Vec<Exchange>,
    /// Ends all threads.
    stop: &'a AtomicBool,
    has_ended: bool,
    /// Connections that have nothing more to send.
    silent: usize,
    /// Which message of the batch just filled is the next.
    message: u32,
}

/// A connection's batch, and the response that it is reading.
#[derive(Default)]
struct Exchange {
    batch: Batch,
    head: Vec<u8>,
    body: Vec<u8>,
    is_silent: bool,
}

impl<'a, H: Hooks> Hooked<'a, H> {
    pub(crate) fn new(hooks: H, connections: usize, stop: &'a AtomicBool) -> Hooked<'a, H> {
        let exchanges = (0..connections).map(|_| Exchange::default()).collect();
        let wants_responses = hooks.wants_responses();
        Hooked { hooks, wants_responses, exchanges, stop, has_ended: false, silent: 0, message: 0 }
    }

    fn silence(&mut self, connection: usize) {
        self.exchanges[connection].is_silent = true;
        self.silent += 1;
        self.has_ended |= self.silent == self.exchanges.len();
    }

    fn obey(&mut self, action: HookAction) {
        self.has_ended |= action != HookAction::Continue;
        if action == HookAction::EndLoad {
            self.stop.store(true, Ordering::Relaxed);
        }
    }
}

impl<H: Hooks> Source<Http1> for Hooked<'_, H> {
    const IN_BATCHES: bool = true;

    fn pause_ns(&mut self) -> u64 {
        if self.has_ended {
            return 0;
        }
        let (delay, action) = self.hooks.delay();
        self.obey(action);
        u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX)
    }

    fn prepare(&mut self, connection: usize, _: usize) -> usize {
        if self.has_ended || self.exchanges[connection].is_silent {
            return 0;
        }
        let batch = &mut self.exchanges[connection].batch;
        let action = self.hooks.request(batch);
        let messages = batch.messages();
        self.message = 0;
        self.obey(action);
        if messages == 0 {
            self.silence(connection);
        }
        if action == HookAction::EndLoad { 0 } else { messages }
    }

    fn next(&mut self, connection: usize, due_ns: u64, now_ns: u64) -> Flight {
        let request = self.message;
        self.message += 1;
        let is_head = self.exchanges[connection].batch.is_head(request as usize);
        Flight { due_ns, started_ns: now_ns, counter: 0, request, is_head }
    }

    fn lay_out(&mut self, connection: usize, conversation: &mut Http1) -> Range<usize> {
        let flights = conversation.unsent_flights();
        let mut messages = flights.map(|flight| flight.request as usize);
        let Some(first) = messages.next() else { return 0..0 };
        self.exchanges[connection].batch.place(first..=messages.next_back().unwrap_or(first))
    }

    fn bytes(&self, connection: usize, laid_out: Range<usize>) -> &[u8] {
        &self.exchanges[connection].batch.bytes()[laid_out]
    }

    fn sink(&mut self, connection: usize) -> impl Sink {
        self.wants_responses.then(|| &mut self.exchanges[connection])
    }

    fn response(&mut self, connection: usize, status: u16) {
        if self.wants_responses {
            let Exchange { head, body, .. } = &self.exchanges[connection];
            let action = self.hooks.response(&WholeResponse { status, head, body });
            self.obey(action);
        }
    }

    fn has_ended(&self) -> bool {
        self.has_ended
    }
}

impl Sink for Option<&mut Exchange> {
    fn head(&mut self, bytes: &[u8]) {
        if let Some(exchange) = self {
            exchange.head.clear();
            exchange.head.extend_from_slice(bytes);
            exchange.body.clear();
        }
    }

    fn data(&mut self, piece: &[u8]) {
        if let Some(exchange) = self {
            exchange.body.extend_from_slice(piece);
        }
    }
}

/// The most header fields of a request.
const FIELDS_MAX: usize = 128;

/// One or more HTTP/1.1 requests, sent before the first of their responses.
#[derive(Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    messages: Vec<Message>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Message {
    /// Where it ends among the bytes.
    end: usize,
    /// Whether it is a `HEAD`, the response to which has no body.
    is_head: bool,
}

/// Why bytes are no whole requests.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// Nothing to send.
    #[error("the request is empty")]
    Empty,
    /// The head's grammar.
    #[error("message {0} is not an HTTP/1.1 request: {1}")]
    Malformed(usize, httparse::Error),
    /// The last message lacks its end.
    #[error(
        "message {0} is incomplete: end its head with an empty line, and give as much body as Content-Length says"
    )]
    Incomplete(usize),
    /// A chunked body whose framing is broken, or a length that is no number.
    #[error("the body of message {0} has no valid length")]
    Body(usize),
}

impl Batch {
    /// Takes the messages in place of those before.
    ///
    /// # Errors
    /// [`BatchError`] when they are not whole requests; the batch is then empty.
    pub fn fill(&mut self, bytes: &[u8]) -> Result<(), BatchError> {
        // A script often gives the same message again.
        if !self.bytes.is_empty() && self.bytes == bytes {
            return Ok(());
        }
        self.clear();
        let mut rest = bytes;
        let mut found = Vec::new();
        while !rest.is_empty() {
            let is_head = take_message(&mut rest, found.len() + 1)?;
            // Servers skip empty lines before a message (RFC 9112, section 2.2), and scripts put some
            // behind a body.
            if rest.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
                rest = &[];
            }
            found.push(Message { end: bytes.len() - rest.len(), is_head });
        }
        if found.is_empty() {
            return Err(BatchError::Empty);
        }
        self.bytes.extend_from_slice(bytes);
        self.messages = found;
        Ok(())
    }

    /// Leaves nothing to send.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.messages.clear();
    }

    /// How many messages it holds.
    pub fn messages(&self) -> usize {
        self.messages.len()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether a message is a `HEAD`.
    pub(super) fn is_head(&self, message: usize) -> bool {
        self.messages[message].is_head
    }

    /// Where these messages stand among the bytes.
    pub(super) fn place(&self, messages: RangeInclusive<usize>) -> Range<usize> {
        let begin = messages.start().checked_sub(1).map_or(0, |before| self.messages[before].end);
        begin..self.messages[*messages.end()].end
    }
}

/// Takes message number `number` off the bytes; whether it is a `HEAD`.
fn take_message(rest: &mut &[u8], number: usize) -> Result<bool, BatchError> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
    let mut request = httparse::Request::new(&mut fields);
    let parsed = request.parse(rest).map_err(|error| BatchError::Malformed(number, error))?;
    let httparse::Status::Complete(head_bytes) = parsed else {
        return Err(BatchError::Incomplete(number));
    };
    let is_head = request.method == Some("HEAD");
    let framing = framing(&request, number)?;
    *rest = &rest[head_bytes..];
    match framing {
        Framing::Length(bytes) if bytes > rest.len() => Err(BatchError::Incomplete(number)),
        Framing::Length(bytes) => {
            *rest = &rest[bytes..];
            Ok(is_head)
        }
        Framing::Chunked => skip_chunks(rest, number).map(|()| is_head),
    }
}

enum Framing {
    Length(usize),
    Chunked,
}

/// RFC 9112, section 6.3: without either field a request has no body.
fn framing(request: &httparse::Request<'_, '_>, number: usize) -> Result<Framing, BatchError> {
    let value = |name: &str| {
        let field = request.headers.iter().find(|field| field.name.eq_ignore_ascii_case(name));
        field.map(|field| String::from_utf8_lossy(field.value).trim().to_owned())
    };
    if value("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        return Ok(Framing::Chunked);
    }
    let Some(length) = value("content-length") else {
        return Ok(Framing::Length(0));
    };
    length.parse().map(Framing::Length).map_err(|_| BatchError::Body(number))
}

fn skip_chunks(rest: &mut &[u8], number: usize) -> Result<(), BatchError> {
    let mut chunked = Chunked::default();
    loop {
        match chunked.next(rest).map_err(|_| BatchError::Body(number))? {
            Chunk::Data(_) => {}
            Chunk::More => return Err(BatchError::Incomplete(number)),
            Chunk::End => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heads(bytes: &str) -> Result<Vec<bool>, BatchError> {
        let mut batch = Batch::default();
        batch.fill(bytes.as_bytes())?;
        Ok((0..batch.messages()).map(|message| batch.is_head(message)).collect())
    }

    #[test]
    fn messages_are_told_apart_by_their_framing() {
        let get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
        let head = "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n";
        let post = "POST / HTTP/1.1\r\ncontent-length: 4\r\n\r\nGET ";
        let chunked = "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
        assert_eq!(heads(get), Ok(vec![false]));
        assert_eq!(heads(&[post, "\r\n"].concat()), Ok(vec![false]), "lines behind a body");
        assert_eq!(
            heads(&[post, head, chunked, get].concat()),
            Ok(vec![false, true, false, false])
        );
    }

    #[test]
    fn some_of_the_messages_can_be_had() {
        let mut batch = Batch::default();
        let (one, two) = ("GET /1 HTTP/1.1\r\n\r\n", "GET /two HTTP/1.1\r\n\r\n");
        let last_two = [two, one].concat();
        batch.fill([one, &last_two].concat().as_bytes()).unwrap();
        for (messages, wanted) in [(0..=0, one), (1..=1, two), (1..=2, &last_two)] {
            assert_eq!(&batch.bytes()[batch.place(messages)], wanted.as_bytes());
        }
    }

    #[test]
    fn what_is_no_whole_request_is_refused() {
        assert_eq!(heads(""), Err(BatchError::Empty));
        assert!(matches!(heads("\u{1}"), Err(BatchError::Malformed(1, _))));
        assert_eq!(heads("GET / HTTP/1.1\r\n"), Err(BatchError::Incomplete(1)));
        let short = "GET / HTTP/1.1\r\n\r\nPOST / HTTP/1.1\r\nContent-Length: 2\r\n\r\na";
        assert_eq!(heads(short), Err(BatchError::Incomplete(2)));
        let word = "POST / HTTP/1.1\r\nContent-Length: two\r\n\r\nab";
        assert_eq!(heads(word), Err(BatchError::Body(1)));
        let open = "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab";
        assert_eq!(heads(open), Err(BatchError::Incomplete(1)));
    }
}
