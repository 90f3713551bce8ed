//! Several requests, by weight or in turn, or one with holes that are filled each time; one whose bytes never
//! change.

use super::Source;
use crate::protocol::http1::Http1;
use crate::protocol::{Flight, Protocol};
use crate::random::{self, Random};
use crate::session::Session;
use crate::source::request::Request;
use std::ops::Range;

/// With so much laid out the rest is not worth the memory.
pub(crate) const FULL_BYTES: usize = 64 << 10;

#[derive(Debug)]
pub(crate) struct Mix<'a> {
    requests: &'a [(Request, u32)],
    /// `None`: in turn.
    total_weight: Option<u64>,
    choice: Random,
    seed: u64,
    first_counter: u64,
    counter: u64,
    counter_step: u64,
    rendered: Vec<u8>,
    body: Vec<u8>,
}

/// A thread's part of a load's requests: every so many-th number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share {
    pub(crate) thread: usize,
    pub(crate) threads: usize,
    pub(crate) seed: u64,
    /// The number of the load's first request.
    pub(crate) first_counter: u64,
    /// One request after another in place of chance.
    pub(crate) in_turn: bool,
}

impl<'a> Mix<'a> {
    /// The part of a thread.
    pub(crate) fn new(requests: &'a [(Request, u32)], share: &Share) -> Mix<'a> {
        let Share { thread, threads, seed, first_counter, in_turn } = *share;
        let weights = || requests.iter().map(|(_, weight)| u64::from(*weight)).sum();
        Mix {
            requests,
            total_weight: (!in_turn).then(weights),
            choice: Random::new(random::seed_of(seed, thread as u64)),
            seed,
            first_counter,
            counter: first_counter + thread as u64,
            counter_step: threads as u64,
            rendered: Vec::new(),
            body: Vec::new(),
        }
    }

    /// The next request of any connection.
    pub(crate) fn draw(&mut self, due_ns: u64, now_ns: u64) -> Flight {
        let request = if self.requests.len() == 1 { 0 } else { self.choose() };
        let counter = self.counter;
        self.counter += self.counter_step;
        let is_head = self.requests[request].0.is_head();
        let request = u32::try_from(request).unwrap_or_default();
        Flight { due_ns, started_ns: now_ns, counter, request, is_head }
    }

    /// Lays the unsent requests out as a connection with this session sends them.
    pub(super) fn lay_out_in(&mut self, session: &Session, conversation: &Http1) -> Range<usize> {
        let begin = self.rendered.len();
        for flight in conversation.unsent_flights() {
            let mut random = Random::new(random::seed_of(self.seed, flight.counter));
            let request = &self.requests[flight.request as usize].0;
            let (body, out) = (&mut self.body, &mut self.rendered);
            request.render(flight.counter, &mut random, session, body, out);
        }
        begin..self.rendered.len()
    }

    fn choose(&mut self) -> usize {
        let Some(total_weight) = self.total_weight else {
            let turn = (self.counter - self.first_counter) % self.requests.len() as u64;
            return usize::try_from(turn).unwrap_or_default();
        };
        let mut drawn = self.choice.below(total_weight);
        for (index, (_, weight)) in self.requests.iter().enumerate() {
            match drawn.checked_sub(u64::from(*weight)) {
                Some(rest) => drawn = rest,
                None => return index,
            }
        }
        0
    }
}

impl Source<Http1> for Mix<'_> {
    const IS_MIXED: bool = true;

    fn next(&mut self, _: usize, due_ns: u64, now_ns: u64) -> Flight {
        self.draw(due_ns, now_ns)
    }

    fn lay_out(&mut self, _: usize, conversation: &mut Http1) -> Range<usize> {
        self.lay_out_in(&Session::NONE, conversation)
    }

    fn bytes(&self, _: usize, laid_out: Range<usize>) -> &[u8] {
        &self.rendered[laid_out]
    }

    fn is_full(&self) -> bool {
        self.rendered.len() >= FULL_BYTES
    }

    fn clear(&mut self, from: usize) {
        self.rendered.truncate(from);
    }
}

/// The request as many times as are pipelined, so that sending is a slice.
#[derive(Debug)]
pub(crate) struct Fixed {
    repeated: Vec<u8>,
    one_bytes: usize,
    is_head: bool,
}

impl Fixed {
    /// Whether it is a `HEAD`.
    pub(crate) fn is_head(&self) -> bool {
        self.is_head
    }

