//! The engine beside other load generators and beside the floor: what each request costs the
//! client, how fast it sends requests, and what the server then pays.
//!
//!     make bench-peers
//!     cargo bench -p jigger-load --bench peers -- --work-us 20 --connections 8,64 --rounds 10
//!     cargo bench -p jigger-load --bench peers -- --tls yes --fresh yes
//!     cargo bench -p jigger-load --bench peers -- --url https://127.0.0.1:8443/ --server nginx.pid
//!
//! One null server in a process of its own on the last core, or a server that runs already, the
//! clients in turn on the first: round by round, in an order that moves on by one each round. A
//! figure is the median of the ratios to the first peer of the same round, with the least and the
//! greatest. CPU time is the kernel's own account of each finished process.

mod floor;
mod peer;
mod process;

use jigger_load::{
    Address, ConnectionPolicy, Extent, Http, Load, NullOptions, NullServer, Request, TlsClient,
    TlsOptions, Url, run,
};
use peer::{Figures, Peer, Posted, Shape};
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
        ["engine", url, connections, seconds, options @ ..] => {
            engine(url, connections.parse()?, seconds.parse()?, options)
        }
        ["floor", address, connections, seconds] => {
            floor::run(address.parse()?, connections.parse()?, seconds.parse()?)
        }
        ["serve", cpu, work_us, scheme] => serve(cpu.parse()?, work_us.parse()?, scheme),
        options => compare(&Plan::read(options)?),
    }
}

/// What the command line asks for.
struct Plan {
    connections: Vec<usize>,
    rounds: usize,
    seconds: u64,
    work_us: u64,
    only: Vec<String>,
    is_fresh: bool,
    /// Streams of each connection over HTTP/2; `None` for HTTP/1.1.
    streams: Vec<Option<usize>>,
    is_tls: bool,
    /// Bytes of the body that each request posts; `None` for a GET.
    post_bytes: Option<usize>,
    /// A server that runs already.
    url: Option<String>,
    /// The file with its process id; the CPU time of its children counts too.
    server: Option<String>,
}

