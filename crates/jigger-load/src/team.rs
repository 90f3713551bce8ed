//! The threads of a load: common start, observation, and the sum of their samples.

use crate::io::{Driver, Epoll};
use crate::load::{Http, Load, LoadError, Progress};
use crate::protocol::Protocol;
use crate::protocol::http1::Http1;
use crate::protocol::http2::Http2;
use crate::sample::Sample;
use crate::session::Session;
use crate::source::Source;
use crate::source::encoded::Encoded;
use crate::source::hooks::{Hooked, Hooks};
use crate::source::in_session::{InSession, Sessions, StreamedInSession};
use crate::source::mix::{Fixed, Mix, Share};
use crate::source::streamed::Streamed;
use crate::tls::TlsDriver;
use crate::worker::Worker;
use crate::worker::tally::{Board, Seat};
use rustix::io::Errno;
use rustix::thread::CpuSet;
use std::num::NonZeroU64;
use std::ops::ControlFlow;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// What the threads share.
struct Team<'a> {
    load: &'a Load,
    boards: Vec<Board>,
    stop: AtomicBool,
    start: Barrier,
}

type Outcome = Result<Sample, LoadError>;

/// One thread's worker, ready to run.
pub(crate) type Job<'a> = Box<dyn FnOnce() -> Result<Sample, Errno> + 'a>;

/// Runs the load on worker threads. The calling thread calls `observe` every
/// [`Load::observe_every`]; [`ControlFlow::Break`] ends the run with what was measured so far.
///
/// # Errors
/// [`LoadError`] when it cannot start. Requests that fail are counted in the sample.
pub fn run(
    load: &Load,
    observe: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> Result<Sample, LoadError> {
    run_threads(load, vec![(); load.threads], |seat, driver, ()| job(seat, driver), observe)
}

/// Runs a load with hooks, one for each thread. They say what is sent; [`Load::requests`] and
/// [`Load::pipeline`] have no say. With open pacing a batch of several messages takes as many due
/// times; a fresh connection carries one batch.
///
/// # Errors
/// As [`run`], and [`LoadError::Invalid`] where there are not as many hooks as threads.
pub fn run_with_hooks<H: Hooks>(
    load: &Load,
    hooks: Vec<H>,
    observe: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> Result<Sample, LoadError> {
    if hooks.len() != load.threads {
        let message = "each thread needs hooks of its own".to_owned();
        return Err(LoadError::Invalid(message));
    }
    run_threads(load, hooks, |seat, driver, hooks| job_with_hooks(seat, driver, hooks), observe)
}

/// Runs a load whose threads have these things of their own to make a job of.
fn run_threads<T: Send>(
    load: &Load,
    things: Vec<T>,
    job: impl for<'a> Fn(Seat<'a>, Epoll, T) -> Job<'a> + Sync,
    observe: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> Result<Sample, LoadError> {
    load.check()?;
    let team = Team::new(load);
    std::thread::scope(|scope| {
        let (sender, receiver) = channel();
        for (thread, thing) in things.into_iter().enumerate() {
            let (team, job, sender) = (&team, &job, sender.clone());
            scope.spawn(move || {
                team.work(thread, &sender, |driver| job(team.seat(thread), driver, thing));
            });
        }
        drop(sender);
        team.start.wait();
        team.watch(&receiver, observe)
    })
}

/// Sends what the load says.
pub(crate) fn job<'a, D: Driver + 'a>(seat: Seat<'a>, driver: D) -> Job<'a> {
    match &seat.load.tls {
        Some(client) => {
            let driver = TlsDriver::new(driver, client, seat.load.http.alpn());
            job_over(seat, driver)
        }
        None => job_over(seat, driver),
    }
}

fn job_over<'a, D: Driver + 'a>(seat: Seat<'a>, driver: D) -> Job<'a> {
    let Seat { load, thread, .. } = seat;
    let requests = load.requests_of(thread);
    let Load { threads, seed, first_counter, in_turn, .. } = *load;
    let mix = Mix::new(requests, &Share { thread, threads, seed, first_counter, in_turn });
    if !load.sessions.is_empty() {
        return job_in_sessions(seat, driver, mix);
    }
    match (load.http, Fixed::of(requests, load.pipeline)) {
        (Http::V1, Some(fixed)) => job_of::<Http1, D>(seat, driver, fixed),
        (Http::V1, None) => job_of::<Http1, D>(seat, driver, mix),
        (Http::V2, fixed) => {
            let encoded = Encoded::new(requests, load.scheme(), load.seed);
            match fixed {
                _ if load.grpc => {
                    let source = Streamed::<true, true>::new(mix, false, encoded);
                    job_of::<Http2, D>(seat, driver, source)
                }
                Some(fixed) => {
                    let source = Streamed::<false>::new(mix, fixed.is_head(), encoded);
                    job_of::<Http2, D>(seat, driver, source)
                }
                None => {
                    job_of::<Http2, D>(seat, driver, Streamed::<true>::new(mix, false, encoded))
                }
            }
        }
    }
}

/// Sends requests over connections that each have something from the server.
fn job_in_sessions<'a, D: Driver + 'a>(seat: Seat<'a>, driver: D, mix: Mix<'a>) -> Job<'a> {
    let before = seat.connections_before();
    let sessions = seat.load.sessions[before..before + seat.connections()].to_vec();
    match sessions.iter().any(|session| session.jar().is_some()) {
        true => job_of_sessions::<D, true>(seat, driver, mix, sessions),
        false => job_of_sessions::<D, false>(seat, driver, mix, sessions),
    }
}

fn job_of_sessions<'a, D: Driver + 'a, const JAR: bool>(
    seat: Seat<'a>,
    driver: D,
    mix: Mix<'a>,
    sessions: Vec<Session>,
) -> Job<'a> {
    let Seat { load, thread, .. } = seat;
    let requests = load.requests_of(thread);
    let sessions = Sessions::<JAR>::new(requests, sessions);
    match load.http {
        Http::V1 => job_of::<Http1, D>(seat, driver, InSession::new(mix, sessions)),
        Http::V2 => {
            let encoded = Encoded::new(requests, load.scheme(), load.seed);
            let streamed = Streamed::<true>::new(mix, false, encoded);
            job_of::<Http2, D>(seat, driver, StreamedInSession::new(streamed, sessions))
        }
    }
}

/// Sends what the hooks say.
pub(crate) fn job_with_hooks<'a, D: Driver + 'a>(
    seat: Seat<'a>,
    driver: D,
    hooks: impl Hooks,
) -> Job<'a> {
    let source = Hooked::new(hooks, seat.connections(), seat.stop);
    match &seat.load.tls {
        Some(client) => {
            let driver = TlsDriver::new(driver, client, Http::V1.alpn());
            job_of::<Http1, _>(seat, driver, source)
        }
        None => job_of::<Http1, _>(seat, driver, source),
    }
}

fn job_of<'a, P: Protocol + 'a, D: Driver + 'a>(
    seat: Seat<'a>,
    driver: D,
    source: impl Source<P> + 'a,
) -> Job<'a> {
    let worker = Worker::<_, P, _>::new(driver, source, seat);
    Box::new(move || worker.run())
}

