//! One thread of a load: its connections, driven from event to event.
//!
//! After the start nothing is allocated, but where an answer arrives in pieces or the kernel
//! takes a request in pieces. There are no timers: every request has the same timeout, so one
//! look over the connections for each timeout is enough to find the next deadline.

mod batch;
mod exchange;
mod farewell;
mod pieces;
pub(crate) mod reconnect;
mod turn;

use crate::connection::{Connection, Memory};
use crate::io::Driver;
use crate::load::{ConnectionPolicy, Extent, Load, Pacing};
use crate::outbox::Outbox;
use crate::sample::{InFlight, Sample};
use crate::schedule::{Rate, Schedule};
use crate::tally::Tally;
use crate::team::{Board, thread_cpu_ns};
use crate::turn::{AT_ONCE, BUFFER_BYTES};
use batch::Batch;
use pieces::Pieces;
use rustix::io::Errno;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use turn::{Arrival, Departure};

/// How long a stop may go unnoticed.
const STOP_CHECK_NS: u64 = 20_000_000;
const NEVER: u64 = u64::MAX;

/// See the module.
pub(crate) struct Worker<'a, D: Driver> {
    driver: D,
    load: &'a Load,
    thread: usize,
    board: &'a Board,
    stop: &'a AtomicBool,
    slots: Vec<Slot<D::Socket>>,
    /// The reads of this turn.
    arrivals: Vec<Arrival>,
    /// Slots that have been read and may have something to send.
    read: Vec<usize>,
    departures: Vec<Departure>,
    /// The slot that was read when the time was up, and where in the buffer that stands.
    unheard: Option<(usize, Range<usize>)>,
    /// Open loop: slots that can take a request, once for each they can take; longest free first.
    free: VecDeque<u32>,
    outbox: Outbox<'a>,
    schedule: Option<Schedule>,
    tally: Tally,
    memory: Memory,
    buffer: Box<[u8]>,
    batch: Batch,
    /// Requests that may still be begun.
    left: u64,
    under_way: usize,
    /// The time as of the last look.
    now_ns: u64,
    end_ns: u64,
    timeout_ns: u64,
    /// When to look for passed deadlines and ended rests.
    check_ns: u64,
}

/// The place of one connection, through its successive sockets.
struct Slot<S> {
    socket: Option<S>,
    phase: Phase,
    connection: Connection,
    /// How many of the requests under way have been handed to the kernel or to `rest`.
    sent: usize,
    /// Bytes that the kernel has not taken yet.
    rest: Vec<u8>,
    rest_from: usize,
    pieces: Pieces,
    connect_ns: u64,
    backoff_ns: u64,
    /// Whether this socket has brought an answer.
    answered: bool,
    /// The kernel refused to take more; what it has for us is still to be read.
    write_error: Option<Errno>,
    free_since_ns: u64,
    /// Closed loop: since when no request has been under way, if none is.
    idle_since_ns: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Closed,
    /// No new attempt before this time.
    Resting(u64),
    Connecting,
    Open,
}

impl<S> Slot<S> {
    fn new(pipeline: usize) -> Slot<S> {
        Slot {
            socket: None,
            phase: Phase::Closed,
            connection: Connection::new(pipeline),
            sent: 0,
            rest: Vec::new(),
            rest_from: 0,
            pieces: Pieces::default(),
            connect_ns: 0,
            backoff_ns: 0,
            answered: false,
            write_error: None,
            free_since_ns: 0,
            idle_since_ns: 0,
        }
    }
}

