//! Parse, dispatch, print the error, exit.

use std::process::ExitCode;

fn main() -> ExitCode {
    jigger::cli::main()
}
