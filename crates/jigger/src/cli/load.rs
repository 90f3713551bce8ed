//! The flags of those verbs that ask one server or hold the engine against other tools: `load`, `wrk`,
//! `timeit`, `cross-check`.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{RequestArgs, ShownArgs, examples};
use crate::plan::flag::{Time, rate, status, time, whole};
use crate::plan::{CpuList, cpu_list};
use crate::report::Format;

/// `jigger load`.
#[derive(Debug, Args)]
#[command(after_help = examples::HINT, after_long_help = examples::LOAD)]
pub struct LoadArgs {
    /// What is asked: http://HOST:PORT/PATH
    pub url: String,
    /// Load threads
    #[arg(short, long, default_value_t = 1, value_parser = whole::<u16>(1, u16::MAX.into()))]
    pub threads: u16,
    /// Connections held open at once
    #[arg(short, long, default_value_t = 10, value_parser = whole::<u32>(1, u32::MAX.into()))]
    pub connections: u32,
    /// How long, such as 30s or 2m; a number alone is seconds [default: 10s]
    #[arg(short, long, value_name = "TIME", value_parser = time, conflicts_with = "requests")]
    pub duration: Option<Time>,
    /// How many requests, instead of a time
    #[arg(short = 'n', long, value_name = "N", value_parser = whole::<u64>(1, u64::MAX))]
    pub requests: Option<u64>,
    /// Requests due each second, such as 500 or 2k (open loop); without it each connection asks again when it is answered
    #[arg(short, long, value_name = "N", value_parser = rate)]
    pub rate: Option<f64>,
    /// Spread the due times as independent users would, instead of evenly
    #[arg(long, requires = "rate")]
    pub exponential: bool,
    /// Requests due at the same instant
    #[arg(long, value_name = "N", requires = "rate", default_value_t = 1, value_parser = whole::<u32>(1, u32::MAX.into()))]
    pub burst: u32,
    /// Open connections, or raise the rate, evenly over this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub ramp: Option<Time>,
    /// A new connection for each request
    #[arg(long)]
    pub fresh: bool,
    /// Requests sent on a connection before its first answer
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = whole::<u16>(1, u16::MAX.into()))]
    pub pipeline: u16,
    /// What is asked.
    #[command(flatten)]
    pub asked: RequestArgs,
    /// Connect here instead of to the URL's host: HOST or HOST:PORT (by default the URL's port), or
    /// the path of a unix socket
    #[arg(long, value_name = "ADDRESS")]
    pub connect_to: Option<String>,
    /// Deadline of a request
    #[arg(short = 'T', long, value_name = "TIME", default_value = "10s", value_parser = time)]
    pub timeout: Time,
    /// The status of a correct answer [default: any below 400]
    #[arg(long, value_name = "CODE", value_parser = status)]
    pub expect_status: Option<u16>,
    /// The body of a correct answer, byte for byte
    #[arg(long, value_name = "TEXT")]
    pub expect_body: Option<String>,
    /// The share of the requests due that may fail, such as 1% or 0.01; with more the exit code is 4.
    /// Requests without a response at the end count where the rate was not reached or the server had
    /// stopped responding
    #[arg(long, value_name = "SHARE", default_value = "0")]
    pub max_error_rate: String,
    /// End with exit code 1 when this is so, such as "p99 > 20ms", "error_rate > 1%" or
    /// "requests_per_second < 1000" (repeatable)
    #[arg(long, value_name = "CONDITION")]
    pub fail_if: Vec<String>,
    /// The percentiles of the response time that are shown [default: 50,90,99,99.9,99.99]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub percentiles: Vec<String>,
    /// Also write this CSV file: rate, p50, p99 and failed requests of each second
    #[arg(long, value_name = "FILE")]
    pub timeline: Option<PathBuf>,
    /// Cores that the load threads are pinned to, such as 0 or 0,2-3
    #[arg(long, value_name = "LIST", value_parser = cpu_list)]
    pub cpus: Option<CpuList>,
    /// Gather answers for up to 400 us when many are due: less CPU, burstier load; takes arrival
    /// times from the kernel, since the client looks later
    #[arg(long)]
    pub batch: bool,
    /// Never sleep: nothing is late because a core had to wake up; takes a whole core a thread
    #[arg(long, conflicts_with = "batch")]
    pub busy_poll: bool,
    /// Take arrival times from the kernel, without the client's own queue
    #[arg(long)]
    pub kernel_timestamps: bool,
    /// What is written to standard output
    #[arg(long, value_parser = Format::among(Format::OF_LOADS), default_value = "text")]
    pub format: Format,
    /// Show the live screen, also where it would not be by default
    #[arg(long, overrides_with = "no_tui", conflicts_with = "quiet")]
    pub tui: bool,
    /// No live screen; a line of progress instead
    #[arg(long)]
    pub no_tui: bool,
    /// No progress
    #[arg(short, long)]
    pub quiet: bool,
}

/// The distances between the requests of `jigger wrk -R`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Distribution {
    /// All the same
    Fixed,
    /// As independent users make them
    Exp,
}

