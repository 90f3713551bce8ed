//! What limited a trial: the resource that was used up.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The resource that was used up in a trial, so that no more requests were answered.
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
    /// been answered more.
    Connections,
    /// Nothing: as many requests were answered as were asked for.
    Rate,
    /// Something that the server waited for: a lock, a pause, a delayed acknowledgement, a
    /// database.
    ServerWaits,
}

impl Limit {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::ServerCpu,
        Self::ClientCpu,
        Self::Ports,
        Self::Connections,
        Self::Rate,
        Self::ServerWaits,
    ];

    /// In words, as every report has it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::ServerCpu => "server CPU",
            Self::ClientCpu => "client CPU",
            Self::Ports => "local ports",
            Self::Connections => "connections",
            Self::Rate => "rate asked",
            Self::ServerWaits => "server waits",
        }
    }

    /// For programs, as the record has it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::ServerCpu => "server-cpu",
            Self::ClientCpu => "client-cpu",
            Self::Ports => "ports",
            Self::Connections => "connections",
            Self::Rate => "rate",
            Self::ServerWaits => "server-waits",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_what_the_record_has() {
        for limit in Limit::ALL {
            assert_eq!(serde_json::to_value(limit).unwrap(), limit.code());
        }
    }
}
