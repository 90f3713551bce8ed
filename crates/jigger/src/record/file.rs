//! The file that a record is kept in while a run goes on, and the record within an HTML page.

use std::fs::Permissions;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use super::{Record, VERSION};

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
    pub fn create(path: Option<PathBuf>, record: Record) -> Result<Self, RecordError> {
        let file = Self { record, path };
        file.save()?;
        Ok(file)
    }

    /// Writes the record beside its file and renames it into place, so that
    /// the file is whole at every moment.
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

/// Why a record cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    #[error("cannot write the record {path}: {cause}")]
    Write { path: String, cause: std::io::Error },
    #[error("cannot read the record {path}: {cause}")]
    Read { path: String, cause: std::io::Error },
    #[error("{path} is not a record of jigger: {message}")]
    NotARecord { path: String, message: String },
    #[error(
        "{path} has record version {found}; this jigger reads up to {VERSION}\n  use the jigger that wrote it, or a newer one"
    )]
    Newer { path: String, found: u64 },
}

/// From this length on a record is packed; below, it can be read in the page itself.
const PACKED_FROM_BYTES: usize = 512 * 1024;
const PLAIN: &str = "application/json";
const PACKED: &str = "application/gzip";
const OPENING: &str = "<script id=\"record\" type=\"";
const CLOSING: &str = "\n</script>";

/// A record as it stands in a page: a data block that no browser runs, on a line of its own, with
/// JSON as it is, or, where it is long and packing pays, its gzip in base64.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Embedded {
    /// The whole element.
    pub element: String,
    /// Whether it is packed.
    pub is_packed: bool,
}

/// The record as an element of a page.
pub fn embed(record: &Record) -> Embedded {
    let json =
        serde_json::to_string(record).expect("a record has only string keys and plain values");
    let packed = (json.len() >= PACKED_FROM_BYTES).then(|| STANDARD.encode(pack(&json)));
    let packed = packed.filter(|packed| packed.len() < json.len());
    let is_packed = packed.is_some();
    let kind = if is_packed { PACKED } else { PLAIN };
    let text = packed.unwrap_or_else(|| escape(&json));
    Embedded { element: format!("{OPENING}{kind}\">\n{text}{CLOSING}"), is_packed }
}

/// The record's JSON out of a page; `None` when there is none in it, or it is damaged.
pub fn extract(page: &str) -> Option<String> {
    let (_, rest) = page.split_once(OPENING)?;
    let (kind, rest) = rest.split_once("\">\n")?;
    let (text, _) = rest.split_once(CLOSING)?;
    match kind {
        PLAIN => Some(text.to_owned()),
        PACKED => unpack(text),
        _ => None,
    }
}

/// Nothing in it can end the element: within JSON, `<`, `>` and `&` stand only in strings, where
/// they may be written as escapes (HTML Standard, "Restrictions for contents of script elements").
fn escape(json: &str) -> String {
    json.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

fn pack(json: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let written = encoder.write_all(json.as_bytes()).and_then(|()| encoder.finish());
    written.expect("writing to memory cannot fail")
}

fn unpack(text: &str) -> Option<String> {
    let bytes = STANDARD.decode(text.trim()).ok()?;
    let mut json = String::new();
    GzDecoder::new(bytes.as_slice()).read_to_string(&mut json).ok()?;
    Some(json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_blocks_are_no_records() {
        assert_eq!(extract("<!doctype html><title>x</title>"), None);
        assert_eq!(extract(&format!("{OPENING}{PACKED}\">\nAAAA{CLOSING}")), None);
        assert_eq!(extract(&format!("{OPENING}text/plain\">\n{{}}{CLOSING}")), None);
        assert_eq!(extract(&format!("{OPENING}{PLAIN}\">\n{{}}")), None);
    }

    #[test]
    fn packing_comes_back() {
        assert_eq!(unpack(&STANDARD.encode(pack("{\"a\":1}"))).as_deref(), Some("{\"a\":1}"));
    }
}
