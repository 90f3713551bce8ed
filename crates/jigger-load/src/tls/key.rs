//! The kind of a certificate's public key, read from its SubjectPublicKeyInfo (RFC 5280, section 4.1).

use rustls::pki_types::CertificateDer;
use rustls::server::ParsedCertificate;

const SEQUENCE: u8 = 0x30;
const OBJECT: u8 = 0x06;
const BITS: u8 = 0x03;
const INTEGER: u8 = 0x02;

/// Object identifiers as DER has them: RFC 3279 and RFC 8017 (RSA), RFC 5480 (EC and its curves),
/// RFC 8410 (Edwards curves).
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const ED448: &[u8] = &[0x2b, 0x65, 0x71];
const CURVES: [(&[u8], &str); 3] = [
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07], "secp256r1"),
    (&[0x2b, 0x81, 0x04, 0x00, 0x22], "secp384r1"),
    (&[0x2b, 0x81, 0x04, 0x00, 0x23], "secp521r1"),
];

/// Such as `RSA 2048`, `EC secp256r1` or `Ed25519`; `None` for a certificate that cannot be read.
pub(super) fn kind_of(certificate: &CertificateDer<'_>) -> Option<String> {
    let parsed = ParsedCertificate::try_from(certificate).ok()?;
    kind(&parsed.subject_public_key_info())
}

fn kind(info: &[u8]) -> Option<String> {
    let (info, _) = element(info, SEQUENCE)?;
    let (algorithm, rest) = element(info, SEQUENCE)?;
    let (identifier, parameters) = element(algorithm, OBJECT)?;
    match identifier {
        RSA => modulus_bits(rest).map(|bits| format!("RSA {bits}")),
        EC => {
            let (curve, _) = element(parameters, OBJECT)?;
            let known = CURVES.iter().find(|(identifier, _)| *identifier == curve);
            Some(format!("EC {}", known.map_or("of another curve", |(_, name)| name)))
        }
        ED25519 => Some("Ed25519".to_owned()),
        ED448 => Some("Ed448".to_owned()),
        _ => Some("of another kind".to_owned()),
    }
}

/// The length of an RSA key (RFC 8017, appendix A.1.1), whose first byte tells of unused bits.
fn modulus_bits(rest: &[u8]) -> Option<usize> {
    let (bits, _) = element(rest, BITS)?;
    let (key, _) = element(bits.get(1..)?, SEQUENCE)?;
    let (modulus, _) = element(key, INTEGER)?;
    let leading = modulus.iter().position(|byte| *byte != 0)?;
    let first = modulus[leading].leading_zeros() as usize;
    Some((modulus.len() - leading) * 8 - first)
}

/// The content of the element of this kind at the front, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = der.split_first().filter(|(first, _)| **first == tag)?;
    debug_assert_eq!(first, tag);
    let (&length, rest) = rest.split_first()?;
    let (length, rest) = match length {
        0..=0x7f => (usize::from(length), rest),
        // In so many bytes; more than three have no certificate.
        0x81..=0x83 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(length - 0x80))?;
            (bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{KeyPair, SignatureAlgorithm};

    fn made(algorithm: &'static SignatureAlgorithm) -> Option<String> {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        kind_of(params.self_signed(&key).unwrap().der())
    }

    #[test]
    fn keys_are_told_apart() {
        let found = |algorithm| made(algorithm).unwrap();
        assert_eq!(found(&rcgen::PKCS_ECDSA_P256_SHA256), "EC secp256r1");
        assert_eq!(found(&rcgen::PKCS_ECDSA_P384_SHA384), "EC secp384r1");
        assert_eq!(found(&rcgen::PKCS_ECDSA_P521_SHA512), "EC secp521r1");
        assert_eq!(found(&rcgen::PKCS_ED25519), "Ed25519");
        assert_eq!(found(&rcgen::PKCS_RSA_SHA256), "RSA 2048");
    }

    #[test]
    fn what_is_no_certificate_has_no_key() {
        assert_eq!(kind_of(&CertificateDer::from(vec![1, 2, 3])), None);
        assert_eq!(kind(&[]), None);
        assert_eq!(kind(&[SEQUENCE, 0x84, 1, 1, 1, 1]), None);
        assert_eq!(kind(&[SEQUENCE, 5, SEQUENCE, 3, OBJECT, 1, 9]), Some("of another kind".into()));
    }
}
