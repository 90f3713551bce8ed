//! The server's log: standard output and standard error of the whole tree, in one file.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// The most that is read from the end of a log, in bytes: a server may have written gigabytes.
const TAIL_LIMIT_BYTES: u64 = 64 * 1024;

/// Opens a log, emptied, so that several processes can append without overwriting each other.
pub(super) fn create(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    file.set_len(0)?;
    Ok(file)
}

/// The last `lines` lines, at most 64 KiB of them; empty when there is no log.
pub(super) fn tail(path: &Path, lines: usize) -> String {
    let Ok(bytes) = last_bytes(path, TAIL_LIMIT_BYTES) else {
        return String::new();
    };
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// The first bytes, at most `limit_bytes` of them; empty when there is no log.
pub(super) fn head(path: &Path, limit_bytes: u64) -> String {
    let mut bytes = Vec::new();
    match File::open(path).and_then(|file| file.take(limit_bytes).read_to_end(&mut bytes)) {
        Ok(_) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(_) => String::new(),
    }
}

/// How long the log is, in bytes; 0 when there is none.
pub(super) fn size_bytes(path: &Path) -> u64 {
    path.metadata().map_or(0, |metadata| metadata.len())
}

fn last_bytes(path: &Path, limit_bytes: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let size_bytes = file.metadata()?.len();
    file.seek(SeekFrom::Start(size_bytes.saturating_sub(limit_bytes)))?;
    let mut bytes = Vec::new();
    // Limited again here, since the server goes on writing meanwhile.
    file.take(limit_bytes).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn the_tail_is_the_last_lines_and_never_more_than_the_limit() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        assert_eq!(tail(&path, 3), "");
        let mut file = create(&path).unwrap();
        for number in 0..20_000 {
            writeln!(file, "line {number}").unwrap();
        }
        assert_eq!(head(&path, 13), "line 0\nline 1");
        assert_eq!(tail(&path, 2), "line 19998\nline 19999");
        assert!(tail(&path, usize::MAX).len() <= 64 * 1024);
        assert_eq!(size_bytes(&path), file.metadata().unwrap().len());
        create(&path).unwrap();
        assert_eq!(size_bytes(&path), 0);
    }

    #[test]
    fn bytes_that_are_no_text_do_no_harm() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        std::fs::write(&path, b"\xff\xfe\nend").unwrap();
        assert_eq!(tail(&path, 1), "end");
    }
}
