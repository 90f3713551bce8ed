//! What to send to a server and how hard.

use crate::expect::{Expect, Expectations};
use crate::open_files;
use crate::sample::Snapshots;
use crate::session::Session;
use crate::source::request::Request;
use crate::tls::TlsClient;
use crate::url::Address;
use std::sync::Arc;
use std::time::Duration;

/// What becomes of a connection after a response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConnectionPolicy {
    /// The next request uses it again, unless the server closes it.
    #[default]
    KeepAlive,
    /// The client closes it and makes a new one for each request, as `requests.get` does in a
    /// loop. Response times include making the connection; `connect_time_ns` has it apart.
    Fresh,
}

/// What is spoken on a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Http {
    /// HTTP/1.1.
    #[default]
    V1,
    /// HTTP/2: over TLS it is agreed on by ALPN (RFC 9113, section 3.2); without TLS it is spoken
    /// without asking whether the server does (section 3.3).
    V2,
}

impl Http {
    /// Its name in ALPN (RFC 7301).
    pub fn alpn(self) -> &'static str {
        match self {
            Http::V1 => "http/1.1",
            Http::V2 => "h2",
        }
    }
}

/// When a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// After this time; requests then under way are counted as in flight.
    Time(Duration),
    /// After so many requests, failed ones included; each is waited for.
    Count(u64),
}

/// What makes a request due.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Pacing {
    /// Closed loop: the response to the one before on the same connection.
    #[default]
    Closed,
    /// Open loop: the clock. A due request waits when no connection is free, and its response
    /// time runs from when it was due.
    Open {
        /// Requests a second over all connections; fractions are fine.
        rate_per_second: f64,
        /// How they are spread in time.
        arrivals: Arrivals,
        /// So many are due at the same instant, at the same mean rate; 1 for none.
        burst: u32,
    },
}

/// How requests of an open loop are spread in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arrivals {
    /// At equal distances.
    #[default]
    Even,
    /// A Poisson process, as independent users make it.
    Exponential,
}

/// A whole load. [`Load::new`] gives each field a plain value; set what differs.
#[derive(Clone, Debug)]
pub struct Load {
    /// Where connections go.
    pub address: Address,
    /// Where the connections of each thread go, in turn; empty: all to `address`.
    pub thread_addresses: Vec<Address>,
    /// How TLS is spoken there; `None`: plain connections.
    pub tls: Option<TlsClient>,
    /// What is sent, with weights: a request of weight 3 is sent thrice as often as one of 1.
    pub requests: Vec<(Request, u32)>,
    /// `requests` are sent in turn, from the first on and round and round, whatever their weights;
    /// their figures are not kept apart.
    pub in_turn: bool,
    /// What each thread sends instead of `requests`, in turn; empty: all send the same.
    pub thread_requests: Vec<[(Request, u32); 1]>,
    /// What each connection has from the server before the load, in turn, through all of its sockets;
    /// empty where none has anything.
    pub sessions: Vec<Session>,
    /// Worker threads; the connections are dealt out to them.
    pub threads: usize,
    /// Connections held at once, of all threads together.
    pub connections: usize,
    /// What is spoken on a connection.
    pub http: Http,
    /// The requests are [gRPC calls](Request::grpc): a response is correct if its call has succeeded and
    /// its body is as expected.
    pub grpc: bool,
    /// What becomes of a connection after a response.
    pub connection: ConnectionPolicy,
    /// The client closes a connection when so many requests have been sent on it and have their
    /// responses, and makes a new one; `None`: it keeps connections.
    pub requests_per_connection: Option<u32>,
    /// What makes a request due.
    pub pacing: Pacing,
    /// In closed loop the connections are opened evenly over this time; in open loop the rate
    /// rises linearly from 0 in it. Zero: full load at once.
    pub ramp: Duration,
    /// When the run ends.
    pub extent: Extent,
    /// How long a request may take from its sending (fresh: from the begin of its connection).
    pub timeout: Duration,
    /// What a correct response is.
    pub expect: Expect,
    /// What a correct response to each of `requests` is, in their order; empty: `expect` for all.
    pub expects: Vec<Expect>,
    /// The `{{counter}}` of the first request.
    pub first_counter: u64,
    /// Count a response as correct whatever its status, as wrk does;
    /// [`Sample::status`](crate::Sample::status) tells.
    pub any_status: bool,
    /// Requests sent on a connection before the first response; 1: no pipelining. Over HTTP/2 the
    /// number of streams.
    pub pipeline: usize,
    /// A batch that hooks have filled has one response time, that of its last response; without it
    /// each of its responses has its own.
    pub times_batches: bool,
    /// The cores that the threads are pinned to, in turn; `None`: wherever the kernel puts them.
    pub cpus: Option<Vec<usize>>,
    /// Gather responses for up to 400 us before working on them, when many are due: less CPU for
    /// client and server, burstier load. Never in effect below 8 requests in flight. The response
    /// time has the gathering in it; ask for `kernel_timestamps` to have the server's as well.
    pub batch: bool,
    /// Never sleep: look at the sockets and the clock all the time. Nothing is late then because a
    /// core had to wake up, and each thread takes a whole core.
    pub busy_poll: bool,
    /// Take each response's arrival time from the kernel (`SO_TIMESTAMPNS`); costs 6 to 8 % CPU.
    pub kernel_timestamps: bool,
    /// How often the calling thread observes.
    pub observe_every: Duration,
    /// Where the threads lay down what they have counted, when the observer asks there.
    pub snapshots: Option<Arc<Snapshots>>,
    /// Seeds the order of weighted requests, template values and exponential arrivals.
    pub seed: u64,
}

