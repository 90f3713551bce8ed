//! The end of a load. A client that closes with a response under way makes the kernel reset the
//! connection, and many a server logs that with a whole traceback; so the last responses are heard
//! out. No figure has them but their number.

use super::exchange::READS_MAX;
use super::{Phase, Worker};
use crate::io::{Driver, READ_BYTES, Ready};
use crate::protocol::Protocol;
use crate::source::Source;
use rustix::io::Errno;
use std::ops::Range;

/// How long the last responses are waited for.
const PATIENCE_NS: u64 = 1_000_000_000;

impl<D: Driver, P: Protocol, S: Source<P>> Worker<'_, D, P, S> {
    /// Closes each connection when its last response has come, and what is open then when patience
    /// is at its end.
    ///
    /// # Errors
    /// Only when waiting itself fails.
    pub(super) fn drain(&mut self, ready: &mut Vec<Ready>) -> Result<(), Errno> {
        if let Some((index, place)) = self.undrained.take()
            && self.takes_last(index, place)
        {
            self.slots[index].socket = None;
        }
        let mut open = 0_usize;
        for slot in &mut self.slots {
            let connection = &slot.connection;
            let is_asked =
                connection.sent() > 0 && connection.unsent() == 0 && slot.rest.is_empty();
            if is_asked && slot.phase == Phase::Open && slot.socket.is_some() {
                open += 1;
            } else {
                slot.socket = None;
            }
        }
        let until_ns = self.driver.now_ns().saturating_add(PATIENCE_NS);
        while open > 0 {
            let left_ns = until_ns.saturating_sub(self.driver.now_ns());
            if left_ns == 0 {
                break;
            }
            self.driver.wait(left_ns, ready)?;
            open -= ready.iter().filter(|event| self.is_drained(event.token as usize)).count();
        }
        Ok(())
    }

    /// Whether this connection was open and has brought its last response now, or can bring none.
    fn is_drained(&mut self, index: usize) -> bool {
        // Patience ends for a response without end, too.
        for _ in 0..READS_MAX {
            let Some(socket) = self.slots.get(index).and_then(|slot| slot.socket.as_ref()) else {
                return false;
            };
            let bytes = match self.driver.receive(socket, &mut self.buffer[..READ_BYTES]) {
                Ok(received) => received.bytes,
                Err(Errno::AGAIN) => return false,
                Err(_) => {
                    self.slots[index].socket = None;
                    return true;
                }
            };
            if self.takes_last(index, 0..bytes) {
                self.slots[index].socket = None;
                return true;
            }
            if bytes < READ_BYTES {
                return false;
            }
        }
        false
    }

    /// Whether what was read, nothing at the end of the stream, ends the conversation. More than
    /// was asked for is cut off with the connection.
    fn takes_last(&mut self, index: usize, place: Range<usize>) -> bool {
        let connection = &mut self.slots[index].connection;
        let mut input = &self.buffer[place.clone()];
        while !input.is_empty() {
            match connection.absorb(&mut input, &self.load.expect, &mut self.shared, ()) {
                Ok(Some(_)) => self.tally.drained += 1,
                Ok(None) => {}
                Err(_) => return true,
            }
        }
        if place.is_empty() {
            let last = connection.end_of_stream(&self.load.expect, &mut self.shared);
            self.tally.drained += u64::from(last.is_some());
        }
        place.is_empty() || connection.flights().is_empty()
    }
}
