//! The head of a response: status line and header fields, and what they say about the rest.

use super::{Framing, HEAD_MAX_BYTES, Malformed};
use std::mem::MaybeUninit;

/// More fields than this are rare, and cost an allocation.
const USUAL_FIELDS: usize = 128;
/// As many as the longest head can hold: a name, a colon and a line's end each.
const FIELDS_MAX: usize = HEAD_MAX_BYTES / 4;
/// Those of the numbers below 10^18.
const LENGTH_DIGITS_MAX: usize = 18;

/// What the head of a response says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) framing: Framing,
    /// Whether the connection serves another request afterwards (RFC 9112, section 9.3).
    pub(crate) keeps_alive: bool,
}

/// How far a head has arrived; lengths in bytes.
pub(super) enum Parsed {
    Partial,
    /// 1xx: another head follows.
    Interim(usize),
    Final(Head, usize),
}

pub(super) fn parse(bytes: &[u8], to_head: bool) -> Result<Parsed, Malformed> {
    with_response(bytes, |response, length| {
        if length > HEAD_MAX_BYTES {
            return Err(Malformed::HeadTooLong);
        }
        match response.code.unwrap_or_default() {
            101 => Err(Malformed::Switched),
            100..=199 => Ok(Parsed::Interim(length)),
            status @ 200..=999 => {
                read(response, status, to_head).map(|head| Parsed::Final(head, length))
            }
            status => Err(Malformed::Status(status)),
        }
    })
    .unwrap_or(Ok(Parsed::Partial))
}

/// The fields of a complete head, in order; bytes outside of UTF-8 are replaced.
pub(crate) fn fields(bytes: &[u8]) -> Vec<(String, String)> {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let listed = with_response(bytes, |response, _| {
        let fields = response.headers.iter();
        Ok(fields.map(|field| (field.name.to_owned(), text(field.value))).collect())
    });
    listed.and_then(Result::ok).unwrap_or_default()
}

/// `HTTP/1.0` or `HTTP/1.1`, as a complete head has it.
pub(crate) fn version(bytes: &[u8]) -> &'static str {
    if bytes.starts_with(b"HTTP/1.0") { "HTTP/1.0" } else { "HTTP/1.1" }
}

/// `None` while the head is incomplete.
fn with_response<T>(
    bytes: &[u8],
    read: impl FnOnce(&httparse::Response<'_, '_>, usize) -> Result<T, Malformed>,
) -> Option<Result<T, Malformed>> {
    let mut fields = [const { MaybeUninit::uninit() }; USUAL_FIELDS];
    let mut response = httparse::Response::new(&mut []);
    let mut parsed = parse_into(&mut response, bytes, &mut fields);
    let mut many;
    if parsed == Err(httparse::Error::TooManyHeaders) {
        many = vec![MaybeUninit::uninit(); FIELDS_MAX];
        response = httparse::Response::new(&mut []);
        parsed = parse_into(&mut response, bytes, &mut many);
    }
    match parsed {
        Ok(httparse::Status::Complete(length)) => Some(read(&response, length)),
        Ok(httparse::Status::Partial) => None,
        Err(_) if is_http2(bytes) => Some(Err(Malformed::Http2)),
        Err(_) if is_tls(bytes) => Some(Err(Malformed::Tls)),
        Err(error) => Some(Err(Malformed::Head(error))),
    }
}

/// Whether this begins as HTTP/2's first frame does, whose length takes three bytes and is far below
/// 65,536, and as no head does.
fn is_http2(bytes: &[u8]) -> bool {
    matches!(bytes, [0, ..])
}

/// Whether this begins as an alert or a handshake message of TLS does (RFC 8446, section 5.1), and as no
/// head does.
fn is_tls(bytes: &[u8]) -> bool {
    matches!(bytes, [0x15 | 0x16, ..])
}

