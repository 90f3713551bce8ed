//! What is sent: one request, its bytes encoded once.

use crate::grpc;
use crate::random::Random;
use crate::session::Session;
use crate::source::template::{Known, Template, TemplateError, decimal, find};
use crate::url::Url;
use std::sync::Arc;

/// A request, encoded. Identical bytes go to every server.
///
/// Sent are the request line, `Host`, the headers as given, and `Content-Length` where a body
/// or the method asks for it (RFC 9110, section 8.6); nothing else, as wrk does it. Which side
/// closes the connection is the load's [`ConnectionPolicy`](crate::ConnectionPolicy), not the
/// request's: a fresh connection is closed by the client after the response (RFC 9112, section
/// 9.6), and `Connection: close` is sent only when it is among the headers.
#[derive(Clone, Debug)]
pub struct Request {
    method: String,
    content: Content,
}

/// Why a request cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The method is no token (RFC 9110, section 5.6.2).
    #[error("`{0}` is not a method; use letters such as GET or POST")]
    Method(String),
    /// A tunnel is no response that could be measured.
    #[error("CONNECT opens a tunnel and cannot be measured; use another method")]
    Connect,
    /// The name of a header is no token.
    #[error("`{0}` is not a header name; write `Name: value`")]
    HeaderName(String),
    /// The value of a header holds a line break or another control character.
    #[error("the value of header `{0}` holds a control character; remove it")]
    HeaderValue(String),
    /// A header that the engine writes itself.
    #[error("`{0}` is set by jigger, because it frames the body; leave it out")]
    Framing(String),
    /// The path of a gRPC call.
    #[error(
        "the path `{0}` does not name a method of a gRPC service; write \
         http://HOST:PORT/package.Service/Method"
    )]
    GrpcPath(String),
    /// The type of a gRPC call's content.
    #[error("gRPC calls have the content type application/grpc, not `{0}`; leave the header out")]
    GrpcContentType(String),
    /// The message of a gRPC call.
    #[error("the message is longer than the 4 GiB that gRPC allows")]
    GrpcMessage,
    /// A hole of a template.
    #[error(transparent)]
    Template(#[from] TemplateError),
}

#[derive(Clone, Debug)]
enum Content {
    /// The whole request.
    Fixed(Arc<[u8]>),
    Template(Box<Parts>),
}

#[derive(Clone, Debug)]
struct Parts {
    /// Up to the body's length.
    head: Template,
    body: Template,
    sends_length: bool,
    /// The head as it was given, and what holes stand for in it.
    text: Vec<u8>,
    known: Known,
    /// The session's values that stand in the URL.
    in_url: Vec<usize>,
}

/// A request in its parts, for a protocol that writes them otherwise.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) method: String,
    pub(crate) target: Template,
    /// `Host` first, names as they were given.
    pub(crate) fields: Vec<(Vec<u8>, Template)>,
    pub(crate) body: Template,
    /// Whether `Content-Length`, which is not among the fields, is to be sent.
    pub(crate) sends_length: bool,
}

impl Request {
    /// Encodes a request; `{{` has no meaning here.
    ///
    /// # Errors
    /// [`RequestError`] for what could not be sent as it stands.
    pub fn new(
        method: &str,
        url: &Url,
        headers: &[(String, String)],
        body: &[u8],
    ) -> Result<Request, RequestError> {
        let sends_length = check(method, headers, body)?;
        let mut bytes = head(method, url, headers);
        finish(&mut bytes, sends_length, body);
        Ok(Request { method: method.to_owned(), content: Content::Fixed(bytes.into()) })
    }

    /// Encodes a request whose URL, header values and body may hold `{{counter}}`, `{{random}}`,
    /// `{{random:LOW:HIGH}}` and `{{line}}` (from `lines`, round and round).
    ///
    /// # Errors
    /// [`RequestError`] for what could not be sent, or a hole that means nothing.
    pub fn template(
        method: &str,
        url: &Url,
        headers: &[(String, String)],
        body: &[u8],
        lines: &[String],
    ) -> Result<Request, RequestError> {
        Request::in_sessions((method, url), headers, body, lines, &[])
    }

