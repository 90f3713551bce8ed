//! `jigger load`: one server, as with wrk, oha or hey.

use std::io::{IsTerminal as _, Write as _};
use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use jigger_load::fetch::{FetchOptions, fetch, first_that_connects};
use jigger_load::{
    Address, Arrivals, BodyRule, ConnectionPolicy, Expect, Extent, Http, Load, Pacing, Progress,
    Request, Sample, Snapshots, TlsOptions, Url, grpc,
};

use super::asked::Asked;
use super::{Exit, output, spoken, tls};
use crate::cli::LoadArgs;
use crate::host::{PlacementError, allowed_cores};
use crate::interrupt::Interrupt;
use crate::metric::percentile;
use crate::plan::CpuList;
use crate::report::load::{Condition, LoadReport, Timeline, parse_share};
use crate::report::units::{grouped, percent, whole};
use crate::report::{Format, to_json};

const OBSERVE_EVERY: Duration = Duration::from_millis(100);
/// How often progress is told where nobody sits before a terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// Patience with a connection that is tried before the load.
pub(super) const CONNECT_LIMIT: Duration = Duration::from_secs(1);

/// Loads the server and writes what was measured.
///
/// # Errors
/// When an argument is wrong or the load cannot begin. Failed requests are data.
pub fn run(args: &LoadArgs) -> Result<Exit> {
    let load = load_of(args)?;
    let judgement = Judgement::of(args)?;
    let percentiles = percentiles(args)?;
    if args.rate.len() > 1 && args.timeline.is_some() {
        bail!("--timeline records a load at one rate; leave it out, or give --rate a single value");
    }
    let interrupt = Interrupt::listen()?;
    if args.rate.len() > 1 {
        return rates(args, &load, &judgement, &percentiles, &interrupt);
    }
    let sample = measured(args, load.clone(), &interrupt)?;
    let report = LoadReport::of(&args.url, &load, &sample, local_ports());
    let report = report.with_percentiles(&percentiles);
    output::print(&match args.format {
        Format::Json => to_json(&report),
        _ => report.text(),
    })?;
    if wants_tls(&load, &sample) {
        output::note("jigger: the server speaks TLS on this port; write https:// in the URL");
    }
    Ok(exit(&judgement, &report, &interrupt))
}

/// Whether the server responds to plain HTTP with nothing but that it speaks TLS, as one more request
/// shows.
fn wants_tls(load: &Load, sample: &Sample) -> bool {
    let is_refused = sample.requests == 0 && sample.status.keys().eq([&400]);
    let ask = || fetch(&load.address, &load.requests.first()?.0, &FetchOptions::default()).ok();
    load.tls.is_none() && is_refused && ask().is_some_and(|response| response.wants_tls())
}

fn measured(args: &LoadArgs, mut load: Load, interrupt: &Interrupt) -> Result<Sample> {
    if args.wants_screen() || args.timeline.is_some() {
        load.snapshots = Some(Arc::new(Snapshots::new(load.threads)));
    }
    let mut timeline = args.timeline.as_deref().map(Timeline::create).transpose()?;
    let sample = if args.wants_screen() {
        on_screen(&args.url, load, interrupt, timeline.as_mut())?
    } else {
        beside_a_line(&load, args.quiet, interrupt, timeline.as_mut())?
    };
    timeline.map_or(Ok(()), |timeline| timeline.end(&sample))?;
    Ok(sample)
}

/// One rate after another, a line or a JSON object each. The exit code is the gravest.
fn rates(
    args: &LoadArgs,
    load: &Load,
    judgement: &Judgement,
    percentiles: &[String],
    interrupt: &Interrupt,
) -> Result<Exit> {
    let mut exits = Vec::new();
    for rate in &args.rate {
        let load = Load { pacing: pacing(args, Some(*rate)), ..load.clone() };
        let sample = measured(args, load.clone(), interrupt)?;
        let report = LoadReport::of(&args.url, &load, &sample, local_ports());
        let report = report.with_percentiles(percentiles);
        let heading =
            if exits.is_empty() { report.rates_heading(load.extent) } else { String::new() };
        output::print(&match args.format {
            Format::Json => to_json(&report),
            _ => heading + &report.rate_line(),
        })?;
        exits.push(exit(judgement, &report, interrupt));
        if interrupt.is_raised() {
            break;
        }
    }
    Ok(exits.into_iter().max().unwrap_or(Exit::Fine))
}