/// `jigger wrk`: the texts are read as wrk reads them, by the command.
#[derive(Debug, Args)]
#[command(infer_long_args = true)]
#[command(after_help = examples::HINT, after_long_help = examples::WRK)]
pub struct WrkArgs {
    /// What is asked: http://HOST:PORT/PATH
    pub url: Option<String>,
    /// Arguments for the script, after `--`
    pub arguments: Vec<String>,
    /// Connections held open at once, such as 32 or 1k
    #[arg(short, long, default_value = "10")]
    pub connections: String,
    /// How long, such as 30s, 2m or 1h
    #[arg(short, long, default_value = "10s")]
    pub duration: String,
    /// Load threads
    #[arg(short, long, default_value = "2")]
    pub threads: String,
    /// A Lua script
    #[arg(short, long, value_name = "FILE")]
    pub script: Option<PathBuf>,
    /// A header, "Name: value" (repeatable)
    #[arg(short = 'H', long, value_name = "HEADER")]
    pub header: Vec<String>,
    /// Print percentiles of the latency
    #[arg(short = 'L', long)]
    pub latency: bool,
    /// Deadline of a request
    #[arg(short = 'T', long, value_name = "TIME", default_value = "2s")]
    pub timeout: String,
    /// Print the version first, and to standard error what wrk's report has no line for
    #[arg(short = 'v', long)]
    pub version: bool,
    /// Requests due each second, as in wrk2, such as 500 or 2k
    #[arg(short = 'R', long, value_name = "N")]
    pub rate: Option<String>,
    /// Print also the percentiles from when each request was sent, as wrk2 (with -R)
    #[arg(short = 'U', long = "u_latency", requires = "rate")]
    pub uncorrected_latency: bool,
    /// One latency for each batch of pipelined requests instead of each request, as wrk2 (with -R)
    #[arg(short = 'B', long = "batch_latency", requires = "rate")]
    pub batch_latency: bool,
    /// How the requests of -R are spread in time, as in DeathStarBench's wrk2
    #[arg(short = 'D', long = "dist", value_name = "NAME", requires = "rate")]
    pub distribution: Option<Distribution>,
    /// wrk's own statistics with their correction, to compare with old figures
    #[arg(long, conflicts_with = "rate")]
    pub exact: bool,
    /// What is written to standard output
    #[arg(long, value_parser = Format::among(Format::OF_LOADS), default_value = "text")]
    pub format: Format,
}

/// `jigger timeit`.
#[derive(Debug, Args)]
#[command(after_help = examples::HINT, after_long_help = examples::TIMEIT)]
pub struct TimeitArgs {
    /// What is asked: http://HOST:PORT/PATH; several are asked in turn
    #[arg(required = true, value_name = "URL")]
    pub urls: Vec<String>,
    /// Requests, one after another
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10_000, value_parser = whole::<u64>(1, u64::MAX))]
    pub number: u64,
    /// How often all of them
    #[arg(short, long, value_name = "N", default_value_t = 1, value_parser = whole::<u16>(1, u16::MAX.into()))]
    pub repeat: u16,
    /// One connection for all requests, as with a requests.Session; otherwise a new one for each
    #[arg(short, long)]
    pub keep_alive: bool,
    /// Deadline of a request
    #[arg(short = 'T', long, value_name = "TIME", default_value = "10s", value_parser = time)]
    pub timeout: Time,
    /// What is written to standard output
    #[arg(long, value_parser = Format::among(Format::OF_LOADS), default_value = "text")]
    pub format: Format,
}

/// `jigger cross-check`.
#[derive(Debug, Args)]
#[command(after_help = examples::HINT, after_long_help = examples::CROSS_CHECK)]
pub struct CrossCheckArgs {
    /// A suite file, or a suite compiled in: pong, post, placebo, known
    #[arg(default_value = "pong")]
    pub suite: String,
    /// Use only this contender (repeatable)
    #[arg(long, value_name = "NAME")]
    pub only: Vec<String>,
    /// Run only this tool (repeatable): wrk, python, hey, ab, h2load, oha, k6 or vegeta
    #[arg(long, value_name = "NAME")]
    pub tool: Vec<String>,
    /// How often each tool runs on each server, launched afresh; intervals need 3
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = whole::<u16>(1, u16::MAX.into()))]
    pub rounds: u16,
    /// At most 100 requests or 300 ms each time, and 2 rounds
    #[arg(long, conflicts_with = "rounds")]
    pub quick: bool,
    /// What is written to standard output
    #[arg(long, value_parser = Format::among(Format::OF_CROSS_CHECKS), default_value = "markdown")]
    pub format: Format,
    /// Also write the Markdown into this file
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// How much is shown.
    #[command(flatten)]
    pub shown: ShownArgs,
}

impl LoadArgs {
    /// Whether the live screen is shown: by default where somebody sits before a terminal.
    pub fn wants_screen(&self) -> bool {
        let sits_there = || {
            let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
            std::io::stdin().is_terminal() && std::io::stderr().is_terminal() && !is_dumb
        };
        self.tui || (cfg!(feature = "tui") && !self.no_tui && !self.quiet && sits_there())
    }
}