    /// As [`Request::template`], with holes for the values of a session too: the names of all, in
    /// their order. What a request of a connection's session is comes from [`Load::sessions`].
    ///
    /// # Errors
    /// As [`Request::template`].
    ///
    /// [`Load::sessions`]: crate::Load::sessions
    pub fn in_sessions(
        (method, url): (&str, &Url),
        headers: &[(String, String)],
        body: &[u8],
        lines: &[String],
        captured: &[String],
    ) -> Result<Request, RequestError> {
        let sends_length = check(method, headers, body)?;
        let lines = lines.iter().map(|line| line.clone().into_bytes()).collect();
        let known = Known { lines, captured: captured.into() };
        let text = head(method, url, headers);
        let head = Template::parse(&text, &known)?;
        let body_template = Template::parse(body, &known)?;
        if head.is_literal() && body_template.is_literal() {
            return Request::new(method, url, headers, body);
        }
        let target = Template::parse(url.target().as_bytes(), &known)?;
        if head.uses_lines() {
            check_lines(&known.lines, target.uses_lines())?;
        }
        let in_url = target.captured().collect();
        let parts = Parts { head, body: body_template, sends_length, text, known, in_url };
        Ok(Request { method: method.to_owned(), content: Content::Template(Box::new(parts)) })
    }

