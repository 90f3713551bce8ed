//! What a server sends, frame by frame, held to RFC 9113. Where the RFC leaves the choice, what
//! breaks a stream breaks the connection, except where the fault is one response's alone.

use super::block::Block;
use super::connection::{Connection, WINDOW_BYTES};
use super::fault::{Code, Http2Fault};
use super::frame::{self, ACK, END_HEADERS, END_STREAM, Frame, Kind, big_endian};
use super::head::{Head, HeadReader, Recall};
use super::settings::{PeerSettings, WINDOW_MAX_BYTES};
use crate::expect::{Expectations, LastMatches};
use crate::grpc::Failed;
use crate::protocol::{Response, Sink, Unusable, Verdict, verdict};

/// The longest header block accepted.
const BLOCK_MAX_BYTES: usize = 64 << 10;
/// When so much of a window is used, it is returned.
const RETURN_BYTES: u32 = WINDOW_BYTES / 2;

/// What a thread's connections share.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(super) last_matches: LastMatches,
    /// The first that any server said, with the smallest number of streams that any allowed.
    pub(super) peer: Option<PeerSettings>,
    /// gRPC: why the last call that failed did.
    pub(super) complaint: String,
}

/// By what responses are judged, and what takes them.
pub(super) struct Judge<'a, E: ?Sized, S> {
    pub(super) expect: &'a E,
    pub(super) memory: &'a mut Memory,
    pub(super) sink: S,
}

/// A response, or that more has to come, or why none will.
pub(super) type Taken = Result<Option<Response>, Unusable<Http2Fault>>;

impl From<Http2Fault> for Unusable<Http2Fault> {
    fn from(fault: Http2Fault) -> Unusable<Http2Fault> {
        Unusable::Malformed(fault)
    }
}

impl Connection {
    pub(super) fn take<E: Expectations + ?Sized, S: Sink>(
        &mut self,
        frame: Frame<'_>,
        judge: &mut Judge<'_, E, S>,
    ) -> Taken {
        if !self.has_settings || self.block.stream != 0 {
            self.admit(&frame)?;
        }
        match frame.kind {
            Kind::Data => self.data(&frame, judge),
            Kind::Headers => self.headers(&frame, judge),
            Kind::Continuation => self.continuation(&frame, judge),
            Kind::RstStream => self.rst_stream(&frame),
            Kind::GoAway => self.go_away(&frame),
            Kind::Settings => self.settings(&frame, judge.memory).map(|()| None),
            Kind::Ping => self.ping(&frame).map(|()| None),
            Kind::WindowUpdate => self.window_update(&frame).map(|()| None),
            Kind::Priority => priority(&frame).map(|()| None),
            Kind::PushPromise => {
                Err(fault("it sends PUSH_PROMISE, although the client disabled push"))
            }
            Kind::Other => Ok(None),
        }
    }

    /// Whether a frame may come within a header block, or before SETTINGS have come.
    #[cold]
    fn admit(&self, frame: &Frame<'_>) -> Result<(), Unusable<Http2Fault>> {
        let continues = frame.kind == Kind::Continuation && frame.stream == self.block.stream;
        if self.block.stream != 0 && !continues {
            return Err(fault("another frame interrupts a header block"));
        }
        let is_first = frame.kind == Kind::Settings && !frame.has(ACK);
        if !self.has_settings && !is_first {
            return Err(fault("its first frame is not SETTINGS"));
        }
        Ok(())
    }

    /// Where the stream of that number stands; `None`: what comes on it is to be ignored.
    #[inline]
    fn place(&self, id: u32) -> Result<Option<usize>, Unusable<Http2Fault>> {
        match self.streams.find(id) {
            Some(place) => Ok(Some(place)),
            None => self.check_closed(id).map(|()| None),
        }
    }

    #[cold]
    fn check_closed(&self, id: u32) -> Result<(), Unusable<Http2Fault>> {
        self.check_idle(id)?;
        if self.is_cancelled(id) {
            return Ok(());
        }
        let what = "a frame of a response comes after its end";
        Err(Http2Fault::Protocol { code: Code::STREAM_CLOSED, what }.into())
    }

    fn check_idle(&self, id: u32) -> Result<(), Unusable<Http2Fault>> {
        if id.is_multiple_of(2) || id >= self.next_id {
            return Err(fault("a frame names a stream that was never opened"));
        }
        Ok(())
    }

