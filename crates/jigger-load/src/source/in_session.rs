//! Requests over connections that each have something from the server: values that were captured
//! before the load, and cookies that its responses set. `JAR`: there are cookies.

use super::Source;
use super::mix::Mix;
use super::streamed::Streamed;
use crate::protocol::http1::Http1;
use crate::protocol::http2::Http2;
use crate::protocol::{Flight, Sink};
use crate::session::Session;
use crate::source::request::Request;
use std::ops::Range;

/// What the connections of a thread have.
#[derive(Debug)]
pub(crate) struct Sessions<const JAR: bool> {
    /// Each connection's.
    sessions: Vec<Session>,
    /// For each request the folder that cookies are for which name no path.
    folders: Vec<Vec<u8>>,
    /// Which request the response belongs to that a connection is reading.
    read: Vec<Option<u32>>,
}

/// Over HTTP/1.1.
#[derive(Debug)]
pub(crate) struct InSession<'a, const JAR: bool> {
    mix: Mix<'a>,
    sessions: Sessions<JAR>,
}

/// Over HTTP/2.
#[derive(Debug)]
pub(crate) struct StreamedInSession<'a, const JAR: bool> {
    streamed: Streamed<'a, true>,
    sessions: Sessions<JAR>,
}

/// Puts the cookies of responses into the jar of their connection.
pub(crate) struct Taking<'s, const JAR: bool> {
    session: &'s mut Session,
    folders: &'s [Vec<u8>],
    request: &'s mut Option<u32>,
}

impl<const JAR: bool> Sessions<JAR> {
    /// Those of a thread that sends these requests.
    pub(crate) fn new(requests: &[(Request, u32)], sessions: Vec<Session>) -> Sessions<JAR> {
        let folders = requests.iter().map(|(request, _)| request.cookie_folder()).collect();
        Sessions { read: vec![None; sessions.len()], sessions, folders }
    }

    fn taking(&mut self, connection: usize) -> Taking<'_, JAR> {
        Taking {
            session: &mut self.sessions[connection],
            folders: &self.folders,
            request: &mut self.read[connection],
        }
    }
}

impl<'a, const JAR: bool> InSession<'a, JAR> {
    pub(crate) fn new(mix: Mix<'a>, sessions: Sessions<JAR>) -> InSession<'a, JAR> {
        InSession { mix, sessions }
    }
}

impl<'a, const JAR: bool> StreamedInSession<'a, JAR> {
    pub(crate) fn new(
        streamed: Streamed<'a, true>,
        sessions: Sessions<JAR>,
    ) -> StreamedInSession<'a, JAR> {
        StreamedInSession { streamed, sessions }
    }
}

impl<const JAR: bool> Source<Http1> for InSession<'_, JAR> {
    const IS_MIXED: bool = true;

    fn next(&mut self, connection: usize, due_ns: u64, now_ns: u64) -> Flight {
        self.mix.next(connection, due_ns, now_ns)
    }

    fn lay_out(&mut self, connection: usize, conversation: &mut Http1) -> Range<usize> {
        self.mix.lay_out_in(&self.sessions.sessions[connection], conversation)
    }

    fn bytes(&self, connection: usize, laid_out: Range<usize>) -> &[u8] {
        self.mix.bytes(connection, laid_out)
    }

    fn is_full(&self) -> bool {
        self.mix.is_full()
    }

    fn clear(&mut self, from: usize) {
        self.mix.clear(from);
    }

    fn sink(&mut self, connection: usize) -> impl Sink {
        self.sessions.taking(connection)
    }
}

impl<const JAR: bool> Source<Http2> for StreamedInSession<'_, JAR> {
    const IS_MIXED: bool = true;

    fn next(&mut self, connection: usize, due_ns: u64, now_ns: u64) -> Flight {
        self.streamed.next(connection, due_ns, now_ns)
    }

    fn lay_out(&mut self, connection: usize, conversation: &mut Http2) -> Range<usize> {
        self.streamed.lay_out_in(&self.sessions.sessions[connection], conversation)
    }

    fn bytes(&self, connection: usize, laid_out: Range<usize>) -> &[u8] {
        self.streamed.bytes(connection, laid_out)
    }

    fn is_full(&self) -> bool {
        self.streamed.is_full()
    }

    fn clear(&mut self, from: usize) {
        self.streamed.clear(from);
    }

    fn sink(&mut self, connection: usize) -> impl Sink {
        self.sessions.taking(connection)
    }
}