    /// Encodes a gRPC call of the method that the URL's path names, with this message; `{{` has no
    /// meaning here.
    ///
    /// # Errors
    /// [`RequestError`] for what could not be sent as it stands, or is no call.
    pub fn grpc(
        url: &Url,
        headers: &[(String, String)],
        message: &[u8],
    ) -> Result<Request, RequestError> {
        let path = url.target();
        let words: Vec<&str> = path.split('/').collect();
        let is_method = words.len() >= 3 && words.iter().skip(1).all(|word| !word.is_empty());
        if !is_method || path.contains('?') {
            return Err(RequestError::GrpcPath(path.to_owned()));
        }
        let mut headers = headers.to_vec();
        for (name, value) in [("content-type", grpc::CONTENT_TYPE), ("te", "trailers")] {
            if !headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name)) {
                headers.push((name.to_owned(), value.to_owned()));
            }
        }
        let is_foreign = |(name, value): &&(String, String)| {
            name.eq_ignore_ascii_case("content-type") && !value.starts_with(grpc::CONTENT_TYPE)
        };
        if let Some((_, value)) = headers.iter().find(is_foreign) {
            return Err(RequestError::GrpcContentType(value.clone()));
        }
        let body = grpc::framed(message).ok_or(RequestError::GrpcMessage)?;
        check("POST", &headers, &body)?;
        let mut bytes = head("POST", url, &headers);
        // The length is not among the fields of a call.
        finish(&mut bytes, false, &body);
        Ok(Request { method: "POST".to_owned(), content: Content::Fixed(bytes.into()) })
    }

    /// `GET` of the URL without further headers.
    pub fn get(url: &Url) -> Request {
        let mut bytes = head("GET", url, &[]);
        finish(&mut bytes, false, &[]);
        Request { method: "GET".to_owned(), content: Content::Fixed(bytes.into()) }
    }

    /// A request of these bytes, as they stand; the program that made them is responsible for them.
    pub fn from_bytes(bytes: &[u8]) -> Request {
        let method = bytes.split(|byte| *byte == b' ').next().unwrap_or_default();
        Request {
            method: String::from_utf8_lossy(method).into_owned(),
            content: Content::Fixed(bytes.into()),
        }
    }

    /// As given, such as `GET`.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// What it asks for, `/items?page=1`, with its holes.
    pub fn target(&self) -> String {
        let head = match &self.content {
            Content::Fixed(bytes) => bytes,
            Content::Template(parts) => parts.text.as_slice(),
        };
        let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let line = line.strip_suffix(b" HTTP/1.1").unwrap_or(line);
        String::from_utf8_lossy(line.get(self.method.len() + 1..).unwrap_or_default()).into_owned()
    }

    /// The bytes on the wire; for a template those of the first request.
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.render(0, &mut Random::new(0), &Session::NONE, &mut Vec::new(), &mut out);
        out
    }

    /// Whether all of its bytes are the same each time.
    pub fn is_fixed(&self) -> bool {
        self.fixed().is_some()
    }

    /// The request of that number, as a connection with this session sends it, with nothing left to
    /// fill in.
    ///
    /// # Errors
    /// As [`Request::check_session`].
    pub fn numbered(&self, counter: u64, session: &Session) -> Result<Request, RequestError> {
        self.check_session(session)?;
        let mut out = Vec::new();
        self.render(counter, &mut Random::new(counter), session, &mut Vec::new(), &mut out);
        Ok(Request { method: self.method.clone(), content: Content::Fixed(out.into()) })
    }

    /// Whether this session's values can stand where the request has them.
    ///
    /// # Errors
    /// [`TemplateError::CapturedNotInUrl`] for one that cannot stand in its URL.
    pub fn check_session(&self, session: &Session) -> Result<(), RequestError> {
        let Content::Template(parts) = &self.content else { return Ok(()) };
        for number in &parts.in_url {
            let value = session.values().get(*number).map_or(&[][..], Vec::as_slice);
            let text = String::from_utf8_lossy(value);
            if let Some(character) = text.chars().find(|c| !c.is_ascii_graphic()) {
                let name = parts.known.captured[*number].clone();
                return Err(TemplateError::CapturedNotInUrl { name, character }.into());
            }
        }
        Ok(())
    }

    /// The folder that cookies of its responses are for where they do not say (RFC 6265, section
    /// 5.1.4). What comes after a hole is not known, so that it is one further up.
    pub fn cookie_folder(&self) -> Vec<u8> {
        let head = match &self.content {
            Content::Fixed(bytes) => bytes,
            Content::Template(parts) => parts.text.as_slice(),
        };
        let path = path_of(head);
        let known = find(path, b"{{").map_or(path, |hole| &path[..hole]);
        let slash = known.iter().rposition(|byte| *byte == b'/').unwrap_or_default();
        known.get(..slash.max(1)).unwrap_or(b"/").to_vec()
    }

    /// Its parts.
    pub(crate) fn layout(&self) -> Layout {
        match &self.content {
            Content::Fixed(bytes) => {
                let end = find(bytes, b"\r\n\r\n").unwrap_or(bytes.len());
                let body = bytes.get(end + 4..).unwrap_or_default();
                self.lay_out(&bytes[..end], Template::literal, Template::literal(body), false)
            }
            Content::Template(parts) => {
                // The whole head has been parsed, so that each line of it can be.
                let parse = |text: &[u8]| {
                    Template::parse(text, &parts.known).unwrap_or_else(|_| Template::literal(text))
                };
                self.lay_out(&parts.text, parse, parts.body.clone(), parts.sends_length)
            }
        }
    }

    fn lay_out(
        &self,
        head: &[u8],
        template: impl Fn(&[u8]) -> Template,
        body: Template,
        sends_length: bool,
    ) -> Layout {
        let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        let words = lines.next().unwrap_or_default();
        let target = words.strip_suffix(b" HTTP/1.1").unwrap_or(words);
        let target = target.get(self.method.len() + 1..).unwrap_or_default();
        let field = |line: &[u8]| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            Some((line[..colon].to_vec(), template(line[colon + 1..].trim_ascii())))
        };
        Layout {
            method: self.method.clone(),
            target: template(target),
            fields: lines.filter_map(field).collect(),
            body,
            sends_length,
        }
    }

    pub(crate) fn is_head(&self) -> bool {
        self.method == "HEAD"
    }

    pub(crate) fn fixed(&self) -> Option<&Arc<[u8]>> {
        match &self.content {
            Content::Fixed(bytes) => Some(bytes),
            Content::Template(_) => None,
        }
    }

    /// Appends the bytes of request number `counter` to `out`, as a connection with this session sends
    /// them; `body` is working memory.
    pub(crate) fn render(
        &self,
        counter: u64,
        random: &mut Random,
        session: &Session,
        body: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) {
        let (begin, values) = (out.len(), session.values());
        match &self.content {
            Content::Fixed(bytes) => match session.jar() {
                None => out.extend_from_slice(bytes),
                Some(_) => {
                    let end = find(bytes, b"\r\n\r\n").map_or(bytes.len(), |end| end + 2);
                    out.extend_from_slice(&bytes[..end]);
                    add_cookies(session, begin, out);
                    out.extend_from_slice(&bytes[end..]);
                }
            },
            Content::Template(parts) => {
                body.clear();
                parts.head.render(counter, random, values, out);
                parts.body.render(counter, random, values, body);
                add_cookies(session, begin, out);
                finish(out, parts.sends_length, body);
            }
        }
    }
}

