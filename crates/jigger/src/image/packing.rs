//! How a stream is packed, told by its first bytes, and the unpacked bytes of it.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};

use bzip2::bufread::BzDecoder;
use flate2::bufread::GzDecoder;
use lzma_rust2::XzReader;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use schemars::JsonSchema;
use serde::Serialize;

/// The largest window that zstd itself can be asked for (`zstd --ultra --long=31`). A window takes
/// memory only as far as content fills it: `zstd -19` asks for 8 MiB, `--ultra -22` and `--long`
/// for 128 MiB.
const ZSTD_WINDOW_MAX_BYTES: u64 = 2 << 30;

/// The largest dictionary that xz can be asked for (1.5 GiB), and the decoder's own tables.
const XZ_MEMORY_MAX_KIB: u32 = 1_600 << 10;

/// The packing of a stream, told by its first bytes: those that Docker takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Packing {
    /// Not packed, as far as the first bytes tell.
    #[default]
    None,
    /// gzip, RFC 1952; one member or several.
    Gzip,
    /// Zstandard, RFC 8878; one frame or several.
    Zstd,
    /// xz, one stream or several.
    Xz,
    /// bzip2, one stream or several.
    Bzip2,
}

impl Packing {
    /// The packing of a stream that begins with `head` (10 bytes are enough).
    pub(super) fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            // A skippable frame may come first: its magic number ends in any of 16 digits.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            // The level, then the digits of pi of a block, or those of its root at the end.
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..]
            | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, 0x50, 0x90, ..] => {
                Self::Bzip2
            }
            _ => Self::None,
        }
    }

    /// The name of the program that packs so.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Xz => "xz",
            Self::Bzip2 => "bzip2",
        }
    }

    /// A reader of the unpacked bytes of `packed`.
    ///
    /// Holds one window of the packing and nothing else. Bytes that break the packing, and an end
    /// that comes too early, are errors of the reader. What follows the end and is not packed so is
    /// passed over, as gzip, bzip2 and `docker load` do, and noted in `surplus`.
    pub(super) fn unpack<'a>(
        self,
        packed: impl Read + 'a,
        surplus: &'a Cell<bool>,
    ) -> Box<dyn Read + 'a> {
        let packed = BufReader::with_capacity(1 << 16, packed);
        match self {
            Self::None => Box::new(packed),
            Self::Gzip => Box::new(Explained {
                packing: self,
                reader: Members::new(packed, 0x1f, GzDecoder::new, GzDecoder::into_inner, surplus),
            }),
            Self::Bzip2 => Box::new(Explained {
                packing: self,
                reader: Members::new(packed, b'B', BzDecoder::new, BzDecoder::into_inner, surplus),
            }),
            Self::Xz => Box::new(Explained {
                packing: self,
                reader: XzReader::new_mem_limit(packed, true, XZ_MEMORY_MAX_KIB),
            }),
            Self::Zstd => Box::new(Frames { source: packed, decoder: None, surplus }),
        }
    }
}

/// A decoder whose errors say which packing is damaged, in words of our own.
struct Explained<R> {
    packing: Packing,
    reader: R,
}

impl<R: Read> Read for Explained<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => error,
            _ if error.to_string().contains("mem_limit") => {
                invalid("its xz dictionary is larger than xz's maximum of 1.5 GiB")
            }
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::Other => {
                invalid(&format!("its {} packing is damaged", self.packing.name()))
            }
            _ => error,
        })
    }
}

/// All members of a stream of which each is packed by itself, one after the other.
struct Members<'a, R, D> {
    decoder: Option<D>,
    /// The byte that each member begins with.
    first: u8,
    open: fn(R) -> D,
    close: fn(D) -> R,
    surplus: &'a Cell<bool>,
}

impl<'a, R: BufRead, D: Read> Members<'a, R, D> {
    fn new(
        source: R,
        first: u8,
        open: fn(R) -> D,
        close: fn(D) -> R,
        surplus: &'a Cell<bool>,
    ) -> Self {
        Self { decoder: Some(open(source)), first, open, close, surplus }
    }

