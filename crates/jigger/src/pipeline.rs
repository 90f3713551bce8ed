//! What every command that visits servers does: the plan's contenders are prepared, its phases run,
//! and all of it is in the record. The analysis and the reports are functions of that.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::display::{Display, Verbosity};
use crate::event::Event;
use crate::host::Host;
use crate::image::Engine;
use crate::interrupt::Interrupt;
use crate::plan::RunPlan;
use crate::prepare::{self, Images};
use crate::record::RecordFile;
use crate::session::{self, Settled, World};
use crate::visit::LiveWorld;

/// What a run has to do with beside its plan.
pub struct RunContext<'a> {
    pub interrupt: &'a Interrupt,
    /// Whether images are built and measured, and with which engine.
    pub images: Images,
    /// Where the record is kept; `None` for one that is not.
    pub record: Option<PathBuf>,
    pub verbosity: Verbosity,
    pub settled: &'a Settled<'a>,
}

/// Runs a plan in the real world.
///
/// # Errors
/// When contenders run in containers and there is no engine, or a file cannot be written.
pub fn run(plan: &RunPlan, context: &RunContext<'_>) -> Result<RecordFile> {
    run_in(plan, context, |world| world)
}

/// Runs a plan in what `wrap` makes of the real world.
///
/// # Errors
/// As [`run`].
pub fn run_in<'p, W: World>(
    plan: &'p RunPlan,
    context: &RunContext<'_>,
    wrap: impl FnOnce(LiveWorld<'p>) -> W,
) -> Result<RecordFile> {
    let engine = engine(plan, &context.images)?;
    let mut file = RecordFile::create(context.record.clone(), plan.record(Host::inspect()))?;
    let mut display = Display::new(context.verbosity);
    let mut listener = |event: Event| display.show(&event);
    file.record.contenders =
        prepare::prepare(plan, &context.images, context.interrupt, &mut listener);
    file.save()?;
    let world = LiveWorld::new(plan, context.interrupt.clone())?;
    let mut world = wrap(world.with_containers(engine, &file.record.contenders));
    session::run(plan, context.settled, &mut world, &mut file, &mut listener)?;
    Ok(file)
}

/// The engine that the contenders' containers run with; none when there are no such contenders.
fn engine(plan: &RunPlan, images: &Images) -> Result<Option<Engine>> {
    if plan.suite.contenders.iter().all(|contender| contender.container.is_none()) {
        return Ok(None);
    }
    match images {
        Images::Skip => bail!("containers run from images; leave out --no-images"),
        Images::NoEngine(why) => bail!("{why}"),
        Images::Build(engine) => Ok(Some(engine.clone())),
    }
}
