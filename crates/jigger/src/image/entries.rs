//! The entries of a tar stream, with a bound on what their headers may hold in memory.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use tar::{Archive, Entry};

/// What one entry's header blocks may take, long names and extended attributes included.
///
/// The tar library reads them into memory whole, however long they claim to be. Linux allows a
/// path of 4 KiB and an extended attribute of 64 KiB, of which a file has a few.
const HEADERS_MAX_BYTES: u64 = 1 << 20;

const BLOCK_BYTES: u64 = 512;

/// A reader that gives no more bytes than it is allowed at the time.
pub(super) struct Allowed<R> {
    source: R,
    allowance: Rc<Cell<u64>>,
}

impl<R: Read> Read for Allowed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        let left = self.allowance.get().checked_sub(count as u64);
        self.allowance.set(left.ok_or_else(headers_too_long)?);
        Ok(count)
    }
}

/// Calls `visit` with each entry of the tar stream, in order.
///
/// Stops at the end mark of the archive, or where the stream ends between two entries; what
/// follows the mark is left in `source`. An entry that is not read is passed over, not held.
///
/// # Errors
/// What `visit` answers; bytes that are no tar header; a stream that ends within an entry.
pub(super) fn for_each_entry<R, E>(
    source: R,
    mut visit: impl FnMut(&mut Entry<'_, Allowed<R>>) -> Result<(), E>,
) -> Result<(), E>
where
    R: Read,
    E: From<io::Error>,
{
    let allowance = Rc::new(Cell::new(HEADERS_MAX_BYTES));
    let mut archive = Archive::new(Allowed { source, allowance: Rc::clone(&allowance) });
    for entry in archive.entries()? {
        let mut entry = entry?;
        allowance.set(stored_bytes(&entry)?.saturating_add(BLOCK_BYTES + HEADERS_MAX_BYTES));
        visit(&mut entry)?;
    }
    Ok(())
}

/// The bytes that the entry's content takes in the stream: less than its size when it is sparse.
fn stored_bytes<R: Read>(entry: &Entry<'_, R>) -> io::Result<u64> {
    if entry.header().entry_type().is_gnu_sparse() {
        // The library reads the blocks that continue a sparse map after the header.
        return entry.header().entry_size();
    }
    Ok(entry.size())
}

fn headers_too_long() -> io::Error {
    let message = format!("an entry's header is longer than {HEADERS_MAX_BYTES} bytes");
    io::Error::new(io::ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests {
    use tar::{Builder, EntryType, Header};

    use super::*;

    fn add(builder: &mut Builder<Vec<u8>>, kind: EntryType, path: &str, content: &[u8]) {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, path, content).unwrap();
    }

    fn paths(archive: &[u8]) -> io::Result<Vec<String>> {
        let mut paths = Vec::new();
        for_each_entry(archive, |entry| {
            paths.push(String::from_utf8_lossy(&entry.path_bytes()).into_owned());
            Ok::<(), io::Error>(())
        })?;
        Ok(paths)
    }

    #[test]
    fn content_and_long_names_of_usual_length_pass() {
        let long = format!("{}/end", "d".repeat(90)).repeat(40);
        let mut builder = Builder::new(Vec::new());
        add(&mut builder, EntryType::Regular, "big", &vec![7; 3 << 20]);
        add(&mut builder, EntryType::Regular, &long, b"x");
        assert_eq!(paths(&builder.into_inner().unwrap()).unwrap(), ["big".to_owned(), long]);
    }

    #[test]
    fn a_header_that_would_fill_the_memory_is_refused() {
        for kind in [EntryType::GNULongName, EntryType::GNULongLink, EntryType::XHeader] {
            let mut builder = Builder::new(Vec::new());
            add(&mut builder, EntryType::Regular, "first", b"1");
            add(&mut builder, kind, "././@LongLink", &vec![b'a'; 2 << 20]);
            add(&mut builder, EntryType::Regular, "second", b"2");
            let error = paths(&builder.into_inner().unwrap()).unwrap_err();
            assert!(error.to_string().contains("header is longer"), "{kind:?}: {error}");
        }
    }
}
