//! The client's side of one connection: requests to streams, their bodies within the server's
//! windows, and all that is to be sent in one row. What comes in: `incoming.rs`.

use super::block::Block;
use super::fault::Code;
use super::frame::{
    self, DEFAULT_WINDOW_BYTES, END_HEADERS, END_STREAM, HEADER_BYTES, Kind, PAYLOAD_MAX_BYTES,
    PREFACE,
};
use super::head::Recall;
use super::hpack::{Decoder, Encoder};
use super::requests::Requests;
use super::settings::PeerSettings;
use super::streams::{Stream, Streams};
use crate::grpc::Call;
use crate::protocol::Flight;
use std::collections::VecDeque;

/// What the server may send before it needs another word: no response is held up by it.
pub(super) const WINDOW_BYTES: u32 = 1 << 30;
/// Before the server's SETTINGS have come, no more streams are opened than nearly all allow (RFC
/// 9113, section 6.5.2, recommends no fewer).
const STREAMS_BEFORE_SETTINGS: usize = 100;
/// So much goes out at a time; other connections are served in between.
const TURN_BYTES: usize = 64 << 10;
const LAST_ID: u32 = (1 << 31) - 1;
/// So many streams that were given up are remembered, since more of them may come.
const CANCELLED_MAX: usize = 1024;

/// A request that has no stream yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub(super) flight: Flight,
    pub(super) was_refused: bool,
}

#[derive(Debug)]
pub(crate) struct Connection {
    pub(super) decoder: Decoder,
    /// Of heads, and of trailers.
    pub(super) recalls: [Recall; 2],
    pub(super) block: Block,
    /// gRPC: what the last header blocks said. Apart, so that a connection is as compact without it.
    pub(super) call: Box<Call>,
    pub(super) streams: Streams,
    pub(super) waiting: VecDeque<Waiting>,
    /// Where the streams stand that are laid out and not yet sent.
    laid_out: Vec<usize>,
    /// Frames other than requests that are to be sent.
    pub(super) outgoing: Vec<u8>,
    pub(super) encoder: Encoder,
    pub(super) peer: PeerSettings,
    pub(super) has_settings: bool,
    /// How much of requests' bodies the server takes on the connection.
    pub(super) window_bytes: i64,
    pub(super) unreturned_bytes: u32,
    pub(super) next_id: u32,
    /// The last stream that is opened on a socket.
    final_id: u32,
    /// Streams above it the server has not looked at.
    pub(super) last_id: u32,
    streams_max: usize,
    /// How many streams may be open at once.
    room: usize,
    is_greeted: bool,
    /// No stream is opened any more.
    pub(super) is_going: bool,
    pub(super) has_responded: bool,
    cancelled: VecDeque<u32>,
    /// How many streams have something left of their request's body.
    pub(super) bodies: usize,
    sending_ns: u64,
}

impl Connection {
    /// Room for so many streams at once, and for so many on each socket.
    pub(super) fn new(streams: usize, on_a_socket: u64) -> Connection {
        Connection {
            decoder: Decoder::default(),
            recalls: [Recall::default(), Recall::default()],
            block: Block::default(),
            call: Box::default(),
            streams: Streams::new(streams),
            waiting: VecDeque::with_capacity(streams),
            laid_out: Vec::with_capacity(streams),
            outgoing: Vec::new(),
            encoder: Encoder::default(),
            peer: PeerSettings::default(),
            has_settings: false,
            window_bytes: i64::from(DEFAULT_WINDOW_BYTES),
            unreturned_bytes: 0,
            next_id: 1,
            final_id: final_id(on_a_socket),
            last_id: LAST_ID,
            streams_max: streams,
            room: streams.min(STREAMS_BEFORE_SETTINGS),
            is_greeted: false,
            is_going: false,
            has_responded: false,
            cancelled: VecDeque::new(),
            bodies: 0,
            sending_ns: 0,
        }
    }

