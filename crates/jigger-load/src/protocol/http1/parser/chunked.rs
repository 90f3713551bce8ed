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
        digits: u8,
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
    TrailerStart,
    Trailer,
    TrailerLineFeed,
    EndLineFeed,
    End,
}

impl Default for Chunked {
    fn default() -> Chunked {
        Chunked { state: START, budget: HEAD_MAX_BYTES }
    }
}

const START: State = State::Size { value: 0, digits: 0 };
/// 2^60 bytes; more is no size but an attack on the arithmetic.
const DIGITS_MAX: u8 = 15;

impl Chunked {
    /// Takes the next piece of data, or the end, from `input`.
    pub(crate) fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Chunk<'a>, Malformed> {
        while let Some((byte, rest)) = input.split_first() {
            if let State::Data { left } = self.state {
                return Ok(Chunk::Data(self.data(input, left)));
            }
            *input = rest;
            self.budget =
                self.budget.checked_sub(1).ok_or(Malformed::Chunk("its lines never end"))?;
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
        State::Size { value, digits } => size(value, digits, byte),
        State::Blank { value } => after_size(value, byte),
        State::Extension { value } => match byte {
            b'\r' => Ok(State::SizeLineFeed { value }),
            b'\n' => Err(Malformed::Chunk("a size line ends without a carriage return")),
            _ => Ok(state),
        },
        State::SizeLineFeed { value: 0 } => {
            expect(byte, b'\n', State::TrailerStart, "no line feed after a size")
        }
        State::SizeLineFeed { value } => {
            expect(byte, b'\n', State::Data { left: value }, "no line feed after a size")
        }
        State::DataReturn => {
            expect(byte, b'\r', State::DataLineFeed, "a chunk is longer than its size")
        }
        State::DataLineFeed => expect(byte, b'\n', START, "no line feed after a chunk"),
        State::TrailerStart if byte == b'\r' => Ok(State::EndLineFeed),
        State::TrailerStart | State::Trailer => match byte {
            b'\r' => Ok(State::TrailerLineFeed),
            b'\n' => Err(Malformed::Chunk("a trailer ends without a carriage return")),
            _ => Ok(State::Trailer),
        },
        State::TrailerLineFeed => {
            expect(byte, b'\n', State::TrailerStart, "no line feed after a trailer")
        }
        State::EndLineFeed => expect(byte, b'\n', State::End, "no line feed at the end"),
        State::Data { .. } | State::End => Ok(state),
    }
}

fn size(value: u64, digits: u8, byte: u8) -> Result<State, Malformed> {
    let digit = match byte {
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'f' => byte - b'a' + 10,
        b'A'..=b'F' => byte - b'A' + 10,
        _ if digits == 0 => return Err(Malformed::Chunk("a size is missing")),
        _ => return after_size(value, byte),
    };
    if digits == DIGITS_MAX {
        return Err(Malformed::Chunk("a size is too large"));
    }
    Ok(State::Size { value: value * 16 + u64::from(digit), digits: digits + 1 })
}

fn after_size(value: u64, byte: u8) -> Result<State, Malformed> {
    match byte {
        b'\r' => Ok(State::SizeLineFeed { value }),
        b';' => Ok(State::Extension { value }),
        b' ' | b'\t' => Ok(State::Blank { value }),
        _ => Err(Malformed::Chunk("a size is no hexadecimal number")),
    }
}

fn expect(byte: u8, wanted: u8, then: State, otherwise: &'static str) -> Result<State, Malformed> {
    if byte == wanted { Ok(then) } else { Err(Malformed::Chunk(otherwise)) }
}
