//! Chooses requests by weight and gives their bytes.

use crate::connection::Flight;
use crate::load::Load;
use crate::random::Random;
use crate::request::Request;
use std::ops::Range;

/// With so much laid out the rest is not worth the memory.
const FULL_BYTES: usize = 64 << 10;

/// One thread's source of requests.
#[derive(Debug)]
pub(crate) struct Outbox<'a> {
    requests: &'a [(Request, u32)],
    total_weight: u64,
    choice: Random,
    seed: u64,
    counter: u64,
    counter_step: u64,
    /// A single fixed request as many times as are pipelined, so that sending is a slice.
    repeated: Vec<u8>,
    single_bytes: Option<usize>,
    rendered: Vec<u8>,
    body: Vec<u8>,
}

impl<'a> Outbox<'a> {
    /// The outbox of thread `thread`. Its request numbers are its own share of all.
    pub(crate) fn new(load: &'a Load, thread: usize) -> Outbox<'a> {
        let requests = load.requests_of(thread);
        let single = match requests {
            [(request, _)] => request.fixed(),
            _ => None,
        };
        let repeated = single.map(|bytes| bytes.repeat(load.pipeline)).unwrap_or_default();
        Outbox {
            requests,
            total_weight: requests.iter().map(|(_, weight)| u64::from(*weight)).sum(),
            choice: Random::new(load.seed ^ (thread as u64).wrapping_mul(0x9e37_79b9)),
            seed: load.seed,
            counter: thread as u64,
            counter_step: load.threads as u64,
            repeated,
            single_bytes: single.map(|bytes| bytes.len()),
            rendered: Vec::new(),
            body: Vec::new(),
        }
    }

    /// The next request, begun at `now_ns`.
    pub(crate) fn next(&mut self, due_ns: u64, now_ns: u64) -> Flight {
        let request = if self.requests.len() == 1 { 0 } else { self.choose() };
        let counter = self.counter;
        self.counter += self.counter_step;
        let is_head = self.requests[request].0.is_head();
        let request = u32::try_from(request).unwrap_or_default();
        Flight { due_ns, started_ns: now_ns, counter, request, is_head }
    }

    /// Lays these requests out in a row, behind what is laid out already; where, for
    /// [`Outbox::bytes`]. A request of the same number has the same bytes each time.
    pub(crate) fn lay_out<'b>(
        &mut self,
        flights: impl ExactSizeIterator<Item = &'b Flight>,
    ) -> Range<usize> {
        if let Some(length) = self.single_bytes {
            return 0..length * flights.len();
        }
        let begin = self.rendered.len();
        for flight in flights {
            let mut random = Random::new(self.seed ^ flight.counter.wrapping_mul(0x9e37_79b9));
            let request = &self.requests[flight.request as usize].0;
            request.render(flight.counter, &mut random, &mut self.body, &mut self.rendered);
        }
        begin..self.rendered.len()
    }

    /// What stands there.
    pub(crate) fn bytes(&self, laid_out: Range<usize>) -> &[u8] {
        if self.single_bytes.is_some() {
            &self.repeated[laid_out]
        } else {
            &self.rendered[laid_out]
        }
    }

    /// Whether enough is laid out for one turn.
    pub(crate) fn is_full(&self) -> bool {
        self.rendered.len() >= FULL_BYTES
    }

    /// Clears away what is laid out from there on.
    pub(crate) fn clear(&mut self, from: usize) {
        self.rendered.truncate(from);
    }

    fn choose(&mut self) -> usize {
        let mut drawn = self.choice.below(self.total_weight);
        for (index, (_, weight)) in self.requests.iter().enumerate() {
            match drawn.checked_sub(u64::from(*weight)) {
                Some(rest) => drawn = rest,
                None => return index,
            }
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::url::Url;

    fn load(requests: Vec<(Request, u32)>) -> Load {
        let address = "127.0.0.1:1".parse::<std::net::SocketAddr>().unwrap();
        let first = requests[0].0.clone();
        Load { requests, pipeline: 2, threads: 2, ..Load::new(address.into(), first) }
    }

    fn get(path: &str) -> Request {
        let url = Url::parse(&format!("http://h{path}")).unwrap();
        Request::template("GET", &url, &[], b"", &[]).unwrap()
    }

    #[test]
    fn a_single_request_is_repeated_for_the_pipeline() {
        let load = load(vec![(get("/"), 1)]);
        let mut outbox = Outbox::new(&load, 0);
        let flights = [outbox.next(0, 0), outbox.next(0, 0)];
        let one = get("/").bytes();
        let mut bytes = |flights: &[Flight]| {
            let laid_out = outbox.lay_out(flights.iter());
            outbox.bytes(laid_out).to_vec()
        };
        assert_eq!(bytes(&flights[..1]), one);
        assert_eq!(bytes(&flights), one.repeat(2));
    }

    #[test]
    fn weights_are_kept_and_zero_is_never_chosen() {
        let load = load(vec![(get("/a"), 3), (get("/b"), 1), (get("/c"), 0)]);
        let mut outbox = Outbox::new(&load, 1);
        let mut counts = [0; 3];
        (0..8000).for_each(|_| counts[outbox.next(0, 0).request as usize] += 1);
        assert!((5800..6200).contains(&counts[0]) && counts[2] == 0, "{counts:?}");
    }

    #[test]
    fn counters_are_shared_out_and_rendering_repeats_itself() {
        let load = load(vec![(get("/{{counter}}/{{random}}"), 1)]);
        let mut outboxes = [Outbox::new(&load, 0), Outbox::new(&load, 1)];
        let counters: Vec<u64> = (0..4).map(|turn| outboxes[turn % 2].next(0, 0).counter).collect();
        assert_eq!(counters, [0, 1, 2, 3]);
        let flight = outboxes[0].next(0, 0);
        let places = [0, 0, 1].map(|index| outboxes[index].lay_out([flight].iter()));
        let first = outboxes[0].bytes(places[0].clone()).to_vec();
        assert!(first.starts_with(b"GET /4/"));
        assert_eq!(places[1], first.len()..2 * first.len(), "behind the other");
        assert_eq!(outboxes[0].bytes(places[1].clone()), first);
        assert_eq!(outboxes[1].bytes(places[2].clone()), first);
        outboxes[0].clear(first.len());
        assert_eq!(outboxes[0].lay_out([flight].iter()), places[1], "room again");
    }
}
