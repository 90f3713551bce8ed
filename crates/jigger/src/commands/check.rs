//! `jigger check`: build, start, verify, list what is unfair; measure nothing.

use std::fmt::Write as _;

use anyhow::Result;

use super::{Exit, output, run};
use crate::cli::CheckArgs;
use crate::confounder;
use crate::display::Display;
use crate::event::Event;
use crate::interrupt::Interrupt;
use crate::prepare::{self, Images};
use crate::record::{Record, Status};
use crate::suite::Place;
use crate::visit::survey;

/// Checks a suite's contenders.
///
/// # Errors
/// When the suite is wrong or there is no place for the servers' logs.
pub fn run(args: &CheckArgs) -> Result<Exit> {
    let suite = run::suite(&args.suite, &args.only, &args.place)?;
    // Images take long to build, and only containers need them here.
    let images = match args.place.place() {
        Place::Processes => Images::Skip,
        Place::Containers | Place::Both => Images::detect(&suite, args.engine.as_deref()),
    };
    let placement = args.placement.placement()?;
    let mut record = run::empty_record(&suite, 0, placement);
    let interrupt = Interrupt::listen()?;
    let ground = run::Ground::new(&suite, &images, &interrupt)?;
    let mut display = Display::new(args.shown.verbosity());
    let mut listener = |event: Event| display.show(&event);
    let builds = args.place.builds();
    record.contenders = prepare::prepare(&suite, builds, &images, &interrupt, &mut listener);
    let taking_part = run::taking_part(&record);
    let without_load = suite.without_load();
    let mut world = ground.world(&without_load, &record)?;
    record.visits = survey(&suite, &taking_part, &mut world, &interrupt, &mut listener);
    if interrupt.is_raised() {
        return Ok(Exit::Interrupted);
    }
    for visit in &record.visits {
        if let Some(reason) = &visit.failure {
            let contender = record.contenders.iter_mut().find(|c| c.name == visit.entry);
            let contender = contender.expect("only contenders of the record were visited");
            contender.status = Status::Failed;
            contender.reason = Some(reason.clone());
        }
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
            _ => format!("{name}: answers correctly{}", started(record, name)),
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
