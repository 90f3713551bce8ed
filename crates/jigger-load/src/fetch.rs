//! One request, one response, with everything in it: for probes and for verifying a server.
//!
//! The response is read by the same parser as under load, so that what verifies is what runs.

mod http2;

use crate::grpc;
use crate::load::Http;
use crate::protocol::http1::parser::{Event, Head, Malformed, Memo, Parser, fields, version};
use crate::protocol::http2::Http2Fault;
use crate::sample::TlsAgreement;
use crate::source::request::Request;
use crate::tls::{TlsClient, TlsStream};
use crate::url::Address;
use http2::Session;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// How one request is made, and its bounds.
#[derive(Clone, Debug)]
pub struct FetchOptions {
    /// For connecting, writing and reading together.
    pub timeout: Duration,
    /// A longer body is an error.
    pub max_body_bytes: u64,
    /// How long a server may take after a complete response to close a connection that it did not
    /// say it closes. Zero reads the response's head alone and returns with its last byte.
    pub close_patience: Duration,
    /// What is spoken.
    pub http: Http,
    /// How TLS is spoken; `None`: a plain connection.
    pub tls: Option<TlsClient>,
}

impl Default for FetchOptions {
    /// 10 seconds, 64 MiB, 10 ms and no TLS.
    fn default() -> FetchOptions {
        FetchOptions {
            timeout: Duration::from_secs(10),
            max_body_bytes: 64 << 20,
            close_patience: Duration::from_millis(10),
            http: Http::V1,
            tls: None,
        }
    }
}

/// A complete response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status, 200 to 599.
    pub status: u16,
    /// `HTTP/2`, `HTTP/1.1` or `HTTP/1.0`.
    pub version: &'static str,
    /// Header fields in order, names as the server writes them.
    pub headers: Vec<(String, String)>,
    /// Those of the trailers, over HTTP/2.
    pub trailers: Vec<(String, String)>,
    /// The body without its transfer coding; a content coding is left as it is.
    pub body: Vec<u8>,
    /// The length of the head on the wire; over HTTP/2 that of its names and values.
    pub header_bytes: usize,
    /// Whether the server ends the connection: by its head, or by closing within
    /// [`FetchOptions::close_patience`] of a complete response.
    pub server_closes: bool,
    /// From the begin of the connection (or, when it stood, of the request) to the last byte.
    pub elapsed: Duration,
    /// What was agreed on by TLS.
    pub tls: Option<TlsAgreement>,
}

/// What servers respond to plain HTTP on a port for TLS: nginx, Apache httpd, Go's net/http.
const TLS_WANTED: [&str; 3] = [
    "The plain HTTP request was sent to HTTPS port",
    "speaking plain HTTP to an SSL-enabled server port",
    "Client sent an HTTP request to an HTTPS server",
];

impl Response {
    /// Whether the server says that it speaks TLS on this port.
    pub fn wants_tls(&self) -> bool {
        let body = String::from_utf8_lossy(&self.body);
        self.status == 400 && TLS_WANTED.iter().any(|words| body.contains(words))
    }

    /// Why this is no response of a successful gRPC call, if it is none.
    pub fn grpc_fault(&self) -> Option<String> {
        let call = grpc::Call::of(&self.headers, &self.trailers, !self.body.is_empty());
        grpc::Failed::of(self.status, &call).map(|failed| failed.to_string())
    }
}

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Nobody listens.
    #[error("nothing listens on {address}; check the address, and that the server is running")]
    Refused {
        /// Where the request went.
        address: String,
    },
    /// Another failure to connect.
    #[error("cannot connect to {address}: {cause}")]
    Connect {
        /// Where the request went.
        address: String,
        /// What the kernel said.
        cause: io::Error,
    },
    /// The time is up.
    #[error("no complete response within {0:?}; {1} bytes arrived")]
    Timeout(Duration, usize),
    /// The server closed before the response was complete.
    #[error("the server closed the connection after {0} bytes, before the response was complete")]
    ClosedEarly(usize),
    /// Reading or writing failed.
    #[error("the connection broke after {received_bytes} bytes of the response: {cause}")]
    Broken {
        /// Of the response.
        received_bytes: usize,
        /// What the kernel said.
        cause: io::Error,
    },
    /// The TLS handshake failed, or the session did afterwards.
    #[error("{0}")]
    Tls(String),
    /// What came is no HTTP/1.1.
    #[error("the response is not HTTP/1.1: {0}")]
    Malformed(Malformed),
    /// What came is no HTTP/2, or ends the request or the connection.
    #[error(transparent)]
    Http2(Http2Fault),
    /// The body exceeds the bound.
    #[error("the body is longer than the limit of {0} bytes")]
    TooLong(u64),
}

