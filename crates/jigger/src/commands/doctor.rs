//! `jigger doctor`: what this machine has and lacks.

use std::path::Path;

use anyhow::Result;

use super::{Exit, output};
use crate::cli::DoctorArgs;
use crate::cross_check::process::Runner;
use crate::doctor::Examination;
use crate::interrupt::Interrupt;
use crate::report::{Format, to_json};
use crate::server::guard;

pub fn run(args: &DoctorArgs) -> Result<Exit> {
    let interrupt = Interrupt::listen()?;
    let runner = Runner::new(Path::new(guard::PROGRAM), &interrupt);
    let found = Examination::of_this_machine(&runner);
    if interrupt.is_raised() {
        return Ok(Exit::Interrupted);
    }
    output::print(&match args.format {
        Format::Json => to_json(&found),
        _ => found.text(args.color.look()),
    })?;
    Ok(Exit::Fine)
}
