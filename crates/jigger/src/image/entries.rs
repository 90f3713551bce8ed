//! The entries of a tar stream, read as Docker and GNU tar read them.
//!
//! The tar library's header fields and pax records are used; its own iteration is not, since it
//! takes a size in the header of a folder or a link for content that follows, knows no sparse files
//! in pax form, and reads headers into memory however long they claim to be.

use std::io::{self, Read, Write};

use tar::{EntryType, Header, PaxExtensions};

use super::sparse::{BLOCK_BYTES, Piece, Sparse, invalid, number};

/// What one entry's header blocks may take, long names and extended attributes included. Linux
/// allows a path of 4 KiB and an extended attribute of 64 KiB, of which a file has a few.
const HEADERS_MAX_BYTES: u64 = 1 << 20;

/// One entry: what its headers say together.
pub(super) struct Entry {
    pub(super) kind: EntryType,
    pub(super) path: Vec<u8>,
    /// The target of a link.
    pub(super) target: Vec<u8>,
    /// The size of the file once it is unpacked, holes included.
    pub(super) bytes: u64,
    /// The bytes of its content in the stream.
    stored_bytes: u64,
    /// Where they belong, if it is sparse.
    sparse: Option<Sparse>,
}

/// Calls `visit` with each entry of the tar stream and its content, in order.
///
/// Stops at the end mark of the archive, or where the stream ends between two entries; what
/// follows the mark is left in `source`. Content that is not read is passed over, not held.
///
/// # Errors
/// What `visit` returns; bytes that are not a tar header; a stream that ends within an entry.
pub(super) fn for_each_entry<R, E>(
    mut source: R,
    mut visit: impl FnMut(&Entry, &mut Content<'_, R>) -> Result<(), E>,
) -> Result<(), E>
where
    R: Read,
    E: From<io::Error>,
{
    while let Some(entry) = next_entry(&mut source)? {
        let mut content = Content::of(&entry, &mut source);
        visit(&entry, &mut content)?;
        content.pass_over()?;
    }
    Ok(())
}

/// The header block at the beginning of `block` is one: its checksum is right.
pub(super) fn is_header(block: &[u8]) -> bool {
    block.len() >= BLOCK_BYTES && {
        let header = Header::from_byte_slice(&block[..BLOCK_BYTES]);
        let sum = |byte: fn(u8) -> i64| -> i64 {
            let bytes = header.as_bytes().iter().enumerate();
            // The checksum's own eight bytes count as blanks.
            bytes.map(|(at, it)| if (148..156).contains(&at) { 32 } else { byte(*it) }).sum()
        };
        // Some old programs added up signed bytes.
        let signed: fn(u8) -> i64 = |byte| i64::from(byte.cast_signed());
        let sums = [sum(i64::from), sum(signed)];
        header.cksum().is_ok_and(|found| sums.contains(&i64::from(found)))
    }
}

fn next_entry(source: &mut impl Read) -> io::Result<Option<Entry>> {
    let mut before = Before { left_bytes: HEADERS_MAX_BYTES, ..Before::default() };
    while let Some(header) = next_header(source)? {
        let mut text = || before.read_content(&header, source);
        match header.entry_type() {
            EntryType::GNULongName => before.path = Some(until_nul(text()?)),
            EntryType::GNULongLink => before.target = Some(until_nul(text()?)),
            EntryType::XHeader => {
                let records = text()?;
                before.add_records(&records)?;
            }
            _ => return before.entry(&header, source).map(Some),
        }
    }
    Ok(None)
}

/// The next header block; None at the end mark or where the stream ends.
fn next_header(source: &mut impl Read) -> io::Result<Option<Header>> {
    let mut block = Vec::with_capacity(BLOCK_BYTES);
    source.take(BLOCK_BYTES as u64).read_to_end(&mut block)?;
    if block.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    if block.len() < BLOCK_BYTES {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if !is_header(&block) {
        return Err(no_header());
    }
    Ok(Some(Header::from_byte_slice(&block).clone()))
}

/// What the headers before an entry's own one say of it.
#[derive(Default)]
struct Before {
    left_bytes: u64,
    path: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
    bytes: Option<u64>,
    sparse: SparseRecords,
}

/// A sparse file's pax records, of whichever version (GNU tar's manual, "Sparse Formats").
#[derive(Default)]
struct SparseRecords {
    name: Option<Vec<u8>>,
    bytes: Option<u64>,
    /// Version 1.0: the map stands before the content.
    before_content: bool,
    /// Versions 0.0 and 0.1: offsets and lengths in turn.
    map: Option<Vec<u64>>,
}

impl Before {
    /// All of a header's content, within what headers may take.
    fn read_content(&mut self, header: &Header, source: &mut impl Read) -> io::Result<Vec<u8>> {
        let bytes = header.entry_size().map_err(|_| no_header())?;
        self.take(bytes)?;
        let mut content = Vec::new();
        source.take(bytes).read_to_end(&mut content)?;
        if (content.len() as u64) < bytes {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        skip(source, padding(bytes))?;
        Ok(content)
    }

    fn take(&mut self, bytes: u64) -> io::Result<()> {
        self.left_bytes = self.left_bytes.checked_sub(bytes).ok_or_else(headers_too_long)?;
        Ok(())
    }

    fn add_records(&mut self, records: &[u8]) -> io::Result<()> {
        for record in PaxExtensions::new(records) {
            let record = record.map_err(|_| no_header())?;
            let text = || record.value_bytes().to_vec();
            match record.key_bytes() {
                b"path" => self.path = Some(text()),
                b"linkpath" => self.target = Some(text()),
                b"size" => self.bytes = Some(number(record.value_bytes())?),
                key => {
                    if let Some(key) = key.strip_prefix(b"GNU.sparse.") {
                        self.sparse.add(key, record.value_bytes())?;
                    }
                }
            }
        }
        Ok(())
    }

    fn entry(mut self, header: &Header, source: &mut impl Read) -> io::Result<Entry> {
        let kind = header.entry_type();
        let bytes = match self.bytes {
            // Docker (Go's archive/tar) and GNU tar take no content for these, whatever they say.
            _ if has_no_content(kind) => 0,
            Some(bytes) => bytes,
            None => header.entry_size().map_err(|_| no_header())?,
        };
        let mut stored_bytes = bytes;
        let sparse = match (kind, self.sparse.bytes) {
            (EntryType::GNUSparse, _) => Some(self.old_sparse(header, source)?),
            (EntryType::Regular | EntryType::Continuous, Some(real)) => {
                self.pax_sparse(real, &mut stored_bytes, source)?
            }
            _ => None,
        };
        if sparse.as_ref().is_some_and(|sparse| sparse.stored_bytes() > stored_bytes) {
            return Err(invalid("a sparse file's map names more bytes than it has"));
        }
        let path = self.sparse.name.or(self.path).unwrap_or_else(|| header.path_bytes().to_vec());
        let named = || header.link_name_bytes().unwrap_or_default().into_owned();
        Ok(Entry {
            kind,
            path,
            target: self.target.unwrap_or_else(named),
            bytes: sparse.as_ref().map_or(bytes, |sparse| sparse.bytes),
            stored_bytes,
            sparse,
        })
    }

    fn old_sparse(&mut self, header: &Header, source: &mut impl Read) -> io::Result<Sparse> {
        let header = header.as_gnu().ok_or_else(no_header)?;
        let bytes = header.real_size().map_err(|_| no_header())?;
        Sparse::of_gnu_header(bytes, header, || {
            self.take(BLOCK_BYTES as u64)?;
            let mut block = [0; BLOCK_BYTES];
            source.read_exact(&mut block)?;
            Ok(block)
        })
    }

    /// A sparse file in pax form; none when the records give no map.
    fn pax_sparse(
        &mut self,
        bytes: u64,
        stored_bytes: &mut u64,
        source: &mut impl Read,
    ) -> io::Result<Option<Sparse>> {
        if let Some(map) = self.sparse.map.take() {
            return Sparse::of_numbers(bytes, &map).map(Some);
        }
        if !self.sparse.before_content {
            return Ok(None);
        }
        let sparse = Sparse::of_content(bytes, || {
            self.take(BLOCK_BYTES as u64)?;
            *stored_bytes = stored_bytes
                .checked_sub(BLOCK_BYTES as u64)
                .ok_or_else(|| invalid("a sparse file's map is longer than its content"))?;
            let mut block = [0; BLOCK_BYTES];
            source.read_exact(&mut block)?;
            Ok(block)
        });
        sparse.map(Some)
    }
}

impl SparseRecords {
    fn add(&mut self, key: &[u8], value: &[u8]) -> io::Result<()> {
        match key {
            b"name" => self.name = Some(value.to_vec()),
            b"size" | b"realsize" => self.bytes = Some(number(value)?),
            b"major" => self.before_content = value == b"1",
            b"offset" | b"numbytes" => {
                self.map.get_or_insert_default().push(number(value)?);
            }
            b"map" => {
                let numbers = value.split(|byte| *byte == b',').filter(|text| !text.is_empty());
                self.map = Some(numbers.map(number).collect::<io::Result<_>>()?);
            }
            _ => {}
        }
        Ok(())
    }
}

/// An entry's content as it is read: the file's bytes, with zeros where a sparse file has holes.
pub(super) struct Content<'a, R> {
    source: &'a mut R,
    stored_left: u64,
    padding: u64,
    at: u64,
    bytes: u64,
    pieces: std::vec::IntoIter<Piece>,
    piece: Option<Piece>,
}

impl<'a, R: Read> Content<'a, R> {
    fn of(entry: &Entry, source: &'a mut R) -> Self {
        let whole = || vec![Piece { offset: 0, length: entry.stored_bytes }];
        let pieces = entry.sparse.as_ref().map_or_else(whole, |sparse| sparse.pieces.clone());
        let mut pieces = pieces.into_iter();
        Self {
            source,
            stored_left: entry.stored_bytes,
            padding: padding(entry.stored_bytes),
            at: 0,
            bytes: entry.bytes,
            piece: pieces.next(),
            pieces,
        }
    }

    /// How much of the file is not in the stream.
    pub(super) fn hole_bytes(&self) -> u64 {
        self.bytes.saturating_sub(self.stored_left)
    }

    /// Copies what the stream has of the content, without the zeros of holes.
    pub(super) fn copy_stored(&mut self, to: &mut impl Write) -> io::Result<()> {
        let copied = io::copy(&mut (&mut self.source).take(self.stored_left), to)?;
        self.stored_left -= copied;
        self.at = self.bytes;
        if self.stored_left > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    fn pass_over(mut self) -> io::Result<()> {
        self.copy_stored(&mut io::sink())?;
        // An archive may end without the padding of its last entry.
        io::copy(&mut self.source.take(self.padding), &mut io::sink())?;
        Ok(())
    }

    fn read_piece(&mut self, piece: Piece, buffer: &mut [u8]) -> io::Result<usize> {
        let left = piece.offset + piece.length - self.at;
        let most = shorter(buffer.len(), left.min(self.stored_left));
        let count = self.source.read(&mut buffer[..most])?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.stored_left -= count as u64;
        Ok(count)
    }
}

impl<R: Read> Read for Content<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_some_and(|piece| piece.offset + piece.length <= self.at) {
            self.piece = self.pieces.next();
        }
        let hole_end = self.piece.map_or(self.bytes, |piece| piece.offset);
        let count = match self.piece {
            _ if buffer.is_empty() => 0,
            Some(piece) if self.at >= piece.offset => self.read_piece(piece, buffer)?,
            _ => {
                let count = shorter(buffer.len(), hole_end.saturating_sub(self.at));
                buffer[..count].fill(0);
                count
            }
        };
        self.at += count as u64;
        Ok(count)
    }
}

/// The kinds that are a header and nothing else (POSIX.1-2024, ustar: no data follows).
fn has_no_content(kind: EntryType) -> bool {
    kind.is_hard_link()
        || kind.is_symlink()
        || kind.is_dir()
        || kind.is_character_special()
        || kind.is_block_special()
        || kind.is_fifo()
}

fn shorter(length: usize, left: u64) -> usize {
    usize::try_from(left).map_or(length, |left| left.min(length))
}

fn padding(bytes: u64) -> u64 {
    bytes.next_multiple_of(BLOCK_BYTES as u64).saturating_sub(bytes)
}

fn skip(source: &mut impl Read, bytes: u64) -> io::Result<()> {
    if io::copy(&mut source.take(bytes), &mut io::sink())? < bytes {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

fn until_nul(mut text: Vec<u8>) -> Vec<u8> {
    let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
    text.truncate(end);
    text
}

fn no_header() -> io::Error {
    invalid("bytes that are not a tar header")
}

fn headers_too_long() -> io::Error {
    invalid(&format!("an entry's header is longer than {HEADERS_MAX_BYTES} bytes"))
}
