//! HTTP/1.1: responses come in the order of the requests.

pub(crate) mod parser;

use super::{Failure, Flight, Protocol, Response, Sink, Unusable, verdict};
use crate::expect::{BodyCheck, Expect, Expectations, LastMatches};
use crate::failure::ErrorKind;
pub use parser::Malformed;
use parser::{Event, Head, Memo, Parser};
use std::collections::VecDeque;

/// What a thread's connections share.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    memo: Memo,
    last_matches: LastMatches,
}

impl Failure for Malformed {
    fn kind(&self) -> ErrorKind {
        ErrorKind::ReadMalformed
    }
}

#[derive(Debug)]
pub(crate) struct Http1 {
    parser: Parser,
    head: Option<Head>,
    check: BodyCheck,
    flights: VecDeque<Flight>,
    sent: usize,
    on_a_socket: u64,
    /// How many requests may still have their response on this socket.
    left: u64,
}

impl Protocol for Http1 {
    type Shared = Memory;
    type Error = Malformed;

    fn new(requests: usize, on_a_socket: u64) -> Http1 {
        Http1 {
            parser: Parser::default(),
            head: None,
            check: BodyCheck::default(),
            flights: VecDeque::with_capacity(requests),
            sent: 0,
            on_a_socket,
            left: on_a_socket,
        }
    }

    fn flights(&self) -> impl Iterator<Item = &Flight> {
        self.flights.iter()
    }

    fn under_way(&self) -> usize {
        self.flights.len()
    }

    fn oldest(&self) -> Option<&Flight> {
        self.flights.front()
    }

    fn sent(&self) -> usize {
        self.sent
    }

    fn begin(&mut self, flight: Flight) {
        self.flights.push_back(flight);
    }

    fn restart(&mut self, now_ns: u64) {
        self.flights.iter_mut().skip(self.sent).for_each(|flight| flight.started_ns = now_ns);
    }

    fn mark_sent(&mut self) {
        self.sent = self.flights.len();
    }

    fn absorb(
        &mut self,
        input: &mut &[u8],
        expect: &(impl Expectations + ?Sized),
        memory: &mut Memory,
        mut sink: impl Sink,
    ) -> Result<Option<Response>, Unusable<Malformed>> {
        let Some(flight) = self.flights.front().filter(|_| self.sent > 0) else {
            return if input.is_empty() { Ok(None) } else { Err(unasked(input)) };
        };
        let (is_head, request) = (flight.is_head, flight.request);
        let expect = expect.of(request);
        loop {
            let event = self.parser.next(input, is_head, &mut memory.memo);
            match event.map_err(Unusable::Malformed)? {
                Event::Head(head) => {
                    self.head = Some(head);
                    self.check.reset();
                    sink.of(Some(request));
                    sink.head(memory.memo.bytes());
                }
                Event::Data(piece) => {
                    self.check.take(&expect.body, piece);
                    sink.data(piece);
                }
                Event::End => return Ok(self.complete(expect, memory)),
                Event::More => return Ok(None),
            }
        }
    }

    fn end_of_stream(
        &mut self,
        expect: &(impl Expectations + ?Sized),
        memory: &mut Memory,
    ) -> Option<Response> {
        let request = self.flights.front()?.request;
        if self.parser.close_completes() { self.complete(expect.of(request), memory) } else { None }
    }

    fn is_within_response(&self) -> bool {
        self.parser.is_within_response()
    }

    fn is_used_up(&self) -> bool {
        self.left == 0
    }

    fn disconnect(&mut self) {
        self.parser.reset();
        self.left = self.on_a_socket;
        self.head = None;
        self.sent = 0;
    }

    fn unchecked(memory: &Memory) -> u64 {
        memory.last_matches.unchecked()
    }

    fn abandon(&mut self, count: usize) {
        self.flights.drain(..count);
        self.sent = self.sent.saturating_sub(count);
    }
}

/// What came without a request: a server may say with a 408 that it closes an idle connection (RFC
/// 9110, section 15.5.9).
fn unasked(input: &[u8]) -> Unusable<Malformed> {
    const BEFORE: &[u8] = b"HTTP/1.";
    let is_408 = input.starts_with(BEFORE)
        && input.get(BEFORE.len() + 1..).is_some_and(|rest| rest.starts_with(b" 408"));
    if is_408 { Unusable::Closing } else { Unusable::Surplus }
}

