//! `jigger run`: a suite to its report. `jigger compare`: servers that are running already.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Result, bail};

use super::{Exit, measure};
use crate::cli::{CompareArgs, RunArgs};
use crate::host::allowed_cores;
use crate::plan::{Options, RunPlan};
use crate::prepare::Images;
use crate::suite::Suite;

pub fn run(args: &RunArgs) -> Result<Exit> {
    let options = args.options.clone();
    let suite = Suite::read(&args.suite, &options.selection)?;
    let images = match options.no_images {
        true => Images::Skip,
        false => Images::detect(&suite, options.engine.as_deref()),
    };
    measure(&RunPlan::new(suite, options, &allowed_cores())?, images, &args.output)
}

pub fn compare(args: &CompareArgs) -> Result<Exit> {
    let text = suite_text(args)?;
    let suite = Suite::parse(&text, "the command line", Path::new("/"))?;
    let (method, cores) = (args.method.clone(), args.cores.clone());
    let options = Options { method, cores, ..Options::default() };
    measure(&RunPlan::new(suite, options, &allowed_cores())?, Images::Skip, &args.output)
}

/// The suite that these arguments stand for; it is kept in the record as any other.
fn suite_text(args: &CompareArgs) -> Result<String> {
    let mut text = String::from("[suite]\nname = \"compare\"\n");
    for server in &args.servers {
        let Some((name, url)) = server.split_once('=') else {
            bail!("'{server}' is not NAME=URL; write for instance gin=http://127.0.0.1:8080/");
        };
        write!(text, "\n[[contender]]\nname = {name:?}\nurl = {url:?}\n")?;
    }
    write!(
        text,
        "\n[[scenario]]\nname = \"sequential\"\nrequests = 250\n\
         \n[[scenario]]\nname = \"saturation\"\nconnections = {}\nduration = {:?}\n",
        args.connections, args.duration
    )?;
    Ok(text)
}
