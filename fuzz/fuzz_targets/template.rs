//! Templates of any content: parsing ends in pieces or an error with a message, and what is
//! rendered holds the literal parts as they stand and numbers within their bounds.

#![no_main]

// Templates are private to the engine; its source is compiled in here as it stands.
#[path = "../../crates/jigger-load/src"]
mod engine {
    #[expect(dead_code, reason = "the engine uses more of it")]
    pub mod random;
    #[expect(dead_code, reason = "the engine uses more of it")]
    #[path = "source/template.rs"]
    pub mod template;
}
// The template's module names its neighbour by the engine's own path.
use engine::random;

use engine::template::{Known, Template};
use libfuzzer_sys::fuzz_target;
use std::sync::Arc;

fuzz_target!(|input: (u64, &[u8], Vec<&[u8]>)| {
    let (counter, text, lines) = input;
    let lines: Arc<[Vec<u8>]> = lines.into_iter().map(<[u8]>::to_vec).collect();
    let known = Known { lines, captured: Arc::from(["token".to_owned()]) };
    let template = match Template::parse(text, &known) {
        Ok(template) => template,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let render = |seed| {
        let (mut random, mut out) = (random::Random::new(seed), b"before".to_vec());
        template.render(counter, &mut random, &[b"value".to_vec()], &mut out);
        out
    };
    let out = render(1);
    assert!(out.starts_with(b"before"));
    assert_eq!(out, render(1), "the same seed fills the same");
    if template.is_literal() {
        assert_eq!(&out[6..], text);
    } else {
        let longest = known.lines.iter().map(Vec::len).max().unwrap_or_default().max(20);
        assert!(out.len() <= 6 + text.len() * longest);
    }
});
