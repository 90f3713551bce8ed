//! What servers do wrong (and oddly right): each case on the fake network, and, where the real
//! one leaves no race, on real sockets.

use super::*;
use crate::expect::{BodyRule, Expect};
use crate::failure::ErrorKind::{self, *};
use crate::io::Epoll;
use rustix::io::Errno;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

/// Three requests, one after another, against a server of this script.
struct Case {
    name: &'static str,
    script: &'static [Step],
    answers: u64,
    errors: &'static [(ErrorKind, u64)],
    /// Connections that stood.
    opened: u64,
    closed_by_server: u64,
    surplus_bytes: u64,
    /// Whether real sockets give the same each time.
    real: bool,
}

use Step::{Close, Pause, Repeat, Request as Asked, Reset, Send, StandAfter};

const PONG: Step = Send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npong");
const LAST: Step = Send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\npong");
/// A field of one megabyte.
const LONG_HEAD: &[u8] = &beginning_with::<{ 1 << 20 }>(b"HTTP/1.1 200 OK\r\nX-Long: ");
const PART_OF_HEAD: Step = Send(b"HTTP/1.1 200 OK\r\nContent-Le");
const PART_OF_BODY: Step = Send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npo");

const fn fine(name: &'static str, script: &'static [Step]) -> Case {
    Case {
        name,
        script,
        answers: 3,
        errors: &[],
        opened: 1,
        closed_by_server: 0,
        surplus_bytes: 0,
        real: true,
    }
}

const fn closing(name: &'static str, script: &'static [Step]) -> Case {
    Case { opened: 3, closed_by_server: 3, ..fine(name, script) }
}

const fn bad(
    name: &'static str,
    script: &'static [Step],
    errors: &'static [(ErrorKind, u64)],
) -> Case {
    Case { answers: 0, errors, opened: 3, ..fine(name, script) }
}

