//! One thread's counts while the load runs, and what ties it to the other threads.

use crate::failure::{ErrorKind, Errors};
use crate::load::{Extent, Load, Pacing};
use crate::protocol::{Flight, Response, Verdict};
use crate::sample::{EngineUse, RequestSample, Sample, Snapshot, Unmade, add, histogram};
use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const TICK_NS: u64 = 100_000_000;
/// Ticks kept when the run's length is not known: one hour.
const TICKS_MAX: usize = 36_000;
/// A status has three digits.
const STATUSES: usize = 1000;

/// Recording a response allocates nothing.
#[derive(Debug)]
pub(crate) struct Tally {
    start_ns: u64,
    any_status: bool,
    pub(crate) responses: u64,
    pub(crate) bytes: u64,
    pub(crate) begun: u64,
    pub(crate) connections_opened: u64,
    pub(crate) closed_by_server: u64,
    pub(crate) surplus_bytes: u64,
    pub(crate) held_back: u64,
    pub(crate) drained: u64,
    pub(crate) idle_ns: u64,
    pub(crate) errors: Errors,
    /// Of several requests the first; of one, and of hooks, all.
    first: RequestSample,
    others: Vec<RequestSample>,
    service_ns: Option<Histogram<u64>>,
    kernel_ns: Option<Histogram<u64>>,
    connect_ns: Histogram<u64>,
    lag_ns: Option<Histogram<u64>>,
    statuses: Box<[u64; STATUSES]>,
    ticks: Vec<u32>,
    tick_responses: u32,
    tick_end_ns: u64,
}

impl Tally {
    pub(crate) fn new(load: &Load) -> Tally {
        let open = matches!(load.pacing, Pacing::Open { .. });
        let ticks = match load.extent {
            Extent::Time(time) => usize::try_from(time.as_millis() / 100 + 2).unwrap_or(TICKS_MAX),
            Extent::Count(_) => TICKS_MAX,
        };
        Tally {
            start_ns: 0,
            any_status: load.any_status,
            responses: 0,
            bytes: 0,
            begun: 0,
            connections_opened: 0,
            closed_by_server: 0,
            surplus_bytes: 0,
            held_back: 0,
            drained: 0,
            idle_ns: 0,
            errors: Errors::default(),
            first: RequestSample::default(),
            others: vec![RequestSample::default(); load.kept_apart().saturating_sub(1)],
            service_ns: open.then(histogram),
            kernel_ns: load.kernel_timestamps.then(histogram),
            connect_ns: histogram(),
            lag_ns: open.then(histogram),
            statuses: Box::new([0; STATUSES]),
            ticks: Vec::with_capacity(ticks.min(TICKS_MAX)),
            tick_responses: 0,
            tick_end_ns: TICK_NS,
        }
    }

    pub(crate) fn start(&mut self, start_ns: u64) {
        self.start_ns = start_ns;
        self.tick_end_ns = start_ns + TICK_NS;
    }

    /// A complete response; `arrived_ns` is the kernel's time of its last bytes on the same clock.
    /// `is_timed`: nothing else of its batch, if it is of one, is to come. The error of a failed call is
    /// counted by the caller, which has the server's message.
    pub(crate) fn response(
        &mut self,
        response: &Response,
        is_timed: bool,
        now_ns: u64,
        arrived_ns: Option<u64>,
    ) {
        self.statuses[usize::from(response.status)] += 1;
        match response.verdict {
            Verdict::WrongStatus if !self.any_status => {
                let status = response.status;
                self.errors.add(ErrorKind::Status, 1, || format!("status {status}"));
                self.lose(response.flight.request);
            }
            Verdict::WrongBody => {
                let message = "the body differs from the expected one";
                self.errors.add(ErrorKind::WrongAnswer, 1, || message.to_owned());
                self.lose(response.flight.request);
            }
            Verdict::FailedCall => self.lose(response.flight.request),
            Verdict::Correct | Verdict::WrongStatus => {
                self.count(now_ns);
                if is_timed {
                    self.time(&response.flight, now_ns, arrived_ns);
                }
            }
        }
    }

    /// One of several requests has failed.
    pub(crate) fn lose(&mut self, request: u32) {
        self.part(request).errors += 1;
    }

    fn part(&mut self, request: u32) -> &mut RequestSample {
        match self.others.get_mut((request as usize).wrapping_sub(1)) {
            Some(part) => part,
            None => &mut self.first,
        }
    }

