//! Several requests, each with its own expectation and figures, over the scripted network.

use super::truth::allocations;
use super::*;
use crate::expect::{BodyRule, Expect};
use std::sync::Arc;

use Step::{Close, Repeat, Request as Asked, Send};

const PONG: Step = Send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npong");

fn body(text: &'static [u8]) -> Expect {
    Expect { status: None, body: BodyRule::Exact(Arc::from(text)) }
}

/// A hundred requests, three in four of them the first of two.
fn mixed() -> Load {
    let plain = load();
    let request = plain.requests[0].0.clone();
    Load {
        requests: vec![(request.clone(), 3), (request, 1)],
        expects: vec![body(b"pong"), body(b"ping")],
        extent: Extent::Count(100),
        ..plain
    }
}

#[test]
fn each_request_is_held_to_its_own_expectation_and_counted_apart() {
    let sample = run_fake(&mixed(), &[&[Asked, PONG, Repeat]]);
    let [first, second] = &sample.by_request[..] else { panic!("{:?}", sample.by_request) };
    assert_eq!((first.response_time_ns.len(), first.errors), (sample.requests, 0));
    assert_eq!((second.response_time_ns.len(), second.errors), (0, 100 - sample.requests));
    assert_eq!(sample.response_time_ns.len(), sample.requests);
    assert_eq!(sample.errors.total(), second.errors);
    assert!((60..90).contains(&sample.requests), "{}", sample.requests);
}

#[test]
fn what_a_broken_connection_loses_is_lost_by_the_requests_that_were_on_it() {
    let load = Load { pipeline: 2, ..mixed() };
    let sample = run_fake(&load, &[&[Asked, Close]]);
    let lost: u64 = sample.by_request.iter().map(|request| request.errors).sum();
    assert_eq!((sample.requests, sample.errors.total(), lost), (0, 100, 100));
    assert!(sample.by_request.iter().all(|request| request.errors > 0));
}

#[test]
fn one_request_has_no_figures_beside_those_of_all() {
    let load = Load { extent: Extent::Count(3), ..load() };
    let sample = run_fake(&load, &[&[Asked, PONG, Repeat]]);
    assert!(sample.by_request.is_empty());
    assert_eq!(sample.response_time_ns.len(), 3);
}

#[test]
fn threads_add_up_request_by_request() {
    let run = || run_fake(&mixed(), &[&[Asked, PONG, Repeat]]);
    let (mut sum, other) = (run(), run());
    let before = sum.by_request.clone();
    sum.merge(other);
    for (sum, before) in sum.by_request.iter().zip(&before) {
        assert_eq!(sum.response_time_ns.len(), 2 * before.response_time_ns.len());
        assert_eq!(sum.errors, 2 * before.errors);
    }
}

/// Buffers grow with the longest request and with how many fall due at once, which is seldom.
#[test]
fn a_mix_is_counted_request_by_request_without_allocating() {
    let url = Url::parse("http://h/{{counter}}/{{random}}").unwrap();
    let request = Request::template("POST", &url, &[], b"{{counter}}", &[]).unwrap();
    let matched = Expect { status: None, body: BodyRule::Matches(Arc::new(|_| true)) };
    let load = Load {
        requests: vec![(request, 3), (load().requests[0].0.clone(), 1)],
        expects: vec![matched; 2],
        ..load()
    };
    let (few, many) = (allocations(&load, 100), allocations(&load, 5_000));
    assert!(many <= few + 20, "{few} for 100 requests, {many} for 5,000");
}
