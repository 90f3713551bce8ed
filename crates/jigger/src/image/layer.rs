//! What one layer holds, read from its tar stream in one pass, and which of its bytes no container
//! ever sees.

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use tar::EntryType;

use super::error::{Problem, ReadError};
use super::paths::{PATHS_MAX, PathId, PathTree, components};
use super::stream::for_each_entry;
use super::{BigFile, Layer};

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

/// What one layer holds; the same for every image that has the layer.
#[derive(Default)]
pub(super) struct LayerFacts {
    /// Its sizes. What made it and what of it is wasted are the image's to say.
    pub(super) sizes: Layer,
    /// Everything that the layer adds or removes, in its order.
    entries: Vec<Entry>,
}

/// One thing that a layer does to one path.
struct Entry {
    path: PathId,
    change: Change,
}

/// What a layer does to a path.
enum Change {
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

impl LayerFacts {
    /// Reads the unpacked tar stream of a layer to its end.
    ///
    /// Nothing of it is written anywhere and no link is followed: paths are only counted.
    pub(super) fn read(stream: impl Read, paths: &mut PathTree) -> Result<Self, ReadError> {
        let mut meter = Meter::new(stream);
        let mut facts = Self::default();
        for_each_entry(&mut meter, |entry| {
            let path = entry.path_bytes().into_owned();
            let target = entry.link_name_bytes().unwrap_or_default().into_owned();
            let kind = entry.header().entry_type();
            Ok::<(), ReadError>(facts.add(kind, &path, &target, entry.size(), paths)?)
        })?;
        // The digest covers what follows the end mark as well.
        io::copy(&mut meter, &mut io::sink())?;
        let packed = meter.gzip.finish()?;
        facts.sizes.digest = digest_text(&meter.digest.finalize());
        (facts.sizes.tar_bytes, facts.sizes.transfer_bytes) = (meter.bytes, packed.0);
        Ok(facts)
    }

    fn add(
        &mut self,
        kind: EntryType,
        path: &[u8],
        target: &[u8],
        bytes: u64,
        paths: &mut PathTree,
    ) -> Result<(), Problem> {
        // Also of a path that comes again and again.
        if self.entries.len() >= PATHS_MAX {
            return Err(Problem::TooManyPaths);
        }
        let name = components(path).next_back().unwrap_or_default();
        if name.starts_with(WHITEOUT) {
            return self.add_whiteout(path, name, paths);
        }
        let sizes = &mut self.sizes;
        let change = match kind {
            // Before POSIX, a folder was a file whose name ends in a slash.
            EntryType::Regular if path.ends_with(b"/") => Change::Folder,
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                sizes.files += 1;
                sizes.unpacked_bytes = sizes.unpacked_bytes.saturating_add(bytes);
                self.note_size(path, bytes);
                Change::File { bytes }
            }
            EntryType::Link => Change::HardLink { target: paths.insert(target)? },
            EntryType::Directory => Change::Folder,
            EntryType::XGlobalHeader => return Ok(()),
            EntryType::Symlink => {
                sizes.symlink_bytes = sizes.symlink_bytes.saturating_add(target.len() as u64);
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
    ) -> Result<(), Problem> {
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
        let biggest = &mut self.sizes.biggest;
        let place = biggest.partition_point(|file| file.bytes >= bytes);
        if bytes == 0 || place >= BIGGEST_COUNT {
            return;
        }
        let names: Vec<_> = components(path).map(String::from_utf8_lossy).collect();
        biggest.insert(place, BigFile { path: names.join("/"), bytes });
        biggest.truncate(BIGGEST_COUNT);
    }
}

/// `sha256:` and the digest of `bytes` in hexadecimal.
pub(super) fn digest_of(bytes: &[u8]) -> String {
    digest_text(&Sha256::digest(bytes))
}

fn digest_text(digest: &[u8]) -> String {
    digest.iter().fold("sha256:".to_owned(), |text, byte| text + &format!("{byte:02x}"))
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

/// Something above stands at this very path, or removes it.
const COVERED: u8 = 1;
/// Something above removes all that is inside this path.
const EMPTIED: u8 = 2;
/// A visible hard link needs the file at this path, whether or not the path itself is visible.
const NEEDED: u8 = 4;

/// For each of an image's layers, bottom first: the bytes of its files that a later layer removes
/// or replaces, or that it replaces itself.
///
/// So an image's unpacked bytes less all its wasted bytes is what a container sees as its root
/// folder. A file with several names is wasted only when all of them are gone.
pub(super) fn wasted_bytes(layers: &[&LayerFacts], paths: &PathTree) -> Vec<u64> {
    let mut marks = Marks { of_path: vec![0; paths.len()], paths };
    let mut wasted: Vec<u64> = layers.iter().rev().map(|layer| marks.add_below(layer)).collect();
    wasted.reverse();
    wasted
}

/// What the layers seen so far, from the top down, do to each path.
struct Marks<'paths> {
    of_path: Vec<u8>,
    paths: &'paths PathTree,
}

impl Marks<'_> {
    /// The wasted bytes of the layer below those seen so far.
    fn add_below(&mut self, layer: &LayerFacts) -> u64 {
        let mut wasted = 0_u64;
        // Last first, because a path that comes twice in one layer is what it was the last time,
        // and because a hard link comes after the file that it names.
        for entry in layer.entries.iter().rev() {
            let index = entry.path.index();
            match entry.change {
                Change::File { bytes } => {
                    if !self.visible(entry.path) {
                        wasted = wasted.saturating_add(bytes);
                    }
                    self.of_path[index] = COVERED | EMPTIED;
                }
                Change::HardLink { target } => {
                    if self.visible(entry.path) {
                        self.of_path[target.index()] |= NEEDED;
                    }
                    self.of_path[index] = COVERED | EMPTIED;
                }
                Change::Other => self.of_path[index] = COVERED | EMPTIED,
                Change::Folder => self.of_path[index] |= COVERED,
                Change::Removed | Change::Emptied => {}
            }
        }
        self.add_removals(layer);
        wasted
    }

    /// A layer's removals concern the layers below it only, wherever in its order they come.
    fn add_removals(&mut self, layer: &LayerFacts) {
        for entry in &layer.entries {
            match entry.change {
                Change::Removed => self.of_path[entry.path.index()] |= COVERED | EMPTIED,
                Change::Emptied => self.of_path[entry.path.index()] |= EMPTIED,
                _ => {}
            }
        }
    }

    fn visible(&self, path: PathId) -> bool {
        let mark = self.of_path[path.index()];
        mark & NEEDED != 0 || (mark & COVERED == 0 && !self.inside_emptied(path))
    }

    fn inside_emptied(&self, path: PathId) -> bool {
        let mut folder = path;
        while folder != PathId::ROOT {
            folder = self.paths.parent(folder);
            if self.of_path[folder.index()] & EMPTIED != 0 {
                return true;
            }
        }
        false
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
