//! HTTP/2's frames of any content: the reader never panics and never loops, finds the same in them
//! however the bytes are cut, and finds again what is written.

#![no_main]

// The reader is private to the engine; its source is compiled in here as it stands.
#[path = "../../crates/jigger-load/src/protocol/http2"]
mod engine {
    #[expect(dead_code, reason = "the engine uses more of it")]
    pub mod frame;
}

use engine::frame::{BadFrame, HEADER_BYTES, Kind, Reader, write};
use libfuzzer_sys::fuzz_target;

/// What came out of a sequence of bytes.
#[derive(Debug, Default, PartialEq)]
struct Found {
    frames: Vec<(Kind, u8, u32, Vec<u8>)>,
    bad: Option<BadFrame>,
}

impl Found {
    /// Takes in one piece of the input.
    fn take(&mut self, reader: &mut Reader, mut piece: &[u8]) {
        while self.bad.is_none() {
            match reader.next(&mut piece) {
                Ok(Some(frame)) => {
                    if let Ok((fragment, _)) = frame.fragment() {
                        assert!(fragment.len() <= frame.payload.len());
                    }
                    let payload = frame.payload.to_vec();
                    self.frames.push((frame.kind, frame.flags, frame.stream, payload));
                }
                Ok(None) => {
                    assert!(piece.is_empty(), "more is wanted before all is used");
                    return;
                }
                Err(bad) => self.bad = Some(bad),
            }
        }
    }
}

fuzz_target!(|input: (Vec<u8>, &[u8])| {
    let (cuts, bytes) = input;
    let mut whole = Found::default();
    let mut reader = Reader::default();
    whole.take(&mut reader, bytes);
    let (mut pieces, mut piecewise) = (Found::default(), Reader::default());
    let mut rest = bytes;
    for cut in cuts {
        let (piece, behind) = rest.split_at(usize::from(cut).min(rest.len()));
        pieces.take(&mut piecewise, piece);
        rest = behind;
    }
    pieces.take(&mut piecewise, rest);
    assert_eq!(whole, pieces);
    let mut written = Vec::new();
    for (kind, flags, stream, payload) in &whole.frames {
        write(*kind, *flags, *stream, payload, &mut written);
    }
    let mut again = Found::default();
    again.take(&mut Reader::default(), &written);
    assert_eq!(again.frames, whole.frames);
    let frames_bytes: usize = whole.frames.iter().map(|frame| HEADER_BYTES + frame.3.len()).sum();
    assert!(frames_bytes <= bytes.len());
});
