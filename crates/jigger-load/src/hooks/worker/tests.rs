//! The loop with hooks over the scripted network in virtual time.

use super::*;
use crate::failure::ErrorKind;
use crate::hooks::Batch;
use crate::io::fake::{Fake, Step};
use crate::load::{Arrivals, Extent, Pacing};
use crate::request::Request;
use crate::url::Url;
use Step::{Close, Pause, Repeat, Request as Asked, Send};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const PONG: Step = Send(b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 4\r\n\r\npong");
const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n";

/// Hooks that note what happens, and end after so many answers.
#[derive(Clone, Default)]
struct Noted {
    delay_ms: u64,
    messages: usize,
    answers_max: usize,
    onward: Option<Onward>,
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
    fn delay(&mut self) -> (Duration, Onward) {
        (Duration::from_millis(self.delay_ms), Onward::Continue)
    }

    fn request(&mut self, batch: &mut Batch) -> Onward {
        self.note("request".to_owned());
        batch.fill(&GET.repeat(self.messages.max(1))).unwrap();
        Onward::Continue
    }

    fn wants_responses(&self) -> bool {
        true
    }

    fn response(&mut self, answer: &WholeAnswer<'_>) -> Onward {
        let body = String::from_utf8_lossy(answer.body).into_owned();
        let answers = self.note(format!("answer {} {:?} {body}", answer.status, answer.headers()));
        if answers == self.answers_max {
            self.onward.unwrap_or(Onward::EndThread)
        } else {
            Onward::Continue
        }
    }
}

fn load() -> Load {
    let address = "127.0.0.1:1".parse::<std::net::SocketAddr>().unwrap();
    let url = Url::parse("http://127.0.0.1:1/").unwrap();
    Load {
        extent: Extent::Time(Duration::from_secs(1)),
        ..Load::new(address.into(), Request::get(&url))
    }
}

fn run(load: &Load, hooks: &Noted, script: &[Step]) -> Sample {
    let (board, stop) = (Board::default(), AtomicBool::new(false));
    let driver = Fake::new(vec![script.to_vec()]);
    HookedWorker::new(driver, hooks.clone(), load, 0, &board, &stop).run().unwrap()
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
    assert_eq!(sample.in_flight_at_end.count, 1);
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
fn a_core_that_wakes_late_delays_nothing_at_a_moderate_rate() {
    let pacing = Pacing::Open { rate_per_second: 1000.0, arrivals: Arrivals::Even, burst: 1 };
    let load = Load { pacing, connections: 8, ..load() };
    let (board, stop) = (Board::default(), AtomicBool::new(false));
    let driver = Fake::new(vec![vec![Asked, PONG, Repeat]]).waking_late(60_000);
    let hooks = Noted::default();
    let sample = HookedWorker::new(driver, hooks, &load, 0, &board, &stop).run().unwrap();
    let lag_ns = sample.engine.schedule_lag_ns.unwrap();
    assert!(lag_ns.len() > 900 && lag_ns.max() < 20_000, "{} of {}", lag_ns.max(), lag_ns.len());
}

#[test]
fn a_load_can_be_ended_for_all() {
    let hooks = Noted { answers_max: 1, onward: Some(Onward::EndLoad), ..Noted::default() };
    let (board, stop) = (Board::default(), AtomicBool::new(false));
    let driver = Fake::new(vec![vec![Asked, PONG, Repeat]]);
    let load = load();
    HookedWorker::new(driver, hooks, &load, 0, &board, &stop).run().unwrap();
    assert!(stop.load(Ordering::Relaxed));
}
