//! Where contenders run, and how they are built.

use clap::Args;

use crate::suite::{Network, Place, Selection, cpus, memory_bytes};

/// Where contenders run, and how they are built.
#[derive(Debug, Clone, Args)]
pub struct PlaceArgs {
    /// Where contenders run; "both": each in both ways
    #[arg(long = "in", value_enum, default_value_t = Place::Processes)]
    pub place: Place,
    /// Containers' network [default: the suite's, else host]
    #[arg(long, value_enum)]
    pub network: Option<Network>,
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

impl PlaceArgs {
    /// These contenders of a suite, or all, where they are to run.
    #[must_use]
    pub fn selection(&self, only: &[String]) -> Selection {
        Selection {
            only: only.to_vec(),
            place: self.place,
            network: self.network,
            cpus: self.cpus,
            memory_bytes: self.memory,
        }
    }
}

fn cores(text: &str) -> Result<f64, String> {
    let number = text.parse().map_err(|_| format!("'{text}' is no number of cores"))?;
    cpus(number)
}
