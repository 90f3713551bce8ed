//! Which of an image's files no container ever sees, and why; and which it does see.

use super::layer::{Change, LayerFacts};
use super::paths::{PathId, PathTree};
use super::{Layer, SeenFile, WastedFile};

/// A build that removes what it has written may waste tens of thousands of files; the biggest tell.
const WASTED_FILES_MAX: usize = 10;

/// Something above stands at this very path, or removes it.
const COVERED: u8 = 1;
/// Something above removes all that is inside this path.
const EMPTIED: u8 = 2;
/// A visible hard link needs the file at this path, whether or not the path itself is visible.
const NEEDED: u8 = 4;

/// Adds to each of an image's layers, bottom first, the bytes of its files that a later layer
/// removes or replaces, or that it replaces itself, and the biggest of these files. Returns the
/// files that a container sees, by path.
///
/// So an image's unpacked bytes less all its wasted bytes is what a container sees as its root
/// folder. A file with several names is wasted only when all of them are gone.
pub(super) fn settle_waste(
    facts: &[&LayerFacts],
    layers: &mut [Layer],
    paths: &PathTree,
) -> Vec<SeenFile> {
    let mut marks = Marks { of_path: vec![Mark::default(); paths.len()], paths, seen: Vec::new() };
    for (at, (facts, layer)) in facts.iter().zip(layers).enumerate().rev() {
        marks.add_below(at, facts, layer);
    }
    marks.seen.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    marks.seen
}

#[derive(Clone, Copy, Default)]
struct Mark {
    flags: u8,
    /// What covers the path, and what empties it.
    covered: Cause,
    emptied: Cause,
}

/// The layer that does it, and whether it puts nothing in its place.
#[derive(Clone, Copy, Default)]
struct Cause {
    layer: u16,
    removes: bool,
}

/// What the layers seen so far, from the top down, do to each path.
struct Marks<'paths> {
    of_path: Vec<Mark>,
    paths: &'paths PathTree,
    seen: Vec<SeenFile>,
}

impl Marks<'_> {
    /// Takes in the layer below those seen so far.
    fn add_below(&mut self, at: usize, facts: &LayerFacts, layer: &mut Layer) {
        let here = |removes| Cause { layer: u16::try_from(at).unwrap_or(u16::MAX), removes };
        // Last first, because a path that comes twice in one layer is what it was the last time,
        // and because a hard link comes after the file that it names.
        for entry in facts.changes.iter().rev() {
            match entry.change {
                Change::File { bytes, content } => {
                    self.add_file(entry.path, bytes, content, layer);
                    self.mark(entry.path, COVERED | EMPTIED, here(false));
                }
                Change::HardLink { target } => {
                    if self.hidden_by(entry.path).is_none() {
                        self.of_path[target.index()].flags |= NEEDED;
                    }
                    self.mark(entry.path, COVERED | EMPTIED, here(false));
                }
                Change::Other => self.mark(entry.path, COVERED | EMPTIED, here(false)),
                Change::Folder => self.add_folder(entry.path, here(false)),
                Change::Removed | Change::Emptied => {}
            }
        }
        // A layer's removals concern the layers below it only, wherever in its order they come.
        for entry in &facts.changes {
            match entry.change {
                Change::Removed => self.mark(entry.path, COVERED | EMPTIED, here(true)),
                Change::Emptied => self.mark(entry.path, EMPTIED, here(true)),
                _ => {}
            }
        }
    }

    fn add_file(&mut self, path: PathId, bytes: u64, content: u64, layer: &mut Layer) {
        match self.hidden_by(path) {
            None => self.seen.push(SeenFile { path: self.paths.text(path), bytes, content }),
            Some(cause) => {
                layer.wasted_bytes = layer.wasted_bytes.saturating_add(bytes);
                self.note_wasted(path, bytes, cause, layer);
            }
        }
    }

    fn note_wasted(&self, path: PathId, bytes: u64, cause: Cause, layer: &mut Layer) {
        let files = &mut layer.wasted_files;
        let place = files.partition_point(|file| file.bytes >= bytes);
        if bytes == 0 || place >= WASTED_FILES_MAX {
            return;
        }
        let path = String::from_utf8_lossy(&self.paths.text(path)).into_owned();
        let by_layer = u32::from(cause.layer) + 1;
        files.insert(place, WastedFile { path, bytes, by_layer, removed: cause.removes });
        files.truncate(WASTED_FILES_MAX);
    }

    /// What a layer has here takes the place of what those below it have.
    fn mark(&mut self, path: PathId, flags: u8, cause: Cause) {
        let mark = &mut self.of_path[path.index()];
        // A file that stands here ends what a link above it needed.
        mark.flags =
            if flags & COVERED != 0 && !cause.removes { flags } else { mark.flags | flags };
        if flags & COVERED != 0 {
            mark.covered = cause;
        }
        if flags & EMPTIED != 0 {
            mark.emptied = cause;
        }
    }

    /// A folder keeps what the layers below have inside it.
    fn add_folder(&mut self, path: PathId, cause: Cause) {
        let mark = &mut self.of_path[path.index()];
        mark.flags |= COVERED;
        mark.covered = cause;
    }

    /// Why a container sees nothing of what the layers below have at that path, by the lowest of the
    /// layers that see to it; None when it does see it.
    fn hidden_by(&self, path: PathId) -> Option<Cause> {
        let mark = self.of_path[path.index()];
        if mark.flags & NEEDED != 0 {
            return None;
        }
        let covered = (mark.flags & COVERED != 0).then_some(mark.covered);
        covered.into_iter().chain(self.emptied_above(path)).min_by_key(|cause| cause.layer)
    }

    fn emptied_above(&self, path: PathId) -> impl Iterator<Item = Cause> {
        let above = |folder: PathId| (folder != PathId::ROOT).then(|| self.paths.parent(folder));
        let folders = std::iter::successors(above(path), move |folder| above(*folder));
        let marks = folders.map(|folder| self.of_path[folder.index()]);
        marks.filter(|mark| mark.flags & EMPTIED != 0).map(|mark| mark.emptied)
    }
}
