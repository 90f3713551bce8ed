//! Where contenders run, and how they are built.

use clap::{Args, ValueEnum};

use crate::prepare::Builds;
use crate::suite::{ContainerLimits, Network, Place, cpus, memory_bytes};

/// Where contenders run, and how they are built.
#[derive(Debug, Clone, Args)]
pub struct PlaceArgs {
    /// Where contenders run; "both": each in both ways
    #[arg(long = "in", value_name = "PLACE", value_enum, default_value_t = In::Processes)]
    pub place: In,
    /// Containers' network [default: the suite's, else host]
    #[arg(long, value_enum)]
    pub network: Option<OnNetwork>,
    /// The most cores that a container may use, such as 0.5 [default: the suite's, else no limit]
    #[arg(long, value_name = "N", value_parser = cores)]
    pub cpus: Option<f64>,
    /// The most memory that a container may use, such as 256m [default: the suite's, else no limit]
    #[arg(long, value_name = "SIZE", value_parser = memory_bytes)]
    pub memory: Option<u64>,
    /// Build everything anew, where the suite says how
    #[arg(long)]
    pub clean_build: bool,
}

/// `--in`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum In {
    /// As processes of the host.
    Processes,
    /// In containers, from the contenders' images.
    Containers,
    /// Each in both ways.
    Both,
}

/// `--network`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnNetwork {
    /// The host's own.
    Host,
    /// The engine's bridge, with a published port.
    Bridge,
}

impl PlaceArgs {
    /// The place asked for.
    #[must_use]
    pub fn place(&self) -> Place {
        match self.place {
            In::Processes => Place::Processes,
            In::Containers => Place::Containers,
            In::Both => Place::Both,
        }
    }

    /// The suite's limits, with those of the command line over them.
    #[must_use]
    pub fn limits(&self, of_suite: ContainerLimits) -> ContainerLimits {
        let network = self.network.map(|network| match network {
            OnNetwork::Host => Network::Host,
            OnNetwork::Bridge => Network::Bridge,
        });
        ContainerLimits {
            network: network.unwrap_or(of_suite.network),
            cpus: self.cpus.or(of_suite.cpus),
            memory_bytes: self.memory.or(of_suite.memory_bytes),
        }
    }

    /// How contenders are built.
    #[must_use]
    pub fn builds(&self) -> Builds {
        if self.clean_build { Builds::Clean } else { Builds::Incremental }
    }
}

fn cores(text: &str) -> Result<f64, String> {
    let number = text.parse().map_err(|_| format!("'{text}' is no number of cores"))?;
    cpus(number)
}
