//! What a load measured, and what of it an observer may see while it runs.

mod tls;
mod unmade;

use crate::failure::Errors;
use crate::protocol::http2::PeerSettings;
use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
pub use tls::{TlsAgreement, TlsSample};
pub use unmade::Unmade;

/// What one run of a load measured. Times are in nanoseconds, responses are the correct ones;
/// failed requests are in `errors` and never in a histogram.
#[derive(Clone, Debug)]
pub struct Sample {
    /// From the common start of all threads to the end of the last.
    pub elapsed_ns: u64,
    /// Correct responses.
    pub requests: u64,
    /// Of these the ones whose body was taken as it came, since a rule for it takes long to apply and
    /// only a sample was held to it. The status of each is checked.
    pub unchecked: u64,
    /// Requests that were due (open loop) or begun (closed loop) until the end.
    pub due: u64,
    /// Bytes received, heads and framing included.
    pub bytes_received: u64,
    /// Due time (open loop), begin of the connection (closed loop, fresh) or first byte sent
    /// (closed loop, keep-alive) to the last byte of the response. With hooks one for each batch.
    pub response_time_ns: Histogram<u64>,
    /// Of several requests each by itself, in the load's order; empty where there is one.
    pub by_request: Vec<RequestSample>,
    /// Open loop: first byte sent (fresh: begin of the connection) to last byte received.
    pub service_time_ns: Option<Histogram<u64>>,
    /// First byte sent to the arrival of the response's last bytes by the kernel's clock: what the
    /// server took, without the client's own queue. By option, over TCP.
    pub kernel_time_ns: Option<Histogram<u64>>,
    /// Begin of a connection until it stood; a TLS handshake comes after that.
    pub connect_time_ns: Histogram<u64>,
    /// What the TLS handshakes came to; none over plain connections.
    pub tls: Option<TlsSample>,
    /// Complete responses by status, the wrong ones included.
    pub status: BTreeMap<u16, u64>,
    /// Failed requests by kind.
    pub errors: Errors,
    /// Ages of the requests without a response when the time was up: since they were due (open loop,
    /// those that were never sent included) or begun.
    pub unanswered_ns: Histogram<u64>,
    /// Connections that were being made at the end.
    pub unmade: Unmade,
    /// Connections that stood.
    pub connections_opened: u64,
    /// Connections that the server ended although the load wanted to keep them: it closed them
    /// or said `Connection: close`.
    pub closed_by_server: u64,
    /// Bytes that came when no request was without a response, also after the end: the server
    /// responds twice, or sends more than its `Content-Length` says. Such a connection is closed. What
    /// comes while the next request is under way cannot be distinguished from its response.
    pub surplus_bytes: u64,
    /// Responses of which a piece came some 40 ms after the one before, as when the server waits for
    /// the client's delayed acknowledgement.
    pub held_back: u64,
    /// Responses that came after the end and before the connections were closed. They are in no
    /// other figure; the server's CPU time, read after the load, has them in it.
    pub drained: u64,
    /// Closed loop: time in which connections had no request under way, summed over them: the
    /// server had closed them and they were being made again, or there was nothing left to send.
    /// With it, rate times mean response time comes to the number of connections (Little's law).
    pub idle_ns: u64,
    /// HTTP/2: what the server said about itself, and the fewest streams that it ever allowed.
    pub peer_settings: Option<PeerSettings>,
    /// For each thread the correct responses in each 100 ms from the common start.
    pub ticks: Vec<Vec<u32>>,
    /// What the engine itself used.
    pub engine: EngineUse,
    /// The backend that ran, `epoll`.
    pub driver: &'static str,
}

/// What became of one of several requests. Its correct responses are those that have a time.
#[derive(Clone, Debug)]
pub struct RequestSample {
    /// As in [`Sample`].
    pub response_time_ns: Histogram<u64>,
    /// How often it failed.
    pub errors: u64,
}

impl Default for RequestSample {
    fn default() -> RequestSample {
        RequestSample { response_time_ns: histogram(), errors: 0 }
    }
}

/// What the engine itself used.
#[derive(Clone, Debug, Default)]
pub struct EngineUse {
    /// CPU time of all load threads.
    pub cpu_ns: u64,
    /// Cores that the load threads could use at once.
    pub cores: usize,
    /// Open loop: how late requests were sent for which a connection was free when due.
    pub schedule_lag_ns: Option<Histogram<u64>>,
}

impl Sample {
    /// Correct responses a second.
    pub fn requests_per_second(&self) -> f64 {
        if self.elapsed_ns == 0 {
            return 0.0;
        }
        #[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 53 bits")]
        let rate = self.requests as f64 * 1e9 / self.elapsed_ns as f64;
        rate
    }

