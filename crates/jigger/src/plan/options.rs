//! What the command line adds to the suite, and the command line that repeats it.

use clap::Args;

use super::flag::{Time, time, whole};
use crate::host::{NotCpus, Placement, PlacementError, parse_cpus};
use crate::numbers;
use crate::suite::{Place, Selection, memory_text};

/// What the command line adds to the suite.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub struct Options {
    /// The revisions that `jigger ab` compares; absent for other commands.
    #[arg(skip)]
    pub revisions: Option<Revisions>,
    /// How much is measured.
    #[command(flatten)]
    pub method: Method,
    /// Which contenders take part, and where they run.
    #[command(flatten)]
    pub selection: Selection,
    /// Rebuild from scratch the contenders that have a `clean_build` in the suite
    #[arg(long)]
    pub clean_build: bool,
    /// Do not build container images
    #[arg(long)]
    pub no_images: bool,
    /// Container engine: docker or podman [default: the first that responds]
    #[arg(long, value_name = "NAME")]
    pub engine: Option<String>,
    /// Which cores are used.
    #[command(flatten)]
    pub cores: Cores,
}

/// How much is measured.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Method {
    /// Run three short rounds, or as many as --rounds says; intervals are wide
    #[arg(long, conflicts_with = "thorough")]
    pub quick: bool,
    /// Run 20 to 40 rounds, for up to an hour, for results to be published
    #[arg(long, conflicts_with = "rounds")]
    pub thorough: bool,
    /// Run exactly N rounds, however long they take
    #[arg(long, value_name = "N", value_parser = whole::<u16>(1, u16::MAX.into()))]
    pub rounds: Option<u16>,
    /// Longest duration of a warm-up; a plain number is seconds [default: the suite's]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub warm_up: Option<Time>,
    /// Launch each contender N more times to measure start-up time
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = whole::<u16>(0, u16::MAX.into()))]
    pub startups: u16,
    /// Seed for the order of contenders in each round
    #[arg(long, value_name = "N", default_value_t = 42, value_parser = whole::<u64>(0, u64::MAX))]
    pub seed: u64,
    /// Treat inconclusive thresholds as failures
    #[arg(long)]
    pub strict: bool,
}

/// Which cores are used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Cores {
    /// Cores of the load generator, such as 0 or 0,2-3 [default: a quarter of all]
    #[arg(long, value_name = "LIST", value_parser = cpu_list)]
    pub client_cpus: Option<CpuList>,
    /// Cores of the servers [default: all that the load generator does not use]
    #[arg(long, value_name = "LIST", value_parser = cpu_list)]
    pub server_cpus: Option<CpuList>,
}

/// Core numbers, ascending, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CpuList(pub Vec<usize>);

/// `0,2-3`.
pub fn cpu_list(text: &str) -> Result<CpuList, NotCpus> {
    parse_cpus(text).map(CpuList)
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revisions {
    pub base: String,
    pub head: String,
    /// The metrics that count, if they are not the default ones.
    pub metrics: Vec<String>,
}

impl Cores {
    /// The cores that were chosen, among the available ones.
    pub fn placement(&self, cores: &[usize]) -> Result<Placement, PlacementError> {
        let of = |list: &Option<CpuList>| list.as_ref().map(|list| list.0.clone());
        let (client, server) = (of(&self.client_cpus), of(&self.server_cpus));
        Placement::chosen(cores, client.as_deref(), server.as_deref())
    }
}

impl Options {
    /// The program's arguments that repeat these options for the suite in this file.
    pub fn arguments(&self, suite: &str) -> Vec<String> {
        let Self { method, selection, cores, .. } = self;
        let list = |cpus: &CpuList| numbers::cpu_list(&cpus.0, ",");
        let (mut words, metrics) = match &self.revisions {
            None => (vec!["run".to_owned()], &[][..]),
            Some(Revisions { base, head, metrics }) => {
                (vec!["ab".to_owned(), base.clone(), head.clone()], &metrics[..])
            }
        };
        words.push(suite.to_owned());
        let startups = (method.startups > 0).then(|| method.startups.to_string());
        let is_placed = selection.place != Place::default();
        let values = [
            ("rounds", method.rounds.map(|rounds| rounds.to_string())),
            ("warm-up", method.warm_up.as_ref().map(|time| time.text.clone())),
            ("seed", Some(method.seed.to_string())),
            ("startups", startups),
            ("in", is_placed.then(|| selection.place.name().to_owned())),
            ("network", selection.network.map(|network| network.name().to_owned())),
            ("cpus", selection.cpus.map(|cpus| cpus.to_string())),
            ("memory", selection.memory_bytes.map(memory_text)),
            ("engine", self.engine.clone()),
            ("client-cpus", cores.client_cpus.as_ref().map(list)),
            ("server-cpus", cores.server_cpus.as_ref().map(list)),
        ];
        let values = values.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let only = selection.only.iter().map(|name| ("only", name.clone()));
        let metrics = metrics.iter().map(|name| ("metric", name.clone()));
        for (name, value) in values.chain(only).chain(metrics) {
            words.extend([format!("--{name}"), value]);
        }
        let switches = [
            ("quick", method.quick),
            ("thorough", method.thorough),
            ("strict", method.strict),
            ("clean-build", self.clean_build),
            ("no-images", self.no_images),
        ];
        let switches = switches.iter().filter(|(_, is_on)| *is_on);
        words.extend(switches.map(|(name, _)| format!("--{name}")));
        words
    }
}