const CASES: &[Case] = &[
    fine("plain", &[Asked, PONG, Repeat]),
    fine("late", &[Asked, Pause(2), PONG, Repeat]),
    fine("in pieces", &[Asked, PART_OF_HEAD, Pause(1), Send(b"ngth: 4\r\n\r\npong"), Repeat]),
    fine(
        "interim answers first",
        &[
            Asked,
            Send(b"HTTP/1.1 100 Continue\r\n\r\n"),
            Pause(1),
            Send(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"),
            PONG,
            Repeat,
        ],
    ),
    fine(
        "chunked in pieces",
        &[
            Asked,
            Send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\np"),
            Pause(1),
            Send(b"o\r\n2\r\nng\r"),
            Send(b"\n0\r\nTrailer: t\r\n\r\n"),
            Repeat,
        ],
    ),
    closing(
        "announced close",
        &[
            Asked,
            Send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\npong"),
            Close,
        ],
    ),
    closing(
        "announced close that never comes",
        &[Asked, Send(b"HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\npong")],
    ),
    closing("until close", &[Asked, Send(b"HTTP/1.1 200 OK\r\n\r\npo"), Pause(1), Send(b"ng"), Close]),
    Case { real: false, ..closing("silent close", &[Asked, PONG, Close]) },
    Case { real: false, ..fine("a connection that takes its time", &[StandAfter(5), Asked, PONG, Repeat]) },
    Case { real: false, opened: 2, closed_by_server: 1, ..fine("a close after every second answer", &[Asked, PONG, Asked, PONG, Close]) },
    Case {
        opened: 2,
        closed_by_server: 1,
        ..fine("an announced close after every second answer", &[Asked, PONG, Asked, LAST, Close])
    },
    bad("a head without end", &[Asked, Send(LONG_HEAD)], &[(ReadMalformed, 3)]),
    bad("close without an answer", &[Asked, Close], &[(ReadClosedEarly, 3)]),
    bad("close within a head", &[Asked, PART_OF_HEAD, Close], &[(ReadClosedEarly, 3)]),
    bad("close within a body", &[Asked, PART_OF_BODY, Close], &[(ReadClosedEarly, 3)]),
    bad("reset without an answer", &[Asked, Reset], &[(ReadReset, 3)]),
    bad("reset within a head", &[Asked, PART_OF_HEAD, Reset], &[(ReadReset, 3)]),
    bad("reset within a body", &[Asked, PART_OF_BODY, Reset], &[(ReadReset, 3)]),
    bad("silence", &[Asked], &[(Timeout, 3)]),
    bad("an answer that stops", &[Asked, PART_OF_BODY], &[(Timeout, 3)]),
    bad(
        "one byte now and then",
        &[Asked, Send(b"H"), Pause(10), Send(b"T"), Pause(10), Send(b"T"), Pause(30), Send(b"P")],
        &[(Timeout, 3)],
    ),
    bad("garbage", &[Asked, Send(b"\x16\x03\x01\x02\x00")], &[(ReadMalformed, 3)]),
    bad(
        "two lengths",
        &[Asked, Send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\npong")],
        &[(ReadMalformed, 3)],
    ),
    Case {
        opened: 3,
        surplus_bytes: 3 * 19,
        ..fine(
            "two answers to one request",
            &[
                Asked,
                Send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npongHTTP/1.1 200 OK\r\n\r\n"),
            ],
        )
    },
    Case {
        surplus_bytes: 3,
        ..closing(
            "a body longer than its length",
            &[
                Asked,
                Send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\npong!"),
                Close,
            ],
        )
    },
    Case {
        real: false,
        ..bad(
            "an answer before the request",
            &[StandAfter(1), PONG, Asked],
            &[(ReadMalformed, 3)],
        )
    },
    Case {
        opened: 1,
        ..bad(
            "status 500",
            &[Asked, Send(b"HTTP/1.1 500 Oh\r\nContent-Length: 4\r\n\r\npong"), Repeat],
            &[(Status, 3)],
        )
    },
    Case {
        opened: 1,
        ..bad(
            "a redirect instead of the answer",
            &[Asked, Send(b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"), Repeat],
            &[(WrongAnswer, 3)],
        )
    },
    Case {
        opened: 1,
        ..bad(
            "compressed unasked",
            &[
                Asked,
                Send(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00"),
                Repeat,
            ],
            &[(WrongAnswer, 3)],
        )
    },
];

fn three_requests(address: SocketAddr) -> Load {
    let expect = Expect { status: None, body: BodyRule::Exact(Arc::from(&b"pong"[..])) };
    Load {
        address: Address::Tcp(address),
        extent: Extent::Count(3),
        timeout: Duration::from_millis(40),
        expect,
        ..load()
    }
}

fn kinds(sample: &Sample) -> Vec<(ErrorKind, u64)> {
    sample.errors.iter().map(|(kind, count, _)| (kind, count)).collect()
}

fn check(case: &Case, sample: &Sample, network: &str) {
    let name = format!("{} ({network} network): {:?}", case.name, sample.errors);
    assert_eq!(sample.requests, case.answers, "{name}");
    assert_eq!(kinds(sample), case.errors, "{name}");
    assert_eq!(sample.response_time_ns.len(), case.answers, "{name}");
    assert_eq!(sample.connections_opened, case.opened, "{name}");
    assert_eq!(sample.closed_by_server, case.closed_by_server, "{name}");
    assert_eq!(sample.surplus_bytes, case.surplus_bytes, "{name}");
    assert_eq!((sample.due, sample.unanswered_ns.len()), (3, 0), "{name}");
}

#[test]
fn on_the_fake_network() {
    let load = three_requests("127.0.0.1:1".parse().unwrap());
    for (case, hooked) in CASES.iter().flat_map(|case| [(case, false), (case, true)]) {
        let fake = || Fake::new(vec![case.script.to_vec()]);
        check(case, &run_either(hooked, fake(), &load), "fake");
        // The same where the kernel gives and takes a few bytes at a time.
        let sample = run_either(hooked, fake().with_small_calls(7, 5), &load);
        let wanted = (case.answers, case.errors);
        assert_eq!((sample.requests, &kinds(&sample)[..]), wanted, "{}", case.name);
    }
}

/// What is read and sent together stays apart: five connections fare five times as one does.
#[test]
fn several_at_a_time_on_the_fake_network() {
    let times = 5;
    for case in CASES {
        let load = three_requests("127.0.0.1:1".parse().unwrap());
        let load = Load { connections: 5, extent: Extent::Count(3 * times), ..load };
        for (room_bytes, read_bytes, hooked) in
            [(usize::MAX, usize::MAX, false), (7, 30, false), (7, 30, true)]
        {
            let fake = Fake::new(vec![case.script.to_vec()]);
            let sample = run_either(hooked, fake.with_small_calls(room_bytes, read_bytes), &load);
            let errors = kinds(&sample);
            let wanted: Vec<_> =
                case.errors.iter().map(|(kind, count)| (*kind, times * count)).collect();
            assert_eq!((sample.requests, errors), (times * case.answers, wanted), "{}", case.name);
        }
    }
}

#[test]
fn on_real_sockets() {
    for case in CASES.iter().filter(|case| case.real) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut load = three_requests(listener.local_addr().unwrap());
        if !case.errors.contains(&(Timeout, 3)) {
            load.timeout = Duration::from_secs(60);
        }
        let script = case.script;
        let connections = case.opened;
        let server = std::thread::spawn(move || {
            for _ in 0..connections {
                serve(listener.accept().unwrap().0, script);
            }
        });
        let driver = Epoll::new(&load.address, false).unwrap();
        check(case, &run_on(driver, &load), "real");
        server.join().unwrap();
    }
}

/// Follows the script on a real socket, then waits for the client to close.
fn serve(mut stream: TcpStream, script: &[Step]) {
    stream.set_nodelay(true).unwrap();
    let mut at = 0;
    while let Some(step) = script.get(at) {
        at += 1;
        match step {
            Asked => {
                if !read_request(&mut stream) {
                    return;
                }
            }
            // The client may have given up in the meantime.
            Send(bytes) => drop(stream.write_all(bytes)),
            Pause(milliseconds) => std::thread::sleep(Duration::from_millis(*milliseconds)),
            Close => return,
            Reset => {
                return rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO))
                    .unwrap();
            }
            Repeat => at = 0,
            other => panic!("{other:?} is for the fake network"),
        }
    }
    let _ = stream.read_to_end(&mut Vec::new());
}

fn read_request(stream: &mut TcpStream) -> bool {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if !matches!(stream.read(&mut byte), Ok(1)) {
            return false;
        }
        request.push(byte[0]);
    }
    true
}

#[test]
fn refused_connections_back_off_and_are_told_by_kind() {
    for (errno, kind, part) in [
        (Errno::CONNREFUSED, ConnectRefused, "os error 111"),
        (Errno::MFILE, LocalLimit, "ulimit -n"),
        (Errno::ADDRNOTAVAIL, LocalLimit, "keep-alive"),
        (Errno::TIMEDOUT, ConnectTimeout, "os error 110"),
        (Errno::AGAIN, ConnectRefused, "queue is full"),
    ] {
        let mut load = three_requests("127.0.0.1:1".parse().unwrap());
        load.extent = Extent::Count(10);
        let sample = run_fake(&load, &[&[Step::Refuse(errno)]]);
        assert_eq!(sample.errors.count(kind), 10, "{errno:?}");
        assert!(sample.errors.first(kind).unwrap().contains(part), "{:?}", sample.errors);
        // Rests of 1, 2, 4, 8, 16, 32, 64, 100 and 100 ms.
        let elapsed_ms = sample.elapsed_ns / 1_000_000;
        assert!((327..330).contains(&elapsed_ms), "{elapsed_ms}");
    }
}

#[test]
fn a_close_within_an_answer_is_told_from_one_without() {
    let load = three_requests("127.0.0.1:1".parse().unwrap());
    for (script, part) in [
        (&[Asked, Close][..], "without an answer"),
        (&[Asked, PART_OF_HEAD, Close], "within an answer"),
        (&[Asked, PART_OF_BODY, Close], "within an answer"),
    ] {
        let sample = run_fake(&load, &[script]);
        let message = sample.errors.first(ReadClosedEarly).unwrap();
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let load = three_requests(listener.local_addr().unwrap());
    drop(listener);
    let sample = run_on(Epoll::new(&load.address, false).unwrap(), &load);
    assert_eq!(sample.errors.count(ConnectRefused), 3);
    assert_eq!(sample.connections_opened, 0);
}

#[test]
fn a_connection_that_never_stands_times_out_as_such() {
    let load = three_requests("127.0.0.1:1".parse().unwrap());
    let sample = run_fake(&load, &[&[StandAfter(1000)]]);
    assert_eq!(sample.errors.count(ConnectTimeout), 3);
    let elapsed_us = sample.elapsed_ns / 1000;
    assert!(
        (120_000..120_100).contains(&elapsed_us),
        "deadlines fire when they pass: {elapsed_us}"
    );
}

/// Nobody takes the connections that wait, and the kernel lets only so many wait.
#[test]
fn a_full_listen_queue_is_told_from_a_slow_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    rustix::net::listen(&listener, 1).unwrap();
    let mut load = three_requests(listener.local_addr().unwrap());
    (load.connections, load.extent) = (10, Extent::Count(10));
    let sample = run_on(Epoll::new(&load.address, false).unwrap(), &load);
    let (unanswered, unconnected) =
        (sample.errors.count(Timeout), sample.errors.count(ConnectTimeout));
    assert_eq!((sample.requests, unanswered + unconnected), (0, 10), "{:?}", sample.errors);
    assert_eq!(sample.connections_opened, unanswered);
    assert!(unconnected >= 5, "{:?}", sample.errors);
    assert!(sample.errors.first(ConnectTimeout).unwrap().contains("listen queue is full"));
}

#[test]
fn a_server_back_again_is_asked_again() {
    let mut load = three_requests("127.0.0.1:1".parse().unwrap());
    load.extent = Extent::Count(5);
    let refuse: &[Step] = &[Step::Refuse(Errno::CONNREFUSED)];
    let sample = run_fake(&load, &[refuse, refuse, &[Asked, PONG, Repeat]]);
    assert_eq!((sample.requests, sample.errors.count(ConnectRefused)), (3, 2));
}

/// Twenty requests on four connections, each of which the server ends 15 ms after its response, and
/// has rested for 40 ms when its next turn comes.
fn on_idle_connections(address: SocketAddr) -> Load {
    let arrivals = crate::load::Arrivals::Even;
    Load {
        pacing: Pacing::Open { rate_per_second: 100.0, arrivals, burst: 1 },
        connections: 4,
        extent: Extent::Count(20),
        timeout: Duration::from_secs(60),
        ..three_requests(address)
    }
}

const REQUEST_TIMEOUT: Step = Send(b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n");

/// How a server may end a connection on which nothing is under way: the steps, the connections that it
/// ended, the bytes that were surplus.
const IDLE_ENDS: &[(&[Step], u64, u64)] = &[
    (&[Asked, PONG, Pause(15), Close], 18, 0),
    (&[Asked, PONG, Pause(15), Reset], 18, 0),
    (&[Asked, PONG, Pause(15), REQUEST_TIMEOUT, Close], 18, 0),
    (&[Asked, PONG, Pause(15), REQUEST_TIMEOUT, Reset], 18, 0),
    (&[Asked, PONG, Pause(15), PONG], 0, 20 * 42),
    (&[Asked, PONG, Pause(15), Send(b"!"), Reset], 0, 20),
];

#[test]
fn what_is_not_under_way_cannot_fail() {
    for (script, closed_by_server, surplus_bytes) in IDLE_ENDS {
        for hooked in [false, true] {
            let fake = Fake::new(vec![script.to_vec()]);
            let load = on_idle_connections("127.0.0.1:1".parse().unwrap());
            let sample = run_either(hooked, fake, &load);
            assert_eq!((sample.requests, kinds(&sample)), (20, Vec::new()), "{script:?}");
            let found = (sample.closed_by_server, sample.surplus_bytes);
            assert_eq!(found, (*closed_by_server, *surplus_bytes), "{script:?}");
        }
    }
}

/// Follows a script of [`IDLE_ENDS`]. A server that comes too late, since the machine is busy, finds
/// the next request there, and ends an idle connection only.
fn serve_until_idle(mut stream: TcpStream, script: &'static [Step]) {
    let (response, end) = script.split_at(3);
    loop {
        for step in response {
            match step {
                Asked if !read_request(&mut stream) => return,
                Send(bytes) => stream.write_all(bytes).unwrap(),
                Pause(milliseconds) => std::thread::sleep(Duration::from_millis(*milliseconds)),
                _ => {}
            }
        }
        stream.set_nonblocking(true).unwrap();
        let is_idle = stream.peek(&mut [0]).is_err();
        stream.set_nonblocking(false).unwrap();
        if is_idle {
            return serve(stream, end);
        }
    }
}

#[test]
fn what_is_not_under_way_cannot_fail_on_real_sockets() {
    for (script, ..) in IDLE_ENDS {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let load = on_idle_connections(listener.local_addr().unwrap());
        let script = *script;
        // Ends with the test's process: nothing tells how many connections there will be.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                std::thread::spawn(move || serve_until_idle(stream, script));
            }
        });
        let sample = run_on(Epoll::new(&load.address, false).unwrap(), &load);
        assert_eq!((sample.requests, kinds(&sample)), (20, Vec::new()), "{script:?}");
        assert!(sample.closed_by_server + sample.surplus_bytes > 0, "{script:?}");
    }
}

/// A server that responds twice, the second time late, shifts all that follow by one; the last one
/// comes when nothing is under way.
#[test]
fn a_late_second_response_shows_in_the_end() {
    let load = three_requests("127.0.0.1:1".parse().unwrap());
    for hooked in [false, true] {
        let fake = Fake::new(vec![vec![Asked, PONG, Pause(5), PONG, Repeat]]);
        let sample = run_either(hooked, fake, &load);
        assert_eq!((sample.requests, sample.errors.total()), (3, 0));
        assert!(sample.surplus_bytes >= 42, "{}", sample.surplus_bytes);
    }
}

/// What could not be handed over goes out on the next connection, unless this one never worked.
#[test]
fn a_request_that_was_never_sent_has_not_failed() {
    let load = Load { pipeline: 2, ..three_requests("127.0.0.1:1".parse().unwrap()) };
    let sample = run_fake(&load, &[&[Asked, LAST, Close], &[Asked, PONG, Repeat]]);
    assert_eq!((sample.requests, sample.errors.total()), (3, 0), "{:?}", sample.errors);
}