    fn data<E: Expectations + ?Sized, S: Sink>(
        &mut self,
        frame: &Frame<'_>,
        judge: &mut Judge<'_, E, S>,
    ) -> Taken {
        let bytes = u32::try_from(frame.payload.len()).unwrap_or_default();
        if let Some(bytes) = used_up(&mut self.unreturned_bytes, bytes) {
            self.give_back(0, bytes);
        }
        let piece = frame.unpadded().map_err(Http2Fault::from)?;
        let Some(place) = self.place(frame.stream)? else {
            return Ok(None);
        };
        let stream = &mut self.streams[place];
        let Some(head) = stream.head() else {
            return Err(self.malformed(place, "a response's body comes before its head"));
        };
        if !piece.is_empty() {
            if stream.flight.is_head {
                return Err(self.malformed(place, "the response to HEAD has a body"));
            }
            stream.check.take(&judge.expect.of(stream.flight.request).body, piece);
            judge.sink.data(piece);
            if head.length.is_some_and(|length| stream.check.seen_bytes() > length) {
                return Err(self.malformed(place, "a body is longer than its content-length"));
            }
        }
        if frame.has(END_STREAM) {
            if S::IS_GRPC {
                self.call.end();
            }
            return self.complete(place, head, judge);
        }
        if let Some(bytes) = used_up(&mut stream.unreturned_bytes, bytes) {
            self.give_back(frame.stream, bytes);
        }
        Ok(None)
    }

    /// Returns bytes of a window: of a stream's, or of the connection's.
    #[cold]
    fn give_back(&mut self, stream: u32, bytes: u32) {
        frame::write(Kind::WindowUpdate, 0, stream, &bytes.to_be_bytes(), &mut self.outgoing);
    }

    fn headers<E: Expectations + ?Sized, S: Sink>(
        &mut self,
        frame: &Frame<'_>,
        judge: &mut Judge<'_, E, S>,
    ) -> Taken {
        let (fragment, parent) = frame.fragment().map_err(Http2Fault::from)?;
        if parent == Some(frame.stream) {
            return Err(fault("a stream depends on itself"));
        }
        let ends_stream = frame.has(END_STREAM);
        if frame.has(END_HEADERS) {
            return self.header_block(frame.stream, fragment, ends_stream, judge);
        }
        self.check_idle(frame.stream)?;
        let bytes = fragment.to_vec();
        self.block = Block { stream: frame.stream, ends_stream, bytes };
        Ok(None)
    }

    fn continuation<E: Expectations + ?Sized, S: Sink>(
        &mut self,
        frame: &Frame<'_>,
        judge: &mut Judge<'_, E, S>,
    ) -> Taken {
        if self.block.stream == 0 {
            return Err(fault("CONTINUATION continues no header block"));
        }
        self.block.bytes.extend_from_slice(frame.payload);
        if self.block.bytes.len() > BLOCK_MAX_BYTES {
            let what = "a header block is longer than 64 KiB";
            return Err(Http2Fault::Protocol { code: Code::ENHANCE_YOUR_CALM, what }.into());
        }
        if !frame.has(END_HEADERS) {
            return Ok(None);
        }
        let Block { stream, ends_stream, bytes } = std::mem::take(&mut self.block);
        self.header_block(stream, &bytes, ends_stream, judge)
    }

    #[inline]
    fn header_block<E: Expectations + ?Sized, S: Sink>(
        &mut self,
        id: u32,
        block: &[u8],
        ends_stream: bool,
        judge: &mut Judge<'_, E, S>,
    ) -> Taken {
        let place = self.place(id)?;
        if let Some(place) = place
            && !S::WANTS_FIELDS
            && self.streams[place].head().is_none()
            && let Some(head) = self.recalls[0].head(block)
            && head.status >= 200
        {
            self.recall_call::<S>(false);
            return self.begin_response(place, head, ends_stream, judge);
        }
        let known = place.and_then(|place| self.streams[place].head());
        if S::WANTS_FIELDS {
            judge.sink.of(place.map(|place| self.streams[place].flight.request));
        }
        let head = self.read_head(block, known.is_some(), &mut judge.sink)?;
        let Some(place) = place else {
            // It is for no one, but later blocks build on it.
            return Ok(None);
        };
        match (head, known) {
            (Err(what), _) => Err(self.malformed(place, what)),
            (Ok(_), Some(head)) if ends_stream => self.complete(place, head, judge),
            (Ok(_), Some(_)) => Err(self.malformed(place, "trailers do not end their stream")),
            (Ok(head), None) if head.status < 200 && ends_stream => {
                Err(self.malformed(place, "an interim response ends its stream"))
            }
            (Ok(head), None) if head.status < 200 => Ok(None),
            (Ok(head), None) => self.begin_response(place, head, ends_stream, judge),
        }
    }