    /// Takes in what another thread of the same run measured.
    pub(crate) fn merge(&mut self, other: Sample) {
        self.elapsed_ns = self.elapsed_ns.max(other.elapsed_ns);
        self.requests += other.requests;
        self.unchecked += other.unchecked;
        self.due += other.due;
        self.bytes_received += other.bytes_received;
        add(&mut self.response_time_ns, &other.response_time_ns);
        for (own, other) in self.by_request.iter_mut().zip(other.by_request) {
            add(&mut own.response_time_ns, &other.response_time_ns);
            own.errors += other.errors;
        }
        add(&mut self.connect_time_ns, &other.connect_time_ns);
        match (&mut self.tls, other.tls) {
            (Some(own), Some(other)) => own.merge(other),
            (own, other) => *own = own.take().or(other),
        }
        add_optional(&mut self.service_time_ns, other.service_time_ns);
        add_optional(&mut self.kernel_time_ns, other.kernel_time_ns);
        for (status, count) in other.status {
            *self.status.entry(status).or_default() += count;
        }
        self.errors.merge(&other.errors);
        add(&mut self.unanswered_ns, &other.unanswered_ns);
        self.unmade.merge(other.unmade);
        self.connections_opened += other.connections_opened;
        self.closed_by_server += other.closed_by_server;
        self.surplus_bytes += other.surplus_bytes;
        self.held_back += other.held_back;
        self.drained += other.drained;
        self.ticks.extend(other.ticks);
        if let Some(settings) = other.peer_settings {
            self.peer_settings.get_or_insert(settings).note(&settings);
        }
        self.idle_ns += other.idle_ns;
        self.engine.cpu_ns += other.engine.cpu_ns;
        add_optional(&mut self.engine.schedule_lag_ns, other.engine.schedule_lag_ns);
    }
}

/// An empty histogram: 3 digits from 1 ns to one hour, of fixed size, so that recording never
/// allocates.
///
/// # Panics
/// Never: the bounds are constants that the library takes.
pub fn histogram() -> Histogram<u64> {
    const HOUR_NS: u64 = 3_600_000_000_000;
    Histogram::new_with_bounds(1, HOUR_NS, 3).expect("constant bounds that are valid")
}

/// The V2 encoding of HdrHistogram (not compressed), which every port of the library reads.
///
/// # Panics
/// Never: writing to memory cannot fail, and 64-bit counts fit the encoding.
pub fn encode_v2(histogram: &Histogram<u64>) -> Vec<u8> {
    use hdrhistogram::serialization::{Serializer, V2Serializer};
    let mut bytes = Vec::new();
    V2Serializer::new()
        .serialize(histogram, &mut bytes)
        .expect("a Vec takes every byte and every count fits");
    bytes
}

pub(crate) fn add(to: &mut Histogram<u64>, from: &Histogram<u64>) {
    to.add(from).expect("every histogram of the engine has the same bounds");
}

fn add_optional(to: &mut Option<Histogram<u64>>, from: Option<Histogram<u64>>) {
    match (to.as_mut(), from) {
        (Some(to), Some(from)) => add(to, &from),
        (None, from) => *to = from,
        (Some(_), None) => {}
    }
}

/// What an observer may see of a running load beyond its totals, on request: what was counted up to
/// some moment.
///
/// A thread looks at one flag each time it has waited. Only when the flag is up does it publish a
/// copy of what it has counted, which takes some tens of microseconds and allocates.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// As in [`Sample`](crate::Sample).
    pub response_time_ns: Histogram<u64>,
    /// Complete responses by status.
    pub status: BTreeMap<u16, u64>,
    /// Failed requests by kind.
    pub errors: Errors,
    /// As in [`Sample`](crate::Sample).
    pub closed_by_server: u64,
    /// As in [`Sample`](crate::Sample).
    pub surplus_bytes: u64,
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
    pub fn new(threads: usize) -> Self {
        Self((0..threads).map(|_| Slot::default()).collect())
    }

    /// Requests a new one from every thread; it comes when the thread has next waited.
    pub fn request(&self) {
        self.0.iter().for_each(|slot| slot.is_wanted.store(true, Ordering::Relaxed));
    }

    /// The sum of the latest of each thread; empty before the first.
    pub fn latest(&self) -> Snapshot {
        let mut sum = Snapshot {
            response_time_ns: histogram(),
            status: BTreeMap::new(),
            errors: Errors::default(),
            closed_by_server: 0,
            surplus_bytes: 0,
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
        self.closed_by_server += other.closed_by_server;
        self.surplus_bytes += other.surplus_bytes;
    }
}

#[cfg(test)]
mod tests {
    use hdrhistogram::serialization::Deserializer;

    use super::*;

    #[test]
    fn the_encoding_can_be_read_back() {
        let mut times = histogram();
        for value in [1, 1_000, 1_000, 5_000_000_000] {
            times.saturating_record(value);
        }
        times.saturating_record(u64::MAX);
        let bytes = encode_v2(&times);
        let read: Histogram<u64> = Deserializer::new().deserialize(&mut &bytes[..]).unwrap();
        assert_eq!(read, times);
        assert_eq!(read.len(), 5);
    }

    fn snapshot(time_ns: u64) -> Snapshot {
        let mut response_time_ns = histogram();
        response_time_ns.saturating_record(time_ns);
        let status = BTreeMap::from([(200, 1)]);
        let errors = Errors::default();
        Snapshot { response_time_ns, status, errors, closed_by_server: 1, surplus_bytes: 2 }
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
        assert_eq!((latest.closed_by_server, latest.surplus_bytes), (2, 4));
    }
}
