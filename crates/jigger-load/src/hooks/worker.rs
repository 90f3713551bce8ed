//! One thread of a load with hooks.
//!
//! A connection stands idle, waits as long as the delay hook says (and, in open loop, until a
//! request is due), sends the batch that the request hook fills, takes all answers to it, and is
//! idle again.

mod wire;

use super::{Hooks, Onward, WholeAnswer};
use crate::failure::ErrorKind;
use crate::http1::{Event, Malformed, Memo};
use crate::io::{Driver, Ready};
use crate::load::Load;
use crate::sample::{InFlight, Sample};
use crate::schedule::Schedule;
use crate::tally::Tally;
use crate::team::{Board, thread_cpu_ns};
use crate::worker::{nanoseconds, schedule, share};
use rustix::io::Errno;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use wire::{Phase, Slot};

/// How long a stop may go unnoticed.
const STOP_CHECK_NS: u64 = 20_000_000;
const BUFFER_BYTES: usize = 64 << 10;
const NEVER: u64 = u64::MAX;

/// See the module.
pub(crate) struct HookedWorker<'a, D: Driver, H: Hooks> {
    driver: D,
    hooks: H,
    load: &'a Load,
    board: &'a Board,
    stop: &'a AtomicBool,
    slots: Vec<Slot<D::Socket>>,
    /// Open loop: connections that can take a batch; longest free first.
    free: VecDeque<usize>,
    schedule: Option<Schedule>,
    tally: Tally,
    memo: Memo,
    buffer: Vec<u8>,
    wants_responses: bool,
    /// A hook has ended this thread.
    is_ended: bool,
    now_ns: u64,
    start_ns: u64,
    end_ns: u64,
    timeout_ns: u64,
    /// When to look for passed deadlines, ended rests and ended delays.
    check_ns: u64,
}

impl<'a, D: Driver, H: Hooks> HookedWorker<'a, D, H> {
    /// Worker `thread` of the load's, with its share of the connections.
    pub(crate) fn new(
        driver: D,
        hooks: H,
        load: &'a Load,
        thread: usize,
        board: &'a Board,
        stop: &'a AtomicBool,
    ) -> HookedWorker<'a, D, H> {
        let connections = share(load.connections as u64, thread, load.threads);
        HookedWorker {
            driver,
            wants_responses: hooks.wants_responses(),
            hooks,
            load,
            board,
            stop,
            slots: (0..connections).map(|_| Slot::default()).collect(),
            free: VecDeque::new(),
            schedule: schedule(load, thread),
            tally: Tally::new(load),
            memo: Memo::default(),
            buffer: vec![0; BUFFER_BYTES],
            is_ended: false,
            now_ns: 0,
            start_ns: 0,
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
        self.now_ns = self.driver.now_ns();
        self.start_ns = self.now_ns;
        if let crate::load::Extent::Time(time) = self.load.extent {
            self.end_ns = self.start_ns.saturating_add(nanoseconds(time));
        }
        self.tally.start(self.start_ns);
        self.check_ns = self.start_ns.saturating_add(self.timeout_ns);
        (0..self.slots.len()).for_each(|index| self.connect(index));
        let mut ready = Vec::with_capacity(1024);
        while !self.is_over() {
            self.check();
            self.dispatch();
            self.driver.wait(self.patience_ns(), &mut ready)?;
            self.now_ns = self.driver.now_ns();
            for event in &ready {
                if self.is_over() {
                    break;
                }
                self.event(*event);
            }
            self.board.show(self.tally.answers, self.tally.errors.total(), self.tally.bytes);
        }
        Ok(self.finish(thread_cpu_ns() - cpu_ns))
    }

    fn is_over(&self) -> bool {
        self.is_ended || self.now_ns >= self.end_ns || self.stop.load(Ordering::Relaxed)
    }

    fn patience_ns(&self) -> u64 {
        if self.is_ended {
            return 0;
        }
        let wake_ns = match &self.schedule {
            Some(schedule) if !self.free.is_empty() => {
                self.start_ns.saturating_add(schedule.wake_ns())
            }
            _ => NEVER,
        };
        let next_ns = self.check_ns.min(self.end_ns).min(wake_ns);
        next_ns.saturating_sub(self.now_ns).min(STOP_CHECK_NS)
    }

    fn next_due_ns(&self) -> u64 {
        let due_ns = self.schedule.as_ref().map_or(NEVER, Schedule::due_ns);
        self.start_ns.saturating_add(due_ns)
    }

    /// Ends rests and delays, and gives up what has passed its deadline.
    fn check(&mut self) {
        if self.now_ns < self.check_ns {
            return;
        }
        let mut next_ns = self.now_ns.saturating_add(self.timeout_ns);
        self.check_ns = NEVER;
        for index in 0..self.slots.len() {
            let Some(due_ns) = self.slots[index].wakes_ns(self.timeout_ns) else {
                continue;
            };
            if due_ns > self.now_ns {
                next_ns = next_ns.min(due_ns);
                continue;
            }
            match self.slots[index].phase {
                Phase::Delayed(_) => self.offer(index),
                Phase::Resting(_) => self.connect(index),
                _ => self.time_out(index),
            }
        }
        self.check_ns = self.check_ns.min(next_ns);
    }

    /// Open loop: sends what is due, as long as a connection is free.
    fn dispatch(&mut self) {
        while !self.is_over() && self.next_due_ns() <= self.now_ns {
            let Some(index) = self.free.pop_front() else {
                return;
            };
            // It may have been lost since it was free.
            if self.slots[index].phase == Phase::Free {
                let due_ns = self.next_due_ns();
                self.tally.lag(self.now_ns - due_ns.max(self.slots[index].free_since_ns));
                self.ask(index, due_ns);
            }
            self.now_ns = self.driver.now_ns();
        }
    }