impl<const JAR: bool> Taking<'_, JAR> {
    fn set(&mut self, cookie: &[u8]) {
        let folder = self.request.and_then(|request| self.folders.get(request as usize));
        let folder = folder.map_or(&b"/"[..], Vec::as_slice);
        if let Some(jar) = self.session.jar_mut() {
            jar.set(&String::from_utf8_lossy(cookie), folder);
        }
    }
}

impl<const JAR: bool> Sink for Taking<'_, JAR> {
    const WANTS_FIELDS: bool = JAR;

    fn of(&mut self, request: Option<u32>) {
        *self.request = request;
    }

    fn head(&mut self, bytes: &[u8]) {
        const NAME: &[u8] = b"set-cookie:";
        if !JAR {
            return;
        }
        for line in bytes.split(|byte| *byte == b'\n') {
            if let Some((name, value)) = line.split_at_checked(NAME.len())
                && name.eq_ignore_ascii_case(NAME)
            {
                self.set(value.trim_ascii());
            }
        }
    }

    fn field(&mut self, name: &[u8], value: &[u8]) {
        if JAR && name == b"set-cookie" {
            self.set(value);
        }
    }

    fn data(&mut self, _: &[u8]) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expect::Expect;
    use crate::protocol::Protocol;
    use crate::protocol::http1::Memory;
    use crate::session::Jar;
    use crate::source::mix::Share;
    use crate::url::Url;

    const NAMES: [&str; 1] = ["token"];

    fn request(method: &str, path: &str, body: &str) -> (Request, u32) {
        let url = Url::parse(&format!("http://h{path}")).unwrap();
        let names = NAMES.map(str::to_owned);
        let headers = [("X".to_owned(), "{{token}}".to_owned())];
        (Request::in_sessions((method, &url), &headers, body.as_bytes(), &[], &names).unwrap(), 1)
    }

    fn sessions() -> Vec<Session> {
        let of = |token: &str| {
            let mut session = Session::new(Some(Jar::new("h", false)));
            session.keep(token.as_bytes().to_vec());
            session
        };
        vec![of("one"), of("two")]
    }

    fn share() -> Share {
        Share { thread: 0, threads: 1, seed: 0, first_counter: 0, in_turn: true }
    }

    /// What the next request of a connection is on the wire.
    fn sent(
        source: &mut InSession<'_, true>,
        conversation: &mut Http1,
        connection: usize,
    ) -> String {
        conversation.begin(source.next(connection, 0, 0));
        let laid_out = source.lay_out(connection, conversation);
        conversation.mark_sent();
        String::from_utf8(source.bytes(connection, laid_out).to_vec()).unwrap()
    }

    fn answer(source: &mut InSession<'_, true>, conversation: &mut Http1, head: &str) {
        let text = format!("HTTP/1.1 204 No Content\r\n{head}\r\n");
        let (mut input, mut memory) = (text.as_bytes(), Memory::default());
        let sink = source.sessions.taking(0);
        let response = conversation.absorb(&mut input, &Expect::default(), &mut memory, sink);
        assert!(response.unwrap().is_some());
    }

    #[test]
    fn each_connection_sends_its_own_values_and_the_cookies_that_it_was_given() {
        let requests = [request("GET", "/shop/items?q=1", ""), request("PUT", "/up", "{{token}}")];
        let mix = Mix::new(&requests, &share());
        let mut source = InSession::new(mix, Sessions::<true>::new(&requests, sessions()));
        let (mut one, mut two) = (Http1::new(1, u64::MAX), Http1::new(1, u64::MAX));
        let first = sent(&mut source, &mut one, 0);
        assert_eq!(first, "GET /shop/items?q=1 HTTP/1.1\r\nHost: h\r\nX: one\r\n\r\n");
        answer(&mut source, &mut one, "set-cookie: id=7; Path=/\r\nSet-Cookie: cart=a\r\n");
        let put = sent(&mut source, &mut one, 0);
        let wanted = "PUT /up HTTP/1.1\r\nHost: h\r\nX: one\r\nCookie: id=7\r\n\
                      Content-Length: 3\r\n\r\none";
        assert_eq!(put, wanted, "the cookie of /shop is not for /up");
        answer(&mut source, &mut one, "");
        let again = sent(&mut source, &mut one, 0);
        assert!(again.contains("\r\nCookie: cart=a; id=7\r\n\r\n"), "{again}");
        let other = sent(&mut source, &mut two, 1);
        assert!(other.contains("X: two\r\n") && !other.contains("Cookie"), "{other}");
    }
}
