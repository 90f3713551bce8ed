//! The file that a record is kept in while a run goes on.

use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::{Record, RecordError};

/// A record and the file that it is kept in.
#[derive(Debug)]
pub struct RecordFile {
    /// What is in it.
    pub record: Record,
    /// Where it is; `None` for a record that is not kept.
    pub path: Option<PathBuf>,
}

impl RecordFile {
    /// Writes a new record, so that a place that cannot be written is known before work begins.
    ///
    /// # Errors
    /// [`RecordError::Write`].
    pub fn create(path: Option<PathBuf>, record: Record) -> Result<Self, RecordError> {
        let file = Self { record, path };
        file.save()?;
        Ok(file)
    }

    /// Writes the record beside its file and renames it into place, so that
    /// the file is whole at every moment.
    ///
    /// # Errors
    /// [`RecordError::Write`].
    pub fn save(&self) -> Result<(), RecordError> {
        let Some(path) = &self.path else { return Ok(()) };
        self.write(path)
            .map_err(|cause| RecordError::Write { path: path.display().to_string(), cause })
    }

    fn write(&self, path: &Path) -> std::io::Result<()> {
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        std::fs::create_dir_all(folder)?;
        // The umask decides, as for any file; by default the library keeps it from all others.
        let for_all = Permissions::from_mode(0o666);
        let mut beside = tempfile::Builder::new().permissions(for_all).tempfile_in(folder)?;
        serde_json::to_writer(&mut beside, &self.record)?;
        beside.write_all(b"\n")?;
        beside.persist(path)?;
        Ok(())
    }
}
