//! The worker over TLS, whose other end is a server in memory: bytes come and go in pieces of every
//! size.

use super::*;
use crate::expect::{BodyRule, Expect};
use crate::failure::ErrorKind;
use crate::io::{Ready, Received};
use crate::tls::{TlsClient, TlsOptions};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection};
use std::cell::RefCell;
use std::io::{Read, Write};
use std::rc::Rc;
use std::sync::Arc;

/// A network that moves at most so many bytes in a call, and after each that fell short none in the
/// next.
struct Memory {
    config: Arc<ServerConfig>,
    /// What the server sends for each request: a record each.
    answer: Vec<Vec<u8>>,
    /// What it sends unasked, as early as it can.
    early: &'static [u8],
    read_bytes: usize,
    room_bytes: usize,
    ends: Vec<Rc<RefCell<End>>>,
    now_ns: u64,
}

/// The server's end of a connection.
struct End {
    server: ServerConnection,
    requests: Vec<u8>,
    answer: Vec<Vec<u8>>,
    to_client: VecDeque<u8>,
    room_bytes: usize,
    is_full: bool,
    watched: Option<(u32, bool)>,
    is_open: bool,
}

struct Socket(Rc<RefCell<End>>);

impl Drop for Socket {
    fn drop(&mut self) {
        self.0.borrow_mut().is_open = false;
    }
}

impl End {
    fn take(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            self.server.read_tls(&mut bytes).unwrap();
            let state = self.server.process_new_packets().unwrap();
            let mut plain = vec![0; state.plaintext_bytes_to_read()];
            self.server.reader().read_exact(&mut plain).unwrap();
            self.requests.extend(plain);
        }
        while let Some(end) = self.requests.windows(4).position(|four| four == b"\r\n\r\n") {
            self.requests.drain(..end + 4);
            for record in &self.answer {
                self.server.writer().write_all(record).unwrap();
            }
        }
        self.speak();
    }

    fn speak(&mut self) {
        while self.server.wants_write() {
            let mut bytes = Vec::new();
            self.server.write_tls(&mut bytes).unwrap();
            self.to_client.extend(bytes);
        }
    }
}

impl Driver for Memory {
    type Socket = Socket;
    const NAME: &'static str = "memory";

    fn now_ns(&self) -> u64 {
        self.now_ns
    }

    fn cpu_ns(&self) -> u64 {
        0
    }

    fn arrival_offset_ns(&self) -> u64 {
        0
    }

    fn connect(&mut self) -> Result<Socket, Errno> {
        let mut server = ServerConnection::new(Arc::clone(&self.config)).unwrap();
        server.set_buffer_limit(None);
        server.writer().write_all(self.early).unwrap();
        let end = Rc::new(RefCell::new(End {
            server,
            requests: Vec::new(),
            answer: self.answer.clone(),
            to_client: VecDeque::new(),
            room_bytes: self.room_bytes,
            is_full: false,
            watched: None,
            is_open: true,
        }));
        self.ends.push(Rc::clone(&end));
        Ok(Socket(end))
    }

    fn connect_error(&mut self, _: &Socket) -> Option<Errno> {
        None
    }

    fn watch(&mut self, socket: &mut Socket, token: u32, writable: bool) -> Result<(), Errno> {
        socket.0.borrow_mut().watched = Some((token, writable));
        Ok(())
    }

    fn send(&mut self, socket: &mut Socket, bytes: &[u8]) -> Result<usize, Errno> {
        let mut end = socket.0.borrow_mut();
        if std::mem::take(&mut end.is_full) {
            return Err(Errno::AGAIN);
        }
        let taken = bytes.len().min(end.room_bytes);
        end.is_full = taken < bytes.len();
        end.take(&bytes[..taken]);
        Ok(taken)
    }

    fn receive(&mut self, socket: &mut Socket, buffer: &mut [u8]) -> Result<Received, Errno> {
        let mut end = socket.0.borrow_mut();
        let bytes = end.to_client.len().min(self.read_bytes).min(buffer.len());
        if bytes == 0 {
            return Err(Errno::AGAIN);
        }
        for (to, from) in buffer.iter_mut().zip(end.to_client.drain(..bytes)) {
            *to = from;
        }
        Ok(Received { bytes, arrived_ns: None })
    }

