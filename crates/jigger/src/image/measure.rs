//! Takes an image's sizes: from an engine, a saved archive, or a folder.

use std::cell::Cell;
use std::env::consts::ARCH;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use super::archive::{BlobKind, Contents};
use super::digest::short;
use super::engine::{Engine, EngineError, Inspected, NoEngine, Output, Program, read_aside};
use super::folder::contents_of_folder;
use super::images::{Described, Found, LayerBlob, images};
use super::layer::LayerFacts;
use super::problem::{MeasureError, Problem};
use super::subject::Subject;
use super::waste::settle_waste;
use super::{Image, Layer, sum};

/// What came of measuring an archive, or several.
#[derive(Debug, Default)]
pub struct Measured {
    pub images: Vec<Image>,
    /// What was passed over or taken although it is odd, in sentences.
    pub notes: Vec<String>,
    /// What could not be measured.
    pub failures: Vec<MeasureError>,
}

/// How far the reading is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub read_bytes: u64,
    /// What there is to read, as far as that is known.
    pub total_bytes: Option<u64>,
}

type Watch<'a> = &'a dyn Fn(Progress);

impl Measured {
    /// What came of it, or why nothing did.
    pub fn of(outcome: Result<Self, MeasureError>) -> Self {
        outcome.unwrap_or_else(|error| Self { failures: vec![error], ..Self::default() })
    }
}

/// Measures what the user named: `-` for standard input, a file, the folder of an image, or else a
/// reference that an engine knows. What begins with `/`, `./` or `../` can only be a path; skopeo's
/// prefixes (`oci:`, `docker-archive:`, `oci-archive:`, `dir:`) are taken.
///
/// A file or folder needs no engine, so `engines` is called for a reference only, with the one that a
/// prefix names (`docker-daemon:`, `containers-storage:`); the first that has the image is used. A saved archive may hold several images; a reference is one. `watch` hears
/// of each piece that is read.
///
/// # Errors
/// It is neither; the archive is none, or damaged; no engine has such an image, or one fails. An
/// image that fails beside others that do not is a failure among what was measured.
pub fn measure(
    subject: &str,
    engines: impl FnOnce(Option<Program>) -> Result<Vec<Engine>, NoEngine>,
    watch: &dyn Fn(Progress),
) -> Result<Measured, MeasureError> {
    match Subject::of(subject) {
        Subject::StandardInput => {
            settled("standard input", of_file(io::stdin().lock(), None, watch), None)
        }
        Subject::Saved { path, choice } => {
            settled(subject, of_path(&path, watch), choice.as_deref())
        }
        Subject::Reference { name, engine } => engines(engine)
            .map_err(Problem::NoEngine)
            .and_then(|engines| of_engines(&engines, &name, watch))
            .map_err(|problem| problem.or_of_folder(Path::new(subject)).of(subject)),
        Subject::Remote => Err(Problem::Remote.of(subject)),
    }
}

/// Measures an image that the engine has, from the archive that it saves; nothing is written to
/// disk.
///
/// # Errors
/// The engine has no such image, fails, or saves an archive that is damaged.
pub fn measure_reference(engine: &Engine, reference: &str) -> Result<Image, MeasureError> {
    saved_by(engine, reference, &|_| {}).map_err(|problem| problem.of(reference))
}

/// Measures the images of a saved archive, or of a folder.
///
/// # Errors
/// It cannot be read, is no image archive, or is damaged.
pub fn measure_saved(path: &Path) -> Result<Measured, MeasureError> {
    settled(&path.to_string_lossy(), of_path(path, &|_| {}), None)
}

/// Measures the images of a saved archive as it streams in. `subject` is what to call an image that
/// has no name, and the stream in messages.
///
/// # Errors
/// As for [`measure_saved`].
pub fn measure_stream(subject: &str, stream: impl Read) -> Result<Measured, MeasureError> {
    settled(subject, Contents::of_stream(stream), None)
}

fn of_path(path: &Path, watch: Watch<'_>) -> Result<Contents, Problem> {
    if path.is_dir() {
        let read = Cell::new(0);
        return contents_of_folder(path, &mut |source| Watched {
            source,
            read: &read,
            total: None,
            watch,
        });
    }
    let file = File::open(path).map_err(Problem::opening)?;
    let total = file.metadata().ok().filter(|it| it.is_file()).map(|it| it.len());
    of_file(file, total, watch)
}

fn of_file(source: impl Read, total: Option<u64>, watch: Watch<'_>) -> Result<Contents, Problem> {
    Contents::of_stream(Watched { source, read: &Cell::new(0), total, watch })
}

