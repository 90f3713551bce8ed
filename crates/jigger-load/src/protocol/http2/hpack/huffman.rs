//! HPACK's Huffman code (RFC 7541, appendix B). It is canonical, so that the lengths of its codes
//! say it all.

use super::HpackError;

/// The end of a string, which no string contains.
const END: u16 = 256;
const SYMBOLS: usize = 257;
const LENGTH_MIN: usize = 5;
const LENGTH_MAX: usize = 30;

/// The code's length in bits, by symbol.
#[rustfmt::skip]
const LENGTHS: [u8; SYMBOLS] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
    28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7,
    7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21,
    23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24,
    21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
];

static CODE: Code = Code::new();

struct Code {
    /// By length: where its first code stands among the sorted symbols, less that code.
    offsets: [i64; LENGTH_MAX + 1],
    /// By length: the first code above its own, in 30 bits.
    limits: [u32; LENGTH_MAX + 1],
    /// By length, then by value.
    sorted: [u16; SYMBOLS],
}

impl Code {
    const fn new() -> Code {
        let mut code = Code {
            offsets: [0; LENGTH_MAX + 1],
            limits: [0; LENGTH_MAX + 1],
            sorted: [0; SYMBOLS],
        };
        let (mut length, mut next, mut at) = (LENGTH_MIN, 0_u32, 0);
        while length <= LENGTH_MAX {
            code.offsets[length] = at as i64 - next as i64;
            let mut symbol = 0;
            while symbol <= END {
                if LENGTHS[symbol as usize] as usize == length {
                    code.sorted[at] = symbol;
                    at += 1;
                    next += 1;
                }
                symbol += 1;
            }
            code.limits[length] = next << (LENGTH_MAX - length);
            next <<= 1;
            length += 1;
        }
        code
    }

    /// The first symbol of these 30 bits, and its length.
    fn first(&self, bits: u32) -> (u16, usize) {
        let mut length = LENGTH_MIN;
        while length < LENGTH_MAX && bits >= self.limits[length] {
            length += 1;
        }
        let code = i64::from(bits >> (LENGTH_MAX - length));
        let at = usize::try_from(code + self.offsets[length]).unwrap_or_default();
        (self.sorted.get(at).copied().unwrap_or(END), length)
    }
}

/// Appends the decoded string to `out`.
///
/// # Errors
/// [`HpackError::Huffman`] for a string with the end's code in it, or one that is padded with other
/// than fewer than 8 ones (RFC 7541, section 5.2).
pub(super) fn decode(input: &[u8], out: &mut Vec<u8>) -> Result<(), HpackError> {
    let (mut bits, mut count) = (0_u64, 0_usize);
    let mut input = input.iter();
    loop {
        while count < LENGTH_MAX
            && let Some(byte) = input.next()
        {
            bits = bits << 8 | u64::from(*byte);
            count += 8;
        }
        let window = window(bits, count);
        let (symbol, length) = CODE.first(window);
        if length > count {
            let is_padding = count < 8 && window == (1 << LENGTH_MAX) - 1;
            return if is_padding { Ok(()) } else { Err(HpackError::Huffman) };
        }
        match u8::try_from(symbol) {
            Ok(byte) => out.push(byte),
            Err(_) => return Err(HpackError::Huffman),
        }
        count -= length;
        bits &= (1 << count) - 1;
    }
}

/// The first 30 of so many bits, with ones behind where there are fewer.
fn window(bits: u64, count: usize) -> u32 {
    let window = match count.checked_sub(LENGTH_MAX) {
        Some(more) => bits >> more,
        None => {
            let missing = LENGTH_MAX - count;
            bits << missing | ((1 << missing) - 1)
        }
    };
    u32::try_from(window & ((1 << LENGTH_MAX) - 1)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(input: &[u8]) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        decode(input, &mut out).ok().map(|()| out)
    }

    /// RFC 7541, appendices C.4 and C.6.
    #[test]
    fn the_strings_of_the_rfc() {
        for (input, wanted) in [
            (
                &[0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff][..],
                "www.example.com",
            ),
            (&[0xa8, 0xeb, 0x10, 0x64, 0x9c, 0xbf], "no-cache"),
            (&[0x25, 0xa8, 0x49, 0xe9, 0x5b, 0xa9, 0x7d, 0x7f], "custom-key"),
            (&[0x64, 0x02], "302"),
            (&[0xae, 0xc3, 0x77, 0x1a, 0x4b], "private"),
            (&[], ""),
        ] {
            assert_eq!(decoded(input).as_deref(), Some(wanted.as_bytes()));
        }
    }

    /// Every symbol alone, padded with ones; the codes by RFC 7541, appendix B.
    #[test]
    fn every_symbol_is_its_code() {
        let mut codes = Vec::new();
        for (at, symbol) in CODE.sorted.iter().enumerate() {
            let length = usize::from(LENGTHS[usize::from(*symbol)]);
            let code = u64::try_from(at as i64 - CODE.offsets[length]).unwrap();
            codes.push((*symbol, code));
            let bytes = length.div_ceil(8);
            let padded = (code << (bytes * 8 - length)) | ((1 << (bytes * 8 - length)) - 1);
            let wanted = u8::try_from(*symbol).ok().map(|byte| vec![byte]);
            assert_eq!(decoded(&padded.to_be_bytes()[8 - bytes..]), wanted, "{symbol}");
        }
        for known in [(48, 0), (0, 0x1ff8), (88, 0xfc), (255, 0x3ff_ffee), (256, 0x3fff_ffff)] {
            assert!(codes.contains(&known), "{known:?}");
        }
    }

    #[test]
    fn padding_is_fewer_than_eight_ones() {
        assert_eq!(decoded(&[0b0001_1111]).as_deref(), Some(&b"a"[..]));
        for (input, why) in [
            (&[0b0001_1110][..], "a zero in the padding"),
            (&[0b0001_1111, 0xff], "eleven ones"),
            (&[0xff], "eight ones"),
            (&[0xff, 0xff, 0xff, 0xff], "the end's code"),
            (&[0b1111_1110], "half a symbol"),
        ] {
            assert_eq!(decoded(input), None, "{why}");
        }
    }
}
