//! What one layer holds, read from its tar stream in one pass.

use std::io;
use std::io::{Read, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256, Sha512};
use tar::EntryType;

use super::digest::text;
use super::entries::{Content, Entry, for_each_entry};
use super::paths::{PATHS_MAX, PathId, PathTree, components};
use super::sparse::BLOCK_BYTES;
use super::{BigFile, Layer};
use super::{Problem, ReadError};

/// gzip's own default, and near what registries receive; the figure means the same for every image
/// because the level never changes.
const GZIP_LEVEL: u32 = 6;

const BIGGEST_COUNT: usize = 5;

/// The blocks of a record, as tar writes it unless it is told otherwise.
const RECORD_BLOCKS: usize = 20;

/// Marks a path that a layer removes from those below it (OCI image layer specification,
/// "Whiteouts").
const WHITEOUT: &[u8] = b".wh.";

/// Marks a folder of which nothing from the layers below remains.
const OPAQUE: &[u8] = b".wh..wh..opq";

/// Names of AUFS's own bookkeeping, which old archives carry and engines do not unpack.
const BOOKKEEPING: &[u8] = b".wh..wh.";

/// What one layer holds; the same for every image that has the layer.
#[derive(Default)]
pub(super) struct LayerFacts {
    /// Its sizes. What made it and what of it is wasted are the image's to say.
    pub(super) sizes: Layer,
    /// What its unpacked stream's digests are made of.
    hashes: (Sha256, Sha512),
    /// Everything that the layer adds or removes, in its order.
    pub(super) changes: Vec<PathChange>,
}

/// One thing that a layer does to one path.
pub(super) struct PathChange {
    pub(super) path: PathId,
    pub(super) change: Change,
}

pub(super) enum Change {
    /// A regular file with this much content, and the beginning of the content's digest.
    File {
        bytes: u64,
        content: u64,
    },
    /// A further name of the file at `target`.
    HardLink {
        target: PathId,
    },
    Folder,
    /// A symbolic link, a device, a pipe.
    Other,
    /// Whatever the layers below have here is removed.
    Removed,
    /// Whatever the layers below have inside this folder is removed.
    Emptied,
}

impl LayerFacts {
    /// Reads the unpacked tar stream of a layer to its end. A stream of no bytes is a layer without
    /// files, as it is to Docker.
    ///
    /// Nothing of it is written anywhere and no link is followed: paths are only counted.
    pub(super) fn read(stream: impl Read, paths: &mut PathTree) -> Result<Self, ReadError> {
        let mut meter = Meter::new(stream);
        let mut facts = Self::default();
        for_each_entry(&mut meter, |entry, content| facts.add(entry, content, paths))?;
        // The digest covers what follows the end mark as well.
        io::copy(&mut meter, &mut io::sink())?;
        let packed = meter.gzip.finish()?;
        facts.sizes.digest = text("sha256", &meter.hashes.0.clone().finalize());
        facts.hashes = meter.hashes;
        (facts.sizes.tar_bytes, facts.sizes.transfer_bytes) = (meter.bytes, packed.0);
        Ok(facts)
    }

    /// How many blocks of zeros its unpacked stream lacks at its end to have that digest; None when
    /// it is another stream, or the algorithm is neither SHA-256 nor SHA-512.
    ///
    /// Tar fills its last record with zeros, of which podman's zstd:chunked leaves some out; engines
    /// take such layers.
    pub(super) fn blocks_short_of(&self, digest: &str) -> Option<usize> {
        let digest = digest.to_ascii_lowercase();
        let (mut sha256, mut sha512) = self.hashes.clone();
        for blocks in 0..=RECORD_BLOCKS {
            let found = match digest.split_once(':')?.0 {
                "sha256" => text("sha256", &sha256.clone().finalize()),
                "sha512" => text("sha512", &sha512.clone().finalize()),
                _ => return None,
            };
            if found == digest {
                return Some(blocks);
            }
            sha256.update([0; BLOCK_BYTES]);
            sha512.update([0; BLOCK_BYTES]);
        }
        None
    }

