//! The engine over HTTP/2, against the null server and against servers that misbehave.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use jigger_load::fetch::{FetchOptions, fetch};
use jigger_load::{
    Address, Arrivals, BodyRule, ConnectionPolicy, ErrorKind, Expect, Extent, Http, Load,
    NullOptions, NullServer, Pacing, Request, Sample, TlsClient, TlsOptions, Url, ceiling, run,
};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

fn url() -> Url {
    Url::parse("http://localhost/").unwrap()
}

fn pong() -> Expect {
    Expect { status: Some(200), body: BodyRule::Exact(Arc::from(&b"pong"[..])) }
}

fn load(address: &Address, streams: usize, requests: u64) -> Load {
    Load {
        http: Http::V2,
        pipeline: streams,
        extent: Extent::Count(requests),
        expect: pong(),
        timeout: Duration::from_secs(20),
        ..Load::new(address.clone(), Request::get(&url()))
    }
}

fn measure(load: &Load) -> Sample {
    run(load, &mut |_| ControlFlow::Continue(())).unwrap()
}

fn assert_whole(sample: &Sample, requests: u64) {
    assert_eq!(sample.errors.total(), 0, "{:?}", sample.errors);
    assert_eq!((sample.requests, sample.due), (requests, requests));
    assert_eq!(sample.response_time_ns.len(), requests);
    assert_eq!(sample.status.get(&200), Some(&requests));
    assert_eq!((sample.unanswered_ns.len(), sample.surplus_bytes, sample.held_back), (0, 0, 0));
}

#[test]
fn every_request_is_answered_once_whatever_the_shape_of_the_load() {
    let server = NullServer::start(&NullOptions::default()).unwrap();
    let plain = load(server.address(), 1, 500);
    let open = Pacing::Open { rate_per_second: 5e4, arrivals: Arrivals::Even, burst: 7 };
    for (load, connections) in [
        (Load { connections: 3, ..plain.clone() }, 3),
        (Load { connection: ConnectionPolicy::Fresh, connections: 2, ..plain.clone() }, 500),
        (Load { pipeline: 10, connections: 20, ..plain.clone() }, 20),
        (Load { pipeline: 300, ..plain.clone() }, 1),
        (Load { threads: 2, connections: 5, pipeline: 4, ..plain.clone() }, 5),
        (Load { pacing: open, pipeline: 4, connections: 2, ..plain.clone() }, 2),
        (Load { pacing: open, connection: ConnectionPolicy::Fresh, ..plain.clone() }, 500),
        (Load { kernel_timestamps: true, batch: true, pipeline: 16, ..plain.clone() }, 1),
    ] {
        let sample = measure(&load);
        assert_whole(&sample, 500);
        assert_eq!((sample.connections_opened, sample.closed_by_server), (connections, 0));
        assert_eq!(sample.peer_settings.unwrap().initial_window_bytes, 1 << 30);
    }
}

/// Bodies that are longer than the windows that a connection begins with, and responses that take
/// many frames.
#[test]
fn several_requests_with_long_bodies_and_placeholders() {
    let options = NullOptions { body: vec![b'z'; 100_000], ..NullOptions::default() };
    let server = NullServer::start(&options).unwrap();
    let of = |method: &str, body: &[u8]| {
        let headers = [("X-Id".to_owned(), "{{counter}}".to_owned())];
        Request::template(method, &url(), &headers, body, &[]).unwrap()
    };
    let long = [&b"{{counter}}"[..], &vec![b'y'; 150_000]].concat();
    let requests = vec![(of("GET", b""), 2), (of("POST", &long), 1), (of("HEAD", b""), 1)];
    let wanted = Expect { status: Some(200), body: BodyRule::Exact(options.body.into()) };
    let load = Load {
        requests,
        expects: vec![wanted.clone(), wanted.clone(), wanted],
        connections: 2,
        ..load(server.address(), 5, 200)
    };
    let sample = measure(&load);
    assert_whole(&sample, 200);
    assert_eq!(sample.by_request.len(), 3);
    assert!(sample.by_request.iter().all(|request| request.response_time_ns.len() > 20));
}

