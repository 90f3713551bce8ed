//! Which bytes of an image's layers no container ever sees.

use super::layer::{Change, LayerFacts};
use super::paths::{PathId, PathTree};

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
