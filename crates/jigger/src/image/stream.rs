//! Streams of bytes that others wrote: unpacked, and as the entries of a tar, each within a bound on
//! the memory that it may take.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use tar::{Archive, Entry};

/// zstd's own recommendation for decoders is 8 MB (RFC 8878, 3.1.1.1.2); twice that is lenient and
/// still far from the 64 MB that a measurement may take.
const ZSTD_WINDOW_MAX_BYTES: u64 = 16 << 20;

/// The packing of a stream, told by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    /// Not packed, as far as the first bytes tell.
    Plain,
    /// gzip, RFC 1952; one member or several.
    Gzip,
    /// Zstandard, RFC 8878; one frame or several.
    Zstd,
}

impl Packing {
    /// The packing of a stream that begins with `head` (4 bytes are enough).
    pub(super) fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            // A skippable frame may come first: its magic number ends in any of 16 digits.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ => Self::Plain,
        }
    }

    /// A reader of the unpacked bytes of `packed`.
    ///
    /// Holds one window of the packing and nothing else. Bytes that break the packing, and an end
    /// that comes too early, are errors of the reader.
    pub(super) fn unpack<'a>(self, packed: impl Read + 'a) -> Box<dyn Read + 'a> {
        match self {
            Self::Plain => Box::new(packed),
            Self::Gzip => Box::new(MultiGzDecoder::new(BufReader::with_capacity(1 << 16, packed))),
            Self::Zstd => Box::new(Frames::new(BufReader::with_capacity(1 << 16, packed))),
        }
    }
}

/// All Zstandard frames of a stream, one after the other.
///
/// ruzstd reads one frame; the format allows several and frames to skip (RFC 8878, 3.1), and
/// podman's zstd:chunked layers have both.
struct Frames<R: BufRead> {
    source: R,
    decoder: FrameDecoder,
    in_frame: bool,
}

impl<R: BufRead> Frames<R> {
    fn new(source: R) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(ZSTD_WINDOW_MAX_BYTES);
        Self { source, decoder, in_frame: false }
    }

    /// Begins the next frame that is not to be skipped; false at the end of the stream.
    fn open_frame(&mut self) -> io::Result<bool> {
        while !self.source.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.source) {
                Ok(()) => {
                    self.in_frame = true;
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => skip(&mut self.source, u64::from(length))?,
                Err(error) => return Err(broken(error)),
            }
        }
        Ok(false)
    }
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if !self.in_frame && !self.open_frame()? {
                return Ok(0);
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                self.decoder
                    .decode_blocks(&mut self.source, BlockDecodingStrategy::UptoBlocks(1))
                    .map_err(broken)?;
            }
            let count = self.decoder.read(buffer)?;
            if count > 0 {
                return Ok(count);
            }
            self.in_frame = false;
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

fn broken(error: FrameDecoderError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// What one entry's header blocks may take, long names and extended attributes included.
///
/// The tar library reads them into memory whole, however long they claim to be. Linux allows a
/// path of 4 KiB and an extended attribute of 64 KiB, of which a file has a few.
const HEADERS_MAX_BYTES: u64 = 1 << 20;

const BLOCK_BYTES: u64 = 512;

/// A reader that gives no more bytes than it is allowed at the time.
pub(super) struct Allowed<R> {
    source: R,
    allowance: Rc<Cell<u64>>,
}

impl<R: Read> Read for Allowed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        let left = self.allowance.get().checked_sub(count as u64);
        self.allowance.set(left.ok_or_else(headers_too_long)?);
        Ok(count)
    }
}

