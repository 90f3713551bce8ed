//! TLS over a socket that blocks, for one request at a time.

use super::failure::{failure, truncated};
use super::session::flush;
use super::spoken::Spoken;
use super::{TlsClient, agreement};
use crate::io::Failure;
use crate::sample::TlsAgreement;
use rustls::ClientConnection;
use std::io::{self, Read, Write};

/// The client's side of one connection. An error of the session itself is in [`TlsStream::failure`].
#[derive(Debug)]
pub(crate) struct TlsStream<S> {
    session: ClientConnection,
    spoken: Spoken,
    socket: S,
    first: First,
    failure: Option<Failure>,
}

impl<S: Read + Write> TlsStream<S> {
    /// # Errors
    /// When the options cannot make a session.
    pub(crate) fn new(client: &TlsClient, socket: S) -> io::Result<TlsStream<S>> {
        let session = client.session().map_err(io::Error::other)?;
        let (spoken, first) = (client.spoken, First::default());
        Ok(TlsStream { session, spoken, socket, first, failure: None })
    }

    pub(crate) fn socket(&self) -> &S {
        &self.socket
    }

    pub(crate) fn is_handshaking(&self) -> bool {
        self.session.is_handshaking()
    }

    /// Sends what is to be sent, and reads once if the handshake wants it.
    ///
    /// # Errors
    /// Those of the socket, and of the handshake.
    pub(crate) fn shake_hands(&mut self) -> io::Result<()> {
        self.flush()?;
        if self.session.is_handshaking() {
            self.pull()?;
        }
        self.flush().or_else(|error| {
            // What the other side has said before it closed.
            self.pull()?;
            Err(error)
        })?;
        match self.spoken.disagreement(&self.session) {
            Some(failure) if !self.session.is_handshaking() => self.fail(failure),
            _ => Ok(()),
        }
    }

    /// Why the session cannot go on.
    pub(crate) fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    pub(crate) fn agreement(&self) -> TlsAgreement {
        agreement(&self.session)
    }

    /// Reads the socket once.
    fn pull(&mut self) -> io::Result<()> {
        let is_handshaking = self.session.is_handshaking();
        let mut tee = Tee { socket: &mut self.socket, first: &mut self.first };
        let count = self.session.read_tls(&mut tee)?;
        match self.session.process_new_packets() {
            Err(error) => {
                // The alert that tells the other side; nothing hangs on it.
                let _ = self.flush();
                self.fail(failure(&error, self.spoken, is_handshaking, self.first.bytes()))
            }
            Ok(state) if count == 0 && !state.peer_has_closed() => {
                self.fail(truncated(is_handshaking))
            }
            Ok(state) if state.peer_has_closed() && self.session.is_handshaking() => {
                self.fail(truncated(true))
            }
            Ok(_) => Ok(()),
        }
    }

    fn fail(&mut self, failure: Failure) -> io::Result<()> {
        let error = io::Error::other(failure.message.clone());
        self.failure = Some(failure);
        Err(error)
    }
}

impl<S: Read + Write> Read for TlsStream<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.session.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.pull()?,
                other => return other,
            }
        }
    }
}

impl<S: Read + Write> Write for TlsStream<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.session.writer().write(bytes)?;
        self.flush()?;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        flush(&mut self.session, &mut self.socket)
    }
}

/// The first bytes that came, which tell another protocol.
#[derive(Debug, Default)]
struct First {
    bytes: [u8; 8],
    length: usize,
}

impl First {
    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    fn take(&mut self, came: &[u8]) {
        let room = self.bytes[self.length..].iter_mut();
        self.length += room.zip(came).map(|(to, from)| *to = *from).count();
    }
}

/// A socket whose first bytes are kept.
struct Tee<'a, S> {
    socket: &'a mut S,
    first: &'a mut First,
}

impl<S: Read> Read for Tee<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.socket.read(buffer)?;
        self.first.take(&buffer[..count]);
        Ok(count)
    }
}
