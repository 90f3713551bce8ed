//! What the two sides of a session agreed on, and how many sessions of a thread did.

use super::key;
use super::options::{TlsVersion, cipher_name, group_name};
use crate::sample::{TlsAgreement, TlsSample};
use rustls::pki_types::CertificateDer;
use rustls::{
    CipherSuite, ClientConnection, CommonState, HandshakeKind, NamedGroup, ProtocolVersion,
};

/// What one thread's handshakes came to. Most are like the one before, and then nothing is
/// translated.
#[derive(Debug, Default)]
pub(super) struct Handshakes {
    sample: TlsSample,
    latest: Option<(Terms, u64)>,
}

/// As rustls has them.
#[derive(Debug, PartialEq, Eq)]
struct Terms {
    version: Option<ProtocolVersion>,
    cipher: Option<CipherSuite>,
    group: Option<NamedGroup>,
    certificate: Option<CertificateDer<'static>>,
    alpn: Option<Vec<u8>>,
}

impl Handshakes {
    pub(super) fn count(&mut self, session: &ClientConnection, duration_ns: u64) {
        self.sample.handshake_time_ns.saturating_record(duration_ns);
        match session.handshake_kind() {
            Some(HandshakeKind::Resumed) => self.sample.resumed += 1,
            Some(HandshakeKind::FullWithHelloRetryRequest) => self.sample.hello_retries += 1,
            Some(HandshakeKind::Full) | None => {}
        }
        match &mut self.latest {
            Some((terms, count)) if terms.are_of(session) => *count += 1,
            _ => {
                self.settle();
                self.latest = Some((Terms::of(session), 1));
            }
        }
    }

    pub(super) fn take(&mut self) -> TlsSample {
        self.settle();
        std::mem::take(&mut self.sample)
    }

    /// Enters the latest terms under their names.
    fn settle(&mut self) {
        if let Some((terms, count)) = self.latest.take() {
            *self.sample.agreed.entry(terms.named()).or_default() += count;
        }
    }
}

/// What this session agreed on, in names.
pub(super) fn agreement(session: &CommonState) -> TlsAgreement {
    Terms::of(session).named()
}

impl Terms {
    fn of(session: &CommonState) -> Terms {
        Terms {
            version: session.protocol_version(),
            cipher: session.negotiated_cipher_suite().map(|suite| suite.suite()),
            group: session.negotiated_key_exchange_group().map(|group| group.name()),
            certificate: first_certificate(session).cloned(),
            alpn: session.alpn_protocol().map(<[u8]>::to_vec),
        }
    }

    fn are_of(&self, session: &CommonState) -> bool {
        self.version == session.protocol_version()
            && self.cipher == session.negotiated_cipher_suite().map(|suite| suite.suite())
            && self.group == session.negotiated_key_exchange_group().map(|group| group.name())
            && self.alpn.as_deref() == session.alpn_protocol()
            && self.certificate.as_ref() == first_certificate(session)
    }

    fn named(&self) -> TlsAgreement {
        let version = match self.version {
            Some(ProtocolVersion::TLSv1_3) => TlsVersion::V1_3,
            _ => TlsVersion::V1_2,
        };
        TlsAgreement {
            version: version.name().to_owned(),
            cipher: self.cipher.map(cipher_name).unwrap_or_default(),
            group: self.group.map(group_name),
            certificate_key: self.certificate.as_ref().and_then(key::kind_of),
            alpn: self.alpn.as_ref().map(|name| String::from_utf8_lossy(name).into_owned()),
        }
    }
}

fn first_certificate(session: &CommonState) -> Option<&CertificateDer<'static>> {
    session.peer_certificates()?.first()
}
