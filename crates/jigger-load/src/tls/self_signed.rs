//! A certificate made here, for servers that have none.

use std::io;

use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};

/// A certificate signed by its own key, which is on the curve secp256r1. Both in PEM.
#[derive(Clone, Debug)]
pub struct SelfSigned {
    /// What a server shows its clients.
    pub certificate: String,
    /// Its private key, as PKCS #8.
    pub key: String,
}

impl SelfSigned {
    /// For these names and addresses.
    ///
    /// # Errors
    /// When one of them is neither, or there is no randomness to make a key of.
    pub fn for_hosts(hosts: Vec<String>) -> io::Result<SelfSigned> {
        let CertifiedKey { cert, signing_key } = made(hosts)?;
        Ok(SelfSigned { certificate: cert.pem(), key: signing_key.serialize_pem() })
    }
}

/// rcgen's key is on secp256r1 unless it is asked for another.
pub(super) fn made(hosts: Vec<String>) -> io::Result<CertifiedKey<KeyPair>> {
    generate_simple_self_signed(hosts).map_err(io::Error::other)
}
