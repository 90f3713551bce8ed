//! Header blocks of any content: the decoder never panics, says truly whether its table changed, and
//! reads what the encoder writes, whatever size the table has.

#![no_main]

// HPACK is private to the engine; its source is compiled in here as it stands.
#[path = "../../crates/jigger-load/src/protocol/http2"]
mod engine {
    #[expect(dead_code, unused_imports, reason = "the engine uses more of it")]
    pub mod hpack;
}

use engine::hpack::{Decoder, Encoder, Literal};
use libfuzzer_sys::fuzz_target;

type Fields = Vec<(Vec<u8>, Vec<u8>)>;

fn read(decoder: &mut Decoder, block: &[u8]) -> Option<(Fields, bool)> {
    let mut fields = Fields::new();
    let keep = |name: &[u8], value: &[u8]| fields.push((name.to_vec(), value.to_vec()));
    let has_changed = decoder.decode(block, keep).ok()?;
    Some((fields, has_changed))
}

/// Fields that are sent on another connection, by their numbers.
#[derive(Default)]
struct Other {
    encoder: Encoder,
    decoder: Decoder,
    known: Fields,
}

impl Other {
    fn send(&mut self, fields: &Fields) {
        let mut out = Vec::new();
        self.encoder.begin(&mut out);
        for field in fields {
            let number = self.known.iter().position(|known| known == field);
            let number = number.unwrap_or_else(|| {
                self.known.push(field.clone());
                self.known.len() - 1
            });
            self.encoder.field(number, &Literal::new(&field.0, &field.1), &mut out);
        }
        let (received, _) = read(&mut self.decoder, &out).expect("the encoder writes blocks");
        assert_eq!(&received, fields);
    }
}

fuzz_target!(|blocks: Vec<(u16, &[u8])>| {
    let (mut decoder, mut other) = (Decoder::default(), Other::default());
    for (table_bytes, block) in blocks {
        let Some((fields, has_changed)) = read(&mut decoder, block) else { return };
        if !has_changed {
            assert_eq!(read(&mut decoder, block), Some((fields.clone(), false)));
        }
        other.encoder.limit(table_bytes.into());
        other.send(&fields);
        other.send(&fields);
    }
});
