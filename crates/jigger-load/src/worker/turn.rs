//! What a look at the sockets brought, some of them at a time: first they are read, then the
//! responses are taken, then the next requests go out. Why so: `io.rs`. Then the end of a load.

use super::exchange::{Look, READS_MAX};
use super::{Phase, Slot, Worker};
use crate::io::{AT_ONCE, Driver, READ_BYTES, Ready, Received, behind, has_room};
use crate::load::ConnectionPolicy;
use crate::protocol::{Protocol, Unusable};
use crate::source::Source;
use rustix::io::Errno;
use std::ops::Range;

/// A read of this turn.
pub(super) struct Arrival {
    slot: usize,
    /// Where in the buffer it stands.
    from: usize,
    received: Result<Received, Errno>,
    read_ns: u64,
    /// Whether there may be more to read.
    more: bool,
}

/// Requests of one connection that go out.
pub(super) struct Departure {
    slot: usize,
    /// Where its source has laid them out.
    laid_out: Range<usize>,
    /// How many bytes the kernel took.
    sent: Result<usize, Errno>,
    sent_ns: u64,
}

impl<D: Driver, P: Protocol, S: Source<P>> Worker<'_, D, P, S> {
    /// Deals with the sockets that are ready.
    pub(super) fn handle(&mut self, ready: &[Ready]) {
        let before_ns = self.now_ns;
        for events in ready.chunks(AT_ONCE) {
            self.read_ready(events);
            self.look_at_arrivals();
            self.attend_to_others(events);
            self.go_on(events.len() == 1);
            if self.now_ns >= self.end_ns || self.source.has_ended() {
                return;
            }
        }
        // Not every event tells the time.
        if self.now_ns == before_ns {
            self.now_ns = self.driver.now_ns();
        }
    }

    /// Reads the sockets that have something to read and nothing else to report, as long as the
    /// buffer has room. Where connections are fresh, a response is followed by the next
    /// connection at once.
    fn read_ready(&mut self, events: &[Ready]) {
        let mut from = 0;
        self.arrivals.clear();
        if self.load.connection == ConnectionPolicy::Fresh {
            return;
        }
        for event in events {
            let slot = event.token as usize;
            let Some(Slot { socket: Some(socket), phase, .. }) = self.slots.get_mut(slot) else {
                continue;
            };
            let is_plain = event.readable && !event.writable && !event.hung_up;
            if !is_plain || *phase != Phase::Open {
                continue;
            }
            if !has_room(from) {
                return;
            }
            let received = self.driver.receive(socket, &mut self.buffer[from..from + READ_BYTES]);
            let read_ns = self.driver.now_ns();
            self.arrivals.push(Arrival { slot, from, received, read_ns, more: false });
            if read_ns >= self.end_ns {
                return;
            }
            from = behind(from, received.map_or(0, |received| received.bytes));
        }
    }

    fn look_at_arrivals(&mut self) {
        for number in 0..self.arrivals.len() {
            let Arrival { slot, from, received, read_ns, .. } = self.arrivals[number];
            self.now_ns = read_ns;
            let look = self.look_at(slot, from, received, false);
            self.arrivals[number].more = look == Look::ReadOn;
        }
    }

    /// Deals with the events of sockets that have not been read, or not to the end.
    fn attend_to_others(&mut self, events: &[Ready]) {
        let mut arrived = 0;
        for event in events {
            if self.now_ns >= self.end_ns {
                return;
            }
            // Arrivals stand in the order of their events.
            match self.arrivals.get(arrived) {
                Some(arrival) if arrival.slot == event.token as usize => {
                    arrived += 1;
                    if arrival.more {
                        self.receive(arrival.slot, false, 1);
                    }
                }
                _ => self.event(*event),
            }
        }
    }

    fn event(&mut self, ready: Ready) {
        let index = ready.token as usize;
        let Some(slot) = self.slots.get(index) else {
            return;
        };
        match slot.phase {
            Phase::Connecting | Phase::Shaking if D::SHAKES_HANDS => {
                self.shake_hands(index, ready.readable, ready.writable);
            }
            Phase::Connecting => self.finish_connect(index, ready),
            Phase::Open => {
                if ready.writable && !self.flush(index) {
                    return;
                }
                if ready.writable && P::MULTIPLEXES {
                    self.transmit(index);
                }
                if ready.readable {
                    self.receive(index, ready.hung_up, 0);
                }
            }
            Phase::Closed | Phase::Resting(_) | Phase::Shaking => {}
        }
    }

    /// Lets the connections that have been read begin their next requests. For one alone reading
    /// has just told the time.
    fn go_on(&mut self, alone: bool) {
        if !alone {
            self.now_ns = self.driver.now_ns();
        }
        if self.now_ns >= self.end_ns {
            return;
        }
        for number in 0..self.read.len() {
            let index = self.read[number];
            if alone || !self.can_line_up(index) {
                if self.slots[index].connection.under_way() == 0 {
                    self.end_idleness(index, self.now_ns);
                }
                self.proceed(index);
            } else {
                self.line_up(index);
            }
        }
        self.read.clear();
        self.send_off();
        self.see_off();
    }

    fn can_line_up(&self, index: usize) -> bool {
        let slot = &self.slots[index];
        slot.phase == Phase::Open && slot.rest.is_empty() && !self.source.is_full()
    }

    /// Lines up what this connection has to send.
    fn line_up(&mut self, index: usize) {
        self.fill(index);
        let connection = &mut self.slots[index].connection;
        if connection.is_due() {
            let laid_out = self.source.lay_out(index, connection);
            self.departures.push(Departure { slot: index, laid_out, sent: Ok(0), sent_ns: 0 });
        }
    }

    fn send_off(&mut self) {
        for departure in &mut self.departures {
            let Some(socket) = &mut self.slots[departure.slot].socket else {
                continue;
            };
            departure.sent_ns = self.driver.now_ns();
            let bytes = self.source.bytes(departure.slot, departure.laid_out.clone());
            departure.sent = self.driver.send(socket, bytes);
        }
    }

    /// Notes what has been sent, and when.
    fn see_off(&mut self) {
        for number in 0..self.departures.len() {
            let Departure { slot: index, sent, sent_ns, .. } = self.departures[number];
            let laid_out = self.departures[number].laid_out.clone();
            self.now_ns = sent_ns;
            let connection = &mut self.slots[index].connection;
            connection.restart(sent_ns);
            if connection.sent() == 0 {
                // What is lined up goes out, if need be just after the end.
                self.end_idleness(index, sent_ns.min(self.end_ns));
            }
            match self.hand_over(index, laid_out, sent) {
                Err(error) => self.fail_write(index, error),
                // A body may be longer than what goes out in a turn.
                Ok(()) if P::MULTIPLEXES && self.slots[index].connection.is_due() => {
                    self.transmit(index);
                }
                Ok(()) => {}
            }
        }
        self.departures.clear();
        self.source.clear(0);
    }
}