fn exit(judgement: &Judgement, report: &LoadReport<'_>, interrupt: &Interrupt) -> Exit {
    match () {
        () if interrupt.is_raised() => Exit::Interrupted,
        () if report.requests == 0 => Exit::NotMeasured,
        () => judgement.exit(report),
    }
}

fn pacing(args: &LoadArgs, rate: Option<f64>) -> Pacing {
    let arrivals = if args.exponential { Arrivals::Exponential } else { Arrivals::default() };
    rate.map_or(Pacing::Closed, |rate_per_second| Pacing::Open {
        rate_per_second,
        arrivals,
        burst: args.burst,
    })
}

/// What makes a load fail.
struct Judgement {
    /// Of the requests due, 0 to 1.
    max_error_rate: f64,
    conditions: Vec<Condition>,
}

impl Judgement {
    fn of(args: &LoadArgs) -> Result<Self> {
        let max_error_rate = parse_share(&args.max_error_rate).ok_or_else(|| {
            let text = &args.max_error_rate;
            anyhow!("--max-error-rate '{text}': write a share of 0 to 1, such as 1% or 0.01")
        })?;
        let conditions = args.fail_if.iter().map(|text| Condition::parse(text));
        let conditions = conditions.collect::<Result<_, _>>().context("--fail-if")?;
        Ok(Self { max_error_rate, conditions })
    }

    /// Says on standard error why the load failed, if it did.
    fn exit(&self, report: &LoadReport<'_>) -> Exit {
        let faults: Vec<String> =
            self.conditions.iter().filter_map(|condition| condition.fault(report)).collect();
        for fault in &faults {
            output::note(&format!("jigger: {fault}"));
        }
        if report.error_rate > self.max_error_rate {
            output::note(&format!(
                "jigger: {} of the requests failed, and --max-error-rate allows {} %",
                percent(report.error_rate),
                self.max_error_rate * 100.0
            ));
            return Exit::RequestsFailed;
        }
        if faults.is_empty() { Exit::Fine } else { Exit::Missed }
    }
}

fn percentiles(args: &LoadArgs) -> Result<Vec<String>> {
    let read = |text: &String| {
        let text = text.trim().trim_start_matches('p');
        let is_percentile = percentile(text).is_some();
        let cause = || {
            anyhow!(
                "--percentiles '{text}': write numbers above 0 and below 100, such as 50,95,99.9"
            )
        };
        is_percentile.then(|| text.to_owned()).ok_or_else(cause)
    };
    args.percentiles.iter().map(read).collect()
}

/// The kernel's local ports, or as many as usual where it does not say.
pub(super) fn local_ports() -> u32 {
    crate::host::local_ports().unwrap_or(crate::analysis::USUAL_LOCAL_PORTS)
}

#[cfg(not(feature = "tui"))]
fn on_screen(_: &str, _: Load, _: &Interrupt, _: Option<&mut Timeline>) -> Result<Sample> {
    bail!("--tui: the live screen is not in this jigger, which was built without its feature `tui`")
}

