//! Unary gRPC calls, against the null server and against servers that answer in other ways.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod scripted;

use jigger_load::fetch::{FetchOptions, fetch};
use jigger_load::{
    Address, BodyRule, ErrorKind, Expect, Extent, Http, Load, NullOptions, NullServer, Request,
    Sample, TlsClient, TlsOptions, Url, grpc, run,
};
use scripted::{block, frame, serve};
use std::io::{BufRead, BufReader};
use std::ops::ControlFlow;
use std::process::{Command, Stdio};
use std::time::Duration;

fn call(message: &[u8]) -> Request {
    let url = Url::parse("http://localhost/echo.Echo/Unary").unwrap();
    Request::grpc(&url, &[], message).unwrap()
}

fn load(address: &Address, requests: u64) -> Load {
    Load {
        http: Http::V2,
        grpc: true,
        pipeline: 3,
        extent: Extent::Count(requests),
        timeout: Duration::from_secs(20),
        ..Load::new(address.clone(), call(b"ping"))
    }
}

fn measure(load: &Load) -> Sample {
    run(load, &mut |_| ControlFlow::Continue(())).unwrap()
}

fn pong(message: &[u8]) -> Expect {
    Expect { status: None, body: grpc::rule(BodyRule::Exact(message.into())) }
}

#[test]
fn calls_succeed_and_their_messages_are_compared() {
    for (tls, long) in [(false, b"pong".to_vec()), (true, vec![b'z'; 100_000])] {
        let options = NullOptions { tls, body: long.clone(), ..NullOptions::default() };
        let server = NullServer::start(&options).unwrap();
        let trusting = TlsOptions { insecure: true, ..TlsOptions::default() };
        let tls = tls.then(|| TlsClient::new(&trusting, "localhost").unwrap());
        let expect = pong(&long);
        let load = Load { tls: tls.clone(), expect, ..load(server.address(), 200) };
        let sample = measure(&load);
        assert_eq!((sample.errors.total(), sample.requests), (0, 200), "{:?}", sample.errors);
        let two = vec![(call(b"a"), 1), (call(&[b'y'; 100_000]), 1)];
        let expects = vec![pong(&long), pong(b"other")];
        let sample = measure(&Load { requests: two, expects, ..load });
        assert_eq!((sample.requests, sample.errors.count(ErrorKind::WrongAnswer)), (100, 100));
        let fetching = FetchOptions { http: Http::V2, tls, ..FetchOptions::default() };
        let answer = fetch(server.address(), &call(b"ping"), &fetching).unwrap();
        assert_eq!(answer.trailers, [("grpc-status".to_owned(), "0".to_owned())]);
        assert_eq!((answer.grpc_fault(), grpc::message(&answer.body)), (None, Some(&long[..])));
    }
}

const GRPC: (&str, &str) = ("content-type", "application/grpc");

/// A response of these fields, a message if one is wanted, and these trailers.
fn response(
    id: u32,
    status: &str,
    fields: &[(&str, &str)],
    has_message: bool,
    trailers: Option<&[(&str, &str)]>,
) -> Vec<u8> {
    let head = [&[(":status", status)], fields].concat();
    let is_all = !has_message && trailers.is_none();
    let mut out = frame(1, if is_all { 5 } else { 4 }, id, &block(&head));
    if has_message {
        let ends = u8::from(trailers.is_none());
        out.extend(frame(0, ends, id, &[0, 0, 0, 0, 1, 7]));
    }
    if let Some(trailers) = trailers {
        out.extend(frame(1, 5, id, &block(trailers)));
    }
    out
}

