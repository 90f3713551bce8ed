//! `jigger wrk`: wrk's own flags and wrk's own report.

use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use jigger_load::ask::connects;
use jigger_load::{Address, Extent, Flow, Load, Request, Url};

use super::{Exit, output};
use crate::cli::WrkArgs;
use crate::interrupt::Interrupt;
use crate::wrk::report::{Told, body, head};
use crate::wrk::scan;

/// wrk's threads wake every 100 ms to count.
const TICK: Duration = Duration::from_millis(100);

/// Runs the load and prints wrk's report.
///
/// # Errors
/// When an option means nothing, or the server cannot be reached at all.
pub fn run(args: &WrkArgs) -> Result<Exit> {
    let told = told(args)?;
    let load = load(args, &told)?;
    let interrupt = Interrupt::listen()?;
    output::print(&head(&told))?;
    let sample = jigger_load::run(&load, &mut |_| {
        if interrupt.is_raised() { Flow::Stop } else { Flow::Continue }
    })?;
    output::print(&body(&told, &sample))?;
    Ok(Exit::Fine)
}

fn told(args: &WrkArgs) -> Result<Told<'_>> {
    let count = |flag: &str, text: &str| {
        let count = scan::count(text).filter(|count| *count > 0);
        count.ok_or_else(|| anyhow!("{flag} '{text}': write a whole number such as 8 or 1k"))
    };
    if let Some(script) = &args.script {
        bail!(
            "-s {}: Lua scripts are not supported yet; see `jigger load` for methods, headers, bodies and templates",
            script.display()
        );
    }
    let told = Told {
        url: &args.url,
        threads: count("-t", &args.threads)?,
        connections: count("-c", &args.connections)?,
        duration_s: time("-d", &args.duration)?,
        latency: args.latency,
        exact: args.exact,
    };
    if told.connections < told.threads {
        bail!("number of connections must be >= threads");
    }
    Ok(told)
}

fn time(flag: &str, text: &str) -> Result<u64> {
    let seconds = scan::seconds(text).filter(|seconds| *seconds > 0);
    seconds.ok_or_else(|| anyhow!("{flag} '{text}': write a whole time such as 30s, 2m or 1h"))
}

fn load(args: &WrkArgs, told: &Told<'_>) -> Result<Load> {
    let url = Url::parse(&args.url)?;
    let headers = args
        .header
        .iter()
        .map(|text| match text.split_once(": ") {
            Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
            None => bail!("-H '{text}': write \"Name: value\""),
        })
        .collect::<Result<Vec<_>>>()?;
    let addresses = url.resolve()?;
    let mut addresses = addresses.into_iter().map(Address::Tcp);
    let reached = addresses.find(|address| connects(address, Duration::from_secs(2)));
    let Some(address) = reached else {
        bail!("unable to connect to {}:{}: nobody listens there", url.host(), url.port());
    };
    let request = Request::new("GET", &url, &headers, &[])?;
    let mut load = Load::new(address, request);
    load.threads = usize::try_from(told.threads)?;
    load.connections = usize::try_from(told.connections)?;
    load.extent = Extent::Time(Duration::from_secs(told.duration_s));
    load.timeout = Duration::from_secs(time("-T", &args.timeout)?);
    load.observe_every = TICK;
    Ok(load)
}
