//! Certificates made for the tests, and the files that options name them by.

use jigger_load::TlsOptions;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair,
    SignatureAlgorithm, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::path::PathBuf;
use tempfile::TempDir;

/// An issuer whose certificate is in a file.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

/// A certificate and the key to it.
pub struct Identity {
    pub certificate: CertificateDer<'static>,
    pub key: PrivateKeyDer<'static>,
    pem: (String, String),
}

impl Authority {
    pub fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        // No two issuers have the same name.
        let name = format!("issuer {:x?}", &key.public_key_raw()[..8]);
        params.distinguished_name.push(DnType::CommonName, name);
        let issuer = CertifiedIssuer::self_signed(params, key).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Authority { issuer, folder }
    }

    pub fn certificate(&self) -> CertificateDer<'static> {
        self.issuer.der().clone()
    }

    /// Trusts this issuer alone.
    pub fn trusted(&self) -> TlsOptions {
        TlsOptions { ca: Some(self.folder.path().join("ca.pem")), ..TlsOptions::default() }
    }

    /// The files with a new certificate for this name and with the key to it.
    pub fn issue_files(&self, name: &str) -> (PathBuf, PathBuf) {
        let identity = self.issue(name);
        let files = (self.file("server.pem"), self.file("server.key"));
        std::fs::write(&files.0, &identity.pem.0).unwrap();
        std::fs::write(&files.1, &identity.pem.1).unwrap();
        files
    }

    pub fn issue(&self, name: &str) -> Identity {
        self.issue_with(
            &rcgen::PKCS_ECDSA_P256_SHA256,
            CertificateParams::new(vec![name.to_owned()]).unwrap(),
        )
    }

    pub fn issue_with(
        &self,
        algorithm: &'static SignatureAlgorithm,
        params: CertificateParams,
    ) -> Identity {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity::of(&certificate, &key)
    }

    pub fn issue_expired(&self, name: &str) -> Identity {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2002, 1, 1);
        self.issue_with(&rcgen::PKCS_ECDSA_P256_SHA256, params)
    }

    /// The options with this identity of the client's, in files.
    pub fn with_identity(&self, options: TlsOptions, identity: &Identity) -> TlsOptions {
        let (cert, key) = (self.file("client.pem"), self.file("client.key"));
        std::fs::write(&cert, &identity.pem.0).unwrap();
        std::fs::write(&key, &identity.pem.1).unwrap();
        TlsOptions { cert: Some(cert), key: Some(key), ..options }
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Identity {
    /// As `openssl req -x509` makes it: of itself, and of an issuer (CA:TRUE).
    pub fn self_signed(name: &str, is_ca: bool) -> Identity {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        if is_ca {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        let key = KeyPair::generate().unwrap();
        Identity::of(&params.self_signed(&key).unwrap(), &key)
    }

    fn of(certificate: &rcgen::Certificate, key: &KeyPair) -> Identity {
        Identity {
            certificate: certificate.der().clone(),
            key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            pem: (certificate.pem(), key.serialize_pem()),
        }
    }

    pub fn pem(&self) -> &str {
        &self.pem.0
    }
}
