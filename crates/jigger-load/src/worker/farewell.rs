//! The end of a load. A client that closes with an answer under way makes the kernel reset the
//! connection, and many a server logs that with a whole traceback; so the last answers are heard
//! out. Nothing of it is counted.

use super::{Phase, Worker};
use crate::io::{Driver, Ready};
use rustix::io::Errno;

/// How long the last answers are waited for.
const PATIENCE_NS: u64 = 1_000_000_000;

impl<D: Driver> Worker<'_, D> {
    /// Closes each connection when its last answer has come, and what is open then when patience
    /// is at its end.
    ///
    /// # Errors
    /// Only when waiting itself fails.
    pub(super) fn take_leave(&mut self, ready: &mut Vec<Ready>) -> Result<(), Errno> {
        let mut open = 0_usize;
        for slot in &mut self.slots {
            if slot.phase == Phase::Open && slot.rest.is_empty() && slot.sent > 0 {
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
            open -= ready.iter().filter(|event| self.hears_out(event.token as usize)).count();
        }
        Ok(())
    }

    /// Whether this connection was open and has brought its last answer now, or can bring none.
    fn hears_out(&mut self, index: usize) -> bool {
        let Some(slot) = self.slots.get_mut(index) else { return false };
        let Some(socket) = &slot.socket else { return false };
        let over = loop {
            let received = match self.driver.receive(socket, &mut self.buffer) {
                Ok(received) if received.bytes > 0 => received,
                Err(Errno::AGAIN) => break false,
                Ok(_) | Err(_) => break true,
            };
            let mut input = &self.buffer[..received.bytes];
            let broken = loop {
                match slot.connection.absorb(&mut input, &self.load.expect, &mut self.memory) {
                    Ok(Some(_)) if input.is_empty() => break false,
                    Ok(Some(_)) => {}
                    Ok(None) => break false,
                    Err(_) => break true,
                }
            };
            // More than was asked for is cut off with the connection.
            if broken || slot.connection.flights().is_empty() {
                break true;
            }
            if received.bytes < self.buffer.len() {
                break false;
            }
        };
        if over {
            slot.socket = None;
        }
        over
    }
}
