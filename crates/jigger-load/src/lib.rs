//! jigger's load engine: asks an HTTP/1.1 server as fast as it answers (closed loop) or on a
//! schedule (open loop), checks every answer, and records true latency and every failure.
//!
//! [`run`] takes a [`Load`] and gives a [`Sample`]; [`ask`](crate::ask::ask) asks once;
//! [`NullServer`] answers as fast as this machine can, and [`ceiling`] is the rate at which
//! the engine asks it. Linux only: the network is reached through epoll, without unsafe code.

#![warn(missing_docs)]

pub mod address;
pub mod ask;
mod ceiling;
mod connection;
pub mod expect;
pub mod failure;
mod glimpse;
pub mod hooks;
mod http1;
mod io;
pub mod load;
pub mod null_server;
mod outbox;
mod random;
pub mod request;
pub mod sample;
mod schedule;
mod tally;
mod team;
pub mod template;
mod turn;
pub mod url;
mod worker;

pub use address::Address;
pub use ceiling::{CeilingError, ceiling};
pub use expect::{BodyRule, Expect};
pub use failure::{ErrorKind, Errors};
pub use glimpse::{Glimpse, Glimpses};
pub use hdrhistogram::Histogram;
pub use hooks::{Hooks, run_with_hooks};
pub use http1::Malformed;
pub use load::{Arrivals, ConnectionPolicy, Extent, Flow, Load, LoadError, Pacing, Progress, run};
pub use null_server::{NullOptions, NullServer, NullServerError};
pub use request::{Request, RequestError};
pub use sample::{EngineUse, InFlight, Sample};
pub use template::TemplateError;
pub use url::{ResolveError, Url, UrlError};
