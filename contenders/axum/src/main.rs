//! Answers GET / with {"message":"pong"}: the Rust side of the comparison.

use std::{env, error::Error, net::SocketAddr};

use axum::{Json, Router, routing::get};
use serde::Serialize;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

#[derive(Serialize)]
struct Pong {
    message: &'static str,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // An address, not a name: a static glibc cannot resolve names.
    let host = variable("HOST", "127.0.0.1").parse()?;
    let port = variable("PORT", "8080").parse()?;
    let listener = TcpListener::bind(SocketAddr::new(host, port)).await?;
    // The first process of a container ignores SIGTERM unless it handles it.
    let mut terminate = signal(SignalKind::terminate())?;
    axum::serve(listener, Router::new().route("/", get(ping)))
        .with_graceful_shutdown(async move {
            terminate.recv().await;
        })
        .await?;
    Ok(())
}

async fn ping() -> Json<Pong> {
    Json(Pong { message: "pong" })
}

fn variable(name: &str, fallback: &str) -> String {
    match env::var(name) {
        Ok(value) if !value.is_empty() => value,
        _ => fallback.to_owned(),
    }
}
