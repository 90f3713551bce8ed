//! Fields to header blocks. No Huffman code: what is sent is sent by index after the first time,
//! and what changes each time is to cost the client little.

use super::table::{self, DEFAULT_BYTES, STATIC};

/// One direction of a connection: which of a source's fields the other side knows.
#[derive(Debug)]
pub(crate) struct Encoder {
    /// The numbers of the fields that the other side has kept, the latest last.
    kept: Vec<usize>,
    size_bytes: usize,
    max_bytes: usize,
    /// The other side is yet to hear of the table's new size.
    is_resized: bool,
}

/// A field as it stands in a block, written once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Literal {
    /// To be kept by the other side.
    kept: Vec<u8>,
    /// Not to be kept.
    passing: Vec<u8>,
    size_bytes: usize,
}

/// A block of fields that the other side does not keep.
pub(crate) fn literals(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.extend(Literal::before_value(name.as_bytes()));
        Literal::value(value.as_bytes(), &mut block);
    }
    block
}

impl Default for Encoder {
    fn default() -> Encoder {
        Encoder { kept: Vec::new(), size_bytes: 0, max_bytes: DEFAULT_BYTES, is_resized: false }
    }
}

impl Encoder {
    /// The other side keeps fields of so many bytes. It forgets all that it has kept, which takes
    /// more bytes once, and never goes wrong.
    pub(crate) fn limit(&mut self, bytes: usize) {
        let bytes = bytes.min(DEFAULT_BYTES);
        if bytes != self.max_bytes {
            self.max_bytes = bytes;
            self.is_resized = true;
            self.kept.clear();
            self.size_bytes = 0;
        }
    }

    /// How many fields the other side knows; `None` while it is yet to hear of the table's size.
    pub(crate) fn known(&self) -> Option<usize> {
        (!self.is_resized).then_some(self.kept.len())
    }

    /// Begins a header block.
    pub(crate) fn begin(&mut self, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.is_resized) {
            out.push(0x20);
            number(self.max_bytes, 5, 0x20, out);
        }
    }

    /// Appends the field of that number.
    pub(crate) fn field(&mut self, field: usize, literal: &Literal, out: &mut Vec<u8>) {
        if let Some(before) = self.kept.iter().position(|kept| *kept == field) {
            return number(STATIC.len() + self.kept.len() - before, 7, 0x80, out);
        }
        if self.size_bytes + literal.size_bytes > self.max_bytes {
            return out.extend_from_slice(&literal.passing);
        }
        out.extend_from_slice(&literal.kept);
        self.kept.push(field);
        self.size_bytes += literal.size_bytes;
    }
}

impl Literal {
    pub(crate) fn new(name: &[u8], value: &[u8]) -> Literal {
        let written = |prefix_bits, pattern| {
            let mut out = begun(name, prefix_bits, pattern);
            string(value, &mut out);
            out
        };
        let size_bytes = table::size(name, value);
        Literal { kept: written(6, 0x40), passing: written(4, 0), size_bytes }
    }

    /// A field not to be kept, up to its value: [`Literal::value`] writes that.
    pub(crate) fn before_value(name: &[u8]) -> Vec<u8> {
        begun(name, 4, 0)
    }

    /// Appends a value.
    pub(crate) fn value(value: &[u8], out: &mut Vec<u8>) {
        string(value, out);
    }
}

/// The index of a field that every connection knows.
pub(crate) fn static_index(name: &[u8], value: &[u8]) -> Option<u8> {
    let at = STATIC.iter().position(|field| *field == (name, value))?;
    u8::try_from(at + 1).ok()
}

/// A literal up to its value.
fn begun(name: &[u8], prefix_bits: u32, pattern: u8) -> Vec<u8> {
    let mut out = Vec::new();
    match STATIC.iter().position(|(known, _)| *known == name) {
        Some(at) => number(at + 1, prefix_bits, pattern, &mut out),
        None => {
            out.push(pattern);
            string(name, &mut out);
        }
    }
    out
}

