//! jigger: which of these servers is faster, by how much, at what cost, and can it be believed?
//!
//! Data flows one way. Each module uses only those that are declared before it.

pub mod numbers;

mod cgroup;
pub mod host;

pub mod disturbance;
pub mod record;

pub mod metric;

pub mod suite;

pub mod init;

pub mod plan;

pub mod image;
pub mod interrupt;
pub mod server;

pub mod event;
pub mod prepare;

pub mod confounder;

pub mod analysis;

pub mod report;

pub mod display;
#[cfg(feature = "tui")]
pub mod live;
pub mod wrk;

pub mod session;
pub mod visit;

pub mod cross_check;
pub mod pipeline;
pub mod schema;

pub mod cli;
pub mod commands;
