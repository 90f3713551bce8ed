//! `jigger cross-check`: the real tools beside jigger's engine, on a suite's servers.

use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::{Exit, output};
use crate::cli::CrossCheckArgs;
use crate::cross_check::process::Runner;
use crate::cross_check::report::{json, markdown};
use crate::cross_check::{Checked, Found, TOOLS, Tool, ToolWorld};
use crate::disturbance::Limits;
use crate::host::allowed_cores;
use crate::interrupt::Interrupt;
use crate::pipeline::{self, RunContext};
use crate::plan::{Method, Options, RunPlan};
use crate::prepare::Images;
use crate::record::{Ended, Phase};
use crate::report::Format;
use crate::server::{Diagnostic as _, guard};
use crate::suite::{Pacing, Rounds, Selection, Suite};
use crate::wording;

/// The seed of the servers' orders.
const SEED: u64 = 42;
/// Rounds of a first look.
const QUICK_ROUNDS: u16 = 2;

/// Runs the tools that there are and prints their figures beside jigger's.
///
/// # Errors
/// When the suite or an argument is wrong, no tool is there, or a file cannot be written.
pub fn run(args: &CrossCheckArgs) -> Result<Exit> {
    let plan = plan(args)?;
    let interrupt = Interrupt::listen()?;
    let runner = Runner::new(Path::new(guard::PROGRAM), &interrupt);
    let (found, missing) = find(args, &runner)?;
    let mut checked = Checked::new(&plan, &found, missing);
    let context = RunContext {
        interrupt: &interrupt,
        images: Images::Skip,
        record: None,
        verbosity: args.shown.verbosity(),
        settled: &|_| false,
    };
    let (found, runner, figures) = (&found, &runner, &mut checked);
    let file = pipeline::run_in(&plan, &context, move |live| ToolWorld {
        live,
        found,
        runner,
        checked: figures,
    })?;
    let record = file.record;
    checked.conclude(&record);
    show(args, &checked)?;
    let has_failed = record.visits.iter().any(|visit| visit.failure.is_some());
    Ok(match record.ended {
        Ended::Interrupted => Exit::Interrupted,
        Ended::NothingLeft => Exit::NotMeasured,
        _ if has_failed => Exit::NotMeasured,
        _ => Exit::Fine,
    })
}

fn show(args: &CrossCheckArgs, checked: &Checked<'_>) -> Result<()> {
    let text = markdown(checked);
    if let Some(file) = &args.output {
        std::fs::write(file, &text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    output::print(&match args.format {
        Format::Json => json::render(checked),
        _ => text,
    })
}

/// Rounds of the closed loops alone: a fixed rate is nothing that these tools can do, and a search
/// for one neither.
fn plan(args: &CrossCheckArgs) -> Result<RunPlan> {
    let rounds = if args.quick { QUICK_ROUNDS } else { args.rounds }.into();
    let options = Options {
        method: Method { quick: args.quick, seed: SEED, ..Method::default() },
        selection: Selection { only: args.only.clone(), ..Selection::default() },
        ..Options::default()
    };
    let suite = Suite::read(&args.suite, &options.selection)?;
    let planned = RunPlan::new(suite, options, &allowed_cores())?;
    let mut scenarios = planned.scenarios.clone();
    scenarios.retain(|scenario| scenario.pacing == Pacing::Closed);
    if scenarios.is_empty() {
        let name = &planned.suite.name;
        bail!("every scenario of '{name}' has a fixed rate, which the tools cannot do");
    }
    Ok(RunPlan {
        phases: vec![Phase::Rounds],
        rounds: Rounds { min: rounds, max: rounds, disturbance: Limits::none(), ..planned.rounds },
        placebo: false,
        scenarios,
        ..planned
    })
}

/// The tools that are there, and why the others are not.
fn find(args: &CrossCheckArgs, runner: &Runner) -> Result<(Vec<Found>, Vec<String>)> {
    let known = || TOOLS.iter().map(|tool| tool.name);
    if let Some(unknown) = args.tool.iter().find(|name| !known().any(|known| known == *name)) {
        let known: Vec<&str> = known().collect();
        bail!("--tool: {}", wording::unknown("tool", unknown, &known));
    }
    let wanted = |tool: &&Tool| args.tool.is_empty() || args.tool.iter().any(|it| it == tool.name);
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for tool in TOOLS.iter().filter(wanted) {
        match tool.find(runner) {
            Ok(one) => found.push(one),
            Err(error) => missing.push(format!("{}: {}", tool.name, error.in_full())),
        }
    }
    if found.is_empty() {
        bail!("none of the tools can be run here:\n  {}", missing.join("\n  "));
    }
    Ok((found, missing))
}