impl Plan {
    fn read(words: &[&str]) -> Outcome<Plan> {
        let mut plan = Plan {
            connections: vec![1, 8, 32, 64, 256],
            rounds: 10,
            seconds: 2,
            work_us: 0,
            only: Vec::new(),
            is_fresh: false,
            streams: vec![None],
            is_tls: false,
            post_bytes: None,
            url: None,
            server: None,
        };
        for pair in words.chunks(2) {
            match pair {
                ["--connections", list] => {
                    plan.connections = list.split(',').map(str::parse).collect::<Result<_, _>>()?;
                }
                ["--rounds", count] => plan.rounds = count.parse()?,
                ["--seconds", count] => plan.seconds = count.parse()?,
                ["--work-us", count] => plan.work_us = count.parse()?,
                ["--peers", list] => plan.only = list.split(',').map(str::to_owned).collect(),
                ["--streams", list] => {
                    plan.streams =
                        list.split(',').map(|it| it.parse().map(Some)).collect::<Result<_, _>>()?;
                }
                ["--fresh", word] => plan.is_fresh = *word == "yes",
                ["--post", bytes] => plan.post_bytes = Some(bytes.parse()?),
                ["--tls", word] => plan.is_tls = *word == "yes",
                ["--url", url] => plan.url = Some((*url).to_owned()),
                ["--server", path] => plan.server = Some((*path).to_owned()),
                other => {
                    return Err(format!(
                        "{other:?}: use --connections LIST, --rounds N, --seconds N, --work-us N, \
                         --peers LIST, --streams LIST, --fresh yes, --tls yes, --post BYTES, \
                         --url URL, --server PIDFILE"
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
    peers.retain(|peer| plan.only.is_empty() || plan.only.iter().any(|name| name == peer.name));
    let server = match &plan.url {
        None => Server::start(plan.work_us, if plan.is_tls { "https" } else { "http" })?,
        Some(url) => Server::running(url, plan.server.as_deref())?,
    };
    let folder = tempfile::tempdir()?;
    let posted = plan.post_bytes.map(|bytes| Posted::write(folder.path(), bytes)).transpose()?;
    let shape = |connections, streams| Shape {
        url: server.url(),
        connections,
        seconds: plan.seconds,
        is_fresh: plan.is_fresh,
        streams,
        posted: posted.as_ref(),
    };
    peers.retain(|peer| peer.arguments(&shape(1, plan.streams[0])).is_some());
    if peers.is_empty() {
        return Err("none of the peers named is installed and can do this".into());
    }
    println!("{}", heading(plan, peers[0].name));
    let shapes = plan
        .connections
        .iter()
        .flat_map(|connections| plan.streams.iter().map(|streams| shape(*connections, *streams)));
    for shape in shapes {
        let mut rounds = Vec::new();
        for round in 0..plan.rounds {
            rounds.push(one_round(&peers, round, &shape, &server)?);
        }
        print!("{}", rows(&shape, &peers, &rounds));
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

fn engine(url: &str, connections: usize, seconds: u64, options: &[&str]) -> Outcome<()> {
    let url = Url::parse(url)?;
    let address = *url.resolve()?.first().ok_or("the URL's host has no address")?;
    let batch = options.contains(&"batch");
    let after = |word| options.iter().find_map(|option| option.strip_prefix(word));
    let streams = after("h2:");
    // As wrk does it.
    let resume = options.contains(&"resume");
    let insecure = TlsOptions { insecure: true, resume, ..TlsOptions::default() };
    let tls = url.is_https().then(|| TlsClient::new(&insecure, url.host())).transpose()?;
    let request = match after("post:") {
        Some(path) => Request::new("POST", &url, &[], &std::fs::read(path)?)?,
        None => Request::get(&url),
    };
    let load = Load {
        tls,
        connections,
        connection: match options.contains(&"fresh") {
            true => ConnectionPolicy::Fresh,
            false => ConnectionPolicy::KeepAlive,
        },
        extent: Extent::Time(Duration::from_secs(seconds)),
        http: if streams.is_some() { Http::V2 } else { Http::V1 },
        pipeline: streams.map_or(Ok(1), str::parse)?,
        batch,
        // As `jigger load --batch` does.
        kernel_timestamps: batch,
        ..Load::new(Address::Tcp(address), request)
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

/// The null server until standard input closes; prints its URL.
fn serve(cpu: usize, work_us: u64, scheme: &str) -> Outcome<()> {
    let work = Duration::from_micros(work_us);
    let tls = scheme == "https";
    let options = NullOptions { cpus: Some(vec![cpu]), work, tls, ..NullOptions::default() };
    let server = NullServer::start(&options)?;
    println!("{scheme}://{}/", server.address());
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
    let server = match &plan.url {
        Some(url) => format!("{url}: "),
        None => format!("The server spends {work_us} us on each answer; "),
    };
    let fresh = if plan.is_fresh { "a new connection for each request; " } else { "" };
    let posted = plan.post_bytes.map(|bytes| format!("POST with {bytes} bytes; "));
    let posted = posted.unwrap_or_default();
    format!(
        "{server}{fresh}{posted}medians of {rounds} interleaved rounds of \
         {seconds} s, the least and the greatest in brackets.\n\n| {} |\n|{}",
        COLUMNS.join(" | ").replace("REFERENCE", reference),
        "---|".repeat(COLUMNS.len())
    )
}

/// One line for each peer, the first of which is the one referred to; `rounds` has the figures in
/// the peers' order.
fn rows(shape: &Shape<'_>, peers: &[Peer], rounds: &[Vec<Figures>]) -> String {
    let place = |name: &str| peers.iter().position(|peer| peer.name == name);
    let (first, floor) = (Some(0), place("floor"));
    let streams = shape.streams.map_or_else(String::new, |streams| format!(" x {streams}"));
    let connections = format!("{}{streams}", shape.connections);
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