impl From<Malformed> for FetchError {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

/// Sends a request several times over one connection as long as the server keeps it.
#[derive(Debug)]
pub struct Client {
    address: Address,
    options: FetchOptions,
    stream: Option<Stream>,
    /// What has been said on it, over HTTP/2.
    session: Option<Session>,
    connections: u64,
}

#[derive(Debug)]
enum Stream {
    Plain(Socket),
    Tls(Box<TlsStream<Socket>>),
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// Sends a request once, over a connection of its own.
///
/// # Errors
/// [`FetchError`] says how far it came.
pub fn fetch(
    address: &Address,
    request: &Request,
    options: &FetchOptions,
) -> Result<Response, FetchError> {
    Client::new(address.clone(), options.clone()).fetch(request)
}

/// Whether somebody accepts a connection there within `limit`; no request is sent.
pub fn connects(address: &Address, limit: Duration) -> bool {
    let options = FetchOptions { timeout: limit, ..FetchOptions::default() };
    Client::new(address.clone(), options).connect().is_ok()
}

/// The first of these addresses at which somebody accepts a connection within `limit` each; a name
/// such as `localhost` often has an IPv6 address at which nobody listens. None where nobody does.
pub fn first_that_connects(addresses: &[SocketAddr], limit: Duration) -> Option<SocketAddr> {
    addresses.iter().copied().find(|address| connects(&Address::Tcp(*address), limit))
}

/// What the server chooses by ALPN when it has the choice; no request is sent. A server without
/// ALPN speaks HTTP/1.1.
///
/// # Errors
/// [`FetchError`] when there is no TLS session within `limit`.
pub fn chosen_http(
    address: &Address,
    tls: &TlsClient,
    limit: Duration,
) -> Result<Http, FetchError> {
    let offered = [Http::V2, Http::V1];
    let options = FetchOptions { timeout: limit, ..FetchOptions::default() };
    let reading = Reading::new(&options, Instant::now() + limit);
    let client = tls.offering_any(&offered.map(Http::alpn));
    let stream = Client::new(address.clone(), options).secured(&client, &reading)?;
    let chosen = stream.agreement().and_then(|agreement| agreement.alpn);
    let chosen = offered.into_iter().find(|http| chosen.as_deref() == Some(http.alpn()));
    Ok(chosen.unwrap_or(Http::V1))
}

impl Client {
    /// Connects with the first request.
    pub fn new(address: Address, options: FetchOptions) -> Client {
        Client { address, options, stream: None, session: None, connections: 0 }
    }

    /// Connections made so far: 1 after several requests means that the server keeps them.
    pub fn connections(&self) -> u64 {
        self.connections
    }

    /// Sends a request, over the connection of the last one when the server kept it.
    ///
    /// # Errors
    /// [`FetchError`] says how far it came; the next request connects anew.
    pub fn fetch(&mut self, request: &Request) -> Result<Response, FetchError> {
        let begin = Instant::now();
        let deadline = begin + self.options.timeout;
        let kept = self.stream.take();
        let session = self.session.take().filter(|_| kept.is_some());
        let mut reading = Reading::new(&self.options, deadline);
        let mut stream = match kept {
            Some(stream) => stream,
            None => self.stream(&reading)?,
        };
        if self.options.http == Http::V2 {
            let mut session = session.unwrap_or_default();
            let answer = session.ask(&mut stream, request, &mut reading)?;
            let elapsed = begin.elapsed();
            let server_closes = session.ends_within(&mut stream, self.options.close_patience);
            let answer = Response { server_closes, elapsed, ..answer };
            if !server_closes {
                (self.stream, self.session) = (Some(stream), Some(session));
            }
            return Ok(answer);
        }
        reading.write(&mut stream, &request.bytes())?;
        let (head, body) = reading.read(&mut stream, request.is_head())?;
        let elapsed = begin.elapsed();
        let agreement = stream.agreement();
        let server_closes = !head.keeps_alive || stream.ends_within(self.options.close_patience);
        if !server_closes {
            self.stream = Some(stream);
        }
        let bytes = reading.memo.bytes();
        Ok(Response {
            status: head.status,
            version: version(bytes),
            headers: fields(bytes),
            trailers: Vec::new(),
            body,
            header_bytes: bytes.len(),
            server_closes,
            elapsed,
            tls: agreement,
        })
    }

