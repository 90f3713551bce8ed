//! HTTP/2 as the null server speaks it: the same response on every stream, within the client's
//! windows.

use super::responses::{Encoded, Responses};
use crate::grpc;
use crate::protocol::http2::frame::{
    self, ACK, DEFAULT_WINDOW_BYTES, END_HEADERS, END_STREAM, Frame, HEADER_BYTES, Kind,
    PAYLOAD_MAX_BYTES, Reader, big_endian,
};
use crate::protocol::http2::hpack::Decoder;
use std::collections::VecDeque;

const WINDOW_BYTES: u32 = 1 << 30;
const BLOCK_MAX_BYTES: usize = 64 << 10;

/// One connection.
#[derive(Debug)]
pub(super) struct Session {
    reader: Reader,
    decoder: Decoder,
    /// The last header block that left the decoder's table as it was, and the request's kind.
    last: (Vec<u8>, Asked),
    /// A header block that goes on, and the flags and the stream that it began with.
    block: Option<(Vec<u8>, u8, u32)>,
    /// Requests whose body has not ended: the stream, and the request's kind.
    unfinished: Vec<(u32, Asked)>,
    /// Bodies for which the client's windows had no room.
    held_up: VecDeque<HeldUp>,
    window_bytes: i64,
    initial_window_bytes: i64,
    unreturned_bytes: u32,
    out: Vec<u8>,
}

/// The kind of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Asked {
    with_head: bool,
    by_grpc: bool,
}

#[derive(Debug)]
struct HeldUp {
    stream: u32,
    by_grpc: bool,
    sent_bytes: usize,
    window_bytes: i64,
}

impl Session {
    /// A session that has greeted.
    pub(super) fn new() -> Session {
        let mut out = Vec::new();
        let settings = [&[0, 4][..], &WINDOW_BYTES.to_be_bytes()].concat();
        frame::write(Kind::Settings, 0, 0, &settings, &mut out);
        let more = WINDOW_BYTES - DEFAULT_WINDOW_BYTES;
        frame::write(Kind::WindowUpdate, 0, 0, &more.to_be_bytes(), &mut out);
        Session {
            reader: Reader::default(),
            decoder: Decoder::default(),
            last: (Vec::new(), Asked::default()),
            block: None,
            unfinished: Vec::new(),
            held_up: VecDeque::new(),
            window_bytes: i64::from(DEFAULT_WINDOW_BYTES),
            initial_window_bytes: i64::from(DEFAULT_WINDOW_BYTES),
            unreturned_bytes: 0,
            out,
        }
    }

    /// Takes what the client sends; what is to be sent then, or that the client breaks the protocol.
    pub(super) fn take(&mut self, input: &mut &[u8], responses: &Responses) -> Option<Vec<u8>> {
        let mut reader = std::mem::take(&mut self.reader);
        while let Some(frame) = reader.next(input).ok()? {
            self.frame(&frame, responses)?;
        }
        self.reader = reader;
        Some(std::mem::take(&mut self.out))
    }

    /// Gives the memory of what has been sent back.
    pub(super) fn reuse(&mut self, mut sent: Vec<u8>) {
        sent.clear();
        self.out = sent;
    }

    fn frame(&mut self, frame: &Frame<'_>, responses: &Responses) -> Option<()> {
        match frame.kind {
            Kind::Headers => {
                let (fragment, _) = frame.fragment().ok()?;
                if frame.has(END_HEADERS) {
                    return self.request(fragment, frame.flags, frame.stream, responses);
                }
                self.block = Some((fragment.to_vec(), frame.flags, frame.stream));
            }
            Kind::Continuation => {
                let (mut block, flags, stream) = self.block.take()?;
                block.extend_from_slice(frame.payload);
                if frame.has(END_HEADERS) {
                    return self.request(&block, flags, stream, responses);
                }
                self.block = (block.len() <= BLOCK_MAX_BYTES).then_some((block, flags, stream));
                self.block.as_ref()?;
            }
            Kind::Data => self.data(frame, responses),
            Kind::Settings if !frame.has(ACK) => self.settings(frame.payload),
            Kind::Ping if !frame.has(ACK) => {
                frame::write(Kind::Ping, ACK, 0, frame.payload, &mut self.out);
            }
            Kind::WindowUpdate => self.widen(frame, responses),
            Kind::RstStream => {
                self.unfinished.retain(|(stream, _)| *stream != frame.stream);
                self.held_up.retain(|held_up| held_up.stream != frame.stream);
            }
            _ => {}
        }
        Some(())
    }

    /// A header block is complete: a request's, or its trailers.
    fn request(
        &mut self,
        block: &[u8],
        flags: u8,
        stream: u32,
        responses: &Responses,
    ) -> Option<()> {
        let asked = self.asked(block)?;
        let ends = flags & END_STREAM != 0;
        if !self.finish(stream, responses) {
            if ends {
                self.reply(stream, asked, responses);
            } else {
                self.unfinished.push((stream, asked));
            }
        }
        Some(())
    }

