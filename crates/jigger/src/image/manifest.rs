//! The JSON documents of image archives: the parts that matter here.
//!
//! Two forms exist, and `docker save` writes both into one archive from version 25 on: Docker's
//! `manifest.json` (moby, image/tarexport) and the OCI image layout (OCI image specification 1.1,
//! image-layout.md, image-index.md, manifest.md, config.md). skopeo's `dir:` has an image's own
//! manifest, of either form, as `manifest.json` (containers/image, directory/).

use std::collections::HashMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Problem;
use super::archive::{BlobKind, Contents};
use super::digest::digest_like;

/// Where containerd keeps an image's full name in an index; the specification's own annotation
/// often holds the tag alone.
const NAME_KEYS: [&str; 2] = ["io.containerd.image.name", "org.opencontainers.image.ref.name"];

/// BuildKit's mark on manifests that describe a build and are no images.
const ATTESTATION_KEY: &str = "vnd.docker.reference.type";

/// The media types of configurations that are an image's.
const CONFIG_TYPES: [&str; 2] =
    ["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];

/// How the media types of layers that are file systems begin.
const LAYER_TYPES: [&str; 2] =
    ["application/vnd.oci.image.layer.", "application/vnd.docker.image.rootfs."];

/// An image's configuration.
#[derive(Deserialize)]
pub(super) struct Config {
    #[serde(flatten)]
    platform: Platform,
    #[serde(default)]
    rootfs: RootFolder,
    history: Option<Vec<Step>>,
}

#[derive(Clone, Default, Deserialize)]
pub(super) struct Platform {
    architecture: Option<String>,
    os: Option<String>,
    variant: Option<String>,
    #[serde(rename = "os.version")]
    os_version: Option<String>,
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

/// An image in Docker's `manifest.json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SavedImage {
    pub(super) config: String,
    pub(super) repo_tags: Option<Vec<String>>,
    pub(super) layers: Option<Vec<String>>,
    /// By diff id, for layers that are to be had from elsewhere.
    pub(super) layer_sources: Option<HashMap<String, Descriptor>>,
}

/// A manifest of one image, or an index of several.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest {
    artifact_type: Option<String>,
    pub(super) config: Option<Descriptor>,
    pub(super) layers: Option<Vec<Descriptor>>,
    pub(super) manifests: Option<Vec<Descriptor>>,
    /// Only manifests of Docker's first schema have it.
    fs_layers: Option<Vec<HashMap<String, String>>>,
}

/// What points to a blob.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    #[serde(default)]
    pub(super) digest: String,
    media_type: Option<String>,
    artifact_type: Option<String>,
    annotations: Option<HashMap<String, String>>,
    pub(super) platform: Option<Platform>,
    urls: Option<Vec<String>>,
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

    /// Its platform; what it leaves out, an index may say.
    pub(super) fn platform(&self, of_index: Option<&Platform>) -> String {
        let mut platform = self.platform.clone();
        if let Some(known) = of_index {
            platform.variant = platform.variant.or_else(|| known.variant.clone());
            platform.os_version = platform.os_version.or_else(|| known.os_version.clone());
        }
        platform.text()
    }
}

impl Platform {
    /// `linux/amd64`, `linux/arm/v7`, `windows/amd64 10.0.20348.1`; empty when nothing is known.
    pub(super) fn text(&self) -> String {
        let parts = [&self.os, &self.architecture, &self.variant];
        let known: Vec<_> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
        let text = known.iter().map(|part| part.as_str()).collect::<Vec<_>>().join("/");
        match &self.os_version {
            Some(version) if !version.is_empty() => format!("{text} {version}"),
            _ => text,
        }
    }

    fn is_unknown(&self) -> bool {
        [&self.os, &self.architecture].iter().all(|part| part.as_deref() == Some("unknown"))
    }
}