fn string(text: &[u8], out: &mut Vec<u8>) {
    number(text.len(), 7, 0, out);
    out.extend_from_slice(text);
}

/// RFC 7541, section 5.1.
fn number(value: usize, prefix_bits: u32, pattern: u8, out: &mut Vec<u8>) {
    let low = |value: usize| u8::try_from(value & 0xff).unwrap_or_default();
    let mask = (1 << prefix_bits) - 1;
    if value < mask {
        return out.push(pattern | low(value));
    }
    out.push(pattern | low(mask));
    let mut rest = value - mask;
    while rest >= 0x80 {
        out.push(0x80 | low(rest & 0x7f));
        rest >>= 7;
    }
    out.push(low(rest));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::http2::hpack::Decoder;

    /// RFC 7541, appendix C.1.
    #[test]
    fn numbers_of_the_rfc() {
        for (value, prefix_bits, wanted) in
            [(10, 5, &[10][..]), (1337, 5, &[31, 154, 10]), (42, 8, &[42])]
        {
            let mut out = Vec::new();
            number(value, prefix_bits, 0, &mut out);
            assert_eq!(out, wanted);
        }
    }

    /// Blocks of the fields of these numbers, as a decoder reads them; and their lengths.
    fn sent(
        encoder: &mut Encoder,
        decoder: &mut Decoder,
        fields: &[(usize, &str)],
    ) -> (String, usize) {
        let (mut out, mut text) = (Vec::new(), String::new());
        encoder.begin(&mut out);
        for (number, value) in fields {
            encoder.field(*number, &Literal::new(b"x", value.as_bytes()), &mut out);
        }
        let read = |_: &[u8], value: &[u8]| text.push_str(&String::from_utf8_lossy(value));
        decoder.decode(&out, read).unwrap();
        (text, out.len())
    }

    #[test]
    fn a_field_takes_one_byte_from_the_second_time_on() {
        let (mut encoder, mut decoder) = (Encoder::default(), Decoder::default());
        let fields = [(0, "one"), (1, "two"), (2, "three")];
        let (text, bytes) = sent(&mut encoder, &mut decoder, &fields);
        assert_eq!((text.as_str(), bytes), ("onetwothree", 3 * 4 + 11));
        assert_eq!(encoder.known(), Some(3));
        let (text, bytes) = sent(&mut encoder, &mut decoder, &[(2, "three"), (0, "one")]);
        assert_eq!((text.as_str(), bytes), ("threeone", 2));
    }

    #[test]
    fn a_smaller_table_is_told_and_kept_to() {
        let (mut encoder, mut decoder) = (Encoder::default(), Decoder::default());
        let fields = [(0, "one"), (1, "two")];
        sent(&mut encoder, &mut decoder, &fields);
        encoder.limit(40);
        assert_eq!(encoder.known(), None);
        let (text, _) = sent(&mut encoder, &mut decoder, &fields);
        assert_eq!((text.as_str(), encoder.known()), ("onetwo", Some(1)), "one has room");
        let (text, bytes) = sent(&mut encoder, &mut decoder, &fields);
        assert_eq!((text.as_str(), bytes), ("onetwo", 1 + 7));
        encoder.limit(0);
        assert_eq!(sent(&mut encoder, &mut decoder, &fields), ("onetwo".to_owned(), 2 + 14));
        encoder.limit(1 << 20);
        let (text, _) = sent(&mut encoder, &mut decoder, &fields);
        assert_eq!((text.as_str(), encoder.known()), ("onetwo", Some(2)));
    }

    #[test]
    fn known_names_are_sent_by_index() {
        assert_eq!(Literal::new(b":path", b"/a").kept, b"\x44\x02/a");
        assert_eq!(Literal::new(b":path", b"/a").passing, b"\x04\x02/a");
        assert_eq!(Literal::before_value(b"content-length"), [0x0f, 13]);
        assert_eq!(static_index(b":method", b"POST"), Some(3));
        assert_eq!(static_index(b":path", b"/a"), None);
    }
}
