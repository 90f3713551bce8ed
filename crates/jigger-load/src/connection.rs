//! One connection's conversation: requests under way and the answer being read. No I/O.

use crate::expect::{BodyCheck, Expect, LastMatch};
use crate::http1::{Event, Head, Malformed, Memo, Parser};
use std::collections::VecDeque;

/// A request under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flight {
    /// Open loop: when it was due; closed loop: when it was begun.
    pub(crate) due_ns: u64,
    /// First byte sent, or, fresh, the begin of its connection.
    pub(crate) started_ns: u64,
    /// Its number in the run; with the seed it fixes a template's values.
    pub(crate) counter: u64,
    /// Which of the load's requests.
    pub(crate) request: u32,
    /// Whether it is a `HEAD`, the answer to which has no body.
    pub(crate) is_head: bool,
}

/// A complete answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer {
    pub(crate) flight: Flight,
    pub(crate) status: u16,
    pub(crate) verdict: Verdict,
    pub(crate) keeps_alive: bool,
}

/// What a complete answer is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Correct,
    WrongStatus,
    WrongBody,
}

/// What a thread's connections share.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) memo: Memo,
    pub(crate) last_match: LastMatch,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Connection {
    parser: Parser,
    head: Option<Head>,
    check: BodyCheck,
    flights: VecDeque<Flight>,
}

impl Connection {
    pub(crate) fn new(pipeline: usize) -> Connection {
        Connection {
            parser: Parser::default(),
            head: None,
            check: BodyCheck::default(),
            flights: VecDeque::with_capacity(pipeline),
        }
    }

    /// The requests without an answer, oldest first.
    pub(crate) fn flights(&self) -> &VecDeque<Flight> {
        &self.flights
    }

    pub(crate) fn begin(&mut self, flight: Flight) {
        self.flights.push_back(flight);
    }

    /// Requests from number `from` on go out now.
    pub(crate) fn restart(&mut self, from: usize, now_ns: u64) {
        self.flights.iter_mut().skip(from).for_each(|flight| flight.started_ns = now_ns);
    }

    /// Takes bytes until an answer is complete; `None`: all taken, and more are needed.
    pub(crate) fn absorb(
        &mut self,
        input: &mut &[u8],
        expect: &Expect,
        memory: &mut Memory,
    ) -> Result<Option<Answer>, Malformed> {
        let Some(flight) = self.flights.front() else {
            return if input.is_empty() { Ok(None) } else { Err(Malformed::Unasked) };
        };
        let is_head = flight.is_head;
        loop {
            match self.parser.next(input, is_head, &mut memory.memo)? {
                Event::Head(head) => {
                    self.head = Some(head);
                    self.check.reset();
                }
                Event::Data(piece) => self.check.take(&expect.body, piece),
                Event::End => return Ok(self.complete(expect, memory)),
                Event::More => return Ok(None),
            }
        }
    }

    /// The stream has ended: the answer that this completes, if one.
    pub(crate) fn end_of_stream(&mut self, expect: &Expect, memory: &mut Memory) -> Option<Answer> {
        if self.parser.close_completes() { self.complete(expect, memory) } else { None }
    }

    /// Whether a part of an answer has arrived.
    pub(crate) fn within_answer(&self) -> bool {
        self.parser.within_answer()
    }

    /// The socket is gone: forgets the answer being read; requests under way stay.
    pub(crate) fn disconnect(&mut self) {
        self.parser.reset();
        self.head = None;
    }

    /// Gives up all requests under way; how many.
    pub(crate) fn abandon(&mut self) -> usize {
        let count = self.flights.len();
        self.flights.clear();
        count
    }

    fn complete(&mut self, expect: &Expect, memory: &mut Memory) -> Option<Answer> {
        let head = self.head.take()?;
        let flight = self.flights.pop_front()?;
        let verdict = if !expect.accepts_status(head.status) {
            Verdict::WrongStatus
        } else if flight.is_head || self.check.verdict(&expect.body, &mut memory.last_match) {
            Verdict::Correct
        } else {
            Verdict::WrongBody
        };
        Some(Answer { flight, status: head.status, verdict, keeps_alive: head.keeps_alive })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expect::BodyRule;
    use std::sync::Arc;

    fn flight(counter: u64, is_head: bool) -> Flight {
        Flight { due_ns: 0, started_ns: 0, counter, request: 0, is_head }
    }

    fn pong() -> Expect {
        Expect { status: None, body: BodyRule::Exact(Arc::from(&b"pong"[..])) }
    }

    const PONG: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npong";

    #[test]
    fn pipelined_answers_are_told_apart_and_judged() {
        let mut connection = Connection::new(3);
        (0..3).for_each(|counter| connection.begin(flight(counter, false)));
        let stream = [
            PONG,
            b"HTTP/1.1 500 Oh\r\nContent-Length: 4\r\n\r\npong",
            b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nping",
        ]
        .concat();
        let (mut input, mut memory) = (&stream[..], Memory::default());
        let mut next = || connection.absorb(&mut input, &pong(), &mut memory).unwrap().unwrap();
        let verdicts =
            [next(), next(), next()].map(|answer| (answer.flight.counter, answer.verdict));
        let wanted = [(0, Verdict::Correct), (1, Verdict::WrongStatus), (2, Verdict::WrongBody)];
        assert_eq!(verdicts, wanted);
    }

    #[test]
    fn bytes_without_a_request_are_an_error() {
        let mut connection = Connection::new(1);
        let mut memory = Memory::default();
        let absorb = |connection: &mut Connection, memory: &mut Memory| {
            connection.absorb(&mut &PONG[..], &pong(), memory).map(|answer| answer.is_some())
        };
        assert_eq!(absorb(&mut connection, &mut memory), Err(Malformed::Unasked));
        connection.begin(flight(0, false));
        assert_eq!(absorb(&mut connection, &mut memory), Ok(true));
        assert_eq!(absorb(&mut connection, &mut memory), Err(Malformed::Unasked));
    }

    #[test]
    fn a_stream_may_end_an_answer_or_cut_it() {
        for (bytes, completes) in [
            (&b"HTTP/1.0 200 OK\r\n\r\npong"[..], true),
            (b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\npong", false),
            (b"HTTP/1.0 200 OK\r\n", false),
            (b"", false),
        ] {
            let mut connection = Connection::new(1);
            let mut memory = Memory::default();
            connection.begin(flight(0, false));
            let mut input = bytes;
            assert!(connection.absorb(&mut input, &pong(), &mut memory).unwrap().is_none());
            let answer = connection.end_of_stream(&pong(), &mut memory);
            assert_eq!(answer.is_some(), completes);
            assert!(answer.is_none_or(|answer| answer.verdict == Verdict::Correct));
        }
    }

    #[test]
    fn the_body_of_an_answer_to_head_is_not_judged() {
        let mut connection = Connection::new(2);
        let mut memory = Memory::default();
        connection.begin(flight(0, true));
        let mut input = &PONG[..PONG.len() - 4];
        let answer = connection.absorb(&mut input, &pong(), &mut memory).unwrap().unwrap();
        assert_eq!((answer.verdict, answer.keeps_alive), (Verdict::Correct, true));
    }
}
