//! The one interface to the network: nothing else touches the sockets of a load.

mod epoll;

use crate::failure::ErrorKind;
use crate::sample::TlsSample;
pub(crate) use epoll::Epoll;
use rustix::io::Errno;

/// A backend: makes connections to one address, moves bytes, waits, and knows the time.
///
/// Calls never block, but `wait`. A would-be block is `Errno::AGAIN`.
pub(crate) trait Driver {
    /// A connection, perhaps still being made. Dropping it closes it.
    type Socket;

    /// The name for the record.
    const NAME: &'static str;

    /// Whether a connection that stands needs [`Driver::shake_hands`] before its first request.
    const SHAKES_HANDS: bool = false;

    /// Nanoseconds of a monotonic clock that all threads share.
    fn now_ns(&self) -> u64;

    /// The CPU time of the calling thread.
    fn cpu_ns(&self) -> u64;

    /// What to add to `now_ns` for the clock of [`Received::arrived_ns`].
    fn arrival_offset_ns(&self) -> u64;

    /// Begins a connection.
    fn connect(&mut self) -> Result<Self::Socket, Errno>;

    /// What became of a connection begun: an error, or none yet.
    fn connect_error(&mut self, socket: &Self::Socket) -> Option<Errno>;

    /// Reports when there is something to read, and, with `writable`, when there is room to
    /// write. `token` comes back in [`Ready`].
    fn watch(&mut self, socket: &mut Self::Socket, token: u32, writable: bool)
    -> Result<(), Errno>;

    /// Writes a part of the bytes; how many.
    fn send(&mut self, socket: &mut Self::Socket, bytes: &[u8]) -> Result<usize, Errno>;

    /// Reads; 0 bytes are the end of the stream.
    fn receive(&mut self, socket: &mut Self::Socket, buffer: &mut [u8]) -> Result<Received, Errno>;

    /// Waits for at most `timeout_ns` until sockets are ready, and lists them.
    fn wait(&mut self, timeout_ns: u64, ready: &mut Vec<Ready>) -> Result<(), Errno>;

    /// Sleeps so long without looking at the sockets.
    fn nap(&mut self, duration_ns: u64);

    /// Takes a connection a step nearer to its first request; reads only what `may_read`. What is
    /// written last may wait for the first [`Driver::send`].
    fn shake_hands(&mut self, _: &mut Self::Socket, _may_read: bool) -> Result<Shake, Errno> {
        Ok(Shake::Done)
    }

    /// What is behind an error of this socket, where the driver knows more than its number.
    fn explain(&mut self, _: &mut Self::Socket) -> Option<Failure> {
        None
    }

    /// Closes a connection in order.
    #[inline]
    fn close(&mut self, socket: Self::Socket) {
        drop(socket);
    }

    /// What came of the handshakes.
    fn handshakes(&mut self) -> Option<TlsSample> {
        None
    }
}

/// How far a handshake has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shake {
    /// The kernel has no room for what is to be sent, as before the connection stands.
    Writing,
    /// The other side has its turn.
    Reading,
    /// Requests may go out.
    Done,
}

/// Why a request failed, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) kind: ErrorKind,
    pub(crate) message: String,
}

/// What a read brought.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Received {
    pub(crate) bytes: usize,
    /// When the kernel got the last of them, by its wall clock.
    pub(crate) arrived_ns: Option<u64>,
}

/// A socket that is ready.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ready {
    pub(crate) token: u32,
    pub(crate) readable: bool,
    pub(crate) writable: bool,
    /// The other side will send no more.
    pub(crate) hung_up: bool,
}

/// `None` for a time before the clock's zero, which neither clock shows.
fn nanoseconds(seconds: i64, nanoseconds: i64) -> Option<u64> {
    Some(u64::try_from(seconds).ok()? * 1_000_000_000 + u64::try_from(nanoseconds).ok()?)
}

// How many sockets the engine and the null server read before they send, and where they put what
// they read.
//
// Both work in turns: up to `AT_ONCE` sockets are read, then what came is looked at, then all is
// sent. Reading and sending are loops with next to nothing in between, and the calls into the
// kernel stand in these loops themselves. Both were found by measuring: to alternate costs the
// client 2.5 to 4.5 % more CPU time, and the kernel can take a quarter longer for a call from
// within a function that returns afterwards (docs/performance.md; `--bench truth -- calls`).

/// So many sockets are read before anything is sent.
pub(crate) const AT_ONCE: usize = 16;
/// One read takes a response or a request of this size whole.
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

#[cfg(test)]
pub(crate) mod fake;