/// Runs the load with the live screen, which is gone when this returns.
#[cfg(feature = "tui")]
fn on_screen(
    url: &str,
    mut load: Load,
    interrupt: &Interrupt,
    mut timeline: Option<&mut Timeline>,
) -> Result<Sample> {
    use std::ops::ControlFlow;

    use crate::live::{self, Live, Wish};

    let snapshots = load.snapshots.clone().context("a live screen needs snapshots")?;
    load.observe_every = live::EVERY;
    let mut screen = Live::new(url, &load, &snapshots)
        .context("the live screen needs a terminal; leave it out with --no-tui")?;
    let mut lost = None;
    let sample = jigger_load::run(&load, &mut |progress| {
        follow(timeline.as_deref_mut(), &load, progress);
        match screen.show(progress) {
            Ok(Wish::GoOn) => {}
            Ok(Wish::End) => return ControlFlow::Break(()),
            Ok(Wish::BreakOff) => interrupt.raise(),
            Err(error) => {
                lost = Some(error);
                return ControlFlow::Break(());
            }
        }
        interrupt.flow()
    })?;
    drop(screen);
    if let Some(error) = lost {
        output::note(&format!(
            "jigger: the load was stopped because the terminal was lost: {error}"
        ));
    }
    Ok(sample)
}

/// Runs the load with its progress on standard error: a line that changes on a terminal, a line now and
/// then elsewhere.
fn beside_a_line(
    load: &Load,
    is_quiet: bool,
    interrupt: &Interrupt,
    mut timeline: Option<&mut Timeline>,
) -> Result<Sample> {
    let is_terminal = std::io::stderr().is_terminal();
    let mut next = LINE_EVERY;
    let sample = jigger_load::run(load, &mut |progress| {
        follow(timeline.as_deref_mut(), load, progress);
        let is_due = is_terminal || progress.elapsed >= next;
        if is_due && !is_quiet {
            show(progress, is_terminal);
            next += LINE_EVERY;
        }
        interrupt.flow()
    })?;
    if is_terminal && !is_quiet {
        let _ = write!(std::io::stderr(), "\r\u{1b}[K");
    }
    Ok(sample)
}

fn follow(timeline: Option<&mut Timeline>, load: &Load, progress: &Progress) {
    if let (Some(timeline), Some(snapshots)) = (timeline, &load.snapshots) {
        timeline.follow(progress.elapsed, snapshots);
    }
}

fn show(progress: &Progress, is_terminal: bool) {
    let seconds = progress.elapsed.as_secs_f64();
    let rate = crate::numbers::number(progress.responses) / seconds.max(1e-9);
    let text = format!(
        "{seconds:.1} s, {} requests, {}/s, {} errors",
        whole(progress.responses),
        grouped(rate),
        whole(progress.errors)
    );
    // Progress that cannot be shown is no reason to end.
    let _ = match is_terminal {
        true => write!(std::io::stderr(), "\r\u{1b}[K{text}"),
        false => writeln!(std::io::stderr(), "{text}"),
    };
}

fn load_of(args: &LoadArgs) -> Result<Load> {
    let url = Url::parse(&args.url)?;
    let options = TlsOptions { resume: args.resume, ..args.tls.options() };
    let asked = Asked::read(&args.asked)?;
    let mut load = Load::new(address(args, &url)?, Request::get(&url));
    load.tls = tls::client(&options, &url)?;
    load.threads = usize::from(args.threads).min(args.connections as usize);
    load.connections = args.connections as usize;
    if args.fresh {
        load.connection = ConnectionPolicy::Fresh;
    }
    load.pacing = pacing(args, args.rate.first().copied());
    load.extent = match (args.requests, &args.duration) {
        (Some(requests), _) => Extent::Count(requests),
        (None, Some(time)) => Extent::Time(time.length),
        (None, None) => Extent::Time(Duration::from_secs(10)),
    };
    if let Some(time) = &args.ramp {
        load.ramp = time.length;
    }
    load.timeout = args.timeout.length;
    load.expect = Expect {
        status: args.expect_status,
        body: args
            .expect_body
            .as_ref()
            .map_or(BodyRule::Any, |text| BodyRule::Exact(text.as_bytes().into())),
    };
    let (version, tls) = (args.spoken.version()?, load.tls.as_ref());
    let http = spoken::http(version, &args.url, &load.address, tls, load.timeout)?;
    let streams = args.spoken.streams_over(http)?;
    if http == Http::V2 && args.pipeline > 1 {
        bail!("--pipeline is for HTTP/1.1; over HTTP/2 use -m (--streams)");
    }
    load.http = http;
    load.requests_per_connection = args.spoken.requests_per_connection;
    load.grpc = args.spoken.grpc;
    if load.grpc {
        load.expect.body = grpc::rule(load.expect.body);
    }
    load.pipeline = streams.max(usize::from(args.pipeline));
    match asked.replay(&url)? {
        None if load.grpc => load.requests = vec![(asked.call(&url)?, 1)],
        None => load.requests = asked.requests(&url)?,
        Some(replay) => {
            let given = load.expect.clone();
            let expect = |of_file: &Expect| Expect {
                status: args.expect_status.or(of_file.status),
                body: args.expect_body.as_ref().map_or(&of_file.body, |_| &given.body).clone(),
            };
            load.expects = replay.iter().map(|(_, of_file)| expect(of_file)).collect();
            load.expect = load.expects.first().cloned().unwrap_or_default();
            load.requests = replay.into_iter().map(|(request, _)| (request, 1)).collect();
            load.in_turn = true;
        }
    }
    load.cpus = args.cpus.as_ref().map(allowed).transpose()?;
    load.batch = args.batch;
    load.busy_poll = args.busy_poll;
    // A client that looks later sees later; what the server took is in the kernel's times.
    load.kernel_timestamps = args.kernel_timestamps || args.batch;
    load.observe_every = OBSERVE_EVERY;
    Ok(load)
}

