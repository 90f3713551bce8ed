//! What the engine records against what is known to be true, on this machine.
//!
//!     cargo bench -p jigger-load --bench truth
//!     cargo bench -p jigger-load --bench truth -- delay batch stall lag memory cores calls
//!
//! Servers run on the last core in processes of their own, the engine on the first.

mod calls;
mod server;

use jigger_load::{
    Address, Arrivals, Extent, Histogram, Load, NullOptions, NullServer, Pacing, Request, Sample,
    Url, run,
};
use server::{Behaviour, Server};
use std::error::Error;
use std::ops::ControlFlow;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// A part of the bench and what it is called on the command line.
type Part = (&'static str, fn() -> Outcome<()>);

const PARTS: &[Part] = &[
    ("delay", delay),
    ("batch", batch),
    ("stall", stall),
    ("lag", lag),
    ("memory", memory),
    ("cores", cores),
    ("calls", calls::run),
];

fn main() -> Outcome<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["serve", behaviour, cpu] => return server::serve(behaviour, cpu.parse()?),
        ["share", cpu] => return share(cpu.parse()?),
        ["hold", address, connections] => return hold(address, connections.parse()?),
        _ => {}
    }
    let unknown = words.iter().find(|word| PARTS.iter().all(|(name, _)| name != word));
    if let Some(word) = unknown {
        let names: Vec<_> = PARTS.iter().map(|(name, _)| *name).collect();
        return Err(format!("there is no part '{word}': {}", names.join(", ")).into());
    }
    for (name, part) in PARTS {
        if words.is_empty() || words.iter().any(|word| word == name) {
            part()?;
        }
    }
    Ok(())
}

/// A server that takes 2 ms, and says itself how long it took. The connections begin one after
/// another, since responses that come at once wait for each other, in the server too. Shown are the response time, which
/// a user waits for, and the time until the kernel had the response, which leaves out the client's own
/// waking and queueing.
fn delay() -> Outcome<()> {
    /// Of 64 connections every one begins 2.05 ms after the one before.
    const RAMP: Duration = Duration::from_millis(131);
    println!("delay of 2 ms: what the engine saw against what the server took");
    for connections in [1, 64] {
        for busy_poll in [false, true] {
            let server = Server::start(Behaviour::Delay)?;
            let sample = measure(&Load {
                connections,
                extent: Extent::Time(Duration::from_secs(5)),
                ramp: RAMP,
                busy_poll,
                kernel_timestamps: true,
                ..load(server.address())?
            })?;
            let took_us = server.finish()?;
            let name = if busy_poll { ", never sleeping" } else { "" };
            println!("  c = {connections}{name}:");
            compare_both(&sample, took_us)?;
        }
    }
    Ok(())
}

/// A server that is the limit, 20 us a response, loaded with and without batching.
fn batch() -> Outcome<()> {
    println!(
        "work of 20 us, one request after another: what the engine saw against what the server took"
    );
    for connections in [8, 64, 256] {
        for batch in [false, true] {
            let server = Server::start(Behaviour::Work)?;
            let sample = measure(&Load {
                connections,
                extent: Extent::Time(Duration::from_secs(4)),
                batch,
                kernel_timestamps: true,
                ..load(server.address())?
            })?;
            let took_us = server.finish()?;
            println!("  c = {connections}{}:", if batch { ", batch" } else { "" });
            compare_both(&sample, took_us)?;
        }
    }
    Ok(())
}

/// The response time and the kernel's, against what the server took.
fn compare_both(sample: &Sample, took_us: [f64; 2]) -> Outcome<()> {
    compare("response time", &sample.response_time_ns, took_us);
    let kernel_ns = sample.kernel_time_ns.as_ref().ok_or("no time stamps")?;
    compare("until the kernel had it", kernel_ns, took_us);
    Ok(())
}

fn compare(name: &str, times_ns: &Histogram<u64>, took_us: [f64; 2]) {
    for (percentile, quantile, took_us) in [("p50", 0.5, took_us[0]), ("p99", 0.99, took_us[1])] {
        let seen_us = number(times_ns.value_at_quantile(quantile)) / 1e3;
        println!(
            "    {name}, {percentile}: {seen_us:.0} us against {took_us:.0} us, {:+.1} %",
            (seen_us / took_us - 1.0) * 100.0
        );
    }
}

