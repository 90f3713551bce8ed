//! Container images: measured and explained.
//!
//! Sizes come from an image's own layers, so they mean the same through Docker, podman and a saved
//! archive; what an engine shows is reported beside them. [`Engine`] is one that
//! answers, [`measure()`] takes the sizes, [`own_bytes`] and [`Difference`] compare images, [`Limits`]
//! are what they may weigh, and [`describe()`] says it in words.
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
//! **Stored bytes** are the layers as the archive has them, packed or not.
//!
//! # What is never done
//!
//! Nothing is unpacked to disk, no path of a layer is opened and no link followed. Layers are read
//! in one pass, from the engine's pipe if they come from there; what stays in memory is some 150
//! bytes for each path, and the window of a packing.

mod archive;
mod compare;
mod describe;
mod digest;
mod engine;
mod entries;
mod folder;
mod images;
mod layer;
mod limits;
mod manifest;
mod markdown;
mod measure;
mod packing;
mod paths;
mod problem;
mod sparse;
mod subject;
mod waste;

use schemars::JsonSchema;
use serde::Serialize;

pub use self::compare::{Difference, FileChange, FileCount};
pub use self::describe::{describe, describe_difference, engine_line, made_by, plain};
pub(crate) use self::engine::Output;
pub use self::engine::{ContainerSpec, Engine, EngineError, NoEngine, Program, Unavailable};
pub use self::limits::{Allowance, Exceeded, Limits};
pub use self::markdown::markdown;
pub use self::measure::{
    Measured, Progress, measure, measure_reference, measure_saved, measure_stream,
};
pub use self::packing::Packing;
use self::problem::ReadError;
pub use self::problem::{MeasureError, Problem};

/// The version of the JSON shape.
pub const VERSION: u32 = 1;

/// The sizes of one image. All sizes are in bytes; the module's documentation defines them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Image {
    /// The name by which it was requested or which the archive gives it, else the archive's own;
    /// with the platform where the archive has several images of the name.
    pub reference: String,
    /// All names that the archive gives it.
    pub names: Vec<String>,
    /// What it runs on, such as `linux/arm/v7`.
    pub platform: String,
    /// The engine that it came from; none for a saved archive.
    pub engine: Option<String>,
    /// The regular files of all layers.
    pub unpacked_bytes: u64,
    /// All layers, each packed with gzip at level 6.
    pub transfer_bytes: u64,
    /// All layers as the archive has them, packed or not; an engine saves them unpacked.
    pub stored_bytes: u64,
    /// The part of the unpacked bytes that no container sees.
    pub wasted_bytes: u64,
    /// The size that the engine itself shows.
    pub engine_says_bytes: Option<u64>,
    /// The layers, bottom first.
    pub layers: Vec<Layer>,
    /// The files that a container sees, by path: what a difference is made of.
    #[serde(skip)]
    files: Vec<SeenFile>,
}

/// The sizes of one layer, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
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
    /// Its blob as the archive has it.
    pub stored_bytes: u64,
    /// How that is packed.
    pub packing: Packing,
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
    /// The biggest of its files that are wasted, at most ten, biggest first.
    pub wasted_files: Vec<WastedFile>,
}

/// A file of a layer that no container sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WastedFile {
    /// Its path in the image, without a leading `/`; bytes that are not UTF-8 are replaced.
    pub path: String,
    /// The length of its content.
    pub bytes: u64,
    /// The layer that removes or replaces it, counted from 1 at the bottom; it may be its own.
    pub by_layer: u32,
    /// Whether it is removed, rather than replaced.
    pub removed: bool,
}

/// A file that a container sees.
#[derive(Clone, Debug, PartialEq, Eq)]
struct SeenFile {
    path: Vec<u8>,
    bytes: u64,
    /// The beginning of its content's digest.
    content: u64,
}

/// A file of a layer, and its size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct BigFile {
    /// Its path in the image, without a leading `/`; bytes that are not UTF-8 are replaced.
    pub path: String,
    /// The length of its content.
    pub bytes: u64,
}

