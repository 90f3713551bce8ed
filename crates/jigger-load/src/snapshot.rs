//! What an observer may see of a running load beyond its totals, on request.
//!
//! A thread looks at one flag each time it has waited. Only when the flag is up does it publish a
//! copy of what it has counted, which takes some tens of microseconds and allocates.

use crate::failure::Errors;
use crate::sample::{add, histogram};
use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// What was counted up to some moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// As in [`Sample`](crate::Sample).
    pub response_time_ns: Histogram<u64>,
    /// Complete responses by status.
    pub status: BTreeMap<u16, u64>,
    /// Failed requests by kind.
    pub errors: Errors,
}

/// Where the threads of a load publish what they have counted: [`Load::snapshots`](crate::Load).
#[derive(Debug)]
pub struct Snapshots(Vec<Slot>);

/// One thread's place, on a cache line of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Slot {
    is_wanted: AtomicBool,
    latest: Mutex<Option<Snapshot>>,
}

impl Snapshots {
    /// Places for so many threads.
    #[must_use]
    pub fn new(threads: usize) -> Self {
        Self((0..threads).map(|_| Slot::default()).collect())
    }

    /// Asks every thread for a new one; it comes when the thread has next waited.
    pub fn request(&self) {
        self.0.iter().for_each(|slot| slot.is_wanted.store(true, Ordering::Relaxed));
    }

    /// The sum of the latest of each thread; empty before the first.
    #[must_use]
    pub fn latest(&self) -> Snapshot {
        let mut sum = Snapshot {
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

    pub(crate) fn publish(&self, thread: usize, snapshot: Snapshot) {
        let Some(slot) = self.0.get(thread) else { return };
        slot.is_wanted.store(false, Ordering::Relaxed);
        *slot.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(snapshot);
    }
}

impl Snapshot {
    fn merge(&mut self, other: &Snapshot) {
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

    fn snapshot(time_ns: u64) -> Snapshot {
        let mut response_time_ns = histogram();
        response_time_ns.saturating_record(time_ns);
        let status = BTreeMap::from([(200, 1)]);
        Snapshot { response_time_ns, status, errors: Errors::default() }
    }

    #[test]
    fn each_thread_is_asked_once_and_the_latest_of_all_are_added() {
        let snapshots = Snapshots::new(2);
        assert!(snapshots.latest().response_time_ns.is_empty());
        assert!(!snapshots.is_wanted(0));
        snapshots.request();
        assert!(snapshots.is_wanted(0) && snapshots.is_wanted(1) && !snapshots.is_wanted(2));
        snapshots.publish(0, snapshot(5));
        snapshots.publish(0, snapshot(7));
        snapshots.publish(1, snapshot(9));
        assert!(!snapshots.is_wanted(0) && !snapshots.is_wanted(1));
        let latest = snapshots.latest();
        assert_eq!((latest.response_time_ns.len(), latest.response_time_ns.min()), (2, 7));
        assert_eq!(latest.status, BTreeMap::from([(200, 2)]));
    }
}
