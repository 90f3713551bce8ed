//! The command line's TLS options: as the engine's client for `load` and `timeit`, as a suite's keys
//! for `compare`.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use jigger_load::{TlsClient, TlsOptions, Url};
use toml::{Table, Value};

/// The client for this URL; none for plain HTTP.
///
/// # Errors
/// When there are options for plain HTTP, or they cannot be used.
pub fn client(options: &TlsOptions, url: &Url) -> Result<Option<TlsClient>> {
    if url.is_https() {
        return Ok(Some(TlsClient::new(options, url.host())?));
    }
    refuse_unused(options, &url.to_string())?;
    Ok(None)
}

/// # Errors
/// When there are options although this goes over plain HTTP.
pub fn refuse_unused(options: &TlsOptions, asked: &str) -> Result<()> {
    if *options != TlsOptions::default() {
        bail!(
            "{asked}: the TLS flags have no effect without TLS; write https://, or leave them out"
        );
    }
    Ok(())
}

/// The keys of a contender's `tls`; `None` without any.
///
/// # Errors
/// When a file's place is not known.
pub fn keys(options: &TlsOptions) -> Result<Option<Value>> {
    let mut keys = Table::new();
    let files = [("ca", &options.ca), ("cert", &options.cert), ("key", &options.key)];
    for (key, path) in files {
        if let Some(path) = path {
            keys.insert(key.to_owned(), absolute(path)?);
        }
    }
    if options.insecure {
        keys.insert("insecure".to_owned(), true.into());
    }
    if let Some(name) = &options.server_name {
        keys.insert("sni".to_owned(), name.as_str().into());
    }
    if let Some(version) = options.version {
        keys.insert("version".to_owned(), version.name().into());
    }
    for (key, names) in [("ciphers", &options.ciphers), ("groups", &options.groups)] {
        if !names.is_empty() {
            keys.insert(key.to_owned(), names.clone().into());
        }
    }
    Ok((!keys.is_empty()).then(|| keys.into()))
}

/// A file of the command line as a suite names it that is in another folder.
pub fn absolute(path: &Path) -> Result<Value> {
    let found = std::path::absolute(path);
    let found = found.with_context(|| format!("cannot resolve the path {}", path.display()))?;
    Ok(found.display().to_string().into())
}
