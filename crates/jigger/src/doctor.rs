//! What this machine has and lacks for which feature, what that means, and the remedy. Nothing is
//! changed.
//!
//! What to look at is taken from pyperf's `system show`
//! (<https://pyperf.readthedocs.io/en/latest/system.html>) and from what jigger itself uses.

mod cores;
mod finding;
mod kernel;
mod programs;
mod text;

use schemars::JsonSchema;
use serde::Serialize;

use crate::cross_check::process::Runner;
use crate::host::{Host, Placement, allowed_cores};

use finding::Finding;

/// Of the shape of [`Examination`].
pub const VERSION: u32 = 1;

/// All that was found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Examination {
    /// The version of this format; it increases with a change of meaning.
    pub version: u32,
    /// The version of jigger.
    pub jigger: &'static str,
    /// The machine.
    pub host: Host,
    pub topics: Vec<Topic>,
}

/// Findings that belong together.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Topic {
    /// What they are about: `cores and clock`, `kernel`, `programs`, `other load generators`,
    /// `this build`.
    pub name: &'static str,
    pub findings: Vec<Finding>,
}

impl Examination {
    /// Looks at the machine that this process runs on; `runner` runs programs for their versions.
    pub fn of_this_machine(runner: &Runner) -> Self {
        let (host, cores) = (Host::inspect(), allowed_cores());
        let placement = Placement::split(&cores);
        let topic = |name, findings| Topic { name, findings };
        Self {
            version: VERSION,
            jigger: env!("CARGO_PKG_VERSION"),
            topics: vec![
                topic("cores and clock", cores::examine(&host, &placement)),
                topic("kernel", kernel::examine(&host)),
                topic("programs", programs::examine(runner)),
                topic("other load generators", programs::load_generators(runner)),
                topic("this build", programs::features()),
            ],
            host,
        }
    }
}
