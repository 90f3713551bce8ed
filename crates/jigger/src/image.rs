//! Container images: built, measured, explained.
//!
//! Sizes come from an image's own layers, so they mean the same through Docker, podman and a saved
//! archive; what an engine shows is reported beside them. [`Engine`] finds an engine and builds
//! with it, [`measure()`] takes the sizes, [`own_bytes`] compares images that share layers, and
//! [`describe()`] says it in words.
//!
//! # What is counted
//!
//! **Unpacked bytes** are the contents of the regular files of *all* layers, not of the folder that
//! a container sees in the end. That is what a host stores and what has to be unpacked before a
//! container starts: removing a file in a later layer makes neither smaller. It also makes the
//! figure a sum over layers, so that a part of it can be called shared. A hard link to a file of
//! the same layer is counted once, as on disk; folders, links and devices count nothing, and
//! neither do the file system's blocks, which differ between hosts.
//!
//! **Wasted bytes** are the part of the unpacked bytes that no container sees, because a layer
//! removes or replaces what one below it (or itself, earlier) has written. Unpacked bytes less
//! wasted bytes is what `find / -xdev -type f` adds up to in a container.
//!
//! **Transfer bytes** are what gzip at level 6 makes of each layer's tar stream. Registries hold
//! layers packed by whatever client pushed them; packing them again the same way makes images
//! comparable that were never pushed.
//!
//! # What is never done
//!
//! Nothing is unpacked to disk, no path of a layer is opened and no link followed. Layers are read
//! in one pass, from the engine's pipe if they come from there; what stays in memory is about 60
//! bytes for each path.

mod archive;
mod build;
mod command;
mod compression;
mod container;
mod describe;
mod detection;
mod engine;
mod entries;
mod error;
mod layer;
mod manifest;
mod measure;
mod paths;
mod text;
mod waste;

use std::collections::HashMap;

use serde::Serialize;

pub use self::build::{BuildError, BuildSpec, Built};
pub use self::container::ContainerSpec;
pub use self::describe::{describe, engine_line, made_by};
pub use self::detection::{NoEngine, Unavailable};
pub use self::engine::{Engine, EngineError, Program};
pub use self::error::{MeasureError, Problem};
pub use self::layer::BigFile;
pub use self::measure::{measure, measure_reference, measure_saved, measure_stream};

/// The sizes of one image. All sizes are in bytes; the module's documentation defines them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Image {
    /// The name by which it was asked for or which the archive gives it, else the archive's own.
    pub reference: String,
    /// The engine that it came from; none for a saved archive.
    pub engine: Option<String>,
    /// The regular files of all layers.
    pub unpacked_bytes: u64,
    /// All layers, each packed with gzip at level 6.
    pub transfer_bytes: u64,
    /// The part of the unpacked bytes that no container sees.
    pub wasted_bytes: u64,
    /// The size that the engine itself shows.
    pub engine_says_bytes: Option<u64>,
    /// The layers, bottom first.
    pub layers: Vec<Layer>,
}

/// The sizes of one layer, in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Layer {
    /// The digest of its unpacked tar stream (its "diff id"): the same wherever the layer occurs.
    /// Verified.
    pub digest: String,
    /// The command that made it, as the image's history has it; empty when that does not say.
    pub created_by: String,
    /// Its regular files.
    pub unpacked_bytes: u64,
    /// Its tar stream, packed with gzip at level 6.
    pub transfer_bytes: u64,
    /// The part of its unpacked bytes that a later layer, or itself, removes or replaces.
    pub wasted_bytes: u64,
    /// Its tar stream, with headers and padding.
    pub tar_bytes: u64,
    /// The targets of its symbolic links, which some engines count.
    pub symlink_bytes: u64,
    /// How many regular files it has; a further hard link to one is not counted.
    pub files: u64,
    /// Its biggest files, at most five, biggest first.
    pub biggest: Vec<BigFile>,
}

/// What `jigger image REF... --format json` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImageReport {
    /// The version of this shape: 1.
    pub version: u32,
    /// The images, in the order in which they were asked for.
    pub images: Vec<Image>,
}

impl ImageReport {
    /// The report on `images`.
    #[must_use]
    pub fn new(images: Vec<Image>) -> Self {
        Self { version: 1, images }
    }
}

/// For each image, the unpacked bytes of the layers that none of the others has.
///
/// So an image that is there twice has no bytes of its own, and a lone image has only those.
#[must_use]
pub fn own_bytes(images: &[Image]) -> Vec<u64> {
    let mut owners: HashMap<&str, Owners> = HashMap::new();
    for (index, image) in images.iter().enumerate() {
        for layer in &image.layers {
            let owner = owners.entry(&layer.digest).or_insert(Owners::One(index));
            if *owner != Owners::One(index) {
                *owner = Owners::Several;
            }
        }
    }
    let own = |image: &Image| {
        let layers = image.layers.iter();
        let own = layers.filter(|layer| owners[layer.digest.as_str()] != Owners::Several);
        own.map(|layer| layer.unpacked_bytes).fold(0, u64::saturating_add)
    };
    images.iter().map(own).collect()
}

/// How many images have a layer.
#[derive(PartialEq, Eq)]
enum Owners {
    /// One, and its place.
    One(usize),
    Several,
}
