//! The two programs.

use std::io::ErrorKind;
use std::process::{Command, Stdio};

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// The real one.
    Wrk,
    /// `jigger wrk`.
    Jigger,
}

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Whether the real wrk is to be compared with; a test without it fails unless it is told so.
pub fn is_wrk_wanted() -> bool {
    std::env::var("JIGGER_TEST_WRK").map_or(true, |value| value != "none")
}

/// Runs a program to its end.
pub fn run(tool: Tool, arguments: &[&str]) -> Outcome {
    let mut command = match tool {
        Tool::Wrk => Command::new("wrk"),
        Tool::Jigger => {
            let mut command = Command::new(env!("CARGO_BIN_EXE_jigger"));
            command.arg("wrk");
            command
        }
    };
    command.args(arguments).stdin(Stdio::null());
    let output = command.output().unwrap_or_else(|error| match error.kind() {
        ErrorKind::NotFound => panic!(
            "wrk is not on PATH, so jigger cannot be compared with it; install it (Debian: \
             apt-get install -y wrk), or run `make setup-test`; JIGGER_TEST_WRK=none omits it"
        ),
        _ => panic!("{tool:?} cannot be started: {error}"),
    });
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Outcome {
        code: output.status.code(),
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
    }
}

/// Runs the real wrk, where it is wanted, and jigger.
pub fn run_both(arguments: &[&str]) -> (Option<Outcome>, Outcome) {
    let real = is_wrk_wanted().then(|| run(Tool::Wrk, arguments));
    (real, run(Tool::Jigger, arguments))
}
