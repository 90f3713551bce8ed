//! jigger's engine beside the tools that people trust: the same servers, the same cores, the same
//! rounds.
//!
//! The tools are the real programs, run as their users run them.

pub mod process;
pub mod python;
mod read;
pub mod report;
pub mod tool;

pub use read::Reading;
pub use report::{Checked, Series};
pub use tool::{Found, TOOLS, Task, Tool};