/// A stream of which someone hears how far it is read.
struct Watched<'a, R> {
    source: R,
    read: &'a Cell<u64>,
    total: Option<u64>,
    watch: Watch<'a>,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.read.set(self.read.get() + count as u64);
        (self.watch)(Progress { read_bytes: self.read.get(), total_bytes: self.total });
        Ok(count)
    }
}

/// The image of the first engine that has it.
fn of_engines(engines: &[Engine], name: &str, watch: Watch<'_>) -> Result<Measured, Problem> {
    let mut asked = Vec::new();
    for engine in engines {
        match saved_by(engine, name, watch) {
            Ok(image) => {
                let lacking = asked.iter().map(|lacking| {
                    format!(
                        "{lacking} has no image {name}; this is the one that {} has",
                        engine.program
                    )
                });
                let notes = lacking.collect();
                return Ok(Measured { images: vec![image], notes, failures: Vec::new() });
            }
            Err(Problem::Engine(EngineError::NoImage { program, .. })) => asked.push(program),
            Err(problem) => return Err(problem),
        }
    }
    Err(Problem::NoImage(asked))
}

fn saved_by(engine: &Engine, reference: &str, watch: Watch<'_>) -> Result<Image, Problem> {
    let inspected = engine.inspect(reference)?;
    let contents = save(engine, &inspected, reference, watch)?;
    let mut described = images(&contents)?.images;
    // An engine may save an image for several platforms; what runs here is the one meant.
    let here = described.iter().position(|image| image.platform == this_platform());
    let described = described.swap_remove(here.unwrap_or(0));
    Ok(Image {
        reference: reference.to_owned(),
        engine: Some(engine.program.name().to_owned()),
        engine_says_bytes: inspected.bytes,
        ..sized(&contents, &described)?
    })
}

/// Reads what the engine saves of an image. By id: given a name without a tag, engines save every
/// tag of it.
fn save(
    engine: &Engine,
    inspected: &Inspected,
    reference: &str,
    watch: Watch<'_>,
) -> Result<Contents, Problem> {
    let failed = |complaint: &str| engine.failed(&format!("save the image {reference}"), complaint);
    let mut command = Command::new(&engine.path);
    command.args(["save", "--", &inspected.id]).stdin(Stdio::null());
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(&error.to_string()))?;
    let stderr = read_aside(child.stderr.take());
    let contents = match child.stdout.take() {
        Some(stdout) => {
            let read = Cell::new(0);
            Contents::of_stream(Watched {
                source: stdout,
                read: &read,
                total: inspected.bytes,
                watch,
            })
        }
        None => return Err(failed("its output is closed").into()),
    };
    let status = child.wait().map_err(|error| failed(&error.to_string()))?;
    if status.success() {
        return contents;
    }
    let stderr = stderr.recv().unwrap_or_default();
    let complaint = Output { status, stdout: String::new(), stderr }.complaint();
    // When the reading stopped first, the engine only complains about that.
    match contents {
        Err(problem) if complaint.to_lowercase().contains("pipe") => Err(problem),
        _ => Err(failed(&complaint).into()),
    }
}

/// The images of an archive, or the one of them that is meant.
fn settled(
    subject: &str,
    contents: Result<Contents, Problem>,
    choice: Option<&str>,
) -> Result<Measured, MeasureError> {
    contents
        .and_then(|contents| settle(contents, subject, choice))
        .map_err(|problem| problem.of(subject))
}

fn settle(
    mut contents: Contents,
    subject: &str,
    choice: Option<&str>,
) -> Result<Measured, Problem> {
    let mut notes = std::mem::take(&mut contents.notes);
    let Found { images, notes: of_manifests, faults } = chosen(images(&contents)?, choice)?;
    notes.extend(of_manifests);
    let mut measured = Measured {
        images: Vec::new(),
        notes: notes.into_iter().map(|note| format!("{subject}: {note}")).collect(),
        failures: faults.into_iter().map(|problem| problem.of(subject)).collect(),
    };
    for (image, reference) in images.iter().zip(references(&images, subject)) {
        match sized(&contents, image) {
            Ok(sized) => measured.images.push(Image { reference, ..sized }),
            Err(problem) if images.len() == 1 => measured.failures.push(problem.of(subject)),
            Err(problem) => {
                let subject = format!("{reference} of {subject}");
                measured.failures.push(problem.of(&subject));
            }
        }
    }
    match measured.failures.len() {
        1.. if measured.images.is_empty() => Err(measured.failures.swap_remove(0).problem),
        _ => Ok(measured),
    }
}

