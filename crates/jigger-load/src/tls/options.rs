//! What can be chosen of TLS, and the client's configuration that is made of it.

use super::verifier::{AnyCertificate, TrustedCertificates};
use super::words::words;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem};
use rustls::{ClientConfig, InconsistentKeys, RootCertStore, SupportedProtocolVersion, version};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What is asked for of TLS. By default the server's certificate is verified against those that the
/// system trusts, every connection makes a full handshake, and client and server agree on the best of
/// what both have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsOptions {
    /// The file with the certificates to trust, in PEM, instead of the system's.
    pub ca: Option<PathBuf>,
    /// The file with the client's own certificate and those of its issuers, in PEM.
    pub cert: Option<PathBuf>,
    /// The file with the private key to it, in PEM.
    pub key: Option<PathBuf>,
    /// Take any certificate.
    pub insecure: bool,
    /// The name that is asked for (SNI) and that the certificate has to have, instead of the URL's host.
    pub server_name: Option<String>,
    /// The only version to offer.
    pub version: Option<TlsVersion>,
    /// The cipher suites to offer, in IANA's names, best first; empty: all.
    pub ciphers: Vec<String>,
    /// The groups to offer for the key exchange, in IANA's names, best first; empty: all.
    pub groups: Vec<String>,
    /// Resume earlier sessions.
    pub resume: bool,
    /// The protocols to offer by ALPN, best first; empty: the one that the load is in.
    pub alpn: Vec<String>,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsVersion {
    /// TLS 1.2.
    V1_2,
    /// TLS 1.3.
    V1_3,
}

impl TlsVersion {
    /// Both.
    pub const ALL: [TlsVersion; 2] = [TlsVersion::V1_2, TlsVersion::V1_3];

    /// `1.2` or `1.3`.
    pub fn name(self) -> &'static str {
        match self {
            TlsVersion::V1_2 => "1.2",
            TlsVersion::V1_3 => "1.3",
        }
    }
}

/// Why a server cannot be reached over TLS with these options.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The host of the URL, or what is to stand for it, is no name of a server.
    #[error("`{0}` cannot be requested by TLS: it is neither a DNS name nor an IP address")]
    Name(String),
    /// A file cannot be read, or has not what it should.
    #[error("cannot use {} as {what}: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What it was to have.
        what: &'static str,
        /// Why that is not to be had of it.
        cause: String,
    },
    /// A certificate without its key, or a key without its certificate.
    #[error(
        "a client certificate needs its private key, and a key its certificate; give both \
         (--cert and --key, in a suite `tls.cert` and `tls.key`)"
    )]
    HalfIdentity,
    /// A cipher suite or group that there is none of.
    #[error("jigger has no {what} `{name}`; choose from {known}")]
    Unknown {
        /// `cipher suite` or `group`.
        what: &'static str,
        /// As given.
        name: String,
        /// What there is.
        known: String,
    },
    /// No certificate of the system's store can be read.
    #[error(
        "this system has no certificates to trust ({0}); install its package ca-certificates, or name \
         the server's issuer (--cacert, in a suite `tls.ca`), or verify nothing (--insecure, in a suite \
         `tls.insecure = true`)"
    )]
    NoRoots(String),
    /// The client's private key is another's.
    #[error(
        "the client's private key does not belong to its certificate; give both of one pair (--cert and \
         --key, in a suite `tls.cert` and `tls.key`)"
    )]
    OtherKey,
    /// The parts do not fit each other.
    #[error("these TLS options cannot be combined: {0}")]
    Mismatch(String),
}

impl From<rustls::Error> for TlsError {
    fn from(error: rustls::Error) -> TlsError {
        match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => TlsError::OtherKey,
            rustls::Error::InvalidCertificate(cause) => TlsError::Mismatch(format!(
                "the client's certificate cannot be used ({})",
                words(&cause, ' ')
            )),
            other => TlsError::Mismatch(other.to_string()),
        }
    }
}