/// Appends the field with the session's cookies for the request whose head begins there, if there are
/// any.
fn add_cookies(session: &Session, begin: usize, out: &mut Vec<u8>) {
    let Some(jar) = session.jar() else { return };
    let path = path_of(&out[begin..]).to_vec();
    let before = out.len();
    out.extend_from_slice(b"Cookie: ");
    match jar.write(&path, out) {
        true => out.extend_from_slice(b"\r\n"),
        false => out.truncate(before),
    }
}

/// The path in a request's head, without its query.
fn path_of(head: &[u8]) -> &[u8] {
    let target = head.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    target.split(|byte| *byte == b'?').next().unwrap_or_default()
}

fn head(method: &str, url: &Url, headers: &[(String, String)]) -> Vec<u8> {
    let mut text = format!("{method} {} HTTP/1.1\r\n", url.target());
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        text.push_str(&format!("Host: {}\r\n", url.host_field()));
    }
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.into_bytes()
}

fn finish(out: &mut Vec<u8>, sends_length: bool, body: &[u8]) {
    if sends_length {
        out.extend_from_slice(b"Content-Length: ");
        decimal(body.len() as u64, out);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body);
}

/// Whether `Content-Length` is to be sent.
fn check(method: &str, headers: &[(String, String)], body: &[u8]) -> Result<bool, RequestError> {
    if !is_token(method) {
        return Err(RequestError::Method(method.to_owned()));
    }
    if method == "CONNECT" {
        return Err(RequestError::Connect);
    }
    for (name, value) in headers {
        check_header(name, value)?;
    }
    Ok(!body.is_empty() || ["POST", "PUT", "PATCH"].contains(&method))
}

fn check_header(name: &str, value: &str) -> Result<(), RequestError> {
    if !is_token(name) {
        return Err(RequestError::HeaderName(name.to_owned()));
    }
    if value.chars().any(|c| c.is_control() && c != '\t') {
        return Err(RequestError::HeaderValue(name.to_owned()));
    }
    if ["content-length", "transfer-encoding"].iter().any(|own| name.eq_ignore_ascii_case(own)) {
        return Err(RequestError::Framing(name.to_owned()));
    }
    Ok(())
}

/// Lines that come into a URL are held to what it is itself (see [`Url::parse`]).
fn check_lines(lines: &[Vec<u8>], are_in_url: bool) -> Result<(), TemplateError> {
    for (at, line) in (1..).zip(lines) {
        if line.iter().any(u8::is_ascii_control) {
            return Err(TemplateError::BadLine(at));
        }
        let text = String::from_utf8_lossy(line);
        let unfit = text.chars().find(|c| are_in_url && !c.is_ascii_graphic());
        if let Some(character) = unfit {
            return Err(TemplateError::NotInUrl { line: at, character });
        }
    }
    Ok(())
}