/// Running totals, given to the observer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Since the common start.
    pub elapsed: Duration,
    /// Correct responses so far.
    pub responses: u64,
    /// Failed requests so far.
    pub errors: u64,
    /// Bytes received so far.
    pub bytes: u64,
}

/// Why a load could not run at all. What fails while it runs is in
/// [`Sample::errors`](crate::Sample::errors).
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A value that makes no load.
    #[error("{0}")]
    Invalid(String),
    /// More connections than this process may open.
    #[error(
        "{connections} connections need more open files than the limit of {limit}; \
         raise it (`ulimit -n {wanted}`, as root) or use fewer connections"
    )]
    OpenFiles {
        /// As asked for.
        connections: usize,
        /// The limit of this process.
        limit: u64,
        /// A limit that suffices.
        wanted: u64,
    },
    /// A thread could not be pinned.
    #[error("cannot pin a load thread to core {cpu}: {cause}; choose one of this machine's")]
    Pin {
        /// As asked for.
        cpu: usize,
        /// What the kernel said.
        cause: std::io::Error,
    },
    /// The kernel gave no thread or no epoll.
    #[error("cannot start a load thread: {0}")]
    Start(std::io::Error),
}

impl Expectations for Load {
    #[inline]
    fn of(&self, request: u32) -> &Expect {
        self.expects.get(request as usize).unwrap_or(&self.expect)
    }
}

impl Load {
    /// One request over one keep-alive connection in closed loop, on one thread, for one second;
    /// 30 seconds of patience with each response, of which each below status 400 is correct.
    pub fn new(address: Address, request: Request) -> Load {
        Load {
            address,
            thread_addresses: Vec::new(),
            tls: None,
            requests: vec![(request, 1)],
            in_turn: false,
            thread_requests: Vec::new(),
            sessions: Vec::new(),
            threads: 1,
            connections: 1,
            http: Http::V1,
            grpc: false,
            connection: ConnectionPolicy::KeepAlive,
            requests_per_connection: None,
            pacing: Pacing::Closed,
            ramp: Duration::ZERO,
            extent: Extent::Time(Duration::from_secs(1)),
            timeout: Duration::from_secs(30),
            expect: Expect::default(),
            expects: Vec::new(),
            first_counter: 0,
            any_status: false,
            pipeline: 1,
            times_batches: true,
            cpus: None,
            batch: false,
            busy_poll: false,
            kernel_timestamps: false,
            observe_every: Duration::from_millis(100),
            snapshots: None,
            seed: 0,
        }
    }

