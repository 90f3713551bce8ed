//! Hooks: what a program may do at each request and each answer of a load.
//!
//! A load with hooks runs in a loop of its own ([`worker`]), so that a load without them pays
//! nothing: no call, no branch, no memory.

mod batch;
pub(crate) mod worker;

pub use batch::{Batch, BatchError};

use crate::load::{ConnectionPolicy, Extent, Flow, Load, LoadError, Progress};
use crate::sample::Sample;
use crate::team;
use std::time::Duration;

/// One thread's hooks. Each connection goes round: delay, request, its answers, delay, ...
pub trait Hooks: Send {
    /// Called before each batch: how long its connection waits first.
    fn delay(&mut self) -> (Duration, Onward);

    /// Fills the next batch: one message, or several to be sent before the first answer.
    fn request(&mut self, batch: &mut Batch) -> Onward;

    /// Whether [`Hooks::response`] is to be called. Only then are answers kept whole.
    fn wants_responses(&self) -> bool;

    /// Takes a complete answer.
    fn response(&mut self, answer: &WholeAnswer<'_>) -> Onward;
}

/// What a hook wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Onward {
    /// Go on.
    Continue,
    /// This thread ends; a batch just filled is still sent. The others go on.
    EndThread,
    /// All threads end, with what was measured.
    EndLoad,
}

/// An answer with its head and body.
#[derive(Clone, Copy, Debug)]
pub struct WholeAnswer<'a> {
    /// The status code.
    pub status: u16,
    /// The head's bytes, status line and closing empty line included.
    pub head: &'a [u8],
    /// The body, without its framing.
    pub body: &'a [u8],
}

impl WholeAnswer<'_> {
    /// The header fields in order, names as the server wrote them.
    #[must_use]
    pub fn headers(&self) -> Vec<(String, String)> {
        crate::http1::fields(self.head)
    }
}

/// Runs a load with hooks, one for each thread. They say what is asked; [`Load::requests`],
/// [`Load::expect`] but for its status, and [`Load::pipeline`] have no say. With open pacing a
/// batch of several messages takes as many due times. [`Sample::idle_ns`] stays 0.
///
/// # Errors
/// As [`run`](crate::run), and [`LoadError::Invalid`] for what a load with hooks cannot be:
/// counted, over fresh connections, ramped, batched, without sleep or with kernel time stamps.
pub fn run_with_hooks<H: Hooks>(
    load: &Load,
    hooks: Vec<H>,
    observe: &mut dyn FnMut(&Progress) -> Flow,
) -> Result<Sample, LoadError> {
    load.check()?;
    let rules: [(bool, &str); 7] = [
        (hooks.len() != load.threads, "each thread needs hooks of its own"),
        (matches!(load.extent, Extent::Count(_)), "a load with hooks runs for a time"),
        (load.connection == ConnectionPolicy::Fresh, "a load with hooks keeps its connections"),
        (!load.ramp.is_zero(), "a load with hooks has no ramp"),
        (load.batch, "a load with hooks does not gather answers"),
        (load.busy_poll, "a load with hooks sleeps while nothing is to be done"),
        (load.kernel_timestamps, "a load with hooks takes no time stamps from the kernel"),
    ];
    match rules.into_iter().find(|(broken, _)| *broken) {
        Some((_, message)) => Err(LoadError::Invalid(message.to_owned())),
        None => team::run_with_hooks(load, hooks, observe),
    }
}
