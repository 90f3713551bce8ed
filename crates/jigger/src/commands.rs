//! What the program does: a file for each verb, or for verbs that are nearly one.

mod ab;
mod about;
mod asked;
mod check;
mod cross_check;
mod doctor;
mod image;
mod init;
mod load;
mod report;
mod run;
mod spoken;
mod timeit;
mod tls;
mod wrk;

mod output;

use std::borrow::Cow;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, anyhow, bail};

use crate::analysis::Analysis;
use crate::cli::{self, Command, OutputArgs, RunArgs};
use crate::interrupt::Interrupt;
use crate::pipeline::{self, RunContext};
use crate::plan::RunPlan;
use crate::prepare::Images;
use crate::record::{Ended, Record, RecordError};
use crate::report::{Format, render_as};
use crate::server::{VERB, guard};
use crate::suite::BUILTIN_NAMES;

/// How the program ends; documented in the help and the README. The gravest is the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// All was measured.
    Fine,
    /// A threshold does not hold, or something got worse.
    Missed,
    /// The command line or the suite is wrong, or a file cannot be read or written.
    Usage,
    /// `jigger load`: more requests failed than may.
    RequestsFailed,
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
            Exit::RequestsFailed => 4,
            Exit::Interrupted => 130,
        })
    }
}

pub fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|word| word == VERB) {
        return guard::main();
    }
    let arguments = arguments(std::env::args_os().collect());
    let is_wrk = arguments.get(1).is_some_and(|verb| verb == "wrk");
    let cli = match cli::parse(arguments) {
        Ok(cli) => cli,
        Err(error) => return refusal(&error, is_wrk),
    };
    let outcome = match cli.command {
        None => run_unnamed(&cli.run),
        Some(Command::Run(args)) => run::run(&args),
        Some(Command::Compare(args)) => run::compare(&args),
        Some(Command::Load(args)) => load::run(&args),
        Some(Command::Wrk(args)) => wrk::run(&args),
        Some(Command::Timeit(args)) => timeit::run(&args),
        Some(Command::CrossCheck(args)) => cross_check::run(&args),
        Some(Command::Check(args)) => check::run(&args),
        Some(Command::Report(args)) => report::run(&args),
        Some(Command::Ab(args)) => ab::run(&args),
        Some(Command::Diff(args)) => report::diff(&args),
        Some(Command::Image(args)) => image::run(&args),
        Some(Command::Init(args)) => init::run(&args),
        Some(Command::Doctor(args)) => doctor::run(&args),
        Some(Command::Completions(args)) => about::completions(&args),
        Some(Command::Man(args)) => about::man(&args),
        Some(Command::Schema(args)) => about::schema(&args),
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(error) => {
            output::note(&format!("jigger: {error:#}"));
            match () {
                // wrk ends with 1 where it cannot begin, and scripts around it know that.
                () if is_wrk => ExitCode::from(1),
                () if error.is::<spoken::NoChoice>() => Exit::NotMeasured.into(),
                () => Exit::Usage.into(),
            }
        }
    }
}

/// `jigger SUITE`: a word that names no suite may be a command with a slip in it.
fn run_unnamed(args: &RunArgs) -> Result<Exit> {
    let word = args.suite.as_deref().unwrap_or_default();
    let is_plain = !word.contains(['/', '.']);
    if is_plain
        && !BUILTIN_NAMES.contains(&word)
        && !Path::new(word).exists()
        && let Some(message) = cli::no_command_or_suite(word)
    {
        bail!(message);
    }
    run::run(args)
}

/// Prints what is wrong with the arguments, or the help that was asked for.
fn refusal(error: &clap::Error, is_wrk: bool) -> ExitCode {
    // A reader that has gone needs no message.
    let _ = error.print();
    // wrk ends with 1.
    let code = if is_wrk { error.exit_code().min(1) } else { error.exit_code() };
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

/// The program's arguments as its flags are written: with the verb put in when it is called `wrk`,
/// and without the `--` that git has between revisions and paths, behind which no flag is one.
fn arguments(mut given: Vec<OsString>) -> Vec<OsString> {
    let called = given.first().and_then(|name| Path::new(name).file_name());
    if called.is_some_and(|name| name == "wrk") {
        given.insert(1, "wrk".into());
    }
    if given.get(1).is_some_and(|verb| verb == "ab")
        && let Some(at) = given.iter().position(|word| word == "--")
    {
        given.remove(at);
    }
    given
}

/// What `run` and `compare` do: runs the plan, keeps the record, writes the reports.
fn measure(plan: &RunPlan, images: Images, out: &OutputArgs) -> Result<Exit> {
    output::check_files(&out.output, out.card.as_deref())?;
    let half_width = plan.rounds.until_half_width;
    let context = RunContext {
        interrupt: &Interrupt::listen()?,
        images,
        record: Some(out.record.clone().unwrap_or_else(|| record_path("jigger-records", plan))),
        verbosity: out.shown.verbosity(),
        settled: &|record: &Record| Analysis::of(record).is_settled(half_width),
    };
    let file = pipeline::run(plan, &context).map_err(|error| elsewhere(error, "--record FILE"))?;
    let analysis = Analysis::of(&file.record);
    output::print(&render_as(&analysis, out.format, out.look()))?;
    output::write_files(&analysis, &out.output, out.charts.as_deref())?;
    output::write_card(&analysis, out.card.as_deref())?;
    if let Some(path) = &file.path {
        let path = path.display();
        output::note(&format!("record: {path}"));
        if out.format == Format::Text && !out.details {
            output::note(&format!(
                "every figure: jigger report {path} --details; charts: -o report.html"
            ));
        }
    }
    Ok(match file.record.ended {
        Ended::Interrupted => Exit::Interrupted,
        _ if analysis.has_failures() => Exit::NotMeasured,
        _ if analysis.misses_thresholds(plan.options.method.strict) => Exit::Missed,
        _ => Exit::Fine,
    })
}

/// With the flag that names another place, for a record that cannot be written.
fn elsewhere(error: anyhow::Error, flag: &str) -> anyhow::Error {
    match error.downcast_ref() {
        Some(RecordError::Write { .. }) => anyhow!("{error}\n  name another place with {flag}"),
        _ => error,
    }
}

/// The suite that is meant where none is named: the folder's own, as with cargo, make and docker compose.
const OWN_SUITE: &str = "jigger.toml";
const DEFAULT_SUITE: &str = "pong";

fn suite_name(named: Option<&str>) -> Cow<'_, str> {
    match named {
        Some(name) => name.into(),
        None if Path::new(OWN_SUITE).exists() => {
            output::note("the suite is ./jigger.toml; `jigger run pong` runs the default one");
            OWN_SUITE.into()
        }
        None => DEFAULT_SUITE.into(),
    }
}

/// Where the record of a run that begins now goes within a folder.
fn record_path(folder: impl Into<PathBuf>, plan: &RunPlan) -> PathBuf {
    let time = jiff::Timestamp::now().strftime("%Y%m%d-%H%M%S");
    folder.into().join(format!("{}-{time}.json", plan.suite.name))
}
