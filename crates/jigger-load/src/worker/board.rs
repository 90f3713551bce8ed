//! What ties a worker to the other threads of its load.

use crate::load::Load;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What a worker shows while it runs. Written by its own thread alone, without locked
/// instructions, and on a cache line of its own, so that showing costs next to nothing.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Board {
    pub(crate) responses: AtomicU64,
    pub(crate) errors: AtomicU64,
    pub(crate) bytes: AtomicU64,
    is_final: AtomicBool,
}

impl Board {
    pub(super) fn show(&self, responses: u64, errors: u64, bytes: u64) {
        self.responses.store(responses, Ordering::Relaxed);
        self.errors.store(errors, Ordering::Relaxed);
        self.bytes.store(bytes, Ordering::Relaxed);
    }

    /// The time is up, and nothing more is counted.
    pub(crate) fn close(&self) {
        self.is_final.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_final(&self) -> bool {
        self.is_final.load(Ordering::Relaxed)
    }
}

/// A worker's place in its load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seat<'a> {
    pub(crate) load: &'a Load,
    /// Its number among the load's threads.
    pub(crate) thread: usize,
    pub(crate) board: &'a Board,
    /// Ends all threads.
    pub(crate) stop: &'a AtomicBool,
}

impl Seat<'_> {
    /// Its share of a count; the first ones get one more.
    pub(crate) fn share(&self, count: u64) -> u64 {
        let (thread, threads) = (self.thread as u64, self.load.threads as u64);
        count / threads + u64::from(thread < count % threads)
    }

    /// Its share of the connections.
    pub(crate) fn connections(&self) -> usize {
        usize::try_from(self.share(self.load.connections as u64)).unwrap_or(usize::MAX)
    }
}
