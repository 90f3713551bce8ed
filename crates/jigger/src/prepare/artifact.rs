//! What a build made: its size, and whether it became something else.

use std::collections::HashSet;
use std::fs::{self, DirEntry, File, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

/// A file, or a folder with all that is in it, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// The regular files: one with several names counts once, a symbolic link not at all.
    pub bytes: u64,
    /// Of every name, link target and byte in it. Times are left out: a build that writes the
    /// same again has changed nothing.
    digest: [u8; 32],
}

impl Artifact {
    /// Looks at what is at `path`; `None` when nothing is there.
    ///
    /// # Errors
    /// What the system says when something in it cannot be read.
    pub fn at(path: &Path) -> io::Result<Option<Self>> {
        let mut look = Look { bytes: 0, hash: Sha256::new(), seen: HashSet::new() };
        // Followed here alone: the suite may name a link to what it builds elsewhere.
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => look.folder(path)?,
            Ok(found) => look.file(path, &found)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        }
        Ok(Some(Self { bytes: look.bytes, digest: look.hash.finalize().into() }))
    }
}

struct Look {
    bytes: u64,
    hash: Sha256,
    /// Files with several names that were counted: device and inode.
    seen: HashSet<(u64, u64)>,
}

impl Look {
    fn folder(&mut self, folder: &Path) -> io::Result<()> {
        let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<DirEntry>>>()?;
        entries.sort_by_key(DirEntry::file_name);
        self.mark(b'{');
        for entry in entries {
            let name = entry.file_name();
            self.text(name.as_bytes());
            let found = entry.metadata()?;
            if found.is_dir() {
                self.folder(&entry.path())?;
            } else if found.is_symlink() {
                self.mark(b'>');
                self.text(fs::read_link(entry.path())?.as_os_str().as_bytes());
            } else if found.is_file() {
                self.file(&entry.path(), &found)?;
            }
        }
        self.mark(b'}');
        Ok(())
    }

    fn file(&mut self, path: &Path, found: &Metadata) -> io::Result<()> {
        let is_new = found.nlink() < 2 || self.seen.insert((found.dev(), found.ino()));
        if is_new {
            self.bytes += found.len();
        }
        self.mark(b'=');
        self.hash.update(found.len().to_le_bytes());
        io::copy(&mut File::open(path)?, &mut HashWriter(&mut self.hash))?;
        Ok(())
    }

    fn mark(&mut self, kind: u8) {
        self.hash.update([kind]);
    }

    fn text(&mut self, bytes: &[u8]) {
        self.hash.update((bytes.len() as u64).to_le_bytes());
        self.hash.update(bytes);
    }
}

struct HashWriter<'a>(&'a mut Sha256);

impl io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &Path) -> Artifact {
        Artifact::at(path).unwrap().unwrap()
    }

    #[test]
    fn a_folder_is_its_files_links_left_out_and_names_counted_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("lib")).unwrap();
        fs::write(path("lib/a"), [0; 700]).unwrap();
        fs::write(path("b"), [0; 30]).unwrap();
        fs::hard_link(path("b"), path("lib/b-again")).unwrap();
        std::os::unix::fs::symlink("/usr/bin/env", path("link")).unwrap();
        assert_eq!(at(folder.path()).bytes, 730);
        assert_eq!(at(&path("b")).bytes, 30);
        assert_eq!(Artifact::at(&path("absent")).unwrap(), None);
    }

    #[test]
    fn writing_the_same_again_changes_nothing_and_anything_else_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("a"), "one").unwrap();
        let first = at(folder.path());
        fs::write(path("a"), "one").unwrap();
        assert_eq!(at(folder.path()), first);
        fs::write(path("a"), "two").unwrap();
        assert_ne!(at(folder.path()), first);
        fs::write(path("a"), "one").unwrap();
        fs::rename(path("a"), path("b")).unwrap();
        assert_ne!(at(folder.path()), first);
    }
}