/// A server that stands still for one second of ten. At an even rate a tenth of all requests are
/// due meanwhile and wait for the rest of the second, evenly spread: the 99th percentile of all
/// is 0.9 s.
fn stall() -> Outcome<()> {
    let server = Server::start(Behaviour::Stall)?;
    let seconds = Extent::Time(Duration::from_secs(20));
    let base = Load { connections: 16, extent: seconds, ..load(server.address())? };
    let open = measure(&Load { pacing: even(200.0), ..base.clone() })?;
    println!(
        "stall of 1 s in every 10: open loop p99 {:.0} ms where 900 ms are true",
        percentile_us(&open, 0.99) / 1e3
    );
    let closed = measure(&base)?;
    println!(
        "  closed loop p99 {:.3} ms: it sends nothing while it waits, and `jigger load` says so",
        percentile_us(&closed, 0.99) / 1e3
    );
    Ok(())
}

/// How late the engine sends what is due at 1,000 a second, and how late a loop is that does nothing
/// but look at the clock: what the machine takes away is in both.
fn lag() -> Outcome<()> {
    println!("late behind the schedule at 1,000 a second:");
    for (name, busy_poll) in [("the engine", false), ("the engine that never sleeps", true)] {
        let server = Server::start(Behaviour::AtOnce)?;
        let sample = measure(&Load {
            connections: 8,
            pacing: even(1000.0),
            extent: Extent::Time(Duration::from_secs(10)),
            busy_poll,
            ..load(server.address())?
        })?;
        let lag_ns = sample.engine.schedule_lag_ns.ok_or("an open loop has a lag")?;
        println!("  {name}: {}", in_words(&lag_ns));
    }
    let clock = std::thread::spawn(lag_of_a_clock).join().map_err(|_| "the clock broke down")??;
    println!("  a loop that only looks at the clock: {}", in_words(&clock));
    Ok(())
}

fn lag_of_a_clock() -> Result<Histogram<u64>, rustix::io::Errno> {
    server::pin(0)?;
    let mut lag_ns = jigger_load::sample::histogram();
    let start = Instant::now();
    for due in (1..=10_000).map(Duration::from_millis) {
        while start.elapsed() < due {}
        let late = start.elapsed() - due;
        lag_ns.saturating_record(u64::try_from(late.as_nanos()).unwrap_or(u64::MAX));
    }
    Ok(lag_ns)
}

fn in_words(lag_ns: &Histogram<u64>) -> String {
    let [p50, p99, p999, p9999] =
        [0.5, 0.99, 0.999, 0.9999].map(|q| number(lag_ns.value_at_quantile(q)) / 1e3);
    format!(
        "p50 {p50:.0} us, p99 {p99:.0} us, p99.9 {p999:.0} us, p99.99 {p9999:.0} us; {:.2} % within 100 us",
        lag_ns.percentile_below(100_000)
    )
}

/// Memory for each connection: that of 10,000 against that of 10.
fn memory() -> Outcome<()> {
    let server = Server::start(Behaviour::AtOnce)?;
    let [few, many] = [10, 10_000].map(|connections| peak_bytes(server.address(), connections));
    let (few, many) = (few?, many?);
    println!(
        "memory: {:.0} bytes a connection ({:.1} MB with 10,000 connections, {:.1} MB with 10)",
        (many - few) / 9990.0,
        many / 1e6,
        few / 1e6
    );
    Ok(())
}

fn peak_bytes(address: &str, connections: usize) -> Outcome<f64> {
    let output = Command::new(std::env::current_exe()?)
        .args(["hold", address, &connections.to_string()])
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    text.trim().parse().map_err(|_| format!("{connections} connections: {text}{errors}").into())
}

/// A load of its own process; prints the most memory that the process held (VmHWM, see
/// proc_pid_status(5)).
fn hold(address: &str, connections: usize) -> Outcome<()> {
    let extent = Extent::Time(Duration::from_secs(5));
    let sample = measure(&Load { connections, extent, ..load(address)? })?;
    if sample.connections_opened < connections as u64 {
        return Err(format!("only {} connections stood", sample.connections_opened).into());
    }
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).ok_or("no VmHWM")?;
    let kibibytes: u64 = line.split_whitespace().nth(1).ok_or("no number")?.parse()?;
    println!("{}", kibibytes * 1024);
    Ok(())
}

