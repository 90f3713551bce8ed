//! What goes wrong on an HTTP/2 connection, in words, and what is sent about it.

use crate::failure::ErrorKind;
use crate::protocol::Failure;
use crate::protocol::http2::frame::BadFrame;
use crate::protocol::http2::hpack::HpackError;
use std::fmt;

/// An error code of RFC 9113, section 7.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(pub(crate) u32);

impl Code {
    pub(crate) const NO_ERROR: Code = Code(0x0);
    pub(crate) const PROTOCOL_ERROR: Code = Code(0x1);
    pub(crate) const FLOW_CONTROL_ERROR: Code = Code(0x3);
    pub(crate) const STREAM_CLOSED: Code = Code(0x5);
    pub(crate) const FRAME_SIZE_ERROR: Code = Code(0x6);
    pub(crate) const REFUSED_STREAM: Code = Code(0x7);
    pub(crate) const CANCEL: Code = Code(0x8);
    pub(crate) const COMPRESSION_ERROR: Code = Code(0x9);
    pub(crate) const ENHANCE_YOUR_CALM: Code = Code(0xb);
}

impl fmt::Display for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [&str; 14] = [
            "NO_ERROR",
            "PROTOCOL_ERROR",
            "INTERNAL_ERROR",
            "FLOW_CONTROL_ERROR",
            "SETTINGS_TIMEOUT",
            "STREAM_CLOSED",
            "FRAME_SIZE_ERROR",
            "REFUSED_STREAM",
            "CANCEL",
            "COMPRESSION_ERROR",
            "CONNECT_ERROR",
            "ENHANCE_YOUR_CALM",
            "INADEQUATE_SECURITY",
            "HTTP_1_1_REQUIRED",
        ];
        match NAMES.get(self.0 as usize) {
            Some(name) => formatter.write_str(name),
            None => write!(formatter, "code {:#x}", self.0),
        }
    }
}

/// Why a request over HTTP/2 has no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Http2Fault {
    /// The server broke the protocol.
    Protocol {
        /// What it is told.
        code: Code,
        /// What it did.
        what: &'static str,
    },
    /// What it sent as a header block is none.
    Hpack(HpackFault),
    /// It reset the stream.
    Reset(Code),
    /// It ended the connection.
    GoAway(Code),
    /// It speaks something else, such as HTTP/1.1.
    Http1,
    /// It closed the connection without its SETTINGS.
    Silent,
}

/// What is wrong with a header block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HpackFault(HpackError);

impl Http2Fault {
    /// The server ends the connection without a reason.
    pub(crate) const ENDED: Http2Fault = Http2Fault::GoAway(Code::NO_ERROR);

    pub(crate) fn protocol(what: &'static str) -> Http2Fault {
        Http2Fault::Protocol { code: Code::PROTOCOL_ERROR, what }
    }

    pub(crate) fn frame_size(what: &'static str) -> Http2Fault {
        Http2Fault::Protocol { code: Code::FRAME_SIZE_ERROR, what }
    }

    pub(crate) fn flow_control(what: &'static str) -> Http2Fault {
        Http2Fault::Protocol { code: Code::FLOW_CONTROL_ERROR, what }
    }

    /// What the server is told.
    pub(crate) fn code(&self) -> Code {
        match self {
            Http2Fault::Protocol { code, .. } => *code,
            Http2Fault::Hpack(_) => Code::COMPRESSION_ERROR,
            Http2Fault::Http1 => Code::PROTOCOL_ERROR,
            Http2Fault::Reset(_) | Http2Fault::GoAway(_) | Http2Fault::Silent => Code::NO_ERROR,
        }
    }
}

impl From<HpackError> for Http2Fault {
    fn from(error: HpackError) -> Http2Fault {
        Http2Fault::Hpack(HpackFault(error))
    }
}

