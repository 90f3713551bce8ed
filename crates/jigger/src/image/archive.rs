//! The contents of an image archive, taken in one pass without knowing yet what they are for.
//!
//! `docker save` writes the manifest after the layers, so each blob is recognised by its first
//! bytes and read on the way; the manifest then picks what belongs to which image.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Cursor, Read};
use std::path::Path;

use tar::EntryType;

use super::layer::LayerFacts;
use super::layer::{PathTree, components};
use super::stream::{Packing, for_each_entry};
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

/// How deep an image's folder goes: `blobs/sha256/DIGEST`, and one more.
const FOLDERS_MAX: usize = 4;

/// The files of either of which an image archive has one at its top.
const MANIFESTS: [&str; 2] = ["manifest.json", "index.json"];

pub(super) struct Contents {
    /// The paths that occur in the layers.
    pub(super) paths: PathTree,
    blobs: HashMap<String, Blob>,
    links: HashMap<String, String>,
    documents_bytes: u64,
}

pub(super) enum Blob {
    Layer(LayerFacts),
    /// What looked like a layer and cannot be read, with the reason.
    Broken(String),
    /// JSON, by its first byte.
    Document(Vec<u8>),
    Other,
}

impl Contents {
    /// Reads a saved archive to its end; it may be packed with gzip or zstd as a whole.
    pub(super) fn of_stream(mut source: impl Read) -> Result<Self, Problem> {
        let head = read_head(&mut source).map_err(Problem::Unreadable)?;
        if head.is_empty() {
            return Err(Problem::NotAnImage("it is empty".to_owned()));
        }
        let mut stream = Packing::of(&head).unpack(Cursor::new(head).chain(source));
        let mut contents = Self::empty();
        let mut last = None;
        let read = for_each_entry(&mut stream, |entry| contents.add_entry(entry, &mut last));
        // Whoever writes into a pipe expects it to be read to the end.
        let read = read.and_then(|()| Ok(io::copy(&mut stream, &mut io::sink())?));
        read.map_err(|error| explained(error, last))?;
        Ok(contents)
    }