    pub(super) fn flights(&self) -> impl Iterator<Item = &Flight> {
        let waiting = self.waiting.iter().map(|waiting| &waiting.flight);
        self.streams.iter().map(|stream| &stream.flight).chain(waiting)
    }

    pub(super) fn under_way(&self) -> usize {
        self.streams.len() + self.waiting.len()
    }

    /// How many requests have been handed over for sending.
    pub(super) fn sent(&self) -> usize {
        self.streams.len().saturating_sub(self.laid_out.len())
    }

    pub(super) fn begin(&mut self, flight: Flight) {
        self.waiting.push_back(Waiting { flight, was_refused: false });
    }

    pub(super) fn restart(&mut self, now_ns: u64) {
        self.sending_ns = now_ns;
        for place in &self.laid_out {
            self.streams[*place].flight.started_ns = now_ns;
        }
    }

    pub(super) fn mark_sent(&mut self) {
        self.laid_out.clear();
    }

    /// Whether there is something that can be sent now.
    #[inline]
    pub(super) fn is_due(&self) -> bool {
        !self.outgoing.is_empty()
            || (!self.waiting.is_empty() && self.may_open())
            || (self.bodies > 0 && self.can_send_body())
    }

    /// Whether a response has begun and not ended.
    pub(super) fn is_within_response(&self) -> bool {
        self.streams.is_within_response()
    }

    /// Whether the connection has served its last request.
    #[inline]
    pub(super) fn is_over(&self) -> bool {
        self.is_going && self.streams.len() == 0
    }

    /// Whether the last stream has been opened that may be.
    pub(super) fn is_used_up(&self) -> bool {
        self.next_id > self.final_id
    }

    /// Appends all that is to be sent now: the greeting, what the server has to hear, bodies that go
    /// on, and requests.
    pub(super) fn lay_out(&mut self, requests: &mut impl Requests, out: &mut Vec<u8>) {
        let full_bytes = out.len() + TURN_BYTES;
        if !self.is_greeted {
            self.is_greeted = true;
            greet(out);
        }
        if !self.outgoing.is_empty() {
            out.append(&mut self.outgoing);
        }
        if self.bodies > 0 {
            self.continue_bodies(requests, full_bytes, out);
        }
        while self.may_open()
            && out.len() < full_bytes
            && let Some(waiting) = self.waiting.pop_front()
        {
            self.open(waiting, requests, full_bytes, out);
        }
    }

    #[inline]
    fn may_open(&self) -> bool {
        !self.is_going && self.streams.len() < self.room
    }

    /// As many streams may be open as both sides want.
    pub(super) fn make_room(&mut self) {
        let allowed = self.peer.max_concurrent_streams.map_or(usize::MAX, |it| it as usize);
        self.room = self.streams_max.min(allowed);
    }

    #[inline]
    fn open(
        &mut self,
        waiting: Waiting,
        requests: &mut impl Requests,
        full_bytes: usize,
        out: &mut Vec<u8>,
    ) {
        let Waiting { mut flight, was_refused } = waiting;
        flight.started_ns = flight.started_ns.max(self.sending_ns);
        let id = self.next_id;
        self.is_going |= id == self.final_id;
        self.next_id += 2;
        let window_bytes = i64::from(self.peer.initial_window_bytes);
        let place = self.streams.open(id, flight, was_refused, window_bytes);
        self.laid_out.push(place);
        let from = out.len();
        if let Some(frame) = requests.frame(&self.encoder) {
            out.extend_from_slice(frame);
            out[from + HEADER_BYTES - 4..from + HEADER_BYTES].copy_from_slice(&id.to_be_bytes());
            return;
        }
        frame::header(0, Kind::Headers, END_HEADERS, id, out);
        self.encoder.begin(out);
        requests.header_block(&flight, &mut self.encoder, out);
        let body = requests.body(&flight);
        set_length(out, from, if body.is_empty() { END_STREAM } else { 0 });
        if !body.is_empty() {
            self.streams[place].body_bytes = body.len();
            self.bodies += 1;
            self.send_body(place, body, full_bytes, out);
        }
    }

