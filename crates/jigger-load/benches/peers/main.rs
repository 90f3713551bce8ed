//! The engine beside other load generators and beside the floor: what each request costs the
//! client, how fast it asks, and what the server then pays.
//!
//!     make bench-peers
//!     cargo bench -p jigger-load --bench peers -- --work-us 20 --connections 8,64 --rounds 10
//!
//! One null server in a process of its own on the last core, the clients in turn on the first:
//! round by round, in an order that moves on by one each round. A figure is the median of the
//! ratios to the first peer of the same round, with the least and the greatest. CPU time is the
//! kernel's own account of each finished process.

mod floor;
mod peer;
mod process;

use jigger_load::{
    Address, ConnectionPolicy, Extent, Http, Load, NullOptions, NullServer, Request, Url, run,
};
use peer::{Figures, Peer, Shape};
use process::Server;
use std::error::Error;
use std::fmt::Write as _;
use std::io::Read;
use std::ops::ControlFlow;
use std::time::Duration;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["engine", address, connections, seconds, options @ ..] => {
            engine(address, connections.parse()?, seconds.parse()?, options)
        }
        ["floor", address, connections, seconds] => {
            floor::run(address.parse()?, connections.parse()?, seconds.parse()?)
        }
        ["serve", cpu, work_us] => serve(cpu.parse()?, work_us.parse()?),
        options => compare(&Plan::read(options)?),
    }
}

/// What the command line asks for.
struct Plan {
    connections: Vec<usize>,
    /// Of each connection, over HTTP/2; empty: HTTP/1.1.
    streams: Vec<usize>,
    /// A server to be started instead of the null server.
    server: Option<String>,
    rounds: usize,
    seconds: u64,
    work_us: u64,
    only: Vec<String>,
}

impl Plan {
    fn read(words: &[&str]) -> Outcome<Plan> {
        let mut plan = Plan {
            connections: vec![1, 8, 32, 64, 256],
            streams: Vec::new(),
            server: None,
            rounds: 10,
            seconds: 2,
            work_us: 0,
            only: Vec::new(),
        };
        for pair in words.chunks(2) {
            match pair {
                ["--connections", list] => {
                    plan.connections = list.split(',').map(str::parse).collect::<Result<_, _>>()?;
                }
                ["--streams", list] => {
                    plan.streams = list.split(',').map(str::parse).collect::<Result<_, _>>()?;
                }
                ["--server", name] => plan.server = Some((*name).to_owned()),
                ["--rounds", count] => plan.rounds = count.parse()?,
                ["--seconds", count] => plan.seconds = count.parse()?,
                ["--work-us", count] => plan.work_us = count.parse()?,
                ["--peers", list] => plan.only = list.split(',').map(str::to_owned).collect(),
                other => {
                    return Err(format!(
                        "{other:?}: use --connections LIST, --streams LIST, --server nghttpd, \
                         --rounds N, --seconds N, --work-us N, --peers LIST"
                    )
                    .into());
                }
            }
        }
        Ok(plan)
    }
}

fn compare(plan: &Plan) -> Outcome<()> {
    let mut peers = peer::installed();
    peers.retain(|peer| plan.streams.is_empty() || peer.speaks_h2c);
    peers.retain(|peer| plan.only.is_empty() || plan.only.iter().any(|name| name == peer.name));
    if peers.is_empty() {
        return Err("none of the peers named is installed".into());
    }
    let server = match plan.server.as_deref() {
        None => Server::start(plan.work_us)?,
        Some("nghttpd") => Server::start_nghttpd()?,
        Some(other) => return Err(format!("{other}: the server may be nghttpd").into()),
    };
    println!("{}", heading(plan, peers[0].name));
    let streams: Vec<Option<usize>> = match plan.streams.as_slice() {
        [] => vec![None],
        list => list.iter().copied().map(Some).collect(),
    };
    for &connections in &plan.connections {
        for &streams in &streams {
            let (address, seconds) = (server.address(), plan.seconds);
            let shape = Shape { address, connections, seconds, streams };
            let rounds: Vec<_> = (0..plan.rounds)
                .map(|round| one_round(&peers, round, &shape, &server))
                .collect::<Result<_, _>>()?;
            let times = streams.map(|streams| format!(" x {streams}")).unwrap_or_default();
            print!("{}", rows(&format!("{connections}{times}"), &peers, &rounds));
        }
    }
    Ok(())
}

