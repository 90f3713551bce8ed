//! Which images an archive holds, by its manifests and configurations.
//!
//! Two forms exist, and `docker save` writes both into one archive from version 25 on: Docker's
//! `manifest.json` (moby, image/tarexport) and the OCI image layout (OCI image specification 1.1,
//! image-layout.md, image-index.md, manifest.md, config.md).

use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Problem;
use super::archive::{Blob, Contents};
use super::layer::digest_of;

/// An index may name indexes; more than this is a loop or a joke.
const INDEXES_MAX: usize = 4;

/// Where containerd keeps an image's full name in an index; the specification's own annotation
/// often holds the tag alone.
const NAME_KEYS: [&str; 2] = ["io.containerd.image.name", "org.opencontainers.image.ref.name"];

/// BuildKit's mark on manifests that describe a build and are no images.
const ATTESTATION_KEY: &str = "vnd.docker.reference.type";

/// One image of an archive, as its manifest and configuration tell it.
pub(super) struct Described {
    /// Its name, when the archive knows one.
    pub(super) reference: Option<String>,
    pub(super) config: Config,
    /// The names of its layers' blobs, bottom first; as many as the configuration has diff ids.
    pub(super) layers: Vec<String>,
}

/// An image's configuration: the part that matters here.
#[derive(Deserialize)]
pub(super) struct Config {
    #[serde(default)]
    architecture: String,
    #[serde(default)]
    os: String,
    #[serde(default)]
    rootfs: RootFolder,
    history: Option<Vec<Step>>,
}

#[derive(Default, Deserialize)]
struct RootFolder {
    diff_ids: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Step {
    #[serde(default)]
    created_by: String,
    #[serde(default)]
    empty_layer: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SavedImage {
    config: String,
    repo_tags: Option<Vec<String>>,
    layers: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Index {
    manifests: Vec<Descriptor>,
}

#[derive(Deserialize)]
struct Manifest {
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
    manifests: Option<Vec<Descriptor>>,
}

#[derive(Deserialize)]
struct Descriptor {
    digest: String,
    annotations: Option<HashMap<String, String>>,
}

impl Config {
    pub(super) fn diff_ids(&self) -> &[String] {
        self.rootfs.diff_ids.as_deref().unwrap_or_default()
    }

    /// For each layer, the command that made it; empty where the configuration does not say.
    pub(super) fn commands(&self) -> Vec<String> {
        let steps = self.history.as_deref().unwrap_or_default();
        let commands: Vec<_> =
            steps.iter().filter(|step| !step.empty_layer).map(|s| s.created_by.clone()).collect();
        if commands.len() == self.diff_ids().len() {
            return commands;
        }
        vec![String::new(); self.diff_ids().len()]
    }

    /// Operating system and architecture, as in `linux/amd64`.
    pub(super) fn platform(&self) -> String {
        format!("{}/{}", self.os, self.architecture)
    }
}

/// All images of an archive, in its order; at least one.
pub(super) fn images(contents: &Contents) -> Result<Vec<Described>, Problem> {
    if let Some(saved) = document::<Vec<SavedImage>>(contents, "manifest", "manifest.json")? {
        let images: Vec<_> =
            saved.into_iter().map(|saved| saved.described(contents)).collect::<Result<_, _>>()?;
        return at_least_one(images);
    }
    let Some(index) = document::<Index>(contents, "index", "index.json")? else {
        let reason = "it has neither manifest.json nor index.json, or ends before them";
        return Err(Problem::NotAnImage(reason.to_owned()));
    };
    let mut reader = IndexReader { contents, seen: HashSet::new(), images: Vec::new() };
    reader.add_all(&index.manifests, None, INDEXES_MAX)?;
    at_least_one(reader.images)
}

fn at_least_one(images: Vec<Described>) -> Result<Vec<Described>, Problem> {
    if images.is_empty() {
        return Err(Problem::NotAnImage("its manifest names no image".to_owned()));
    }
    Ok(images)
}

impl SavedImage {
    fn described(self, contents: &Contents) -> Result<Described, Problem> {
        let reference = self.repo_tags.and_then(|tags| tags.into_iter().next());
        describe(contents, reference, &self.config, self.layers.unwrap_or_default())
    }
}

/// Follows an OCI index to the images that it names.
struct IndexReader<'contents> {
    contents: &'contents Contents,
    seen: HashSet<String>,
    images: Vec<Described>,
}

impl IndexReader<'_> {
    /// Adds the images of an index. `name` is what an index above called them: then the manifests
    /// are one image for several platforms, of which the archive may hold only some.
    fn add_all(
        &mut self,
        manifests: &[Descriptor],
        name: Option<&str>,
        depth: usize,
    ) -> Result<(), Problem> {
        let images_before = self.images.len();
        let mut missing = None;
        for descriptor in manifests.iter().filter(|descriptor| !descriptor.is_attestation()) {
            let blob = descriptor.blob_name()?;
            if self.contents.blob(&blob).is_none() {
                missing = Some(Problem::Missing { part: "manifest", name: blob });
            } else if self.seen.insert(blob.clone()) {
                self.add(&blob, descriptor.image_name().or(name), depth)?;
            }
        }
        match missing {
            Some(problem) if self.images.len() == images_before => Err(problem),
            _ => Ok(()),
        }
    }

    fn add(&mut self, blob: &str, name: Option<&str>, depth: usize) -> Result<(), Problem> {
        let manifest: Manifest = required(self.contents, "manifest", blob)?;
        if let (Some(manifests), true) = (&manifest.manifests, depth > 0) {
            return self.add_all(manifests, name, depth - 1);
        }
        let Some(config) = manifest.config else {
            return Err(Problem::malformed("manifest", blob, "it names no configuration"));
        };
        let layers = manifest.layers.unwrap_or_default();
        let layers = layers.iter().map(Descriptor::blob_name).collect::<Result<_, _>>()?;
        let name = name.map(str::to_owned);
        self.images.push(describe(self.contents, name, &config.blob_name()?, layers)?);
        Ok(())
    }
}

impl Descriptor {
    fn blob_name(&self) -> Result<String, Problem> {
        match self.digest.split_once(':') {
            Some((algorithm, digits)) => Ok(format!("blobs/{algorithm}/{digits}")),
            None => Err(Problem::malformed("digest", &self.digest, "it names no algorithm")),
        }
    }

