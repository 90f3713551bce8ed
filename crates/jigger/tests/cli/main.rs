//! The program as its users run it: real servers, real processes, real files.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bad_servers;
mod cross_check;
mod init;
mod lab;
mod load;
mod run;
mod schema;
mod timeit;
mod tutorial;
mod usage;