    /// Begins the next member, if one follows.
    fn open_next(&mut self, mut source: R) -> io::Result<()> {
        match source.fill_buf()?.first() {
            None => {}
            Some(byte) if *byte == self.first => self.decoder = Some((self.open)(source)),
            Some(_) => pass_over(&mut source, self.surplus)?,
        }
        Ok(())
    }
}

impl<R: BufRead, D: Read> Read for Members<'_, R, D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while let Some(mut decoder) = self.decoder.take() {
            let count = decoder.read(buffer)?;
            if count > 0 {
                self.decoder = Some(decoder);
                return Ok(count);
            }
            self.open_next((self.close)(decoder))?;
        }
        Ok(0)
    }
}

/// Reads to the end what is no part of the packing. Zeros are padding, as tapes have it.
fn pass_over(source: &mut impl BufRead, surplus: &Cell<bool>) -> io::Result<()> {
    loop {
        let bytes = source.fill_buf()?;
        if bytes.is_empty() {
            return Ok(());
        }
        if bytes.iter().any(|byte| *byte != 0) {
            surplus.set(true);
        }
        let count = bytes.len();
        source.consume(count);
    }
}

/// All Zstandard frames of a stream, one after the other.
///
/// ruzstd reads one frame; the format allows several and frames to skip (RFC 8878, 3.1), and
/// podman's zstd:chunked layers have both.
struct Frames<'a, R: BufRead> {
    source: R,
    /// The frame that is being read. A new decoder for each: one that is used again reserves all
    /// of the window at once, whatever the content.
    decoder: Option<FrameDecoder>,
    surplus: &'a Cell<bool>,
}

impl<R: BufRead> Frames<'_, R> {
    /// Begins the next frame that is not to be skipped; None at the end of the stream.
    fn open_frame(&mut self) -> io::Result<Option<FrameDecoder>> {
        while !self.source.fill_buf()?.is_empty() {
            let mut decoder = FrameDecoder::new();
            decoder.set_max_window_size(ZSTD_WINDOW_MAX_BYTES);
            match decoder.init(&mut self.source) {
                Ok(()) => return Ok(Some(decoder)),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => skip(&mut self.source, u64::from(length))?,
                // The stream was recognised by its first frame, so this comes after one.
                Err(FrameDecoderError::ReadFrameHeaderError(
                    ReadFrameHeaderError::BadMagicNumber(number),
                )) => {
                    if number != 0 {
                        self.surplus.set(true);
                    }
                    pass_over(&mut self.source, self.surplus)?;
                }
                Err(error) => return Err(broken(&error)),
            }
        }
        Ok(None)
    }
}

impl<R: BufRead> Read for Frames<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let mut decoder = match self.decoder.take() {
                Some(decoder) => decoder,
                None => match self.open_frame()? {
                    Some(decoder) => decoder,
                    None => return Ok(0),
                },
            };
            while decoder.can_collect() == 0 && !decoder.is_finished() {
                decoder
                    .decode_blocks(&mut self.source, BlockDecodingStrategy::UptoBlocks(1))
                    .map_err(|error| broken(&error))?;
            }
            let count = decoder.read(buffer)?;
            if count > 0 {
                self.decoder = Some(decoder);
                return Ok(count);
            }
        }
    }
}