    fn image_name(&self) -> Option<&str> {
        NAME_KEYS.iter().find_map(|key| self.annotation(key))
    }

    fn is_attestation(&self) -> bool {
        self.annotation(ATTESTATION_KEY).is_some()
    }

    fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.as_ref()?.get(key).map(String::as_str)
    }
}

fn describe(
    contents: &Contents,
    reference: Option<String>,
    config_name: &str,
    layers: Vec<String>,
) -> Result<Described, Problem> {
    let config: Config = required(contents, "configuration", config_name)?;
    let (named, expected) = (layers.len(), config.diff_ids().len());
    if named != expected {
        let reason = format!("it has {expected} layers, the manifest {named}");
        return Err(Problem::malformed("configuration", config_name, &reason));
    }
    Ok(Described { reference, config, layers })
}

fn required<T: DeserializeOwned>(
    contents: &Contents,
    part: &'static str,
    name: &str,
) -> Result<T, Problem> {
    let found = document(contents, part, name)?;
    found.ok_or_else(|| Problem::Missing { part, name: name.to_owned() })
}

/// The JSON document of that name, checked against its digest when that is its name.
fn document<T: DeserializeOwned>(
    contents: &Contents,
    part: &'static str,
    name: &str,
) -> Result<Option<T>, Problem> {
    let bytes = match contents.blob(name) {
        None => return Ok(None),
        Some(Blob::Document(bytes)) => bytes,
        Some(Blob::Broken(reason)) => return Err(Problem::malformed(part, name, reason)),
        Some(Blob::Layer(_) | Blob::Other) => {
            return Err(Problem::malformed(part, name, "it is not JSON"));
        }
    };
    if let Some(expected) = digest_in(name) {
        let found = digest_of(bytes);
        if found != expected {
            return Err(Problem::DigestMismatch { part, name: name.to_owned(), expected, found });
        }
    }
    serde_json::from_slice(bytes)
        .map(Some)
        .map_err(|error| Problem::malformed(part, name, &error.to_string()))
}

/// The digest that a name such as `blobs/sha256/DIGITS` or `DIGITS.json` promises.
fn digest_in(name: &str) -> Option<String> {
    let last = name.rsplit('/').next()?;
    let digits = last.strip_suffix(".json").unwrap_or(last);
    let hexadecimal = digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    hexadecimal.then(|| format!("sha256:{}", digits.to_ascii_lowercase()))
}