    fn wait(&mut self, timeout_ns: u64, ready: &mut Vec<Ready>) -> Result<(), Errno> {
        ready.clear();
        for end in &self.ends {
            let end = end.borrow();
            let Some((token, wants_room)) = end.watched.filter(|_| end.is_open) else { continue };
            let (readable, writable) = (!end.to_client.is_empty(), wants_room);
            if readable || writable {
                ready.push(Ready { token, readable, writable, hung_up: false });
            }
        }
        self.now_ns += if ready.is_empty() { timeout_ns } else { 1_000 };
        Ok(())
    }

    fn nap(&mut self, duration_ns: u64) {
        self.now_ns += duration_ns;
    }
}

fn config() -> ServerConfig {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .unwrap()
}

fn memory(config: &Arc<ServerConfig>, answer: &[&[u8]], sizes: (usize, usize)) -> Memory {
    Memory {
        config: Arc::clone(config),
        answer: answer.iter().map(|record| record.to_vec()).collect(),
        early: &[],
        read_bytes: sizes.0,
        room_bytes: sizes.1,
        ends: Vec::new(),
        now_ns: 1_000_000_000,
    }
}

fn over_tls(body: &[u8], requests: u64) -> Load {
    let options = TlsOptions { insecure: true, ..TlsOptions::default() };
    Load {
        tls: Some(TlsClient::new(&options, "localhost").unwrap()),
        expect: Expect { status: Some(200), body: BodyRule::Exact(body.into()) },
        extent: Extent::Count(requests),
        ..load()
    }
}

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n";

#[test]
fn records_may_come_and_go_in_pieces_of_any_size() {
    let config = Arc::new(config());
    let answers: [&[&[u8]]; 2] =
        [&[HEAD, b"pong"], &[b"HTTP/1.1 200 OK\r\nContent-", &HEAD[25..], b"po", b"ng"]];
    let sizes = (1..40).chain((40..2_000).step_by(97)).chain([usize::MAX]);
    for (number, size) in sizes.enumerate() {
        let load = Load { connections: 2, ..over_tls(b"pong", 6) };
        let room_bytes = if number.is_multiple_of(2) { size } else { usize::MAX };
        let sample = run_on(memory(&config, answers[number % 2], (size, room_bytes)), &load);
        assert_eq!((sample.requests, sample.errors.total()), (6, 0), "{size}: {:?}", sample.errors);
        assert_eq!(sample.connections_opened, 2);
        let tls = sample.tls.unwrap();
        assert_eq!((tls.handshake_time_ns.len(), tls.agreed.len()), (2, 1), "{size}");
    }
}

#[test]
fn long_bodies_pass_whole() {
    let config = Arc::new(config());
    let body = (0..=255_u8).cycle().take(300_000).collect::<Vec<_>>();
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n";
    for size in [5_000, 20_000, 47 << 10, usize::MAX] {
        let sample = run_on(memory(&config, &[head, &body], (size, size)), &over_tls(&body, 3));
        assert_eq!((sample.requests, sample.errors.total()), (3, 0), "{size}: {:?}", sample.errors);
    }
}

/// What a server sends with the end of its handshake (RFC 8446, section 2: 0.5-RTT data) stays in the
/// session, of which the kernel knows nothing.
#[test]
fn what_comes_with_the_handshake_is_seen_although_the_kernel_reports_nothing() {
    let mut config = config();
    config.send_half_rtt_data = true;
    // The only response that there is, without waiting for its request.
    let early = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npong";
    let driver = Memory { early, ..memory(&Arc::new(config), &[], (usize::MAX, usize::MAX)) };
    let sample = run_on(driver, &over_tls(b"pong", 1));
    assert_eq!((sample.requests, sample.errors.total()), (1, 0), "{:?}", sample.errors);
}

#[test]
fn a_connection_without_room_for_the_handshake_waits_for_it() {
    let config = Arc::new(config());
    let load = Load { timeout: Duration::from_millis(20), ..over_tls(b"pong", 1) };
    let sample = run_on(memory(&config, &[HEAD, b"pong"], (1, 0)), &load);
    assert_eq!(sample.errors.count(ErrorKind::ConnectTimeout), 1, "{:?}", sample.errors);
}