#[test]
fn failed_calls_are_counted_with_what_the_server_says() {
    type Respond = fn(u32) -> Vec<u8>;
    let cases: [(Respond, &str); 6] = [
        (
            |id| {
                let fields = [GRPC, ("grpc-status", "14"), ("grpc-message", "try%20later")];
                response(id, "200", &fields, false, None)
            },
            "UNAVAILABLE (14): try later",
        ),
        (
            |id| response(id, "200", &[GRPC], true, Some(&[("grpc-status", "8")])),
            "RESOURCE_EXHAUSTED (8)",
        ),
        (
            |id| response(id, "200", &[GRPC, ("grpc-status", "0")], true, None),
            "the response has no grpc-status; its trailers are missing",
        ),
        (
            |id| response(id, "200", &[GRPC], false, Some(&[("grpc-status", "zero")])),
            "grpc-status is not the number of a status",
        ),
        (
            |id| response(id, "404", &[("content-type", "text/html")], true, None),
            "HTTP status 404 with the content type text/html",
        ),
        (
            |id| match id % 4 {
                1 => response(id, "200", &[GRPC], true, Some(&[("grpc-status", "0")])),
                _ => response(id, "200", &[GRPC], true, Some(&[("grpc-status", "12")])),
            },
            "UNIMPLEMENTED (12); check the URL's path",
        ),
    ];
    for (respond, text) in cases {
        let address = serve(respond);
        let sample = measure(&load(&address, 40));
        let found: Vec<_> = sample.errors.iter().collect();
        let [(ErrorKind::GrpcStatus, count, message)] = found[..] else { panic!("{found:?}") };
        assert!(message.starts_with(text), "{message}");
        assert_eq!(sample.requests + count, 40);
        assert_eq!(sample.connections_opened, 1, "the connection goes on");
        assert_eq!(sample.status.values().sum::<u64>(), 40);
        let options = FetchOptions { http: Http::V2, ..FetchOptions::default() };
        let fault = fetch(&address, &call(b""), &options).unwrap().grpc_fault();
        assert!(fault.is_none_or(|fault| fault.starts_with(text)));
    }
}

/// Of two header blocks that take turns, none is recalled in place of the other.
#[test]
fn calls_that_succeed_and_fail_in_turn_are_told_apart() {
    let address = serve(|id| {
        let code = if id % 4 == 1 { "0" } else { "5" };
        response(id, "200", &[GRPC], id % 8 > 4, Some(&[("grpc-status", code)]))
    });
    let sample = measure(&load(&address, 100));
    assert_eq!((sample.requests, sample.errors.count(ErrorKind::GrpcStatus)), (50, 50));
}

/// A server by gRPC's own library, where Python has it (`grpcio`): its port on the first line, until its
/// input ends.
const PEER: &str = "
import sys, grpc
from concurrent.futures import ThreadPoolExecutor
def unary(request, context):
    if request == b'stop':
        context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, 'enough: 100 %')
    return request
handlers = {'Unary': grpc.unary_unary_rpc_method_handler(unary)}
server = grpc.server(ThreadPoolExecutor(4))
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler('echo.Echo', handlers),))
print(server.add_insecure_port('127.0.0.1:0'), flush=True)
server.start()
sys.stdin.read()
server.stop(None)
";

#[test]
fn grpc_s_own_library_is_called() {
    let has_it = Command::new("python3").args(["-c", "import grpc"]).output();
    if !has_it.is_ok_and(|output| output.status.success()) {
        return;
    }
    let mut command = Command::new("python3");
    command.args(["-c", PEER]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut server = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let port: u16 = line.trim().parse().unwrap();
    let address = Address::Tcp(([127, 0, 0, 1], port).into());
    let url = |method: &str| Url::parse(&format!("http://localhost/echo.Echo/{method}")).unwrap();
    let asked = |request: Request| {
        let load = Load { requests: vec![(request, 1)], ..load(&address, 300) };
        measure(&Load { expect: pong(b"pong"), ..load })
    };
    let sample = asked(Request::grpc(&url("Unary"), &[], b"pong").unwrap());
    assert_eq!((sample.requests, sample.errors.total()), (300, 0), "{:?}", sample.errors);
    for (method, message, wanted) in [
        ("Unary", b"stop", "RESOURCE_EXHAUSTED (8): enough: 100 %"),
        ("Other", b"pong", "UNIMPLEMENTED (12): Method not found!; check"),
    ] {
        let sample = asked(Request::grpc(&url(method), &[], message).unwrap());
        assert_eq!(sample.errors.count(ErrorKind::GrpcStatus), 300, "{:?}", sample.errors);
        let told = sample.errors.first(ErrorKind::GrpcStatus).unwrap();
        assert!(told.starts_with(wanted), "{told}");
    }
    drop(server.stdin.take());
    server.wait().unwrap();
}
