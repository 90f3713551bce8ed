//! Which images an archive holds, by its manifests and configurations; what else it holds is passed
//! over, and said.

use std::collections::HashSet;

use super::Problem;
use super::archive::Contents;
use super::digest::{digest_of, short};
use super::manifest::{
    Config, Descriptor, Manifest, Platform, SavedImage, document, document_bytes, familiar,
    verified,
};

/// An index may name indexes; more than this is a loop or a joke.
const INDEXES_MAX: usize = 4;

/// All manifests together that are looked at; indexes that name each other are soon many.
const MANIFESTS_MAX: usize = 10_000;

const SAVED: &str = "manifest.json";

/// The images of an archive, in its order; at least one. And what was not one, or could not be read.
pub(super) struct Found {
    pub(super) images: Vec<Described>,
    pub(super) notes: Vec<String>,
    pub(super) faults: Vec<Problem>,
}

/// One image of an archive, as its manifest and configuration tell it.
pub(super) struct Described {
    /// The names by which the archive knows it.
    pub(super) names: Vec<String>,
    pub(super) platform: String,
    /// The digest of its configuration, which is what engines know it by.
    pub(super) id: String,
    pub(super) config: Config,
    /// Its layers' blobs, bottom first; as many as the configuration has diff ids.
    pub(super) layers: Vec<LayerBlob>,
}

pub(super) struct LayerBlob {
    pub(super) name: String,
    /// Where it is to be had, if it need not be in the archive.
    pub(super) url: Option<String>,
    pub(super) is_encrypted: bool,
}

/// All images of an archive.
///
/// # Errors
/// There is none; the reason is the first that was met.
pub(super) fn images(contents: &Contents) -> Result<Found, Problem> {
    let mut finder = Finder::new(contents);
    let has_saved = finder.add_saved()?;
    let index = match document::<Manifest>(contents, "index", "index.json") {
        // Docker's own manifest suffices.
        Err(problem) if !finder.images.is_empty() => {
            finder.notes.push(format!("index.json was ignored: {problem}"));
            None
        }
        other => other?,
    };
    match index {
        Some(index) => {
            finder.add_all(index.manifests.as_deref().unwrap_or_default(), None, INDEXES_MAX)
        }
        None if !has_saved => {
            let reason = "it has neither manifest.json nor index.json, or ends before them";
            return Err(Problem::NotAnImage(reason.to_owned()));
        }
        None => {}
    }
    finder.found()
}

/// Follows manifests and indexes to images.
struct Finder<'contents> {
    contents: &'contents Contents,
    images: Vec<Described>,
    notes: Vec<String>,
    faults: Vec<Problem>,
    /// What is named and not there: the reason, and what to call it. An index lists all platforms
    /// of an image, of which an archive often holds one.
    absent: Vec<(Problem, String)>,
    passed_over: HashSet<String>,
    manifests_left: usize,
}

/// How an index speaks of a manifest.
#[derive(Clone, Copy, Default)]
struct Mention<'a> {
    name: Option<&'a str>,
    platform: Option<&'a Platform>,
    digest: &'a str,
}

impl<'contents> Finder<'contents> {
    fn new(contents: &'contents Contents) -> Self {
        Self {
            contents,
            images: Vec::new(),
            notes: Vec::new(),
            faults: Vec::new(),
            absent: Vec::new(),
            passed_over: HashSet::new(),
            manifests_left: MANIFESTS_MAX,
        }
    }

    /// Adds what `manifest.json` names, which is Docker's list of images or an image's own manifest;
    /// false when there is no such file.
    fn add_saved(&mut self) -> Result<bool, Problem> {
        let Some(bytes) = document_bytes(self.contents, "manifest", SAVED)? else {
            return Ok(false);
        };
        if bytes.trim_ascii_start().starts_with(b"{") {
            if let Some(manifest) = document::<Manifest>(self.contents, "manifest", SAVED)? {
                self.add_manifest(
                    &manifest,
                    Mention { digest: SAVED, ..Mention::default() },
                    INDEXES_MAX,
                );
            }
            return Ok(true);
        }
        let saved = document::<Vec<SavedImage>>(self.contents, "manifest", SAVED)?;
        for saved in saved.unwrap_or_default() {
            let added = self.add_saved_image(saved);
            self.faults.extend(added.err());
        }
        Ok(true)
    }

