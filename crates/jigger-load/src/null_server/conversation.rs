//! One connection of the null server: requests in, responses out.

use super::http2::Session;
use super::responses::Responses;
use crate::protocol::http2::frame::PREFACE;
use crate::tls::{CIPHERTEXT_BYTES, ServerSession};
use rustix::io::Errno;
use rustix::net::{self, RecvFlags, SendFlags};
use std::io::{self, Write};
use std::os::fd::OwnedFd;

/// What a thread remembers between conversations.
#[derive(Debug, Default)]
pub(super) struct State {
    /// The last whole request parsed, if it gets the usual response:
    /// equal bytes need no second parsing.
    last: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct Conversation {
    file: OwnedFd,
    session: Option<Box<ServerSession>>,
    /// A request of which only a part has arrived.
    stash: Vec<u8>,
    /// Bytes of a request's body still to come, to be skipped.
    skip_bytes: u64,
    /// Responses that the kernel had no room for.
    rest: Vec<u8>,
    closes: bool,
    /// What follows the preface of HTTP/2.
    http2: Option<Box<Session>>,
}

/// A socket as a session writes to it.
struct Outlet<'a>(&'a OwnedFd);

impl Write for Outlet<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(net::send(self.0, bytes, SendFlags::NOSIGNAL)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct RequestHead {
    head_bytes: usize,
    body_bytes: u64,
    is_head: bool,
    closes: bool,
}

const FIELDS_MAX: usize = 128;
const HEAD_MAX_BYTES: usize = 64 << 10;

impl Conversation {
    pub(super) fn new(file: OwnedFd, session: Option<ServerSession>) -> Conversation {
        Conversation {
            file,
            session: session.map(Box::new),
            stash: Vec::new(),
            skip_bytes: 0,
            rest: Vec::new(),
            closes: false,
            http2: None,
        }
    }

    pub(super) fn file(&self) -> &OwnedFd {
        &self.file
    }

    /// Whether responses wait for the kernel to have room.
    pub(super) fn is_full(&self) -> bool {
        !self.rest.is_empty()
    }

    /// Reads once; 0 bytes are the end.
    #[inline]
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Errno> {
        if self.session.is_some() {
            return self.read_tls(buffer);
        }
        net::recv(&self.file, buffer, RecvFlags::empty()).map(|(_, bytes)| bytes)
    }

    /// So little that all of it, decrypted, has room in the buffer.
    fn read_tls(&mut self, buffer: &mut [u8]) -> Result<usize, Errno> {
        let Some(session) = &mut self.session else { return Err(Errno::AGAIN) };
        let limit = buffer.len().min(CIPHERTEXT_BYTES);
        let (_, bytes) = net::recv(&self.file, &mut buffer[..limit], RecvFlags::empty())?;
        if bytes == 0 {
            return Ok(0);
        }
        let came = buffer[..bytes].to_vec();
        match session.receive(&came, buffer, &mut Outlet(&self.file)) {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) => Err(Errno::AGAIN),
            Err(_) => Err(Errno::PROTO),
        }
    }

    /// Responds to what a read has brought; whether the conversation goes on.
    pub(super) fn respond(
        &mut self,
        responses: &Responses,
        state: &mut State,
        received: Result<usize, Errno>,
        buffer: &[u8],
    ) -> bool {
        let bytes = match received {
            Ok(0) => return false,
            Ok(bytes) => bytes,
            Err(Errno::AGAIN) => return true,
            Err(_) => return false,
        };
        let mut input = &buffer[..bytes];
        if self.http2.is_some() {
            return self.respond_in_http2(responses, &mut input);
        }
        if self.stash.is_empty() {
            self.respond_all(responses, state, &mut input) && self.keep(input)
        } else {
            let mut stash = std::mem::take(&mut self.stash);
            stash.extend_from_slice(input);
            let mut input = &stash[..];
            self.respond_all(responses, state, &mut input) && self.keep(input)
        }
    }

    /// Whether these bytes are the usual request, once, which gets the usual response.
    pub(super) fn is_usual(&self, state: &State, input: &[u8]) -> bool {
        let is_idle = self.stash.is_empty() && self.skip_bytes == 0 && !self.closes;
        is_idle && !input.is_empty() && input == state.last
    }

    /// Hands bytes to the kernel; how many it took.
    #[inline]
    pub(super) fn offer(&mut self, bytes: &[u8]) -> Result<usize, Errno> {
        match &mut self.session {
            None => net::send(&self.file, bytes, SendFlags::NOSIGNAL),
            Some(session) => session
                .send(bytes, &mut Outlet(&self.file))
                .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO)),
        }
    }

    /// Keeps what the kernel did not take of these bytes; whether the conversation goes on.
    pub(super) fn keep_rest(&mut self, bytes: &[u8], sent: Result<usize, Errno>) -> bool {
        let sent = match sent {
            Ok(sent) => sent,
            Err(Errno::AGAIN) => 0,
            Err(_) => return false,
        };
        self.rest.extend_from_slice(&bytes[sent..]);
        true
    }

    /// Sends on; whether the conversation goes on.
    pub(super) fn flush(&mut self) -> bool {
        let mut rest = std::mem::take(&mut self.rest);
        let sent = self.offer(&rest);
        rest.drain(..sent.unwrap_or_default());
        self.rest = rest;
        match sent {
            Ok(_) => !(self.closes && self.rest.is_empty()),
            Err(Errno::AGAIN) => true,
            Err(_) => false,
        }
    }

    fn keep(&mut self, input: &[u8]) -> bool {
        self.stash.extend_from_slice(input);
        self.stash.len() <= HEAD_MAX_BYTES
    }

    /// Responds to every whole request at the front of `input`.
    fn respond_all(&mut self, responses: &Responses, state: &mut State, input: &mut &[u8]) -> bool {
        loop {
            self.skip(input);
            let mut count = 0;
            while !state.last.is_empty()
                && self.skip_bytes == 0
                && let Some(rest) = input.strip_prefix(&state.last[..])
            {
                *input = rest;
                count += 1;
            }
            if count > 0 && !self.send_usual(responses, count) {
                return false;
            }
            if input.is_empty() || self.skip_bytes > 0 {
                return !self.closes || self.is_full();
            }
            match parse(input) {
                Some(Ok(head)) => {
                    if !self.reply(responses, state, input, &head) {
                        return false;
                    }
                }
                Some(Err(())) => return self.greet(responses, input),
                None => return true,
            }
        }
    }

    /// What is no HTTP/1.1 may be HTTP/2.
    fn greet(&mut self, responses: &Responses, input: &mut &[u8]) -> bool {
        let Some(rest) = input.strip_prefix(PREFACE) else {
            // Perhaps the rest of it is still to come.
            return PREFACE.starts_with(input);
        };
        *input = rest;
        self.http2 = Some(Box::new(Session::new()));
        self.respond_in_http2(responses, input)
    }

    fn respond_in_http2(&mut self, responses: &Responses, input: &mut &[u8]) -> bool {
        let Some(mut session) = self.http2.take() else { return false };
        let Some(out) = session.take(input, responses) else { return false };
        let goes_on = out.is_empty() || self.send(&out);
        session.reuse(out);
        self.http2 = Some(session);
        goes_on
    }

    fn skip(&mut self, input: &mut &[u8]) {
        let length = usize::try_from(self.skip_bytes).unwrap_or(usize::MAX).min(input.len());
        *input = &input[length..];
        self.skip_bytes -= length as u64;
    }

    fn reply(
        &mut self,
        responses: &Responses,
        state: &mut State,
        input: &mut &[u8],
        head: &RequestHead,
    ) -> bool {
        let whole = head.body_bytes.saturating_add(head.head_bytes as u64);
        if !head.is_head && !head.closes && whole <= input.len() as u64 {
            state.last.clear();
            state.last.extend_from_slice(&input[..usize::try_from(whole).unwrap_or_default()]);
        }
        *input = &input[head.head_bytes..];
        self.skip_bytes = head.body_bytes;
        self.closes |= head.closes;
        let sent = if head.is_head || self.closes {
            responses.work(1);
            self.send(if head.is_head { responses.head() } else { responses.closing() })
        } else {
            self.send_usual(responses, 1)
        };
        sent && (!self.closes || self.is_full())
    }

    fn send_usual(&mut self, responses: &Responses, count: usize) -> bool {
        responses.work(count);
        let mut left = count;
        while left > 0 {
            let (now, bytes) = responses.several(left);
            if !self.send(bytes) {
                return false;
            }
            left -= now;
        }
        true
    }

    fn send(&mut self, bytes: &[u8]) -> bool {
        let sent = if self.is_full() { Ok(0) } else { self.offer(bytes) };
        self.keep_rest(bytes, sent)
    }
}

