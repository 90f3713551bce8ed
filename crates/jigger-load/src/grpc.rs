//! Unary gRPC calls over HTTP/2: a message's frame, and whether a call succeeded. Source: grpc/grpc,
//! `doc/PROTOCOL-HTTP2.md` and `doc/statuscodes.md`.

use crate::expect::BodyRule;
use std::fmt;
use std::sync::Arc;

/// Whether a message is compressed, and its length.
const PREFIX_BYTES: usize = 5;

/// What the `content-type` of requests and responses begins with.
pub const CONTENT_TYPE: &str = "application/grpc";

/// By their numbers.
const NAMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];
const UNIMPLEMENTED: u8 = 12;

/// What a response says of its call's success, in `grpc-status`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Status {
    #[default]
    Missing,
    /// It is not the number of a status.
    Unreadable,
    Code(u8),
}

/// What the fields of a response say of its call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) status: Status,
    /// Those of the head and the trailers that are recalled by their bytes.
    pub(crate) recalled: [Status; 2],
    content_type: String,
    /// As `grpc-message` has it.
    message: String,
}

/// Why a call has failed.
pub(crate) struct Failed<'a> {
    http_status: u16,
    call: &'a Call,
}

impl Status {
    fn read(value: &[u8]) -> Status {
        let code = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
        code.map_or(Status::Unreadable, Status::Code)
    }
}

impl Call {
    /// What a response's head and its trailers say together. A status counts in trailers, or in the
    /// head of a response that has nothing else.
    pub(crate) fn of(
        headers: &[(String, String)],
        trailers: &[(String, String)],
        has_body: bool,
    ) -> Call {
        let mut call = Call::default();
        let take = |call: &mut Call, fields: &[(String, String)]| {
            fields.iter().for_each(|(name, value)| call.field(name.as_bytes(), value.as_bytes()));
        };
        take(&mut call, headers);
        if has_body || !trailers.is_empty() {
            call.end();
        }
        take(&mut call, trailers);
        call
    }

    /// Trailers begin: what the head said of the end does not count.
    pub(crate) fn end(&mut self) {
        self.status = Status::Missing;
        self.message.clear();
    }

    /// A new response begins.
    pub(crate) fn begin(&mut self) {
        self.end();
        self.content_type.clear();
    }

    pub(crate) fn field(&mut self, name: &[u8], value: &[u8]) {
        let keep = |text: &mut String| {
            text.clear();
            text.push_str(&String::from_utf8_lossy(value));
        };
        match name {
            b"grpc-status" => self.status = Status::read(value),
            b"grpc-message" => keep(&mut self.message),
            b"content-type" => keep(&mut self.content_type),
            _ => {}
        }
    }
}

impl Failed<'_> {
    /// `None`: the call has succeeded.
    pub(crate) fn of(http_status: u16, call: &Call) -> Option<Failed<'_>> {
        let is_well = http_status == 200 && call.status == Status::Code(0);
        (!is_well).then_some(Failed { http_status, call })
    }
}

impl fmt::Display for Failed<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failed { http_status, call } = self;
        match call.status {
            Status::Code(code) if code > 0 => {
                write_code(code, formatter)?;
                if !call.message.is_empty() {
                    let message = percent_encoding::percent_decode_str(&call.message);
                    write!(formatter, ": {}", message.decode_utf8_lossy().escape_debug())?;
                }
                let remedy = "; check the URL's path, which is /package.Service/Method";
                formatter.write_str(if code == UNIMPLEMENTED { remedy } else { "" })
            }
            Status::Unreadable => formatter.write_str("grpc-status is not the number of a status"),
            Status::Missing if *http_status == 200 && call.content_type.starts_with(CONTENT_TYPE) => {
                formatter.write_str(
                    "the response has no grpc-status; its trailers are missing, as behind a proxy that \
                     drops them",
                )
            }
            _ => {
                write!(formatter, "HTTP status {http_status}")?;
                if !call.content_type.is_empty() {
                    let content_type = call.content_type.escape_debug();
                    write!(formatter, " with the content type {content_type}")?;
                }
                formatter.write_str(
                    " and without a grpc-status of 0: no gRPC server answers there; check the URL's host, \
                     port and path",
                )
            }
        }
    }
}

fn write_code(code: u8, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    match NAMES.get(usize::from(code)) {
        Some(name) => write!(formatter, "{name} ({code})"),
        None => write!(formatter, "status {code}, which gRPC does not define"),
    }
}

/// A message as it is sent: uncompressed. `None`: it is too long for a frame.
pub(crate) fn framed(message: &[u8]) -> Option<Vec<u8>> {
    let length = u32::try_from(message.len()).ok()?;
    Some([&[0], &length.to_be_bytes()[..], message].concat())
}

