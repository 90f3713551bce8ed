//! The flags that say how TLS is spoken: of `load`, `compare` and `timeit`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jigger_load::{TlsOptions, TlsVersion};

/// How TLS is spoken with https:// URLs.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "TLS (for https:// URLs)")]
pub struct TlsArgs {
    /// Trust the certificates in this file (PEM) instead of the system's
    #[arg(long, value_name = "FILE")]
    pub cacert: Option<PathBuf>,
    /// Client certificate, followed by its issuers' certificates (PEM)
    #[arg(long, value_name = "FILE", requires = "key")]
    pub cert: Option<PathBuf>,
    /// Private key of the client certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub key: Option<PathBuf>,
    /// Do not verify the server's certificate
    #[arg(long)]
    pub insecure: bool,
    /// Server name to send (SNI) and to verify, instead of the URL's host
    #[arg(long, value_name = "NAME")]
    pub sni: Option<String>,
    /// The only TLS version to offer [default: both]
    #[arg(long, value_name = "VERSION", value_enum)]
    pub tls: Option<Version>,
    /// Cipher suites to offer, best first, such as TLS_AES_128_GCM_SHA256
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub ciphers: Vec<String>,
    /// Key exchange groups to offer, best first, such as X25519,secp256r1
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub groups: Vec<String>,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Version {
    /// TLS 1.2
    #[value(name = "1.2")]
    V1_2,
    /// TLS 1.3
    #[value(name = "1.3")]
    V1_3,
}

impl TlsArgs {
    /// As the engine takes them.
    pub fn options(&self) -> TlsOptions {
        TlsOptions {
            ca: self.cacert.clone(),
            cert: self.cert.clone(),
            key: self.key.clone(),
            insecure: self.insecure,
            server_name: self.sni.clone(),
            version: self.tls.map(|version| match version {
                Version::V1_2 => TlsVersion::V1_2,
                Version::V1_3 => TlsVersion::V1_3,
            }),
            ciphers: self.ciphers.clone(),
            groups: self.groups.clone(),
            ..TlsOptions::default()
        }
    }
}
