//! Requests as HTTP/2 sends them: fields in the order of their HTTP/1.1 form, names in lower case,
//! without those that belong to HTTP/1.1's connections (RFC 9113, section 8.2.2).

use super::request::{Layout, Request};
use super::template::{Template, decimal};
use crate::protocol::Flight;
use crate::protocol::http2::Requests;
use crate::protocol::http2::frame::{END_HEADERS, END_STREAM, HEADER_BYTES, Kind, write};
use crate::protocol::http2::hpack::{Encoder, Literal, static_index};
use crate::random::{self, Random};
use crate::session::Session;
use std::collections::HashMap;

/// A thread's requests, encoded.
#[derive(Debug)]
pub(crate) struct Encoded {
    requests: Vec<Message>,
    /// Fields whose value never changes, each once; known by their numbers.
    fields: Vec<Literal>,
    numbers: HashMap<Literal, usize>,
    /// Of a single request whose fields never change: the frame that begins it, when the server knows
    /// all of them. It ends it, too, where there is no body.
    known_frame: Vec<u8>,
    has_body: bool,
    seed: u64,
    /// The last body filled in, and for which of the requests and which number.
    body: Vec<u8>,
    rendered: Option<(u32, u64)>,
    /// The value being written.
    value: Vec<u8>,
    /// What the request being written asks for, which its cookies depend on.
    target: Vec<u8>,
    /// The name of the field with cookies.
    cookie: Vec<u8>,
}

#[derive(Debug)]
struct Message {
    parts: Vec<Part>,
    /// Which of them is `:path`.
    target_at: usize,
    /// What it asks for, where that never changes.
    target: Vec<u8>,
    body: Body,
}

/// The requests of a thread as a connection with this session sends them.
pub(crate) struct EncodedIn<'a> {
    pub(crate) encoded: &'a mut Encoded,
    pub(crate) session: &'a Session,
}

/// A field of a header block.
#[derive(Debug)]
enum Part {
    /// One that every connection knows, whole.
    Known(u8),
    /// One that never changes, by its number.
    Kept(usize),
    /// One whose value is another each time.
    Passing { begin: Vec<u8>, value: Template },
    /// The length of a body that is another each time.
    Length { begin: Vec<u8> },
}

#[derive(Debug)]
enum Body {
    Fixed(Vec<u8>),
    Template(Template),
}

