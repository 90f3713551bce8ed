//! Takes an image's sizes: from an engine, a saved archive, or a folder.

use std::env::consts::ARCH;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use super::archive::{Blob, Contents, is_layout};
use super::engine::{Engine, NoEngine, Output, read_aside};
use super::layer::{LayerFacts, wasted_bytes};
use super::manifest::{Described, images};
use super::{Image, Layer, sum};
use super::{MeasureError, Problem};

/// Measures what the user named: a file, the folder of an image, or else a reference that an engine
/// knows. What begins with `/`, `./` or `../` can only be a path.
///
/// A file or folder needs no engine, so `engine` is called for a reference only. A saved archive
/// may hold several images; a reference is one.
///
/// # Errors
/// It is neither; the archive is none, or damaged; the engine has no such image, or fails.
pub fn measure(
    subject: &str,
    engine: impl FnOnce() -> Result<Engine, NoEngine>,
) -> Result<Vec<Image>, MeasureError> {
    let path = Path::new(subject);
    if is_path(subject) || path.is_file() || is_layout(path) {
        return measure_saved(path);
    }
    let engine = engine().map_err(|error| Problem::NoEngine(error).of(subject))?;
    Ok(vec![measure_reference(&engine, subject)?])
}

/// Measures an image that the engine has, from the archive that it saves; nothing is written to
/// disk.
///
/// # Errors
/// The engine has no such image, fails, or saves an archive that is damaged.
pub fn measure_reference(engine: &Engine, reference: &str) -> Result<Image, MeasureError> {
    saved_by(engine, reference).map_err(|problem| problem.of(reference))
}

/// Measures the images of a saved archive, or of the folder of an OCI image layout.
///
/// # Errors
/// It cannot be read, is no image archive, or is damaged.
pub fn measure_saved(path: &Path) -> Result<Vec<Image>, MeasureError> {
    let subject = path.to_string_lossy();
    let contents = if path.is_dir() {
        Contents::of_folder(path)
    } else {
        File::open(path).map_err(Problem::Unreadable).and_then(Contents::of_stream)
    };
    contents
        .and_then(|contents| settle(&contents, &subject))
        .map_err(|problem| problem.of(&subject))
}

/// Measures the images of a saved archive as it streams in, from standard input for example.
/// `subject` is what to call an image that has no name, and the stream in messages.
pub fn measure_stream(subject: &str, stream: impl Read) -> Result<Vec<Image>, MeasureError> {
    Contents::of_stream(stream)
        .and_then(|contents| settle(&contents, subject))
        .map_err(|problem| problem.of(subject))
}

/// Whether a name can only be a path: no reference begins so.
fn is_path(subject: &str) -> bool {
    ["/", "./", "../"].iter().any(|beginning| subject.starts_with(beginning))
}

fn saved_by(engine: &Engine, reference: &str) -> Result<Image, Problem> {
    let inspected = engine.inspect(reference)?;
    let contents = save(engine, &inspected.id, reference)?;
    let mut described = images(&contents)?;
    // An engine may save an image for several platforms; what runs here is the one meant.
    let here = described.iter().position(|image| image.config.platform() == this_platform());
    let described = described.swap_remove(here.unwrap_or(0));
    Ok(Image {
        engine: Some(engine.program.name().to_owned()),
        engine_says_bytes: inspected.bytes,
        ..sized(&contents, &described, reference.to_owned())?
    })
}

/// Reads what the engine saves of an image. By id: given a name without a tag, engines save every
/// tag of it.
fn save(engine: &Engine, id: &str, reference: &str) -> Result<Contents, Problem> {
    let failed = |complaint: &str| engine.failed(&format!("save the image {reference}"), complaint);
    let mut command = Command::new(&engine.path);
    command.args(["save", "--", id]).stdin(Stdio::null());
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(&error.to_string()))?;
    let stderr = read_aside(child.stderr.take());
    let contents = match child.stdout.take() {
        Some(stdout) => Contents::of_stream(stdout),
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

/// The sizes of all images of an archive.
fn settle(contents: &Contents, subject: &str) -> Result<Vec<Image>, Problem> {
    let described = images(contents)?;
    let names: Vec<_> =
        described.iter().map(|it| it.reference.as_deref().unwrap_or(subject)).collect();
    described
        .iter()
        .zip(&names)
        .map(|(image, name)| {
            let shared = names.iter().filter(|other| *other == name).count() > 1;
            let reference = match shared {
                true => format!("{name} ({})", image.config.platform()),
                false => (*name).to_owned(),
            };
            sized(contents, image, reference)
        })
        .collect()
}

fn sized(contents: &Contents, image: &Described, reference: String) -> Result<Image, Problem> {
    let facts = image
        .layers
        .iter()
        .zip(image.config.diff_ids())
        .map(|(name, digest)| layer(contents, name, digest))
        .collect::<Result<Vec<_>, _>>()?;
    let wasted = wasted_bytes(&facts, &contents.paths);
    let layers: Vec<_> = facts
        .iter()
        .zip(image.config.commands())
        .zip(wasted)
        .map(|((facts, created_by), wasted_bytes)| Layer {
            created_by,
            wasted_bytes,
            ..facts.sizes.clone()
        })
        .collect();
    Ok(Image {
        reference,
        engine: None,
        unpacked_bytes: sum(&layers, |layer| layer.unpacked_bytes),
        transfer_bytes: sum(&layers, |layer| layer.transfer_bytes),
        wasted_bytes: sum(&layers, |layer| layer.wasted_bytes),
        engine_says_bytes: None,
        layers,
    })
}

/// The layer in the blob of that name, which must have that digest.
fn layer<'contents>(
    contents: &'contents Contents,
    name: &str,
    digest: &str,
) -> Result<&'contents LayerFacts, Problem> {
    let part = "layer";
    match contents.blob(name) {
        None => Err(Problem::Missing { part, name: name.to_owned() }),
        Some(Blob::Broken(reason)) => Err(Problem::malformed(part, name, reason)),
        Some(Blob::Document(_) | Blob::Other) => {
            Err(Problem::malformed(part, name, "it is no tar archive"))
        }
        Some(Blob::Layer(facts)) if facts.sizes.digest == digest => Ok(facts),
        Some(Blob::Layer(facts)) => Err(Problem::DigestMismatch {
            part,
            name: name.to_owned(),
            expected: digest.to_owned(),
            found: facts.sizes.digest.clone(),
        }),
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