    /// A connection over which a request can be sent.
    fn stream(&mut self, reading: &Reading) -> Result<Stream, FetchError> {
        match &self.options.tls {
            None => Ok(Stream::Plain(self.connect()?)),
            Some(client) => {
                let client = client.offering(self.options.http.alpn());
                self.secured(&client, reading)
            }
        }
    }

    /// The same over TLS, as this client has it.
    fn secured(&mut self, client: &TlsClient, reading: &Reading) -> Result<Stream, FetchError> {
        let socket = self.connect()?;
        let stream = TlsStream::new(client, socket);
        let mut stream = Box::new(stream.map_err(|error| FetchError::Tls(error.to_string()))?);
        while stream.is_handshaking() {
            stream.socket().set_timeout(reading.left()?).map_err(|error| reading.broken(error))?;
            match stream.shake_hands() {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if is_timeout(&error) => {
                    return Err(FetchError::Tls(format!(
                        "no TLS handshake within {:?}; does the server speak TLS on this port?",
                        self.options.timeout
                    )));
                }
                Err(error) => {
                    let failure = stream.failure().map(|failure| failure.message.clone());
                    return Err(FetchError::Tls(failure.unwrap_or_else(|| {
                        format!("the connection broke in the TLS handshake: {error}")
                    })));
                }
            }
        }
        Ok(Stream::Tls(stream))
    }

    fn connect(&mut self) -> Result<Socket, FetchError> {
        let socket = match &self.address {
            Address::Unix(path) => UnixStream::connect(path).map(Socket::Unix),
            Address::Tcp(address) => TcpStream::connect_timeout(address, self.options.timeout)
                .and_then(|stream| stream.set_nodelay(true).map(|()| Socket::Tcp(stream))),
        };
        let address = self.address.to_string();
        let socket = socket.map_err(|cause| match cause.kind() {
            io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => {
                FetchError::Refused { address }
            }
            io::ErrorKind::TimedOut => FetchError::Timeout(self.options.timeout, 0),
            _ => FetchError::Connect { address, cause },
        })?;
        self.connections += 1;
        Ok(socket)
    }
}

struct Reading {
    timeout: Duration,
    max_body_bytes: u64,
    deadline: Instant,
    received_bytes: usize,
    parser: Parser,
    memo: Memo,
    head: Option<Head>,
    body: Vec<u8>,
    write_error: Option<io::Error>,
}

impl Reading {
    fn new(options: &FetchOptions, deadline: Instant) -> Reading {
        Reading {
            timeout: options.timeout,
            max_body_bytes: options.max_body_bytes,
            deadline,
            received_bytes: 0,
            parser: Parser::default(),
            memo: Memo::default(),
            head: None,
            body: Vec::new(),
            write_error: None,
        }
    }

