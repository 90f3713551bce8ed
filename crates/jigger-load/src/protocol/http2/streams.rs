//! The streams of a connection that wait for their response, found by their number.

use super::head::Head;
use crate::expect::BodyCheck;
use crate::protocol::Flight;
use std::ops::{Index, IndexMut};

/// One request and what has come of its response.
#[derive(Debug)]
pub(super) struct Stream {
    /// `FREE`: nobody's place.
    id: u32,
    pub(super) flight: Flight,
    /// The server has refused it once.
    pub(super) was_refused: bool,
    head: Option<Head>,
    pub(super) check: BodyCheck,
    /// Of the body received, what the server's window has not got back.
    pub(super) unreturned_bytes: u32,
    /// How much of the request's body the server takes.
    pub(super) window_bytes: i64,
    /// How much of it is sent, and how long it is.
    pub(super) body_sent: usize,
    pub(super) body_bytes: usize,
}

/// Streams stand where their number says, or at the next free place: there are twice as many places
/// as streams, and responses come in about the order of the requests, so that the first place looked
/// at is nearly always the right one.
#[derive(Debug)]
pub(super) struct Streams {
    places: Box<[Stream]>,
    open: usize,
    /// How many of them have the head of their response.
    begun: usize,
}

/// No stream has this number, which takes 31 bits.
const FREE: u32 = u32::MAX;

impl Stream {
    fn free() -> Stream {
        Stream {
            id: FREE,
            flight: Flight::default(),
            was_refused: false,
            head: None,
            check: BodyCheck::default(),
            unreturned_bytes: 0,
            window_bytes: 0,
            body_sent: 0,
            body_bytes: 0,
        }
    }

    #[inline]
    pub(super) fn id(&self) -> u32 {
        self.id
    }

    /// The head of its response, when that has come.
    #[inline]
    pub(super) fn head(&self) -> Option<Head> {
        self.head
    }

    /// What is left of its request's body.
    #[inline]
    pub(super) fn body_left(&self) -> usize {
        self.body_bytes - self.body_sent
    }

    /// Whether some of it is left and the server takes it.
    pub(super) fn can_send_body(&self) -> bool {
        self.body_left() > 0 && self.window_bytes > 0
    }
}

impl Streams {
    /// Room for so many at once.
    pub(super) fn new(streams: usize) -> Streams {
        let places = (2 * streams.max(1) - 1).next_power_of_two();
        Streams { places: (0..places).map(|_| Stream::free()).collect(), open: 0, begun: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.open
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Stream> {
        self.places.iter().filter(|stream| stream.id != FREE)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Stream> {
        self.places.iter_mut().filter(|stream| stream.id != FREE)
    }

    /// Where the first such stream stands.
    pub(super) fn position(&self, is_wanted: impl Fn(&Stream) -> bool) -> Option<usize> {
        self.places.iter().position(|stream| stream.id != FREE && is_wanted(stream))
    }

    /// Where the stream of that number stands.
    #[inline]
    pub(super) fn find(&self, id: u32) -> Option<usize> {
        let first = self.first(id);
        if self.places[first].id == id { Some(first) } else { self.search(first, id) }
    }

    /// Opens a stream of that number; where it stands. There has to be room.
    #[inline]
    pub(super) fn open(
        &mut self,
        id: u32,
        flight: Flight,
        was_refused: bool,
        window_bytes: i64,
    ) -> usize {
        let mut place = self.first(id);
        while self.places[place].id != FREE {
            place = (place + 1) & (self.places.len() - 1);
        }
        let stream = &mut self.places[place];
        stream.id = id;
        stream.flight = flight;
        stream.was_refused = was_refused;
        stream.head = None;
        stream.unreturned_bytes = 0;
        stream.window_bytes = window_bytes;
        (stream.body_sent, stream.body_bytes) = (0, 0);
        self.open += 1;
        place
    }

    /// The head of a response has come; its body is to follow.
    #[inline]
    pub(super) fn begin_response(&mut self, place: usize, head: Head) {
        let stream = &mut self.places[place];
        stream.head = Some(head);
        stream.check.reset();
        self.begun += 1;
    }

    /// Whether a response has begun and not ended.
    pub(super) fn is_within_response(&self) -> bool {
        self.begun > 0
    }

    /// Closes the stream that stands there; its request.
    #[inline]
    pub(super) fn close(&mut self, place: usize) -> Flight {
        let stream = &mut self.places[place];
        stream.id = FREE;
        self.begun -= usize::from(stream.head.is_some());
        self.open -= 1;
        stream.flight
    }

    #[inline]
    fn first(&self, id: u32) -> usize {
        (id >> 1) as usize & (self.places.len() - 1)
    }

    #[cold]
    fn search(&self, first: usize, id: u32) -> Option<usize> {
        let places = (first + 1..self.places.len()).chain(0..first);
        places.into_iter().find(|place| self.places[*place].id == id)
    }
}

impl Index<usize> for Streams {
    type Output = Stream;

    #[inline]
    fn index(&self, place: usize) -> &Stream {
        &self.places[place]
    }
}

impl IndexMut<usize> for Streams {
    #[inline]
    fn index_mut(&mut self, place: usize) -> &mut Stream {
        &mut self.places[place]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_found_whatever_the_order_in_which_they_end() {
        for room in [1, 2, 3, 10] {
            let mut streams = Streams::new(room);
            let flight = Flight::default();
            let (mut open, mut next) = (Vec::new(), 1);
            for turn in 0..200_usize {
                while open.len() < room {
                    streams.open(next, flight, false, 0);
                    open.push(next);
                    next += 2;
                }
                // One in ten turns takes the newest, so that an old one stays for long.
                let at = if turn % 10 == 0 { room - 1 } else { room / 2 };
                let id = open.remove(at);
                let place = streams.find(id).unwrap();
                assert_eq!(streams[place].id(), id);
                streams.close(place);
                assert_eq!(streams.find(id), None);
                assert_eq!((streams.len(), streams.iter().count()), (room - 1, room - 1));
                assert!(open.iter().all(|id| streams.find(*id).is_some()));
            }
        }
    }
}