impl TlsOptions {
    pub(super) fn config(&self) -> Result<ClientConfig, TlsError> {
        let provider = Arc::new(self.provider()?);
        let verifier = self.verifier(&provider)?;
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(self.versions())?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut config = match (&self.cert, &self.key) {
            (None, None) => builder.with_no_client_auth(),
            (Some(cert), Some(key)) => {
                builder.with_client_auth_cert(certificates(cert, OWN)?, private_key(key)?)?
            }
            _ => return Err(TlsError::HalfIdentity),
        };
        config.alpn_protocols = self.alpn.iter().map(|name| name.clone().into_bytes()).collect();
        config.resumption = rustls::client::Resumption::disabled();
        Ok(config)
    }

    fn versions(&self) -> &'static [&'static SupportedProtocolVersion] {
        static ONLY_1_2: [&SupportedProtocolVersion; 1] = [&version::TLS12];
        static ONLY_1_3: [&SupportedProtocolVersion; 1] = [&version::TLS13];
        match self.version {
            None => rustls::ALL_VERSIONS,
            Some(TlsVersion::V1_2) => &ONLY_1_2,
            Some(TlsVersion::V1_3) => &ONLY_1_3,
        }
    }

    fn provider(&self) -> Result<CryptoProvider, TlsError> {
        let all = aws_lc_rs::default_provider();
        // The default has the best few; a user who names one may want any.
        let groups = match self.groups.is_empty() {
            true => all.kx_groups,
            false => chosen("group", &self.groups, aws_lc_rs::ALL_KX_GROUPS, |group| {
                group_name(group.name())
            })?,
        };
        let ciphers = match self.ciphers.is_empty() {
            true => all.cipher_suites,
            false => chosen("cipher suite", &self.ciphers, &all.cipher_suites, |suite| {
                cipher_name(suite.suite())
            })?,
        };
        Ok(CryptoProvider {
            cipher_suites: ciphers,
            kx_groups: groups,
            ..aws_lc_rs::default_provider()
        })
    }

    fn verifier(
        &self,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ServerCertVerifier>, TlsError> {
        if self.insecure {
            return Ok(Arc::new(AnyCertificate(provider.signature_verification_algorithms)));
        }
        let given = match &self.ca {
            Some(path) => certificates(path, TRUSTED)?,
            None => system_certificates()?,
        };
        let mut roots = RootCertStore::empty();
        let (added, _) = roots.add_parsable_certificates(given.iter().cloned());
        if let (0, Some(path)) = (added, &self.ca) {
            let cause = "none of its certificates can be read".to_owned();
            return Err(TlsError::File { path: path.clone(), what: TRUSTED, cause });
        }
        let chain =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
                .build()
                .map_err(|error| TlsError::NoRoots(error.to_string()))?;
        match self.ca {
            Some(_) => Ok(Arc::new(TrustedCertificates { chain, given })),
            None => Ok(chain),
        }
    }
}

const TRUSTED: &str = "the certificates to trust (PEM)";
const OWN: &str = "a client certificate (PEM)";
const KEY: &str = "a private key (PEM)";

/// The system's own, as OpenSSL finds them.
fn system_certificates() -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found = rustls_native_certs::load_native_certs();
    match found.certs.is_empty() {
        false => Ok(found.certs),
        true => {
            let causes: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
            let causes =
                if causes.is_empty() { "no store found".to_owned() } else { causes.join("; ") };
            Err(TlsError::NoRoots(causes))
        }
    }
}

fn certificates(path: &Path, what: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let file = |cause: pem::Error| unusable(path, what, &cause);
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).map_err(file)?.collect();
    let found = found.map_err(file)?;
    match found.is_empty() {
        true => Err(unusable(path, what, &pem::Error::NoItemsFound)),
        false => Ok(found),
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(path).map_err(|cause| unusable(path, KEY, &cause))
}

fn unusable(path: &Path, what: &'static str, cause: &pem::Error) -> TlsError {
    let cause = match cause {
        pem::Error::Io(error) => error.to_string(),
        pem::Error::NoItemsFound => "the file has none".to_owned(),
        other => other.to_string(),
    };
    TlsError::File { path: path.to_owned(), what, cause }
}

/// Those of `all` with these names, in their order.
fn chosen<T: Clone>(
    what: &'static str,
    names: &[String],
    all: &[T],
    name_of: impl Fn(&T) -> String,
) -> Result<Vec<T>, TlsError> {
    let find = |name: &String| {
        let found = all.iter().find(|one| name_of(one).eq_ignore_ascii_case(name.trim()));
        found.cloned().ok_or_else(|| TlsError::Unknown {
            what,
            name: name.clone(),
            known: all.iter().map(&name_of).collect::<Vec<_>>().join(", "),
        })
    };
    names.iter().map(find).collect()
}