    #[inline]
    fn begin_response<E: Expectations + ?Sized, S: Sink>(
        &mut self,
        place: usize,
        head: Head,
        ends_stream: bool,
        judge: &mut Judge<'_, E, S>,
    ) -> Taken {
        self.streams.begin_response(place, head);
        if ends_stream { self.complete(place, head, judge) } else { Ok(None) }
    }

    /// What a block says, or what is wrong with its fields alone.
    #[inline]
    fn read_head<S: Sink>(
        &mut self,
        block: &[u8],
        is_trailer: bool,
        sink: &mut S,
    ) -> Result<Result<Head, &'static str>, Http2Fault> {
        match self.recalls[usize::from(is_trailer)].head(block) {
            Some(head) if !S::WANTS_FIELDS => {
                self.recall_call::<S>(is_trailer);
                Ok(Ok(head))
            }
            _ => self.decode(block, is_trailer, sink),
        }
    }

    /// gRPC: what the recalled block says of its call.
    #[inline]
    fn recall_call<S: Sink>(&mut self, is_trailer: bool) {
        if S::IS_GRPC {
            self.call.status = self.call.recalled[usize::from(is_trailer)];
        }
    }

    fn decode<S: Sink>(
        &mut self,
        block: &[u8],
        is_trailer: bool,
        sink: &mut S,
    ) -> Result<Result<Head, &'static str>, Http2Fault> {
        let mut reader = HeadReader::new(is_trailer);
        let call = &mut self.call;
        if S::IS_GRPC {
            if is_trailer { call.end() } else { call.begin() }
        }
        let has_changed = self.decoder.decode(block, |name, value| {
            reader.field(name, value);
            sink.field(name, value);
            if S::IS_GRPC {
                call.field(name, value);
            }
        })?;
        let head = reader.finish();
        if has_changed {
            self.recalls.iter_mut().for_each(Recall::forget);
        } else if let Ok(head) = head {
            self.recalls[usize::from(is_trailer)].keep(block, head);
            if S::IS_GRPC {
                self.call.recalled[usize::from(is_trailer)] = self.call.status;
            }
        }
        Ok(head)
    }

    #[inline]
    fn complete<E: Expectations + ?Sized, S: Sink>(
        &mut self,
        place: usize,
        head: Head,
        judge: &mut Judge<'_, E, S>,
    ) -> Taken {
        let stream = &self.streams[place];
        let has_no_body = stream.flight.is_head || matches!(head.status, 204 | 304);
        let seen_bytes = stream.check.seen_bytes();
        if !has_no_body && head.length.is_some_and(|length| length != seen_bytes) {
            return Err(self.malformed(place, "a body is shorter than its content-length"));
        }
        let expect = judge.expect.of(stream.flight.request);
        let matches = &mut judge.memory.last_matches;
        let mut verdict = verdict(expect, head.status, &stream.flight, &stream.check, matches);
        if S::IS_GRPC
            && let Some(failed) = Failed::of(head.status, &self.call)
        {
            judge.memory.complaint = failed.to_string();
            verdict = Verdict::FailedCall;
        }
        let flight = self.close(place);
        self.has_responded = true;
        let keeps_alive = !self.is_over();
        Ok(Some(Response { flight, status: head.status, verdict, keeps_alive }))
    }

    /// A response that breaks the protocol ends its stream alone.
    #[cold]
    fn malformed(&mut self, place: usize, what: &'static str) -> Unusable<Http2Fault> {
        let flight = self.give_up(place, Code::PROTOCOL_ERROR);
        Unusable::Lost(flight, Http2Fault::protocol(what))
    }

    fn rst_stream(&mut self, frame: &Frame<'_>) -> Taken {
        if frame.payload.len() != 4 {
            return Err(Http2Fault::frame_size("RST_STREAM does not have 4 bytes").into());
        }
        self.check_idle(frame.stream)?;
        let Some(place) = self.streams.find(frame.stream) else {
            return Ok(None);
        };
        let code = Code(big_endian(frame.payload));
        if code != Code::REFUSED_STREAM || self.streams[place].was_refused {
            let flight = self.forget(place);
            return Err(Unusable::Lost(flight, Http2Fault::Reset(code)));
        }
        self.ask_again(place, true);
        self.check_over()
    }

    fn go_away(&mut self, frame: &Frame<'_>) -> Taken {
        check_of_connection(frame)?;
        if frame.payload.len() < 8 {
            return Err(Http2Fault::frame_size("GOAWAY has fewer than 8 bytes").into());
        }
        let code = Code(big_endian(&frame.payload[4..]));
        self.is_going = true;
        if code != Code::NO_ERROR {
            return Err(Http2Fault::GoAway(code).into());
        }
        self.last_id = frame::stream(frame.payload);
        self.ask_again_above(self.last_id);
        self.check_over()
    }

    /// Whether nothing is left on a connection that the server ends.
    fn check_over(&self) -> Taken {
        if !self.is_over() {
            return Ok(None);
        }
        // An idle connection may end at any time; one that ends without ever having been of use is
        // no place to try again and again.
        Err(if self.has_responded || self.waiting.is_empty() || self.is_used_up() {
            Unusable::Closing
        } else {
            Http2Fault::GoAway(Code::NO_ERROR).into()
        })
    }

    fn settings(
        &mut self,
        frame: &Frame<'_>,
        memory: &mut Memory,
    ) -> Result<(), Unusable<Http2Fault>> {
        check_of_connection(frame)?;
        if frame.has(ACK) {
            return match frame.payload {
                [] => Ok(()),
                _ => {
                    Err(Http2Fault::frame_size("an acknowledgement of SETTINGS is not empty")
                        .into())
                }
            };
        }
        let before_bytes = i64::from(self.peer.initial_window_bytes);
        self.peer.take(frame.payload)?;
        let more_bytes = i64::from(self.peer.initial_window_bytes) - before_bytes;
        if more_bytes != 0 {
            for stream in self.streams.iter_mut() {
                stream.window_bytes = widened(stream.window_bytes, more_bytes)?;
            }
        }
        self.encoder.limit(self.peer.header_table_bytes as usize);
        self.make_room();
        memory.peer.get_or_insert(self.peer).note(&self.peer);
        self.has_settings = true;
        frame::write(Kind::Settings, ACK, 0, &[], &mut self.outgoing);
        Ok(())
    }

    fn ping(&mut self, frame: &Frame<'_>) -> Result<(), Unusable<Http2Fault>> {
        check_of_connection(frame)?;
        if frame.payload.len() != 8 {
            return Err(Http2Fault::frame_size("PING does not have 8 bytes").into());
        }
        if !frame.has(ACK) {
            frame::write(Kind::Ping, ACK, 0, frame.payload, &mut self.outgoing);
        }
        Ok(())
    }

    fn window_update(&mut self, frame: &Frame<'_>) -> Result<(), Unusable<Http2Fault>> {
        if frame.payload.len() != 4 {
            return Err(Http2Fault::frame_size("WINDOW_UPDATE does not have 4 bytes").into());
        }
        let more_bytes = i64::from(frame::stream(frame.payload));
        if frame.stream == 0 {
            self.window_bytes = widened(self.window_bytes, more_bytes)?;
            return Ok(());
        }
        self.check_idle(frame.stream)?;
        let Some(place) = self.streams.find(frame.stream) else { return Ok(()) };
        match widened(self.streams[place].window_bytes, more_bytes) {
            Ok(window_bytes) => self.streams[place].window_bytes = window_bytes,
            Err(fault) => {
                let flight = self.give_up(place, fault.code());
                return Err(Unusable::Lost(flight, fault));
            }
        }
        Ok(())
    }
}

