//! The head of a response: status line and header fields, and what they say about the rest.

use super::{FIELDS_MAX, Framing, HEAD_MAX_BYTES, Malformed};
use std::mem::MaybeUninit;

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
            status @ 200..=599 => {
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
    let mut fields = [const { MaybeUninit::uninit() }; FIELDS_MAX];
    let mut response = httparse::Response::new(&mut []);
    let mut config = httparse::ParserConfig::default();
    // A user agent takes obsolete line folding as spaces: RFC 9112, section 5.2.
    config.allow_obsolete_multiline_headers_in_responses(true);
    match config.parse_response_with_uninit_headers(&mut response, bytes, &mut fields) {
        Ok(httparse::Status::Complete(length)) => Some(read(&response, length)),
        Ok(httparse::Status::Partial) => None,
        Err(error) => Some(Err(Malformed::Head(error))),
    }
}

fn read(
    response: &httparse::Response<'_, '_>,
    status: u16,
    to_head: bool,
) -> Result<Head, Malformed> {
    let minor = response.version.unwrap_or(1);
    let mut seen = Seen::default();
    for field in response.headers.iter() {
        seen.take(field)?;
    }
    let bodiless = to_head || status == 204 || status == 304;
    let framing = seen.framing(minor)?;
    let framing = if bodiless { Framing::Length(0) } else { framing };
    let keeps_alive =
        framing != Framing::UntilClose && !seen.close && (minor == 1 || seen.keep_alive);
    Ok(Head { status, framing, keeps_alive })
}

/// The fields that decide about framing and persistence.
#[derive(Default)]
struct Seen {
    length: Option<u64>,
    encoded: bool,
    chunked: bool,
    close: bool,
    keep_alive: bool,
}

impl Seen {
    fn take(&mut self, field: &httparse::Header<'_>) -> Result<(), Malformed> {
        if field.name.eq_ignore_ascii_case("content-length") {
            if self.length.is_some() {
                return Err(Malformed::TwoLengths);
            }
            self.length = Some(parse_length(field.value)?);
        } else if field.name.eq_ignore_ascii_case("transfer-encoding") {
            tokens(field.value).try_for_each(|coding| self.take_coding(coding))?;
        } else if field.name.eq_ignore_ascii_case("connection") {
            for option in tokens(field.value) {
                self.close |= option.eq_ignore_ascii_case(b"close");
                self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
            }
        }
        Ok(())
    }

    /// Chunked may come once, as the last coding (RFC 9112, section 6.1).
    fn take_coding(&mut self, coding: &[u8]) -> Result<(), Malformed> {
        if self.chunked {
            return Err(Malformed::BadEncoding);
        }
        self.encoded = true;
        self.chunked = coding.eq_ignore_ascii_case(b"chunked");
        Ok(())
    }

    fn framing(&self, minor: u8) -> Result<Framing, Malformed> {
        match self.length {
            Some(_) if self.encoded => Err(Malformed::LengthAndEncoding),
            Some(bytes) => Ok(Framing::Length(bytes)),
            // HTTP/1.0 has no transfer codings: faulty framing by RFC 9112, section 6.1.
            None if self.encoded && minor == 0 => Err(Malformed::BadEncoding),
            None if self.chunked => Ok(Framing::Chunked),
            None => Ok(Framing::UntilClose),
        }
    }
}

fn tokens(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|token| !token.is_empty())
}

/// Digits only: a sign, a list or a fraction is refused (RFC 9110, section 8.6).
fn parse_length(value: &[u8]) -> Result<u64, Malformed> {
    let digits = value.trim_ascii();
    if digits.contains(&b',') {
        return Err(Malformed::TwoLengths);
    }
    if digits.is_empty() || digits.len() > 18 || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Malformed::BadLength);
    }
    Ok(digits.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')))
}
