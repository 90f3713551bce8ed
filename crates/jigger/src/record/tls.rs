//! What came of TLS, on disk.

use jigger_load::{TlsAgreement, TlsSample};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Record, encode_histogram};

/// What client and server agreed on, in the names of IANA's registries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TlsAgreementRecord {
    /// "1.2" or "1.3".
    pub version: String,
    /// The cipher suite.
    pub cipher: String,
    /// The group of the key exchange; absent in a resumed session of TLS 1.2.
    pub group: Option<String>,
    /// The kind of the certificate's public key, such as "RSA 2048".
    pub certificate_key: Option<String>,
    /// The protocol that the server chose by ALPN.
    pub alpn: Option<String>,
}

/// The TLS handshakes of a trial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TlsTrialRecord {
    /// Handshakes that succeeded.
    pub handshakes: u64,
    /// Those that resumed an earlier session.
    pub resumed: u64,
    /// Those with a HelloRetryRequest, which costs a round trip.
    pub hello_retries: u64,
    /// From the moment when the connection was made until a request could be sent.
    pub handshake_time: String,
    /// What most handshakes agreed on.
    pub agreed: Option<TlsAgreementRecord>,
}

impl From<&TlsAgreement> for TlsAgreementRecord {
    fn from(agreement: &TlsAgreement) -> Self {
        let TlsAgreement { version, cipher, group, certificate_key, alpn } = agreement.clone();
        Self { version, cipher, group, certificate_key, alpn }
    }
}

impl From<&TlsSample> for TlsTrialRecord {
    fn from(sample: &TlsSample) -> Self {
        let most = sample.agreed.iter().max_by_key(|(_, count)| **count);
        Self {
            handshakes: sample.handshake_time_ns.len(),
            resumed: sample.resumed,
            hello_retries: sample.hello_retries,
            handshake_time: encode_histogram(&sample.handshake_time_ns),
            agreed: most.map(|(agreement, _)| agreement.into()),
        }
    }
}

impl Record {
    /// What was agreed on with a contender when it was first verified.
    pub fn tls_of<'a>(&'a self, contender: &'a str) -> Option<&'a TlsAgreementRecord> {
        let verified = self.visits_of(contender).find_map(|visit| visit.evidence.as_ref());
        verified?.tls.as_ref()
    }

    /// The same in words; `None` where the contender was never verified.
    pub fn tls_words(&self, contender: &str) -> Option<String> {
        let evidence = self.visits_of(contender).find_map(|visit| visit.evidence.as_ref())?;
        let words = evidence.tls.as_ref().map(TlsAgreementRecord::words);
        Some(words.unwrap_or_else(|| "no TLS".to_owned()))
    }
}

impl TlsAgreementRecord {
    /// In a line: `TLS 1.3, TLS_AES_128_GCM_SHA256, X25519MLKEM768, RSA 2048`.
    pub fn words(&self) -> String {
        let mut words = vec![format!("TLS {}", self.version), self.cipher.clone()];
        words.extend(self.group.clone());
        words.extend(self.certificate_key.clone());
        words.extend(self.alpn.clone().filter(|alpn| alpn != "http/1.1"));
        words.join(", ")
    }
}
