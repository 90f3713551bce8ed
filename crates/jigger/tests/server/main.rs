//! Servers as real processes: started, waited for, accounted for and stopped.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod ready;
mod start;
mod stop;
mod usage;
mod world;
