//! What a user asks for beside the suite, and the command line that asks for it again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::{Placement, PlacementError};
use crate::suite::{Selection, memory_text};

/// What a user asks for beside the suite.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Options {
    /// The revisions that are compared; absent where a suite is run as it is.
    pub revisions: Option<Revisions>,
    /// Who takes part, and where.
    #[serde(flatten)]
    pub selection: Selection,
    /// How much is measured.
    pub effort: Effort,
    /// Launches of each contender for its start-up time alone.
    pub startups: u16,
    /// What the rounds' orders are drawn with.
    pub seed: u64,
    /// Whether a threshold that is not settled is missed.
    pub strict: bool,
    /// Whether everything is built anew.
    pub clean_build: bool,
    /// Whether container images are left out.
    pub no_images: bool,
    /// The container engine asked for.
    pub engine: Option<String>,
    /// The load engine's cores, where they are asked for.
    pub client_cpus: Option<Vec<usize>>,
    /// The servers' cores, where they are asked for.
    pub server_cpus: Option<Vec<usize>>,
}

/// How much is measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Effort {
    /// As the suite says.
    #[default]
    Suite,
    /// A first look.
    Quick,
    /// For a result to publish.
    Thorough,
    /// So many rounds.
    Rounds(u16),
}

/// Two revisions of every contender.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Revisions {
    /// The one to compare with.
    pub base: String,
    /// The one in question.
    pub head: String,
    /// The metrics that count, where they are not the default ones.
    pub metrics: Vec<String>,
}

impl Options {
    /// The cores asked for, among those that there are.
    ///
    /// # Errors
    /// [`PlacementError`] when a core is not among them.
    pub fn placement(&self, cores: &[usize]) -> Result<Placement, PlacementError> {
        Placement::chosen(cores, self.client_cpus.as_deref(), self.server_cpus.as_deref())
    }

    /// The program's arguments that ask for the same of the suite in this file.
    #[must_use]
    pub fn arguments(&self, suite: &str) -> Vec<String> {
        let Selection { only, place, network, cpus, memory_bytes } = &self.selection;
        let list =
            |cpus: &Vec<usize>| cpus.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let (mut words, metrics) = match &self.revisions {
            None => (vec!["run".to_owned()], &[][..]),
            Some(Revisions { base, head, metrics }) => {
                (vec!["ab".to_owned(), base.clone(), head.clone()], &metrics[..])
            }
        };
        words.push(suite.to_owned());
        let mut flag = |name: &str, value: Option<String>| {
            words.push(format!("--{name}"));
            words.extend(value);
        };
        match self.effort {
            Effort::Suite => {}
            Effort::Quick => flag("quick", None),
            Effort::Thorough => flag("thorough", None),
            Effort::Rounds(rounds) => flag("rounds", Some(rounds.to_string())),
        }
        flag("seed", Some(self.seed.to_string()));
        only.iter().for_each(|name| flag("only", Some(name.clone())));
        metrics.iter().for_each(|name| flag("metric", Some(name.clone())));
        let startups = (self.startups > 0).then(|| self.startups.to_string());
        let place = (*place != Default::default()).then(|| place.name().to_owned());
        let values = [
            ("startups", startups),
            ("in", place),
            ("network", network.map(|network| network.name().to_owned())),
            ("cpus", cpus.map(|cpus| cpus.to_string())),
            ("memory", memory_bytes.map(memory_text)),
            ("engine", self.engine.clone()),
            ("client-cpus", self.client_cpus.as_ref().map(list)),
            ("server-cpus", self.server_cpus.as_ref().map(list)),
        ];
        for (name, value) in values.into_iter().filter(|(_, value)| value.is_some()) {
            flag(name, value);
        }
        let switches = [
            ("strict", self.strict),
            ("clean-build", self.clean_build),
            ("no-images", self.no_images),
        ];
        switches.iter().filter(|(_, is_on)| *is_on).for_each(|(name, _)| flag(name, None));
        words
    }
}