    fn can_send_body(&self) -> bool {
        self.window_bytes > 0 && self.streams.iter().any(Stream::can_send_body)
    }

    fn continue_bodies(
        &mut self,
        requests: &mut impl Requests,
        full_bytes: usize,
        out: &mut Vec<u8>,
    ) {
        while self.window_bytes > 0
            && out.len() < full_bytes
            && let Some(place) = self.streams.position(Stream::can_send_body)
        {
            let flight = self.streams[place].flight;
            self.send_body(place, requests.body(&flight), full_bytes, out);
        }
    }

    /// Appends as much of a request's body as the windows and this turn have room for.
    fn send_body(&mut self, place: usize, body: &[u8], full_bytes: usize, out: &mut Vec<u8>) {
        let frame_max = (self.peer.max_frame_bytes as usize).min(PAYLOAD_MAX_BYTES);
        let stream = &mut self.streams[place];
        while stream.body_left() > 0 && out.len() < full_bytes {
            let window = self.window_bytes.min(stream.window_bytes);
            let window = usize::try_from(window).unwrap_or_default();
            let bytes = stream.body_left().min(window).min(frame_max);
            if bytes == 0 {
                return;
            }
            let piece = body.get(stream.body_sent..stream.body_sent + bytes).unwrap_or_default();
            stream.body_sent += bytes;
            let flags = if stream.body_left() == 0 { END_STREAM } else { 0 };
            frame::write(Kind::Data, flags, stream.id(), piece, out);
            let taken = i64::try_from(bytes).unwrap_or_default();
            self.window_bytes -= taken;
            stream.window_bytes -= taken;
        }
        if stream.body_left() == 0 {
            self.bodies -= 1;
        }
    }

    /// Closes a stream whose response is complete; the rest of its request's body is not sent.
    #[inline]
    pub(super) fn close(&mut self, place: usize) -> Flight {
        if self.streams[place].body_left() > 0 {
            self.reset(place, Code::CANCEL);
        }
        self.streams.close(place)
    }

    /// Forgets a stream that the server has given up.
    pub(super) fn forget(&mut self, place: usize) -> Flight {
        self.drop_body(place);
        self.close(place)
    }

    /// Gives up a stream: the server is told, and what it still sends for it is ignored.
    pub(super) fn give_up(&mut self, place: usize, code: Code) -> Flight {
        self.reset(place, code);
        self.streams.close(place)
    }

    fn reset(&mut self, place: usize, code: Code) {
        let id = self.streams[place].id();
        self.drop_body(place);
        frame::write(Kind::RstStream, 0, id, &code.0.to_be_bytes(), &mut self.outgoing);
        if self.cancelled.len() == CANCELLED_MAX {
            self.cancelled.pop_front();
        }
        self.cancelled.push_back(id);
    }

    fn drop_body(&mut self, place: usize) {
        let stream = &mut self.streams[place];
        if stream.body_left() > 0 {
            stream.body_bytes = stream.body_sent;
            self.bodies -= 1;
        }
    }

    /// Whether more of that stream, which is not open, is to be ignored.
    pub(super) fn is_cancelled(&self, id: u32) -> bool {
        id > self.last_id || self.cancelled.contains(&id)
    }

    /// A request whose stream the server has not worked on waits for another one, before all that
    /// wait already.
    pub(super) fn ask_again(&mut self, place: usize, was_refused: bool) {
        self.drop_body(place);
        let flight = self.streams.close(place);
        self.waiting.push_front(Waiting { flight, was_refused });
    }

