//! What both sides of a session do alike: take what came, and hand over what is to be sent.

use rustls::{ConnectionCommon, Error, SideData};
use std::io::{self, Read, Write};

/// What became of the bytes that came.
pub(super) struct Decrypted {
    /// So many bytes of plaintext are in the buffer.
    pub(super) bytes: usize,
    /// Whether there is more, for which the buffer had no room.
    pub(super) has_more: bool,
    /// Whether the other side has said that it sends no more.
    pub(super) has_ended: bool,
    pub(super) error: Option<Error>,
}

/// Decrypts all that came; nothing stands for the end of the stream. Without a buffer plaintext stays
/// in the session.
pub(super) fn decrypt<Side: SideData>(
    session: &mut ConnectionCommon<Side>,
    came: &[u8],
    buffer: &mut [u8],
) -> Decrypted {
    let (mut input, mut bytes, mut left_bytes) = (came, 0, 0);
    let (mut has_ended, mut failed) = (false, None);
    loop {
        let read = session.read_tls(&mut input);
        match session.process_new_packets() {
            Ok(state) => {
                has_ended = state.peer_has_closed();
                left_bytes = state.plaintext_bytes_to_read();
            }
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
        while bytes < buffer.len()
            && let Ok(more @ 1..) = session.reader().read(&mut buffer[bytes..])
        {
            bytes += more;
            left_bytes -= more;
        }
        if input.is_empty() || !matches!(read, Ok(1..)) {
            break;
        }
    }
    Decrypted { bytes, has_more: left_bytes > 0, has_ended, error: failed }
}

/// Encrypts bytes and hands them to a socket that does not block. When it does not take all of them,
/// the last byte is reported as not taken, and with it the next call sends on what is left.
#[derive(Debug, Default)]
pub(super) struct Sending {
    holds_back: bool,
}

impl Sending {
    /// How many bytes were taken.
    pub(super) fn send<Side: SideData>(
        &mut self,
        session: &mut ConnectionCommon<Side>,
        bytes: &[u8],
        socket: &mut impl Write,
    ) -> io::Result<usize> {
        if self.holds_back {
            flush(session, socket)?;
            self.holds_back = false;
            return Ok(bytes.len().min(1));
        }
        let mut taken = 0;
        loop {
            let more = session.writer().write(&bytes[taken..])?;
            taken += more;
            match flush(session, socket) {
                Ok(()) if taken == bytes.len() || more == 0 => return Ok(taken),
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && taken > 0 => {
                    self.holds_back = true;
                    return Ok(taken - 1);
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// Sends what the session has to send.
pub(super) fn flush<Side: SideData>(
    session: &mut ConnectionCommon<Side>,
    socket: &mut impl Write,
) -> io::Result<()> {
    while session.wants_write() {
        session.write_tls(socket)?;
    }
    Ok(())
}