/// The cores of `--cpus`, all of which jigger may use.
fn allowed(cpus: &CpuList) -> Result<Vec<usize>, PlacementError> {
    PlacementError::check("--cpus", &cpus.0, &allowed_cores())?;
    Ok(cpus.0.clone())
}

fn address(args: &LoadArgs, url: &Url) -> Result<Address> {
    match args.connect_to.as_deref() {
        Some(path) if path.contains('/') => Ok(Address::Unix(PathBuf::from(path))),
        Some(other) => first_address(&elsewhere(other, url.port())?),
        None => first_address(url),
    }
}

/// The place of `--connect-to`: HOST or HOST:PORT, the port by default that of the URL.
fn elsewhere(place: &str, port: u16) -> Result<Url> {
    let authority = match place.parse::<Ipv6Addr>() {
        Ok(address) => format!("[{address}]"),
        Err(_) => place.to_owned(),
    };
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| !port.contains(']'));
    let port = if has_port { String::new() } else { format!(":{port}") };
    let is_host = !authority.contains(['?', '#']);
    let url = is_host.then(|| Url::parse(&format!("http://{authority}{port}/")).ok()).flatten();
    url.ok_or_else(|| {
        anyhow!(
            "--connect-to '{place}': write HOST, HOST:PORT with a port from 1 to 65535 (an IPv6 \
             address in brackets), or the path of a unix socket with a / in it"
        )
    })
}

/// The first address of several at which somebody listens; where nobody does, the load will say so.
pub(super) fn first_address(url: &Url) -> Result<Address> {
    let addresses = url.resolve()?;
    let first = addresses.first().ok_or_else(|| anyhow!("{url} has no address"))?;
    let reached = match addresses.len() {
        1 => None,
        _ => first_that_connects(&addresses, CONNECT_LIMIT),
    };
    Ok(Address::Tcp(reached.unwrap_or(*first)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_without_a_port_has_the_urls() {
        let found =
            |place: &str| elsewhere(place, 8080).map(|url| (url.host().to_owned(), url.port()));
        let at = |host: &str, port| (host.to_owned(), port);
        assert_eq!(found("127.0.0.1").unwrap(), at("127.0.0.1", 8080));
        assert_eq!(found("h:81").unwrap(), at("h", 81));
        assert_eq!(found("[::1]").unwrap(), at("::1", 8080));
        assert_eq!(found("::1").unwrap(), at("::1", 8080));
        assert_eq!(found("[::1]:81").unwrap(), at("::1", 81));
        for wrong in ["", ":80", "h:x", "h:99999", "a b", "h?q"] {
            let message = found(wrong).unwrap_err().to_string();
            assert!(message.contains(&format!("'{wrong}': write HOST")), "{message}");
        }
    }
}
