//! How one image differs from another: its sizes, the layers that both have, and the files that a
//! container sees.

use std::cmp::{Ordering, Reverse};

use schemars::JsonSchema;
use serde::Serialize;

use super::{Image, Layer, SeenFile};

const BIGGEST_COUNT: usize = 10;

/// How an image differs from another. Differences in bytes are its own less the other's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Difference {
    /// The image that was named first.
    pub from: String,
    /// The image that is held against it.
    pub to: String,
    pub unpacked_bytes: i64,
    pub transfer_bytes: i64,
    pub stored_bytes: i64,
    pub wasted_bytes: i64,
    /// How many layers both have, and what they hold.
    pub shared_layers: u64,
    /// The unpacked bytes of the layers that both have.
    pub shared_bytes: u64,
    /// The transfer bytes of the layers that both have.
    pub shared_transfer_bytes: u64,
    /// The files that only a container of the second sees.
    pub added: FileCount,
    /// The files that only a container of the first sees.
    pub removed: FileCount,
    /// The files that both see, with other content.
    pub changed: FileCount,
    /// The files that differ most in size, at most ten.
    pub biggest: Vec<FileChange>,
}

/// How many files, and by how much they make the image larger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FileCount {
    pub files: u64,
    pub bytes: i64,
}

/// A file that differs, and its size in each image; null where it is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FileChange {
    /// Its path in the image, without a leading `/`; bytes that are not UTF-8 are replaced.
    pub path: String,
    pub from_bytes: Option<u64>,
    pub to_bytes: Option<u64>,
}

impl FileChange {
    /// By how much it makes the image larger.
    pub fn bytes(&self) -> i64 {
        less(self.to_bytes.unwrap_or(0), self.from_bytes.unwrap_or(0))
    }
}

impl FileCount {
    fn add(&mut self, change: &FileChange) {
        self.files += 1;
        self.bytes = self.bytes.saturating_add(change.bytes());
    }
}

impl Difference {
    /// How the second image differs from the first.
    pub fn of(from: &Image, to: &Image) -> Self {
        let shared = shared_layers(from, to);
        let mut difference = Self {
            from: from.reference.clone(),
            to: to.reference.clone(),
            unpacked_bytes: less(to.unpacked_bytes, from.unpacked_bytes),
            transfer_bytes: less(to.transfer_bytes, from.transfer_bytes),
            stored_bytes: less(to.stored_bytes, from.stored_bytes),
            wasted_bytes: less(to.wasted_bytes, from.wasted_bytes),
            shared_layers: shared.len() as u64,
            shared_bytes: shared.iter().map(|layer| layer.unpacked_bytes).sum(),
            shared_transfer_bytes: shared.iter().map(|layer| layer.transfer_bytes).sum(),
            added: FileCount::default(),
            removed: FileCount::default(),
            changed: FileCount::default(),
            biggest: Vec::new(),
        };
        difference.add_files(&from.files, &to.files);
        difference
    }

    /// Walks both lists at once, which are in the order of their paths.
    fn add_files(&mut self, mut from: &[SeenFile], mut to: &[SeenFile]) {
        loop {
            let order = match (from.first(), to.first()) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(old), Some(new)) => old.path.cmp(&new.path),
            };
            let old = from.first().filter(|_| order != Ordering::Greater);
            let new = to.first().filter(|_| order != Ordering::Less);
            self.add_file(old, new);
            from = &from[usize::from(old.is_some())..];
            to = &to[usize::from(new.is_some())..];
        }
        self.biggest.sort_by_key(|change| Reverse(change.bytes().unsigned_abs()));
        self.biggest.truncate(BIGGEST_COUNT);
    }

    fn add_file(&mut self, old: Option<&SeenFile>, new: Option<&SeenFile>) {
        let Some(path) = new.or(old).map(|file| &file.path) else { return };
        let change = FileChange {
            path: String::from_utf8_lossy(path).into_owned(),
            from_bytes: old.map(|file| file.bytes),
            to_bytes: new.map(|file| file.bytes),
        };
        match (old, new) {
            (Some(old), Some(new)) if old == new => return,
            (Some(_), Some(_)) => self.changed.add(&change),
            (None, _) => self.added.add(&change),
            (_, None) => self.removed.add(&change),
        }
        self.biggest.push(change);
        // Sorted now and then, so that the list stays short.
        if self.biggest.len() >= 100 * BIGGEST_COUNT {
            self.biggest.sort_by_key(|change| Reverse(change.bytes().unsigned_abs()));
            self.biggest.truncate(BIGGEST_COUNT);
        }
    }
}

/// The layers of the second that the first has too, each once.
fn shared_layers<'a>(from: &Image, to: &'a Image) -> Vec<&'a Layer> {
    let mut shared: Vec<&Layer> = Vec::new();
    for layer in to.layers.iter().filter(|layer| from.has(&layer.digest)) {
        if !shared.iter().any(|known| known.digest == layer.digest) {
            shared.push(layer);
        }
    }
    shared
}

fn less(bytes: u64, than: u64) -> i64 {
    let difference = i128::from(bytes) - i128::from(than);
    i64::try_from(difference).unwrap_or(if difference > 0 { i64::MAX } else { i64::MIN })
}
