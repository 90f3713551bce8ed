//! Headers by their names, and content codings of bodies (RFC 9110, section 8.4): what a response says
//! of its own, and undoing them.

use std::borrow::Cow;
use std::io::Read;

/// A coding by which a body is shorter than what it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
    /// One that jigger cannot undo.
    Unknown,
}

/// A short body may stand for a very long one.
const DECODED_MAX_BYTES: u64 = 64 << 20;

/// The values of the headers with this name, in their order.
pub fn values_of<'a>(headers: &'a [(String, String)], name: &str) -> impl Iterator<Item = &'a str> {
    let named = headers.iter().filter(move |(found, _)| found.eq_ignore_ascii_case(name));
    named.map(|(_, value)| value.as_str())
}

impl Coding {
    /// What the headers of a response say, in the order in which it was applied.
    pub fn of(headers: &[(String, String)]) -> Vec<Self> {
        let words = values_of(headers, "content-encoding").flat_map(|value| value.split(','));
        words.filter_map(|word| Self::named(word.trim())).collect()
    }

    fn named(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            "" | "identity" => return None,
            "gzip" | "x-gzip" => Self::Gzip,
            "deflate" => Self::Deflate,
            "br" => Self::Brotli,
            "zstd" => Self::Zstd,
            _ => Self::Unknown,
        })
    }

    fn undo(self, body: &[u8]) -> Result<Vec<u8>, String> {
        let read = match self {
            Self::Gzip => read(flate2::read::MultiGzDecoder::new(body)),
            // By the RFC it is the format of zlib, and some send what is in it alone.
            Self::Deflate => read(flate2::read::ZlibDecoder::new(body))
                .or_else(|_| read(flate2::read::DeflateDecoder::new(body))),
            Self::Brotli => read(brotli_decompressor::Decompressor::new(body, 4096)),
            Self::Zstd => ruzstd::decoding::StreamingDecoder::new(body)
                .map_err(|error| error.to_string())
                .and_then(read),
            Self::Unknown => Err("jigger undoes gzip, deflate, br and zstd".to_owned()),
        };
        read.map_err(|cause| {
            format!("the body cannot be decoded as its Content-Encoding says: {cause}")
        })
    }
}

fn read(decoder: impl Read) -> Result<Vec<u8>, String> {
    let mut decoded = Vec::new();
    let mut bounded = decoder.take(DECODED_MAX_BYTES + 1);
    bounded.read_to_end(&mut decoded).map_err(|error| error.to_string())?;
    match decoded.len() as u64 > DECODED_MAX_BYTES {
        true => Err("it becomes longer than 64 MiB".to_owned()),
        false => Ok(decoded),
    }
}

/// The body that stands behind these codings.
///
/// # Errors
/// Why it cannot be known.
pub fn decoded<'a>(codings: &[Coding], body: &'a [u8]) -> Result<Cow<'a, [u8]>, String> {
    codings
        .iter()
        .rev()
        .try_fold(Cow::Borrowed(body), |body, coding| coding.undo(&body).map(Cow::Owned))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    fn of(value: &str, body: &[u8]) -> Result<Vec<u8>, String> {
        let codings = Coding::of(&[("Content-Encoding".to_owned(), value.to_owned())]);
        decoded(&codings, body).map(Cow::into_owned)
    }

    #[test]
    fn each_coding_is_undone() {
        let fast = Compression::fast();
        let mut gzip = GzEncoder::new(Vec::new(), fast);
        let mut zlib = ZlibEncoder::new(Vec::new(), fast);
        let mut raw = DeflateEncoder::new(Vec::new(), fast);
        for writer in [&mut gzip as &mut dyn Write, &mut zlib, &mut raw] {
            writer.write_all(b"pong").unwrap();
        }
        let gzip = gzip.finish().unwrap();
        // A stored metablock (RFC 7932, appendix A), and a frame with a raw block (RFC 8878).
        let brotli = [0x8b, 0x01, 0x80, b'p', b'o', b'n', b'g', 0x03];
        let zstd = [0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x04, 0x21, 0x00, 0x00, b'p', b'o', b'n', b'g'];
        for (name, body) in [
            ("gzip", &gzip[..]),
            ("X-GZIP", &gzip),
            ("deflate", &zlib.finish().unwrap()),
            ("deflate", &raw.finish().unwrap()),
            ("br", &brotli),
            ("zstd", &zstd),
            ("identity", b"pong"),
        ] {
            assert_eq!(of(name, body).as_deref(), Ok(&b"pong"[..]), "{name}");
        }
        let mut twice = GzEncoder::new(Vec::new(), fast);
        twice.write_all(&brotli).unwrap();
        assert_eq!(of("br, gzip", &twice.finish().unwrap()).unwrap(), b"pong");
    }

    #[test]
    fn what_cannot_be_undone_is_told() {
        for (name, body, wanted) in [
            ("gzip", &b"pong pong pong"[..], "as its Content-Encoding says: invalid gzip"),
            ("compress", b"pong", "jigger undoes gzip, deflate, br and zstd"),
            ("zstd", b"pong", "cannot be decoded"),
            ("br", b"pong", "cannot be decoded"),
        ] {
            let message = of(name, body).unwrap_err();
            assert!(message.contains(wanted), "{message}");
        }
        let mut long = GzEncoder::new(Vec::new(), Compression::fast());
        std::io::copy(&mut std::io::repeat(0).take(DECODED_MAX_BYTES + 1), &mut long).unwrap();
        assert!(of("gzip", &long.finish().unwrap()).unwrap_err().contains("longer than 64 MiB"));
    }
}
