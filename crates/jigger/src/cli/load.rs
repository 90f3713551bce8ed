//! The flags of the commands that load one server or compare the load generator with other tools:
//! `load`, `wrk`, `timeit`, `cross-check`.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{HttpArgs, RequestArgs, ShownArgs, TlsArgs, VersionArgs, examples};
use crate::plan::flag::{Time, rate, status, time, whole};
use crate::plan::{CpuList, cpu_list};
use crate::report::Format;

/// `jigger load`.
#[derive(Debug, Args)]
#[command(after_help = examples::HINT, after_long_help = examples::LOAD)]
pub struct LoadArgs {
    /// The URL to request: http://HOST:PORT/PATH, or https://
    pub url: String,
    /// Load threads
    #[arg(short, long, default_value_t = 1, value_parser = whole::<u16>(1, u16::MAX.into()))]
    pub threads: u16,
    /// Open connections
    #[arg(short, long, default_value_t = 10, value_parser = whole::<u32>(1, u32::MAX.into()))]
    pub connections: u32,
    /// Duration, such as 30s or 2m; a plain number is seconds [default: 10s]
    #[arg(short, long, value_name = "TIME", value_parser = time, conflicts_with = "requests")]
    pub duration: Option<Time>,
    /// Number of requests, instead of a duration
    #[arg(short = 'n', long, value_name = "N", value_parser = whole::<u64>(1, u64::MAX))]
    pub requests: Option<u64>,
    /// Requests due per second, such as 500 or 2k (open loop); several rates, such as 100,200,400,
    /// are run one after another. Without it each connection sends its next request when it has
    /// received the response (closed loop)
    #[arg(short, long, value_name = "N", value_parser = rate, value_delimiter = ',')]
    pub rate: Vec<f64>,
    /// Exponential intervals between requests, as from independent users, instead of even ones
    #[arg(long, requires = "rate")]
    pub exponential: bool,
    /// Number of requests due at the same time; the mean rate stays the same
    #[arg(long, value_name = "N", requires = "rate", default_value_t = 1, value_parser = whole::<u32>(1, u32::MAX.into()))]
    pub burst: u32,
    /// Ramp up over this time: open the connections evenly or, with --rate, raise the rate evenly
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub ramp: Option<Time>,
    /// Use a new connection for each request
    #[arg(long, conflicts_with = "requests_per_connection")]
    pub fresh: bool,
    /// Resume the TLS session on each new connection instead of making a full handshake
    #[arg(long, requires = "fresh")]
    pub resume: bool,
    /// Which HTTP is spoken.
    #[command(flatten)]
    pub spoken: HttpArgs,
    /// Number of pipelined requests on each connection (HTTP/1.1)
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = whole::<u16>(1, u16::MAX.into()))]
    pub pipeline: u16,
    /// What is sent.
    #[command(flatten)]
    pub asked: RequestArgs,
    /// Connect to this address instead of the URL's host: HOST or HOST:PORT (by default the URL's
    /// port), or the path of a unix socket
    #[arg(long, value_name = "ADDRESS")]
    pub connect_to: Option<String>,
    /// Timeout of a request
    #[arg(short = 'T', long, value_name = "TIME", default_value = "10s", value_parser = time)]
    pub timeout: Time,
    /// Status of a correct response [default: any below 400]
    #[arg(long, value_name = "CODE", value_parser = status)]
    pub expect_status: Option<u16>,
    /// Body of a correct response, byte for byte
    #[arg(long, value_name = "TEXT")]
    pub expect_body: Option<String>,
    /// Maximum share of the requests due that may fail, such as 1% or 0.01; if more fail, the exit
    /// code is 4. If the rate was not reached or the server stopped responding, requests without a
    /// response count as failed
    #[arg(long, value_name = "SHARE", default_value = "0")]
    pub max_error_rate: String,
    /// End with exit code 1 if this condition is true, such as "p99 > 20ms", "error_rate > 1%" or
    /// "requests_per_second < 1000" (repeatable)
    #[arg(long, value_name = "CONDITION")]
    pub fail_if: Vec<String>,
    /// Percentiles of the response time to show [default: 50,90,99,99.9,99.99]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub percentiles: Vec<String>,
    /// Also write a CSV file with the rate, p50, p99 and failed requests of each second
    #[arg(long, value_name = "FILE")]
    pub timeline: Option<PathBuf>,
    /// Cores of the load threads, such as 0 or 0,2-3
    #[arg(long, value_name = "LIST", value_parser = cpu_list)]
    pub cpus: Option<CpuList>,
    /// Wait up to 400 us and read several responses at once: uses less CPU, but sends requests in
    /// bursts. Arrival times are taken from the kernel, because the load generator reads responses
    /// late
    #[arg(long)]
    pub batch: bool,
    /// Never sleep, so that no wake-up of a core delays a request; each thread uses a whole core
    #[arg(long, conflicts_with = "batch")]
    pub busy_poll: bool,
    /// Take arrival times from the kernel, so that they do not include the time that a response
    /// waits in the load generator
    #[arg(long)]
    pub kernel_timestamps: bool,
    /// Format on standard output
    #[arg(long, value_parser = Format::among(Format::OF_LOADS), default_value = "text")]
    pub format: Format,
    /// Show the live screen even if standard input or standard error is not a terminal
    #[arg(long, overrides_with = "no_tui", conflicts_with = "quiet")]
    pub tui: bool,
    /// Show a line of progress instead of the live screen
    #[arg(long)]
    pub no_tui: bool,
    /// Show no progress
    #[arg(short, long)]
    pub quiet: bool,
    /// How TLS is spoken.
    #[command(flatten)]
    pub tls: TlsArgs,
}