/// Every peer once, beginning with another one each round; the figures in the peers' order.
fn one_round(
    peers: &[Peer],
    round: usize,
    shape: &Shape<'_>,
    server: &Server,
) -> Outcome<Vec<Figures>> {
    let mut figures = vec![Figures::default(); peers.len()];
    for turn in 0..peers.len() {
        let index = (round + turn) % peers.len();
        figures[index] = process::measure(&peers[index], shape, server)?;
    }
    Ok(figures)
}

fn engine(address: &str, connections: usize, seconds: u64, options: &[&str]) -> Outcome<()> {
    let url = Url::parse(&format!("http://{address}/"))?;
    let batch = options.contains(&"batch");
    let streams = options.iter().find_map(|option| option.strip_prefix("h2:"));
    let load = Load {
        connections,
        connection: ConnectionPolicy::KeepAlive,
        extent: Extent::Time(Duration::from_secs(seconds)),
        http: if streams.is_some() { Http::V2 } else { Http::V1 },
        pipeline: streams.map_or(Ok(1), str::parse)?,
        batch,
        // As `jigger load --batch` does.
        kernel_timestamps: batch,
        ..Load::new(Address::Tcp(address.parse()?), Request::get(&url))
    };
    let sample = run(&load, &mut |_| ControlFlow::Continue(()))?;
    if sample.errors.total() > 0 {
        return Err(format!("{} requests failed", sample.errors.total()).into());
    }
    let percentile_us = |quantile| sample.response_time_ns.value_at_quantile(quantile) / 1000;
    println!(
        "requests {} rate {} p50 {} p99 {}",
        sample.requests,
        sample.requests_per_second(),
        percentile_us(0.5),
        percentile_us(0.99)
    );
    Ok(())
}

/// The null server until standard input closes; prints its address.
fn serve(cpu: usize, work_us: u64) -> Outcome<()> {
    let work = Duration::from_micros(work_us);
    let options = NullOptions { cpus: Some(vec![cpu]), work, ..NullOptions::default() };
    let server = NullServer::start(&options)?;
    println!("{}", server.address());
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

const COLUMNS: &[&str] = &[
    "connections",
    "client",
    "CPU a request / REFERENCE's",
    "CPU a request / floor's",
    "rate / REFERENCE's",
    "server's CPU a request / with REFERENCE",
    "p50 us",
    "p99 us",
];

/// What was done, and the head of the table.
fn heading(plan: &Plan, reference: &str) -> String {
    let Plan { work_us, rounds, seconds, .. } = plan;
    let server = match &plan.server {
        Some(name) => format!("The server is {name}"),
        None => format!("The server spends {work_us} us on each answer"),
    };
    format!(
        "{server}; medians of {rounds} interleaved rounds of {seconds} s, the least and the \
         greatest in brackets.\n\n| {} |\n|{}",
        COLUMNS.join(" | ").replace("REFERENCE", reference),
        "---|".repeat(COLUMNS.len())
    )
}

/// One line for each peer, the first of which is the one referred to; `rounds` has the figures in
/// the peers' order.
fn rows(connections: &str, peers: &[Peer], rounds: &[Vec<Figures>]) -> String {
    let place = |name: &str| peers.iter().position(|peer| peer.name == name);
    let (first, floor) = (Some(0), place("floor"));
    let mut text = String::new();
    for (index, peer) in peers.iter().enumerate() {
        let ratio = |to: Option<usize>, value: fn(&Figures) -> f64| match to {
            Some(to) => spread(rounds.iter().map(|round| value(&round[index]) / value(&round[to]))),
            None => "-".to_owned(),
        };
        let _ = writeln!(
            text,
            "| {connections} | {} | {} | {} | {} | {} | {} | {} |",
            peer.name,
            ratio(first, |figures| figures.client_cpu_us_per_request),
            ratio(floor, |figures| figures.client_cpu_us_per_request),
            ratio(first, |figures| figures.requests_per_second),
            ratio(first, |figures| figures.server_cpu_us_per_request),
            typical(rounds, index, |figures| figures.p50_us),
            typical(rounds, index, |figures| figures.p99_us),
        );
    }
    text
}

fn typical(rounds: &[Vec<Figures>], index: usize, value: fn(&Figures) -> f64) -> String {
    let median = median(&sorted(rounds.iter().map(|round| value(&round[index]))));
    if median > 0.0 { format!("{median:.0}") } else { "-".to_owned() }
}

fn spread(values: impl Iterator<Item = f64>) -> String {
    let values = sorted(values);
    let (Some(least), Some(greatest)) = (values.first(), values.last()) else {
        return "-".to_owned();
    };
    format!("{:.3} ({least:.2} to {greatest:.2})", median(&values))
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}