    fn add_saved_image(&mut self, saved: SavedImage) -> Result<(), Problem> {
        let names = saved.repo_tags.unwrap_or_default();
        let names: Vec<_> = names.iter().map(|name| familiar(name).to_owned()).collect();
        let Some(config) = self.saved_config(&saved.config)? else {
            self.add_absent("configuration", &saved.config, names.first().unwrap_or(&saved.config));
            return Ok(());
        };
        let sources = saved.layer_sources.unwrap_or_default();
        let layers = saved.layers.unwrap_or_default().into_iter().enumerate().map(|(at, name)| {
            let source = config.diff_ids().get(at).and_then(|id| sources.get(id));
            let url = source.and_then(Descriptor::url).map(str::to_owned);
            LayerBlob { name, url, is_encrypted: false }
        });
        let layers = layers.collect();
        let platform = config.platform(None);
        self.add_image(&saved.config, names, platform, config, layers)
    }

    /// A configuration by the name that Docker's manifest gives it. Docker takes the digest of what
    /// it finds there, whatever the name; in an OCI layout's folder the name must be the digest.
    fn saved_config(&mut self, name: &str) -> Result<Option<Config>, Problem> {
        let part = "configuration";
        if let Some((algorithm, digits)) =
            name.strip_prefix("blobs/").and_then(|rest| rest.split_once('/'))
        {
            return verified(self.contents, part, name, &format!("{algorithm}:{digits}"));
        }
        let digits = name.strip_suffix(".json").unwrap_or(name);
        if let Some(bytes) = document_bytes(self.contents, part, name)?
            && digits.len() == 64
            && digest_of(bytes) != format!("sha256:{}", digits.to_ascii_lowercase())
        {
            let found = digest_of(bytes);
            self.notes.push(format!(
                "the configuration {name} is not named by its digest, which is {found}; engines \
                 accept it"
            ));
        }
        document(self.contents, part, name)
    }

    fn add_all(&mut self, manifests: &[Descriptor], name: Option<&str>, depth: usize) {
        for descriptor in manifests {
            let added = self.add_descriptor(descriptor, name, depth);
            self.faults.extend(added.err());
        }
    }

    /// Adds what an index names. `name` is what an index above called it.
    fn add_descriptor(
        &mut self,
        descriptor: &Descriptor,
        name: Option<&str>,
        depth: usize,
    ) -> Result<(), Problem> {
        let Some(left) = self.manifests_left.checked_sub(1) else { return Ok(()) };
        self.manifests_left = left;
        if let Some(sort) = descriptor.other_sort() {
            self.pass_over(&descriptor.digest, sort);
            return Ok(());
        }
        let mention = Mention {
            name: descriptor.image_name().or(name),
            platform: descriptor.platform.as_ref(),
            digest: &descriptor.digest,
        };
        let blob = self.blob_name(&descriptor.digest)?;
        match verified::<Manifest>(self.contents, "manifest", &blob, &descriptor.digest)? {
            Some(manifest) => self.add_manifest(&manifest, mention, depth),
            None => self.add_absent("manifest", &blob, &mention.label()),
        }
        Ok(())
    }

    fn add_manifest(&mut self, manifest: &Manifest, mention: Mention<'_>, depth: usize) {
        if let Some(manifests) = &manifest.manifests {
            if let Some(depth) = depth.checked_sub(1) {
                self.add_all(manifests, mention.name, depth);
            }
        } else if let Some(sort) = manifest.other_sort() {
            self.pass_over(mention.digest, &sort);
        } else {
            let added = self.add_manifest_image(manifest, mention);
            self.faults.extend(added.err());
        }
    }

    fn add_manifest_image(
        &mut self,
        manifest: &Manifest,
        mention: Mention<'_>,
    ) -> Result<(), Problem> {
        let Some(descriptor) = &manifest.config else {
            return Err(Problem::malformed(
                "manifest",
                mention.digest,
                "it names no configuration",
            ));
        };
        let blob = self.blob_name(&descriptor.digest)?;
        let found = verified::<Config>(self.contents, "configuration", &blob, &descriptor.digest)?;
        let Some(config) = found else {
            self.add_absent("configuration", &blob, &mention.label());
            return Ok(());
        };
        let layers = manifest.layers.iter().flatten().map(|layer| {
            Ok(LayerBlob {
                name: self.blob_name(&layer.digest)?,
                url: layer.url().map(str::to_owned),
                is_encrypted: layer.is_encrypted(),
            })
        });
        let layers = layers.collect::<Result<Vec<_>, Problem>>()?;
        let is_absent =
            |layer: &LayerBlob| layer.url.is_none() && self.contents.blob(&layer.name).is_none();
        if let Some(first) = layers.first().filter(|_| layers.iter().all(is_absent)) {
            self.add_absent("layer", &first.name.clone(), &mention.label());
            return Ok(());
        }
        let names = mention.name.map(str::to_owned).into_iter().collect();
        let platform = config.platform(mention.platform);
        self.add_image(&blob, names, platform, config, layers)
    }