    /// Replies to the request on this stream, whose body has ended; whether there is one.
    fn finish(&mut self, stream: u32, responses: &Responses) -> bool {
        let place = self.unfinished.iter().position(|(other, _)| *other == stream);
        let request = place.map(|place| self.unfinished.swap_remove(place));
        if let Some((_, asked)) = request {
            self.reply(stream, asked, responses);
        }
        request.is_some()
    }

    fn asked(&mut self, block: &[u8]) -> Option<Asked> {
        let (last, asked) = &self.last;
        if !last.is_empty() && last == block {
            return Some(*asked);
        }
        let mut asked = Asked::default();
        let read = |name: &[u8], value: &[u8]| match name {
            b":method" => asked.with_head = value == b"HEAD",
            b"content-type" => asked.by_grpc = value.starts_with(grpc::CONTENT_TYPE.as_bytes()),
            _ => {}
        };
        let has_changed = self.decoder.decode(block, read).ok()?;
        self.last.0.clear();
        if !has_changed {
            self.last.0.extend_from_slice(block);
        }
        self.last.1 = asked;
        Some(asked)
    }

    fn data(&mut self, frame: &Frame<'_>, responses: &Responses) {
        let bytes = u32::try_from(frame.payload.len()).unwrap_or_default();
        self.unreturned_bytes += bytes;
        if self.unreturned_bytes > WINDOW_BYTES / 2 {
            let bytes = std::mem::take(&mut self.unreturned_bytes).to_be_bytes();
            frame::write(Kind::WindowUpdate, 0, 0, &bytes, &mut self.out);
        }
        let is_finished = frame.has(END_STREAM) && self.finish(frame.stream, responses);
        if !is_finished && bytes > 0 {
            frame::write(Kind::WindowUpdate, 0, frame.stream, &bytes.to_be_bytes(), &mut self.out);
        }
    }

    fn settings(&mut self, payload: &[u8]) {
        for setting in payload.chunks_exact(6).filter(|setting| setting[..2] == [0, 4]) {
            let initial_bytes = i64::from(big_endian(&setting[2..]));
            let more_bytes = initial_bytes - self.initial_window_bytes;
            self.held_up.iter_mut().for_each(|held_up| held_up.window_bytes += more_bytes);
            self.initial_window_bytes = initial_bytes;
        }
        frame::write(Kind::Settings, ACK, 0, &[], &mut self.out);
    }

    fn widen(&mut self, frame: &Frame<'_>, responses: &Responses) {
        let more_bytes = i64::from(frame::stream(frame.payload));
        if frame.stream == 0 {
            self.window_bytes += more_bytes;
        }
        for held_up in self.held_up.iter_mut().filter(|held_up| held_up.stream == frame.stream) {
            held_up.window_bytes += more_bytes;
        }
        for _ in 0..self.held_up.len() {
            if let Some(held_up) = self.held_up.pop_front() {
                self.send_body(held_up, responses);
            }
        }
    }

    fn reply(&mut self, stream: u32, asked: Asked, responses: &Responses) {
        responses.work(1);
        let Asked { with_head, by_grpc } = asked;
        let Encoded { block, body, .. } = responses.http2(by_grpc);
        let has_body = !with_head && !body.is_empty();
        let end = if has_body { 0 } else { END_STREAM };
        frame::write(Kind::Headers, END_HEADERS | end, stream, block, &mut self.out);
        if has_body {
            let window_bytes = self.initial_window_bytes;
            self.send_body(HeldUp { stream, by_grpc, sent_bytes: 0, window_bytes }, responses);
        }
    }

    fn send_body(&mut self, mut left: HeldUp, responses: &Responses) {
        let Encoded { body, trailers, .. } = responses.http2(left.by_grpc);
        while left.sent_bytes < body.len() {
            let window = left.window_bytes.min(self.window_bytes);
            let rest = &body[left.sent_bytes..];
            let bytes = usize::try_from(window).unwrap_or(0).min(rest.len()).min(PAYLOAD_MAX_BYTES);
            if bytes == 0 {
                return self.held_up.push_back(left);
            }
            let is_last = bytes == rest.len() && trailers.is_empty();
            let flags = if is_last { END_STREAM } else { 0 };
            self.out.reserve(HEADER_BYTES + bytes);
            frame::write(Kind::Data, flags, left.stream, &rest[..bytes], &mut self.out);
            left.sent_bytes += bytes;
            let taken = i64::try_from(bytes).unwrap_or_default();
            left.window_bytes -= taken;
            self.window_bytes -= taken;
        }
        if !trailers.is_empty() {
            let flags = END_HEADERS | END_STREAM;
            frame::write(Kind::Headers, flags, left.stream, trailers, &mut self.out);
        }
    }
}
