//! What one layer holds, read from its tar stream in one pass, and which of its bytes no container
//! ever sees.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::io::{Read, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use hashbrown::HashTable;
use sha2::{Digest, Sha256};
use tar::EntryType;

use super::stream::for_each_entry;
use super::{BigFile, Layer};
use super::{Problem, ReadError};

/// gzip's own default, and near what registries receive; the figure means the same for every image
/// because the level never changes.
const GZIP_LEVEL: u32 = 6;

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

enum Change {
    /// A regular file with this much content.
    File {
        bytes: u64,
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

/// More distinct paths than any image of sense has: keeps a hostile one from filling the memory.
pub(super) const PATHS_MAX: usize = 4_000_000;

/// All names together, for the same reason; 16 bytes for each of that many paths.
const NAMES_MAX_BYTES: usize = 64 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PathId(u32);

impl PathId {
    /// The folder that all others are in.
    pub(super) const ROOT: Self = Self(0);

    /// The place of this path in a slice with one element for each path.
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// Every distinct path of an archive's layers, each held once.
///
/// An image of 2 GB may name hundreds of thousands of paths, most of them in several layers, and
/// the whole measurement is to stay below 64 MB. So a path is a number here: a node that knows its
/// parent and its last component, about 35 bytes together with its place in the hash table.
///
/// A leading `/`, empty components and `.` do not count, so `./a//b` and `/a/b` are one path. `..`
/// is a name like any other: nothing is ever written by these paths, so it cannot lead anywhere.
pub(super) struct PathTree {
    nodes: Vec<Node>,
    names: Vec<u8>,
    ids: HashTable<u32>,
    hasher: RandomState,
}

struct Node {
    parent: u32,
    name_start: u32,
    name_length: u32,
}

impl PathTree {
    /// The tree that holds the root alone.
    pub(super) fn new() -> Self {
        let root = Node { parent: 0, name_start: 0, name_length: 0 };
        Self {
            nodes: vec![root],
            names: Vec::new(),
            ids: HashTable::new(),
            hasher: RandomState::new(),
        }
    }

    /// How many paths there are, the root included: one more than the largest index.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The folder that `path` is in; the root's is the root.
    pub(super) fn parent(&self, path: PathId) -> PathId {
        PathId(self.nodes[path.index()].parent)
    }

    /// The number of `path`, a new one when it was not met before.
    pub(super) fn insert(&mut self, path: &[u8]) -> Result<PathId, Problem> {
        components(path).try_fold(PathId::ROOT, |parent, name| self.child(parent, name))
    }

    /// The number of the path `name` in the folder `parent`.
    pub(super) fn child(&mut self, parent: PathId, name: &[u8]) -> Result<PathId, Problem> {
        let Self { nodes, names, ids, hasher } = self;
        let hash = hasher.hash_one((parent.0, name));
        let same = |id: &u32| {
            let node = &nodes[*id as usize];
            node.parent == parent.0 && name_of(node, names) == name
        };
        if let Some(id) = ids.find(hash, same) {
            return Ok(PathId(*id));
        }
        if nodes.len() >= PATHS_MAX || names.len() + name.len() > NAMES_MAX_BYTES {
            return Err(Problem::TooManyPaths);
        }
        let small = |length: usize| u32::try_from(length).map_err(|_| Problem::TooManyPaths);
        let id = small(nodes.len())?;
        let (name_start, name_length) = (small(names.len())?, small(name.len())?);
        nodes.push(Node { parent: parent.0, name_start, name_length });
        names.extend_from_slice(name);
        let rehash = |id: &u32| {
            let node = &nodes[*id as usize];
            hasher.hash_one((node.parent, name_of(node, names)))
        };
        ids.insert_unique(hash, id, rehash);
        Ok(PathId(id))
    }
}

/// The components of a path as [`PathTree`] counts them.
pub(super) fn components(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/').filter(|name| !name.is_empty() && *name != b".")
}

fn name_of<'names>(node: &Node, names: &'names [u8]) -> &'names [u8] {
    let start = node.name_start as usize;
    &names[start..start + node.name_length as usize]
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

    #[test]
    fn spellings_of_one_path_are_one_path() {
        let mut tree = PathTree::new();
        let plain = tree.insert(b"usr/bin/env").unwrap();
        for spelling in [&b"/usr/bin/env"[..], b"./usr/bin/env", b"usr//bin/./env", b"usr/bin/env/"]
        {
            assert_eq!(tree.insert(spelling).unwrap(), plain);
        }
        assert_eq!(tree.len(), 4);
    }

    #[test]
    fn equal_names_in_other_folders_are_other_paths() {
        let mut tree = PathTree::new();
        let here = tree.insert(b"a/x").unwrap();
        let there = tree.insert(b"b/x").unwrap();
        assert_ne!(here, there);
        assert_eq!(tree.parent(here), tree.insert(b"a").unwrap());
        assert_eq!(tree.parent(PathId::ROOT), PathId::ROOT);
    }

    #[test]
    fn dots_and_bytes_outside_utf8_are_names() {
        let mut tree = PathTree::new();
        let escaping = tree.insert(b"../etc/passwd").unwrap();
        assert_ne!(escaping, tree.insert(b"etc/passwd").unwrap());
        assert_ne!(tree.insert(b"\xff").unwrap(), tree.insert(b"\xfe").unwrap());
    }

    #[test]
    fn many_paths_keep_their_numbers_while_the_table_grows() {
        let mut tree = PathTree::new();
        let mut insert = |i| tree.insert(format!("d{}/f{i}", i % 7).as_bytes()).unwrap();
        let ids: Vec<PathId> = (0..5_000).map(&mut insert).collect();
        for (i, id) in ids.into_iter().enumerate() {
            assert_eq!(insert(i), id);
        }
        assert_eq!(tree.len(), 1 + 7 + 5_000);
    }
}