#[test]
fn over_tls_the_same_is_offered_by_its_name() {
    let server = NullServer::start(&NullOptions { tls: true, ..NullOptions::default() }).unwrap();
    let options = TlsOptions { insecure: true, ..TlsOptions::default() };
    let tls = Some(TlsClient::new(&options, "localhost").unwrap());
    let url = Url::parse("https://localhost/").unwrap();
    let body = vec![b'y'; 150_000];
    let requests =
        vec![(Request::get(&url), 3), (Request::new("POST", &url, &[], &body).unwrap(), 1)];
    let load = Load { tls: tls.clone(), connections: 2, ..load(server.address(), 8, 300) };
    assert_whole(&measure(&load), 300);
    assert_whole(&measure(&Load { requests, ..load.clone() }), 300);
    let fresh = Load { connection: ConnectionPolicy::Fresh, pipeline: 1, ..load };
    assert_whole(&measure(&fresh), 300);
    let fetching = FetchOptions { http: Http::V2, tls, ..FetchOptions::default() };
    let answer = fetch(server.address(), &Request::get(&url), &fetching).unwrap();
    assert_eq!((answer.version, answer.body.as_slice()), ("HTTP/2", &b"pong"[..]));
    assert!(answer.tls.is_some());
}

#[test]
fn the_null_server_gives_a_ceiling() {
    let null = NullOptions::default();
    let load = Load { connections: 2, ..load(&Address::Tcp(([127, 0, 0, 1], 1).into()), 10, 1) };
    let sample = ceiling(&load, &null, Duration::from_millis(200)).unwrap();
    assert_eq!(sample.errors.total(), 0, "{:?}", sample.errors);
    assert!(sample.requests > 100, "{}", sample.requests);
}

/// What a server does with a request.
#[derive(Clone, Copy)]
enum Act {
    Answer,
    /// GOAWAY with this last stream and this code, before an answer to the request.
    GoAway(u32, u32),
    Reset(u32),
    Hang,
    Ping,
}

/// By the number of the connection and that of the stream.
type Manners = fn(usize, u32) -> Act;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A server of these manners that says these settings; it ends with the test's process.
fn serve(settings: &'static [u8], manners: Manners) -> Address {
    serve_and_hear(settings, manners).0
}

/// The same, and what it hears in GOAWAY.
fn serve_and_hear(settings: &'static [u8], manners: Manners) -> (Address, Receiver<Vec<u8>>) {
    let (sender, heard) = channel();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let (stream, sender) = (stream.unwrap(), sender.clone());
            // A client that closes ends the conversation.
            std::thread::spawn(move || {
                converse(stream, settings, &sender, |id| manners(number, id))
            });
        }
    });
    (Address::Tcp(address), heard)
}