    /// Reads the folder of an OCI image layout, or one that a saved archive was unpacked into.
    pub(super) fn of_folder(folder: &Path) -> Result<Self, Problem> {
        if !is_layout(folder) {
            let reason = "the folder has neither index.json nor manifest.json".to_owned();
            return Err(Problem::NotAnImage(reason));
        }
        let mut contents = Self::empty();
        contents.add_folder(folder, "", FOLDERS_MAX)?;
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

    fn empty() -> Self {
        Self {
            paths: PathTree::new(),
            blobs: HashMap::new(),
            links: HashMap::new(),
            documents_bytes: 0,
        }
    }

    fn add_entry<R: Read>(
        &mut self,
        entry: &mut tar::Entry<'_, R>,
        last: &mut Option<String>,
    ) -> Result<(), ReadError> {
        let name = plain_name(&entry.path_bytes());
        *last = Some(name.clone());
        match entry.header().entry_type() {
            EntryType::Regular | EntryType::Continuous => {
                let size = entry.size();
                self.add_blob(name, size, entry)
            }
            EntryType::Symlink => {
                let target = entry.link_name_bytes().unwrap_or_default();
                let target = linked_name(&name, &target);
                Ok(self.add_link(name, target)?)
            }
            EntryType::Link => {
                let target = plain_name(&entry.link_name_bytes().unwrap_or_default());
                Ok(self.add_link(name, target)?)
            }
            _ => Ok(()),
        }
    }

    fn add_folder(&mut self, folder: &Path, prefix: &str, depth: usize) -> Result<(), Problem> {
        let mut children = fs::read_dir(folder)
            .and_then(Iterator::collect::<io::Result<Vec<_>>>)
            .map_err(Problem::Unreadable)?;
        children.sort_by_key(fs::DirEntry::file_name);
        for child in children {
            let name = format!("{prefix}{}", child.file_name().to_string_lossy());
            let kind = child.file_type().map_err(Problem::Unreadable)?;
            if kind.is_dir() && depth > 0 {
                self.add_folder(&child.path(), &format!("{name}/"), depth - 1)?;
            } else if kind.is_file() {
                self.add_file(&child.path(), name)?;
            } else if kind.is_symlink() {
                let target = fs::read_link(child.path()).map_err(Problem::Unreadable)?;
                let target = linked_name(&name, target.as_os_str().as_encoded_bytes());
                self.add_link(name, target)?;
            }
        }
        Ok(())
    }

    fn add_file(&mut self, path: &Path, name: String) -> Result<(), Problem> {
        let mut file = File::open(path).map_err(Problem::Unreadable)?;
        let size = file.metadata().map_err(Problem::Unreadable)?.len();
        self.add_blob(name.clone(), size, &mut file).map_err(|error| explained(error, Some(name)))
    }

    fn add_link(&mut self, name: String, target: String) -> Result<(), Problem> {
        self.refuse_too_many(&name)?;
        self.refuse_too_many(&target)?;
        self.links.insert(name, target);
        Ok(())
    }

    fn add_blob(&mut self, name: String, size: u64, source: impl Read) -> Result<(), ReadError> {
        self.refuse_too_many(&name)?;
        let mut source = Counted { source, bytes: 0 };
        let head = read_head(&mut source)?;
        let blob = match Kind::of(&head) {
            Kind::Layer => self.read_layer(head, &mut source)?,
            Kind::Document => self.read_document(head, size, &mut source)?,
            Kind::Other => Blob::Other,
        };
        io::copy(&mut source, &mut io::sink())?;
        if source.bytes < size {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        self.blobs.insert(name, blob);
        Ok(())
    }

    fn read_layer(&mut self, head: Vec<u8>, rest: &mut impl Read) -> Result<Blob, Problem> {
        let stream = Packing::of(&head).unpack(Cursor::new(head).chain(rest));
        match LayerFacts::read(stream, &mut self.paths) {
            Ok(facts) => Ok(Blob::Layer(facts)),
            Err(ReadError::Problem(problem)) => Err(problem),
            // Not an error yet: it may be no layer of any image.
            Err(ReadError::Stream(error)) => Ok(Blob::Broken(reason(&error))),
        }
    }

    fn read_document(
        &mut self,
        mut head: Vec<u8>,
        size: u64,
        rest: &mut impl Read,
    ) -> io::Result<Blob> {
        self.documents_bytes = self.documents_bytes.saturating_add(size);
        if size > DOCUMENT_MAX_BYTES || self.documents_bytes > DOCUMENTS_MAX_BYTES {
            return Ok(Blob::Broken("it is larger than any such document should be".to_owned()));
        }
        rest.take(DOCUMENT_MAX_BYTES).read_to_end(&mut head)?;
        Ok(Blob::Document(head))
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

/// Whether a folder has what an image's folder has at its top.
pub(super) fn is_layout(folder: &Path) -> bool {
    MANIFESTS.iter().any(|name| folder.join(name).is_file())
}

enum Kind {
    Layer,
    Document,
    Other,
}

impl Kind {
    fn of(head: &[u8]) -> Self {
        // POSIX.1-1988 "ustar" and GNU tar have the mark at the same place. A tar of nothing, which
        // is a layer too, is zeros from the beginning.
        let tar = head.get(257..262) == Some(b"ustar")
            || (head.len() == 512 && head.iter().all(|byte| *byte == 0));
        if tar || Packing::of(head) != Packing::Plain {
            return Self::Layer;
        }
        match head.trim_ascii_start().first() {
            Some(b'{' | b'[') => Self::Document,
            _ => Self::Other,
        }
    }
}

/// What the user is told; `entry` is the one that was read last.
fn explained(error: ReadError, entry: Option<String>) -> Problem {
    match (error, entry) {
        (ReadError::Problem(problem), _) => problem,
        (ReadError::Stream(error), Some(entry)) => {
            Problem::Damaged { entry, reason: reason(&error) }
        }
        (ReadError::Stream(_), None) => {
            Problem::NotAnImage("it does not begin as a tar archive does".to_owned())
        }
    }
}

/// The error without the bytes that the tar library quotes from a header.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    if error.kind() == io::ErrorKind::UnexpectedEof || text.contains("unexpected EOF") {
        "it ends too early".to_owned()
    } else if text.starts_with("numeric field") {
        "bytes that are no tar header".to_owned()
    } else {
        text
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
    let mut head = Vec::with_capacity(512);
    source.take(512).read_to_end(&mut head)?;
    Ok(head)
}

/// A name without `./` and the like, so that all spellings find the same blob.
fn plain_name(name: &[u8]) -> String {
    let names: Vec<_> = components(name).map(String::from_utf8_lossy).collect();
    names.join("/")
}

/// The name that a symbolic link in the archive means: relative to the folder of the link.
fn linked_name(link: &str, target: &[u8]) -> String {
    let mut names: Vec<_> = link.split('/').map(str::to_owned).collect();
    names.pop();
    for name in components(target) {
        if name == b".." {
            names.pop();
        } else {
            names.push(String::from_utf8_lossy(name).into_owned());
        }
    }
    names.join("/")
}
