//! jigger: which of these servers is faster, by how much, at what cost, and can it be believed?
//!
//! Data flows one way. Each module uses only those that are declared before it.

// commands/output.rs writes: a reader that has gone makes these macros panic.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod numbers;
pub mod programs;
mod temporary;
mod wording;

mod cgroup;
pub mod host;

pub mod disturbance;
pub mod record;

pub mod metric;

pub mod suite;

mod init;

mod plan;

pub mod image;
pub mod interrupt;
pub mod server;

mod event;
mod service;

pub mod prepare;

pub mod caveat;
mod confounder;

pub mod analysis;

pub mod report;

mod display;
#[cfg(feature = "tui")]
pub mod live;
pub mod wrk;

mod session;
mod visit;

pub mod cross_check;
mod doctor;
mod pipeline;
pub mod schema;

mod cli;
pub mod commands;
