//! The command line: flags only. `commands` has what they do.

#[cfg(test)]
mod advice;
mod examples;
mod http;
mod load;
mod refusal;
mod request;
mod tls;

use std::io::IsTerminal as _;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::display::Verbosity;
use crate::image::Allowance;
use crate::plan::flag::{Time, status, time, whole};
use crate::plan::{Cores, Method, Options};
use crate::report::{Format, Look};
use crate::schema::Schema;
use crate::suite::Selection;

pub use http::{HttpArgs, HttpVersion, VersionArgs};
pub use refusal::{no_command_or_suite, parse};
pub use request::RequestArgs;
pub use tls::TlsArgs;

pub use load::{CrossCheckArgs, Distribution, LoadArgs, TimeitArgs, WrkArgs};

/// Measures which of several HTTP servers is faster, by how much, and at what cost.
///
/// Without a command it runs the suite `pong`, which is compiled in: it builds
/// and starts four small servers (Go, Python twice, Rust), checks their responses,
/// measures them in interleaved rounds, and reports which is faster and by how much.
#[derive(Debug, Parser)]
#[command(name = "jigger", version, args_conflicts_with_subcommands = true)]
#[command(after_help = examples::HINT, after_long_help = examples::JIGGER)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub run: RunArgs,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Runs a suite: builds, starts, verifies, measures and compares its contenders
    Run(RunArgs),
    /// Compares servers that are already running: NAME=URL NAME=URL ...
    Compare(CompareArgs),
    /// Loads one server, as wrk, oha and hey do, and reports rate, latency and errors
    Load(LoadArgs),
    /// Loads one server with wrk's flags, report and Lua scripts (also if jigger is started by the
    /// name `wrk`)
    Wrk(WrkArgs),
    /// Times N sequential requests, as Python's timeit with requests does
    Timeit(TimeitArgs),
    /// Runs wrk, Python's requests and other tools on a suite's servers, beside jigger's own load
    /// generator
    CrossCheck(CrossCheckArgs),
    /// Builds, starts and verifies a suite's contenders and lists confounders; measures nothing
    Check(CheckArgs),
    /// Prints or writes the report of a record
    Report(ReportArgs),
    /// Compares two git revisions of a suite's contenders in interleaved rounds, for a pull request
    Ab(AbArgs),
    /// Compares two records: has anything got better or worse?
    Diff(DiffArgs),
    /// Shows the sizes of container images, layer by layer
    Image(ImageArgs),
    /// Writes a commented suite for the servers that it finds in a folder
    Init(InitArgs),
    /// Shows what this machine has and lacks for measuring, with remedies; changes nothing
    Doctor(DoctorArgs),
    /// Prints the completions for a shell
    Completions(CompletionsArgs),
    /// Prints the man page, or writes one for each command
    Man(ManArgs),
    /// Prints the JSON schema of suite files, of records, or of a command's JSON output
    Schema(SchemaArgs),
}

