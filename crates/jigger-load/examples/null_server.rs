//! The null server by itself, to try a load generator on: prints its address, then
//! serves until its standard input closes.
//!
//!     cargo run --release -p jigger-load --example null_server -- [CPU] [WORK_US] [tls]

use jigger_load::{NullOptions, NullServer};
use std::io::Read;
use std::time::Duration;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let cpus = words.next().map(|cpu| cpu.parse().map(|cpu| vec![cpu])).transpose()?;
    let work_us = words.next().map_or(Ok(0), |text| text.parse())?;
    let tls = words.next().is_some_and(|word| word == "tls");
    let work = Duration::from_micros(work_us);
    let options = NullOptions { cpus, work, tls, ..NullOptions::default() };
    let server = NullServer::start(&options)?;
    println!("{}", server.address());
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