fn is_token(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url() -> Url {
        Url::parse("http://h:8080/a?b").unwrap()
    }

    fn text(request: &Request) -> String {
        String::from_utf8(request.bytes()).unwrap()
    }

    fn header(name: &str, value: &str) -> Vec<(String, String)> {
        vec![(name.to_owned(), value.to_owned())]
    }

    #[test]
    fn bytes_are_as_the_rfc_writes_them() {
        assert_eq!(text(&Request::get(&url())), "GET /a?b HTTP/1.1\r\nHost: h:8080\r\n\r\n");
        let host = Request::new("GET", &url(), &header("host", "other"), b"").unwrap();
        assert_eq!(text(&host), "GET /a?b HTTP/1.1\r\nhost: other\r\n\r\n");
        let post = Request::new("POST", &url(), &[], b"{{x").unwrap();
        let wanted = "POST /a?b HTTP/1.1\r\nHost: h:8080\r\nContent-Length: 3\r\n\r\n{{x";
        assert_eq!(text(&post), wanted);
        let empty = Request::new("PUT", &url(), &[], b"").unwrap();
        assert!(text(&empty).contains("Content-Length: 0\r\n"));
    }

    #[test]
    fn a_template_counts_its_body() {
        let url = Url::parse("http://h/{{counter}}").unwrap();
        let lines = ["ten".to_owned(), "eleven".to_owned()];
        let request = Request::template("POST", &url, &[], b"{{line}}", &lines).unwrap();
        let mut out = Vec::new();
        request.render(11, &mut Random::new(0), &Session::NONE, &mut Vec::new(), &mut out);
        let wanted = "POST /11 HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\neleven";
        assert_eq!(String::from_utf8(out).unwrap(), wanted);
        let numbered = request.numbered(11, &Session::NONE).unwrap();
        assert_eq!(text(&numbered), wanted);
        assert!(numbered.is_fixed() && !request.is_fixed());
        let targets = [request.target(), numbered.target()];
        assert_eq!(targets, ["/{{counter}}", "/11"]);
        let literal = Request::template("GET", &url_without_holes(), &[], b"", &[]).unwrap();
        assert!(literal.fixed().is_some());
    }

    fn url_without_holes() -> Url {
        Url::parse("http://h/").unwrap()
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        let cases = [
            (Request::new("G T", &url(), &[], b""), "not a method"),
            (Request::new("CONNECT", &url(), &[], b""), "tunnel"),
            (Request::new("GET", &url(), &header("a b", "c"), b""), "not a header name"),
            (Request::new("GET", &url(), &header("a", "b\r\nc: d"), b""), "control character"),
            (Request::new("GET", &url(), &header("content-Length", "3"), b""), "set by jigger"),
        ];
        for (result, part) in cases {
            let message = result.unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
        let url = Url::parse("http://h/{{line}}").unwrap();
        let lines = ["a".to_owned(), "b\r\nX: y".to_owned()];
        let error = Request::template("GET", &url, &[], b"", &lines).unwrap_err();
        assert_eq!(error, RequestError::Template(TemplateError::BadLine(2)));
    }

    #[test]
    fn a_grpc_call_has_its_fields_and_its_message_framed() {
        let url = |path: &str| Url::parse(&format!("http://h{path}")).unwrap();
        let call = Request::grpc(&url("/p.S/M"), &header("X", "{{y"), b"\x0a\0").unwrap();
        let wanted =
            b"POST /p.S/M HTTP/1.1\r\nHost: h\r\nX: {{y\r\ncontent-type: application/grpc\r\n\
                       te: trailers\r\n\r\n\0\0\0\0\x02\x0a\0";
        assert_eq!(call.bytes(), wanted);
        let typed =
            Request::grpc(&url("/p.S/M"), &header("Content-Type", "application/grpc+x"), b"");
        assert_eq!(text(&typed.unwrap()).matches("ontent-").count(), 1);
        for path in ["/", "/p.S", "/p.S/", "//M", "/p.S/M?a"] {
            let error = Request::grpc(&url(path), &[], b"").unwrap_err();
            assert_eq!(error, RequestError::GrpcPath(path.to_owned()));
        }
        let json = Request::grpc(&url("/p.S/M"), &header("content-type", "application/json"), b"");
        assert!(json.unwrap_err().to_string().contains("not `application/json`"));
    }

    /// In a URL a blank would end the request's target; in a header or a body it is a blank.
    #[test]
    fn lines_are_held_to_what_they_come_into() {
        let lines = ["a".to_owned(), "b c".to_owned()];
        let of = |url: &str, headers: &[(String, String)], body: &[u8]| {
            Request::template("POST", &Url::parse(url).unwrap(), headers, body, &lines)
        };
        let error = of("http://h/?q={{line}}", &[], b"").unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("percent-encode"), "{error}");
        let accented = ["\u{e9}".to_owned()];
        let url = Url::parse("http://h/{{line}}").unwrap();
        assert!(Request::template("GET", &url, &[], b"", &accented).is_err());
        assert!(of("http://h/", &header("X", "{{line}}"), b"").is_ok());
        assert!(of("http://h/{{counter}}", &[], b"{{line}}").is_ok());
    }
}