    /// Where the connections of thread `thread` go.
    pub(crate) fn address_of(&self, thread: usize) -> &Address {
        match self.thread_addresses.as_slice() {
            [] => &self.address,
            own => &own[thread % own.len()],
        }
    }

    /// What thread `thread` sends, with weights.
    pub(crate) fn requests_of(&self, thread: usize) -> &[(Request, u32)] {
        match self.thread_requests.as_slice() {
            [] => &self.requests,
            own => &own[thread % own.len()],
        }
    }

    pub(crate) fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// How many requests have figures of their own.
    pub(crate) fn kept_apart(&self) -> usize {
        if self.in_turn { 1 } else { self.requests.len() }
    }

    /// # Errors
    /// [`LoadError::Invalid`] says which value makes no load, and [`LoadError::OpenFiles`] that
    /// this process may not open so many connections.
    pub(crate) fn check(&self) -> Result<(), LoadError> {
        let rules: [(bool, &str); 20] = [
            (self.requests.is_empty(), "no request is given; give at least one"),
            (
                !self.requests.is_empty() && self.requests.iter().all(|(_, weight)| *weight == 0),
                "every request has weight 0; give one a weight of at least 1",
            ),
            (
                !self.expects.is_empty() && self.expects.len() != self.requests.len(),
                "the number of expectations differs from the number of requests; give one for \
                 each request, or none",
            ),
            (
                !self.sessions.is_empty() && self.sessions.len() != self.connections,
                "the number of sessions differs from the number of connections; give one for each \
                 connection, or none",
            ),
            (self.threads == 0, "0 threads do nothing; use at least 1"),
            (self.connections < self.threads, "each thread needs a connection; use fewer threads"),
            (u32::try_from(self.connections).is_err(), "too many connections; use fewer"),
            (self.pipeline == 0, "a pipeline of 0 sends nothing; use 1 for none"),
            (
                self.pipeline > 1 && self.connection == ConnectionPolicy::Fresh,
                "a fresh connection carries one request; use keep-alive with pipelining or streams",
            ),
            (self.grpc && self.http == Http::V1, "gRPC is spoken over HTTP/2; use that"),
            (
                self.grpc && !self.sessions.is_empty(),
                "gRPC calls have no sessions; use gRPC without them, or plain HTTP/2",
            ),
            (
                self.requests_per_connection == Some(0),
                "a connection for 0 requests is of no use; allow at least 1",
            ),
            (
                self.requests_per_connection.is_some()
                    && self.connection == ConnectionPolicy::Fresh,
                "a fresh connection carries one request; give fresh connections or a number of \
                 requests for each, not both",
            ),
            (
                self.requests_per_connection.is_some()
                    && self.http == Http::V1
                    && self.pipeline > 1,
                "pipelined requests would be cut off with their connection; leave out pipelining, or \
                 keep connections",
            ),
            (self.timeout.is_zero(), "a timeout of 0 fails every request; allow some time"),
            (self.extent == Extent::Time(Duration::ZERO), "a load of 0 s measures nothing"),
            (self.extent == Extent::Count(0), "a load of 0 requests measures nothing"),
            (
                self.cpus.as_ref().is_some_and(Vec::is_empty),
                "the list of cores is empty; name one, or give no list",
            ),
            (
                matches!(self.extent, Extent::Time(time) if self.ramp > time),
                "the ramp is longer than the load; shorten the ramp, or lengthen the load",
            ),
            (
                self.batch && self.busy_poll,
                "batches and busy polling exclude each other, because the client sleeps while a \
                 batch gathers; use one of the two",
            ),
        ];
        match rules.into_iter().find(|(broken, _)| *broken) {
            Some((_, message)) => Err(LoadError::Invalid(message.to_owned())),
            None => self.check_pacing().and_then(|()| self.check_open_files()),
        }
    }