/// The image of that name, or the one at that place where skopeo's `@0` is written.
fn chosen(found: Found, choice: Option<&str>) -> Result<Found, Problem> {
    let Some(choice) = choice else { return Ok(found) };
    let place = choice.strip_prefix('@').and_then(|place| place.parse::<usize>().ok());
    let is_meant = |at: usize, image: &Described| match place {
        Some(place) => at == place,
        None => image.names.iter().any(|name| {
            let tag = name.rsplit_once(':').map(|(_, tag)| tag);
            name == choice || tag == Some(choice) || name.strip_suffix(":latest") == Some(choice)
        }),
    };
    let names = found.images.iter().flat_map(|image| image.names.clone()).collect();
    let images = found.images.into_iter().enumerate();
    let images: Vec<_> =
        images.filter(|(at, image)| is_meant(*at, image)).map(|(_, image)| image).collect();
    if images.is_empty() {
        return Err(Problem::NoChoice { choice: choice.to_owned(), names });
    }
    Ok(Found { images, ..found })
}

/// What to call each image: its name, with the platform where several have the name, and with the
/// beginning of its id where that is not enough.
fn references(images: &[Described], subject: &str) -> Vec<String> {
    let name = |image: &Described| image.names.first().map_or(subject, String::as_str).to_owned();
    let with_platform = |image: &Described| match image.platform.as_str() {
        "" => name(image),
        platform => format!("{} ({platform})", name(image)),
    };
    let with_id = |image: &Described| format!("{} {}", with_platform(image), short(&image.id));
    let is_alone = |called: &dyn Fn(&Described) -> String, image: &Described| {
        images.iter().filter(|other| called(other) == called(image)).count() == 1
    };
    images
        .iter()
        .map(|image| match () {
            () if is_alone(&name, image) => name(image),
            () if is_alone(&with_platform, image) => with_platform(image),
            () => with_id(image),
        })
        .collect()
}

/// The sizes of an image, which is yet to be called something.
fn sized(contents: &Contents, image: &Described) -> Result<Image, Problem> {
    let found = image
        .layers
        .iter()
        .zip(image.config.diff_ids())
        .map(|(blob, digest)| layer(contents, blob, digest))
        .collect::<Result<Vec<_>, _>>()?;
    let (facts, mut layers): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    for (layer, created_by) in layers.iter_mut().zip(image.config.commands()) {
        layer.created_by = created_by;
    }
    let files = settle_waste(&facts, &mut layers, &contents.paths);
    Ok(Image {
        reference: String::new(),
        names: image.names.clone(),
        platform: image.platform.clone(),
        engine: None,
        unpacked_bytes: sum(&layers, |layer| layer.unpacked_bytes),
        transfer_bytes: sum(&layers, |layer| layer.transfer_bytes),
        stored_bytes: sum(&layers, |layer| layer.stored_bytes),
        wasted_bytes: sum(&layers, |layer| layer.wasted_bytes),
        engine_says_bytes: None,
        layers,
        files,
    })
}

/// The layer in that blob, which must have that digest.
fn layer<'contents>(
    contents: &'contents Contents,
    LayerBlob { name, url, is_encrypted }: &LayerBlob,
    digest: &str,
) -> Result<(&'contents LayerFacts, Layer), Problem> {
    let (part, name) = ("layer", name.clone());
    if *is_encrypted {
        return Err(Problem::Encrypted { name });
    }
    let Some(blob) = contents.blob(&name) else {
        return Err(match url.clone() {
            Some(url) => Problem::Foreign { name, url },
            None => Problem::Missing { part, name },
        });
    };
    match &blob.kind {
        BlobKind::Broken(reason) => Err(Problem::malformed(part, &name, reason)),
        BlobKind::Document(_) | BlobKind::Other => {
            Err(Problem::malformed(part, &name, "it is not a tar archive"))
        }
        BlobKind::Layer(facts) => {
            let (stored_bytes, packing) = (blob.bytes, blob.packing);
            let mut layer = Layer { stored_bytes, packing, ..facts.sizes.clone() };
            match facts.blocks_short_of(digest) {
                Some(0) => {}
                // Another archive may have the same layer with all its zeros.
                Some(_) => layer.digest = digest.to_owned(),
                None => {
                    let (expected, found) = (digest.to_owned(), layer.digest);
                    return Err(Problem::DigestMismatch { part, name, expected, found });
                }
            }
            Ok((facts, layer))
        }
    }
}

/// The platform of this machine in the words of image configurations, which are Go's.
fn this_platform() -> String {
    let architecture = match ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        other => other,
    };
    format!("linux/{architecture}")
}
