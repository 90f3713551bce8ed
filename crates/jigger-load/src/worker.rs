//! One thread of a load: its connections, driven from event to event.
//!
//! After the start nothing is allocated, but where a response arrives in pieces or the kernel
//! takes a request in pieces. There are no timers: every request has the same timeout, so one
//! look over the connections for each timeout is enough to find the next deadline.

mod exchange;
mod reconnect;
mod schedule;
mod slot;
pub(crate) mod tally;
mod turn;

use crate::io::{AT_ONCE, BUFFER_BYTES, Driver};
use crate::load::{ConnectionPolicy, Extent, Load, Pacing};
use crate::protocol::Protocol;
use crate::sample::{Sample, Unmade, histogram};
use crate::source::Source;
use hdrhistogram::Histogram;
use rustix::io::Errno;
use schedule::{Gathering, Rate, Schedule};
use slot::{Pause, Phase, Slot};
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::Ordering;
use tally::{Seat, Tally};
use turn::{Arrival, Departure};

/// How long a stop may go unnoticed.
const STOP_CHECK_NS: u64 = 20_000_000;
const NEVER: u64 = u64::MAX;

pub(crate) struct Worker<'a, D: Driver, P: Protocol, S> {
    driver: D,
    source: S,
    load: &'a Load,
    seat: Seat<'a>,
    slots: Vec<Slot<D::Socket, P>>,
    /// The reads of this turn.
    arrivals: Vec<Arrival>,
    /// Slots that have been read and may have something to send.
    read: Vec<usize>,
    departures: Vec<Departure>,
    /// The slot that was read when the time was up, and where in the buffer that stands.
    undrained: Option<(usize, Range<usize>)>,
    /// Open loop: slots that can take a request, once for each they can take; longest free first.
    free: VecDeque<u32>,
    schedule: Option<Schedule>,
    tally: Tally,
    shared: P::Shared,
    buffer: Box<[u8]>,
    gathering: Gathering,
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