/// What `jigger image REF... --format json` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ImageReport {
    /// The version of this shape.
    #[schemars(extend("const" = VERSION))]
    pub version: u32,
    /// The images, in the order in which they were requested.
    pub images: Vec<Image>,
    /// How each image after the first differs from the first.
    pub differences: Vec<Difference>,
    /// The limits that an image exceeds.
    pub exceeded: Vec<Exceeded>,
    /// What could not be measured.
    pub failures: Vec<Failure>,
    /// What was passed over or taken although it is odd, in sentences.
    pub notes: Vec<String>,
}

/// An archive or an image that could not be measured, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Failure {
    /// As it was requested.
    pub reference: String,
    pub reason: String,
}

impl ImageReport {
    /// The report of what was measured, held against limits: for each requested subject, what
    /// came of it. The images of the later ones are compared with the first one's.
    pub fn new(subjects: Vec<(String, Measured)>, limits: Limits) -> Self {
        let mut report = Self {
            version: VERSION,
            images: Vec::new(),
            differences: Vec::new(),
            exceeded: Vec::new(),
            failures: Vec::new(),
            notes: Vec::new(),
        };
        let subjects = with_unique_names(subjects);
        let first = subjects.iter().position(|(_, measured)| !measured.images.is_empty());
        for (at, (_, measured)) in subjects.iter().enumerate() {
            if let Some(first) = first.filter(|first| *first < at) {
                report.compare(&subjects[first].1.images, &measured.images);
            }
        }
        for (_, measured) in subjects {
            report.add(measured, limits);
        }
        report
    }

    /// Holds each image against the one for the same platform, or else the first.
    fn compare(&mut self, from: &[Image], to: &[Image]) {
        for image in to {
            let same = from.iter().find(|other| other.platform == image.platform);
            let base = same.or_else(|| from.first());
            self.differences.extend(base.map(|base| Difference::of(base, image)));
        }
    }

    fn add(&mut self, measured: Measured, limits: Limits) {
        let Measured { images, notes, failures } = measured;
        self.exceeded.extend(images.iter().flat_map(|image| limits.exceeded_by(image)));
        self.images.extend(images);
        self.notes.extend(notes);
        self.failures.extend(failures.into_iter().map(|error| Failure {
            reference: error.subject.clone(),
            reason: error.problem.told(),
        }));
    }
}

/// Adds where it is from to the name of each image that shares the name with one from elsewhere.
fn with_unique_names(mut subjects: Vec<(String, Measured)>) -> Vec<(String, Measured)> {
    let names: Vec<Vec<String>> = subjects
        .iter()
        .map(|(_, measured)| measured.images.iter().map(|it| it.reference.clone()).collect())
        .collect();
    for (at, (subject, measured)) in subjects.iter_mut().enumerate() {
        for image in &mut measured.images {
            let is_shared = |(other, names): (usize, &Vec<String>)| {
                other != at && names.contains(&image.reference)
            };
            if image.reference != *subject && names.iter().enumerate().any(is_shared) {
                image.reference = format!("{} of {subject}", image.reference);
            }
        }
    }
    subjects
}

/// For each image, the unpacked bytes of the layers that none of the others has.
///
/// So an image that is there twice has no bytes of its own, and a lone image has only those.
pub fn own_bytes(images: &[Image]) -> Vec<u64> {
    let own = |(at, image): (usize, &Image)| {
        let others = || images[..at].iter().chain(&images[at + 1..]);
        let is_own = |layer: &Layer| !others().any(|other| other.has(&layer.digest));
        sum(&image.layers, |layer| if is_own(layer) { layer.unpacked_bytes } else { 0 })
    };
    images.iter().enumerate().map(own).collect()
}

impl Image {
    fn has(&self, digest: &str) -> bool {
        self.layers.iter().any(|layer| layer.digest == digest)
    }
}

fn sum(layers: &[Layer], bytes: impl Fn(&Layer) -> u64) -> u64 {
    layers.iter().map(bytes).fold(0, u64::saturating_add)
}