/// `jigger run`.
#[derive(Debug, Args)]
#[command(after_help = examples::HINT, after_long_help = examples::RUN)]
pub struct RunArgs {
    /// A suite file, or a suite compiled in: pong, post, placebo, known, stack, tls
    /// [default: ./jigger.toml if it exists, otherwise pong]
    pub suite: Option<String>,
    /// What the command line adds to the suite.
    #[command(flatten)]
    pub options: Options,
    /// Where results go.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `jigger compare`.
#[derive(Debug, Args)]
#[command(after_help = examples::HINT, after_long_help = examples::COMPARE)]
pub struct CompareArgs {
    /// The servers; the first is the baseline
    #[arg(required = true, num_args = 2.., value_name = "NAME=URL")]
    pub servers: Vec<String>,
    /// Connections of the saturation scenario
    #[arg(short, long, default_value_t = 32, value_parser = whole::<u32>(1, u32::MAX.into()))]
    pub connections: u32,
    /// Duration of the saturation scenario in each round; a plain number is seconds
    #[arg(short, long, value_name = "TIME", default_value = "1s", value_parser = time)]
    pub duration: Time,
    /// Which HTTP is spoken.
    #[command(flatten)]
    pub spoken: HttpArgs,
    /// What each is given.
    #[command(flatten)]
    pub asked: RequestArgs,
    /// Timeout of a request
    #[arg(short = 'T', long, value_name = "TIME", default_value = "10s", value_parser = time)]
    pub timeout: Time,
    /// Status of a correct response [default: 200]
    #[arg(long, value_name = "CODE", value_parser = status)]
    pub expect_status: Option<u16>,
    /// Body of a correct response, byte for byte
    #[arg(long, value_name = "TEXT")]
    pub expect_body: Option<String>,
    /// How TLS is spoken.
    #[command(flatten)]
    pub tls: TlsArgs,
    /// How much is measured.
    #[command(flatten)]
    pub method: Method,
    /// Which cores are used.
    #[command(flatten)]
    pub cores: Cores,
    /// Where results go.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Where results go.
#[derive(Debug, Clone, Args)]
pub struct OutputArgs {
    /// Format on standard output
    #[arg(long, value_parser = Format::among(Format::OF_REPORTS), default_value = "text")]
    pub format: Format,
    /// Show every figure, sentence and remedy instead of the summary (text format only)
    #[arg(long)]
    pub details: bool,
    /// Also write a report to this file; the extension (.html, .md, .json, .csv, .txt) sets its
    /// format (repeatable)
    #[arg(short, long, value_name = "FILE")]
    pub output: Vec<PathBuf>,
    /// Draw the charts as SVG files into this folder; a Markdown report (-o) shows them
    #[arg(long, value_name = "DIR", requires = "output")]
    pub charts: Option<PathBuf>,
    /// Also write an image of the result, to share in a post, to this file (SVG, 1200x630)
    #[arg(long, value_name = "FILE", value_parser = svg_file)]
    pub card: Option<PathBuf>,
    /// Write the record to this file [default: jigger-records/SUITE-TIME.json]
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// What is shown on the terminal.
    #[command(flatten)]
    pub shown: ShownArgs,
}

/// What is shown on the terminal.
#[derive(Debug, Clone, Args)]
pub struct ShownArgs {
    /// Use colour in the report
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
    /// Show no progress
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Show each step on its own line
    #[arg(short, long)]
    pub verbose: bool,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// What a text report on standard output may use.
    pub fn look(self) -> Look {
        Look { color: self.is_wanted(), width: columns(), has_details: false }
    }

