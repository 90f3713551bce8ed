//! One closed-loop run for comparisons with other load generators: prints the rate, the CPU
//! time a request and the percentiles, on one line.
//!
//!     cargo run --release -p jigger-load --example bench_load -- ADDRESS CONNECTIONS SECONDS [CPU] [batch] [stamps] [fresh] [rate=N]

use jigger_load::{
    Address, Arrivals, ConnectionPolicy, Extent, Flow, Load, Pacing, Request, Url, run,
};
use std::time::Duration;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [address, connections, seconds, options @ ..] = words.as_slice() else {
        return Err(
            "usage: ADDRESS CONNECTIONS SECONDS [CPU] [batch] [stamps] [fresh] [rate=N]".into()
        );
    };
    let url = Url::parse(&format!("http://{address}/"))?;
    let has = |name: &str| options.iter().any(|option| option == name);
    let rate = options.iter().find_map(|option| option.strip_prefix("rate="));
    let pacing = match rate {
        Some(rate) => {
            let rate_per_second = rate.parse()?;
            Pacing::Open { rate_per_second, arrivals: Arrivals::Even, burst: 1 }
        }
        None => Pacing::Closed,
    };
    let load = Load {
        pacing,
        connections: connections.parse()?,
        extent: Extent::Time(Duration::from_secs_f64(seconds.parse()?)),
        cpus: options.first().and_then(|cpu| cpu.parse().ok()).map(|cpu| vec![cpu]),
        batch: has("batch"),
        kernel_timestamps: has("stamps"),
        connection: if has("fresh") {
            ConnectionPolicy::Fresh
        } else {
            ConnectionPolicy::KeepAlive
        },
        ..Load::new(Address::Tcp(address.parse()?), Request::get(&url))
    };
    let sample = run(&load, &mut |_| Flow::Continue)?;
    let percentile = |quantile| sample.response_time_ns.value_at_quantile(quantile) / 1000;
    println!(
        "{:.0} requests/s, {} ns CPU a request, p50 {} us, p99 {} us, {} errors",
        sample.requests_per_second(),
        sample.engine.cpu_ns / sample.requests.max(1),
        percentile(0.5),
        percentile(0.99),
        sample.errors.total(),
    );
    for (kind, count, message) in sample.errors.iter() {
        println!("{kind}: {count} ({message})");
    }
    if let Some(lag) = &sample.engine.schedule_lag_ns {
        let [p50, p999] = [0.5, 0.999].map(|quantile| lag.value_at_quantile(quantile));
        println!("schedule lag p50 {p50} ns, p99.9 {p999} ns");
    }
    if let Some(kernel) = &sample.kernel_time_ns {
        println!("kernel time p50 {} us", kernel.value_at_quantile(0.5) / 1000);
    }
    Ok(())
}
