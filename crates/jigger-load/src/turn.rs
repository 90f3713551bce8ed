//! How many sockets the engine and the null server read before they send, and where they put what
//! they read.
//!
//! Both work in turns: up to [`AT_ONCE`] sockets are read, then what came is looked at, then all is
//! sent. Reading and sending are loops with next to nothing in between, and the calls into the
//! kernel stand in these loops themselves. Both were found by measuring: to alternate costs the
//! client 2.5 to 4.5 % more CPU time, and the kernel can take a quarter longer for a call from
//! within a function that returns afterwards (docs/performance.md; `--bench truth -- calls`).

/// So many sockets are read before anything is sent.
pub(crate) const AT_ONCE: usize = 16;
/// One read takes an answer or a request of this size whole.
pub(crate) const READ_BYTES: usize = 64 << 10;
/// What is read in a turn stands one behind the other.
pub(crate) const BUFFER_BYTES: usize = 2 * READ_BYTES;
/// Each begins on a cache line of its own.
const LINE_BYTES: usize = 64;

/// Whether the buffer has room for a read there.
pub(crate) fn has_room(from: usize) -> bool {
    from <= BUFFER_BYTES - READ_BYTES
}

/// Where the next read goes, after one of so many bytes there.
pub(crate) fn behind(from: usize, bytes: usize) -> usize {
    from + bytes.next_multiple_of(LINE_BYTES)
}