    /// All above that stream wait for others, in their order.
    pub(super) fn ask_again_above(&mut self, last_id: u32) {
        while let Some(id) = self.streams.iter().map(Stream::id).filter(|id| *id > last_id).max()
            && let Some(place) = self.streams.find(id)
        {
            let was_refused = self.streams[place].was_refused;
            self.ask_again(place, was_refused);
        }
    }

    /// The socket is gone; requests stay, to be sent again.
    pub(super) fn disconnect(&mut self) {
        self.ask_again_above(0);
        let streams = std::mem::replace(&mut self.streams, Streams::new(1));
        let waiting = std::mem::take(&mut self.waiting);
        let Connection { streams_max, final_id, sending_ns, .. } = *self;
        let room = streams_max.min(STREAMS_BEFORE_SETTINGS);
        let fresh = Connection::new(1, 1);
        *self = Connection { streams, waiting, sending_ns, streams_max, final_id, room, ..fresh };
    }

    /// Gives up so many requests: those that are sent before others.
    pub(super) fn abandon(&mut self, count: usize) {
        let mut left = count;
        while left > 0
            && let Some(place) = self.streams.position(|_| true)
        {
            self.drop_body(place);
            self.streams.close(place);
            left -= 1;
        }
        self.waiting.drain(..left.min(self.waiting.len()));
    }

    /// Gives up one of the requests that were begun at this time or before.
    pub(super) fn cancel(&mut self, deadline_ns: u64) -> Option<Flight> {
        if let Some(place) = self.streams.position(|stream| stream.flight.started_ns <= deadline_ns)
        {
            return Some(self.give_up(place, Code::CANCEL));
        }
        let is_late = |waiting: &Waiting| waiting.flight.started_ns <= deadline_ns;
        let at = self.waiting.iter().position(is_late)?;
        self.waiting.remove(at).map(|waiting| waiting.flight)
    }
}

/// The number of the last stream where there are so many; a connection has no more than 2^30.
fn final_id(streams: u64) -> u32 {
    let id = streams.saturating_mul(2).saturating_sub(1);
    u32::try_from(id).map_or(LAST_ID, |id| id.min(LAST_ID))
}

/// Preface, SETTINGS (no pushes; the window of each stream), and the connection's window.
fn greet(out: &mut Vec<u8>) {
    out.extend_from_slice(PREFACE);
    let mut settings = vec![0, 2, 0, 0, 0, 0, 0, 4];
    settings.extend_from_slice(&WINDOW_BYTES.to_be_bytes());
    frame::write(Kind::Settings, 0, 0, &settings, out);
    let more = WINDOW_BYTES - DEFAULT_WINDOW_BYTES;
    frame::write(Kind::WindowUpdate, 0, 0, &more.to_be_bytes(), out);
}

/// Writes the length of the header block that has been appended into its frame, which begins at
/// `from`; one that is too long for a frame is cut into several.
fn set_length(out: &mut Vec<u8>, from: usize, flags: u8) {
    let length = out.len() - from - HEADER_BYTES;
    if length > PAYLOAD_MAX_BYTES {
        return cut(out, from, flags);
    }
    let [.., middle, low] = u32::try_from(length).unwrap_or_default().to_be_bytes();
    out[from + 1] = middle;
    out[from + 2] = low;
    out[from + 4] |= flags;
}

#[cold]
fn cut(out: &mut Vec<u8>, from: usize, flags: u8) {
    let id = frame::stream(&out[from + 5..]);
    let block = out.split_off(from + HEADER_BYTES);
    out.truncate(from);
    let last = block.len().div_ceil(PAYLOAD_MAX_BYTES) - 1;
    for (number, piece) in block.chunks(PAYLOAD_MAX_BYTES).enumerate() {
        let (kind, own) =
            if number == 0 { (Kind::Headers, flags) } else { (Kind::Continuation, 0) };
        let end = if number == last { END_HEADERS } else { 0 };
        frame::write(kind, own | end, id, piece, out);
    }
}