const CONNECTION_FIELDS: [&[u8]; 5] =
    [b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"];

impl Encoded {
    /// The requests of one thread; `seed` with a flight's number fixes the values of placeholders.
    pub(crate) fn new(requests: &[(Request, u32)], scheme: &str, seed: u64) -> Encoded {
        let mut encoded = Encoded {
            requests: Vec::new(),
            fields: Vec::new(),
            numbers: HashMap::new(),
            known_frame: Vec::new(),
            has_body: false,
            seed,
            body: Vec::new(),
            rendered: None,
            value: Vec::new(),
            target: Vec::new(),
            cookie: Literal::before_value(b"cookie"),
        };
        for (request, _) in requests {
            let message = encoded.message(&request.layout(), scheme);
            encoded.requests.push(message);
        }
        encoded.foresee();
        encoded
    }

    fn message(&mut self, layout: &Layout, scheme: &str) -> Message {
        let mut parts = Vec::new();
        let mut authority = None;
        let mut regular = Vec::new();
        for (name, value) in &layout.fields {
            let name = name.to_ascii_lowercase();
            match name.as_slice() {
                b"host" => authority = Some(value.clone()),
                b"te" if !is_trailers(value) => {}
                name if CONNECTION_FIELDS.contains(&name) => {}
                _ => regular.push(self.part(&name, value)),
            }
        }
        parts.push(self.part(b":method", &Template::literal(layout.method.as_bytes())));
        parts.push(self.part(b":scheme", &Template::literal(scheme.as_bytes())));
        parts.extend(authority.map(|authority| self.part(b":authority", &authority)));
        let target_at = parts.len();
        let target = layout.target.as_literal().unwrap_or_default().to_vec();
        parts.push(self.part(b":path", &layout.target));
        parts.append(&mut regular);
        if layout.sends_length {
            parts.push(Part::Length { begin: Literal::before_value(b"content-length") });
        }
        let body = match layout.body.as_literal() {
            Some(bytes) => Body::Fixed(bytes.to_vec()),
            None => Body::Template(layout.body.clone()),
        };
        Message { parts, target_at, target, body }
    }

    fn part(&mut self, name: &[u8], value: &Template) -> Part {
        let Some(bytes) = value.as_literal() else {
            return Part::Passing { begin: Literal::before_value(name), value: value.clone() };
        };
        if let Some(index) = static_index(name, bytes) {
            return Part::Known(index);
        }
        let literal = Literal::new(name, bytes);
        Part::Kept(*self.numbers.entry(literal.clone()).or_insert_with(|| {
            self.fields.push(literal);
            self.fields.len() - 1
        }))
    }

    /// Encodes twice for a connection that begins: the second block is that of all others.
    fn foresee(&mut self) {
        let is_fixed = |part: &Part| matches!(part, Part::Known(_) | Part::Kept(_));
        let [message] = self.requests.as_slice() else { return };
        if !message.parts.iter().all(is_fixed) {
            return;
        }
        let (flight, session) = (Flight::default(), &Session::NONE);
        let mut encoder = Encoder::default();
        self.block(&flight, session, &mut encoder, &mut Vec::new());
        if self.knows_all(&encoder) {
            let mut block = Vec::new();
            self.block(&flight, session, &mut encoder, &mut block);
            self.has_body = !self.body_in(&flight, session).is_empty();
            write(Kind::Headers, END_HEADERS | END_STREAM, 0, &block, &mut self.known_frame);
        }
    }

    fn knows_all(&self, encoder: &Encoder) -> bool {
        encoder.known() == Some(self.fields.len())
    }

    fn seed(&self, flight: &Flight) -> u64 {
        random::seed_of(self.seed, flight.counter)
    }

    /// Fills the body in, if that has not been done for this very request.
    fn render_body(&mut self, flight: &Flight, session: &Session) {
        let rendered = (flight.request, flight.counter);
        if self.rendered == Some(rendered) {
            return;
        }
        if let Body::Template(template) = &self.requests[flight.request as usize].body {
            // Not the head's generator: the body is rendered without the head when it goes on.
            let mut random = Random::new(!self.seed(flight));
            self.rendered = Some(rendered);
            self.body.clear();
            template.render(flight.counter, &mut random, session.values(), &mut self.body);
        }
    }

    /// Its body, as a connection with this session sends it.
    fn body_in(&mut self, flight: &Flight, session: &Session) -> &[u8] {
        self.render_body(flight, session);
        match &self.requests[flight.request as usize].body {
            Body::Fixed(bytes) => bytes,
            Body::Template(_) => &self.body,
        }
    }

    /// Appends the header block of a request, as a connection with this session sends it.
    fn block(
        &mut self,
        flight: &Flight,
        session: &Session,
        encoder: &mut Encoder,
        out: &mut Vec<u8>,
    ) {
        let mut random = Random::new(self.seed(flight));
        self.render_body(flight, session);
        let Encoded { requests, fields, value: text, body, target, .. } = self;
        let message = &requests[flight.request as usize];
        if session.jar().is_some() {
            target.clone_from(&message.target);
        }
        for (at, part) in message.parts.iter().enumerate() {
            text.clear();
            match part {
                Part::Known(index) => out.push(0x80 | index),
                Part::Kept(field) => encoder.field(*field, &fields[*field], out),
                Part::Passing { begin, value } => {
                    value.render(flight.counter, &mut random, session.values(), text);
                    if at == message.target_at && session.jar().is_some() {
                        target.clone_from(text);
                    }
                    out.extend_from_slice(begin);
                    Literal::value(text, out);
                }
                Part::Length { begin } => {
                    decimal(body.len() as u64, text);
                    out.extend_from_slice(begin);
                    Literal::value(text, out);
                }
            }
        }
        self.add_cookies(session, out);
    }

    /// Appends the field with the session's cookies for what was just asked for, if there are any.
    fn add_cookies(&mut self, session: &Session, out: &mut Vec<u8>) {
        let Some(jar) = session.jar() else { return };
        self.value.clear();
        let path = self.target.split(|byte| *byte == b'?').next().unwrap_or_default();
        if jar.write(path, &mut self.value) {
            out.extend_from_slice(&self.cookie);
            Literal::value(&self.value, out);
        }
    }
}

impl Requests for EncodedIn<'_> {
    fn header_block(&mut self, flight: &Flight, encoder: &mut Encoder, out: &mut Vec<u8>) {
        self.encoded.block(flight, self.session, encoder, out);
    }

    fn body(&mut self, flight: &Flight) -> &[u8] {
        self.encoded.body_in(flight, self.session)
    }
}

