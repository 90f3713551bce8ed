//! Why an image could not be measured.

use std::io;

use thiserror::Error;

use super::describe::plain;
use super::engine::{EngineError, NoEngine};

/// An image that could not be measured: which one, and why.
#[derive(Debug, Error)]
#[error("cannot measure {}: {}", plain(.subject), plain(&.problem.to_string()))]
pub struct MeasureError {
    /// The file, folder or reference as it was given.
    pub subject: String,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with an image or its archive. A part is a layer, a configuration, a manifest, an
/// index or a digest.
#[derive(Debug, Error)]
pub enum Problem {
    /// The file or folder cannot be opened or listed.
    #[error("it cannot be read: {0}")]
    Unreadable(io::Error),
    /// The bytes are something else than an image.
    #[error(
        "it is no container image: {0}. Give what `docker save` or `podman save` wrote, or the \
         folder of an OCI image layout"
    )]
    NotAnImage(String),
    /// The archive ends early, or bytes of it have changed.
    #[error(
        "the archive is truncated or damaged in or after {entry}: {reason}. Save the image again"
    )]
    Damaged {
        /// The entry that was read last.
        entry: String,
        /// What was found there.
        reason: String,
    },
    /// A part that the manifest names is not there.
    #[error(
        "the {part} {name} is named by the manifest but is not in the archive; it may be truncated \
         or saved only in part. Save the image again"
    )]
    Missing {
        /// Which kind of part.
        part: &'static str,
        /// Its name in the archive.
        name: String,
    },
    /// A part is there, and is not what it should be.
    #[error("the {part} {name} cannot be used: {reason}")]
    Malformed {
        /// Which kind of part.
        part: &'static str,
        /// Its name in the archive.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A part is not the one that it claims to be.
    #[error(
        "the {part} {name} does not match its digest: it should be {expected} and is {found}. The \
         archive was changed or damaged; save the image again"
    )]
    DigestMismatch {
        /// Which kind of part.
        part: &'static str,
        /// Its name in the archive.
        name: String,
        /// The digest by which the image refers to it.
        expected: String,
        /// The digest of the bytes.
        found: String,
    },
    /// Measuring would take more memory than any image of sense needs.
    #[error("its layers name more paths than a measurement can hold in memory (4 million)")]
    TooManyPaths,
    /// It is no file, and no engine answers that could know it.
    #[error("there is no such file or folder, and no engine to ask for an image of that name: {0}")]
    NoEngine(NoEngine),
    /// The engine could not give the image.
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
