//! Files that a suite names.

use std::path::Path;

use super::fault::{Checked, refused};

/// What is said of a file that has to be a text.
pub const NOT_TEXT: &str = "the file is not UTF-8 text";

/// The longest: each connection may have a copy of a body under way.
pub const MAX_BYTES: u64 = 64 << 20;

/// The bytes of a file that is not empty, relative to the suite's folder.
pub fn read(key: &str, name: &str, folder: &Path) -> Checked<Vec<u8>> {
    let path = folder.join(name);
    let unread = |cause: std::io::Error| format!("{key} = '{name}': cannot read it: {cause}");
    let bytes = std::fs::metadata(&path).map_err(unread)?.len();
    if bytes > MAX_BYTES {
        return refused(format!("{key} = '{name}': it has {bytes} bytes; the maximum is 64 MiB"));
    }
    let found = std::fs::read(&path).map_err(unread)?;
    if found.is_empty() {
        return refused(format!("{key} = '{name}': the file is empty; fill it, or leave it out"));
    }
    Ok(found)
}
