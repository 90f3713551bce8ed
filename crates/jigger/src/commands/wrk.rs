//! `jigger wrk`: wrk's own flags and wrk's own report.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use jigger_load::fetch::first_that_connects;
use jigger_load::{
    Address, Arrivals, Extent, Load, LoadError, Pacing, Request, Sample, TlsClient, TlsOptions, Url,
};

use super::{Exit, output};
use crate::cli::{Distribution, WrkArgs};
use crate::interrupt::Interrupt;
use crate::report::load::LoadReport;
use crate::report::{Format, to_json};
use crate::wrk::report::{Figures, Options, body, head, more};
use crate::wrk::script::Script;
use crate::wrk::{Setting, numbers};

/// wrk's threads wake every 100 ms to count.
const TICK: Duration = Duration::from_millis(100);
/// How long an address may take to accept the first connection.
const REACH_LIMIT: Duration = Duration::from_secs(2);

/// Runs the load and prints wrk's report.
///
/// # Errors
/// When an option means nothing, the server cannot be reached at all, or the script fails; what
/// was measured until then is printed all the same.
pub fn run(args: &WrkArgs) -> Result<Exit> {
    if args.version {
        output::print(&version())?;
    }
    let Some(url) = &args.url else {
        bail!(
            "no URL is given; write for instance jigger wrk -t2 -c10 -d10s http://127.0.0.1:8080/"
        );
    };
    let options = options(args, url)?;
    let (mut load, script) = load(args, &options)?;
    hint(args, &options);
    let interrupt = Interrupt::listen()?;
    if args.format == Format::Text {
        print(script.as_ref(), &head(&options))?;
    }
    let mut observe = |_: &jigger_load::Progress| interrupt.flow();
    let outcome = match &script {
        None => jigger_load::run(&load, &mut observe),
        Some(script) => script.run(&mut load, &mut observe),
    };
    let sample = match outcome {
        Err(error @ LoadError::Start(_)) => {
            output::note(&format!("jigger: {error}"));
            return Ok(Exit::NoThread);
        }
        other => other?,
    };
    tell(args, &options, &load, &sample, script.as_ref())
}

/// Writes to standard output, in order with what the script writes there.
fn print(script: Option<&Script>, text: &str) -> Result<()> {
    match script {
        None => output::print(text),
        Some(script) => Ok(script.print(text)?),
    }
}

/// Prints the report, then lets the script have its say.
fn tell(
    args: &WrkArgs,
    options: &Options<'_>,
    load: &Load,
    sample: &Sample,
    script: Option<&Script>,
) -> Result<Exit> {
    let figures = Figures::of(options, sample);
    if args.format == Format::Json {
        let local_ports = super::load::local_ports();
        print(script, &to_json(&LoadReport::of(options.url, load, sample, local_ports)))?;
    } else {
        // Programs read wrk's report together with standard error, to its last line.
        if args.version {
            output::note(more(options, sample).trim_end());
        }
        print(script, &body(options, sample, &figures))?;
    }
    if let Some(script) = script {
        let done = script.done(sample, figures);
        script.flush()?;
        done?;
    }
    Ok(Exit::Fine)
}

fn version() -> String {
    format!("jigger {}, for wrk 4\n", env!("CARGO_PKG_VERSION"))
}

/// With `-v` what wrk does in silence is said.
fn hint(args: &WrkArgs, options: &Options<'_>) {
    if !args.version {
        return;
    }
    let left = options.connections % options.threads;
    if left > 0 {
        output::note(&format!(
            "jigger: all {} connections are opened; wrk gives each of {} threads {} and leaves out {left}",
            options.connections,
            options.threads,
            options.connections / options.threads
        ));
    }
    if args.script.is_none() && !args.arguments.is_empty() {
        output::note(&format!(
            "jigger: '{}' is for a script, and none is given (-s)",
            args.arguments.join(" ")
        ));
    }
}

