//! Folders for temporary files. A jigger that is killed leaves them behind; the next one removes them.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Once;
use std::time::Duration;

use tempfile::TempDir;

const PREFIX: &str = "jigger-";
/// In each folder: locked as long as its jigger lives. The kernel lets go of the lock of one that was
/// killed (flock(2)).
const LOCK: &str = ".lock";
/// One that is younger may just be about to be locked.
const YOUNG: Duration = Duration::from_secs(10);

/// A folder that is removed when this is dropped.
#[derive(Debug)]
pub struct TemporaryFolder {
    folder: TempDir,
    /// Outlives the folder, which nobody else removes meanwhile.
    _lock: File,
}

impl TemporaryFolder {
    /// A new one in the system's folder for temporary files, with what it is for in its name. The
    /// first one of a process removes those of others that are no more.
    ///
    /// # Errors
    /// What the system says when there is no place for it.
    pub fn new(purpose: &str) -> io::Result<Self> {
        static SWEPT: Once = Once::new();
        let place = std::env::temp_dir();
        SWEPT.call_once(|| remove_abandoned(&place));
        Self::new_in(&place, purpose)
    }

    fn new_in(place: &Path, purpose: &str) -> io::Result<Self> {
        let folder =
            tempfile::Builder::new().prefix(&format!("{PREFIX}{purpose}-")).tempdir_in(place)?;
        let lock = File::create_new(folder.path().join(LOCK))?;
        lock.lock()?;
        Ok(Self { folder, _lock: lock })
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// What cannot be removed, such as another user's, stays where it is.
fn remove_abandoned(place: &Path) {
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    let own = entries.filter(|entry| {
        let is_folder = entry.file_type().is_ok_and(|of| of.is_dir());
        is_folder && entry.file_name().to_string_lossy().starts_with(PREFIX)
    });
    for folder in own.map(|entry| entry.path()) {
        if let Ok(lock) = File::options().write(true).open(folder.join(LOCK))
            && is_abandoned(&lock)
        {
            let _ = fs::remove_dir_all(&folder);
        }
    }
}

fn is_abandoned(lock: &File) -> bool {
    let changed = lock.metadata().and_then(|found| found.modified());
    let age = changed.ok().and_then(|then| then.elapsed().ok());
    age.is_some_and(|age| age >= YOUNG) && lock.try_lock().is_ok()
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn those_of_a_killed_jigger_are_removed_and_no_others() {
        let place = tempfile::tempdir().unwrap();
        let make = |name: &str, lock: Option<Duration>| {
            let folder = place.path().join(name);
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("file"), "").unwrap();
            if let Some(age) = lock {
                let lock = File::create(folder.join(LOCK)).unwrap();
                lock.set_modified(SystemTime::now() - age).unwrap();
            }
            folder
        };
        let old = Duration::from_secs(60);
        let abandoned = make("jigger-logs-a", Some(old));
        let kept = [
            make("jigger-logs-b", Some(Duration::ZERO)),
            make("jigger-own-data", None),
            make("others", Some(old)),
        ];
        let living = TemporaryFolder::new_in(place.path(), "logs").unwrap();
        living._lock.set_modified(SystemTime::now() - old).unwrap();
        remove_abandoned(place.path());
        assert!(!abandoned.exists());
        assert!(living.path().exists() && kept.iter().all(|folder| folder.exists()));
        let path = living.path().to_owned();
        drop(living);
        assert!(!path.exists());
    }
}
