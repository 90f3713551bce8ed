//! Which protocol is to be spoken in a session, and what it means that the server agrees on none.

use crate::failure::ErrorKind;
use crate::io::Failure;
use rustls::{AlertDescription, ClientConnection, Error};

/// A server that says nothing about ALPN speaks this.
const WITHOUT_ALPN: &str = "http/1.1";

/// What a client goes on with after the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spoken {
    /// This protocol, by its name in ALPN.
    Only(&'static str),
    /// Whatever the server chose.
    Any,
}

impl Default for Spoken {
    fn default() -> Spoken {
        Spoken::Only(WITHOUT_ALPN)
    }
}

impl Spoken {
    /// Why this session, whose handshake is complete, is of no use.
    pub(super) fn disagreement(self, session: &ClientConnection) -> Option<Failure> {
        let Spoken::Only(wanted) = self else { return None };
        let agreed = session.alpn_protocol().unwrap_or(WITHOUT_ALPN.as_bytes());
        (agreed != wanted.as_bytes()).then(|| missing(wanted))
    }

    /// What an error of a session is, where it says that the server does not speak the protocol.
    pub(super) fn refusal(self, error: &Error) -> Option<Failure> {
        let Spoken::Only(wanted) = self else { return None };
        match error {
            Error::AlertReceived(AlertDescription::NoApplicationProtocol)
            | Error::NoApplicationProtocol => Some(missing(wanted)),
            _ => None,
        }
    }
}

fn missing(wanted: &str) -> Failure {
    let message = match wanted {
        WITHOUT_ALPN => {
            "the server does not offer HTTP/1.1 by ALPN (`http/1.1`); load it with HTTP/2 (--http 2, in \
             a suite `protocol = \"h2\"`), or turn on HTTP/1.1 in the server"
        }
        _ => {
            "the server does not offer HTTP/2 by ALPN (`h2`), so it probably offers only http/1.1; load \
             it with HTTP/1.1 (--http 1.1, in a suite `protocol = \"http/1.1\"`), or turn on HTTP/2 in \
             the server"
        }
    };
    Failure { kind: ErrorKind::Alpn, message: message.to_owned() }
}
