//! Container images: measured and explained.
//!
//! Sizes come from an image's own layers, so they mean the same through Docker, podman and a saved
//! archive; what an engine shows is reported beside them. [`Engine`] is one that
//! answers, [`measure()`] takes the sizes, [`own_bytes`] compares images that share layers, and
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
mod describe;
mod engine;
mod layer;
mod manifest;
mod measure;
mod stream;

use std::io;

use describe::plain;
use schemars::JsonSchema;
use serde::Serialize;
use thiserror::Error;

pub use self::describe::{describe, engine_line, made_by};
pub(crate) use self::engine::Output;
pub use self::engine::{ContainerSpec, Engine, EngineError, NoEngine, Program, Unavailable};

pub use self::measure::{measure, measure_reference, measure_saved, measure_stream};

/// The version of the JSON shape.
pub const VERSION: u32 = 1;

/// The sizes of one image. All sizes are in bytes; the module's documentation defines them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
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

/// A file of a layer, and its size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct BigFile {
    /// Its path in the image, without a leading `/`; bytes that are not UTF-8 are replaced.
    pub path: String,
    /// The length of its content.
    pub bytes: u64,
}

/// What `jigger image REF... --json` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ImageReport {
    /// The version of this shape.
    #[schemars(extend("const" = VERSION))]
    pub version: u32,
    /// The images, in the order in which they were asked for.
    pub images: Vec<Image>,
}

impl ImageReport {
    pub fn new(images: Vec<Image>) -> Self {
        Self { version: VERSION, images }
    }
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

/// An image that could not be measured: which one, and why.
#[derive(Debug, Error)]
#[error("cannot measure {}: {}", plain(.subject), plain(&.problem.to_string()))]
pub struct MeasureError {
    /// The file, folder or reference as it was given.
    pub subject: String,
    pub problem: Problem,
}

/// What is wrong with an image or its archive. A part is a layer, a configuration, a manifest, an
/// index or a digest.
#[derive(Debug, Error)]
pub enum Problem {
    #[error("it cannot be read: {0}")]
    Unreadable(io::Error),
    #[error(
        "it is no container image: {0}. Give what `docker save` or `podman save` wrote, or the \
         folder of an OCI image layout"
    )]
    NotAnImage(String),
    #[error(
        "the archive is truncated or damaged in or after {entry}: {reason}. Save the image again"
    )]
    Damaged { entry: String, reason: String },
    #[error(
        "the {part} {name} is named by the manifest but is not in the archive; it may be truncated \
         or saved only in part. Save the image again"
    )]
    Missing { part: &'static str, name: String },
    #[error("the {part} {name} cannot be used: {reason}")]
    Malformed { part: &'static str, name: String, reason: String },
    #[error(
        "the {part} {name} does not match its digest: it should be {expected} and is {found}. The \
         archive was changed or damaged; save the image again"
    )]
    DigestMismatch { part: &'static str, name: String, expected: String, found: String },
    #[error("its layers name more paths than a measurement can hold in memory (4 million)")]
    TooManyPaths,
    #[error("there is no such file or folder, and no engine to ask for an image of that name: {0}")]
    NoEngine(NoEngine),
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl Problem {
    /// The error for the image that the user called `subject`.
    pub(super) fn of(self, subject: &str) -> MeasureError {
        MeasureError { subject: subject.to_owned(), problem: self }
    }

    pub(super) fn malformed(part: &'static str, name: &str, reason: &str) -> Self {
        Self::Malformed { part, name: name.to_owned(), reason: reason.to_owned() }
    }
}

/// What stopped the reading of a stream: the stream itself, or what is in it.
#[derive(Debug, Error)]
pub(super) enum ReadError {
    #[error(transparent)]
    Stream(#[from] io::Error),
    #[error(transparent)]
    Problem(#[from] Problem),
}
