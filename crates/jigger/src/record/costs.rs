//! What a server costs beside its speed, on disk: launches, what was built, images, containers; and
//! what limited it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::VisitRecord;

/// A launch that was made for its start-up time alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LaunchRecord {
    /// The entry launched: a contender's name, or the placebo.
    pub entry: String,
    /// Which of the entry's launches it is, from 0.
    pub launch: usize,
    /// Spawn to first correct response.
    pub startup_ns: Option<u64>,
    /// Why there is no time.
    pub failure: Option<String>,
}

/// What a build made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ArtifactRecord {
    /// The file or folder, as the suite names it.
    pub path: String,
    /// The regular files in it; one with several names counts once.
    pub bytes: u64,
    /// What the build had to do.
    pub build: BuildKind,
}

/// How much of a build was done in this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BuildKind {
    /// Everything, because of `--clean-build`; the suite says how.
    Clean,
    /// Nothing had been built there before. What tools keep elsewhere (Go's build cache, pip's
    /// downloads) may have shortened it.
    First,
    /// The result of an earlier build was changed.
    Changed,
    /// The result is the same as before, so the time is not a build time.
    Unchanged,
}

/// A container image's sizes.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ImageRecord {
    /// The image's reference.
    pub reference: String,
    /// The engine that built it.
    pub engine: String,
    /// Bytes of the files in it.
    pub unpacked_bytes: u64,
    /// Bytes that a pull of it moves, each layer gzip-compressed.
    pub transfer_bytes: u64,
    /// Unpacked bytes of the layers that no other contender's image has.
    pub own_bytes: u64,
    /// Bytes that no container sees, since a later layer removes or replaces them.
    #[serde(default)]
    pub wasted_bytes: u64,
    /// The size that the engine itself prints.
    pub engine_says_bytes: Option<u64>,
    /// Why the engine's size differs, as a sentence.
    #[serde(default)]
    pub engine_note: Option<String>,
    /// Its layers, bottom first; empty in records of earlier programs.
    #[serde(default)]
    pub layers: Vec<LayerRecord>,
}

/// One layer of an image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LayerRecord {
    /// The digest of its unpacked tar stream.
    pub digest: String,
    /// The command that made it; empty when not recorded.
    pub created_by: String,
    /// Its regular files.
    pub unpacked_bytes: u64,
    /// Its tar stream, gzip-compressed.
    pub transfer_bytes: u64,
    /// The part of its unpacked bytes that no container sees.
    pub wasted_bytes: u64,
    /// How many regular files it has.
    pub files: u64,
    /// Other contenders whose images have the same layer.
    pub shared_with: Vec<String>,
    /// Its biggest files, biggest first.
    pub biggest: Vec<BigFileRecord>,
}

/// One file of a layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BigFileRecord {
    /// Its path in the layer.
    pub path: String,
    /// Its size.
    pub bytes: u64,
}

/// How a contender ran in a container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ContainerRecord {
    /// The contender whose image it ran from; another than itself when both were measured.
    pub of: String,
    /// The image's reference.
    pub image: String,
    /// `docker` or `podman`.
    pub engine: String,
    /// `host` or `bridge`.
    pub network: String,
    /// The most processor time that it could use, in cores.
    pub cpus: Option<f64>,
    /// The most memory that it could use.
    pub memory_bytes: Option<u64>,
}

impl LaunchRecord {
    /// What a visit that was a launch alone tells; nothing of a server that jigger does not start.
    pub fn of(visit: VisitRecord) -> Option<Self> {
        let VisitRecord { entry, round, startup_ns, failure, .. } = visit;
        let startup_ns = startup_ns.filter(|_| failure.is_none());
        let launch = Self { entry, launch: round, startup_ns, failure };
        (launch.startup_ns.is_some() || launch.failure.is_some()).then_some(launch)
    }
}

/// The resource that was used up in a trial, so that no more requests were served.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// The server's processor time: the rate is what the server can do.
    ServerCpu,
    /// The load engine's processor time, or what it reaches at best on this machine.
    ClientCpu,
    /// The kernel's local ports, of which each new connection takes one.
    Ports,
    /// The connections: all of them were busy and nothing waited, so that more of them would have
    /// been served more.
    Connections,
    /// Nothing: as many requests were served as were due.
    Rate,
    /// The processor time of services that have cores of their own.
    ServiceCpu,
    /// The processor time of the cores that the server and its services share.
    ServerAndServiceCpu,
    /// Something that the server waited for: a lock, a pause, a delayed acknowledgement, a
    /// database.
    ServerWaits,
}

impl Limit {
    /// In words, as every report has it.
    pub fn words(self) -> &'static str {
        match self {
            Self::ServerCpu => "server CPU",
            Self::ClientCpu => "client CPU",
            Self::Ports => "local ports",
            Self::Connections => "connections",
            Self::Rate => "fixed rate",
            Self::ServiceCpu => "service CPU",
            Self::ServerAndServiceCpu => "server + service CPU",
            Self::ServerWaits => "server waits",
        }
    }

    /// For programs, as the record has it.
    pub fn code(self) -> &'static str {
        match self {
            Self::ServerCpu => "server-cpu",
            Self::ClientCpu => "client-cpu",
            Self::Ports => "ports",
            Self::Connections => "connections",
            Self::Rate => "rate",
            Self::ServiceCpu => "service-cpu",
            Self::ServerAndServiceCpu => "server-and-service-cpu",
            Self::ServerWaits => "server-waits",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_what_the_record_has() {
        use Limit::{ClientCpu, Connections, Ports, Rate, ServerCpu, ServerWaits};
        use Limit::{ServerAndServiceCpu, ServiceCpu};
        let services = [ServiceCpu, ServerAndServiceCpu];
        let others = [ServerCpu, ClientCpu, Ports, Connections, Rate, ServerWaits];
        for limit in services.into_iter().chain(others) {
            assert_eq!(serde_json::to_value(limit).unwrap(), limit.code());
        }
    }
}
