//! One file for each verb.

pub mod ab;
pub mod check;
pub mod compare;
pub mod completions;
pub mod cross_check;
pub mod diff;
pub mod image;
pub mod init;
pub mod load;
pub mod man;
pub mod report;
pub mod run;
pub mod schema;
pub mod timeit;
pub mod wrk;

mod output;

use std::process::ExitCode;

/// How the program ends; documented in the help and the README.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All was measured.
    Fine,
    /// A threshold does not hold, or something got worse.
    Missed,
    /// The command line or the suite is wrong, or a file cannot be read or written.
    Usage,
    /// A contender could not be measured.
    NotMeasured,
    /// `jigger wrk`: the system gave no load thread.
    NoThread,
    /// Ctrl-C; what was measured is kept.
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Fine => 0,
            Exit::Missed => 1,
            Exit::Usage | Exit::NoThread => 2,
            Exit::NotMeasured => 3,
            Exit::Interrupted => 130,
        })
    }
}