fn converse(
    mut stream: TcpStream,
    settings: &[u8],
    heard: &Sender<Vec<u8>>,
    manners: impl Fn(u32) -> Act,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    stream.write_all(&frame(4, 0, 0, settings))?;
    stream.read_exact(&mut [0; 24])?;
    let answer = |id: u32| [frame(1, 4, id, &[0x88]), frame(0, 1, id, b"pong")].concat();
    let mut pinged = None;
    loop {
        let mut header = [0; 9];
        stream.read_exact(&mut header)?;
        let length = u32::from_be_bytes([0, header[0], header[1], header[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        stream.read_exact(&mut payload)?;
        let id = u32::from_be_bytes([header[5], header[6], header[7], header[8]]);
        match (header[3], header[4]) {
            (1, _) => match manners(id) {
                Act::Answer => stream.write_all(&answer(id))?,
                Act::GoAway(last, code) => {
                    let payload = [last.to_be_bytes(), code.to_be_bytes()].concat();
                    stream.write_all(&frame(7, 0, 0, &payload))?;
                    if id <= last {
                        stream.write_all(&answer(id))?;
                    }
                }
                Act::Reset(code) => stream.write_all(&frame(3, 0, id, &code.to_be_bytes()))?,
                Act::Hang => {}
                Act::Ping => {
                    pinged = Some(id);
                    stream.write_all(&frame(6, 0, 0, b"12345678"))?;
                }
            },
            (6, 1) => {
                assert_eq!(payload, b"12345678");
                stream.write_all(&answer(pinged.take().unwrap()))?;
            }
            // Most tests hear nothing.
            (7, _) => drop(heard.send(payload)),
            _ => {}
        }
    }
}

#[test]
fn a_connection_ends_after_its_number_of_requests_and_no_request_is_lost() {
    let (address, heard) = serve_and_hear(&[], |_, _| Act::Answer);
    for (streams, each, connections) in [(1, 1, 60), (1, 7, 9), (4, 7, 9), (30, 20, 3)] {
        let load = load(&address, streams, 60);
        let sample = measure(&Load { requests_per_connection: Some(each), ..load });
        assert_whole(&sample, 60);
        let found = (sample.connections_opened, sample.closed_by_server);
        assert_eq!(found, (connections, 0), "{streams} streams, {each} on each connection");
        for _ in 0..60 / each {
            let payload = heard.recv_timeout(Duration::from_secs(20)).unwrap();
            assert_eq!(payload, [0; 8], "GOAWAY with NO_ERROR");
        }
    }
}

/// Over TLS as well, and where the clock makes requests due.
#[test]
fn connections_of_a_number_of_requests_are_made_in_every_shape_of_a_load() {
    let open = Pacing::Open { rate_per_second: 2e4, arrivals: Arrivals::Even, burst: 3 };
    for (tls, http) in [(false, Http::V1), (true, Http::V1), (false, Http::V2), (true, Http::V2)] {
        let server = NullServer::start(&NullOptions { tls, ..NullOptions::default() }).unwrap();
        let options = TlsOptions { insecure: true, ..TlsOptions::default() };
        let tls = tls.then(|| TlsClient::new(&options, "localhost").unwrap());
        let each = Some(10);
        let load =
            Load { tls, http, requests_per_connection: each, ..load(server.address(), 1, 300) };
        let streams = if http == Http::V2 { 3 } else { 1 };
        for load in [
            Load { pipeline: streams, ..load.clone() },
            Load { pipeline: streams, pacing: open, connections: 2, ..load.clone() },
            Load { connections: 5, threads: 2, ..load },
        ] {
            let sample = measure(&load);
            assert_whole(&sample, 300);
            assert_eq!(sample.closed_by_server, 0);
            let opened = sample.connections_opened;
            assert!((30..=35).contains(&opened), "{http:?}: {opened}");
        }
    }
}

/// Of the two streams that a connection may have, one hangs. What waits is sent on the next one.
#[test]
fn a_request_that_hangs_on_a_used_up_connection_holds_up_no_other() {
    let address = serve(&[], |_, id| if id == 3 { Act::Hang } else { Act::Answer });
    let patient = Duration::from_millis(300);
    let load = Load { timeout: patient, ..load(&address, 2, 4) };
    let sample = measure(&Load { requests_per_connection: Some(2), ..load });
    assert_eq!(sample.errors.count(ErrorKind::Timeout), 2, "{:?}", sample.errors);
    assert_eq!((sample.requests, sample.errors.total()), (2, 2));
}

#[test]
fn a_server_that_ends_connections_gracefully_costs_no_request() {
    let address = serve(&[], |_, id| if id == 21 { Act::GoAway(21, 0) } else { Act::Answer });
    for streams in [1, 4, 30] {
        let sample = measure(&load(&address, streams, 100));
        assert_whole(&sample, 100);
        assert!(sample.closed_by_server >= 8, "{streams}: {}", sample.closed_by_server);
    }
}

#[test]
fn what_a_server_refuses_once_is_asked_again() {
    let address = serve(&[], |_, id| if id % 8 == 3 { Act::Reset(7) } else { Act::Answer });
    let sample = measure(&load(&address, 3, 200));
    assert_whole(&sample, 200);
    assert_eq!(sample.connections_opened, 1);
}

#[test]
fn a_ping_is_answered_though_nothing_else_is_to_be_sent() {
    let sample = measure(&load(&serve(&[], |_, _| Act::Ping), 1, 20));
    assert_whole(&sample, 20);
}

#[test]
fn no_more_streams_are_open_than_the_server_allows() {
    let address = serve(&[0, 3, 0, 0, 0, 1], |_, _| Act::Ping);
    let sample = measure(&load(&address, 1, 1));
    assert_whole(&sample, 1);
    // The first requests go out before the server has said so.
    let refusing = serve(&[0, 3, 0, 0, 0, 2], |_, id| match id {
        5..20 => Act::Reset(7),
        _ => Act::Answer,
    });
    let sample = measure(&load(&refusing, 10, 60));
    assert_whole(&sample, 60);
    assert_eq!(sample.peer_settings.unwrap().max_concurrent_streams, Some(2));
}

fn messages(sample: &Sample) -> Vec<(ErrorKind, String)> {
    sample.errors.iter().map(|(kind, _, message)| (kind, message.to_owned())).collect()
}

#[test]
fn errors_are_counted_by_kind_with_their_code() {
    let cases: [(Manners, ErrorKind, &str); 4] = [
        (
            |_, id| if id % 4 == 1 { Act::Reset(2) } else { Act::Answer },
            ErrorKind::H2Reset,
            "INTERNAL_ERROR",
        ),
        (
            |_, id| if id == 9 { Act::GoAway(7, 11) } else { Act::Answer },
            ErrorKind::H2Goaway,
            "ENHANCE_YOUR_CALM",
        ),
        (|_, _| Act::GoAway(0, 0), ErrorKind::H2Goaway, "before it responded"),
        (
            |_, id| if id == 5 { Act::Reset(7) } else { Act::Reset(2) },
            ErrorKind::H2Reset,
            "INTERNAL_ERROR",
        ),
    ];
    for (manners, kind, part) in cases {
        let sample = measure(&load(&serve(&[], manners), 3, 40));
        let found = messages(&sample);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].0 == kind && found[0].1.contains(part), "{found:?}");
        assert_eq!(sample.requests + sample.errors.total(), 40);
    }
}

#[test]
fn a_request_that_hangs_costs_no_other() {
    let address = serve(&[], |_, id| if id == 3 { Act::Hang } else { Act::Answer });
    let patient = Duration::from_millis(300);
    let extent = Extent::Time(Duration::from_millis(700));
    let sample = measure(&Load { timeout: patient, extent, ..load(&address, 3, 1) });
    assert_eq!(sample.errors.count(ErrorKind::Timeout), 1, "{:?}", sample.errors);
    assert_eq!((sample.errors.total(), sample.connections_opened), (1, 1));
    let stuck = serve(&[], |_, _| Act::Hang);
    let sample = measure(&Load { timeout: patient, ..load(&stuck, 3, 6) });
    assert_eq!(sample.errors.count(ErrorKind::Timeout), 6);
    assert_eq!(sample.connections_opened, 2, "a connection on which nothing moves is given up");
}

#[test]
fn a_server_of_http1_is_named_as_such() {
    for answer in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b""] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = Address::Tcp(listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 1000]);
                let _ = stream.write_all(answer);
            }
        });
        let sample = measure(&load(&address, 2, 4));
        let found = messages(&sample);
        assert_eq!(sample.errors.count(ErrorKind::H2Protocol), 4, "{found:?}");
        assert!(found[0].1.contains("only HTTP/1.1"), "{found:?}");
    }
}
