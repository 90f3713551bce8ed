//! Where a thread's requests come from.
//!
//! Each kind of source is compiled into a worker of its own, so that what one of them needs from the
//! worker costs the others nothing.

pub(crate) mod encoded;
pub mod hooks;
pub(crate) mod in_session;
pub(crate) mod mix;
pub mod request;
pub(crate) mod streamed;
pub(crate) mod template;

use crate::protocol::{Flight, Protocol, Sink};
use std::ops::Range;

/// One thread's requests, encoded for connections that speak `P`; these are known by their numbers.
pub(crate) trait Source<P: Protocol> {
    /// Whether requests come in batches: first a pause, then requests that go out together, then
    /// nothing until all have their response. The response time is then that of the batch, unless
    /// [`Load::times_batches`](crate::Load::times_batches) is off.
    const IN_BATCHES: bool = false;

    /// Whether there are several requests, each with its expectation and figures.
    const IS_MIXED: bool = false;

    /// Whether requests are gRPC calls.
    const IS_GRPC: bool = false;

    /// How long the next batch of a connection is to wait, in nanoseconds.
    fn pause_ns(&mut self) -> u64 {
        0
    }

    /// Gets the next requests of a connection ready, which has room for so many; how many there
    /// are. A batch is as long as it is.
    fn prepare(&mut self, _connection: usize, room: usize) -> usize {
        room
    }

    /// The next request of a connection, begun at `now_ns`.
    fn next(&mut self, connection: usize, due_ns: u64, now_ns: u64) -> Flight;

    /// Lays the unsent requests of a connection out in a row, behind what is laid out already;
    /// where, for [`Source::bytes`]. The same request has the same bytes each time.
    fn lay_out(&mut self, connection: usize, conversation: &mut P) -> Range<usize>;

    /// What stands there.
    fn bytes(&self, connection: usize, laid_out: Range<usize>) -> &[u8];

    /// Whether enough is laid out for one turn.
    fn is_full(&self) -> bool {
        false
    }

    /// Clears away what is laid out from there on.
    fn clear(&mut self, _from: usize) {}

    /// What takes the response that a connection is reading.
    fn sink(&mut self, _connection: usize) -> impl Sink {}

    /// A response is complete.
    fn response(&mut self, _connection: usize, _status: u16) {}

    /// Whether the source has ended its thread.
    fn has_ended(&self) -> bool {
        false
    }
}
