//! jigger's engine beside the tools that people trust: the same servers, the same cores, the same
//! rounds.
//!
//! The tools are the real programs, run as their users run them.

mod checked;
pub mod process;
pub mod python;
mod read;
pub mod report;
pub mod tool;
mod world;

pub use checked::{Checked, JIGGER, Series};
pub use read::Reading;
pub use tool::{Call, Found, TOOLS, Task, Tool};
pub use world::ToolWorld;