    /// The connection stands and has nothing under way.
    fn idle(&mut self, index: usize) {
        let (delay, onward) = self.hooks.delay();
        self.obey(onward);
        if delay.is_zero() {
            return self.offer(index);
        }
        let until_ns = self.now_ns.saturating_add(nanoseconds(delay));
        self.slots[index].phase = Phase::Delayed(until_ns);
        self.check_ns = self.check_ns.min(until_ns);
    }

    /// The connection may take its next batch.
    fn offer(&mut self, index: usize) {
        if self.schedule.is_none() {
            return self.ask(index, self.now_ns);
        }
        self.slots[index].phase = Phase::Free;
        self.slots[index].free_since_ns = self.now_ns;
        self.free.push_back(index);
    }

    /// Sends the next batch.
    fn ask(&mut self, index: usize, due_ns: u64) {
        if self.is_over() {
            return;
        }
        let slot = &mut self.slots[index];
        let onward = self.hooks.request(&mut slot.batch);
        let messages = slot.batch.messages();
        self.obey(onward);
        if messages == 0 || onward == Onward::EndLoad {
            return;
        }
        let slot = &mut self.slots[index];
        slot.batch.expect(&mut slot.answers);
        slot.due_ns = due_ns;
        slot.started_ns = self.driver.now_ns();
        slot.sent_bytes = 0;
        slot.phase = Phase::Asking;
        self.tally.begun += messages as u64;
        (0..messages).for_each(|_| self.schedule.iter_mut().for_each(Schedule::advance));
        self.flush(index);
    }

    /// Takes what one read brought; whether the connection goes on.
    fn take(&mut self, index: usize, bytes: &[u8]) -> bool {
        self.tally.bytes += bytes.len() as u64;
        let mut input = bytes;
        loop {
            let slot = &mut self.slots[index];
            let Some(is_head) = slot.answers.front().copied() else {
                if input.is_empty() {
                    return true;
                }
                self.fail(index, ErrorKind::ReadMalformed, || Malformed::Unasked.to_string());
                return false;
            };
            match slot.parser.next(&mut input, is_head, &mut self.memo) {
                Ok(Event::Head(head)) => {
                    slot.head = Some(head);
                    slot.keep_head(self.wants_responses, self.memo.bytes());
                }
                Ok(Event::Data(piece)) if self.wants_responses => {
                    slot.body.extend_from_slice(piece)
                }
                Ok(Event::Data(_)) => {}
                Ok(Event::More) => return true,
                Ok(Event::End) => {
                    if !self.complete(index) {
                        return false;
                    }
                }
                Err(malformed) => {
                    self.fail(index, ErrorKind::ReadMalformed, || malformed.to_string());
                    return false;
                }
            }
        }
    }

    /// An answer is complete; whether the connection goes on.
    fn complete(&mut self, index: usize) -> bool {
        let slot = &mut self.slots[index];
        let Some(head) = slot.head.take() else {
            return true;
        };
        slot.answers.pop_front();
        slot.has_answered = true;
        slot.backoff_ns = 0;
        let is_accepted = self.load.expect.accepts_status(head.status);
        self.tally.answer_of_batch(head.status, is_accepted, self.now_ns);
        if self.wants_responses {
            let answer =
                WholeAnswer { status: head.status, head: &slot.head_bytes, body: &slot.body };
            let onward = self.hooks.response(&answer);
            self.obey(onward);
        }
        let slot = &mut self.slots[index];
        let is_last = slot.answers.is_empty();
        if is_last {
            self.tally.batch(slot.due_ns, slot.started_ns, self.now_ns);
        }
        if !head.keeps_alive {
            self.end_of_stream(index, true);
            return false;
        }
        if is_last {
            self.idle(index);
        }
        true
    }

    fn obey(&mut self, onward: Onward) {
        self.is_ended |= onward != Onward::Continue;
        if onward == Onward::EndLoad {
            self.stop.store(true, Ordering::Relaxed);
        }
    }

    fn event(&mut self, ready: Ready) {
        let index = ready.token as usize;
        match self.slots.get(index).map(|slot| slot.phase) {
            Some(Phase::Connecting) => self.finish_connect(index, ready),
            Some(Phase::Asking | Phase::Delayed(_) | Phase::Free) => {
                if ready.writable {
                    self.flush(index);
                }
                if ready.readable {
                    self.receive(index);
                }
            }
            Some(Phase::Closed | Phase::Resting(_)) | None => {}
        }
    }

    fn finish(mut self, cpu_ns: u64) -> Sample {
        let end_ns = self.now_ns.min(self.end_ns);
        let is_open = self.schedule.is_some();
        let mut in_flight = InFlight::default();
        for slot in self.slots.iter().filter(|slot| !slot.answers.is_empty()) {
            let since_ns = if is_open { slot.due_ns } else { slot.started_ns };
            in_flight.count += slot.answers.len() as u64;
            in_flight.oldest_ns = in_flight.oldest_ns.max(end_ns.saturating_sub(since_ns));
        }
        let mut unsent = 0;
        while self.next_due_ns() < end_ns {
            in_flight.oldest_ns = in_flight.oldest_ns.max(end_ns - self.next_due_ns());
            unsent += 1;
            self.schedule.iter_mut().for_each(Schedule::advance);
        }
        in_flight.count += unsent;
        self.tally.finish(end_ns, in_flight, unsent, cpu_ns, D::NAME)
    }
}

#[cfg(test)]
mod tests;