impl Http1 {
    /// The requests that are still to be sent.
    pub(crate) fn unsent_flights(&self) -> impl DoubleEndedIterator<Item = &Flight> {
        self.flights.range(self.sent..)
    }

    fn complete(&mut self, expect: &Expect, memory: &mut Memory) -> Option<Response> {
        let head = self.head.take()?;
        let flight = self.flights.pop_front()?;
        self.sent -= 1;
        self.left = self.left.wrapping_sub(1);
        let keeps_alive = head.keeps_alive && self.left > 0;
        let matches = &mut memory.last_matches;
        let verdict = verdict(expect, head.status, &flight, &self.check, matches);
        Some(Response { flight, status: head.status, verdict, keeps_alive })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expect::BodyRule;
    use crate::protocol::Verdict;
    use std::sync::Arc;

    fn flight(counter: u64, is_head: bool) -> Flight {
        Flight { counter, is_head, ..Flight::default() }
    }

    fn send(connection: &mut Http1, flight: Flight) {
        connection.begin(flight);
        connection.mark_sent();
    }

    fn pong() -> Expect {
        Expect { status: None, body: BodyRule::Exact(Arc::from(&b"pong"[..])) }
    }

    const PONG: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npong";

    #[test]
    fn pipelined_answers_are_told_apart_and_judged() {
        let mut connection = Http1::new(3, u64::MAX);
        (0..3).for_each(|counter| send(&mut connection, flight(counter, false)));
        let stream = [
            PONG,
            b"HTTP/1.1 500 Oh\r\nContent-Length: 4\r\n\r\npong",
            b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nping",
        ]
        .concat();
        let (mut input, mut memory) = (&stream[..], Memory::default());
        let mut next = || connection.absorb(&mut input, &pong(), &mut memory, ()).unwrap().unwrap();
        let verdicts =
            [next(), next(), next()].map(|answer| (answer.flight.counter, answer.verdict));
        let wanted = [(0, Verdict::Correct), (1, Verdict::WrongStatus), (2, Verdict::WrongBody)];
        assert_eq!(verdicts, wanted);
    }

    #[test]
    fn what_comes_without_a_request_is_surplus_or_a_server_that_closes() {
        let mut connection = Http1::new(1, u64::MAX);
        let mut memory = Memory::default();
        let mut absorb = |connection: &mut Http1, mut input: &[u8]| {
            let response = connection.absorb(&mut input, &pong(), &mut memory, ());
            response.map(|response| response.is_some())
        };
        assert_eq!(absorb(&mut connection, PONG), Err(Unusable::Surplus));
        send(&mut connection, flight(0, false));
        assert_eq!(absorb(&mut connection, PONG), Ok(true));
        for (input, wanted) in [
            (PONG, Unusable::Surplus),
            (b"H", Unusable::Surplus),
            (b"\0\0\0", Unusable::Surplus),
            (b"HTTP/1.1 200 408\r\n\r\n", Unusable::Surplus),
            (b"HTTP/1.1 408 Request Timeout\r\n\r\n", Unusable::Closing),
            (b"HTTP/1.0 408\r\n", Unusable::Closing),
        ] {
            assert_eq!(absorb(&mut connection, input), Err(wanted));
        }
    }

    #[test]
    fn a_stream_may_end_an_answer_or_cut_it() {
        for (bytes, completes) in [
            (&b"HTTP/1.0 200 OK\r\n\r\npong"[..], true),
            (b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\npong", false),
            (b"HTTP/1.0 200 OK\r\n", false),
            (b"", false),
        ] {
            let mut connection = Http1::new(1, u64::MAX);
            let mut memory = Memory::default();
            send(&mut connection, flight(0, false));
            let mut input = bytes;
            assert!(connection.absorb(&mut input, &pong(), &mut memory, ()).unwrap().is_none());
            let answer = connection.end_of_stream(&pong(), &mut memory);
            assert_eq!(answer.is_some(), completes);
            assert!(answer.is_none_or(|answer| answer.verdict == Verdict::Correct));
        }
    }

    #[test]
    fn the_body_of_an_answer_to_head_is_not_judged() {
        let mut connection = Http1::new(2, u64::MAX);
        let mut memory = Memory::default();
        send(&mut connection, flight(0, true));
        let mut input = &PONG[..PONG.len() - 4];
        let answer = connection.absorb(&mut input, &pong(), &mut memory, ()).unwrap().unwrap();
        assert_eq!((answer.verdict, answer.keeps_alive), (Verdict::Correct, true));
    }
}
