//! The chunked transfer coding (RFC 9112, section 7.1), with extensions and trailers skipped.

use super::{HEAD_MAX_BYTES, Malformed};

/// Where in a chunked body a connection stands.
#[derive(Debug)]
pub(crate) struct Chunked {
    state: State,
    /// Bytes of chunk sizes, extensions and trailers that may still come in this line or
    /// trailer section, so that a server cannot feed them without end.
    budget: usize,
}

/// What the body holds next.
pub(crate) enum Chunk<'a> {
    Data(&'a [u8]),
    End,
    More,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Size {
        value: u64,
        is_empty: bool,
    },
    /// Blanks between the size and `;` (obsolete, but allowed: "bad whitespace").
    Blank {
        value: u64,
    },
    Extension {
        value: u64,
    },
    SizeLineFeed {
        value: u64,
    },
    Data {
        left: u64,
    },
    DataReturn,
    DataLineFeed,
    TrailerStart {
        is_first: bool,
    },
    TrailerName,
    TrailerValue,
    TrailerLineFeed,
    EndLineFeed,
    End,
}

impl Default for Chunked {
    fn default() -> Chunked {
        Chunked { state: START, budget: HEAD_MAX_BYTES }
    }
}

const START: State = State::Size { value: 0, is_empty: true };
/// More is no size but an attack on the arithmetic. Leading zeros are fine: some servers write 16 digits.
const SIZE_MAX_BYTES: u64 = (1 << 60) - 1;

impl Chunked {
    /// Takes the next piece of data, or the end, from `input`.
    pub(crate) fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Chunk<'a>, Malformed> {
        while let Some((byte, rest)) = input.split_first() {
            if let State::Data { left } = self.state {
                return Ok(Chunk::Data(self.data(input, left)));
            }
            *input = rest;
            self.budget = self
                .budget
                .checked_sub(1)
                .ok_or(Malformed::Chunk("its size lines or trailers are too long"))?;
            self.state = step(self.state, *byte)?;
            match self.state {
                State::End => return Ok(Chunk::End),
                State::Data { .. } => self.budget = HEAD_MAX_BYTES,
                _ => {}
            }
        }
        Ok(Chunk::More)
    }

    fn data<'a>(&mut self, input: &mut &'a [u8], left: u64) -> &'a [u8] {
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
        let left = left - length as u64;
        self.state = if left == 0 { State::DataReturn } else { State::Data { left } };
        super::take(input, length)
    }
}

fn step(state: State, byte: u8) -> Result<State, Malformed> {
    match state {
        State::Size { value, is_empty } => size(value, is_empty, byte),
        State::Blank { value } => after_size(value, byte),
        State::Extension { value } => match byte {
            b'\r' => Ok(State::SizeLineFeed { value }),
            _ => text(byte, state, "an extension contains a control character"),
        },
        State::SizeLineFeed { value } => {
            let then = match value {
                0 => State::TrailerStart { is_first: true },
                left => State::Data { left },
            };
            expect(byte, b'\n', then, "no line feed after a size")
        }
        State::DataReturn => {
            expect(byte, b'\r', State::DataLineFeed, "a chunk is longer than its size")
        }
        State::DataLineFeed => expect(byte, b'\n', START, "no line feed after a chunk"),
        State::TrailerStart { .. }
        | State::TrailerName
        | State::TrailerValue
        | State::TrailerLineFeed
        | State::EndLineFeed => trailer(state, byte),
        State::Data { .. } | State::End => Ok(state),
    }
}

/// Lines after the last chunk are fields (RFC 9112, section 7.1.2). If anything passed for one, the
/// rest of a body that was cut short would pass for a complete response.
fn trailer(state: State, byte: u8) -> Result<State, Malformed> {
    match (state, byte) {
        (State::TrailerStart { .. }, b'\r') => Ok(State::EndLineFeed),
        // Obsolete line folding, which heads may have, too.
        (State::TrailerStart { is_first: false }, b' ' | b'\t') => Ok(State::TrailerValue),
        (State::TrailerName, b':') => Ok(State::TrailerValue),
        (State::TrailerStart { .. } | State::TrailerName, _) if is_token(byte) => {
            Ok(State::TrailerName)
        }
        (State::TrailerStart { .. } | State::TrailerName, _) => {
            Err(Malformed::Chunk("what follows the last chunk is not a trailer field"))
        }
        (State::TrailerLineFeed, _) => {
            let then = State::TrailerStart { is_first: false };
            expect(byte, b'\n', then, "no line feed after a trailer")
        }
        (State::EndLineFeed, _) => expect(byte, b'\n', State::End, "no line feed at the end"),
        (_, b'\r') => Ok(State::TrailerLineFeed),
        _ => text(byte, State::TrailerValue, "a trailer contains a control character"),
    }
}

/// What names consist of (RFC 9110, section 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// What values may hold (RFC 9110, section 5.5).
fn text(byte: u8, then: State, otherwise: &'static str) -> Result<State, Malformed> {
    if byte.is_ascii_control() && byte != b'\t' {
        Err(Malformed::Chunk(otherwise))
    } else {
        Ok(then)
    }
}

fn size(value: u64, is_empty: bool, byte: u8) -> Result<State, Malformed> {
    let digit = match byte {
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'f' => byte - b'a' + 10,
        b'A'..=b'F' => byte - b'A' + 10,
        _ if is_empty => return Err(Malformed::Chunk("a size is missing")),
        _ => return after_size(value, byte),
    };
    if value > SIZE_MAX_BYTES >> 4 {
        return Err(Malformed::Chunk("a size is too large"));
    }
    Ok(State::Size { value: value * 16 + u64::from(digit), is_empty: false })
}

fn after_size(value: u64, byte: u8) -> Result<State, Malformed> {
    match byte {
        b'\r' => Ok(State::SizeLineFeed { value }),
        b';' => Ok(State::Extension { value }),
        b' ' | b'\t' => Ok(State::Blank { value }),
        _ => Err(Malformed::Chunk("a size is not a hexadecimal number")),
    }
}

fn expect(byte: u8, wanted: u8, then: State, otherwise: &'static str) -> Result<State, Malformed> {
    if byte == wanted { Ok(then) } else { Err(Malformed::Chunk(otherwise)) }
}
