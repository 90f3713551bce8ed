//! The messages that go out together.

use crate::protocol::http1::parser::chunked::{Chunk, Chunked};
use std::ops::{Range, RangeInclusive};

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
    #[error("message {0} is no HTTP/1.1 request: {1}")]
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
        self.bytes.clear();
        self.messages.clear();
        let mut rest = bytes;
        let mut found = Vec::new();
        while !rest.is_empty() {
            let is_head = take_message(&mut rest, found.len() + 1)?;
            found.push(Message { end: bytes.len() - rest.len(), is_head });
        }
        if found.is_empty() {
            return Err(BatchError::Empty);
        }
        self.bytes.extend_from_slice(bytes);
        self.messages = found;
        Ok(())
    }

    /// How many messages it holds.
    #[must_use]
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
