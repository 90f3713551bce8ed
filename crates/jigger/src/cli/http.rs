//! The flags that say which HTTP is spoken: of `load`, `compare` and `timeit`.

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use jigger_load::Http;

use crate::plan::flag::whole;

/// Which HTTP is spoken, and with how many streams.
#[derive(Debug, Clone, Args)]
pub struct HttpArgs {
    /// Which HTTP is spoken.
    #[command(flatten)]
    pub version: VersionArgs,
    /// Requests under way at once on each connection, with --http 2 [default: 1]
    #[arg(short = 'm', long, value_name = "N", value_parser = whole::<u16>(1, u16::MAX.into()))]
    pub streams: Option<u16>,
    /// Close each connection after N requests and open a new one
    #[arg(long, value_name = "N", value_parser = whole::<u32>(1, u32::MAX.into()))]
    pub requests_per_connection: Option<u32>,
    /// Make unary gRPC calls over HTTP/2: the URL's path is /package.Service/Method and the body is
    /// one protobuf-encoded message (-b @FILE)
    #[arg(long, conflicts_with_all = ["method", "json", "template", "request", "requests_file", "expect_status"])]
    pub grpc: bool,
}

/// Which HTTP is spoken.
#[derive(Debug, Clone, Args)]
pub struct VersionArgs {
    /// HTTP version. With https:// it is negotiated by ALPN; with http:// version 2 is used without
    /// negotiation (prior knowledge) [default: 1.1]
    #[arg(long, value_name = "VERSION")]
    pub http: Option<HttpVersion>,
}

impl VersionArgs {
    /// The version to speak, as far as the command line says.
    pub fn version(&self) -> HttpVersion {
        self.http.unwrap_or(HttpVersion::V1)
    }
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
    /// With https:// the version that the server chooses by ALPN; with http:// 1.1
    #[value(name = "auto")]
    Auto,
}

impl HttpVersion {
    /// What is spoken; `None` where that is left to the server.
    pub fn fixed(self) -> Option<Http> {
        match self {
            HttpVersion::V1 => Some(Http::V1),
            HttpVersion::V2 => Some(Http::V2),
            HttpVersion::Auto => None,
        }
    }
}

impl HttpArgs {
    /// The version to speak: gRPC's is HTTP/2.
    ///
    /// # Errors
    /// When the other one is asked for.
    pub fn version(&self) -> Result<HttpVersion> {
        match self.version.http {
            _ if !self.grpc => Ok(self.version.version()),
            Some(HttpVersion::V1) => bail!("--grpc needs HTTP/2; leave out --http 1.1"),
            _ => Ok(HttpVersion::V2),
        }
    }

    /// The number of streams on a connection in which this is spoken.
    ///
    /// # Errors
    /// Streams are HTTP/2's.
    pub fn streams_over(&self, http: Http) -> Result<usize> {
        match (http, self.streams) {
            (_, None) => Ok(1),
            (Http::V2, Some(streams)) => Ok(streams.into()),
            (Http::V1, Some(_)) if self.version.http == Some(HttpVersion::Auto) => {
                bail!("the server speaks HTTP/1.1, which has no streams; leave out -m (--streams)")
            }
            (Http::V1, Some(_)) => bail!("-m (--streams) is for HTTP/2; add --http 2"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_for_http2_and_the_message_says_what_to_do() {
        let of = |http, streams, spoken| {
            let version = VersionArgs { http: Some(http) };
            let args = HttpArgs { version, streams, grpc: false, requests_per_connection: None };
            args.streams_over(spoken).map_err(|error| error.to_string())
        };
        assert_eq!(of(HttpVersion::Auto, None, Http::V1), Ok(1));
        assert_eq!(of(HttpVersion::Auto, Some(7), Http::V2), Ok(7));
        assert_eq!(of(HttpVersion::V2, Some(7), Http::V2), Ok(7));
        assert!(of(HttpVersion::Auto, Some(1), Http::V1).unwrap_err().contains("leave out -m"));
        assert!(of(HttpVersion::V1, Some(1), Http::V1).unwrap_err().contains("add --http 2"));
    }

    #[test]
    fn grpc_is_spoken_over_http2() {
        let of = |http, grpc| {
            let version = VersionArgs { http };
            let args = HttpArgs { version, streams: None, grpc, requests_per_connection: None };
            args.version().map_err(|error| error.to_string())
        };
        assert_eq!(of(None, false), Ok(HttpVersion::V1));
        for http in [None, Some(HttpVersion::V2), Some(HttpVersion::Auto)] {
            assert_eq!(of(http, true), Ok(HttpVersion::V2));
        }
        assert!(of(Some(HttpVersion::V1), true).unwrap_err().contains("leave out --http 1.1"));
    }
}
