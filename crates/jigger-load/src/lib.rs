//! jigger's load engine: sends requests to an HTTP/1.1 or HTTP/2 server as fast as it responds (closed
//! loop) or on a schedule (open loop), checks every response, and records true latency and every failure.
//!
//! [`run`] takes a [`Load`] and gives a [`Sample`]; [`fetch`](crate::fetch::fetch) sends one;
//! [`NullServer`] responds as fast as this machine can, and [`ceiling`] is the rate at which
//! the engine loads it. Linux only: the network is reached through epoll, without unsafe code.

#![doc = "\n"]
#![doc = include_str!("../README.md")]
#![warn(missing_docs)]
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod expect;
pub mod failure;
pub mod fetch;
pub mod grpc;
mod io;
pub mod load;
pub mod null_server;
pub mod open_files;
mod protocol;
mod random;
pub mod sample;
pub mod session;
pub mod source;
mod team;
pub mod tls;
pub mod url;
mod worker;

pub use expect::{BodyRule, Expect};
pub use failure::{ErrorKind, Errors};
pub use hdrhistogram::Histogram;
pub use load::{Arrivals, ConnectionPolicy, Extent, Http, Load, LoadError, Pacing, Progress};
pub use null_server::{CeilingError, NullOptions, NullServer, NullServerError, ceiling};
pub use protocol::http1::Malformed;
pub use protocol::http2::{Http2Fault, PeerSettings};
pub use sample::{
    EngineUse, RequestSample, Sample, Snapshot, Snapshots, TlsAgreement, TlsSample, Unmade,
};
pub use session::{Jar, Session};
pub use source::hooks;
pub use source::hooks::Hooks;
pub use source::request::{Request, RequestError};
pub use source::template::TemplateError;
pub use team::{run, run_with_hooks};
pub use tls::{SelfSigned, TlsClient, TlsError, TlsOptions, TlsVersion};
pub use url::{Address, ResolveError, Url, UrlError};
