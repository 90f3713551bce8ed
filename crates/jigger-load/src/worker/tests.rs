//! The worker over the scripted network in virtual time, and over real sockets.

mod cases;
mod hooks;
mod mixes;
mod tls;
mod truth;

use super::tally::Board;
use super::*;
use crate::io::fake::{Fake, Step};
use crate::source::hooks::{Batch, HookAction, Hooks, WholeResponse};
use crate::source::request::Request;
use crate::team::{job, job_with_hooks};
use crate::url::{Address, Url};
use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

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
    seated(load, |seat| job(seat, driver)().unwrap())
}

/// Gives a load of one thread a seat.
fn seated<T>(load: &Load, run: impl FnOnce(Seat<'_>) -> T) -> T {
    let (board, stop) = (Board::default(), AtomicBool::new(false));
    run(Seat { load, thread: 0, board: &board, stop: &stop })
}

/// Hooks that have the same batch sent all the time, and end the load if they hear of a response.
struct Same(Vec<u8>);

impl Hooks for Same {
    fn delay(&mut self) -> (Duration, HookAction) {
        (Duration::ZERO, HookAction::Continue)
    }

    fn request(&mut self, batch: &mut Batch) -> HookAction {
        batch.fill(&self.0).unwrap();
        HookAction::Continue
    }

    fn wants_responses(&self) -> bool {
        false
    }

    fn response(&mut self, _: &WholeResponse<'_>) -> HookAction {
        HookAction::EndLoad
    }
}

/// Runs a load of one request with its own bytes, or with hooks that give the same.
fn run_either(hooked: bool, fake: Fake, load: &Load) -> Sample {
    if !hooked {
        return run_on(fake, load);
    }
    let hooks = Same(load.requests[0].0.bytes());
    seated(load, |seat| job_with_hooks(seat, fake, hooks)().unwrap())
}

fn run_fake(load: &Load, scripts: &[&[Step]]) -> Sample {
    run_on(Fake::new(scripts.iter().map(|script| script.to_vec()).collect()), load)
}