impl<'a> Team<'a> {
    fn new(load: &'a Load) -> Team<'a> {
        Team {
            load,
            boards: (0..load.threads).map(|_| Board::default()).collect(),
            stop: AtomicBool::new(false),
            start: Barrier::new(load.threads + 1),
        }
    }

    fn seat(&self, thread: usize) -> Seat<'_> {
        let Team { load, boards, stop, .. } = self;
        Seat { load, thread, board: &boards[thread], stop }
    }

    /// One thread's work; `job` makes it ready before the common start.
    fn work<'b>(
        &self,
        thread: usize,
        sender: &Sender<Outcome>,
        job: impl FnOnce(Epoll) -> Job<'b>,
    ) {
        let ready = self.driver(thread).map(job);
        // Also when this thread failed: the others wait for it.
        self.start.wait();
        let outcome = ready.and_then(|job| job().map_err(start_error));
        // The receiver lives until every thread has reported.
        let _ = sender.send(outcome);
    }

    fn driver(&self, thread: usize) -> Result<Epoll, LoadError> {
        if let Some(cpus) = &self.load.cpus {
            pin(cpus[thread % cpus.len()])?;
        }
        own_file_table();
        // By default the kernel may fire timers 50 us late.
        rustix::thread::set_current_timer_slack(NonZeroU64::new(1)).map_err(start_error)?;
        Epoll::new(self.load.address_of(thread), self.load.kernel_timestamps).map_err(start_error)
    }

    /// Observes while any thread counts; returns when all have reported.
    fn watch(
        &self,
        outcomes: &Receiver<Outcome>,
        observe: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
    ) -> Outcome {
        let start = Instant::now();
        let every = self.load.observe_every.max(Duration::from_millis(1));
        let mut next = start + every;
        let mut samples = Vec::with_capacity(self.load.threads);
        loop {
            let patience = next.saturating_duration_since(Instant::now());
            match outcomes.recv_timeout(patience) {
                Ok(outcome) => samples.push(outcome.inspect_err(|_| self.end())?),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    next = (next + every).max(Instant::now());
                    // While the last responses are drained there is nothing new to be seen.
                    if self.boards.iter().all(Board::is_final) {
                        continue;
                    }
                    if observe(&self.progress(start.elapsed())) == ControlFlow::Break(()) {
                        self.end();
                    }
                }
            }
        }
        Ok(self.sum(samples))
    }

    fn end(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    fn progress(&self, elapsed: Duration) -> Progress {
        let sum = |field: fn(&Board) -> &AtomicU64| {
            self.boards.iter().map(|board| field(board).load(Ordering::Relaxed)).sum()
        };
        Progress {
            elapsed,
            responses: sum(|board| &board.responses),
            errors: sum(|board| &board.errors),
            bytes: sum(|board| &board.bytes),
        }
    }

    fn sum(&self, samples: Vec<Sample>) -> Sample {
        let mut samples = samples.into_iter();
        let mut total = samples.next().expect("each of at least one thread reported a sample");
        samples.for_each(|sample| total.merge(sample));
        total.engine.cores = self.load.threads.min(self.cores());
        total
    }

    fn cores(&self) -> usize {
        match &self.load.cpus {
            None => std::thread::available_parallelism().map_or(1, usize::from),
            Some(cpus) => {
                let mut different = cpus.clone();
                different.sort_unstable();
                different.dedup();
                different.len()
            }
        }
    }
}