/// Calls `visit` with each entry of the tar stream, in order.
///
/// Stops at the end mark of the archive, or where the stream ends between two entries; what
/// follows the mark is left in `source`. An entry that is not read is passed over, not held.
///
/// # Errors
/// What `visit` answers; bytes that are no tar header; a stream that ends within an entry.
pub(super) fn for_each_entry<R, E>(
    source: R,
    mut visit: impl FnMut(&mut Entry<'_, Allowed<R>>) -> Result<(), E>,
) -> Result<(), E>
where
    R: Read,
    E: From<io::Error>,
{
    let allowance = Rc::new(Cell::new(HEADERS_MAX_BYTES));
    let mut archive = Archive::new(Allowed { source, allowance: Rc::clone(&allowance) });
    for entry in archive.entries()? {
        let mut entry = entry?;
        allowance.set(stored_bytes(&entry)?.saturating_add(BLOCK_BYTES + HEADERS_MAX_BYTES));
        visit(&mut entry)?;
    }
    Ok(())
}

/// The bytes that the entry's content takes in the stream: less than its size when it is sparse.
fn stored_bytes<R: Read>(entry: &Entry<'_, R>) -> io::Result<u64> {
    if entry.header().entry_type().is_gnu_sparse() {
        // The library reads the blocks that continue a sparse map after the header.
        return entry.header().entry_size();
    }
    Ok(entry.size())
}

fn headers_too_long() -> io::Error {
    let message = format!("an entry's header is longer than {HEADERS_MAX_BYTES} bytes");
    io::Error::new(io::ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};
    use tar::{Builder, EntryType, Header};

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        compress_to_vec(bytes, CompressionLevel::Fastest)
    }

    fn unpacked(packed: &[u8]) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        Packing::of(packed).unpack(packed).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn text() -> Vec<u8> {
        (0..40_000_u32).flat_map(|i| format!("{} ", i % 977).into_bytes()).collect()
    }

    #[test]
    fn each_packing_gives_the_bytes_back() {
        let text = text();
        assert_eq!(unpacked(&text).unwrap(), text);
        assert_eq!(unpacked(&gzip(&text)).unwrap(), text);
        assert_eq!(unpacked(&zstd(&text)).unwrap(), text);
    }

    #[test]
    fn several_members_and_frames_are_one_stream() {
        let skippable = [&[0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
        let frames = [&skippable[..], &zstd(b"one "), &skippable, &zstd(b""), &zstd(b"two")];
        assert_eq!(unpacked(&frames.concat()).unwrap(), b"one two");
        assert_eq!(unpacked(&[gzip(b"one "), gzip(b"two")].concat()).unwrap(), b"one two");
    }

    #[test]
    fn an_early_end_is_an_error_at_every_cut() {
        for packed in [gzip(b"some words to pack"), zstd(b"some words to pack")] {
            for cut in 4..packed.len() {
                assert!(unpacked(&packed[..cut]).is_err(), "cut at {cut} of {}", packed.len());
            }
        }
        assert!(unpacked(&[0x50, 0x2a, 0x4d, 0x18, 9, 0, 0, 0, 1]).is_err());
    }

    #[test]
    fn a_window_beyond_the_memory_bound_is_refused() {
        // Magic number, a frame header without single segment, a window of 2^27 bytes.
        let huge = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 17 << 3, 0x01, 0x00, 0x00];
        assert!(unpacked(&huge).unwrap_err().to_string().contains("window"));
    }

    fn add(builder: &mut Builder<Vec<u8>>, kind: EntryType, path: &str, content: &[u8]) {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, path, content).unwrap();
    }

    fn paths(archive: &[u8]) -> io::Result<Vec<String>> {
        let mut paths = Vec::new();
        for_each_entry(archive, |entry| {
            paths.push(String::from_utf8_lossy(&entry.path_bytes()).into_owned());
            Ok::<(), io::Error>(())
        })?;
        Ok(paths)
    }

    #[test]
    fn content_and_long_names_of_usual_length_pass() {
        let long = format!("{}/end", "d".repeat(90)).repeat(40);
        let mut builder = Builder::new(Vec::new());
        add(&mut builder, EntryType::Regular, "big", &vec![7; 3 << 20]);
        add(&mut builder, EntryType::Regular, &long, b"x");
        assert_eq!(paths(&builder.into_inner().unwrap()).unwrap(), ["big".to_owned(), long]);
    }

    #[test]
    fn a_header_that_would_fill_the_memory_is_refused() {
        for kind in [EntryType::GNULongName, EntryType::GNULongLink, EntryType::XHeader] {
            let mut builder = Builder::new(Vec::new());
            add(&mut builder, EntryType::Regular, "first", b"1");
            add(&mut builder, kind, "././@LongLink", &vec![b'a'; 2 << 20]);
            add(&mut builder, EntryType::Regular, "second", b"2");
            let error = paths(&builder.into_inner().unwrap()).unwrap_err();
            assert!(error.to_string().contains("header is longer"), "{kind:?}: {error}");
        }
    }
}