/// rustls says `TLS13_` where IANA's registry says `TLS_`.
pub(super) fn cipher_name(suite: rustls::CipherSuite) -> String {
    format!("{suite:?}").replacen("TLS13_", "TLS_", 1)
}

pub(super) fn group_name(group: rustls::NamedGroup) -> String {
    format!("{group:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(options: &TlsOptions) -> String {
        options.config().unwrap_err().to_string()
    }

    #[test]
    fn what_there_is_none_of_is_named_with_what_there_is() {
        let names = |name: &str| vec![name.to_owned()];
        let ciphers = TlsOptions { ciphers: names("RC4"), insecure: true, ..TlsOptions::default() };
        let said = message(&ciphers);
        assert!(said.contains("jigger has no cipher suite `RC4`"), "{said}");
        assert!(said.contains("TLS_AES_128_GCM_SHA256, ") && !said.contains("TLS13"), "{said}");
        let groups = TlsOptions { groups: names("P-1"), insecure: true, ..TlsOptions::default() };
        assert!(message(&groups).contains("X25519MLKEM768"), "{}", message(&groups));
        let known = TlsOptions {
            ciphers: names("tls_aes_128_gcm_sha256"),
            groups: vec!["x25519".to_owned(), "secp384r1".to_owned()],
            insecure: true,
            ..TlsOptions::default()
        };
        assert_eq!(known.provider().unwrap().kx_groups.len(), 2);
        assert_eq!(known.provider().unwrap().cipher_suites.len(), 1);
    }

    #[test]
    fn a_cipher_of_another_version_leaves_nothing_to_offer() {
        let options = TlsOptions {
            ciphers: vec!["TLS_AES_128_GCM_SHA256".to_owned()],
            version: Some(TlsVersion::V1_2),
            insecure: true,
            ..TlsOptions::default()
        };
        assert!(message(&options).starts_with("these TLS options cannot be combined"));
    }

    #[test]
    fn files_that_cannot_be_used_are_named() {
        let nothing = tempfile::NamedTempFile::new().unwrap();
        let path = nothing.path().to_owned();
        let of = |ca: &Path| TlsOptions { ca: Some(ca.to_owned()), ..TlsOptions::default() };
        let said = message(&of(Path::new("/nowhere/ca.pem")));
        assert!(said.contains("/nowhere/ca.pem") && said.contains("No such file"), "{said}");
        let said = message(&of(&path));
        assert!(said.contains("as the certificates to trust (PEM): the file has none"), "{said}");
        let half = TlsOptions { cert: Some(path), insecure: true, ..TlsOptions::default() };
        assert!(message(&half).contains("--key"), "{}", message(&half));
        let both = TlsOptions { key: half.cert.clone(), ..half };
        let said = message(&both);
        assert!(said.contains("as a client certificate (PEM): the file has none"), "{said}");
    }

    #[test]
    fn a_key_of_another_certificate_is_told_from_its_own() {
        let file = |text: String| {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), text).unwrap();
            file
        };
        let made = || rcgen::generate_simple_self_signed(vec!["a".to_owned()]).unwrap();
        let (one, other) = (made(), made());
        let cert = file(one.cert.pem());
        let keys = [one, other].map(|it| file(it.signing_key.serialize_pem()));
        let of = |key: &tempfile::NamedTempFile| TlsOptions {
            cert: Some(cert.path().to_owned()),
            key: Some(key.path().to_owned()),
            insecure: true,
            ..TlsOptions::default()
        };
        assert!(of(&keys[0]).config().is_ok());
        let said = message(&of(&keys[1]));
        assert!(said.starts_with("the client's private key does not belong"), "{said}");
    }

    #[test]
    fn a_host_that_tls_cannot_ask_for_is_named() {
        let options = TlsOptions { insecure: true, ..TlsOptions::default() };
        let client = |host: &str| super::super::TlsClient::new(&options, host);
        assert!(
            client("localhost").is_ok() && client("::1").is_ok() && client("127.0.0.1").is_ok()
        );
        let said = client("a..b").unwrap_err().to_string();
        assert!(said.contains("`a..b`"), "{said}");
    }
}
