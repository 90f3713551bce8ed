//! HTTP/2 (RFC 9113), the client's side: any number of requests at once on a connection, responses
//! in any order.

mod block;
mod connection;
mod fault;
pub(crate) mod frame;
mod head;
pub(crate) mod hpack;
mod incoming;
mod requests;
mod settings;
mod streams;

use super::{Flight, Protocol, Response, Sink, Unusable};
use crate::expect::Expectations;
use connection::Connection;
use fault::Code;
pub use fault::Http2Fault;
use frame::{BadFrame, Reader};
use incoming::Judge;
pub(crate) use incoming::Memory;
pub(crate) use requests::Requests;
pub use settings::PeerSettings;

#[derive(Debug)]
pub(crate) struct Http2 {
    reader: Reader,
    connection: Connection,
}

impl Http2 {
    /// Appends all that is to be sent now.
    pub(crate) fn lay_out(&mut self, requests: &mut impl Requests, out: &mut Vec<u8>) {
        self.connection.lay_out(requests, out);
    }

    /// What a frame that is none says of the server: the first of one that speaks HTTP/2 is short,
    /// and a response in HTTP/1.1 reads as a frame of 0x485454 bytes.
    #[cold]
    fn broken(&self, bad: BadFrame) -> Http2Fault {
        if self.connection.has_settings { bad.into() } else { Http2Fault::Http1 }
    }
}

impl Protocol for Http2 {
    const MULTIPLEXES: bool = true;
    type Shared = Memory;
    type Error = Http2Fault;

    fn new(requests: usize, on_a_socket: u64) -> Http2 {
        Http2 { reader: Reader::default(), connection: Connection::new(requests, on_a_socket) }
    }

    fn flights(&self) -> impl Iterator<Item = &Flight> {
        self.connection.flights()
    }

    fn under_way(&self) -> usize {
        self.connection.under_way()
    }

    fn oldest(&self) -> Option<&Flight> {
        self.flights().min_by_key(|flight| flight.started_ns)
    }

    fn sent(&self) -> usize {
        self.connection.sent()
    }

    fn is_due(&self) -> bool {
        self.connection.is_due()
    }

    fn is_sending(&self) -> bool {
        self.connection.bodies > 0
    }

    fn begin(&mut self, flight: Flight) {
        self.connection.begin(flight);
    }

    fn restart(&mut self, now_ns: u64) {
        self.connection.restart(now_ns);
    }

    fn mark_sent(&mut self) {
        self.connection.mark_sent();
    }

    fn absorb(
        &mut self,
        input: &mut &[u8],
        expect: &(impl Expectations + ?Sized),
        memory: &mut Memory,
        sink: impl Sink,
    ) -> Result<Option<Response>, Unusable<Http2Fault>> {
        let mut judge = Judge { expect, memory, sink };
        loop {
            let frame = match self.reader.next(input) {
                Ok(Some(frame)) => frame,
                Ok(None) => return Ok(None),
                Err(bad) => return Err(self.broken(bad).into()),
            };
            match self.connection.take(frame, &mut judge) {
                Ok(None) => {}
                taken => return taken,
            }
        }
    }

    fn end_of_stream(
        &mut self,
        _: &(impl Expectations + ?Sized),
        _: &mut Memory,
    ) -> Option<Response> {
        None
    }

    fn is_within_response(&self) -> bool {
        self.reader.is_within_frame() || self.connection.is_within_response()
    }

    fn is_over(&self) -> bool {
        self.connection.is_over()
    }

    fn is_used_up(&self) -> bool {
        self.connection.is_used_up()
    }

    fn unspoken(&self) -> Option<Http2Fault> {
        (!self.connection.has_settings).then_some(Http2Fault::Silent)
    }

    fn farewell(&self, error: Option<&Http2Fault>) -> Vec<u8> {
        let code = error.map_or(Code::NO_ERROR, Http2Fault::code);
        let mut payload = vec![0; 4];
        payload.extend_from_slice(&code.0.to_be_bytes());
        let mut out = Vec::new();
        frame::write(frame::Kind::GoAway, 0, 0, &payload, &mut out);
        out
    }

    fn disconnect(&mut self) {
        self.reader.reset();
        self.connection.disconnect();
    }

    fn abandon(&mut self, count: usize) {
        self.connection.abandon(count);
    }

    fn cancel(&mut self, deadline_ns: u64) -> Option<Flight> {
        self.connection.cancel(deadline_ns)
    }

    fn unchecked(memory: &Memory) -> u64 {
        memory.last_matches.unchecked()
    }

    fn complaint(memory: &Memory) -> &str {
        &memory.complaint
    }

    fn peer(memory: &Memory) -> Option<PeerSettings> {
        memory.peer
    }
}

#[cfg(test)]
mod tests;
