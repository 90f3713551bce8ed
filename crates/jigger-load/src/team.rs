//! The threads of a load: common start, observation, and the sum of their samples.

use crate::hooks::Hooks;
use crate::hooks::worker::HookedWorker;
use crate::io::Epoll;
use crate::load::{Flow, Load, LoadError, Progress};
use crate::sample::Sample;
use crate::worker::Worker;
use rustix::io::Errno;
use rustix::thread::CpuSet;
use std::num::NonZeroU64;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// What a worker shows while it runs. Written by its own thread alone, without locked
/// instructions, and on a cache line of its own, so that showing costs next to nothing.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Board {
    answers: AtomicU64,
    errors: AtomicU64,
    bytes: AtomicU64,
    is_final: AtomicBool,
}

impl Board {
    pub(crate) fn show(&self, answers: u64, errors: u64, bytes: u64) {
        self.answers.store(answers, Ordering::Relaxed);
        self.errors.store(errors, Ordering::Relaxed);
        self.bytes.store(bytes, Ordering::Relaxed);
    }

    /// The time is up, and nothing more is counted.
    pub(crate) fn close(&self) {
        self.is_final.store(true, Ordering::Relaxed);
    }
}

/// What the threads share.
struct Team<'a> {
    load: &'a Load,
    boards: Vec<Board>,
    stop: AtomicBool,
    start: Barrier,
}

type Outcome = Result<Sample, LoadError>;

/// Runs a checked load.
pub(crate) fn run(
    load: &Load,
    observe: &mut dyn FnMut(&Progress) -> Flow,
) -> Result<Sample, LoadError> {
    let team = Team::new(load);
    std::thread::scope(|scope| {
        let (sender, receiver) = channel();
        for thread in 0..load.threads {
            let (team, sender) = (&team, sender.clone());
            let make = move |driver| {
                let worker = Worker::new(driver, load, thread, &team.boards[thread], &team.stop);
                move || worker.run()
            };
            scope.spawn(move || team.work(thread, &sender, make));
        }
        drop(sender);
        team.start.wait();
        team.watch(&receiver, observe)
    })
}

/// Runs a checked load with hooks, one for each thread.
pub(crate) fn run_with_hooks<H: Hooks>(
    load: &Load,
    hooks: Vec<H>,
    observe: &mut dyn FnMut(&Progress) -> Flow,
) -> Result<Sample, LoadError> {
    let team = Team::new(load);
    std::thread::scope(|scope| {
        let (sender, receiver) = channel();
        for (thread, hooks) in hooks.into_iter().enumerate() {
            let (team, sender) = (&team, sender.clone());
            let make = move |driver| {
                let board = &team.boards[thread];
                let worker = HookedWorker::new(driver, hooks, load, thread, board, &team.stop);
                move || worker.run()
            };
            scope.spawn(move || team.work(thread, &sender, make));
        }
        drop(sender);
        team.start.wait();
        team.watch(&receiver, observe)
    })
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

    /// One thread's work; `make` makes its worker before the common start.
    fn work<R: FnOnce() -> Result<Sample, Errno>>(
        &self,
        thread: usize,
        sender: &Sender<Outcome>,
        make: impl FnOnce(Epoll) -> R,
    ) {
        let ready = self.driver(thread).map(make);
        // Also when this thread failed: the others wait for it.
        self.start.wait();
        let outcome = ready.and_then(|run| run().map_err(start_error));
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
        observe: &mut dyn FnMut(&Progress) -> Flow,
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
                    // While the last answers are heard out there is nothing new to be seen.
                    let counts = |board: &Board| !board.is_final.load(Ordering::Relaxed);
                    if !self.boards.iter().any(counts) {
                        continue;
                    }
                    if observe(&self.progress(start.elapsed())) == Flow::Stop {
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
            answers: sum(|board| &board.answers),
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
    let failed = |errno: Errno| LoadError::Pin { cpu, source: errno.into() };
    if cpu >= CpuSet::MAX_CPU {
        return Err(failed(Errno::INVAL));
    }
    let mut set = CpuSet::new();
    set.set(cpu);
    rustix::thread::sched_setaffinity(None, &set).map_err(failed)
}

/// The CPU time of the calling thread.
pub(crate) fn thread_cpu_ns() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    u64::try_from(time.tv_sec).unwrap_or_default() * 1_000_000_000
        + u64::try_from(time.tv_nsec).unwrap_or_default()
}

fn start_error(errno: Errno) -> LoadError {
    LoadError::Start(errno.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Request;
    use crate::sample::InFlight;
    use crate::tally::Tally;
    use crate::url::Url;

    /// Whether anybody observes a load, counting or not, until its only thread reports: when it is
    /// observed, else after a while.
    fn is_observed(counts: bool) -> bool {
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], 1));
        let request = Request::get(&Url::parse("http://h/").unwrap());
        let observe_every = Duration::from_millis(1);
        let load = Load { observe_every, ..Load::new(address.into(), request) };
        let sample = || Ok(Tally::new(&load).finish(1, InFlight::default(), 0, 0, "fake"));
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
            Flow::Continue
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