/// `None` while the head is incomplete.
fn parse(input: &[u8]) -> Option<Result<RequestHead, ()>> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
    let mut request = httparse::Request::new(&mut fields);
    let head_bytes = match request.parse(input) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return None,
        Err(_) => return Some(Err(())),
    };
    let is_head = request.method == Some("HEAD");
    let mut head =
        RequestHead { head_bytes, body_bytes: 0, is_head, closes: request.version == Some(0) };
    for field in request.headers.iter() {
        if field.name.eq_ignore_ascii_case("content-length") {
            let length = std::str::from_utf8(field.value).ok().and_then(|text| text.parse().ok());
            head.body_bytes = length?;
        } else if field.name.eq_ignore_ascii_case("connection") {
            head.closes |= field.value.eq_ignore_ascii_case(b"close");
            head.closes &= !field.value.eq_ignore_ascii_case(b"keep-alive");
        } else if field.name.eq_ignore_ascii_case("transfer-encoding") {
            return Some(Err(()));
        }
    }
    Some(Ok(head))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::http2::frame::{ACK, END_HEADERS, END_STREAM, Kind, Reader, write};
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;
    use std::time::Duration;

    const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    const POST: &[u8] = b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nGET /";

    /// Feeds the pieces, each read at once; the responses and whether the conversation goes on.
    fn talk(pieces: &[&[u8]]) -> (String, bool) {
        let (mut client, server) = UnixStream::pair().unwrap();
        server.set_nonblocking(true).unwrap();
        let responses = Responses::new(b"pong", Duration::ZERO);
        let (mut state, mut buffer) = (State::default(), vec![0; 4096]);
        let mut conversation = Conversation::new(server.into(), None);
        let mut goes_on = true;
        for piece in pieces {
            client.write_all(piece).unwrap();
            let received = conversation.read(&mut buffer);
            goes_on = conversation.respond(&responses, &mut state, received, &buffer);
        }
        drop(conversation);
        let mut text = String::new();
        client.read_to_string(&mut text).unwrap();
        (text, goes_on)
    }

    fn count(text: &str) -> usize {
        text.matches("\r\n\r\npong").count()
    }

    #[test]
    fn pipelined_split_and_bodied_requests_are_answered_one_by_one() {
        let many = GET.repeat(100);
        for (pieces, wanted) in [
            (vec![GET], 1),
            (vec![GET, &GET[..9], &GET[9..]], 2),
            (vec![&many[..], &many[..]], 200),
            (vec![POST, &POST[..40], &POST[40..], GET], 3),
            (vec![&[POST, GET, POST].concat()[..], POST], 4),
        ] {
            let (text, goes_on) = talk(&pieces);
            assert_eq!((count(&text), goes_on), (wanted, true), "{text}");
        }
    }

    #[test]
    fn only_the_last_request_over_again_is_the_usual_one() {
        let (_client, server) = UnixStream::pair().unwrap();
        let mut conversation = Conversation::new(server.into(), None);
        let mut state = State::default();
        assert!(!conversation.is_usual(&state, b""), "the end of a stream asks for nothing");
        state.last = GET.to_vec();
        let longer = [GET, b"G"].concat();
        for (input, wanted) in [(GET, true), (&GET[1..], false), (&longer, false), (POST, false)] {
            assert_eq!(conversation.is_usual(&state, input), wanted);
        }
        conversation.skip_bytes = 1;
        assert!(!conversation.is_usual(&state, GET), "it belongs to a body");
    }

    /// The frames that a client of HTTP/2 gets for these of its own, cut there.
    fn frames(body: &[u8], requests: &[u8], cut: usize) -> Vec<(Kind, u8, u32, usize)> {
        let (mut client, server) = UnixStream::pair().unwrap();
        server.set_nonblocking(true).unwrap();
        let responses = Responses::new(body, Duration::ZERO);
        let (mut state, mut buffer) = (State::default(), vec![0; 1 << 16]);
        let mut conversation = Conversation::new(server.into(), None);
        let bytes = [PREFACE, requests].concat();
        for piece in [&bytes[..cut], &bytes[cut..]] {
            client.write_all(piece).unwrap();
            let received = conversation.read(&mut buffer);
            assert!(conversation.respond(&responses, &mut state, received, &buffer));
        }
        drop(conversation);
        let mut bytes = Vec::new();
        client.read_to_end(&mut bytes).unwrap();
        let (mut reader, mut input, mut frames) = (Reader::default(), &bytes[..], Vec::new());
        while let Some(frame) = reader.next(&mut input).unwrap() {
            frames.push((frame.kind, frame.flags, frame.stream, frame.payload.len()));
        }
        frames
    }

    #[test]
    fn http2_is_answered_stream_by_stream() {
        let mut requests = Vec::new();
        let get = &[0x82, 0x40, 1, b'x', 1, b'y'];
        let ends = END_HEADERS | END_STREAM;
        write(Kind::Settings, 0, 0, &[], &mut requests);
        write(Kind::Headers, ends, 1, get, &mut requests);
        write(Kind::Headers, 0, 3, &get[..1], &mut requests);
        write(Kind::Continuation, END_HEADERS, 3, &[0xbe], &mut requests);
        write(Kind::Data, END_STREAM, 3, b"body", &mut requests);
        write(Kind::Headers, ends, 5, b"\x42\x04HEAD", &mut requests);
        write(Kind::Headers, ends, 7, b"\xbe", &mut requests);
        write(Kind::Ping, 0, 0, &[0; 8], &mut requests);
        for cut in 1..PREFACE.len() + requests.len() {
            let found = frames(b"pong", &requests, cut);
            let (head, alone) = (END_HEADERS, END_HEADERS | END_STREAM);
            let length = found[3].3;
            let wanted = [
                (Kind::Settings, 0, 0, 6),
                (Kind::WindowUpdate, 0, 0, 4),
                (Kind::Settings, ACK, 0, 0),
                (Kind::Headers, head, 1, length),
                (Kind::Data, END_STREAM, 1, 4),
                (Kind::Headers, head, 3, length),
                (Kind::Data, END_STREAM, 3, 4),
                (Kind::Headers, alone, 5, length),
                (Kind::Headers, alone, 7, length),
                (Kind::Ping, ACK, 0, 8),
            ];
            assert_eq!(found, wanted, "cut at {cut}");
        }
    }

    #[test]
    fn http2_keeps_to_the_windows_of_its_client() {
        let mut requests = Vec::new();
        write(Kind::Settings, 0, 0, &[0, 4, 0, 0, 0, 10], &mut requests);
        write(Kind::Headers, END_HEADERS | END_STREAM, 1, &[0x82], &mut requests);
        write(Kind::WindowUpdate, 0, 0, &[0, 1, 0, 0], &mut requests);
        write(Kind::WindowUpdate, 0, 1, &[0, 0, 0x75, 0x26], &mut requests);
        write(Kind::Settings, 0, 0, &[0, 4, 0, 0, 0, 20], &mut requests);
        write(Kind::WindowUpdate, 0, 1, &[0, 0, 0x10, 0], &mut requests);
        let found = frames(&[b'x'; 30_020], &requests, 40);
        let data: Vec<_> = found.iter().filter(|frame| frame.0 == Kind::Data).collect();
        let lengths: Vec<_> = data.iter().map(|frame| frame.3).collect();
        assert_eq!(lengths, [10, 16_384, 13_606, 20]);
        assert_eq!(data[3].1, END_STREAM);
    }

    #[test]
    fn head_close_and_garbage() {
        let (text, goes_on) = talk(&[b"HEAD / HTTP/1.1\r\n\r\n"]);
        assert!(text.contains("Content-Length: 4") && !text.contains("pong") && goes_on);
        let (text, goes_on) = talk(&[b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n"]);
        assert_eq!((count(&text), goes_on), (1, false));
        assert!(text.contains("Connection: close"), "{text}");
        let old = |option: &str| talk(&[format!("GET / HTTP/1.0\r\n{option}\r\n").as_bytes()]);
        assert!(!old("").1 && old("").0.contains("Connection: close"));
        let (text, goes_on) = old("Connection: Keep-Alive\r\n");
        assert!(goes_on && text.contains("Connection: keep-alive"), "{text}");
        assert_eq!(talk(&[b"\x16\x03\x01"]), (String::new(), false));
    }
}