fn skip(source: &mut impl Read, length: u64) -> io::Result<()> {
    let skipped = io::copy(&mut source.take(length), &mut io::sink())?;
    if skipped < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

fn broken(error: &FrameDecoderError) -> io::Error {
    match error {
        FrameDecoderError::WindowSizeTooBig { requested, .. } => invalid(&format!(
            "its zstd window of {requested} bytes is larger than zstd's maximum of 2 GiB"
        )),
        FrameDecoderError::DictNotProvided { .. } => {
            invalid("its zstd packing needs a dictionary, which is not in the archive")
        }
        _ if error.to_string().contains("failed to fill whole buffer") => {
            io::ErrorKind::UnexpectedEof.into()
        }
        _ => invalid("its zstd packing is damaged"),
    }
}

fn invalid(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use bzip2::write::BzEncoder;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn bzip2(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = BzEncoder::new(Vec::new(), bzip2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn xz(bytes: &[u8]) -> Vec<u8> {
        let options = lzma_rust2::XzOptions::with_preset(6);
        let mut writer = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        compress_to_vec(bytes, CompressionLevel::Fastest)
    }

    /// The unpacked bytes, and whether something followed them.
    fn unpacked_with_surplus(packed: &[u8]) -> io::Result<(Vec<u8>, bool)> {
        let mut bytes = Vec::new();
        let surplus = Cell::new(false);
        Packing::of(packed).unpack(packed, &surplus).read_to_end(&mut bytes)?;
        Ok((bytes, surplus.get()))
    }

    fn unpacked(packed: &[u8]) -> io::Result<Vec<u8>> {
        unpacked_with_surplus(packed).map(|(bytes, _)| bytes)
    }

    fn text() -> Vec<u8> {
        (0..40_000_u32).flat_map(|i| format!("{} ", i % 977).into_bytes()).collect()
    }

    #[test]
    fn each_packing_gives_the_bytes_back() {
        let text = text();
        assert_eq!(unpacked(&text).unwrap(), text);
        for pack in [gzip, bzip2, xz, zstd] {
            assert_eq!(unpacked_with_surplus(&pack(&text)).unwrap(), (text.clone(), false));
            assert_eq!(unpacked(&pack(b"")).unwrap(), b"");
        }
    }

    #[test]
    fn several_members_and_frames_are_one_stream() {
        let skippable = [&[0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
        let frames = [&skippable[..], &zstd(b"one "), &skippable, &zstd(b""), &zstd(b"two")];
        assert_eq!(unpacked(&frames.concat()).unwrap(), b"one two");
        for pack in [gzip, bzip2, xz] {
            assert_eq!(unpacked(&[pack(b"one "), pack(b"two")].concat()).unwrap(), b"one two");
        }
    }

    #[test]
    fn an_early_end_is_an_error_at_every_cut() {
        for pack in [gzip, bzip2, xz, zstd] {
            let packed = pack(b"some words to pack");
            for cut in 10..packed.len() {
                assert!(unpacked(&packed[..cut]).is_err(), "cut at {cut} of {}", packed.len());
            }
        }
        assert!(unpacked(&[0x50, 0x2a, 0x4d, 0x18, 9, 0, 0, 0, 1]).is_err());
    }

    #[test]
    fn what_follows_the_end_is_passed_over_and_noted() {
        for pack in [gzip, bzip2, zstd] {
            let followed = |by: &[u8]| [&pack(b"words"), by].concat();
            let found = unpacked_with_surplus(&followed(b"no packing")).unwrap();
            assert_eq!(found, (b"words".to_vec(), true));
            let found = unpacked_with_surplus(&followed(&[0; 700])).unwrap();
            assert_eq!(found, (b"words".to_vec(), false));
        }
    }

    #[test]
    fn damage_is_told_by_the_name_of_the_packing() {
        for (pack, name) in [(gzip as fn(&[u8]) -> Vec<u8>, "gzip"), (bzip2, "bzip2"), (xz, "xz")] {
            let mut packed = pack(&text());
            let middle = packed.len() / 2;
            packed[middle..middle + 40].fill(0xaa);
            let message = unpacked(&packed).unwrap_err().to_string();
            assert_eq!(message, format!("its {name} packing is damaged"));
        }
    }

    /// Magic number, a frame header without single segment and with this exponent of the window,
    /// then one raw block, the last, with four bytes.
    fn window(exponent: u8) -> Vec<u8> {
        let descriptor = (exponent - 10) << 3;
        [&[0x28, 0xb5, 0x2f, 0xfd, 0x00, descriptor, 0x21, 0x00, 0x00][..], b"word"].concat()
    }

    #[test]
    fn windows_are_read_up_to_the_maximum_of_zstd() {
        for exponent in [23, 25, 27, 31] {
            assert_eq!(unpacked(&window(exponent)).unwrap(), b"word", "2^{exponent}");
        }
        let message = unpacked(&window(32)).unwrap_err().to_string();
        assert!(
            message.contains("window of 4294967296 bytes is larger than zstd's maximum of 2 GiB"),
            "{message}"
        );
    }
}