fn options<'a>(args: &WrkArgs, url: &'a str) -> Result<Options<'a>> {
    let count = |flag: &str, text: &str| {
        let count = numbers::read_count(text).filter(|count| *count > 0);
        count.ok_or_else(|| {
            anyhow!("{flag} '{text}': write a whole number from 1 on, such as 8 or 1k")
        })
    };
    let threads = count("-t", &args.threads)?;
    // Also none at all is fewer than there are threads.
    let few = numbers::read_count(&args.connections).filter(|connections| *connections < threads);
    if let Some(connections) = few {
        bail!("number of connections must be >= threads: -c {connections} is below -t {threads}");
    }
    Ok(Options {
        url,
        threads,
        connections: count("-c", &args.connections)?,
        duration_s: time("-d", &args.duration)?,
        rate: args.rate.as_deref().map(|text| count("-R", text)).transpose()?,
        latency: args.latency || args.uncorrected_latency,
        uncorrected_latency: args.uncorrected_latency,
        exact: args.exact,
    })
}

fn time(flag: &str, text: &str) -> Result<u64> {
    let seconds = numbers::read_seconds(text).filter(|seconds| *seconds > 0);
    seconds.ok_or_else(|| {
        anyhow!("{flag} '{text}': write a whole time from 1s on, such as 30s, 2m or 1h")
    })
}

/// The load, and the script that has been set up for it.
fn load(args: &WrkArgs, options: &Options<'_>) -> Result<(Load, Option<Script>)> {
    let url = Url::parse(options.url).map_err(|error| anyhow!("invalid URL: {error}"))?;
    let headers = args.header.iter().map(|text| header(text)).collect::<Result<Vec<_>>>()?;
    let timeout = Duration::from_secs(time("-T", &args.timeout)?);
    let request = Request::new("GET", &url, &headers, &[])?;
    let arguments: Vec<String> =
        std::iter::once(options.url.to_owned()).chain(args.arguments.iter().cloned()).collect();
    let threads = usize::try_from(options.threads)?;
    let setting =
        |path| Setting { path, url: &url, headers: &headers, arguments: &arguments, threads };
    let script = args.script.as_deref().map(|path| Script::load(&setting(path))).transpose()?;
    // A script says itself where the threads connect.
    let address = match script.as_ref().and_then(Script::address) {
        Some(address) => address,
        None => Address::Tcp(reached(&url)?),
    };
    let mut load = Load::new(address, request);
    if url.is_https() {
        // As wrk does: it clears OpenSSL's object when it connects again, which keeps the session.
        let options = TlsOptions { insecure: true, resume: true, ..TlsOptions::default() };
        load.tls = Some(TlsClient::new(&options, url.host())?);
    }
    load.threads = threads;
    load.connections = usize::try_from(options.connections)?;
    load.extent = Extent::Time(Duration::from_secs(options.duration_s));
    load.timeout = timeout;
    load.any_status = true;
    load.observe_every = TICK;
    if let Some(rate) = options.rate {
        let rate_per_second = crate::numbers::number(rate);
        let arrivals = match args.distribution {
            Some(Distribution::Exp) => Arrivals::Exponential,
            Some(Distribution::Fixed) | None => Arrivals::Even,
        };
        load.pacing = Pacing::Open { rate_per_second, arrivals, burst: 1 };
        load.times_batches = args.batch_latency;
    }
    Ok((load, script))
}

/// wrk leaves out in silence what has no `: ` in it, and takes the blanks after it as they are.
fn header(text: &str) -> Result<(String, String)> {
    match text.split_once(": ") {
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => bail!("-H '{text}': write \"Name: value\", with a space after the colon"),
    }
}

/// The first address of the host at which somebody listens.
fn reached(url: &Url) -> Result<SocketAddr> {
    let (host, port) = (url.host(), url.port());
    let addresses =
        url.resolve().map_err(|error| anyhow!("unable to resolve {host}:{port}: {error}"))?;
    first_that_connects(&addresses, REACH_LIMIT).ok_or_else(|| {
        anyhow!("unable to connect to {host}:{port}: nothing listens there; start the server first")
    })
}
