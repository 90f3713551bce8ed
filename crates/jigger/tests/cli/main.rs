//! The program as its users run it: real servers, real processes, real files.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod ab;
mod bad_servers;
mod diff;
mod init;
mod lab;
mod load;
mod rates;
mod run;
mod schema;
mod thresholds;
mod tutorial;
mod usage;