/// Gives the calling thread a table of open files of its own. A table that threads share costs two
/// locked instructions in every call on a socket (fdget and fdput in the kernel's fs/file.c), about a
/// fiftieth of a request. This thread opens and closes its own files alone; its copies of the others
/// end with it. Where it is forbidden, as in some containers, the table stays shared.
fn own_file_table() {
    let _ = nix::sched::unshare(nix::sched::CloneFlags::CLONE_FILES);
}

/// Pins the calling thread to one core.
pub(crate) fn pin(cpu: usize) -> Result<(), LoadError> {
    let failed = |errno: Errno| LoadError::Pin { cpu, cause: errno.into() };
    if cpu >= CpuSet::MAX_CPU {
        return Err(failed(Errno::INVAL));
    }
    let mut set = CpuSet::new();
    set.set(cpu);
    rustix::thread::sched_setaffinity(None, &set).map_err(failed)
}

fn start_error(errno: Errno) -> LoadError {
    LoadError::Start(errno.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::histogram;
    use crate::source::request::Request;
    use crate::url::Url;
    use crate::worker::tally::Tally;

    /// Whether anybody observes a load, counting or not, until its only thread reports: when it is
    /// observed, else after a while.
    fn is_observed(counts: bool) -> bool {
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], 1));
        let request = Request::get(&Url::parse("http://h/").unwrap());
        let observe_every = Duration::from_millis(1);
        let load = Load { observe_every, ..Load::new(address.into(), request) };
        let sample = || Ok(Tally::new(&load).finish(1, histogram(), 0, 0, "fake"));
        let team = Team::new(&load);
        let (sender, receiver) = channel();
        if !counts {
            team.boards[0].close();
            let (sender, sample) = (sender.clone(), sample());
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(20));
                sender.send(sample).unwrap();
            });
        }
        let (mut sender, mut observed) = (counts.then_some(sender), false);
        let outcome = team.watch(&receiver, &mut |_| {
            observed = true;
            sender.take().into_iter().for_each(|sender| sender.send(sample()).unwrap());
            ControlFlow::Continue(())
        });
        outcome.unwrap();
        observed
    }

    #[test]
    fn nobody_observes_a_load_that_counts_no_more() {
        assert!(is_observed(true));
        assert!(!is_observed(false));
    }
}