/// The intervals between the requests of `jigger wrk -R`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Distribution {
    /// Even intervals
    Fixed,
    /// Exponential intervals, as from independent users
    Exp,
}

/// `jigger wrk`: the texts are read as wrk reads them, by the command.
#[derive(Debug, Args)]
#[command(infer_long_args = true)]
#[command(after_help = examples::HINT, after_long_help = examples::WRK)]
pub struct WrkArgs {
    /// The URL to request: http://HOST:PORT/PATH, or https://. As in wrk, certificates are not
    /// verified
    pub url: Option<String>,
    /// Arguments for the script, after `--`
    pub arguments: Vec<String>,
    /// Open connections, such as 32 or 1k
    #[arg(short, long, default_value = "10")]
    pub connections: String,
    /// Duration, such as 30s, 2m or 1h
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
    /// Print latency percentiles
    #[arg(short = 'L', long)]
    pub latency: bool,
    /// Timeout of a request
    #[arg(short = 'T', long, value_name = "TIME", default_value = "2s")]
    pub timeout: String,
    /// Print the version first, and print to standard error the details for which wrk's report has
    /// no line
    #[arg(short = 'v', long)]
    pub version: bool,
    /// Requests due per second, as in wrk2, such as 500 or 2k
    #[arg(short = 'R', long, value_name = "N")]
    pub rate: Option<String>,
    /// Also print wrk2's uncorrected latency, which starts when a request was sent (with -R)
    #[arg(short = 'U', long = "u_latency", requires = "rate")]
    pub uncorrected_latency: bool,
    /// Measure one latency per batch of pipelined requests instead of one per request, as wrk2 does
    /// (with -R)
    #[arg(short = 'B', long = "batch_latency", requires = "rate")]
    pub batch_latency: bool,
    /// Distribution of the intervals between requests with -R, as in DeathStarBench's wrk2
    #[arg(short = 'D', long = "dist", value_name = "NAME", requires = "rate")]
    pub distribution: Option<Distribution>,
    /// Use wrk's statistics, including its correction for coordinated omission, to compare with old
    /// figures
    #[arg(long, conflicts_with = "rate")]
    pub exact: bool,
    /// Format on standard output
    #[arg(long, value_parser = Format::among(Format::OF_LOADS), default_value = "text")]
    pub format: Format,
}

/// `jigger timeit`.
#[derive(Debug, Args)]
#[command(after_help = examples::HINT, after_long_help = examples::TIMEIT)]
pub struct TimeitArgs {
    /// The URL to request, http://HOST:PORT/PATH or https://; several are requested in turn
    #[arg(required = true, value_name = "URL")]
    pub urls: Vec<String>,
    /// Number of sequential requests
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10_000, value_parser = whole::<u64>(1, u64::MAX))]
    pub number: u64,
    /// Repeat the whole sequence N times
    #[arg(short, long, value_name = "N", default_value_t = 1, value_parser = whole::<u16>(1, u16::MAX.into()))]
    pub repeat: u16,
    /// Use one connection for all requests, as requests.Session does, instead of a new one for each
    /// request
    #[arg(short, long)]
    pub keep_alive: bool,
    /// Resume the TLS session on each new connection instead of making a full handshake
    #[arg(long, conflicts_with = "keep_alive")]
    pub resume: bool,
    /// Which HTTP is spoken.
    #[command(flatten)]
    pub version: VersionArgs,
    /// Timeout of a request
    #[arg(short = 'T', long, value_name = "TIME", default_value = "10s", value_parser = time)]
    pub timeout: Time,
    /// Format on standard output
    #[arg(long, value_parser = Format::among(Format::OF_LOADS), default_value = "text")]
    pub format: Format,
    /// How TLS is spoken.
    #[command(flatten)]
    pub tls: TlsArgs,
}

/// `jigger cross-check`.
#[derive(Debug, Args)]
#[command(after_help = examples::HINT, after_long_help = examples::CROSS_CHECK)]
pub struct CrossCheckArgs {
    /// A suite file, or a suite compiled in: pong, post, placebo, known, stack, tls
    #[arg(default_value = "pong")]
    pub suite: String,
    /// Use only this contender (repeatable)
    #[arg(long, value_name = "NAME")]
    pub only: Vec<String>,
    /// Run only this tool (repeatable): wrk, python, hey, ab, h2load, oha, k6 or vegeta
    #[arg(long, value_name = "NAME")]
    pub tool: Vec<String>,
    /// Number of rounds, in each of which every server is restarted and loaded by every tool;
    /// confidence intervals need at least 3
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = whole::<u16>(1, u16::MAX.into()))]
    pub rounds: u16,
    /// Run two rounds of at most 100 requests or 300 ms per tool
    #[arg(long, conflicts_with = "rounds")]
    pub quick: bool,
    /// Format on standard output
    #[arg(long, value_parser = Format::among(Format::OF_CROSS_CHECKS), default_value = "markdown")]
    pub format: Format,
    /// Also write the report as Markdown to this file
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// What is shown on the terminal.
    #[command(flatten)]
    pub shown: ShownArgs,
}

impl LoadArgs {
    /// Whether the live screen is shown: by default if standard input and error are a terminal.
    pub fn wants_screen(&self) -> bool {
        let sits_there = || {
            let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
            std::io::stdin().is_terminal() && std::io::stderr().is_terminal() && !is_dumb
        };
        self.tui || (cfg!(feature = "tui") && !self.no_tui && !self.quiet && sits_there())
    }
}