/// The message of a body that has exactly one, uncompressed.
pub fn message(body: &[u8]) -> Option<&[u8]> {
    let (prefix, message) = body.split_at_checked(PREFIX_BYTES)?;
    (framed(message)?.starts_with(prefix)).then_some(message)
}

/// The rule for a response's body where this is the rule for its message.
pub fn rule(of_message: BodyRule) -> BodyRule {
    match of_message {
        BodyRule::Any => BodyRule::Any,
        BodyRule::Length(bytes) => BodyRule::Length(bytes + PREFIX_BYTES as u64),
        BodyRule::Exact(bytes) => BodyRule::Exact(framed(&bytes).unwrap_or_default().into()),
        BodyRule::Matches(matches) => {
            BodyRule::Matches(Arc::new(move |body| message(body).is_some_and(|it| matches(it))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(of: &[(&str, &str)]) -> Vec<(String, String)> {
        of.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn told(
        http_status: u16,
        headers: &[(&str, &str)],
        trailers: &[(&str, &str)],
        has_body: bool,
    ) -> Option<String> {
        let call = Call::of(&fields(headers), &fields(trailers), has_body);
        Failed::of(http_status, &call).map(|failed| failed.to_string())
    }

    const GRPC: (&str, &str) = ("content-type", "application/grpc+proto");

    #[test]
    fn a_status_counts_in_trailers_or_in_a_response_of_a_head_alone() {
        let ok = ("grpc-status", "0");
        assert_eq!(told(200, &[GRPC], &[ok], true), None);
        assert_eq!(told(200, &[GRPC, ok], &[], false), None);
        for missing in [told(200, &[GRPC, ok], &[], true), told(200, &[GRPC], &[("a", "b")], true)]
        {
            assert!(missing.unwrap().contains("no grpc-status; its trailers are missing"));
        }
    }

    #[test]
    fn what_failed_is_told_by_the_name_of_its_status() {
        let of = |code: &str, message: &str| {
            let trailers = [("grpc-status", code), ("grpc-message", message)];
            told(200, &[GRPC], &trailers, false).unwrap()
        };
        assert_eq!(of("14", ""), "UNAVAILABLE (14)");
        assert_eq!(of("16", "wo%20%c3%a4 %%\n"), "UNAUTHENTICATED (16): wo ä %%\\n");
        assert!(of("12", "no").starts_with("UNIMPLEMENTED (12): no; check the URL's path"));
        assert_eq!(of("99", ""), "status 99, which gRPC does not define");
        for unreadable in ["", "x", "-1", "300"] {
            assert_eq!(of(unreadable, ""), "grpc-status is not the number of a status");
        }
    }

    #[test]
    fn a_server_without_grpc_is_named_as_such() {
        let page = ("content-type", "text/html");
        let text = told(404, &[page], &[], true).unwrap();
        let wanted = "HTTP status 404 with the content type text/html and without a grpc-status of 0: \
                      no gRPC server answers there; check the URL's host, port and path";
        assert_eq!(text, wanted);
        assert!(told(200, &[], &[], true).unwrap().starts_with("HTTP status 200 and without"));
        let odd = told(500, &[GRPC, ("grpc-status", "0")], &[], false).unwrap();
        assert!(odd.starts_with("HTTP status 500"), "{odd}");
    }

    #[test]
    fn messages_are_framed_and_read_again() {
        for text in [&b""[..], b"abc", &[7; 70_000]] {
            let body = framed(text).unwrap();
            assert_eq!((body.len(), message(&body)), (5 + text.len(), Some(text)));
            let [long, short] = [[&body[..], b"x"].concat(), body[..body.len() - 1].to_vec()];
            assert_eq!((message(&long), message(&short)), (None, None));
        }
        assert_eq!(message(&[1, 0, 0, 0, 1, 9]), None, "it is compressed");
    }

    #[test]
    fn a_rule_for_a_message_is_one_for_the_framed_body() {
        let body = framed(b"abc").unwrap();
        let BodyRule::Exact(exact) = rule(BodyRule::Exact(b"abc"[..].into())) else { panic!() };
        assert_eq!(&exact[..], body);
        assert!(matches!(rule(BodyRule::Length(3)), BodyRule::Length(8)));
        let BodyRule::Matches(matches) =
            rule(BodyRule::Matches(Arc::new(|message: &[u8]| message == b"abc")))
        else {
            panic!()
        };
        assert!(matches(&body) && !matches(b"abc"));
    }
}