impl Requests for Encoded {
    #[inline]
    fn frame(&self, encoder: &Encoder) -> Option<&[u8]> {
        let is_known = !self.has_body && !self.known_frame.is_empty() && self.knows_all(encoder);
        is_known.then_some(&self.known_frame)
    }

    #[inline]
    fn header_block(&mut self, flight: &Flight, encoder: &mut Encoder, out: &mut Vec<u8>) {
        if !self.known_frame.is_empty() && self.knows_all(encoder) {
            return out.extend_from_slice(&self.known_frame[HEADER_BYTES..]);
        }
        self.block(flight, &Session::NONE, encoder, out);
    }

    #[inline]
    fn body(&mut self, flight: &Flight) -> &[u8] {
        self.body_in(flight, &Session::NONE)
    }
}

fn is_trailers(value: &Template) -> bool {
    value.as_literal() == Some(b"trailers")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::http2::hpack::Decoder;
    use crate::session::Jar;
    use crate::url::Url;

    fn flight(request: u32, counter: u64) -> Flight {
        Flight { counter, request, ..Flight::default() }
    }

    /// The block of a request as a server reads it, its length, and the body.
    fn sent(
        encoded: &mut Encoded,
        (encoder, decoder): &mut (Encoder, Decoder),
        flight: &Flight,
    ) -> (String, usize, String) {
        let (mut out, mut text) = (Vec::new(), String::new());
        encoded.header_block(flight, encoder, &mut out);
        let read = |name: &[u8], value: &[u8]| {
            let [name, value] = [name, value].map(String::from_utf8_lossy);
            text.push_str(&format!("{name}={value};"));
        };
        decoder.decode(&out, read).unwrap();
        (text, out.len(), String::from_utf8(encoded.body(flight).to_vec()).unwrap())
    }

    fn fields(of: &[(&str, &str)]) -> Vec<(String, String)> {
        of.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_fixed_request_is_a_byte_a_field_from_the_second_time_on() {
        let headers = fields(&[
            ("Accept", "*/*"),
            ("Connection", "close"),
            ("Keep-Alive", "1"),
            ("TE", "gzip"),
            ("X-Y", "z"),
        ]);
        let url = Url::parse("http://h:1/a?b").unwrap();
        let request = Request::new("POST", &url, &headers, b"body").unwrap();
        let mut encoded = Encoded::new(&[(request, 1)], "http", 7);
        let mut sides = Default::default();
        let wanted = ":method=POST;:scheme=http;:authority=h:1;:path=/a?b;accept=*/*;x-y=z;\
                      content-length=4;";
        let (first, bytes, body) = sent(&mut encoded, &mut sides, &flight(0, 0));
        assert_eq!((first.as_str(), body.as_str()), (wanted, "body"));
        assert!(bytes > 7);
        for _ in 0..2 {
            let (second, bytes, _) = sent(&mut encoded, &mut sides, &flight(0, 0));
            assert_eq!((second.as_str(), bytes), (wanted, 7));
        }
        assert_eq!(encoded.known_frame.len(), HEADER_BYTES + 7);
        assert!(encoded.frame(&sides.0).is_none(), "it has a body");
        let get = Request::get(&Url::parse("http://h/").unwrap());
        let mut encoded = Encoded::new(&[(get, 1)], "http", 7);
        let mut sides = <(Encoder, Decoder)>::default();
        assert!(encoded.frame(&sides.0).is_none(), "the server does not know it yet");
        sent(&mut encoded, &mut sides, &flight(0, 0));
        assert_eq!(encoded.frame(&sides.0), Some(&b"\0\0\x04\x01\x05\0\0\0\0\x82\x86\xbe\x84"[..]));
    }

    #[test]
    fn placeholders_are_literals_and_a_mix_shares_its_fields() {
        let url = |path: &str| Url::parse(&format!("http://h/{path}")).unwrap();
        let headers = fields(&[("Id", "n{{counter}}"), ("TE", "trailers")]);
        let of = |method: &str, path: &str, body: &[u8]| {
            Request::template(method, &url(path), &headers, body, &[]).unwrap()
        };
        let requests = [
            (of("GET", "a", b""), 1),
            (of("PUT", "{{counter}}", b"{\"id\": {{counter}}, \"r\": {{random:7:7}}}"), 1),
        ];
        let mut encoded = Encoded::new(&requests, "http", 1);
        assert!(encoded.known_frame.is_empty());
        assert_eq!(encoded.fields.len(), 4, "authority, path, te; method PUT");
        let mut sides = Default::default();
        for counter in [5, 120] {
            let (text, ..) = sent(&mut encoded, &mut sides, &flight(0, counter));
            let wanted = format!(
                ":method=GET;:scheme=http;:authority=h;:path=/a;id=n{counter};te=trailers;"
            );
            assert_eq!(text, wanted);
            let wanted_body = format!("{{\"id\": {counter}, \"r\": 7}}");
            let (text, _, body) = sent(&mut encoded, &mut sides, &flight(1, counter));
            assert_eq!(body, wanted_body);
            let wanted = format!(
                ":method=PUT;:scheme=http;:authority=h;:path=/{counter};id=n{counter};\
                 te=trailers;content-length={};",
                body.len()
            );
            assert_eq!(text, wanted);
        }
    }

    #[test]
    fn a_body_that_goes_on_is_the_same() {
        let url = Url::parse("http://h/").unwrap();
        let request = Request::template("POST", &url, &[], b"{{random}}", &[]).unwrap();
        let mut encoded = Encoded::new(&[(request, 1)], "http", 1);
        let first = encoded.body(&flight(0, 1)).to_vec();
        assert_ne!(encoded.body(&flight(0, 2)), first);
        encoded.header_block(&flight(0, 3), &mut Encoder::default(), &mut Vec::new());
        assert_eq!(encoded.body(&flight(0, 1)), first);
    }

    #[test]
    fn a_session_fills_values_and_cookies_in() {
        let url = Url::parse("http://h/shop/{{token}}?q").unwrap();
        let names = ["token".to_owned()];
        let request =
            Request::in_sessions(("POST", &url), &[], b"={{token}}", &[], &names).unwrap();
        let mut encoded = Encoded::new(&[(request, 1), (get("/fixed"), 1)], "http", 1);
        let mut session = Session::new(Some(Jar::new("h", false)));
        session.keep(b"abc".to_vec());
        let jar = session.jar_mut().unwrap();
        jar.set("a=1; Path=/shop/abc", b"/");
        jar.set("b=2", b"/");
        let (mut encoder, mut decoder) = (Encoder::default(), Decoder::default());
        let mut sent = |request: u32| {
            let mut requests = EncodedIn { encoded: &mut encoded, session: &session };
            let (mut out, mut text) = (Vec::new(), String::new());
            requests.header_block(&flight(request, 3), &mut encoder, &mut out);
            let read = |name: &[u8], value: &[u8]| {
                let [name, value] = [name, value].map(String::from_utf8_lossy);
                text.push_str(&format!("{name}={value};"));
            };
            decoder.decode(&out, read).unwrap();
            text + &String::from_utf8_lossy(requests.body(&flight(request, 3)))
        };
        let first = sent(0);
        assert!(first.contains(":path=/shop/abc?q;"), "{first}");
        assert!(first.ends_with("content-length=4;cookie=a=1; b=2;=abc"), "{first}");
        assert!(sent(1).ends_with(":path=/fixed;cookie=b=2;"), "only what its path wants");
    }

    fn get(path: &str) -> Request {
        Request::get(&Url::parse(&format!("http://h{path}")).unwrap())
    }
}
