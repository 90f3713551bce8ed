//! A server that speaks TLS, and what it may do wrong, each connection on a thread of its own.

use crate::certificates::{Authority, Identity};
use jigger_load::Address;
use rustls::NamedGroup;
use rustls::crypto::aws_lc_rs;
use rustls::server::WebPkiClientVerifier;
use rustls::version::TLS13;
use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion,
};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

pub const PONG: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npong";

type Stream = StreamOwned<ServerConnection, TcpStream>;

/// What a connection's thread does with it.
type Serve = dyn Fn(TcpStream, &Arc<ServerConfig>) + Send + Sync;

pub struct Server {
    pub address: Address,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// A configuration with this certificate and these versions.
pub fn config(identity: &Identity, versions: &[&'static SupportedProtocolVersion]) -> ServerConfig {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    builder
        .with_no_client_auth()
        .with_single_cert(vec![identity.certificate.clone()], identity.key.clone_key())
        .unwrap()
}

/// One that has this group alone.
pub fn of_one_group(identity: &Identity, group: NamedGroup) -> ServerConfig {
    let mut provider = aws_lc_rs::default_provider();
    provider.kx_groups.retain(|known| known.name() == group);
    ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![identity.certificate.clone()], identity.key.clone_key())
        .unwrap()
}

/// One that demands a certificate of this issuer from its clients.
pub fn demanding(
    identity: &Identity,
    clients: &Authority,
    versions: &[&'static SupportedProtocolVersion],
) -> ServerConfig {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(clients.certificate()).unwrap();
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(vec![identity.certificate.clone()], identity.key.clone_key())
        .unwrap()
}

impl Server {
    /// Answers every request with [`PONG`].
    pub fn ponging(config: ServerConfig) -> Server {
        Server::answering(config, |stream, _| stream.write_all(PONG).is_ok())
    }

    /// Answers requests by this function, as long as it says so; then close_notify follows.
    pub fn answering(
        config: ServerConfig,
        answer: impl Fn(&mut Stream, &[u8]) -> bool + Send + Sync + 'static,
    ) -> Server {
        Server::serving(config, move |socket, config| {
            let session = ServerConnection::new(Arc::clone(config)).unwrap();
            let mut stream = StreamOwned::new(session, socket);
            while let Some(request) = request(&mut stream) {
                if !answer(&mut stream, &request) {
                    break;
                }
            }
            stream.conn.send_close_notify();
            let _ = stream.flush();
        })
    }

    /// Does this with every connection.
    pub fn serving(
        config: ServerConfig,
        serve: impl Fn(TcpStream, &Arc<ServerConfig>) + Send + Sync + 'static,
    ) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = Address::Tcp(listener.local_addr().unwrap());
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, serve): (_, Arc<Serve>) = (Arc::clone(&stop), Arc::new(serve));
        let config = Arc::new(config);
        let thread = std::thread::spawn(move || {
            for socket in listener.incoming() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                let (serve, config, socket) =
                    (Arc::clone(&serve), Arc::clone(&config), socket.unwrap());
                socket.set_nodelay(true).unwrap();
                std::thread::spawn(move || serve(socket, &config));
            }
        });
        Server { address, stop, thread: Some(thread) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Address::Tcp(address) = self.address
            && let Ok(socket) = TcpStream::connect(address)
        {
            let _ = socket.shutdown(Shutdown::Both);
        }
        self.thread.take().into_iter().for_each(|thread| thread.join().unwrap());
    }
}

/// The next request, without a body; `None` at the end of the stream or an error.
pub fn request(stream: &mut impl Read) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => bytes.push(byte[0]),
            _ => return None,
        }
    }
    Some(bytes)
}
