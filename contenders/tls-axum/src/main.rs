//! Answers GET / with {"message":"pong"} over HTTP/1.1 and HTTP/2: over TLS if CERTIFICATE and KEY name
//! files, otherwise without.

use std::{env, error::Error, net::SocketAddr};

use axum::{Json, Router, routing::get};
use axum_server::{
    Handle,
    accept::NoDelayAcceptor,
    tls_rustls::{RustlsAcceptor, RustlsConfig},
};
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};

#[derive(Serialize)]
struct Pong {
    message: &'static str,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address =
        SocketAddr::new(variable("HOST", "127.0.0.1").parse()?, variable("PORT", "8080").parse()?);
    let service = Router::new().route("/", get(ping)).into_make_service();
    let handle = Handle::new();
    tokio::spawn(stop_on_terminate(handle.clone()));
    let server = axum_server::bind(address).handle(handle);
    // Without TCP_NODELAY, which Go sets itself, a response waits for the client to acknowledge the session
    // tickets: 40 ms on Linux.
    let no_delay = NoDelayAcceptor::new();
    match (env::var("CERTIFICATE"), env::var("KEY")) {
        (Ok(certificate), Ok(key)) => {
            let config = RustlsConfig::from_pem_file(certificate, key).await?;
            let acceptor = RustlsAcceptor::new(config).acceptor(no_delay);
            server.acceptor(acceptor).serve(service).await?;
        }
        _ => server.acceptor(no_delay).serve(service).await?,
    }
    Ok(())
}

async fn ping() -> Json<Pong> {
    Json(Pong { message: "pong" })
}

async fn stop_on_terminate(handle: Handle<SocketAddr>) {
    if let Ok(mut terminate) = signal(SignalKind::terminate()) {
        terminate.recv().await;
        handle.graceful_shutdown(None);
    }
}

fn variable(name: &str, fallback: &str) -> String {
    match env::var(name) {
        Ok(value) if !value.is_empty() => value,
        _ => fallback.to_owned(),
    }
}
