//! What one layer holds, read from its tar stream in one pass.

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;
use sha2::{Digest, Sha256};
use tar::EntryType;

use super::entries::for_each_entry;
use super::paths::{PATHS_MAX, PathId, PathTree, TooManyPaths, components};

/// gzip's own default, and near what registries receive; the figure means the same for every image
/// because the level never changes.
const GZIP_LEVEL: u32 = 6;

/// How many of its biggest files a layer names.
const BIGGEST_COUNT: usize = 5;

/// Marks a path that a layer removes from those below it (OCI image layer specification,
/// "Whiteouts").
const WHITEOUT: &[u8] = b".wh.";

/// Marks a folder of which nothing from the layers below remains.
const OPAQUE: &[u8] = b".wh..wh..opq";

/// Names of AUFS's own bookkeeping, which old archives carry and engines do not unpack.
const BOOKKEEPING: &[u8] = b".wh..wh.";

/// A file of a layer, and its size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BigFile {
    /// Its path in the image, without a leading `/`; bytes that are not UTF-8 are replaced.
    pub path: String,
    /// The length of its content.
    pub bytes: u64,
}

/// What one layer holds; the same for every image that has the layer.
pub(super) struct LayerFacts {
    /// The digest of the unpacked tar stream (the "diff id"): `sha256:` and 64 hexadecimal digits.
    pub(super) digest: String,
    /// The length of the unpacked tar stream.
    pub(super) tar_bytes: u64,
    /// The length of the tar stream after gzip.
    pub(super) transfer_bytes: u64,
    /// The content of the regular files.
    pub(super) unpacked_bytes: u64,
    /// The targets of the symbolic links.
    pub(super) symlink_bytes: u64,
    /// How many regular files; a further hard link to one is not counted.
    pub(super) files: u64,
    /// The biggest files, biggest first.
    pub(super) biggest: Vec<BigFile>,
    /// Everything that the layer adds or removes, in its order.
    pub(super) entries: Vec<Entry>,
}

/// One thing that a layer does to one path.
pub(super) struct Entry {
    pub(super) path: PathId,
    pub(super) change: Change,
}

/// What a layer does to a path.
pub(super) enum Change {
    /// A regular file with this much content.
    File { bytes: u64 },
    /// A further name of the file at `target`.
    HardLink { target: PathId },
    /// A folder.
    Folder,
    /// A symbolic link, a device, a pipe.
    Other,
    /// Whatever the layers below have here is removed.
    Removed,
    /// Whatever the layers below have inside this folder is removed.
    Emptied,
}

/// Why a layer could not be read.
#[derive(Debug)]
pub(super) enum LayerError {
    /// The bytes could not be had, or are no tar stream.
    Unreadable(io::Error),
    /// It names more paths than are held.
    TooManyPaths,
}

impl From<io::Error> for LayerError {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error)
    }
}

impl From<TooManyPaths> for LayerError {
    fn from(_: TooManyPaths) -> Self {
        Self::TooManyPaths
    }
}

impl LayerFacts {
    /// Reads the unpacked tar stream of a layer to its end.
    ///
    /// Nothing of it is written anywhere and no link is followed: paths are only counted.
    pub(super) fn read(stream: impl Read, paths: &mut PathTree) -> Result<Self, LayerError> {
        let mut meter = Meter::new(stream);
        let mut tally = Tally::default();
        for_each_entry(&mut meter, |entry| {
            let path = entry.path_bytes().into_owned();
            let target = entry.link_name_bytes().map(|target| target.into_owned());
            let kind = entry.header().entry_type();
            tally.add(kind, &path, &target.unwrap_or_default(), entry.size(), paths)
        })?;
        // The digest covers what follows the end mark as well.
        io::copy(&mut meter, &mut io::sink())?;
        let (digest, tar_bytes, transfer_bytes) = meter.finish()?;
        Ok(Self {
            digest,
            tar_bytes,
            transfer_bytes,
            unpacked_bytes: tally.unpacked_bytes,
            symlink_bytes: tally.symlink_bytes,
            files: tally.files,
            biggest: tally.biggest,
            entries: tally.entries,
        })
    }
}