    /// `None` where there are several requests, or holes to be filled.
    pub(crate) fn of(requests: &[(Request, u32)], pipeline: usize) -> Option<Fixed> {
        let [(request, _)] = requests else { return None };
        let bytes = request.fixed()?;
        Some(Fixed {
            repeated: bytes.repeat(pipeline),
            one_bytes: bytes.len(),
            is_head: request.is_head(),
        })
    }
}

impl Source<Http1> for Fixed {
    fn next(&mut self, _: usize, due_ns: u64, now_ns: u64) -> Flight {
        Flight { due_ns, started_ns: now_ns, counter: 0, request: 0, is_head: self.is_head }
    }

    fn lay_out(&mut self, _: usize, conversation: &mut Http1) -> Range<usize> {
        0..self.one_bytes * conversation.unsent()
    }

    fn bytes(&self, _: usize, laid_out: Range<usize>) -> &[u8] {
        &self.repeated[laid_out]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::url::Url;

    fn get(path: &str) -> Request {
        let url = Url::parse(&format!("http://h{path}")).unwrap();
        Request::template("GET", &url, &[], b"", &[]).unwrap()
    }

    /// Of two threads.
    fn share(thread: usize) -> Share {
        Share { thread, threads: 2, seed: 0, first_counter: 100, in_turn: false }
    }

    #[test]
    fn weights_are_kept_and_zero_is_never_chosen() {
        let requests = [(get("/a"), 3), (get("/b"), 1), (get("/c"), 0)];
        let mut mix = Mix::new(&requests, &share(1));
        let mut counts = [0; 3];
        (0..8000).for_each(|_| counts[mix.draw(0, 0).request as usize] += 1);
        assert!((5800..6200).contains(&counts[0]) && counts[2] == 0, "{counts:?}");
    }

    #[test]
    fn in_turn_the_threads_share_one_sequence() {
        let requests = [get("/a"), get("/b"), get("/c")].map(|request| (request, 1));
        let in_turn = |thread| Share { in_turn: true, ..share(thread) };
        let mut mixes = [0, 1].map(|thread| Mix::new(&requests, &in_turn(thread)));
        let sent: Vec<u32> = (0..8).map(|turn| mixes[turn % 2].next(0, 0, 0).request).collect();
        assert_eq!(sent, [0, 1, 2, 0, 1, 2, 0, 1]);
    }

    #[test]
    fn counters_are_shared_out_and_rendering_repeats_itself() {
        let requests = [(get("/{{counter}}/{{random}}"), 1)];
        let mut mixes = [0, 1].map(|thread| Mix::new(&requests, &share(thread)));
        let counters: Vec<u64> = (0..4).map(|turn| mixes[turn % 2].draw(0, 0).counter).collect();
        assert_eq!(counters, [100, 101, 102, 103]);
        let mut conversation = Http1::new(1, u64::MAX);
        conversation.begin(mixes[0].draw(0, 0));
        let places = [0, 0, 1].map(|thread| mixes[thread].lay_out(0, &mut conversation));
        let first = mixes[0].bytes(0, places[0].clone()).to_vec();
        assert!(first.starts_with(b"GET /104/"));
        assert_eq!(places[1], first.len()..2 * first.len(), "behind the other");
        assert_eq!(mixes[0].bytes(0, places[1].clone()), first);
        assert_eq!(mixes[1].bytes(0, places[2].clone()), first);
        mixes[0].clear(first.len());
        assert_eq!(mixes[0].lay_out(0, &mut conversation), places[1], "room again");
    }

    #[test]
    fn a_single_request_is_repeated_for_the_pipeline() {
        let mut source = Fixed::of(&[(get("/"), 1)], 2).unwrap();
        let mut conversation = Http1::new(2, u64::MAX);
        for times in 1..=2 {
            conversation.begin(source.next(0, 0, 0));
            let laid_out = source.lay_out(0, &mut conversation);
            assert_eq!(source.bytes(0, laid_out), get("/").bytes().repeat(times));
        }
        conversation.mark_sent();
        assert!(source.lay_out(0, &mut conversation).is_empty(), "all is sent");
        assert!(Fixed::of(&[(get("/"), 1), (get("/b"), 1)], 1).is_none());
        assert!(Fixed::of(&[(get("/{{counter}}"), 1)], 1).is_none());
    }
}
