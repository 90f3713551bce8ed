//! The flags that say which HTTP is spoken: of `load` and of `compare`.

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use jigger_load::Http;

use crate::plan::flag::whole;

/// Which HTTP is spoken.
#[derive(Debug, Clone, Args)]
pub struct HttpArgs {
    /// HTTP version; over http:// 2 is spoken without asking whether the server does
    #[arg(long, value_name = "VERSION", default_value = "1.1")]
    pub http: HttpVersion,
    /// Requests under way at once on each connection, with --http 2 [default: 1]
    #[arg(short = 'm', long, value_name = "N", value_parser = whole::<u16>(1, u16::MAX.into()))]
    pub streams: Option<u16>,
}

/// As it is written on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum HttpVersion {
    /// One request after another on a connection
    #[value(name = "1.1")]
    V1,
    /// Any number of requests at once on a connection
    #[value(name = "2")]
    V2,
}

impl HttpArgs {
    /// What is spoken, with how many streams.
    ///
    /// # Errors
    /// Streams are HTTP/2's.
    pub fn checked(&self) -> Result<(Http, usize)> {
        let streams = self.streams.map_or(1, usize::from);
        match self.http {
            HttpVersion::V2 => Ok((Http::V2, streams)),
            HttpVersion::V1 if self.streams.is_none() => Ok((Http::V1, 1)),
            HttpVersion::V1 => bail!("-m (--streams) is for HTTP/2; add --http 2"),
        }
    }
}