/// `sha256:` and the digest of `bytes` in hexadecimal.
pub(super) fn digest_of(bytes: &[u8]) -> String {
    digest_text(&Sha256::digest(bytes))
}

fn digest_text(digest: &[u8]) -> String {
    digest.iter().fold("sha256:".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

/// Sums up a layer's entries.
#[derive(Default)]
struct Tally {
    unpacked_bytes: u64,
    symlink_bytes: u64,
    files: u64,
    biggest: Vec<BigFile>,
    entries: Vec<Entry>,
}

impl Tally {
    fn add(
        &mut self,
        kind: EntryType,
        path: &[u8],
        target: &[u8],
        bytes: u64,
        paths: &mut PathTree,
    ) -> Result<(), LayerError> {
        // Also of a path that comes again and again.
        if self.entries.len() >= PATHS_MAX {
            return Err(LayerError::TooManyPaths);
        }
        let name = components(path).next_back().unwrap_or_default();
        if name.starts_with(WHITEOUT) {
            return self.add_whiteout(path, name, paths);
        }
        let change = match kind {
            // Before POSIX, a folder was a file whose name ends in a slash.
            EntryType::Regular if path.ends_with(b"/") => Change::Folder,
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                self.files += 1;
                self.unpacked_bytes = self.unpacked_bytes.saturating_add(bytes);
                self.note_size(path, bytes);
                Change::File { bytes }
            }
            EntryType::Link => Change::HardLink { target: paths.insert(target)? },
            EntryType::Directory => Change::Folder,
            EntryType::XGlobalHeader => return Ok(()),
            EntryType::Symlink => {
                self.symlink_bytes = self.symlink_bytes.saturating_add(target.len() as u64);
                Change::Other
            }
            _ => Change::Other,
        };
        self.entries.push(Entry { path: paths.insert(path)?, change });
        Ok(())
    }

    fn add_whiteout(
        &mut self,
        path: &[u8],
        name: &[u8],
        paths: &mut PathTree,
    ) -> Result<(), LayerError> {
        if name != OPAQUE && name.starts_with(BOOKKEEPING) {
            return Ok(());
        }
        let marker = paths.insert(path)?;
        let folder = paths.parent(marker);
        let entry = if name == OPAQUE {
            Entry { path: folder, change: Change::Emptied }
        } else {
            let removed = paths.child(folder, &name[WHITEOUT.len()..])?;
            Entry { path: removed, change: Change::Removed }
        };
        self.entries.push(entry);
        Ok(())
    }

    /// Keeps the biggest files, equal ones in the order of the stream.
    fn note_size(&mut self, path: &[u8], bytes: u64) {
        let place = self.biggest.partition_point(|file| file.bytes >= bytes);
        if bytes == 0 || place >= BIGGEST_COUNT {
            return;
        }
        let names: Vec<_> = components(path).map(String::from_utf8_lossy).collect();
        self.biggest.insert(place, BigFile { path: names.join("/"), bytes });
        self.biggest.truncate(BIGGEST_COUNT);
    }
}

/// Passes a stream on while it takes its digest, its length and its length after gzip.
struct Meter<R> {
    stream: R,
    digest: Sha256,
    bytes: u64,
    gzip: GzEncoder<ByteCount>,
}

impl<R: Read> Meter<R> {
    fn new(stream: R) -> Self {
        let gzip = GzEncoder::new(ByteCount(0), Compression::new(GZIP_LEVEL));
        Self { stream, digest: Sha256::new(), bytes: 0, gzip }
    }

    /// The digest, the length, and the length after gzip.
    fn finish(self) -> io::Result<(String, u64, u64)> {
        let packed = self.gzip.finish()?;
        Ok((digest_text(&self.digest.finalize()), self.bytes, packed.0))
    }
}

impl<R: Read> Read for Meter<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(buffer)?;
        self.digest.update(&buffer[..count]);
        self.gzip.write_all(&buffer[..count])?;
        self.bytes += count as u64;
        Ok(count)
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
        assert_eq!(facts.unpacked_bytes, text.len() as u64);
        assert_eq!((facts.tar_bytes, facts.transfer_bytes), (stream.len() as u64, 44_095));
    }
}