fn parse_into<'h, 'b>(
    response: &mut httparse::Response<'h, 'b>,
    bytes: &'b [u8],
    fields: &'h mut [MaybeUninit<httparse::Header<'b>>],
) -> httparse::Result<usize> {
    let mut config = httparse::ParserConfig::default();
    // A user agent takes obsolete line folding as spaces: RFC 9112, section 5.2.
    config.allow_obsolete_multiline_headers_in_responses(true);
    config.parse_response_with_uninit_headers(response, bytes, fields)
}

fn read(
    response: &httparse::Response<'_, '_>,
    status: u16,
    to_head: bool,
) -> Result<Head, Malformed> {
    let minor = response.version.unwrap_or(1);
    let mut seen = Seen::default();
    response.headers.iter().for_each(|field| seen.take(field));
    // These end with the head, whatever their fields say (RFC 9112, section 6.3, rule 1).
    let is_bodiless = to_head || status == 204 || status == 304;
    let framing = if is_bodiless { Framing::Length(0) } else { seen.framing(minor)? };
    let keeps_alive =
        framing != Framing::UntilClose && !seen.close && (minor == 1 || seen.keep_alive);
    Ok(Head { status, framing, keeps_alive })
}

/// The fields that decide about framing and persistence.
#[derive(Default)]
struct Seen {
    length: Option<Result<u64, Malformed>>,
    coding: Option<Coding>,
    close: bool,
    keep_alive: bool,
}

/// What the transfer codings so far come to.
#[derive(Clone, Copy)]
enum Coding {
    Chunked,
    /// Others than chunked, which end with the connection.
    Other,
    /// Another one after chunked, which has to be the last (RFC 9112, section 6.1).
    Invalid,
}

impl Seen {
    fn take(&mut self, field: &httparse::Header<'_>) {
        if field.name.eq_ignore_ascii_case("content-length") {
            // A list of equal lengths is one length (RFC 9110, section 8.6).
            field.value.split(|byte| *byte == b',').for_each(|value| self.take_length(value));
        } else if field.name.eq_ignore_ascii_case("transfer-encoding") {
            tokens(field.value).for_each(|coding| self.take_coding(coding));
        } else if field.name.eq_ignore_ascii_case("connection") {
            for option in tokens(field.value) {
                self.close |= option.eq_ignore_ascii_case(b"close");
                self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
            }
        }
    }

    fn take_length(&mut self, value: &[u8]) {
        let length = parse_length(value);
        self.length = Some(match (self.length, length) {
            (None, length) | (Some(Ok(_)), length @ Err(_)) => length,
            (Some(Ok(before)), Ok(bytes)) if before != bytes => Err(Malformed::TwoLengths),
            (Some(before), _) => before,
        });
    }

    fn take_coding(&mut self, coding: &[u8]) {
        self.coding = Some(match self.coding {
            Some(Coding::Chunked | Coding::Invalid) => Coding::Invalid,
            _ if coding.eq_ignore_ascii_case(b"chunked") => Coding::Chunked,
            _ => Coding::Other,
        });
    }

    fn framing(&self, minor: u8) -> Result<Framing, Malformed> {
        match (self.length, self.coding) {
            (_, Some(Coding::Invalid)) => Err(Malformed::BadEncoding),
            (Some(Err(error)), _) => Err(error),
            (Some(Ok(_)), Some(_)) => Err(Malformed::LengthAndEncoding),
            (Some(Ok(bytes)), None) => Ok(Framing::Length(bytes)),
            // HTTP/1.0 has no transfer codings: faulty framing by RFC 9112, section 6.1.
            (None, Some(_)) if minor == 0 => Err(Malformed::BadEncoding),
            (None, Some(Coding::Chunked)) => Ok(Framing::Chunked),
            (None, _) => Ok(Framing::UntilClose),
        }
    }
}

fn tokens(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|token| !token.is_empty())
}

/// Digits only: a sign or a fraction is refused (RFC 9110, section 8.6).
fn parse_length(value: &[u8]) -> Result<u64, Malformed> {
    let digits = value.trim_ascii();
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    if !is_number || digits.len() - zeros > LENGTH_DIGITS_MAX {
        return Err(Malformed::BadLength);
    }
    Ok(digits.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')))
}
