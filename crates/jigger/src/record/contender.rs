//! Contenders on disk: who took part, what became of each, and how it was started.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ArtifactRecord, ContainerRecord, ImageRecord, VariantRecord};

/// What became of a contender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It took part.
    Measured,
    /// The machine lacks what it needs.
    Skipped,
    /// It did not build, start, respond or keep running.
    Failed,
}

/// One contender.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ContenderRecord {
    /// Its name.
    pub name: String,
    /// What became of it.
    pub status: Status,
    /// Why, when it was skipped or failed.
    pub reason: Option<String>,
    /// The command that started it; empty when it was running already.
    pub start: Vec<String>,
    /// Environment given to it.
    pub environment: Vec<(String, String)>,
    /// Wall time of its build in this run; short when nothing had changed.
    pub build_seconds: Option<f64>,
    /// What the build made, where the suite names it.
    #[serde(default)]
    pub artifact: Option<ArtifactRecord>,
    /// Its container image.
    pub image: Option<ImageRecord>,
    /// Why there is no image figure.
    pub image_reason: Option<String>,
    /// How it ran in a container; absent when it ran as a process of the host.
    #[serde(default)]
    pub container: Option<ContainerRecord>,
    /// The services that it used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uses: Vec<String>,
    /// The user that it ran as; absent for jigger's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Which one of several that the suite's matrix made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<VariantRecord>,
    /// The contender that it is a variant of, where the suite names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counterpart: Option<String>,
    /// The version of HTTP that it was loaded in, in RFC 7301's words; absent for the scenario's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// Requests under way at once on each of its kept connections, where that is not the scenario's
    /// number; it had so many times fewer connections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub streams: Option<usize>,
    /// Headers that its requests had besides the suite's, or instead; placeholders are not filled in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The path of its request, instead of the suite's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

impl ContenderRecord {
    /// The contender whose second entry this is, the one that runs from its image with `--in both`;
    /// none for any other.
    pub fn second_entry_of(&self) -> Option<&str> {
        let container = self.container.as_ref()?;
        (container.of != self.name).then_some(container.of.as_str())
    }

    /// Its image, once: a second entry's is that of the first, which has it already.
    pub fn own_image(&self) -> Option<&ImageRecord> {
        self.image.as_ref().filter(|_| self.second_entry_of().is_none())
    }
}
