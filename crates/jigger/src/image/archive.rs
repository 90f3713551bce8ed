//! The contents of an image archive, taken in one pass without knowing yet what they are for.
//!
//! `docker save` writes the manifest after the layers, so each blob is recognised by its first
//! bytes and read on the way; the manifest then picks what belongs to which image.

use std::cell::Cell;
use std::collections::HashMap;
use std::io::{self, Cursor, Read};

use tar::EntryType;

use super::entries::{Content, Entry, for_each_entry, is_header};
use super::layer::LayerFacts;
use super::packing::Packing;
use super::paths::{PathTree, components};
use super::sparse::{BLOCK_BYTES, invalid};
use super::{Problem, ReadError};

/// An image has a few hundred blobs; a tar of something else may have a million entries.
const BLOBS_MAX: usize = 100_000;

/// The longest path that Linux takes.
const NAME_MAX_BYTES: usize = 4_096;

/// Configurations are a few kilobytes; long build histories make some hundred.
const DOCUMENT_MAX_BYTES: u64 = 4 << 20;

/// All documents together, since they stay in memory.
const DOCUMENTS_MAX_BYTES: u64 = 16 << 20;

/// Links that lead to links lead nowhere after this many.
const LINKS_MAX: usize = 8;

/// A sparse file may claim more zeros than anyone can read; no blob has as many as this.
const HOLES_MAX_BYTES: u64 = 64 << 30;

pub(super) struct Contents {
    /// The paths that occur in the layers.
    pub(super) paths: PathTree,
    /// What was passed over, in sentences.
    pub(super) notes: Vec<String>,
    blobs: HashMap<String, Blob>,
    links: HashMap<String, String>,
    documents_bytes: u64,
}

/// Something of an archive that has a name.
pub(super) struct Blob {
    pub(super) kind: BlobKind,
    /// Its length as it is stored.
    pub(super) bytes: u64,
    pub(super) packing: Packing,
}

pub(super) enum BlobKind {
    Layer(Box<LayerFacts>),
    /// What looked like a layer and cannot be read, with the reason.
    Broken(String),
    /// JSON, by its first byte.
    Document(Vec<u8>),
    Other,
}

impl Contents {
    pub(super) fn empty() -> Self {
        Self {
            paths: PathTree::new(),
            notes: Vec::new(),
            blobs: HashMap::new(),
            links: HashMap::new(),
            documents_bytes: 0,
        }
    }

    /// Reads a saved archive to its end; it may be packed as a whole.
    pub(super) fn of_stream(mut source: impl Read) -> Result<Self, Problem> {
        let head = read_head(&mut source).map_err(Problem::Unreadable)?;
        if head.is_empty() {
            return Err(Problem::NotAnImage("it is empty".to_owned()));
        }
        let (packing, surplus) = (packing_of(&head), Cell::new(false));
        let mut stream = packing.unpack(Cursor::new(head).chain(source), &surplus);
        let mut contents = Self::empty();
        let mut last = None;
        let read = for_each_entry(&mut stream, |entry, content| {
            contents.add_entry(entry, content, &mut last)
        });
        // Whoever writes into a pipe expects it to be read to the end.
        let read = read.and_then(|()| Ok(io::copy(&mut stream, &mut io::sink())?));
        drop(stream);
        read.map_err(|error| explained(error, packing, last))?;
        contents.note_surplus("the archive", packing, &surplus);
        Ok(contents)
    }

    /// The blob of that name, or of the name that a link of that name leads to.
    pub(super) fn blob(&self, name: &str) -> Option<&Blob> {
        let mut name = plain_name(name.as_bytes());
        for _ in 0..LINKS_MAX {
            if let Some(blob) = self.blobs.get(&name) {
                return Some(blob);
            }
            name.clone_from(self.links.get(&name)?);
        }
        None
    }

