//! Sending requests and taking responses.

use super::reconnect::message;
use super::{Phase, Worker};
use crate::failure::ErrorKind;
use crate::io::{Driver, READ_BYTES, Received};
use crate::load::ConnectionPolicy;
use crate::protocol::{Failure, Flight, Protocol, Response, Unusable, Verdict};
use crate::source::Source;
use rustix::io::Errno;
use std::ops::Range;

/// So often one socket is read before the others get their turn.
pub(super) const READS_MAX: usize = 16;

/// What to do after a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// There was nothing to read.
    Nothing,
    /// There may be more.
    ReadOn,
    Done,
}

/// What the bytes of one read come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    GoOn,
    /// The connection has served its last request, by the response's or by our own will.
    Last,
    /// It broke and has been dealt with.
    Failed,
}

impl<D: Driver, P: Protocol, S: Source<P>> Worker<'_, D, P, S> {
    /// Closed loop: begins as many requests as fit; then sends what is to be sent.
    pub(super) fn proceed(&mut self, index: usize) {
        self.fill(index);
        self.transmit(index);
    }

    /// Closed loop: begins as many requests as fit.
    pub(super) fn fill(&mut self, index: usize) {
        if self.schedule.is_none() && self.may_begin(index) {
            let room = self.load.pipeline - self.slots[index].connection.under_way();
            self.launch(index, room, self.now_ns);
        }
    }

    /// Sends the requests that have not been sent, or connects for them.
    pub(super) fn transmit(&mut self, index: usize) {
        if P::MULTIPLEXES {
            return self.transmit_all(index);
        }
        let slot = &self.slots[index];
        let unsent = slot.connection.unsent() > 0;
        match slot.phase {
            Phase::Open if unsent => {
                if let Err(error) = self.send_unsent(index) {
                    self.fail_write(index, error);
                }
            }
            Phase::Closed if unsent => self.connect(index),
            _ => {}
        }
    }

    /// Sends all that can be sent, a turn's worth at a time, as long as the kernel takes it.
    fn transmit_all(&mut self, index: usize) {
        if self.slots[index].phase == Phase::Closed && self.slots[index].connection.unsent() > 0 {
            return self.connect(index);
        }
        loop {
            let slot = &mut self.slots[index];
            if slot.phase != Phase::Open || !slot.rest.is_empty() || !slot.connection.is_due() {
                return;
            }
            if self.load.connection == ConnectionPolicy::KeepAlive {
                slot.connection.restart(self.now_ns);
            }
            if let Err(error) = self.send_unsent(index) {
                return self.fail_write(index, error);
            }
        }
    }

    /// Hands unsent requests to the kernel; what it does not take waits in `rest`.
    pub(super) fn send_unsent(&mut self, index: usize) -> Result<(), Errno> {
        let slot = &mut self.slots[index];
        let Some(socket) = &mut slot.socket else {
            return Ok(());
        };
        let laid_out = self.source.lay_out(index, &mut slot.connection);
        let from = laid_out.start;
        let sent = if slot.rest.is_empty() {
            self.driver.send(socket, self.source.bytes(index, laid_out.clone()))
        } else {
            Ok(0)
        };
        let result = match sent {
            Err(Errno::AGAIN) if slot.phase == Phase::Connecting => {
                // Nothing has gone out: all is laid out once more when the connection stands.
                slot.connection.disconnect();
                Err(Errno::AGAIN)
            }
            sent => self.hand_over(index, laid_out, sent),
        };
        self.source.clear(from);
        result
    }

    /// The kernel took so many bytes of this connection's unsent requests; the others wait in
    /// `rest`.
    pub(super) fn hand_over(
        &mut self,
        index: usize,
        laid_out: Range<usize>,
        sent: Result<usize, Errno>,
    ) -> Result<(), Errno> {
        let taken = match sent {
            Ok(taken) => taken,
            Err(Errno::AGAIN) => 0,
            Err(error) => return Err(error),
        };
        let slot = &mut self.slots[index];
        slot.connection.mark_sent();
        if taken == laid_out.len() {
            return Ok(());
        }
        let idle = slot.rest.is_empty();
        slot.rest.extend_from_slice(&self.source.bytes(index, laid_out)[taken..]);
        match &mut slot.socket {
            Some(socket) if idle && slot.phase == Phase::Open => {
                let token = u32::try_from(index).unwrap_or(u32::MAX);
                self.driver.watch(socket, token, true)
            }
            _ => Ok(()),
        }
    }

    /// Sends on what the kernel had no room for; `false` when the connection broke.
    pub(super) fn flush(&mut self, index: usize) -> bool {
        let slot = &mut self.slots[index];
        let Some(socket) = &mut slot.socket else {
            return false;
        };
        if slot.rest.is_empty() {
            return true;
        }
        match self.driver.send(socket, &slot.rest[slot.rest_from..]) {
            Ok(taken) => slot.rest_from += taken,
            Err(Errno::AGAIN) => {}
            Err(error) => {
                self.fail_write(index, error);
                return false;
            }
        }
        if slot.rest_from == slot.rest.len() {
            slot.rest = Vec::new();
            slot.rest_from = 0;
            let token = u32::try_from(index).unwrap_or(u32::MAX);
            if let Err(error) = self.driver.watch(socket, token, false) {
                self.fail_write(index, error);
                return false;
            }
        }
        true
    }

    /// A request that cannot be written may already have its response: a server that refuses a
    /// large body responds and closes. Reading shows which it was.
    pub(super) fn fail_write(&mut self, index: usize, error: Errno) {
        let slot = &mut self.slots[index];
        slot.write_error = Some(error);
        slot.drop_rest();
        self.receive(index, true, 0);
    }

    fn fail_read(&mut self, index: usize, error: Errno) {
        let slot = &mut self.slots[index];
        if let Some(socket) = &mut slot.socket
            && let Some(failure) = self.driver.explain(socket)
        {
            return self.fail(index, failure.kind, || failure.message);
        }
        if let Some(fault) = slot.connection.unspoken() {
            return self.fail(index, fault.kind(), || fault.to_string());
        }
        match slot.write_error {
            Some(error) => self.fail(index, ErrorKind::Write, || message(error)),
            None => self.fail(index, ErrorKind::ReadReset, || message(error)),
        }
    }

    /// Reads until the socket has no more, as a short read shows without another call; what is
    /// to be sent then follows when the other sockets have been read. After a few full buffers,
    /// with those `read_before`, the others get their turn.
    pub(super) fn receive(&mut self, index: usize, hung_up: bool, read_before: usize) {
        for number in read_before..READS_MAX {
            let Some(socket) = &mut self.slots[index].socket else {
                return;
            };
            let received = self.driver.receive(socket, &mut self.buffer[..READ_BYTES]);
            self.now_ns = self.driver.now_ns();
            match self.look_at(index, 0, received, hung_up) {
                Look::ReadOn => {}
                Look::Nothing => {
                    // The read before may have filled the buffer with the end of a response.
                    if number > 0 {
                        self.read.push(index);
                    }
                    return;
                }
                Look::Done => return,
            }
        }
        if !hung_up {
            self.read.push(index);
        }
    }

    /// Deals with what a read has brought, which stands in the buffer from there on.
    pub(super) fn look_at(
        &mut self,
        index: usize,
        from: usize,
        received: Result<Received, Errno>,
        hung_up: bool,
    ) -> Look {
        let received = match received {
            Ok(received) => received,
            Err(Errno::AGAIN) if self.slots[index].write_error.is_none() => return Look::Nothing,
            Err(error) => {
                self.fail_read(index, error);
                return Look::Done;
            }
        };
        if self.now_ns >= self.end_ns {
            self.undrained = Some((index, from..from + received.bytes));
            return Look::Done;
        }
        if received.bytes == 0 {
            self.end_of_stream(index, false);
            return Look::Done;
        }
        let whole = received.bytes < READ_BYTES;
        match self.take(index, from, received) {
            _ if self.source.has_ended() => {}
            Taken::GoOn if whole && !hung_up => self.read.push(index),
            // All has arrived; whether the rest was lost by a close or a reset is in the
            // next read.
            Taken::GoOn if whole && self.slots[index].connection.under_way() == 0 => {
                self.end_of_stream(index, false);
            }
            Taken::GoOn => return Look::ReadOn,
            Taken::Last => self.end_of_stream(index, true),
            Taken::Failed => {}
        }
        Look::Done
    }

    /// Takes the responses out of the bytes read.
    fn take(&mut self, index: usize, from: usize, received: Received) -> Taken {
        self.tally.bytes += received.bytes as u64;
        let arrived_ns = received
            .arrived_ns
            .map(|wall_ns| wall_ns.wrapping_sub(self.driver.arrival_offset_ns()));
        let (mut from, end) = (from, from + received.bytes);
        loop {
            let mut input = &self.buffer[from..end];
            let connection = &mut self.slots[index].connection;
            let sink = self.source.sink(index);
            let response = if S::IS_MIXED {
                connection.absorb(&mut input, self.load, &mut self.shared, sink)
            } else {
                connection.absorb(&mut input, &self.load.expect, &mut self.shared, sink)
            };
            from = end - input.len();
            match response {
                Ok(Some(response)) => {
                    if self.settle(index, &response, arrived_ns) {
                        // What HTTP/2 sends after the last response may be about the connection.
                        if !P::MULTIPLEXES {
                            self.tally.surplus_bytes += (end - from) as u64;
                        }
                        return Taken::Last;
                    }
                    if from == end {
                        return Taken::GoOn;
                    }
                }
                Ok(None) => {
                    let slot = &mut self.slots[index];
                    if !P::MULTIPLEXES || slot.connection.is_within_response() {
                        slot.pieces.more(self.now_ns, received.bytes);
                    }
                    return Taken::GoOn;
                }
                Err(Unusable::Lost(flight, error)) => {
                    self.lose(index, &flight, &error);
                    if self.slots[index].connection.is_over() {
                        return Taken::Last;
                    }
                }
                Err(unusable) => {
                    self.break_off(index, unusable, end - from);
                    return Taken::Failed;
                }
            }
        }
    }

    /// Counts a request that will have no response, on a connection that goes on.
    #[cold]
    fn lose(&mut self, index: usize, flight: &Flight, error: &P::Error) {
        self.tally.errors.add(error.kind(), 1, || error.to_string());
        if S::IS_MIXED {
            self.tally.lose(flight.request);
        }
        self.slots[index].idle_since_ns = self.now_ns;
        self.release(index, 1);
    }

    /// Closes a connection on which so many bytes came that are no response to a request.
    fn break_off(&mut self, index: usize, unusable: Unusable<P::Error>, bytes: usize) {
        let slot = &self.slots[index];
        let is_first = !slot.responded && slot.connection.under_way() > 0;
        match unusable {
            Unusable::Malformed(error) => {
                self.bid_farewell(index, Some(&error));
                self.fail(index, error.kind(), || error.to_string());
            }
            _ if is_first => {
                let message = "bytes came before the first request was sent";
                self.fail(index, ErrorKind::ReadMalformed, || message.to_owned());
            }
            Unusable::Surplus => {
                self.tally.surplus_bytes += bytes as u64;
                self.close_idle(index);
            }
            Unusable::Closing | Unusable::Lost(..) => self.closed_when_idle(index),
        }
    }

    /// Tells the server why the connection is closed, where the protocol has words for it and the
    /// kernel takes them at once.
    pub(super) fn bid_farewell(&mut self, index: usize, error: Option<&P::Error>) {
        let slot = &mut self.slots[index];
        let farewell = slot.connection.farewell(error);
        if let Some(socket) = &mut slot.socket
            && slot.rest.is_empty()
            && !farewell.is_empty()
        {
            let _ = self.driver.send(socket, &farewell);
        }
    }

    /// Counts a response; whether it was the connection's last.
    pub(super) fn settle(
        &mut self,
        index: usize,
        response: &Response,
        arrived_ns: Option<u64>,
    ) -> bool {
        let is_whole = !S::IN_BATCHES || self.slots[index].connection.under_way() == 0;
        let is_timed = is_whole || !self.load.times_batches;
        if S::IS_GRPC && response.verdict == Verdict::FailedCall {
            let complaint = P::complaint(&self.shared);
            self.tally.errors.add(ErrorKind::GrpcStatus, 1, || complaint.to_owned());
        }
        self.tally.response(response, is_timed, self.now_ns, arrived_ns);
        self.source.response(index, response.status);
        let slot = &mut self.slots[index];
        let is_held_back = slot.pieces.end(self.now_ns) && response.verdict == Verdict::Correct;
        self.tally.held_back += u64::from(is_held_back);
        slot.backoff_ns = 0;
        slot.responded = true;
        slot.idle_since_ns = self.now_ns;
        self.release(index, 1);
        let fresh = self.load.connection == ConnectionPolicy::Fresh;
        (fresh && is_whole) || !response.keeps_alive
    }

    /// So many requests of this connection are no longer under way.
    #[inline]
    pub(super) fn release(&mut self, index: usize, count: usize) {
        self.under_way -= count;
        if self.schedule.is_some() {
            self.slots[index].free_since_ns = self.now_ns;
            (0..count).for_each(|_| self.offer(index));
        }
    }
}