    fn is_wanted(self) -> bool {
        let has = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => std::io::stdout().is_terminal() && !has("NO_COLOR") && !is_dumb,
        }
    }
}

/// The parser of `--card`.
fn svg_file(path: &str) -> Result<PathBuf, String> {
    match path.ends_with(".svg") {
        true => Ok(path.into()),
        false => Err("the picture is an SVG file: end its name in .svg".to_owned()),
    }
}

/// The terminal's width, within what reads well; 80 where standard output is none.
fn columns() -> usize {
    let found = terminal_size::terminal_size_of(std::io::stdout());
    found.map_or(80, |(terminal_size::Width(columns), _)| usize::from(columns).clamp(40, 120))
}

/// `jigger check`.
#[derive(Debug, Args)]
#[command(after_help = examples::HINT, after_long_help = examples::CHECK)]
pub struct CheckArgs {
    /// A suite file, or a suite compiled in: pong, post, placebo, known, stack, tls
    /// [default: ./jigger.toml if it exists, otherwise pong]
    pub suite: Option<String>,
    /// Which contenders take part, and where they run.
    #[command(flatten)]
    pub selection: Selection,
    /// Rebuild from scratch the contenders that have a `clean_build` in the suite
    #[arg(long)]
    pub clean_build: bool,
    /// Container engine: docker or podman [default: the first that responds]
    #[arg(long, value_name = "NAME")]
    pub engine: Option<String>,
    /// Which cores are used.
    #[command(flatten)]
    pub cores: Cores,
    /// What is shown on the terminal.
    #[command(flatten)]
    pub shown: ShownArgs,
}

/// `jigger report`.
#[derive(Debug, Args)]
#[command(after_help = examples::HINT, after_long_help = examples::REPORT)]
pub struct ReportArgs {
    /// The record of a run
    pub record: PathBuf,
    /// Also show what changed since this earlier record (text, Markdown and HTML)
    #[arg(long, value_name = "RECORD", conflicts_with = "charts")]
    pub against: Option<PathBuf>,
    /// Compare with the record of --against even if host, scenario, driver or method differ
    #[arg(long, requires = "against")]
    pub force: bool,
    /// Format on standard output
    #[arg(long, value_parser = Format::among(Format::OF_REPORTS), default_value = "text")]
    pub format: Format,
    /// Show every figure, sentence and remedy instead of the summary (text format only)
    #[arg(long)]
    pub details: bool,
    /// Write the report to this file instead of standard output; the extension sets its format
    /// (repeatable)
    #[arg(short, long, value_name = "FILE")]
    pub output: Vec<PathBuf>,
    /// Draw the charts as SVG files into this folder; a Markdown report (-o) shows them
    #[arg(long, value_name = "DIR", requires = "output")]
    pub charts: Option<PathBuf>,
    /// Also write an image of the result, to share in a post, to this file (SVG, 1200x630)
    #[arg(long, value_name = "FILE", value_parser = svg_file)]
    pub card: Option<PathBuf>,
    /// What is shown on the terminal.
    #[command(flatten)]
    pub shown: ShownArgs,
}

/// `jigger ab`.
#[derive(Debug, Args)]
#[command(after_help = examples::HINT, after_long_help = examples::AB)]
pub struct AbArgs {
    /// The revision to compare with: a branch, a tag or a commit
    pub base: String,
    /// The revision to judge; . means the working tree with its uncommitted changes
    pub head: String,
    /// The suite file; both revisions are measured with the working tree's version of it
    pub suite: String,
    /// How much is measured.
    #[command(flatten)]
    pub method: Method,
    /// Which cores are used.
    #[command(flatten)]
    pub cores: Cores,
    /// Compare only this contender (repeatable)
    #[arg(long, value_name = "NAME")]
    pub only: Vec<String>,
    /// Judge this metric instead of the default ones; the scenario's name may be left out
    /// (repeatable)
    #[arg(long, value_name = "NAME")]
    pub metric: Vec<String>,
    /// Write the records, one for each contender, into this folder
    #[arg(long, value_name = "FOLDER", default_value = "jigger-records")]
    pub records: PathBuf,
    /// Format on standard output
    #[arg(long, value_parser = Format::among(Format::OF_CHANGES), default_value = "markdown")]
    pub format: Format,
    /// What is shown on the terminal.
    #[command(flatten)]
    pub shown: ShownArgs,
}

/// `jigger diff`.
#[derive(Debug, Args)]
#[command(after_help = examples::HINT, after_long_help = examples::DIFF)]
pub struct DiffArgs {
    /// The record of the earlier run
    pub old: PathBuf,
    /// The record of the later run
    pub new: PathBuf,
    /// Compare ratios to the common baseline [default if the runs have the same baseline and
    /// another common contender]
    #[arg(long, conflicts_with = "absolute")]
    pub relative: bool,
    /// Compare the measured values [default otherwise]
    #[arg(long)]
    pub absolute: bool,
    /// Compare even if host, scenario, driver or method differ
    #[arg(long)]
    pub force: bool,
    /// Judge this metric instead of the default ones; the scenario's name may be left out
    /// (repeatable)
    #[arg(long, value_name = "NAME")]
    pub metric: Vec<String>,
    /// Treat inconclusive thresholds as failures
    #[arg(long)]
    pub strict: bool,
    /// Format on standard output
    #[arg(long, value_parser = Format::among(Format::OF_CHANGES), default_value = "text")]
    pub format: Format,
    /// Use colour in the text
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
}

/// `jigger image`.
#[derive(Debug, Args)]
#[command(after_help = examples::HINT, after_long_help = examples::IMAGE)]
pub struct ImageArgs {
    /// An image reference, a saved image, an image folder (OCI layout, skopeo's dir:), or - for a
    /// saved image on standard input. Each of the others is compared with the first
    #[arg(required = true, value_name = "IMAGE")]
    pub references: Vec<String>,
    /// Container engine: docker or podman [default: the first that has the image]
    #[arg(long, value_name = "NAME")]
    pub engine: Option<String>,
    /// Largest allowed size of an image's unpacked files, such as 50MB; exit code 1 if an image
    /// exceeds it
    #[arg(long, value_name = "SIZE", value_parser = Allowance::of_size)]
    pub max_size: Option<Allowance>,
    /// Largest allowed wasted size, such as 1MB, 5% or 0; exit code 1 if an image exceeds it
    #[arg(long, value_name = "SIZE|SHARE")]
    pub max_wasted: Option<Allowance>,
    /// Format on standard output
    #[arg(long, value_parser = Format::among(Format::OF_CHANGES), default_value = "text")]
    pub format: Format,
    /// The former name of `--format json`.
    #[arg(long, hide = true, conflicts_with = "format")]
    pub json: bool,
    /// Show no progress
    #[arg(short, long)]
    pub quiet: bool,
}

/// `jigger init`.
#[derive(Debug, Args)]
#[command(after_help = examples::HINT, after_long_help = examples::INIT)]
pub struct InitArgs {
    /// The folder to search, three levels deep
    #[arg(default_value = ".")]
    pub folder: PathBuf,
    /// Name of the suite file in that folder; an existing file is never overwritten
    #[arg(short = 'o', long = "output", value_name = "FILE", default_value = "jigger.toml")]
    pub file: PathBuf,
}

/// `jigger doctor`.
#[derive(Debug, Args)]
#[command(after_help = examples::HINT, after_long_help = examples::DOCTOR)]
pub struct DoctorArgs {
    /// Format on standard output
    #[arg(long, value_parser = Format::among(Format::OF_LOADS), default_value = "text")]
    pub format: Format,
    /// Use colour in the text
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
}

/// `jigger completions`.
#[derive(Debug, Args)]
#[command(after_help = examples::HINT, after_long_help = examples::COMPLETIONS)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// `jigger man`.
#[derive(Debug, Args)]
#[command(after_help = examples::HINT, after_long_help = examples::MAN)]
pub struct ManArgs {
    /// Write one man page for each command into this folder
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// `jigger schema`.
#[derive(Debug, Args)]
#[command(after_help = examples::HINT, after_long_help = examples::SCHEMA)]
pub struct SchemaArgs {
    /// The file or command output that the schema describes
    #[arg(value_enum)]
    pub of: Schema,
}

impl OutputArgs {
    pub fn look(&self) -> Look {
        Look { has_details: self.details, ..self.shown.look() }
    }
}

impl ReportArgs {
    /// Whether the report goes to standard output: where no file is named.
    pub fn is_printed(&self) -> bool {
        self.output.is_empty() && self.card.is_none()
    }

    pub fn look(&self) -> Look {
        Look { has_details: self.details, ..self.shown.look() }
    }
}

impl ShownArgs {
    /// How much is written to standard error.
    pub fn verbosity(&self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (_, true) => Verbosity::Verbose,
            _ => Verbosity::Normal,
        }
    }

    /// What a text report on standard output may use.
    pub fn look(&self) -> Look {
        self.color.look()
    }
}
