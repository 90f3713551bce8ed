//! What an observer may see of a running load beyond its totals, when it asks.
//!
//! A thread looks at one flag each time it has waited. Only when the flag is up does it lay down a
//! copy of what it has counted, which takes some tens of microseconds and allocates.

use crate::failure::Errors;
use crate::sample::{add, histogram};
use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// What was counted up to some moment.
#[derive(Clone, Debug)]
pub struct Glimpse {
    /// As in [`Sample`](crate::Sample).
    pub response_time_ns: Histogram<u64>,
    /// Complete answers by status.
    pub status: BTreeMap<u16, u64>,
    /// Failed requests by kind.
    pub errors: Errors,
}

/// The place where the threads of a load lay down glimpses: [`Load::glimpses`](crate::Load).
#[derive(Debug)]
pub struct Glimpses(Vec<Slot>);

/// One thread's place, on a cache line of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Slot {
    is_wanted: AtomicBool,
    latest: Mutex<Option<Glimpse>>,
}

impl Glimpses {
    /// Places for so many threads.
    #[must_use]
    pub fn new(threads: usize) -> Self {
        Self((0..threads).map(|_| Slot::default()).collect())
    }

    /// Asks every thread for a new one; it comes when the thread has next waited.
    pub fn ask(&self) {
        self.0.iter().for_each(|slot| slot.is_wanted.store(true, Ordering::Relaxed));
    }

    /// The sum of the latest of each thread; empty before the first.
    #[must_use]
    pub fn latest(&self) -> Glimpse {
        let mut sum = Glimpse {
            response_time_ns: histogram(),
            status: BTreeMap::new(),
            errors: Errors::default(),
        };
        for slot in &self.0 {
            let latest = slot.latest.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(latest) = latest.as_ref() {
                sum.merge(latest);
            }
        }
        sum
    }

    pub(crate) fn is_wanted(&self, thread: usize) -> bool {
        self.0.get(thread).is_some_and(|slot| slot.is_wanted.load(Ordering::Relaxed))
    }

    pub(crate) fn lay_down(&self, thread: usize, glimpse: Glimpse) {
        let Some(slot) = self.0.get(thread) else { return };
        slot.is_wanted.store(false, Ordering::Relaxed);
        *slot.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(glimpse);
    }
}

impl Glimpse {
    fn merge(&mut self, other: &Glimpse) {
        add(&mut self.response_time_ns, &other.response_time_ns);
        for (status, count) in &other.status {
            *self.status.entry(*status).or_default() += count;
        }
        self.errors.merge(&other.errors);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glimpse(time_ns: u64) -> Glimpse {
        let mut response_time_ns = histogram();
        response_time_ns.saturating_record(time_ns);
        let status = BTreeMap::from([(200, 1)]);
        Glimpse { response_time_ns, status, errors: Errors::default() }
    }

    #[test]
    fn each_thread_is_asked_once_and_the_latest_of_all_are_added() {
        let glimpses = Glimpses::new(2);
        assert!(glimpses.latest().response_time_ns.is_empty());
        assert!(!glimpses.is_wanted(0));
        glimpses.ask();
        assert!(glimpses.is_wanted(0) && glimpses.is_wanted(1) && !glimpses.is_wanted(2));
        glimpses.lay_down(0, glimpse(5));
        glimpses.lay_down(0, glimpse(7));
        glimpses.lay_down(1, glimpse(9));
        assert!(!glimpses.is_wanted(0) && !glimpses.is_wanted(1));
        let latest = glimpses.latest();
        assert_eq!((latest.response_time_ns.len(), latest.response_time_ns.min()), (2, 7));
        assert_eq!(latest.status, BTreeMap::from([(200, 2)]));
    }
}