    fn check_pacing(&self) -> Result<(), LoadError> {
        let Pacing::Open { rate_per_second, burst, .. } = self.pacing else {
            return Ok(());
        };
        if !(rate_per_second.is_finite() && rate_per_second > 0.0) {
            let message = format!("the rate {rate_per_second} is not valid; use a number above 0");
            return Err(LoadError::Invalid(message));
        }
        if rate_per_second > HIGHEST_RATE {
            let message = format!(
                "this rate is too high; use at most {HIGHEST_RATE} per second, or no rate for as \
                 many requests as the server can handle"
            );
            return Err(LoadError::Invalid(message));
        }
        if burst == 0 {
            return Err(LoadError::Invalid("a burst of 0 sends nothing; use 1".to_owned()));
        }
        Ok(())
    }

    fn check_open_files(&self) -> Result<(), LoadError> {
        let wanted = open_files::wanted(self.connections, self.threads);
        match open_files::allow(self.connections, self.threads) {
            Some(limit) if limit < wanted => {
                Err(LoadError::OpenFiles { connections: self.connections, limit, wanted })
            }
            _ => Ok(()),
        }
    }
}

/// Requests fall due in whole nanoseconds, one thread's one after another; no thread comes near
/// this, and beyond it the schedule alone would take all of its time.
const HIGHEST_RATE: f64 = 1e7;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::url::Url;

    fn load() -> Load {
        let address = "127.0.0.1:1".parse::<std::net::SocketAddr>().unwrap();
        Load::new(address.into(), Request::get(&Url::parse("http://127.0.0.1:1/").unwrap()))
    }

    fn open(rate_per_second: f64, burst: u32) -> Pacing {
        Pacing::Open { rate_per_second, burst, arrivals: Arrivals::Even }
    }

    #[test]
    fn what_makes_no_load_is_refused_with_a_remedy() {
        type Spoil = fn(&mut Load);
        let cases: [(Spoil, &str); 21] = [
            (|load| load.requests.clear(), "no request"),
            (
                |load| load.expects = vec![Expect::default(); 2],
                "the number of expectations differs",
            ),
            (|load| load.threads = 0, "at least 1"),
            (|load| load.threads = 2, "fewer threads"),
            (|load| load.pipeline = 0, "use 1"),
            (|load| (load.pipeline, load.connection) = (2, ConnectionPolicy::Fresh), "keep-alive"),
            (|load| load.grpc = true, "HTTP/2"),
            (
                |load| {
                    (load.grpc, load.http) = (true, Http::V2);
                    load.sessions = vec![Session::new(None)];
                },
                "no sessions",
            ),
            (|load| load.requests_per_connection = Some(0), "at least 1"),
            (
                |load| {
                    load.requests_per_connection = Some(2);
                    load.connection = ConnectionPolicy::Fresh;
                },
                "not both",
            ),
            (
                |load| (load.requests_per_connection, load.pipeline) = (Some(2), 2),
                "leave out pipelining",
            ),
            (|load| load.timeout = Duration::ZERO, "timeout"),
            (|load| load.extent = Extent::Count(0), "0 requests"),
            (|load| load.pacing = open(0.0, 1), "above 0"),
            (|load| load.pacing = open(f64::NAN, 1), "above 0"),
            (|load| load.pacing = open(1e300, 1), "at most 10000000 per second"),
            (|load| load.pacing = open(1.0, 0), "use 1"),
            (|load| load.ramp = Duration::from_secs(2), "shorten the ramp"),
            (|load| load.connections = 4_000_000_000, "ulimit -n"),
            (|load| load.cpus = Some(Vec::new()), "cores"),
            (|load| (load.batch, load.busy_poll) = (true, true), "use one"),
        ];
        for (spoil, part) in cases {
            let mut load = load();
            spoil(&mut load);
            let message = load.check().unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
        load().check().unwrap();
    }
}
