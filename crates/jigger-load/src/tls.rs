//! TLS, by rustls: the one module that knows it.
//!
//! [`TlsClient`] is how one server is reached. Under load a driver lies between the sockets and the
//! protocol; elsewhere a stream does, which blocks.

mod agreement;
mod driver;
mod failure;
mod key;
mod options;
mod self_signed;
mod server;
mod session;
mod spoken;
mod stream;
mod verifier;
mod words;

use agreement::agreement;
pub(crate) use driver::{CIPHERTEXT_BYTES, TlsDriver};
pub use options::{TlsError, TlsOptions, TlsVersion};
pub use self_signed::SelfSigned;
pub(crate) use server::{ServerSession, TlsServer};
use spoken::Spoken;
pub(crate) use stream::TlsStream;

use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use std::sync::Arc;

/// How one server is reached over TLS. Made once, as it reads certificates from files; clones share it.
#[derive(Clone, Debug)]
pub struct TlsClient {
    options: TlsOptions,
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    spoken: Spoken,
}

/// So many sessions that can be resumed are kept for a server of one thread.
const SESSIONS: usize = 256;

impl TlsClient {
    /// Reads what the options name. `host` is the URL's: the name that the certificate has to have,
    /// unless the options have another.
    ///
    /// # Errors
    /// [`TlsError`] for a file or a name that cannot be used.
    pub fn new(options: &TlsOptions, host: &str) -> Result<TlsClient, TlsError> {
        let named = options.server_name.as_deref().unwrap_or(host);
        let name =
            ServerName::try_from(named.to_owned()).map_err(|_| TlsError::Name(named.to_owned()))?;
        let config = Arc::new(options.config()?);
        Ok(TlsClient { options: options.clone(), config, name, spoken: Spoken::default() })
    }

    /// As it was asked for.
    pub fn options(&self) -> &TlsOptions {
        &self.options
    }

    /// The same, which resumes sessions or does not.
    pub fn resuming(&self, resume: bool) -> TlsClient {
        let options = TlsOptions { resume, ..self.options.clone() };
        TlsClient { options, ..self.clone() }
    }

    /// The same for this protocol alone: it is offered by ALPN (RFC 7301), unless the options name
    /// others, and a session that agrees on another one fails.
    pub(crate) fn offering(&self, protocol: &'static str) -> TlsClient {
        let offered = match self.options.alpn.is_empty() {
            true => self.offering_any(&[protocol]),
            false => self.clone(),
        };
        TlsClient { spoken: Spoken::Only(protocol), ..offered }
    }

    /// The same, which leaves it to the server which of these protocols is spoken.
    pub(crate) fn offering_any(&self, protocols: &[&'static str]) -> TlsClient {
        let mut config = ClientConfig::clone(&self.config);
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        TlsClient { config: Arc::new(config), spoken: Spoken::Any, ..self.clone() }
    }

    /// The same with sessions of its own, which no one else resumes.
    pub(crate) fn with_own_sessions(&self) -> TlsClient {
        let mut config = ClientConfig::clone(&self.config);
        config.resumption = match self.options.resume {
            true => Resumption::in_memory_sessions(SESSIONS),
            false => Resumption::disabled(),
        };
        TlsClient { config: Arc::new(config), ..self.clone() }
    }

    /// The client's side of a connection.
    pub(crate) fn session(&self) -> Result<ClientConnection, rustls::Error> {
        ClientConnection::new(Arc::clone(&self.config), self.name.clone())
    }
}
