//! A drop-in for wrk: its flags, its numbers' meaning, its report.
//!
//! The layout and the meaning of each number were taken from wrk 4.1.0 and 4.2.0
//! (<https://github.com/wg/wrk>) as they print them; see docs/wrk.md.

pub mod format;
pub mod report;
pub mod scan;
pub mod script;
pub mod spectrum;
pub mod statistics;