    /// Adds an image, or further names of one that is there already.
    fn add_image(
        &mut self,
        config_name: &str,
        names: Vec<String>,
        platform: String,
        config: Config,
        layers: Vec<LayerBlob>,
    ) -> Result<(), Problem> {
        let (named, expected) = (layers.len(), config.diff_ids().len());
        if named != expected {
            let reason = format!("it has {expected} layers, the manifest {named}");
            return Err(Problem::malformed("configuration", config_name, &reason));
        }
        let bytes = document_bytes(self.contents, "configuration", config_name)?;
        let id = digest_of(bytes.unwrap_or_default());
        if let Some(known) = self.images.iter_mut().find(|image| image.id == id) {
            // Docker's manifest has whole names, where an index may have the tag alone.
            let tag_of = |known: &String, name: &String| known.ends_with(&format!(":{name}"));
            let new: Vec<_> = names
                .into_iter()
                .filter(|name| !known.names.iter().any(|it| it == name || tag_of(it, name)))
                .collect();
            known.names.extend(new);
            return Ok(());
        }
        self.images.push(Described { names, platform, id, config, layers });
        Ok(())
    }

    /// The name of the blob with that digest, wherever it is: in an OCI layout, or at the top of
    /// skopeo's `dir:`, where manifests have an ending and older versions gave layers one too.
    fn blob_name(&self, digest: &str) -> Result<String, Problem> {
        let Some((algorithm, digits)) = digest.split_once(':') else {
            return Err(Problem::malformed("digest", digest, "it names no algorithm"));
        };
        let of_layout = format!("blobs/{algorithm}/{digits}");
        let elsewhere = [
            digits.to_owned(),
            format!("{digits}.manifest.json"),
            format!("{algorithm}-{digits}"),
            format!("{algorithm}-{digits}.manifest.json"),
            format!("{digits}.tar"),
        ];
        if self.contents.blob(&of_layout).is_some() {
            return Ok(of_layout);
        }
        let found = elsewhere.into_iter().find(|name| self.contents.blob(name).is_some());
        Ok(found.unwrap_or(of_layout))
    }

    fn add_absent(&mut self, part: &'static str, name: &str, label: &str) {
        let problem = Problem::Missing { part, name: name.to_owned() };
        self.absent.push((problem, format!("ignored {label}: its {part} is not in the archive")));
    }

    fn pass_over(&mut self, digest: &str, sort: &str) {
        if self.passed_over.insert(digest.to_owned()) {
            let digest = short(digest);
            self.notes
                .push(format!("ignored the manifest {digest}: it is not an image but {sort}"));
        }
    }

    fn found(mut self) -> Result<Found, Problem> {
        let mut told = HashSet::new();
        self.faults.retain(|fault| told.insert(fault.to_string()));
        if !self.images.is_empty() {
            let absent = self.absent.into_iter().map(|(_, note)| note);
            self.notes.extend(absent.filter(|note| told.insert(note.clone())));
            return Ok(Found { images: self.images, notes: self.notes, faults: self.faults });
        }
        let absent = self.absent.into_iter().map(|(problem, _)| problem);
        Err(self.faults.into_iter().chain(absent).next().unwrap_or_else(|| {
            let others = self.notes.join("; ");
            let others = if others.is_empty() { others } else { format!(" ({others})") };
            Problem::NotAnImage(format!("its manifest names no image{others}"))
        }))
    }
}

impl Mention<'_> {
    fn label(self) -> String {
        let platform = self.platform.map(Platform::text).filter(|text| !text.is_empty());
        let digest = short(self.digest);
        match (self.name, platform) {
            (Some(name), Some(platform)) => format!("{name} for {platform} ({digest})"),
            (Some(known), None) => format!("{known} ({digest})"),
            (None, Some(known)) => format!("the image for {known} ({digest})"),
            (None, None) => format!("the image {digest}"),
        }
    }
}