    fn response_time_ns(&self) -> Histogram<u64> {
        let mut sum = self.first.response_time_ns.clone();
        self.others.iter().for_each(|request| add(&mut sum, &request.response_time_ns));
        sum
    }

    pub(crate) fn connected(&mut self, duration_ns: u64) {
        self.connections_opened += 1;
        self.connect_ns.saturating_record(duration_ns);
    }

    /// Open loop: a request for which a connection was free goes out so late.
    pub(crate) fn lag(&mut self, late_ns: u64) {
        if let Some(lag_ns) = &mut self.lag_ns {
            lag_ns.saturating_record(late_ns);
        }
    }

    /// A copy of what is counted so far.
    #[cold]
    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            response_time_ns: self.response_time_ns(),
            status: statuses(&self.statuses),
            errors: self.errors.clone(),
            closed_by_server: self.closed_by_server,
            surplus_bytes: self.surplus_bytes,
        }
    }

    /// Ends the count: `unsent` requests were due and never sent.
    pub(crate) fn finish(
        mut self,
        end_ns: u64,
        unanswered_ns: Histogram<u64>,
        unsent: u64,
        cpu_ns: u64,
        driver: &'static str,
    ) -> Sample {
        self.advance_ticks(end_ns);
        if self.ticks.len() < TICKS_MAX && self.tick_responses > 0 {
            self.ticks.push(self.tick_responses);
        }
        Sample {
            elapsed_ns: end_ns - self.start_ns,
            requests: self.responses,
            unchecked: 0,
            due: self.begun + unsent,
            bytes_received: self.bytes,
            response_time_ns: self.response_time_ns(),
            by_request: by_request(self.first, self.others),
            service_time_ns: self.service_ns,
            kernel_time_ns: self.kernel_ns,
            connect_time_ns: self.connect_ns,
            tls: None,
            status: statuses(&self.statuses),
            errors: self.errors,
            unanswered_ns,
            unmade: Unmade::default(),
            connections_opened: self.connections_opened,
            closed_by_server: self.closed_by_server,
            surplus_bytes: self.surplus_bytes,
            held_back: self.held_back,
            drained: self.drained,
            idle_ns: self.idle_ns,
            peer_settings: None,
            ticks: vec![self.ticks],
            engine: EngineUse { cpu_ns, cores: 0, schedule_lag_ns: self.lag_ns },
            driver,
        }
    }

    fn count(&mut self, now_ns: u64) {
        self.responses += 1;
        if now_ns >= self.tick_end_ns {
            self.advance_ticks(now_ns);
        }
        self.tick_responses += 1;
    }

    fn time(&mut self, flight: &Flight, now_ns: u64, arrived_ns: Option<u64>) {
        let service_ns = now_ns.saturating_sub(flight.started_ns);
        let response_ns = match &mut self.service_ns {
            None => service_ns,
            Some(recorded) => {
                recorded.saturating_record(service_ns);
                now_ns.saturating_sub(flight.due_ns)
            }
        };
        self.part(flight.request).response_time_ns.saturating_record(response_ns);
        if let (Some(recorded), Some(arrived_ns)) = (&mut self.kernel_ns, arrived_ns) {
            recorded.saturating_record(arrived_ns.saturating_sub(flight.started_ns));
        }
    }

    fn advance_ticks(&mut self, now_ns: u64) {
        while now_ns >= self.tick_end_ns && self.ticks.len() < TICKS_MAX {
            self.ticks.push(std::mem::take(&mut self.tick_responses));
            self.tick_end_ns += TICK_NS;
        }
    }
}

/// Nothing where there is one request.
fn by_request(first: RequestSample, others: Vec<RequestSample>) -> Vec<RequestSample> {
    if others.is_empty() { others } else { [vec![first], others].concat() }
}

fn statuses(counts: &[u64; STATUSES]) -> BTreeMap<u16, u64> {
    (0_u16..).zip(counts.iter().copied()).filter(|(_, count)| *count > 0).collect()
}

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

    /// How many of the load's connections are those of the threads before it.
    pub(crate) fn connections_before(&self) -> usize {
        let before = |thread| Seat { thread, ..*self }.connections();
        (0..self.thread).map(before).sum()
    }

    /// Its share of the connections.
    pub(crate) fn connections(&self) -> usize {
        usize::try_from(self.share(self.load.connections as u64)).unwrap_or(usize::MAX)
    }
}
