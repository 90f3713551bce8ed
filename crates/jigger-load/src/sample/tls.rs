//! What came of the TLS handshakes of a load.

use super::{add, histogram};
use hdrhistogram::Histogram;
use std::collections::BTreeMap;

/// What the TLS handshakes of a load came to.
#[derive(Clone, Debug)]
pub struct TlsSample {
    /// From the moment that the connection stood until a request could go out, in nanoseconds: one
    /// for each handshake that succeeded.
    pub handshake_time_ns: Histogram<u64>,
    /// Handshakes that resumed an earlier session: no certificate was sent and none verified.
    pub resumed: u64,
    /// Handshakes with a HelloRetryRequest: the server wanted another group than those that the
    /// client had sent a share for, which costs a round trip.
    pub hello_retries: u64,
    /// What was agreed on, and by how many handshakes.
    pub agreed: BTreeMap<TlsAgreement, u64>,
}

/// What a client and a server agreed on, in the names of IANA's registries.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct TlsAgreement {
    /// `1.2` or `1.3`.
    pub version: String,
    /// Such as `TLS_AES_128_GCM_SHA256`.
    pub cipher: String,
    /// The group of the key exchange, such as `X25519MLKEM768`; none in a resumed session of TLS 1.2.
    pub group: Option<String>,
    /// The public key of the server's certificate, such as `RSA 2048` or `EC secp256r1`.
    pub certificate_key: Option<String>,
    /// The protocol that the server chose by ALPN; none where it chose none.
    pub alpn: Option<String>,
}

impl Default for TlsSample {
    fn default() -> TlsSample {
        let (resumed, hello_retries) = (0, 0);
        let agreed = BTreeMap::new();
        TlsSample { handshake_time_ns: histogram(), resumed, hello_retries, agreed }
    }
}

impl TlsSample {
    /// Takes in what another thread's handshakes came to.
    pub(super) fn merge(&mut self, other: TlsSample) {
        add(&mut self.handshake_time_ns, &other.handshake_time_ns);
        self.resumed += other.resumed;
        self.hello_retries += other.hello_retries;
        for (agreement, count) in other.agreed {
            *self.agreed.entry(agreement).or_default() += count;
        }
    }
}
