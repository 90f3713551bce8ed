//! `jigger timeit`: so many requests one after another, as a loop of `requests.get` makes them.

use std::time::Duration;

use anyhow::Result;
use jigger_load::fetch::first_that_connects;
use jigger_load::{Address, ConnectionPolicy, Extent, Load, Request, TlsOptions, Url};

use super::load::{CONNECT_LIMIT, first_address};
use super::{Exit, output, spoken, tls};
use crate::cli::TimeitArgs;
use crate::interrupt::Interrupt;
use crate::report::timeit::{Round, TimedUrl, TimeitReport};
use crate::report::{Format, to_json};

/// How long an interrupt may go unnoticed.
const OBSERVE_EVERY: Duration = Duration::from_millis(50);

/// Times the requests of every round to every URL and prints what came of it.
///
/// # Errors
/// When an argument is wrong or the load cannot begin. Failed requests are data.
pub fn run(args: &TimeitArgs) -> Result<Exit> {
    let mut loads = args.urls.iter().map(|url| load_of(args, url)).collect::<Result<Vec<_>>>()?;
    let refused: Vec<String> = args.urls.iter().zip(&loads).filter_map(refusal).collect();
    if !refused.is_empty() {
        output::note(&format!("jigger: {}", refused.join("\njigger: ")));
        return Ok(Exit::NotMeasured);
    }
    for (load, url) in loads.iter_mut().zip(&args.urls) {
        let (version, tls) = (args.version.version(), load.tls.as_ref());
        load.http = spoken::http(version, url, &load.address, tls, load.timeout)?;
    }
    let interrupt = Interrupt::listen()?;
    let mut timed: Vec<TimedUrl> =
        args.urls.iter().zip(&loads).map(|(url, load)| TimedUrl::new(url, load.http)).collect();
    for round in 0..usize::from(args.repeat) {
        for place in 0..loads.len() {
            // Each round begins with the next URL, so that none is always the first.
            let at = (round + place) % loads.len();
            if interrupt.is_raised() {
                continue;
            }
            let sample = jigger_load::run(&loads[at], &mut |_| interrupt.flow())?;
            timed[at].push(Round::of(&sample));
        }
    }
    let report = TimeitReport::new(args.number, args.keep_alive, timed);
    output::print(&match args.format {
        Format::Json => to_json(&report),
        _ => report.text(),
    })?;
    Ok(match () {
        () if interrupt.is_raised() => Exit::Interrupted,
        () if report.is_measured() => Exit::Fine,
        () => Exit::NotMeasured,
    })
}

/// That nothing listens at a URL's address: each of the requests would only wait and be refused.
fn refusal((url, load): (&String, &Load)) -> Option<String> {
    let Address::Tcp(address) = &load.address else { return None };
    first_that_connects(&[*address], CONNECT_LIMIT).is_none().then(|| {
        format!(
            "{url}: nothing listens on {address}; check the address, and that the server is running"
        )
    })
}

fn load_of(args: &TimeitArgs, text: &str) -> Result<Load> {
    let url = Url::parse(text)?;
    let options = TlsOptions { resume: args.resume, ..args.tls.options() };
    let mut load = Load::new(first_address(&url)?, Request::get(&url));
    load.tls = tls::client(&options, &url)?;
    load.extent = Extent::Count(args.number);
    load.timeout = args.timeout.length;
    load.observe_every = OBSERVE_EVERY;
    if !args.keep_alive {
        load.connection = ConnectionPolicy::Fresh;
    }
    Ok(load)
}