impl Manifest {
    /// What it is instead of an image's manifest or an index; None when it is one of them.
    ///
    /// Anything that has blobs may be stored as a manifest: signatures (cosign), lists of contents
    /// and attestations (`oras attach`, BuildKit), charts (Helm). The media types tell.
    pub(super) fn other_sort(&self) -> Option<String> {
        if self.manifests.is_some() {
            return None;
        }
        if self.fs_layers.is_some() {
            return Some("an image in Docker's first schema, which nothing writes any more".into());
        }
        let config_type = self.config.as_ref().and_then(Descriptor::media_type);
        let is_image = config_type.is_none_or(|found| CONFIG_TYPES.contains(&found));
        let mut layer_types = self.layers.iter().flatten().map(Descriptor::media_type);
        let is_layer =
            |of: Option<&str>| of.is_none_or(|of| LAYER_TYPES.iter().any(|it| of.starts_with(it)));
        let sort = match (is_image, layer_types.clone().next().flatten()) {
            (true, None) => return None,
            (true, Some(_)) if layer_types.any(is_layer) => return None,
            (_, layer) => self.artifact_type.as_deref().or(layer).or(config_type),
        };
        Some(sort.unwrap_or("something else").to_owned())
    }
}

impl Descriptor {
    /// What it says of itself that it is instead of an image; None when it does not.
    pub(super) fn other_sort(&self) -> Option<&str> {
        if self.annotation(ATTESTATION_KEY).is_some() {
            return Some("an attestation of a build");
        }
        if self.platform.as_ref().is_some_and(Platform::is_unknown) {
            return Some("something for no platform, as attestations are");
        }
        self.artifact_type.as_deref().filter(|sort| !CONFIG_TYPES.contains(sort))
    }

    pub(super) fn image_name(&self) -> Option<&str> {
        NAME_KEYS.iter().find_map(|key| self.annotation(key)).map(familiar)
    }

    /// Where it is to be had, if it need not be in the archive.
    pub(super) fn url(&self) -> Option<&str> {
        self.urls.as_deref()?.first().map(String::as_str)
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.media_type().is_some_and(|found| found.ends_with("+encrypted"))
    }

    fn media_type(&self) -> Option<&str> {
        self.media_type.as_deref().filter(|found| !found.is_empty())
    }

    fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.as_ref()?.get(key).map(String::as_str)
    }
}

/// A name as `docker images` shows it, without the registry that it means by default.
pub(super) fn familiar(name: &str) -> &str {
    let name = name.strip_prefix("docker.io/").unwrap_or(name);
    name.strip_prefix("library/").filter(|rest| !rest.contains('/')).unwrap_or(name)
}

/// The JSON document of that name; None when there is none of the name.
pub(super) fn document<T: DeserializeOwned>(
    contents: &Contents,
    part: &'static str,
    name: &str,
) -> Result<Option<T>, Problem> {
    let Some(bytes) = document_bytes(contents, part, name)? else { return Ok(None) };
    serde_json::from_slice(bytes).map(Some).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let fault = match error.classify() {
            serde_json::error::Category::Data => "is not what such a document has there",
            _ => "is not JSON",
        };
        let reason = format!("line {line}, column {column} {fault}");
        Problem::malformed(part, name, &reason)
    })
}

/// The bytes of a JSON document.
pub(super) fn document_bytes<'contents>(
    contents: &'contents Contents,
    part: &'static str,
    name: &str,
) -> Result<Option<&'contents [u8]>, Problem> {
    match contents.blob(name).map(|blob| &blob.kind) {
        None => Ok(None),
        Some(BlobKind::Document(bytes)) => Ok(Some(bytes)),
        Some(BlobKind::Broken(reason)) => Err(Problem::malformed(part, name, reason)),
        Some(BlobKind::Layer(_) | BlobKind::Other) => {
            Err(Problem::malformed(part, name, "it is not JSON"))
        }
    }
}

/// The same, held against the digest that it must have.
pub(super) fn verified<T: DeserializeOwned>(
    contents: &Contents,
    part: &'static str,
    name: &str,
    digest: &str,
) -> Result<Option<T>, Problem> {
    if let Some(bytes) = document_bytes(contents, part, name)? {
        let found = digest_like(digest, bytes).ok_or_else(|| {
            Problem::malformed("digest", digest, "its algorithm is neither sha256 nor sha512")
        })?;
        if found != digest.to_ascii_lowercase() {
            let (name, expected) = (name.to_owned(), digest.to_owned());
            return Err(Problem::DigestMismatch { part, name, expected, found });
        }
    }
    document(contents, part, name)
}
