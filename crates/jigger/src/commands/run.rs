//! `jigger run`: a suite to its report. `jigger compare`: servers that are running already.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};

use super::{Exit, measure};
use crate::cli::{CompareArgs, RunArgs};
use crate::pipeline;
use crate::plan::Options;
use crate::plan::flag::Time;
use crate::prepare::Images;
use crate::suite::Suite;

pub fn run(args: &RunArgs) -> Result<Exit> {
    let options = args.options.clone();
    let suite = Suite::read(&super::suite_name(args.suite.as_deref()), &options.selection)?;
    let images = match options.no_images {
        true => Images::Skip,
        false => Images::detect(&suite, options.engine.as_deref()),
    };
    measure(&pipeline::plan(suite, options)?, images, &args.output)
}

/// A warm-up before `compare` takes so many times the scenario's length at most, so that a short
/// look is one; within these bounds. The servers run already and stay warm from one visit to the
/// next.
const WARM_UP_DURATIONS: u32 = 10;
const SHORTEST_CAP: Duration = Duration::from_secs(1);
const LONGEST_CAP: Duration = Duration::from_secs(10);
const WINDOW: Duration = Duration::from_millis(200);

pub fn compare(args: &CompareArgs) -> Result<Exit> {
    let text = suite_text(args)?;
    let suite = Suite::parse(&text, "the command line", Path::new("/"))?;
    let (method, cores) = (args.method.clone(), args.cores.clone());
    let options = Options { method, cores, ..Options::default() };
    measure(&pipeline::plan(suite, options)?, Images::Skip, &args.output)
}

/// The suite that these arguments stand for; it is kept in the record as any other.
fn suite_text(args: &CompareArgs) -> Result<String> {
    let Time { text: duration, length } = &args.duration;
    let cap = (*length * WARM_UP_DURATIONS).clamp(SHORTEST_CAP, LONGEST_CAP);
    let mut text = format!(
        "[suite]\nname = \"compare\"\nwarm_up = {{ window = \"{}ms\", cap = \"{}ms\" }}\n",
        (cap / 10).min(WINDOW).as_millis(),
        cap.as_millis()
    );
    for server in &args.servers {
        let Some((name, url)) = server.split_once('=') else {
            bail!("'{server}' is not NAME=URL; write for instance gin=http://127.0.0.1:8080/");
        };
        write!(text, "\n[[contender]]\nname = {name:?}\nurl = {url:?}\n")?;
    }
    write!(
        text,
        "\n[[scenario]]\nname = \"sequential\"\nrequests = 250\n\
         \n[[scenario]]\nname = \"saturation\"\nconnections = {}\nduration = {duration:?}\n",
        args.connections
    )?;
    Ok(text)
}