impl<'a, D: Driver> Worker<'a, D> {
    /// Worker `thread` of the load's, with its share of connections and requests.
    pub(crate) fn new(
        driver: D,
        load: &'a Load,
        thread: usize,
        board: &'a Board,
        stop: &'a AtomicBool,
    ) -> Worker<'a, D> {
        let connections = share(load.connections as u64, thread, load.threads);
        let left = match load.extent {
            Extent::Time(_) => NEVER,
            Extent::Count(count) => share(count, thread, load.threads),
        };
        let slots: Vec<_> = (0..connections).map(|_| Slot::new(load.pipeline)).collect();
        Worker {
            driver,
            load,
            thread,
            board,
            stop,
            arrivals: Vec::with_capacity(AT_ONCE),
            read: Vec::with_capacity(AT_ONCE),
            departures: Vec::with_capacity(AT_ONCE),
            unheard: None,
            free: VecDeque::with_capacity(slots.len() * load.pipeline),
            slots,
            outbox: Outbox::new(load, thread),
            schedule: schedule(load, thread),
            tally: Tally::new(load),
            memory: Memory::default(),
            buffer: vec![0; BUFFER_BYTES].into_boxed_slice(),
            batch: Batch::default(),
            left,
            under_way: 0,
            now_ns: 0,
            end_ns: NEVER,
            timeout_ns: nanoseconds(load.timeout),
            check_ns: 0,
        }
    }

    /// Runs the load to its end.
    ///
    /// # Errors
    /// Only when waiting itself fails, which no state of a connection can cause.
    pub(crate) fn run(mut self) -> Result<Sample, Errno> {
        let cpu_ns = thread_cpu_ns();
        self.connect_ahead();
        self.now_ns = self.driver.now_ns();
        let start_ns = self.now_ns;
        if let Extent::Time(time) = self.load.extent {
            self.end_ns = start_ns.saturating_add(nanoseconds(time));
        }
        self.tally.start(start_ns);
        self.begin(start_ns);
        let mut ready = Vec::with_capacity(1024);
        while !self.is_over() {
            self.check_deadlines();
            self.dispatch(start_ns);
            let timeout_ns = self.timeout_ns(start_ns);
            self.gather(timeout_ns);
            self.driver.wait(timeout_ns, &mut ready)?;
            self.handle(&ready);
            self.board.show(self.tally.answers, self.tally.errors.total(), self.tally.bytes);
            if let Some(glimpses) = &self.load.glimpses
                && glimpses.is_wanted(self.thread)
            {
                glimpses.lay_down(self.thread, self.tally.glimpse());
            }
        }
        let cpu_ns = thread_cpu_ns() - cpu_ns;
        let end_ns = self.now_ns.min(self.end_ns);
        let (in_flight, unsent) = self.left_over(start_ns, end_ns);
        self.board.close();
        self.take_leave(&mut ready)?;
        Ok(self.tally.finish(end_ns, in_flight, unsent, cpu_ns, D::NAME))
    }

    /// Open loop: the first requests are not to wait for connections.
    fn connect_ahead(&mut self) {
        if self.schedule.is_none() {
            return;
        }
        let slots = self.slots.len();
        if self.load.connection == ConnectionPolicy::KeepAlive {
            (0..slots).for_each(|index| self.connect(index));
        }
        let tokens = (0..slots).filter_map(|index| u32::try_from(index).ok());
        self.free.extend(tokens.cycle().take(slots * self.load.pipeline));
    }

    /// Closed loop: sends the first requests; with a ramp one after another.
    fn begin(&mut self, start_ns: u64) {
        self.check_ns = start_ns;
        if self.schedule.is_some() {
            return;
        }
        let ramp_ns = nanoseconds(self.load.ramp);
        self.slots.iter_mut().for_each(|slot| slot.idle_since_ns = start_ns);
        for index in 0..self.slots.len() {
            match share_of(ramp_ns, index as u64, self.slots.len() as u64) {
                0 => self.proceed(index),
                rest_ns => self.slots[index].phase = Phase::Resting(start_ns + rest_ns),
            }
        }
    }

    fn is_over(&self) -> bool {
        self.now_ns >= self.end_ns || self.is_done() || self.stop.load(Ordering::Relaxed)
    }

    fn is_done(&self) -> bool {
        self.left == 0 && self.under_way == 0
    }

    /// Open loop: sends what is due, as long as a connection is free.
    fn dispatch(&mut self, start_ns: u64) {
        if self.schedule.is_none() {
            return;
        }
        self.now_ns = self.driver.now_ns();
        while let Some(due_ns) = self.next_due(start_ns)
            && due_ns <= self.now_ns
            && due_ns < self.end_ns
        {
            let Some(index) = self.free.pop_front() else {
                return;
            };
            self.schedule.iter_mut().for_each(Schedule::advance);
            let index = index as usize;
            if self.slots[index].free_since_ns <= due_ns {
                self.tally.lag(self.now_ns - due_ns);
            }
            self.launch(index, due_ns);
            self.transmit(index);
            self.now_ns = self.driver.now_ns();
        }
    }

    fn next_due(&self, start_ns: u64) -> Option<u64> {
        let schedule = self.schedule.as_ref()?;
        (self.left > 0).then(|| start_ns.saturating_add(schedule.due_ns()))
    }

    /// Begins one more request on this connection.
    fn launch(&mut self, index: usize, due_ns: u64) {
        let flight = self.outbox.next(due_ns, self.now_ns);
        self.slots[index].connection.begin(flight);
        self.left = if self.left == NEVER { NEVER } else { self.left - 1 };
        self.under_way += 1;
        self.tally.begun += 1;
    }

    fn timeout_ns(&self, start_ns: u64) -> u64 {
        if self.is_done() || self.load.busy_poll {
            return 0;
        }
        let wake_ns = match &self.schedule {
            Some(schedule) if self.left > 0 && !self.free.is_empty() => {
                start_ns.saturating_add(schedule.wake_ns())
            }
            _ => NEVER,
        };
        let next_ns = self.check_ns.min(self.end_ns).min(wake_ns);
        next_ns.saturating_sub(self.now_ns).min(STOP_CHECK_NS)
    }

    /// Ends rests and gives up requests whose deadline has passed.
    fn check_deadlines(&mut self) {
        if self.now_ns < self.check_ns {
            return;
        }
        let mut next_ns = self.now_ns.saturating_add(self.timeout_ns);
        self.check_ns = NEVER;
        for index in 0..self.slots.len() {
            let slot = &self.slots[index];
            let passed = match (slot.phase, slot.connection.flights().front()) {
                (Phase::Resting(until_ns), _) => until_ns,
                (_, Some(flight)) => flight.started_ns.saturating_add(self.timeout_ns),
                (_, None) => continue,
            };
            if passed > self.now_ns {
                next_ns = next_ns.min(passed);
            } else if slot.phase == Phase::Connecting || slot.phase == Phase::Open {
                self.time_out(index);
            } else {
                self.slots[index].phase = Phase::Closed;
                self.proceed(index);
            }
        }
        self.check_ns = self.check_ns.min(next_ns);
    }

    /// Batching: lets answers gather, but for nothing that the clock demands.
    fn gather(&mut self, timeout_ns: u64) {
        if !self.load.batch {
            return;
        }
        if let Some(nap_ns) = self.batch.nap_ns(self.now_ns, self.tally.answers, self.under_way)
            && nap_ns < timeout_ns
        {
            self.driver.nap(nap_ns);
        }
    }

    /// What slots without a request have been idle for, which nothing has counted yet.
    fn idle_at_end_ns(&self, end_ns: u64) -> u64 {
        let idle = self.slots.iter().filter(|slot| slot.connection.flights().is_empty());
        idle.map(|slot| end_ns.saturating_sub(slot.idle_since_ns)).sum()
    }

    /// What has no answer at the end, and how much of it was due and never sent.
    fn left_over(&mut self, start_ns: u64, end_ns: u64) -> (InFlight, u64) {
        let mut in_flight = InFlight::default();
        let open = self.schedule.is_some();
        if !open {
            self.tally.idle_ns += self.idle_at_end_ns(end_ns);
        }
        for flight in self.slots.iter().flat_map(|slot| slot.connection.flights()) {
            let since_ns = if open { flight.due_ns } else { flight.started_ns };
            in_flight.count += 1;
            in_flight.oldest_ns = in_flight.oldest_ns.max(end_ns.saturating_sub(since_ns));
        }
        let mut unsent = 0;
        while let Some(due_ns) = self.next_due(start_ns)
            && due_ns < end_ns
            && unsent < self.left
        {
            self.schedule.iter_mut().for_each(Schedule::advance);
            in_flight.oldest_ns = in_flight.oldest_ns.max(end_ns - due_ns);
            unsent += 1;
        }
        in_flight.count += unsent;
        (in_flight, unsent)
    }
}

pub(crate) fn schedule(load: &Load, thread: usize) -> Option<Schedule> {
    let Pacing::Open { rate_per_second, arrivals, burst } = load.pacing else {
        return None;
    };
    let ramp_ns = nanoseconds(load.ramp);
    let rate = Rate { per_second: rate_per_second, arrivals, burst, ramp_ns };
    let seed = load.seed ^ (thread as u64).wrapping_mul(0x9e37_79b9);
    Some(Schedule::new(&rate, thread, load.threads, seed))
}

/// What thread `thread` of `threads` gets of `count`; the first ones get one more.
pub(crate) fn share(count: u64, thread: usize, threads: usize) -> u64 {
    let (thread, threads) = (thread as u64, threads as u64);
    count / threads + u64::from(thread < count % threads)
}

fn share_of(whole: u64, part: u64, parts: u64) -> u64 {
    u64::try_from(u128::from(whole) * u128::from(part) / u128::from(parts)).unwrap_or(whole)
}

pub(crate) fn nanoseconds(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(NEVER)
}

#[cfg(test)]
mod tests;
