//! The maps of sparse files: which parts of a file are in the stream, in each of the four forms that
//! GNU tar writes (its manual, "Storing Sparse Files").

use std::io;

use tar::{GnuExtSparseHeader, GnuHeader, GnuSparseHeader};

pub(super) const BLOCK_BYTES: usize = 512;

/// A part of a file that the stream has.
#[derive(Clone, Copy)]
pub(super) struct Piece {
    pub(super) offset: u64,
    pub(super) length: u64,
}

/// A file of which only parts are in the stream, one after the other; the rest are zeros.
pub(super) struct Sparse {
    /// The size of the whole file.
    pub(super) bytes: u64,
    pub(super) pieces: Vec<Piece>,
}

impl Sparse {
    /// The old form: some pieces in the header, the rest in blocks after it.
    pub(super) fn of_gnu_header(
        bytes: u64,
        header: &GnuHeader,
        mut next_block: impl FnMut() -> io::Result<[u8; BLOCK_BYTES]>,
    ) -> io::Result<Self> {
        let mut pieces = Vec::new();
        add_all(&mut pieces, &header.sparse)?;
        let mut more = header.is_extended();
        while more {
            let mut block = GnuExtSparseHeader::new();
            block.as_mut_bytes().copy_from_slice(&next_block()?);
            add_all(&mut pieces, block.sparse())?;
            more = block.is_extended();
        }
        Self::checked(bytes, pieces)
    }

    /// Versions 0.0 and 0.1: offsets and lengths in turn, from pax records.
    pub(super) fn of_numbers(bytes: u64, numbers: &[u64]) -> io::Result<Self> {
        if !numbers.len().is_multiple_of(2) {
            return Err(wrong());
        }
        let pieces = numbers.chunks_exact(2).map(|two| Piece { offset: two[0], length: two[1] });
        Self::checked(bytes, pieces.collect())
    }

    /// Version 1.0: the map is text in whole blocks before the content, its count first.
    pub(super) fn of_content(
        bytes: u64,
        mut next_block: impl FnMut() -> io::Result<[u8; BLOCK_BYTES]>,
    ) -> io::Result<Self> {
        let (mut lines, mut line, mut wanted) = (Vec::new(), Vec::new(), None);
        while wanted.is_none_or(|wanted| lines.len() < wanted) {
            for byte in next_block()? {
                if byte != b'\n' {
                    line.push(byte);
                } else if wanted.is_none_or(|wanted| lines.len() < wanted) {
                    let found = number(&line)?;
                    line.clear();
                    match wanted {
                        Some(_) => lines.push(found),
                        None => wanted = Some(doubled(found)?),
                    }
                }
            }
        }
        Self::of_numbers(bytes, &lines)
    }

    /// How many bytes the stream has of it.
    pub(super) fn stored_bytes(&self) -> u64 {
        self.pieces.iter().fold(0, |sum, piece| sum.saturating_add(piece.length))
    }

    fn checked(bytes: u64, pieces: Vec<Piece>) -> io::Result<Self> {
        let mut at = 0;
        for piece in &pieces {
            let end = piece.offset.checked_add(piece.length).filter(|end| *end <= bytes);
            if piece.offset < at {
                return Err(wrong());
            }
            at = end.ok_or_else(wrong)?;
        }
        Ok(Self { bytes, pieces })
    }
}

fn doubled(count: u64) -> io::Result<usize> {
    usize::try_from(count).ok().and_then(|count| count.checked_mul(2)).ok_or_else(wrong)
}

fn add_all(pieces: &mut Vec<Piece>, headers: &[GnuSparseHeader]) -> io::Result<()> {
    for header in headers.iter().filter(|header| !header.is_empty()) {
        let offset = header.offset().map_err(|_| wrong())?;
        let length = header.length().map_err(|_| wrong())?;
        pieces.push(Piece { offset, length });
    }
    Ok(())
}

/// A decimal number, as maps and pax records have it.
pub(super) fn number(text: &[u8]) -> io::Result<u64> {
    let number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    number.ok_or_else(|| invalid("bytes that are not a tar header"))
}

pub(super) fn invalid(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

fn wrong() -> io::Error {
    invalid("a sparse file's map is wrong")
}