impl From<BadFrame> for Http2Fault {
    fn from(bad: BadFrame) -> Http2Fault {
        match bad {
            BadFrame::TooLong => {
                Http2Fault::frame_size("a frame is longer than the 16384 bytes that were agreed on")
            }
            BadFrame::TooShort => Http2Fault::frame_size("a frame is too short for its type"),
            BadFrame::Padding => Http2Fault::protocol("a frame has more padding than payload"),
        }
    }
}

impl Failure for Http2Fault {
    fn kind(&self) -> ErrorKind {
        match self {
            Http2Fault::Reset(_) => ErrorKind::H2Reset,
            Http2Fault::GoAway(_) => ErrorKind::H2Goaway,
            _ => ErrorKind::H2Protocol,
        }
    }
}

impl std::error::Error for Http2Fault {}

impl fmt::Display for Http2Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Http2Fault::Protocol { code, what } => {
                write!(formatter, "the server breaks HTTP/2: {what} ({code})")
            }
            Http2Fault::Hpack(HpackFault(error)) => write!(
                formatter,
                "the server breaks HTTP/2: a header block cannot be decoded: {error} \
                 (COMPRESSION_ERROR)"
            ),
            Http2Fault::Reset(code) => {
                write!(formatter, "the server reset the stream with {code}{}", remedy(*code))
            }
            Http2Fault::GoAway(Code::NO_ERROR) => formatter.write_str(
                "the server ended the connection (GOAWAY, NO_ERROR) before it responded to any \
                 request on it; see its log and its limits on connections",
            ),
            Http2Fault::GoAway(code) => {
                write!(formatter, "the server ended the connection with {code}{}", remedy(*code))
            }
            Http2Fault::Http1 => write!(
                formatter,
                "the server does not speak HTTP/2 here, probably only HTTP/1.1; {OTHER_VERSION}"
            ),
            Http2Fault::Silent => write!(
                formatter,
                "the server closed the connection without sending HTTP/2 SETTINGS, so it probably \
                 speaks only HTTP/1.1; {OTHER_VERSION}"
            ),
        }
    }
}

const OTHER_VERSION: &str = "turn on HTTP/2 without TLS (h2c, by prior knowledge) in the server, or \
                             load it with HTTP/1.1 (gRPC calls need HTTP/2)";

fn remedy(code: Code) -> &'static str {
    match code {
        Code::REFUSED_STREAM => {
            ", also at the second attempt; use fewer streams, or raise the server's limit"
        }
        Code::ENHANCE_YOUR_CALM => {
            ": it takes the load for an attack; use fewer streams or a lower rate, or raise the \
             server's limits"
        }
        Code(0xd) => "; load it with HTTP/1.1",
        _ => "; the server's log may say why",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_the_cause_and_what_to_do() {
        for (fault, kind, parts) in [
            (
                Http2Fault::Reset(Code(0xb)),
                ErrorKind::H2Reset,
                ["reset the stream with ENHANCE_YOUR_CALM", "fewer streams"],
            ),
            (Http2Fault::Reset(Code(0x20)), ErrorKind::H2Reset, ["code 0x20", "log"]),
            (Http2Fault::GoAway(Code(0)), ErrorKind::H2Goaway, ["before it responded", "log"]),
            (Http2Fault::GoAway(Code(2)), ErrorKind::H2Goaway, ["INTERNAL_ERROR", "log"]),
            (Http2Fault::Http1, ErrorKind::H2Protocol, ["only HTTP/1.1", "h2c"]),
            (
                BadFrame::TooLong.into(),
                ErrorKind::H2Protocol,
                ["longer than the 16384", "(FRAME_SIZE_ERROR)"],
            ),
            (
                HpackError::Index(70).into(),
                ErrorKind::H2Protocol,
                ["index 70 refers to no field", "COMPRESSION_ERROR"],
            ),
        ] {
            let message = fault.to_string();
            assert_eq!(fault.kind(), kind, "{message}");
            assert!(parts.iter().all(|part| message.contains(part)), "{message}");
        }
    }
}
