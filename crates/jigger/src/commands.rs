//! One file for each verb.

pub mod ab;
pub mod check;
pub mod compare;
pub mod completions;
pub mod cross_check;
pub mod diff;
pub mod image;
pub mod init;
pub mod load;
pub mod man;
pub mod report;
pub mod run;
pub mod schema;
pub mod timeit;
pub mod wrk;

mod output;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

use crate::analysis::Analysis;
use crate::cli::OutputArgs;
use crate::interrupt::Interrupt;
use crate::pipeline::{self, RunContext};
use crate::plan::RunPlan;
use crate::prepare::Images;
use crate::record::{Ended, Record};
use crate::report::render_as;

/// How the program ends; documented in the help and the README.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All was measured.
    Fine,
    /// A threshold does not hold, or something got worse.
    Missed,
    /// The command line or the suite is wrong, or a file cannot be read or written.
    Usage,
    /// A contender could not be measured.
    NotMeasured,
    /// `jigger wrk`: the system gave no load thread.
    NoThread,
    /// Ctrl-C; what was measured is kept.
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Fine => 0,
            Exit::Missed => 1,
            Exit::Usage | Exit::NoThread => 2,
            Exit::NotMeasured => 3,
            Exit::Interrupted => 130,
        })
    }
}

/// What `run` and `compare` do: runs the plan, keeps the record, writes the reports.
fn measure(plan: &RunPlan, images: Images, out: &OutputArgs) -> Result<Exit> {
    output::check_files(&out.output)?;
    let half_width = plan.rounds.until_half_width;
    let context = RunContext {
        interrupt: &Interrupt::listen()?,
        images,
        record: Some(out.record.clone().unwrap_or_else(|| record_path("jigger-records", plan))),
        verbosity: out.shown.verbosity(),
        settled: &|record: &Record| Analysis::of(record).is_settled(half_width),
    };
    let file = pipeline::run(plan, &context)?;
    let analysis = Analysis::of(&file.record);
    output::print(&render_as(&analysis, out.format, out.shown.look()))?;
    output::write_files(&analysis, &out.output, out.charts.as_deref())?;
    if let Some(path) = &file.path {
        eprintln!("record: {}", path.display());
    }
    Ok(match file.record.ended {
        Ended::Interrupted => Exit::Interrupted,
        _ if analysis.has_failures() => Exit::NotMeasured,
        _ if analysis.misses_thresholds(plan.options.method.strict) => Exit::Missed,
        _ => Exit::Fine,
    })
}

/// Where the record of a run that begins now goes within a folder.
fn record_path(folder: impl Into<PathBuf>, plan: &RunPlan) -> PathBuf {
    let time = jiff::Timestamp::now().strftime("%Y%m%d-%H%M%S");
    folder.into().join(format!("{}-{time}.json", plan.suite.name))
}