impl<'a, D: Driver, P: Protocol, S: Source<P>> Worker<'a, D, P, S> {
    /// A worker with its share of connections and requests.
    pub(crate) fn new(driver: D, source: S, seat: Seat<'a>) -> Worker<'a, D, P, S> {
        let load = seat.load;
        let left = match load.extent {
            Extent::Time(_) => NEVER,
            Extent::Count(count) => seat.share(count),
        };
        let on_a_socket = load.requests_per_connection.map_or(u64::MAX, u64::from);
        let slots = (0..seat.connections()).map(|_| Slot::new(load.pipeline, on_a_socket));
        let slots: Vec<_> = slots.collect();
        Worker {
            driver,
            source,
            load,
            seat,
            arrivals: Vec::with_capacity(AT_ONCE),
            read: Vec::with_capacity(AT_ONCE),
            departures: Vec::with_capacity(AT_ONCE),
            undrained: None,
            free: VecDeque::with_capacity(slots.len() * load.pipeline),
            slots,
            schedule: schedule(load, seat.thread),
            tally: Tally::new(load),
            shared: P::Shared::default(),
            buffer: vec![0; BUFFER_BYTES].into_boxed_slice(),
            gathering: Gathering::default(),
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
        let cpu_ns = self.driver.cpu_ns();
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
            self.seat.board.show(self.tally.responses, self.tally.errors.total(), self.tally.bytes);
            if let Some(snapshots) = &self.load.snapshots
                && snapshots.is_wanted(self.seat.thread)
            {
                snapshots.publish(self.seat.thread, self.tally.snapshot());
            }
        }
        let cpu_ns = self.driver.cpu_ns() - cpu_ns;
        let end_ns = self.now_ns.min(self.end_ns);
        let (unanswered_ns, unsent) = self.left_over(start_ns, end_ns);
        let unmade = self.unmade(end_ns);
        self.seat.board.close();
        let unchecked = P::unchecked(&self.shared);
        self.drain(&mut ready)?;
        let (tls, peer_settings) = (self.driver.handshakes(), P::peer(&self.shared));
        let sample = self.tally.finish(end_ns, unanswered_ns, unsent, cpu_ns, D::NAME);
        Ok(Sample { tls, peer_settings, unchecked, unmade, ..sample })
    }

    /// Open loop: the first requests are not to wait for connections. Batches: the connections stand
    /// before the first pause, as those of wrk do.
    fn connect_ahead(&mut self) {
        let at_once = self.schedule.is_some() || (S::IN_BATCHES && self.load.ramp.is_zero());
        if at_once && self.load.connection == ConnectionPolicy::KeepAlive {
            (0..self.slots.len()).for_each(|index| self.connect(index));
        }
    }

    /// Open loop: every connection is free. Closed loop: sends the first requests; with a ramp one
    /// after another.
    fn begin(&mut self, start_ns: u64) {
        self.check_ns = start_ns;
        if self.schedule.is_some() {
            let (times, slots) =
                (if S::IN_BATCHES { 1 } else { self.load.pipeline }, self.slots.len());
            return (0..times * slots).for_each(|number| self.offer(number % slots));
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
        self.now_ns >= self.end_ns
            || self.is_done()
            || self.source.has_ended()
            || self.seat.stop.load(Ordering::Relaxed)
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
            let index = index as usize;
            if self.slots[index].free_since_ns <= due_ns {
                self.tally.lag(self.now_ns - due_ns);
            }
            let begun = self.launch(index, 1, due_ns);
            (0..begun).for_each(|_| self.schedule.iter_mut().for_each(Schedule::advance));
            self.transmit(index);
            self.now_ns = self.driver.now_ns();
        }
    }

    fn next_due(&self, start_ns: u64) -> Option<u64> {
        let schedule = self.schedule.as_ref()?;
        (self.left > 0).then(|| start_ns.saturating_add(schedule.due_ns()))
    }

    /// Begins requests on this connection, which has room for so many; how many.
    fn launch(&mut self, index: usize, room: usize, due_ns: u64) -> usize {
        if self.left == 0 {
            return 0;
        }
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let count = self.source.prepare(index, room).min(left);
        if S::IN_BATCHES {
            // Whoever makes batches may take time for it, which is nobody's response time.
            self.now_ns = self.driver.now_ns();
            self.end_idleness(index, self.now_ns);
            self.slots[index].pause = Pause::Unknown;
        }
        for _ in 0..count {
            let flight = self.source.next(index, due_ns, self.now_ns);
            self.slots[index].connection.begin(flight);
        }
        self.left -= count as u64;
        self.under_way += count;
        self.tally.begun += count as u64;
        count
    }

    /// Whether this connection may begin requests as far as its source goes: always, or, in batches,
    /// when all before have their response and the pause is over.
    fn may_begin(&mut self, index: usize) -> bool {
        if !S::IN_BATCHES {
            return true;
        }
        let slot = &mut self.slots[index];
        if self.left == 0 || slot.connection.under_way() > 0 {
            return false;
        }
        if slot.pause == Pause::Unknown {
            slot.pause = match self.source.pause_ns() {
                0 => Pause::Over,
                pause_ns => Pause::Until(self.now_ns.saturating_add(pause_ns)),
            };
        }
        if let Pause::Until(until_ns) = slot.pause {
            self.check_ns = self.check_ns.min(until_ns);
        }
        slot.pause == Pause::Over
    }

    /// Open loop: this connection can take one more request, or one more batch when its pause is
    /// over.
    fn offer(&mut self, index: usize) {
        if self.may_begin(index) {
            self.slots[index].free_since_ns = self.now_ns;
            self.free.push_back(u32::try_from(index).unwrap_or_default());
        }
    }

    fn timeout_ns(&self, start_ns: u64) -> u64 {
        if self.is_done() || self.load.busy_poll || self.source.has_ended() {
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

    /// Ends rests and pauses, and gives up requests whose deadline has passed.
    fn check_deadlines(&mut self) {
        if self.now_ns < self.check_ns {
            return;
        }
        let mut next_ns = self.now_ns.saturating_add(self.timeout_ns);
        self.check_ns = NEVER;
        for index in 0..self.slots.len() {
            match self.slots[index].wakes_ns(self.timeout_ns) {
                Some(wakes_ns) if wakes_ns > self.now_ns => next_ns = next_ns.min(wakes_ns),
                Some(_) => self.wake(index),
                None => {}
            }
        }
        self.check_ns = self.check_ns.min(next_ns);
    }

    /// The time has come that this slot was waiting for.
    fn wake(&mut self, index: usize) {
        let slot = &mut self.slots[index];
        match slot.phase {
            Phase::Resting(_) => {
                slot.phase = Phase::Closed;
                self.proceed(index);
            }
            _ if slot.connection.under_way() > 0 => self.time_out(index),
            _ => {
                slot.pause = Pause::Over;
                if self.schedule.is_some() { self.offer(index) } else { self.proceed(index) }
            }
        }
    }

    /// Batching: lets responses gather, but for nothing that the clock demands.
    fn gather(&mut self, timeout_ns: u64) {
        if !self.load.batch {
            return;
        }
        if let Some(nap_ns) =
            self.gathering.nap_ns(self.now_ns, self.tally.responses, self.under_way)
            && nap_ns < timeout_ns
        {
            self.driver.nap(nap_ns);
        }
    }

    /// What slots without a request have been idle for, which nothing has counted yet.
    fn idle_at_end_ns(&self, end_ns: u64) -> u64 {
        let idle = self.slots.iter().filter(|slot| slot.connection.under_way() == 0);
        idle.map(|slot| end_ns.saturating_sub(slot.idle_since_ns)).sum()
    }

    /// The connections that do not stand, or whose handshake is not done.
    fn unmade(&self, end_ns: u64) -> Unmade {
        let mut sum = Unmade::default();
        for slot in &self.slots {
            let (connecting, shaking) = match slot.phase {
                Phase::Connecting => (1, 0),
                Phase::Shaking => (0, 1),
                _ => continue,
            };
            let oldest_ns = end_ns.saturating_sub(slot.connect_ns);
            sum.merge(Unmade { connecting, shaking, oldest_ns });
        }
        sum
    }

    /// The ages of the requests without a response at the end, and how many of them were never sent.
    fn left_over(&mut self, start_ns: u64, end_ns: u64) -> (Histogram<u64>, u64) {
        let mut ages_ns = histogram();
        let open = self.schedule.is_some();
        if !open {
            self.tally.idle_ns += self.idle_at_end_ns(end_ns);
        }
        for flight in self.slots.iter().flat_map(|slot| slot.connection.flights()) {
            let since_ns = if open { flight.due_ns } else { flight.started_ns };
            ages_ns.saturating_record(end_ns.saturating_sub(since_ns));
        }
        let mut unsent = 0;
        while let Some(due_ns) = self.next_due(start_ns)
            && due_ns < end_ns
            && unsent < self.left
        {
            self.schedule.iter_mut().for_each(Schedule::advance);
            ages_ns.saturating_record(end_ns - due_ns);
            unsent += 1;
        }
        (ages_ns, unsent)
    }
}

fn schedule(load: &Load, thread: usize) -> Option<Schedule> {
    let Pacing::Open { rate_per_second, arrivals, burst } = load.pacing else {
        return None;
    };
    let ramp_ns = nanoseconds(load.ramp);
    let rate = Rate { per_second: rate_per_second, arrivals, burst, ramp_ns };
    let seed = crate::random::seed_of(load.seed, thread as u64);
    Some(Schedule::new(&rate, thread, load.threads, seed))
}

fn share_of(whole: u64, part: u64, parts: u64) -> u64 {
    u64::try_from(u128::from(whole) * u128::from(part) / u128::from(parts)).unwrap_or(whole)
}

fn nanoseconds(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(NEVER)
}

#[cfg(test)]
mod tests;
