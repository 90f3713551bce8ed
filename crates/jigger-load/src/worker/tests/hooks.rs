//! Hooks over the scripted network in virtual time.

use super::*;
use crate::failure::ErrorKind;
use crate::load::Arrivals;
use Step::{Close, Exactly, Pause, Refuse, Repeat, Request as Asked, Send, StandAfter};
use rustix::io::Errno;
use std::sync::{Arc, Mutex};

const PONG: Step = Send(b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 4\r\n\r\npong");
const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n";

/// Hooks that note what happens, and end after so many responses.
#[derive(Clone, Default)]
struct Noted {
    delay_ms: u64,
    messages: usize,
    answers_max: usize,
    /// After so many there is nothing more to send; 0: there always is.
    batches_max: usize,
    action: Option<HookAction>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Noted {
    fn note(&self, text: String) -> usize {
        let mut seen = self.seen.lock().unwrap();
        seen.push(text);
        seen.iter().filter(|text| text.starts_with("answer")).count()
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

impl Hooks for Noted {
    fn delay(&mut self) -> (Duration, HookAction) {
        (Duration::from_millis(self.delay_ms), HookAction::Continue)
    }

    fn request(&mut self, batch: &mut Batch) -> HookAction {
        self.note("request".to_owned());
        let batches = self.seen().iter().filter(|text| *text == "request").count();
        if self.batches_max > 0 && batches > self.batches_max {
            batch.clear();
            return HookAction::Continue;
        }
        batch.fill(&GET.repeat(self.messages.max(1))).unwrap();
        HookAction::Continue
    }

    fn wants_responses(&self) -> bool {
        true
    }

    fn response(&mut self, answer: &WholeResponse<'_>) -> HookAction {
        let body = String::from_utf8_lossy(answer.body).into_owned();
        let answers = self.note(format!("answer {} {:?} {body}", answer.status, answer.headers()));
        if answers == self.answers_max {
            self.action.unwrap_or(HookAction::EndThread)
        } else {
            HookAction::Continue
        }
    }
}

fn run(load: &Load, hooks: &Noted, script: &[Step]) -> Sample {
    run_hooked(Fake::new(vec![script.to_vec()]), load, hooks)
}

fn run_hooked<D: Driver>(driver: D, load: &Load, hooks: &Noted) -> Sample {
    seated(load, |seat| job_with_hooks(seat, driver, hooks.clone())().unwrap())
}

#[test]
fn each_answer_is_seen_whole_and_the_thread_ends_when_it_wants() {
    let hooks = Noted { answers_max: 2, ..Noted::default() };
    let sample = run(&load(), &hooks, &[Asked, Pause(2), PONG, Repeat]);
    let answer = r#"answer 200 [("A", "b"), ("Content-Length", "4")] pong"#;
    assert_eq!(hooks.seen()[..4], ["request", answer, "request", answer]);
    assert_eq!((sample.requests, sample.response_time_ns.len()), (2, 2));
    assert!(sample.elapsed_ns < 10_000_000, "{}", sample.elapsed_ns);
}

#[test]
fn a_batch_is_answered_whole_before_the_next_and_is_one_sample() {
    let hooks = Noted { messages: 3, answers_max: 6, ..Noted::default() };
    let script = [Asked, Asked, Asked, Pause(1), PONG, Pause(1), PONG, PONG, Repeat];
    let sample = run(&load(), &hooks, &script);
    let requests: Vec<usize> = (0..8).filter(|at| hooks.seen()[*at] == "request").collect();
    assert_eq!(requests, [0, 4]);
    assert_eq!((sample.requests, sample.response_time_ns.len()), (6, 2));
    assert!(sample.response_time_ns.min() >= 1_990_000);
}

#[test]
fn each_response_of_a_batch_can_have_its_own_time() {
    let hooks = Noted { messages: 3, answers_max: 3, ..Noted::default() };
    let load = Load { times_batches: false, ..load() };
    let script = [Asked, Asked, Asked, Pause(10), PONG, Pause(10), PONG, PONG];
    let sample = run(&load, &hooks, &script);
    assert_eq!((sample.requests, sample.response_time_ns.len()), (3, 3));
    let (least, most) = (sample.response_time_ns.min(), sample.response_time_ns.max());
    assert!((9_990_000..10_100_000).contains(&least), "{least}");
    assert!((19_990_000..20_100_000).contains(&most), "{most}");
}

/// Whoever has nothing more to send waits for the others; then the thread ends.
#[test]
fn a_thread_ends_when_no_connection_has_more_to_ask() {
    let open = Pacing::Open { rate_per_second: 100.0, arrivals: Arrivals::Even, burst: 1 };
    for pacing in [Pacing::Closed, open] {
        let load = Load { connections: 3, pacing, ..load() };
        let hooks = Noted { batches_max: 7, ..Noted::default() };
        let sample = run(&load, &hooks, &[Asked, Pause(20), PONG, Repeat]);
        assert_eq!((sample.requests, sample.errors.total()), (7, 0), "{pacing:?}");
        assert_eq!(hooks.seen().iter().filter(|text| *text == "request").count(), 10);
        assert!(sample.elapsed_ns < 200_000_000, "{}", sample.elapsed_ns);
    }
}

#[test]
fn delays_come_before_each_batch_and_are_no_latency() {
    let hooks = Noted { delay_ms: 100, ..Noted::default() };
    let sample = run(&load(), &hooks, &[Asked, PONG, Repeat]);
    assert_eq!(sample.requests, 9, "at 100 ms, 200 ms, ... of one second");
    assert!(sample.response_time_ns.max() < 1_000_000);
}

#[test]
fn connections_that_end_are_made_again_and_losses_counted() {
    let hooks = Noted { answers_max: 3, ..Noted::default() };
    let sample = run(&load(), &hooks, &[Asked, PONG, Close]);
    assert_eq!((sample.requests, sample.connections_opened), (3, 3));

    let hooks = Noted { messages: 2, answers_max: 3, ..Noted::default() };
    let sample = run(&load(), &hooks, &[Asked, PONG, Close]);
    assert_eq!(sample.errors.count(ErrorKind::ReadClosedEarly), 2);
    assert_eq!(sample.requests, 3);
}

#[test]
fn deadlines_hold() {
    let hooks = Noted::default();
    let load = Load { timeout: Duration::from_millis(300), ..load() };
    let sample = run(&load, &hooks, &[Asked]);
    assert_eq!(sample.errors.count(ErrorKind::Timeout), 3);
    assert_eq!(sample.unanswered_ns.len(), 1);
}

#[test]
fn an_open_loop_charges_a_stall_to_all_who_waited() {
    let pacing = Pacing::Open { rate_per_second: 100.0, arrivals: Arrivals::Even, burst: 1 };
    let hooks = Noted::default();
    let sample = run(
        &Load { pacing, ..load() },
        &hooks,
        &[Asked, Pause(495), PONG, Asked, PONG, Asked, PONG],
    );
    assert!(sample.requests >= 3);
    let sorted: Vec<u64> = sample
        .response_time_ns
        .iter_recorded()
        .map(|v| v.value_iterated_to() / 1_000_000)
        .collect();
    assert_eq!(sorted, [475, 485, 495]);
    assert_eq!(sample.due, 100);
}

#[test]
fn a_load_can_be_ended_for_all() {
    let hooks = Noted { answers_max: 1, action: Some(HookAction::EndLoad), ..Noted::default() };
    let driver = Fake::new(vec![vec![Asked, PONG, Repeat]]);
    seated(&load(), |seat| {
        job_with_hooks(seat, driver, hooks)().unwrap();
        assert!(seat.stop.load(Ordering::Relaxed));
    });
}

#[test]
fn a_fresh_connection_carries_one_batch_and_is_part_of_its_time() {
    let load = Load { connection: ConnectionPolicy::Fresh, ..load() };
    let hooks = Noted { messages: 2, answers_max: 20, ..Noted::default() };
    let sample = run(&load, &hooks, &[StandAfter(3), Asked, Asked, Pause(2), PONG, PONG]);
    assert_eq!(
        (sample.requests, sample.response_time_ns.len(), sample.errors.total()),
        (20, 10, 0)
    );
    assert_eq!((sample.connections_opened, sample.closed_by_server), (10, 0));
    let time_us = sample.response_time_ns.mean() / 1e3;
    assert!((5_000.0..5_100.0).contains(&time_us), "{time_us}");
}

/// The last batch is cut where the count is full.
#[test]
fn a_count_of_requests_ends_the_load() {
    let load = Load { extent: Extent::Count(10), ..load() };
    let hooks = Noted { messages: 3, ..Noted::default() };
    let sample = run(&load, &hooks, &[Asked, PONG, Repeat]);
    assert_eq!((sample.requests, sample.due, sample.unanswered_ns.len()), (10, 10, 0));
    assert_eq!(sample.response_time_ns.len(), 4);
    assert_eq!(hooks.seen().iter().filter(|text| *text == "request").count(), 4);
}

#[test]
fn the_kernels_times_are_those_of_batches() {
    let load = Load { connections: 8, kernel_timestamps: true, ..load() };
    let hooks = Noted { messages: 2, ..Noted::default() };
    let sample = run(&load, &hooks, &[Asked, Asked, Pause(2), PONG, PONG, Repeat]);
    let kernel = sample.kernel_time_ns.unwrap();
    assert_eq!((kernel.len(), kernel.len() * 2), (sample.response_time_ns.len(), sample.requests));
    assert!((1_990_000..2_010_000).contains(&kernel.max()), "{}", kernel.max());
}

/// Time without a request, delays among it, is accounted for, also where a connection waits.
#[test]
fn no_time_of_a_connection_is_lost() {
    for (connection, messages) in [
        (ConnectionPolicy::KeepAlive, 1),
        (ConnectionPolicy::KeepAlive, 2),
        (ConnectionPolicy::Fresh, 1),
    ] {
        let load = Load { connections: 4, connection, ..load() };
        let hooks = Noted { delay_ms: 3, messages, ..Noted::default() };
        let sample = run(&load, &hooks, &[Asked, Pause(2), PONG, Repeat]);
        let all_ns = 4.0 * sample.elapsed_ns as f64;
        let times = &sample.response_time_ns;
        let answered_ns = times.len() as f64 * times.mean();
        let accounted = (answered_ns + sample.idle_ns as f64) / all_ns;
        assert!((0.98..=1.005).contains(&accounted), "{connection:?} {messages}: {accounted}");
        assert!(sample.idle_ns as f64 / all_ns > 0.4, "{}", sample.idle_ns);
    }
}

#[test]
fn an_announced_close_within_a_batch_sends_the_rest_of_it_again() {
    const LAST: Step = Send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    const REST_BYTES: &[u8] = b"GET /2 HTTP/1.1\r\n\r\nGET /3 HTTP/1.1\r\n\r\n";
    const REST: Step = Exactly(REST_BYTES);
    for room_bytes in [usize::MAX, 7] {
        let load = Load { extent: Extent::Count(3), ..load() };
        let scripts = vec![vec![Asked, Asked, Asked, LAST, Close], vec![REST, PONG, PONG]];
        let fake = Fake::new(scripts).with_small_calls(room_bytes, usize::MAX);
        let hooks = Same([b"GET /1 HTTP/1.1\r\n\r\n", REST_BYTES].concat());
        let sample = seated(&load, |seat| job_with_hooks(seat, fake, hooks)().unwrap());
        assert_eq!((sample.requests, sample.errors.total()), (3, 0), "{room_bytes}");
        assert_eq!((sample.connections_opened, sample.closed_by_server), (2, 1));
    }
}

/// A server that is not reached is tried again after a rest, each time with a new batch.
#[test]
fn refused_connections_are_failed_requests() {
    let load = Load { extent: Extent::Count(4), ..load() };
    let hooks = Noted { delay_ms: 5, ..Noted::default() };
    let sample = run(&load, &hooks, &[Refuse(Errno::CONNREFUSED)]);
    assert_eq!((sample.errors.count(ErrorKind::ConnectRefused), sample.due), (4, 4));
    assert_eq!(hooks.seen(), ["request"; 4]);
}
