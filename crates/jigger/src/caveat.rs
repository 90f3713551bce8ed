//! The kinds of caveats: every gate and confounder by its code, with what a reader has to know about it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

/// In the order in which a reader should know them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, JsonSchema)]
#[schemars(with = "String")]
pub enum Code {
    Errors,
    ClientLimited,
    PortLimited,
    RateNotReached,
    StreamsLimited,
    ObjectiveMissed,
    ConnectionClose,
    BodyDiffers,
    RequestsDiffer,
    HttpVersionDiffers,
    H2SettingsDiffer,
    ContentTypeDiffers,
    CompressionDiffers,
    HeadersDiffer,
    TlsDiffers,
    TlsHelloRetry,
    TlsNotResumed,
    DebugMode,
    LogsPerRequest,
    WorkersExceedCores,
    SurplusBytes,
    DelayedAcks,
    LocalhostResolvesTwice,
    LittlesLaw,
    NotSteady,
    BaselineDiffersFromItself,
    SharedCores,
    SmtSiblings,
}

/// A line for each code, in their order: its stable name, which has a section in docs/confounders.md,
/// and what reports say of it in a few words.
static TABLE: [(Code, &str, &str); 28] = [
    (Code::Errors, "errors", "requests failed, so there is no ratio"),
    (Code::ClientLimited, "client-limited", "the load generator was saturated: lower bounds only"),
    (Code::PortLimited, "port-limited", "the local ports were used up: lower bounds only"),
    (Code::RateNotReached, "rate-not-reached", "the rate was not reached"),
    (
        Code::StreamsLimited,
        "streams-limited",
        "the server allows fewer streams than the scenario has",
    ),
    (Code::ObjectiveMissed, "objective-missed", "no rate met the objective in some rounds"),
    (Code::ConnectionClose, "connection-close", "closes the connection after each response"),
    (Code::BodyDiffers, "body-differs", "response body differs from the baseline's"),
    (Code::RequestsDiffer, "requests-differ", "its requests differ from the baseline's"),
    (Code::HttpVersionDiffers, "http-version-differs", "HTTP version differs from the baseline's"),
    (Code::H2SettingsDiffer, "h2-settings-differ", "HTTP/2 settings differ from the baseline's"),
    (Code::ContentTypeDiffers, "content-type-differs", "content type differs from the baseline's"),
    (Code::CompressionDiffers, "compression-differs", "compression differs from the baseline's"),
    (Code::HeadersDiffer, "headers-differ", "response headers differ from the baseline's"),
    (Code::TlsDiffers, "tls-differs", "TLS parameters differ from the baseline's"),
    (
        Code::TlsHelloRetry,
        "tls-hello-retry",
        "handshakes take an extra round trip (HelloRetryRequest)",
    ),
    (Code::TlsNotResumed, "tls-not-resumed", "resumes less than half of the TLS sessions"),
    (Code::DebugMode, "debug-mode", "runs in debug or development mode"),
    (Code::LogsPerRequest, "logs-per-request", "logs each request"),
    (Code::WorkersExceedCores, "workers-exceed-cores", "more worker processes than cores"),
    (Code::SurplusBytes, "surplus-bytes", "sends bytes beyond its responses"),
    (Code::DelayedAcks, "delayed-acks", "waits for delayed acknowledgements: set TCP_NODELAY"),
    (
        Code::LocalhostResolvesTwice,
        "localhost-resolves-twice",
        "it does not listen on the first address of its host name",
    ),
    (Code::LittlesLaw, "littles-law", "Little's law check failed"),
    (Code::NotSteady, "not-steady", "warm-up did not settle in some visits"),
    (
        Code::BaselineDiffersFromItself,
        "baseline-differs-from-itself",
        "the two entries of the baseline differ",
    ),
    (Code::SharedCores, "shared-cores", "the load generator and the servers share cores"),
    (Code::SmtSiblings, "smt-siblings", "the load generator and the servers share physical cores"),
];

impl Code {
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|(code, ..)| *code)
    }

    pub fn name(self) -> &'static str {
        TABLE[self as usize].1
    }

    pub fn words(self) -> &'static str {
        TABLE[self as usize].2
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_its_line() {
        for (at, code) in Code::all().enumerate() {
            assert_eq!(at, code as usize, "{code}");
        }
    }
}