/// How long the last responses are waited for.
const PATIENCE_NS: u64 = 1_000_000_000;
/// How long connections are watched that are to bring nothing more.
const WATCH_NS: u64 = 20_000_000;

/// The end of a load. A client that closes with a response under way makes the kernel reset the
/// connection, and many a server logs that with a whole traceback; so the last responses are waited
/// for. No figure has them but their number. A server that responds twice to a request is late with
/// it by the end, so that it shows then.
impl<D: Driver, P: Protocol, S: Source<P>> Worker<'_, D, P, S> {
    /// Closes each connection when its last response has come and nothing has followed, and what is
    /// open then when patience is at its end.
    ///
    /// # Errors
    /// Only when waiting itself fails.
    pub(super) fn drain(&mut self, ready: &mut Vec<Ready>) -> Result<(), Errno> {
        if let Some((index, place)) = self.undrained.take()
            && self.takes_last(index, place)
        {
            self.close(index);
        }
        let may_watch = self.load.connection == ConnectionPolicy::KeepAlive;
        for slot in &mut self.slots {
            let is_sent = !slot.connection.is_sending() && slot.rest.is_empty();
            let is_wanted = may_watch || slot.connection.sent() > 0;
            if (!is_sent || !is_wanted || slot.phase != Phase::Open)
                && let Some(socket) = slot.socket.take()
            {
                self.driver.close(socket);
            }
        }
        let now_ns = self.driver.now_ns();
        let patience_ns = now_ns.saturating_add(PATIENCE_NS);
        let mut watch_ns = now_ns.saturating_add(WATCH_NS);
        while self.slots.iter().any(|slot| slot.socket.is_some()) {
            let until_ns = if self.is_awaiting() { patience_ns } else { watch_ns };
            let left_ns = until_ns.saturating_sub(self.driver.now_ns());
            if left_ns == 0 {
                break;
            }
            self.driver.wait(left_ns, ready)?;
            let drained = self.tally.drained;
            for event in &*ready {
                self.read_last(event.token as usize);
            }
            if self.tally.drained > drained {
                watch_ns = self.driver.now_ns().saturating_add(WATCH_NS);
            }
        }
        (0..self.slots.len()).for_each(|index| self.close(index));
        Ok(())
    }

    /// Whether a response is still to come.
    fn is_awaiting(&self) -> bool {
        self.slots.iter().any(|slot| slot.socket.is_some() && slot.connection.sent() > 0)
    }

    /// Reads what this connection brings after the end, and closes it when that can be all.
    fn read_last(&mut self, index: usize) {
        // Patience ends for a response without end, too.
        for _ in 0..READS_MAX {
            let Some(socket) = self.slots.get_mut(index).and_then(|slot| slot.socket.as_mut())
            else {
                return;
            };
            let bytes = match self.driver.receive(socket, &mut self.buffer[..READ_BYTES]) {
                Ok(received) => received.bytes,
                Err(Errno::AGAIN) => return,
                Err(_) => 0,
            };
            if self.takes_last(index, 0..bytes) {
                self.close(index);
            }
            if bytes < READ_BYTES {
                return;
            }
        }
    }

    /// Whether what was read, nothing at the end of the stream, ends the conversation.
    fn takes_last(&mut self, index: usize, place: Range<usize>) -> bool {
        let connection = &mut self.slots[index].connection;
        let mut input = &self.buffer[place.clone()];
        let mut keeps_alive = self.load.connection == ConnectionPolicy::KeepAlive;
        while !input.is_empty() {
            match connection.absorb(&mut input, &self.load.expect, &mut self.shared, ()) {
                Ok(Some(response)) => {
                    self.tally.drained += 1;
                    keeps_alive &= response.keeps_alive;
                }
                Ok(None) => {}
                Err(Unusable::Lost(..)) => {}
                Err(Unusable::Surplus) => {
                    self.tally.surplus_bytes += input.len() as u64;
                    return true;
                }
                Err(_) => return true,
            }
        }
        if place.is_empty() {
            let last = connection.end_of_stream(&self.load.expect, &mut self.shared);
            self.tally.drained += u64::from(last.is_some());
            return true;
        }
        connection.under_way() == 0 && !keeps_alive
    }
}
