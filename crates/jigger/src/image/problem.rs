//! Why an image cannot be measured.

use std::io;
use std::path::Path;

use thiserror::Error;

use super::describe::plain;
use super::engine::{EngineError, NoEngine, Program};

/// An image that could not be measured: which one, and why.
#[derive(Debug, Error)]
#[error("cannot measure {}: {}", plain(.subject), .problem.told())]
pub struct MeasureError {
    /// The file, folder or reference as it was given.
    pub subject: String,
    pub problem: Problem,
}

/// What is wrong with an image or its archive. A part is a layer, a configuration, a manifest, an
/// index or a digest.
#[derive(Debug, Error)]
pub enum Problem {
    #[error("no such file or folder")]
    NoFile,
    #[error("it cannot be read: {0}")]
    Unreadable(io::Error),
    #[error(
        "it is not a container image: {0}. Give what `docker save` or `podman save` wrote, or the \
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
    #[error(
        "the layer {name} is not in the archive: it may not be redistributed and is available only \
         from {url}. Its size cannot be measured here"
    )]
    Foreign { name: String, url: String },
    #[error(
        "the layer {name} is encrypted; decrypt the image first (`skopeo copy --decryption-key`)"
    )]
    Encrypted { name: String },
    #[error("the {part} {name} cannot be used: {reason}")]
    Malformed { part: &'static str, name: String, reason: String },
    #[error(
        "the {part} {name} does not match its digest: it should be {expected} and is {found}. The \
         archive was changed or damaged; save the image again"
    )]
    DigestMismatch { part: &'static str, name: String, expected: String, found: String },
    #[error("its layers name more paths than a measurement can hold in memory (4 million)")]
    TooManyPaths,
    #[error("it has no image named {choice}; it has {}", listed(.names))]
    NoChoice { choice: String, names: Vec<String> },
    #[error(
        "it is in a registry, which jigger does not access: pull it first, and give its name without docker://"
    )]
    Remote,
    #[error(
        "no such file or folder, and no container engine that could have an image of that name: {0}"
    )]
    NoEngine(NoEngine),
    #[error(
        "no such file or folder, and {} image of that name: build or pull it first; `{} images` \
         lists the images",
        lacking(.0),
        .0.first().map_or("docker", |program| program.name())
    )]
    NoImage(Vec<Program>),
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

    /// Its text without anything that acts on a terminal; names in it are the archive's. Only what
    /// is said of engines has lines of its own.
    pub(super) fn told(&self) -> String {
        match self {
            Self::NoEngine(_) => self.to_string(),
            _ => plain(&self.to_string()),
        }
    }

    /// The same, but that no engine has an image of a name says less than that a folder of the name
    /// is none.
    pub(super) fn or_of_folder(self, folder: &Path) -> Self {
        match self {
            Self::NoImage(_) | Self::NoEngine(_) if folder.is_dir() => Self::no_layout(),
            other => other,
        }
    }

    pub(super) fn no_layout() -> Self {
        Self::NotAnImage("the folder has neither index.json nor manifest.json".to_owned())
    }

    /// Why a file or folder cannot be opened.
    pub(super) fn opening(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::NoFile,
            _ => Self::Unreadable(error),
        }
    }
}

fn lacking(programs: &[Program]) -> String {
    match programs {
        [one, other] => format!("neither {one} nor {other} has an"),
        [one] => format!("{one} has no"),
        _ => "no engine has an".to_owned(),
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "images without names only".to_owned() } else { names.join(", ") }
}

/// What stopped the reading of a stream: the stream itself, or what is in it.
#[derive(Debug, Error)]
pub(super) enum ReadError {
    #[error(transparent)]
    Stream(#[from] io::Error),
    #[error(transparent)]
    Problem(#[from] Problem),
}
