//! TLS between a driver's sockets and the protocol.
//!
//! One read of the inner driver fills a buffer of the thread's, and all that is in it is decrypted at
//! once: rustls by itself reads 4 KiB at a time. A request is encrypted and sent by one call; so is
//! what ends the handshake, together with the first request.

use super::TlsClient;
use super::agreement::Handshakes;
use super::failure::{failure, truncated};
use super::session::{Decrypted, Sending, decrypt, flush};
use super::spoken::Spoken;
use crate::io::{Driver, Failure, READ_BYTES, Ready, Received, Shake};
use crate::sample::TlsSample;
use rustix::io::Errno;
use rustls::ClientConnection;
use std::io::{self, IoSlice, Read, Write};

/// Together with a record of which a part has come before, the longest being of 2^14 + 256 + 5 bytes
/// (RFC 8446, section 5.2), all that is decrypted of one read has room in the worker's.
pub(crate) const CIPHERTEXT_BYTES: usize = READ_BYTES - (17 << 10);

/// The error of a session; [`Driver::explain`] has more.
const BROKEN: Errno = Errno::PROTO;

pub(crate) struct TlsDriver<D> {
    inner: D,
    client: TlsClient,
    ciphertext: Box<[u8]>,
    /// Records that are sent by one call.
    gathered: Vec<u8>,
    /// Sockets whose session has something that the kernel does not report any more.
    left: Vec<u32>,
    handshakes: Handshakes,
}

pub(crate) struct TlsSocket<S> {
    inner: S,
    /// None before the first step of the handshake, so that the time to connect has no part of it.
    session: Option<Box<ClientConnection>>,
    token: u32,
    /// When the handshake began; 0: it has not.
    begun_ns: u64,
    sending: Sending,
    /// Plaintext, the end of it, or a failure is left in the session.
    is_left: bool,
    /// The other side sends no more.
    has_ended: bool,
    /// The other side takes no more; what it has sent is still to be read.
    is_shut: bool,
    failure: Option<Failure>,
}

impl<D: Driver> TlsDriver<D> {
    /// For connections on which this protocol is spoken, by its name in ALPN.
    pub(crate) fn new(inner: D, client: &TlsClient, protocol: &'static str) -> TlsDriver<D> {
        TlsDriver {
            inner,
            client: client.offering(protocol).with_own_sessions(),
            ciphertext: vec![0; CIPHERTEXT_BYTES].into_boxed_slice(),
            gathered: Vec::new(),
            left: Vec::new(),
            handshakes: Handshakes::default(),
        }
    }

    /// Reads once and decrypts what came into the buffer; `None` when that makes no plaintext yet.
    fn pull(
        &mut self,
        socket: &mut TlsSocket<D::Socket>,
        buffer: &mut [u8],
    ) -> Result<Option<Received>, Errno> {
        let received = self.inner.receive(&mut socket.inner, &mut self.ciphertext)?;
        let bytes = socket.decrypt(&self.ciphertext[..received.bytes], buffer, self.client.spoken);
        if socket.failure.is_some() {
            // The alert that tells the other side; nothing hangs on it.
            let _ = self.flush(socket);
        }
        if socket.is_left {
            self.left.push(socket.token);
        }
        match bytes {
            0 if socket.failure.is_some() => Err(BROKEN),
            0 if !socket.has_ended => Ok(None),
            bytes => Ok(Some(Received { bytes, ..received })),
        }
    }

    /// Sends what the session has to send; [`Errno::AGAIN`] when the kernel does not take all.
    fn flush(&mut self, socket: &mut TlsSocket<D::Socket>) -> Result<(), Errno> {
        let Some(session) = &mut socket.session else { return Ok(()) };
        let (driver, gathered) = (&mut self.inner, &mut self.gathered);
        let mut outlet = Outlet { driver, socket: &mut socket.inner, gathered };
        let flushed = flush(session, &mut outlet);
        flushed.map_err(|error| socket.write_error(&error))
    }

    /// A step of the handshake failed in this way: what the other side has said about it.
    fn last_words(&mut self, socket: &mut TlsSocket<D::Socket>, error: Errno) -> Errno {
        match self.pull(socket, &mut []) {
            Err(BROKEN) => BROKEN,
            _ => error,
        }
    }
}

impl<S> TlsSocket<S> {
    /// Decrypts what came, or takes note that the stream has ended; how much plaintext is in the
    /// buffer then. Without a buffer it stays in the session.
    fn decrypt(&mut self, came: &[u8], buffer: &mut [u8], spoken: Spoken) -> usize {
        let Some(session) = &mut self.session else { return 0 };
        let is_handshaking = session.is_handshaking();
        let Decrypted { bytes, has_more, has_ended, error } = decrypt(session, came, buffer);
        self.has_ended |= has_ended;
        self.failure = error.map(|error| failure(&error, spoken, is_handshaking, came));
        let is_cut = if self.has_ended { session.is_handshaking() } else { came.is_empty() };
        if is_cut && self.failure.is_none() {
            self.failure = Some(truncated(is_handshaking));
        }
        // An end within the handshake is for the first read after it.
        let ends_later = self.has_ended && (bytes > 0 || is_handshaking);
        self.is_left = has_more || ends_later || (self.failure.is_some() && bytes > 0);
        bytes
    }

    /// What a write failed with.
    fn write_error(&mut self, error: &io::Error) -> Errno {
        let error = Errno::from_io_error(error).unwrap_or(Errno::IO);
        self.is_shut |= error != Errno::AGAIN;
        error
    }

