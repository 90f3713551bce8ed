//! The program as its users run it: real servers, real processes, real files.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod ab;
mod bad_servers;
mod builds;
mod ci;
mod cross_check;
mod diff;
mod grpc;
mod http2;
mod http2_over_tls;
mod init;
mod interrupt;
mod lab;
mod load;
mod rates;
mod requests;
mod run;
mod schema;
mod services;
mod sessions;
mod thresholds;
mod timeit;
mod tls;
mod tutorial;
mod usage;