/// Client and server share each core, so that the second core brings a second of both: the engine
/// is compared with itself, and what does not double is lost. Two processes that share nothing show
/// how much of that the machine loses: its cores may be two threads of one.
fn cores() -> Outcome<()> {
    const ROUNDS: usize = 7;
    let (mut together, mut apart, mut costs) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let one = shared_cores(&[0])?;
        let two = shared_cores(&[0, 1])?;
        together.push(two.requests_per_second() / one.requests_per_second());
        apart.push(two_processes()? / one.requests_per_second());
        let cost = |sample: &Sample| number(sample.engine.cpu_ns) / number(sample.requests);
        costs.push(cost(&two) / cost(&one));
    }
    println!("two cores against one, a server thread beside each; medians of {ROUNDS} rounds:");
    println!("  two threads: {} times the rate", with_spread(together));
    println!("  two processes that share nothing: {} times the rate", with_spread(apart));
    println!("  two threads: {} times the CPU a request", with_spread(costs));
    Ok(())
}

/// The median, with the least and the greatest.
fn with_spread(mut values: Vec<f64>) -> String {
    values.sort_by(f64::total_cmp);
    let last = values.len() - 1;
    format!("{:.2} ({:.2} to {:.2})", values[last / 2], values[0], values[last])
}

/// The rate of two processes at once, each with a client and a server on a core of its own.
fn two_processes() -> Outcome<f64> {
    let start = |cpu: &str| {
        let program = std::env::current_exe()?;
        Command::new(program).args(["share", cpu]).stdout(Stdio::piped()).spawn()
    };
    let mut rate = 0.0;
    for child in [start("0")?, start("1")?] {
        let output = child.wait_with_output()?;
        rate += String::from_utf8_lossy(&output.stdout).trim().parse::<f64>()?;
    }
    Ok(rate)
}

/// One of the two processes; prints its rate.
fn share(cpu: usize) -> Outcome<()> {
    println!("{}", shared_cores(&[cpu])?.requests_per_second());
    Ok(())
}

/// On each of these cores a client's thread and the server that only this thread loads.
fn shared_cores(cpus: &[usize]) -> Outcome<Sample> {
    let start = |cpu: &usize| {
        NullServer::start(&NullOptions { cpus: Some(vec![*cpu]), ..NullOptions::default() })
    };
    let servers = cpus.iter().map(start).collect::<Result<Vec<_>, _>>()?;
    let addresses: Vec<Address> = servers.iter().map(|server| server.address().clone()).collect();
    let url = Url::parse("http://localhost/")?;
    let load = Load {
        threads: cpus.len(),
        cpus: Some(cpus.to_vec()),
        connections: 64 * cpus.len(),
        extent: Extent::Time(Duration::from_secs(2)),
        ..Load::new(addresses[0].clone(), Request::get(&url))
    };
    measure(&Load { thread_addresses: addresses, ..load })
}

fn load(address: &str) -> Outcome<Load> {
    let url = Url::parse(&format!("http://{address}/"))?;
    let load = Load::new(Address::Tcp(address.parse()?), Request::get(&url));
    Ok(Load { cpus: Some(vec![0]), ..load })
}

fn measure(load: &Load) -> Outcome<Sample> {
    let sample = run(load, &mut |_| ControlFlow::Continue(()))?;
    if let Some((kind, count, first)) = sample.errors.iter().next() {
        return Err(format!("{count} {}: {first}", kind.name()).into());
    }
    Ok(sample)
}

fn even(rate_per_second: f64) -> Pacing {
    Pacing::Open { rate_per_second, arrivals: Arrivals::Even, burst: 1 }
}

fn percentile_us(sample: &Sample, quantile: f64) -> f64 {
    number(sample.response_time_ns.value_at_quantile(quantile)) / 1e3
}

#[expect(clippy::cast_precision_loss, reason = "times and counts are far below 2^53")]
fn number(value: u64) -> f64 {
    value as f64
}
