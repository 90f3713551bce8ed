//! The same requests as `mix.rs` has, as HTTP/2 sends them.

use super::Source;
use super::encoded::{Encoded, EncodedIn};
use super::mix::{FULL_BYTES, Mix};
use crate::protocol::http2::Http2;
use crate::protocol::{Flight, Sink};
use crate::session::Session;
use std::ops::Range;

/// Requests in one row behind all else that their connections have to send. `MIXED`: there are
/// several, or one with holes to be filled. `GRPC`: they are gRPC calls.
#[derive(Debug)]
pub(crate) struct Streamed<'a, const MIXED: bool, const GRPC: bool = false> {
    mix: Mix<'a>,
    is_head: bool,
    encoded: Encoded,
    row: Vec<u8>,
}

/// Keeps nothing of responses, and knows whether they are those of gRPC calls.
struct Unkept<const GRPC: bool>;

impl<const GRPC: bool> Sink for Unkept<GRPC> {
    const IS_GRPC: bool = GRPC;

    fn data(&mut self, _: &[u8]) {}
}

impl<'a, const MIXED: bool, const GRPC: bool> Streamed<'a, MIXED, GRPC> {
    pub(crate) fn new(mix: Mix<'a>, is_head: bool, encoded: Encoded) -> Streamed<'a, MIXED, GRPC> {
        Streamed { mix, is_head, encoded, row: Vec::new() }
    }

    /// Lays the unsent requests out as a connection with this session sends them.
    pub(super) fn lay_out_in(
        &mut self,
        session: &Session,
        conversation: &mut Http2,
    ) -> Range<usize> {
        let begin = self.row.len();
        let mut requests = EncodedIn { encoded: &mut self.encoded, session };
        conversation.lay_out(&mut requests, &mut self.row);
        begin..self.row.len()
    }
}

impl<const MIXED: bool, const GRPC: bool> Source<Http2> for Streamed<'_, MIXED, GRPC> {
    const IS_MIXED: bool = MIXED;
    const IS_GRPC: bool = GRPC;

    #[inline]
    fn next(&mut self, _: usize, due_ns: u64, now_ns: u64) -> Flight {
        if MIXED {
            return self.mix.draw(due_ns, now_ns);
        }
        Flight { due_ns, started_ns: now_ns, counter: 0, request: 0, is_head: self.is_head }
    }

    fn lay_out(&mut self, _: usize, conversation: &mut Http2) -> Range<usize> {
        let begin = self.row.len();
        conversation.lay_out(&mut self.encoded, &mut self.row);
        begin..self.row.len()
    }

    fn bytes(&self, _: usize, laid_out: Range<usize>) -> &[u8] {
        &self.row[laid_out]
    }

    fn sink(&mut self, _: usize) -> impl Sink {
        Unkept::<GRPC>
    }

    fn is_full(&self) -> bool {
        self.row.len() >= FULL_BYTES
    }

    fn clear(&mut self, from: usize) {
        self.row.truncate(from);
    }
}
