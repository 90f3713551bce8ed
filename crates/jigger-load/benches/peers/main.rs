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
mod table;

use jigger_load::{
    Address, ConnectionPolicy, Extent, Load, NullOptions, NullServer, Request, Url, run,
};
use peer::{Peer, Shape};
use process::Server;
use std::error::Error;
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
    rounds: usize,
    seconds: u64,
    work_us: u64,
    only: Vec<String>,
}

impl Plan {
    fn read(words: &[&str]) -> Outcome<Plan> {
        let mut plan = Plan {
            connections: vec![1, 8, 32, 64, 256],
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
                ["--rounds", count] => plan.rounds = count.parse()?,
                ["--seconds", count] => plan.seconds = count.parse()?,
                ["--work-us", count] => plan.work_us = count.parse()?,
                ["--peers", list] => plan.only = list.split(',').map(str::to_owned).collect(),
                other => {
                    return Err(format!(
                        "{other:?}: use --connections LIST, --rounds N, --seconds N, --work-us N, \
                         --peers LIST"
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
    if peers.is_empty() {
        return Err("none of the peers named is installed".into());
    }
    let server = Server::start(plan.work_us)?;
    println!("{}", table::heading(plan.work_us, plan.rounds, plan.seconds));
    for &connections in &plan.connections {
        let shape = Shape { address: server.address(), connections, seconds: plan.seconds };
        let mut rounds = Vec::new();
        for round in 0..plan.rounds {
            rounds.push(one_round(&peers, round, &shape, &server)?);
        }
        print!("{}", table::rows(connections, &peers, &rounds));
    }
    Ok(())
}

/// Every peer once, beginning with another one each round; the figures in the peers' order.
fn one_round(
    peers: &[Peer],
    round: usize,
    shape: &Shape<'_>,
    server: &Server,
) -> Outcome<Vec<peer::Figures>> {
    let mut figures = vec![peer::Figures::default(); peers.len()];
    for turn in 0..peers.len() {
        let index = (round + turn) % peers.len();
        figures[index] = process::measure(&peers[index], shape, server)?;
    }
    Ok(figures)
}

fn engine(address: &str, connections: usize, seconds: u64, options: &[&str]) -> Outcome<()> {
    let url = Url::parse(&format!("http://{address}/"))?;
    let batch = options.contains(&"batch");
    let load = Load {
        connections,
        connection: ConnectionPolicy::KeepAlive,
        extent: Extent::Time(Duration::from_secs(seconds)),
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
