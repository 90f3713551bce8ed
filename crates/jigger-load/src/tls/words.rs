//! What the TLS library says by the names of its variants, in plain words.

use std::fmt::Debug;

/// The name of a variant in small words joined by that: `NoCipherSuitesInCommon` is
/// `no cipher suites in common`. What it holds is left out.
pub(super) fn words(variant: &impl Debug, joint: char) -> String {
    let text = format!("{variant:?}");
    let mut words = String::new();
    let mut follows_small = false;
    for letter in text.chars().take_while(char::is_ascii_alphanumeric) {
        if letter.is_ascii_uppercase() && follows_small {
            words.push(joint);
        }
        follows_small = !letter.is_ascii_uppercase();
        words.push(letter.to_ascii_lowercase());
    }
    words
}

/// A name of a certificate without its kind: `DnsName("localhost")` is `localhost`.
pub(super) fn bare(name: &str) -> &str {
    let within = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    within.map_or(name, |within| within.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::{AlertDescription, CertificateError, PeerIncompatible};

    #[test]
    fn variants_become_words() {
        for (found, wanted) in [
            (words(&AlertDescription::CertificateRequired, '_'), "certificate_required"),
            (words(&AlertDescription::UnknownCA, '_'), "unknown_ca"),
            (words(&AlertDescription::HandshakeFailure, '_'), "handshake_failure"),
            (words(&AlertDescription::BadRecordMac, '_'), "bad_record_mac"),
            (words(&PeerIncompatible::NoCipherSuitesInCommon, ' '), "no cipher suites in common"),
            (
                words(
                    &CertificateError::InvalidPurposeContext {
                        required: rustls::ExtendedKeyPurpose::ServerAuth,
                        presented: Vec::new(),
                    },
                    ' ',
                ),
                "invalid purpose context",
            ),
        ] {
            assert_eq!(found, wanted);
        }
    }

    #[test]
    fn names_lose_their_kind() {
        for (name, wanted) in [
            ("DnsName(\"*.a.b\")", "*.a.b"),
            ("IpAddress(127.0.0.1)", "127.0.0.1"),
            ("DirectoryName", "DirectoryName"),
        ] {
            assert_eq!(bare(name), wanted);
        }
    }
}
