//! What every command that visits servers does: the plan's contenders are prepared, its phases run,
//! and all of it is in the record. The analysis and the reports are functions of that.

use std::path::PathBuf;

use anyhow::{Result, bail};
use jigger_load::{Url, open_files};

use crate::display::{Display, Verbosity};
use crate::event::Event;
use crate::host::{Host, allowed_cores, is_here};
use crate::image::Engine;
use crate::interrupt::Interrupt;
use crate::plan::{Options, RunPlan};
use crate::prepare::{self, Images};
use crate::record::RecordFile;
use crate::server::port::Ports;
use crate::service::Services;
use crate::session::{self, Settled, World};
use crate::suite::{Contender, Suite};
use crate::visit::LiveWorld;

/// The plan for this machine; where all servers run on another one, for that.
///
/// # Errors
/// When a core asked for is not one that jigger may use, or is none of the servers' machine.
pub fn plan(suite: Suite, options: Options) -> Result<RunPlan> {
    let cores = allowed_cores();
    let plan = RunPlan::new(suite, options, &cores)?;
    if !plan.suite.contenders.iter().all(is_elsewhere) {
        return Ok(plan);
    }
    if plan.options.cores.server_cpus.is_some() {
        bail!("--server-cpus: the servers run on another machine already; leave it out");
    }
    Ok(plan.for_servers_elsewhere(&cores))
}

/// Whether it runs already, and on another machine.
fn is_elsewhere(contender: &Contender) -> bool {
    let runs_already = contender.start.is_none() && contender.container.is_none();
    let addresses = Url::parse(&contender.url).ok().and_then(|url| url.resolve().ok());
    runs_already && addresses.is_some_and(|found| !found.iter().any(|it| is_here(it.ip())))
}

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
    allow_open_files(plan);
    let mut file = RecordFile::create(context.record.clone(), plan.record(Host::inspect()))?;
    let mut display = Display::new(context.verbosity);
    let mut listener = |event: Event| display.show(&event);
    let mut ports = Ports::new();
    let mut services = Services::new(plan, context.interrupt.clone(), &mut ports)?;
    services.begin(&mut listener);
    file.record.services = services.records();
    file.record.contenders =
        prepare::prepare(plan, &services, &context.images, context.interrupt, &mut listener);
    file.save()?;
    let world = LiveWorld::new(plan, context.interrupt.clone(), services, ports)?;
    let mut world = wrap(world.with_containers(engine, &file.record.contenders));
    session::run(plan, context.settled, &mut world, &mut file, &mut listener)?;
    Ok(file)
}

/// Raises the limit on open files before the first server inherits it, where a scenario needs that:
/// later, some servers would have been started with another limit than the rest.
fn allow_open_files(plan: &RunPlan) {
    let most = plan.scenarios.iter().map(|scenario| scenario.connections).max().unwrap_or(0);
    open_files::allow(most, plan.placement.client_cpus.len());
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::host::Placement;
    use crate::plan::{Cores, cpu_list};

    fn planned(urls: &[&str], cores: Cores) -> Result<Placement> {
        let contender = |(at, url): (usize, &&str)| {
            format!("[[contender]]\nname = \"c{at}\"\nurl = \"{url}\"\n")
        };
        let contenders: String = urls.iter().enumerate().map(contender).collect();
        let text = format!(
            "[suite]\nname = \"s\"\n{contenders}[[scenario]]\nname = \"q\"\nrequests = 1\n"
        );
        let options = Options { cores, ..Options::default() };
        Ok(plan(Suite::parse(&text, "s", Path::new("/"))?, options)?.placement)
    }

    /// These are nobody's (RFC 5737).
    #[test]
    fn servers_on_another_machine_need_no_cores_of_this_one() {
        let (own, other) = ("http://127.0.0.1:1/", "http://198.51.100.7/");
        let all = allowed_cores();
        let far = planned(&[other, "http://203.0.113.7:8080/"], Cores::default()).unwrap();
        assert_eq!(far, Placement::of_client(&all, None));
        for urls in [&[own, own][..], &[own, other]] {
            assert_eq!(planned(urls, Cores::default()).unwrap(), Placement::split(&all));
        }
        let list = cpu_list(&all[0].to_string()).ok();
        let client = Cores { client_cpus: list.clone(), ..Cores::default() };
        assert_eq!(planned(&[other], client).unwrap(), Placement::of_client(&all[..1], None));
        let server = Cores { server_cpus: list, ..Cores::default() };
        let message = planned(&[other], server).unwrap_err().to_string();
        assert!(message.contains("--server-cpus") && message.contains("leave it out"), "{message}");
    }
}