/// Counts bytes against a window; those to be returned, when it is time.
#[inline]
fn used_up(unreturned_bytes: &mut u32, bytes: u32) -> Option<u32> {
    *unreturned_bytes += bytes;
    (*unreturned_bytes >= RETURN_BYTES).then(|| std::mem::take(unreturned_bytes))
}

/// A window with so many bytes more, as WINDOW_UPDATE has it.
fn widened(window_bytes: i64, more_bytes: i64) -> Result<i64, Http2Fault> {
    if more_bytes == 0 {
        return Err(Http2Fault::protocol("WINDOW_UPDATE has an increment of 0"));
    }
    let window_bytes = window_bytes + more_bytes;
    if window_bytes > i64::from(WINDOW_MAX_BYTES) {
        return Err(Http2Fault::flow_control("a window grows beyond 2^31-1"));
    }
    Ok(window_bytes)
}

/// Priorities mean nothing to a client, but are to be well-formed.
fn priority(frame: &Frame<'_>) -> Result<(), Unusable<Http2Fault>> {
    if frame.payload.len() != 5 {
        return Err(Http2Fault::frame_size("PRIORITY does not have 5 bytes").into());
    }
    if frame::stream(frame.payload) == frame.stream {
        return Err(fault("a stream depends on itself"));
    }
    if frame.stream == 0 {
        return Err(fault("PRIORITY names no stream"));
    }
    Ok(())
}

fn check_of_connection(frame: &Frame<'_>) -> Result<(), Unusable<Http2Fault>> {
    match frame.stream {
        0 => Ok(()),
        _ => Err(fault("a frame of the connection names a stream")),
    }
}

fn fault(what: &'static str) -> Unusable<Http2Fault> {
    Http2Fault::protocol(what).into()
}
