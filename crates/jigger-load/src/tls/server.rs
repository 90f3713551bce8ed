//! The server's side, for the null server.

use super::self_signed::made;
use super::session::{Decrypted, Sending, decrypt, flush};
use rcgen::CertifiedKey;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection};
use std::io::{self, Write};
use std::sync::Arc;

/// A certificate of its own for `localhost`, with a key on the curve secp256r1, made at start.
#[derive(Clone, Debug)]
pub(crate) struct TlsServer {
    config: Arc<ServerConfig>,
    certificate: String,
}

impl TlsServer {
    /// Agrees to these protocols by ALPN, the best first.
    ///
    /// # Errors
    /// When there is no randomness to make a key of.
    pub(crate) fn new(alpn: &[&str]) -> io::Result<TlsServer> {
        let CertifiedKey { cert, signing_key } = made(vec!["localhost".to_owned()])?;
        let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(io::Error::other)?
                .with_no_client_auth()
                .with_single_cert(vec![cert.der().clone()], key.into())
                .map_err(io::Error::other)?;
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Ok(TlsServer { config: Arc::new(config), certificate: cert.pem() })
    }

    /// In PEM.
    pub(crate) fn certificate(&self) -> &str {
        &self.certificate
    }

    /// One connection's session.
    ///
    /// # Errors
    /// When rustls does not take its own configuration.
    pub(crate) fn session(&self) -> io::Result<ServerSession> {
        let session = ServerConnection::new(Arc::clone(&self.config)).map_err(io::Error::other)?;
        Ok(ServerSession { session, sending: Sending::default() })
    }
}

#[derive(Debug)]
pub(crate) struct ServerSession {
    session: ServerConnection,
    sending: Sending,
}

impl ServerSession {
    /// Decrypts what came into the buffer, and sends what the handshake wants sent. How many bytes are
    /// in the buffer then; 0 at the end of the stream, and `None` while nothing whole has come.
    ///
    /// # Errors
    /// When the session cannot go on.
    pub(crate) fn receive(
        &mut self,
        came: &[u8],
        buffer: &mut [u8],
        socket: &mut impl Write,
    ) -> io::Result<Option<usize>> {
        let Decrypted { bytes, has_ended, error, .. } = decrypt(&mut self.session, came, buffer);
        let flushed = flush(&mut self.session, socket);
        match error {
            Some(error) => Err(io::Error::other(error)),
            None => {
                flushed?;
                Ok(Some(bytes).filter(|bytes| *bytes > 0 || has_ended))
            }
        }
    }

    /// Encrypts and sends bytes; how many were taken.
    ///
    /// # Errors
    /// Those of the socket.
    pub(crate) fn send(&mut self, bytes: &[u8], socket: &mut impl Write) -> io::Result<usize> {
        self.sending.send(&mut self.session, bytes, socket)
    }
}
