//! Errors by kind: a failed request is data.

use std::fmt;

/// The kinds that failed requests are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorKind {
    /// The name has no address.
    Resolve,
    /// Nothing listens, or the listener's queue is full (unix sockets).
    ConnectRefused,
    /// The connection broke while it was made.
    ConnectReset,
    /// The deadline passed before the connection stood.
    ConnectTimeout,
    /// The TLS handshake failed on this side: the certificate is not trusted, nothing was agreed on,
    /// or what came is no TLS.
    TlsHandshake,
    /// The server ended the TLS connection with an alert.
    TlsAlert,
    /// The server speaks TLS, but not the version of HTTP that is asked for (ALPN).
    Alpn,
    /// The request could not be written.
    Write,
    /// The connection was reset before the response was complete.
    ReadReset,
    /// The server closed the connection before the response was complete.
    ReadClosedEarly,
    /// What came is not HTTP/1.1, or belongs to no request.
    ReadMalformed,
    /// The deadline passed before the response was complete.
    Timeout,
    /// A complete response with a status that is not expected.
    Status,
    /// A complete response with a body that is not expected.
    WrongAnswer,
    /// This machine ran out of file descriptors, ports or memory for sockets.
    LocalLimit,
    /// What came is no HTTP/2, or breaks its rules.
    H2Protocol,
    /// The server reset the request's stream (HTTP/2).
    H2Reset,
    /// The server ended the connection with an error (HTTP/2).
    H2Goaway,
    /// A complete response that is none of a successful gRPC call.
    GrpcStatus,
}

impl ErrorKind {
    /// Every kind, in the order in which a request meets them.
    pub const ALL: [ErrorKind; 19] = [
        ErrorKind::Resolve,
        ErrorKind::ConnectRefused,
        ErrorKind::ConnectReset,
        ErrorKind::ConnectTimeout,
        ErrorKind::TlsHandshake,
        ErrorKind::TlsAlert,
        ErrorKind::Alpn,
        ErrorKind::Write,
        ErrorKind::ReadReset,
        ErrorKind::ReadClosedEarly,
        ErrorKind::ReadMalformed,
        ErrorKind::Timeout,
        ErrorKind::Status,
        ErrorKind::WrongAnswer,
        ErrorKind::LocalLimit,
        ErrorKind::H2Protocol,
        ErrorKind::H2Reset,
        ErrorKind::H2Goaway,
        ErrorKind::GrpcStatus,
    ];

    /// A stable name for files: `connect_refused`, `read_closed_early`, ...
    pub fn name(self) -> &'static str {
        match self {
            ErrorKind::Resolve => "resolve",
            ErrorKind::ConnectRefused => "connect_refused",
            ErrorKind::ConnectReset => "connect_reset",
            ErrorKind::ConnectTimeout => "connect_timeout",
            ErrorKind::TlsHandshake => "tls_handshake",
            ErrorKind::TlsAlert => "tls_alert",
            ErrorKind::Alpn => "alpn",
            ErrorKind::Write => "write",
            ErrorKind::ReadReset => "read_reset",
            ErrorKind::ReadClosedEarly => "read_closed_early",
            ErrorKind::ReadMalformed => "read_malformed",
            ErrorKind::Timeout => "timeout",
            ErrorKind::Status => "status",
            ErrorKind::WrongAnswer => "wrong_answer",
            ErrorKind::LocalLimit => "local_limit",
            ErrorKind::H2Protocol => "h2_protocol",
            ErrorKind::H2Reset => "h2_reset",
            ErrorKind::H2Goaway => "h2_goaway",
            ErrorKind::GrpcStatus => "grpc_status",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SPELLED: [[&str; 2]; 4] =
            [["tls", "TLS"], ["alpn", "ALPN"], ["grpc", "gRPC"], ["_", " "]];
        let spell = |text: String, [from, to]: [&str; 2]| text.replace(from, to);
        formatter.write_str(&SPELLED.into_iter().fold(self.name().to_owned(), spell))
    }
}

/// How many requests failed, by kind, with the first message of each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Errors {
    counts: [u64; ErrorKind::ALL.len()],
    first: [Option<Box<str>>; ErrorKind::ALL.len()],
}

impl Errors {
    /// How many requests failed in this way.
    pub fn count(&self, kind: ErrorKind) -> u64 {
        self.counts[kind as usize]
    }

    /// What the first failure of this kind said, with its errno where there was one.
    pub fn first(&self, kind: ErrorKind) -> Option<&str> {
        self.first[kind as usize].as_deref()
    }

    /// How many requests failed.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The kinds that occurred: kind, count, first message.
    pub fn iter(&self) -> impl Iterator<Item = (ErrorKind, u64, &str)> {
        ErrorKind::ALL
            .into_iter()
            .filter(|kind| self.count(*kind) > 0)
            .map(|kind| (kind, self.count(kind), self.first(kind).unwrap_or_default()))
    }

    /// Counts `count` failures; `message` is only called for the first of a kind.
    pub fn add(&mut self, kind: ErrorKind, count: u64, message: impl FnOnce() -> String) {
        self.counts[kind as usize] += count;
        if count > 0 {
            self.first[kind as usize].get_or_insert_with(|| message().into_boxed_str());
        }
    }

    /// Adds another thread's errors.
    pub fn merge(&mut self, other: &Errors) {
        for (kind, count, message) in other.iter() {
            self.add(kind, count, || message.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_message_of_a_kind_stays() {
        let mut errors = Errors::default();
        errors.add(ErrorKind::Timeout, 0, || "none".to_owned());
        errors.add(ErrorKind::Timeout, 1, || "first".to_owned());
        let mut other = Errors::default();
        other.add(ErrorKind::Timeout, 2, || "second".to_owned());
        other.add(ErrorKind::Write, 1, || "broken pipe".to_owned());
        errors.merge(&other);
        let listed: Vec<_> = errors.iter().collect();
        let wanted = [(ErrorKind::Write, 1, "broken pipe"), (ErrorKind::Timeout, 3, "first")];
        assert_eq!(listed, wanted);
        assert_eq!(errors.total(), 4);
    }

    #[test]
    fn indices_follow_the_list() {
        for (index, kind) in ErrorKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, index);
        }
    }
}
