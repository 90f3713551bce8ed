//! jigger's load engine: asks an HTTP/1.1 server as fast as it answers (closed loop) or on a
//! schedule (open loop), checks every answer, and records true latency and every failure.
//!
//! [`run`] takes a [`Load`] and gives a [`Sample`]; [`ask`](crate::ask::ask) asks once;
//! [`NullServer`] answers as fast as this machine can, and [`ceiling`] is the rate at which
//! the engine asks it. Linux only: the network is reached through epoll, without unsafe code.

pub mod address;
pub mod ask;
mod ceiling;
pub mod expect;
pub mod failure;
mod glimpse;
mod io;
pub mod load;
pub mod null_server;
mod protocol;
mod random;
pub mod request;
pub mod sample;
mod schedule;
pub mod source;
mod tally;
mod team;
pub mod template;
mod thread;
mod turn;
pub mod url;
mod worker;

pub use address::Address;
pub use ceiling::{CeilingError, ceiling};
pub use expect::{BodyRule, Expect};
pub use failure::{ErrorKind, Errors};
pub use glimpse::{Glimpse, Glimpses};
pub use hdrhistogram::Histogram;
pub use load::{Arrivals, ConnectionPolicy, Extent, Flow, Load, LoadError, Pacing, Progress};
pub use null_server::{NullOptions, NullServer, NullServerError};
pub use protocol::http1::Malformed;
pub use request::{Request, RequestError};
pub use sample::{EngineUse, InFlight, Sample};
pub use source::hooks;
pub use source::hooks::Hooks;
pub use team::{run, run_with_hooks};
pub use template::TemplateError;
pub use url::{ResolveError, Url, UrlError};
