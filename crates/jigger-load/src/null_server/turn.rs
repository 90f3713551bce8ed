//! Some conversations at a time: all are read, then all that asked as usual are answered. Why so:
//! `io.rs`.

use super::Thread;
use crate::io::{READ_BYTES, behind, has_room};
use rustix::event::epoll;
use rustix::io::Errno;

#[derive(Debug, Default)]
pub(super) struct Turn {
    arrivals: Vec<Arrival>,
    departures: Vec<Departure>,
}

/// A read of this turn.
#[derive(Clone, Copy, Debug)]
struct Arrival {
    number: usize,
    /// Where in the buffer it stands.
    from: usize,
    received: Result<usize, Errno>,
}

/// A usual response that goes out, and how much of it the kernel took.
#[derive(Clone, Copy, Debug)]
struct Departure {
    number: usize,
    sent: Result<usize, Errno>,
}

impl Thread {
    /// Deals with the sockets that are ready, where a response takes no work.
    pub(super) fn serve(&mut self, events: &[epoll::Event]) {
        self.read_ready(events);
        self.look_at_arrivals();
        self.send_off();
        self.see_off();
        let mut arrived = 0;
        for event in events {
            // Arrivals stand in the order of their events.
            let arrival = self.turn.arrivals.get(arrived);
            let data = event.data;
            if arrival.is_some_and(|arrival| arrival.number as u64 == data.u64()) {
                arrived += 1;
            } else {
                self.event(*event);
            }
        }
    }

    /// Reads the conversations that have a request and wait for nothing else, as long as the
    /// buffer has room.
    fn read_ready(&mut self, events: &[epoll::Event]) {
        let mut from = 0;
        self.turn.arrivals.clear();
        for event in events {
            let (data, flags) = (event.data, event.flags);
            let number = usize::try_from(data.u64()).unwrap_or(usize::MAX);
            let Some(Some(conversation)) = self.conversations.get_mut(number) else {
                continue;
            };
            if flags != epoll::EventFlags::IN || conversation.is_full() {
                continue;
            }
            if !has_room(from) {
                return;
            }
            let received = conversation.read(&mut self.buffer[from..from + READ_BYTES]);
            self.turn.arrivals.push(Arrival { number, from, received });
            from = behind(from, received.unwrap_or_default());
        }
    }

    /// Answers what is not the usual request at once.
    fn look_at_arrivals(&mut self) {
        for index in 0..self.turn.arrivals.len() {
            let Arrival { number, from, received } = self.turn.arrivals[index];
            let Some(Some(conversation)) = self.conversations.get_mut(number) else {
                continue;
            };
            let input = &self.buffer[from..];
            if let Ok(bytes) = received
                && conversation.is_usual(&self.state, &input[..bytes])
            {
                self.turn.departures.push(Departure { number, sent: Ok(0) });
            } else {
                let responses = &self.shared.responses;
                let goes_on = conversation.respond(responses, &mut self.state, received, input);
                self.conclude(number, false, goes_on);
            }
        }
    }

    fn send_off(&mut self) {
        let answer = self.shared.responses.one();
        for departure in &mut self.turn.departures {
            if let Some(Some(conversation)) = self.conversations.get_mut(departure.number) {
                departure.sent = conversation.offer(answer);
            }
        }
    }

    /// Keeps what the kernel had no room for.
    fn see_off(&mut self) {
        for index in 0..self.turn.departures.len() {
            let Departure { number, sent } = self.turn.departures[index];
            if let Some(Some(conversation)) = self.conversations.get_mut(number) {
                let goes_on = conversation.keep_rest(self.shared.responses.one(), sent);
                self.conclude(number, false, goes_on);
            }
        }
        self.turn.departures.clear();
    }
}
