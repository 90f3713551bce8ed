//! Which HTTP is spoken with the command line's servers, where that is left to them.

use std::time::Duration;

use anyhow::Result;
use jigger_load::fetch::{FetchError, chosen_http};
use jigger_load::{Address, Http, TlsClient};

use crate::cli::HttpVersion;

/// A server that was to choose did not.
#[derive(Debug, thiserror::Error)]
#[error("{url}: {cause}")]
pub struct NoChoice {
    url: String,
    cause: FetchError,
}

/// What is spoken with the server of this URL. Where it chooses, a connection is made before the load,
/// whose connections then all have to agree to that.
///
/// # Errors
/// [`NoChoice`] when there is no TLS session with it within `limit`.
pub fn http(
    version: HttpVersion,
    url: &str,
    address: &Address,
    tls: Option<&TlsClient>,
    limit: Duration,
) -> Result<Http> {
    match (version.fixed(), tls) {
        (Some(http), _) => Ok(http),
        (None, None) => Ok(Http::V1),
        (None, Some(tls)) => chosen_http(address, tls, limit)
            .map_err(|cause| NoChoice { url: url.to_owned(), cause }.into()),
    }
}
