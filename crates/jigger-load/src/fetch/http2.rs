//! The same over HTTP/2, by the same code as under load.

use super::{FetchError, Reading, Response, Stream};
use crate::expect::Expect;
use crate::protocol::http2::hpack::Encoder;
use crate::protocol::http2::{Http2, Http2Fault, Memory, Requests};
use crate::protocol::{Flight, Protocol, Sink, Unusable};
use crate::source::encoded::Encoded;
use crate::source::request::Request;
use std::io::Read;
use std::time::{Duration, Instant};

/// A connection's conversation.
#[derive(Debug)]
pub(super) struct Session {
    http2: Http2,
    memory: Memory,
}

impl Default for Session {
    fn default() -> Session {
        Session { http2: Http2::new(1, u64::MAX), memory: Memory::default() }
    }
}

/// A single request whose fields the server is not to keep: the next one may have others.
struct Passing(Encoded);

impl Requests for Passing {
    fn header_block(&mut self, flight: &Flight, _: &mut Encoder, out: &mut Vec<u8>) {
        let mut encoder = Encoder::default();
        encoder.limit(0);
        self.0.header_block(flight, &mut encoder, out);
    }

    fn body(&mut self, flight: &Flight) -> &[u8] {
        self.0.body(flight)
    }
}

/// The response so far.
#[derive(Default)]
struct Whole {
    fields: Vec<(String, String)>,
    trailers: Vec<(String, String)>,
    head_bytes: usize,
    body: Vec<u8>,
    has_body: bool,
    max_body_bytes: u64,
    is_too_long: bool,
}

impl Sink for &mut Whole {
    const WANTS_FIELDS: bool = true;

    fn field(&mut self, name: &[u8], value: &[u8]) {
        if name == b":status" {
            self.fields.clear();
            self.head_bytes = 0;
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        // What follows a body are trailers.
        if self.has_body {
            return self.trailers.push((text(name), text(value)));
        }
        self.head_bytes += name.len() + value.len();
        if name != b":status" {
            self.fields.push((text(name), text(value)));
        }
    }

    fn data(&mut self, piece: &[u8]) {
        self.has_body = true;
        self.is_too_long |= (self.body.len() + piece.len()) as u64 > self.max_body_bytes;
        if !self.is_too_long {
            self.body.extend_from_slice(piece);
        }
    }
}

impl Session {
    /// Sends the request; the response lacks its time and whether the connection goes on.
    pub(super) fn ask(
        &mut self,
        stream: &mut Stream,
        request: &Request,
        reading: &mut Reading,
    ) -> Result<Response, FetchError> {
        let is_head = request.is_head();
        let scheme = if stream.agreement().is_some() { "https" } else { "http" };
        let mut requests = Passing(Encoded::new(&[(request.clone(), 1)], scheme, 0));
        let mut whole = Whole { max_body_bytes: reading.max_body_bytes, ..Whole::default() };
        let mut buffer = vec![0; 16 << 10];
        self.http2.begin(Flight { is_head, ..Flight::default() });
        loop {
            while self.http2.is_due() {
                let mut out = Vec::new();
                self.http2.lay_out(&mut requests, &mut out);
                self.http2.mark_sent();
                reading.write(stream, &out)?;
            }
            let count = match (reading.receive(stream, &mut buffer), self.http2.unspoken()) {
                (Ok(0) | Err(FetchError::Broken { .. }), Some(fault)) => {
                    return Err(FetchError::Http2(fault));
                }
                (Ok(0), None) => return Err(reading.ended()),
                (received, _) => received?,
            };
            let status = self.take(&buffer[..count], &mut whole)?;
            if whole.is_too_long {
                return Err(FetchError::TooLong(reading.max_body_bytes));
            }
            if let Some(status) = status {
                return Ok(Response {
                    status,
                    version: "HTTP/2",
                    headers: whole.fields,
                    trailers: whole.trailers,
                    body: whole.body,
                    header_bytes: whole.head_bytes,
                    server_closes: false,
                    elapsed: Duration::ZERO,
                    tls: stream.agreement(),
                });
            }
        }
    }

    /// Takes what the server sends; the status of the response, when it is complete.
    fn take(&mut self, mut input: &[u8], whole: &mut Whole) -> Result<Option<u16>, FetchError> {
        let (any, mut status) = (Expect::default(), None);
        loop {
            match self.http2.absorb(&mut input, &any, &mut self.memory, &mut *whole) {
                Ok(None) => return Ok(status),
                Ok(Some(response)) => status = Some(response.status),
                Err(Unusable::Closing | Unusable::Surplus) if status.is_some() => {
                    return Ok(status);
                }
                Err(Unusable::Closing | Unusable::Surplus) => {
                    return Err(FetchError::Http2(Http2Fault::ENDED));
                }
                Err(Unusable::Malformed(fault) | Unusable::Lost(_, fault)) => {
                    return Err(FetchError::Http2(fault));
                }
            }
        }
    }

    /// Whether the server ends the connection within `patience`; it may say other things meanwhile.
    pub(super) fn ends_within(&mut self, stream: &mut Stream, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut buffer = vec![0; 16 << 10];
        while !self.http2.is_over() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            if stream.set_timeout(left).is_err() {
                return true;
            }
            match stream.read(&mut buffer) {
                Ok(0) => return true,
                Ok(count) => {
                    if self.take(&buffer[..count], &mut Whole::default()).is_err() {
                        return true;
                    }
                }
                Err(error) => return !super::is_timeout(&error),
            }
        }
        true
    }
}
