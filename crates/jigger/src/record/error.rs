//! Why a record cannot be read or written.

use super::VERSION;

/// Why a record cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The file cannot be written.
    #[error("cannot write the record {path}: {cause}\n  name another place with --record FILE")]
    Write {
        /// Where.
        path: String,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The file cannot be read.
    #[error("cannot read the record {path}: {cause}")]
    Read {
        /// Where.
        path: String,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The file is not a record.
    #[error("{path} is not a record of jigger: {message}")]
    NotARecord {
        /// Where.
        path: String,
        /// What is wrong.
        message: String,
    },
    /// A newer program wrote it.
    #[error(
        "{path} has record version {found}; this jigger reads up to {VERSION}\n  use the jigger that wrote it, or a newer one"
    )]
    Newer {
        /// Where.
        path: String,
        /// The version found.
        found: u64,
    },
}