    fn add<R: Read>(
        &mut self,
        entry: &Entry,
        content: &mut Content<'_, R>,
        paths: &mut PathTree,
    ) -> Result<(), ReadError> {
        // Also of a path that comes again and again.
        if self.changes.len() >= PATHS_MAX {
            return Err(Problem::TooManyPaths.into());
        }
        let names = components(&entry.path);
        let name = names.last().copied().unwrap_or_default();
        if name.starts_with(WHITEOUT) {
            return Ok(self.add_whiteout(&entry.path, name, paths)?);
        }
        let change = match entry.kind {
            // Before POSIX, a folder was a file whose name ends in a slash.
            EntryType::Regular if entry.path.ends_with(b"/") => Change::Folder,
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                self.add_file(entry, content)?
            }
            EntryType::Link => Change::HardLink { target: paths.insert(&entry.target)? },
            EntryType::Directory => Change::Folder,
            EntryType::XGlobalHeader => return Ok(()),
            EntryType::Symlink => {
                let sizes = &mut self.sizes;
                sizes.symlink_bytes = sizes.symlink_bytes.saturating_add(entry.target.len() as u64);
                Change::Other
            }
            _ => Change::Other,
        };
        self.changes.push(PathChange { path: paths.insert(&entry.path)?, change });
        Ok(())
    }

    fn add_file<R: Read>(
        &mut self,
        entry: &Entry,
        content: &mut Content<'_, R>,
    ) -> io::Result<Change> {
        let bytes = entry.bytes;
        self.sizes.files += 1;
        self.sizes.unpacked_bytes = self.sizes.unpacked_bytes.saturating_add(bytes);
        self.note_size(&entry.path, bytes);
        // Holes are left out: a file may claim more of them than can be read in a lifetime.
        let mut hashed = Hashed(Sha256::new());
        content.copy_stored(&mut hashed)?;
        let digest = hashed.0.finalize();
        let beginning = digest.iter().take(8).fold(0, |all, it| all << 8 | u64::from(*it));
        Ok(Change::File { bytes, content: beginning })
    }

    fn add_whiteout(
        &mut self,
        path: &[u8],
        name: &[u8],
        paths: &mut PathTree,
    ) -> Result<(), Problem> {
        if name != OPAQUE && name.starts_with(BOOKKEEPING) {
            return Ok(());
        }
        let marker = paths.insert(path)?;
        let folder = paths.parent(marker);
        let change = if name == OPAQUE {
            PathChange { path: folder, change: Change::Emptied }
        } else {
            let removed = paths.child(folder, &name[WHITEOUT.len()..])?;
            PathChange { path: removed, change: Change::Removed }
        };
        self.changes.push(change);
        Ok(())
    }

    /// Keeps the biggest files, equal ones in the order of the stream.
    fn note_size(&mut self, path: &[u8], bytes: u64) {
        let biggest = &mut self.sizes.biggest;
        let place = biggest.partition_point(|file| file.bytes >= bytes);
        if bytes == 0 || place >= BIGGEST_COUNT {
            return;
        }
        let path = String::from_utf8_lossy(&components(path).join(&b'/')).into_owned();
        biggest.insert(place, BigFile { path, bytes });
        biggest.truncate(BIGGEST_COUNT);
    }
}

/// Passes a stream on while it takes its digests, its length and its length after gzip.
struct Meter<R> {
    stream: R,
    hashes: (Sha256, Sha512),
    bytes: u64,
    gzip: GzEncoder<ByteCount>,
}

impl<R: Read> Meter<R> {
    fn new(stream: R) -> Self {
        let gzip = GzEncoder::new(ByteCount(0), Compression::new(GZIP_LEVEL));
        Self { stream, hashes: Default::default(), bytes: 0, gzip }
    }
}

impl<R: Read> Read for Meter<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(buffer)?;
        self.hashes.0.update(&buffer[..count]);
        self.hashes.1.update(&buffer[..count]);
        self.gzip.write_all(&buffer[..count])?;
        self.bytes += count as u64;
        Ok(count)
    }
}

/// A writer that keeps a digest alone.
struct Hashed(Sha256);

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A writer that counts what it is given and keeps nothing.
struct ByteCount(u64);

impl Write for ByteCount {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Transfer bytes are compared between runs and machines, so they may change with a release
    /// that says so, and not because a dependency chose another gzip for everyone.
    #[test]
    fn the_same_gzip_is_used_for_ever() {
        let text: String = (0..20_000_u32).map(|i| format!("{} ", i.pow(2) % 9_973)).collect();
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        let mut builder = tar::Builder::new(Vec::new());
        builder.append_data(&mut header, "text", text.as_bytes()).unwrap();
        let stream = builder.into_inner().unwrap();
        let facts = LayerFacts::read(&stream[..], &mut PathTree::new()).unwrap();
        let sizes = facts.sizes;
        assert_eq!(sizes.unpacked_bytes, text.len() as u64);
        assert_eq!((sizes.tar_bytes, sizes.transfer_bytes), (stream.len() as u64, 44_095));
    }
}