    fn add_entry<R: Read>(
        &mut self,
        entry: &Entry,
        content: &mut Content<'_, R>,
        last: &mut Option<String>,
    ) -> Result<(), ReadError> {
        let name = plain_name(&entry.path);
        *last = Some(name.clone());
        match entry.kind {
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                if content.hole_bytes() > HOLES_MAX_BYTES {
                    return Err(invalid("it has too many holes").into());
                }
                self.add_blob(name, entry.bytes, content)
            }
            EntryType::Symlink => {
                let target = linked_name(&name, &entry.target);
                Ok(self.add_link(name, target)?)
            }
            EntryType::Link => Ok(self.add_link(name, plain_name(&entry.target))?),
            _ => Ok(()),
        }
    }

    pub(super) fn add_link(&mut self, name: String, target: String) -> Result<(), Problem> {
        self.refuse_too_many(&name)?;
        self.refuse_too_many(&target)?;
        self.links.insert(name, target);
        Ok(())
    }

    /// Notes that what should be a blob cannot be read.
    pub(super) fn add_broken(&mut self, name: String, reason: String) -> Result<(), Problem> {
        self.refuse_too_many(&name)?;
        let (kind, packing) = (BlobKind::Broken(reason), Packing::None);
        self.blobs.insert(name, Blob { kind, bytes: 0, packing });
        Ok(())
    }

    pub(super) fn add_blob(
        &mut self,
        name: String,
        size: u64,
        source: impl Read,
    ) -> Result<(), ReadError> {
        self.refuse_too_many(&name)?;
        let mut source = Counted { source, bytes: 0 };
        let head = read_head(&mut source)?;
        let packing = packing_of(&head);
        let kind = match Sort::of(&head, packing) {
            Sort::Layer => self.read_layer(&name, packing, head, &mut source)?,
            Sort::Document => self.read_document(head, size, &mut source)?,
            Sort::Other => BlobKind::Other,
        };
        io::copy(&mut source, &mut io::sink())?;
        if source.bytes < size {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        self.blobs.insert(name, Blob { kind, bytes: source.bytes, packing });
        Ok(())
    }

    fn read_layer(
        &mut self,
        name: &str,
        packing: Packing,
        head: Vec<u8>,
        rest: &mut impl Read,
    ) -> Result<BlobKind, Problem> {
        let surplus = Cell::new(false);
        let stream = packing.unpack(Cursor::new(head).chain(rest), &surplus);
        match LayerFacts::read(stream, &mut self.paths) {
            Ok(facts) => {
                self.note_surplus(&format!("the layer {name}"), packing, &surplus);
                Ok(BlobKind::Layer(Box::new(facts)))
            }
            Err(ReadError::Problem(problem)) => Err(problem),
            // Not an error yet: it may be no layer of any image.
            Err(ReadError::Stream(error)) => Ok(BlobKind::Broken(reason(&error))),
        }
    }

    fn read_document(
        &mut self,
        mut head: Vec<u8>,
        size: u64,
        rest: &mut impl Read,
    ) -> io::Result<BlobKind> {
        self.documents_bytes = self.documents_bytes.saturating_add(size);
        if size > DOCUMENT_MAX_BYTES || self.documents_bytes > DOCUMENTS_MAX_BYTES {
            let reason = "it is larger than any such document should be".to_owned();
            return Ok(BlobKind::Broken(reason));
        }
        rest.take(DOCUMENT_MAX_BYTES).read_to_end(&mut head)?;
        Ok(BlobKind::Document(head))
    }

    fn note_surplus(&mut self, what: &str, packing: Packing, surplus: &Cell<bool>) {
        if surplus.get() {
            let packing = packing.name();
            self.notes.push(format!(
                "{what} has bytes that are not {packing} after the end of its {packing} stream; \
                 they were ignored"
            ));
        }
    }

    /// Keeps what is not an image from filling the memory with its names.
    fn refuse_too_many(&self, name: &str) -> Result<(), Problem> {
        if name.len() > NAME_MAX_BYTES {
            let reason = format!("it has a name longer than {NAME_MAX_BYTES} bytes");
            return Err(Problem::NotAnImage(reason));
        }
        if self.blobs.len() + self.links.len() >= BLOBS_MAX {
            let reason = format!("it has more than {BLOBS_MAX} files");
            return Err(Problem::NotAnImage(reason));
        }
        Ok(())
    }
}

/// What a blob is, by its first bytes.
enum Sort {
    Layer,
    Document,
    Other,
}

impl Sort {
    fn of(head: &[u8], packing: Packing) -> Self {
        // A tar of nothing, which is a layer too, is zeros from the beginning, or no bytes at all.
        let is_tar = head.is_empty()
            || is_header(head)
            || head.get(257..262) == Some(b"ustar")
            || (head.len() == BLOCK_BYTES && head.iter().all(|byte| *byte == 0));
        if is_tar || packing != Packing::None {
            return Self::Layer;
        }
        match head.trim_ascii_start().first() {
            Some(b'{' | b'[') => Self::Document,
            _ => Self::Other,
        }
    }
}

/// The packing of a stream; a tar's first bytes are a name, which may look like one.
fn packing_of(head: &[u8]) -> Packing {
    if is_header(head) { Packing::None } else { Packing::of(head) }
}

/// What the user is told; `entry` is the one that was read last.
pub(super) fn explained(error: ReadError, packing: Packing, entry: Option<String>) -> Problem {
    match (error, entry) {
        (ReadError::Problem(problem), _) => problem,
        (ReadError::Stream(error), Some(entry)) => {
            Problem::Damaged { entry, reason: reason(&error) }
        }
        (ReadError::Stream(error), None) if packing != Packing::None => {
            let (packing, reason) = (packing.name(), reason(&error));
            Problem::NotAnImage(format!("it is packed with {packing}, and {reason}"))
        }
        (ReadError::Stream(_), None) => {
            Problem::NotAnImage("it does not begin as a tar archive does".to_owned())
        }
    }
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "it ends too early".to_owned(),
        _ => error.to_string(),
    }
}

struct Counted<R> {
    source: R,
    bytes: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.bytes += count as u64;
        Ok(count)
    }
}

/// The first block of a stream, or all of a shorter one.
fn read_head(source: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(BLOCK_BYTES);
    source.take(BLOCK_BYTES as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// A name without `./` and the like, so that all spellings find the same blob.
fn plain_name(name: &[u8]) -> String {
    String::from_utf8_lossy(&components(name).join(&b'/')).into_owned()
}

/// The name that a symbolic link in the archive means: relative to the folder of the link.
pub(super) fn linked_name(link: &str, target: &[u8]) -> String {
    let folder = link.rsplit_once('/').map_or("", |(folder, _)| folder);
    plain_name(&[b"/", folder.as_bytes(), b"/", target].concat())
}
