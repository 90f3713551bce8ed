//! `jigger check`: build, start, verify, list what is unfair; measure nothing.

use std::fmt::Write as _;

use anyhow::Result;

use super::{Exit, output};
use crate::cli::CheckArgs;
use crate::confounder;
use crate::interrupt::Interrupt;
use crate::pipeline::{self, RunContext};
use crate::plan::{Options, RunPlan};
use crate::prepare::Images;
use crate::record::{Ended, Phase, Record, Status};
use crate::suite::{Place, Suite};

pub fn run(args: &CheckArgs) -> Result<Exit> {
    let options = Options {
        selection: args.selection.clone(),
        clean_build: args.clean_build,
        engine: args.engine.clone(),
        cores: args.cores.clone(),
        ..Options::default()
    };
    let suite = Suite::read(&super::suite_name(args.suite.as_deref()), &options.selection)?;
    // Images take long to build, and only containers need them here.
    let images = match options.selection.place {
        Place::Processes => Images::Skip,
        Place::Containers | Place::Both => Images::detect(&suite, options.engine.as_deref()),
    };
    let phases = vec![Phase::Check];
    let plan = RunPlan { phases, ..pipeline::plan(suite, options)? };
    let context = RunContext {
        interrupt: &Interrupt::listen()?,
        images,
        record: None,
        verbosity: args.shown.verbosity(),
        settled: &|_| false,
    };
    let record = pipeline::run(&plan, &context)?.record;
    if record.ended == Ended::Interrupted {
        return Ok(Exit::Interrupted);
    }
    output::print(&described(&record))?;
    let failed = record.contenders.iter().any(|c| c.status == Status::Failed);
    Ok(if failed { Exit::NotMeasured } else { Exit::Fine })
}

fn described(record: &Record) -> String {
    let mut text = String::new();
    for contender in &record.contenders {
        let name = &contender.name;
        let line = match (contender.status, &contender.reason) {
            (Status::Skipped, Some(reason)) => format!("{name}: skipped: {reason}"),
            (Status::Failed, Some(reason)) => format!("{name}: failed: {reason}"),
            _ => format!("{name}: responds correctly{}", started(record, name)),
        };
        let _ = writeln!(text, "{line}");
        for found in confounder::of_contender(record, name) {
            let _ = writeln!(text, "  {}: {}; {}", found.code, found.detail, found.remedy);
        }
    }
    for found in confounder::of_run(record) {
        let _ = writeln!(text, "{}: {}; {}", found.code, found.detail, found.remedy);
    }
    text
}

fn started(record: &Record, name: &str) -> String {
    let visit = record.visits.iter().find(|visit| visit.entry == name);
    let startup_ns = visit.and_then(|visit| visit.startup_ns);
    startup_ns.map_or(String::new(), |ns| {
        let shown = crate::report::units::time_us(crate::numbers::number(ns) / 1e3);
        format!(", {shown} after its start")
    })
}