    /// A server may respond and close before it has read a large body, so that a broken pipe is
    /// an error only if reading brings no response.
    fn write(&mut self, stream: &mut Stream, bytes: &[u8]) -> Result<(), FetchError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            stream.set_timeout(self.left()?).map_err(|error| self.broken(error))?;
            match stream.write(rest) {
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if is_timeout(&error) => return Err(self.timed_out()),
                Err(error) => {
                    self.write_error = Some(error);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn read(&mut self, stream: &mut Stream, to_head: bool) -> Result<(Head, Vec<u8>), FetchError> {
        let mut buffer = vec![0; 16 << 10];
        loop {
            let count = self.receive(stream, &mut buffer)?;
            let complete = if count == 0 {
                self.parser.close_completes()
            } else {
                self.take(&buffer[..count], to_head)?
            };
            match self.head {
                Some(head) if complete => return Ok((head, std::mem::take(&mut self.body))),
                _ if count == 0 => return Err(self.ended()),
                _ => {}
            }
        }
    }

    /// Reads once; 0 at the end of the stream.
    fn receive(&mut self, stream: &mut Stream, buffer: &mut [u8]) -> Result<usize, FetchError> {
        loop {
            stream.set_timeout(self.left()?).map_err(|error| self.broken(error))?;
            match stream.read(buffer) {
                Ok(count) => {
                    self.received_bytes += count;
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if is_timeout(&error) => return Err(self.timed_out()),
                Err(error) => return Err(stream.failure().unwrap_or_else(|| self.broken(error))),
            }
        }
    }

    /// Whether the response is complete.
    fn take(&mut self, mut input: &[u8], to_head: bool) -> Result<bool, FetchError> {
        loop {
            match self.parser.next(&mut input, to_head, &mut self.memo)? {
                Event::Head(head) => self.head = Some(head),
                Event::Data(piece) => {
                    if (self.body.len() + piece.len()) as u64 > self.max_body_bytes {
                        return Err(FetchError::TooLong(self.max_body_bytes));
                    }
                    self.body.extend_from_slice(piece);
                }
                Event::End if input.is_empty() => return Ok(true),
                Event::End => return Err(Malformed::Unasked.into()),
                Event::More => return Ok(false),
            }
        }
    }

    fn left(&self) -> Result<Duration, FetchError> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(self.timed_out()) } else { Ok(left) }
    }

    fn timed_out(&self) -> FetchError {
        FetchError::Timeout(self.timeout, self.received_bytes)
    }

    fn ended(&mut self) -> FetchError {
        match self.write_error.take() {
            Some(error) => self.broken(error),
            None => FetchError::ClosedEarly(self.received_bytes),
        }
    }

    fn broken(&self, cause: io::Error) -> FetchError {
        FetchError::Broken { received_bytes: self.received_bytes, cause }
    }
}

impl Stream {
    fn set_timeout(&self, timeout: Duration) -> io::Result<()> {
        match self {
            Stream::Plain(socket) => socket.set_timeout(timeout),
            Stream::Tls(stream) => stream.socket().set_timeout(timeout),
        }
    }

    fn agreement(&self) -> Option<TlsAgreement> {
        match self {
            Stream::Plain(_) => None,
            Stream::Tls(stream) => Some(stream.agreement()),
        }
    }

    /// Why the session cannot go on, where it was not the socket.
    fn failure(&self) -> Option<FetchError> {
        match self {
            Stream::Plain(_) => None,
            Stream::Tls(stream) => {
                stream.failure().map(|failure| FetchError::Tls(failure.message.clone()))
            }
        }
    }

    /// Whether the other side closes within `patience`, or sends what no request was sent for. The kernel
    /// counts a socket's timeout in ticks: 10 ms may take 16 ms where a tick is 4 ms.
    fn ends_within(&mut self, patience: Duration) -> bool {
        if patience.is_zero() {
            return false;
        }
        if self.set_timeout(patience).is_err() {
            return true;
        }
        !self.read(&mut [0]).is_err_and(|error| is_timeout(&error))
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(socket) => socket.read(buffer),
            Stream::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(socket) => socket.write(bytes),
            Stream::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Stream::Plain(socket) => socket.flush(),
            Stream::Tls(stream) => stream.flush(),
        }
    }
}

impl Socket {
    fn set_timeout(&self, timeout: Duration) -> io::Result<()> {
        match self {
            Socket::Tcp(stream) => stream
                .set_read_timeout(Some(timeout))
                .and_then(|()| stream.set_write_timeout(Some(timeout))),
            Socket::Unix(stream) => stream
                .set_read_timeout(Some(timeout))
                .and_then(|()| stream.set_write_timeout(Some(timeout))),
        }
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(stream) => stream.read(buffer),
            Socket::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(stream) => stream.write(bytes),
            Socket::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A socket whose time is up says that it would block.
fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}
