//! HTTP/1.1 answers of any content: the parser never panics, never loops, and finds the same in
//! them however the bytes are cut into pieces.

#![no_main]

// The parser is private to the engine; its source is compiled in here as it stands.
#[path = "../../crates/jigger-load/src/protocol/http1"]
mod engine {
    #[expect(dead_code, unused_imports, reason = "the engine uses more of it")]
    pub mod parser;
}

use engine::parser::{Event, Head, Malformed, Memo, Parser};
use libfuzzer_sys::fuzz_target;

/// What came out of a sequence of bytes.
#[derive(Debug, Default, PartialEq)]
struct Found {
    /// Heads, with the bytes of the body that follows and whether it ended.
    answers: Vec<(Head, Vec<u8>, bool)>,
    malformed: Option<Malformed>,
}

impl Found {
    /// Takes in one piece of the input.
    fn take(&mut self, parser: &mut Parser, memo: &mut Memo, to_head: bool, piece: &[u8]) {
        let mut input = piece;
        while self.malformed.is_none() {
            let before = input.len();
            match parser.next(&mut input, to_head, memo) {
                Ok(Event::Head(head)) => self.answers.push((head, Vec::new(), false)),
                Ok(Event::Data(data)) => {
                    assert!(!data.is_empty() && input.len() < before);
                    let (_, body, has_ended) = self.answers.last_mut().expect("a head came first");
                    assert!(!*has_ended);
                    body.extend_from_slice(data);
                }
                Ok(Event::End) => self.answers.last_mut().expect("a head came first").2 = true,
                Ok(Event::More) => {
                    assert!(input.is_empty(), "more is wanted before all is used");
                    return;
                }
                Err(malformed) => self.malformed = Some(malformed),
            }
        }
    }
}

fn parse<'a>(pieces: impl Iterator<Item = &'a [u8]>, to_head: bool) -> Found {
    let (mut parser, mut memo, mut found) = (Parser::default(), Memo::default(), Found::default());
    for piece in pieces {
        found.take(&mut parser, &mut memo, to_head, piece);
    }
    found
}

// The first two bytes say how to cut the rest, and whether a HEAD request is answered.
fuzz_target!(|bytes: &[u8]| {
    let [cut, kind, answer @ ..] = bytes else {
        return;
    };
    let to_head = kind % 2 == 1;
    let whole = parse(std::iter::once(answer), to_head);
    let in_pieces = parse(answer.chunks(usize::from(*cut) + 1), to_head);
    assert_eq!(whole, in_pieces);
});
