//! What the null server responds with, encoded once.

use crate::grpc;
use crate::protocol::http2::hpack::literals;
use std::time::{Duration, Instant};

/// Responses encoded once.
#[derive(Debug)]
pub(super) struct Responses {
    /// The same response many times, so that pipelined requests get their responses in one write.
    repeated: Vec<u8>,
    one_bytes: usize,
    /// The last response of a connection.
    closing: Vec<u8>,
    /// The response without its body, for `HEAD`.
    head: Vec<u8>,
    http2: Encoded,
    grpc: Encoded,
    work: Duration,
}

/// The response as HTTP/2 has it.
#[derive(Debug)]
pub(super) struct Encoded {
    pub(super) block: Vec<u8>,
    pub(super) body: Vec<u8>,
    /// Empty for none.
    pub(super) trailers: Vec<u8>,
}

const REPEATED: usize = 64;

impl Responses {
    pub(super) fn new(body: &[u8], work: Duration) -> Responses {
        let head = |connection: &str| {
            let length = body.len();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\
                 Connection: {connection}\r\n\r\n"
            );
            head.into_bytes()
        };
        // In so many words: clients of HTTP/1.0, ab among them, keep a connection only then.
        let kept = head("keep-alive");
        let one = [&kept, body].concat();
        let times = if one.len() < 1024 { REPEATED } else { 1 };
        Responses {
            repeated: one.repeat(times),
            one_bytes: one.len(),
            closing: [&head("close"), body].concat(),
            head: kept,
            http2: Encoded::new(body),
            grpc: Encoded::grpc(body),
            work,
        }
    }

    /// Whether a response takes no work.
    pub(super) fn are_instant(&self) -> bool {
        self.work.is_zero()
    }

    /// The usual response.
    pub(super) fn one(&self) -> &[u8] {
        &self.repeated[..self.one_bytes]
    }

    /// The usual response so many times, or as often as fit one write; how often.
    pub(super) fn several(&self, count: usize) -> (usize, &[u8]) {
        let now = count.min(self.repeated.len() / self.one_bytes);
        (now, &self.repeated[..now * self.one_bytes])
    }

    /// The last response of a connection.
    pub(super) fn closing(&self) -> &[u8] {
        &self.closing
    }

    /// The response without its body, for `HEAD`.
    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    /// The response as HTTP/2 has it, or that to a gRPC call.
    pub(super) fn http2(&self, is_grpc: bool) -> &Encoded {
        if is_grpc { &self.grpc } else { &self.http2 }
    }

    pub(super) fn work(&self, responses: usize) {
        if self.are_instant() {
            return;
        }
        let work = self.work * u32::try_from(responses).unwrap_or(u32::MAX);
        let begin = Instant::now();
        while begin.elapsed() < work {
            std::hint::spin_loop();
        }
    }
}

impl Encoded {
    fn new(body: &[u8]) -> Encoded {
        let length = body.len().to_string();
        let fields = literals(&[("content-type", "text/plain"), ("content-length", &length)]);
        Encoded { block: [&[OK][..], &fields].concat(), body: body.to_vec(), trailers: Vec::new() }
    }

    /// The body is the message.
    fn grpc(message: &[u8]) -> Encoded {
        let fields = literals(&[("content-type", grpc::CONTENT_TYPE)]);
        Encoded {
            block: [&[OK][..], &fields].concat(),
            body: grpc::framed(message).unwrap_or_default(),
            trailers: literals(&[("grpc-status", "0")]),
        }
    }
}

/// Status 200 by its index.
const OK: u8 = 0x88;
