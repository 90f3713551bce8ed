//! The worker over the scripted network in virtual time, and over real sockets.

mod cases;
mod truth;

use super::*;
use crate::address::Address;
use crate::io::fake::{Fake, Step};
use crate::request::Request;
use crate::url::Url;
use std::net::SocketAddr;

/// So many bytes that begin with `start`; the others are `x`.
const fn beginning_with<const BYTES: usize>(start: &[u8]) -> [u8; BYTES] {
    let mut bytes = [b'x'; BYTES];
    let mut at = 0;
    while at < start.len() {
        bytes[at] = start[at];
        at += 1;
    }
    bytes
}

fn load() -> Load {
    let address: SocketAddr = "127.0.0.1:1".parse().unwrap();
    let url = Url::parse("http://127.0.0.1:1/").unwrap();
    Load::new(Address::Tcp(address), Request::get(&url))
}

/// Runs a load of one thread over a driver.
fn run_on<D: Driver>(driver: D, load: &Load) -> Sample {
    let (board, stop) = (Board::default(), AtomicBool::new(false));
    Worker::new(driver, load, 0, &board, &stop).run().unwrap()
}

fn run_fake(load: &Load, scripts: &[&[Step]]) -> Sample {
    run_on(Fake::new(scripts.iter().map(|script| script.to_vec()).collect()), load)
}
