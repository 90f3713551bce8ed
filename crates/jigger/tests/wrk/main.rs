//! `jigger wrk` beside the real wrk: the same command lines, the same server, what both print and
//! what the server saw.
//!
//! Where wrk is not on PATH the tests fail, unless the environment says `JIGGER_TEST_WRK=none`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[cfg(feature = "lua")]
mod bench;
#[cfg(feature = "lua")]
mod bootstrap;
#[cfg(feature = "lua")]
mod idioms;
mod layout;
#[cfg(feature = "lua")]
mod modules;
mod options;
#[cfg(feature = "lua")]
mod scripts;
mod server;
mod tool;