    /// What the session still has for its reader, without a read.
    fn take_left(&mut self, buffer: &mut [u8]) -> Result<usize, Errno> {
        self.is_left = false;
        let Some(session) = &mut self.session else { return Err(Errno::AGAIN) };
        match session.reader().read(buffer) {
            Ok(bytes) => Ok(bytes),
            Err(_) if self.failure.is_some() => Err(BROKEN),
            Err(_) => Err(Errno::AGAIN),
        }
    }
}

impl<D: Driver> Driver for TlsDriver<D> {
    type Socket = TlsSocket<D::Socket>;
    const NAME: &'static str = D::NAME;
    const SHAKES_HANDS: bool = true;

    fn now_ns(&self) -> u64 {
        self.inner.now_ns()
    }

    fn cpu_ns(&self) -> u64 {
        self.inner.cpu_ns()
    }

    fn arrival_offset_ns(&self) -> u64 {
        self.inner.arrival_offset_ns()
    }

    fn connect(&mut self) -> Result<Self::Socket, Errno> {
        Ok(TlsSocket {
            inner: self.inner.connect()?,
            session: None,
            token: 0,
            begun_ns: 0,
            sending: Sending::default(),
            is_left: false,
            has_ended: false,
            is_shut: false,
            failure: None,
        })
    }

    fn connect_error(&mut self, socket: &Self::Socket) -> Option<Errno> {
        self.inner.connect_error(&socket.inner)
    }

    fn watch(
        &mut self,
        socket: &mut Self::Socket,
        token: u32,
        writable: bool,
    ) -> Result<(), Errno> {
        socket.token = token;
        self.inner.watch(&mut socket.inner, token, writable)
    }

    fn send(&mut self, socket: &mut Self::Socket, bytes: &[u8]) -> Result<usize, Errno> {
        let Some(session) = &mut socket.session else { return Err(Errno::AGAIN) };
        let (driver, gathered) = (&mut self.inner, &mut self.gathered);
        let mut outlet = Outlet { driver, socket: &mut socket.inner, gathered };
        let sent = socket.sending.send(session, bytes, &mut outlet);
        sent.map_err(|error| socket.write_error(&error))
    }

    fn receive(&mut self, socket: &mut Self::Socket, buffer: &mut [u8]) -> Result<Received, Errno> {
        if socket.is_left {
            let bytes = socket.take_left(buffer)?;
            if bytes > 0 {
                socket.is_left = true;
                self.left.push(socket.token);
            }
            return Ok(Received { bytes, arrived_ns: None });
        }
        loop {
            match self.pull(socket, buffer)? {
                Some(received) => return Ok(received),
                // What has come is all that will, and why may be in its rest.
                None if socket.is_shut => {}
                None => return Err(Errno::AGAIN),
            }
        }
    }

    fn wait(&mut self, timeout_ns: u64, ready: &mut Vec<Ready>) -> Result<(), Errno> {
        if self.left.is_empty() {
            return self.inner.wait(timeout_ns, ready);
        }
        self.inner.wait(0, ready)?;
        for token in self.left.drain(..) {
            if ready.iter().all(|ready| ready.token != token) {
                ready.push(Ready { token, readable: true, writable: false, hung_up: false });
            }
        }
        Ok(())
    }

    fn nap(&mut self, duration_ns: u64) {
        self.inner.nap(duration_ns);
    }

    fn shake_hands(&mut self, socket: &mut Self::Socket, may_read: bool) -> Result<Shake, Errno> {
        let begun_ns = self.inner.now_ns();
        if socket.session.is_none() {
            let session = self.client.session().map_err(|_| Errno::INVAL)?;
            socket.session = Some(Box::new(session));
        }
        if may_read {
            match self.pull(socket, &mut []) {
                Ok(_) | Err(Errno::AGAIN) => {}
                Err(error) => return Err(error),
            }
        }
        if let Some(session) = &socket.session
            && !session.is_handshaking()
        {
            socket.failure = self.client.spoken.disagreement(session);
            if socket.failure.is_some() {
                return Err(BROKEN);
            }
            let duration_ns = self.inner.now_ns().saturating_sub(socket.begun_ns);
            self.handshakes.count(session, duration_ns);
            return Ok(Shake::Done);
        }
        match self.flush(socket) {
            Ok(()) => {
                if socket.begun_ns == 0 {
                    socket.begun_ns = begun_ns;
                }
                Ok(Shake::Reading)
            }
            Err(Errno::AGAIN) => Ok(Shake::Writing),
            Err(error) => Err(self.last_words(socket, error)),
        }
    }

    fn explain(&mut self, socket: &mut Self::Socket) -> Option<Failure> {
        socket.failure.clone()
    }

    /// With the alert close_notify (RFC 8446, section 6.1), unless the other side is gone.
    fn close(&mut self, mut socket: Self::Socket) {
        if let Some(session) = &mut socket.session
            && !(session.is_handshaking() || socket.has_ended || socket.is_shut)
            && socket.failure.is_none()
        {
            session.send_close_notify();
            // What the kernel has no room for now is not missed.
            let _ = self.flush(&mut socket);
        }
        self.inner.close(socket.inner);
    }

    fn handshakes(&mut self) -> Option<TlsSample> {
        Some(self.handshakes.take())
    }
}

/// A socket as rustls writes to it.
struct Outlet<'a, D: Driver> {
    driver: &'a mut D,
    socket: &'a mut D::Socket,
    gathered: &'a mut Vec<u8>,
}

impl<D: Driver> Write for Outlet<'_, D> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(self.driver.send(self.socket, bytes)?)
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        if let [only] = parts {
            return self.write(only);
        }
        self.gathered.clear();
        parts.iter().for_each(|part| self.gathered.extend_from_slice(part));
        Ok(self.driver.send(self.socket, self.gathered)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
