//! Single requests over real sockets.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use jigger_load::fetch::{Client, FetchError, FetchOptions, Response, fetch};
use jigger_load::{Address, Http, NullOptions, NullServer, Request, Url};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

fn get() -> Request {
    Request::get(&Url::parse("http://localhost/").unwrap())
}

const OPTIONS: FetchOptions = FetchOptions {
    timeout: Duration::from_secs(60),
    max_body_bytes: 1000,
    close_patience: Duration::from_millis(10),
    http: Http::V1,
    tls: None,
};

/// Fetches from a server that reads a request's head, sends these bytes, and closes or stays.
fn fetch_scripted(
    bytes: &'static [u8],
    stays: bool,
    options: FetchOptions,
) -> Result<Response, FetchError> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = Address::Tcp(listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            request.push(byte[0]);
        }
        // Corked, the bytes go out together with the end of the stream.
        rustix::net::sockopt::set_tcp_cork(&stream, !stays).unwrap();
        // The client may have given up in the meantime.
        let _ = stream.write_all(bytes);
        if stays {
            let _ = stream.read(&mut [0]);
        }
    });
    let answer = fetch(&address, &get(), &options);
    server.join().unwrap();
    answer
}

#[test]
fn an_answer_is_given_with_everything_in_it() {
    let bytes = b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Type: a\r\n\
        X-y: z\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let answer = fetch_scripted(bytes, true, OPTIONS).unwrap();
    assert_eq!((answer.status, answer.version), (404, "HTTP/1.1"));
    assert_eq!(answer.body, b"abc");
    assert_eq!(answer.headers[1], ("X-y".to_owned(), "z".to_owned()));
    assert_eq!(answer.header_bytes, 79);
    assert!(!answer.server_closes);
    assert!(answer.elapsed < OPTIONS.timeout);
}

#[test]
fn whether_the_server_closes_is_said() {
    for (bytes, stays, closes) in [
        (&b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"[..], true, false),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false, true),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", true, true),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", true, true),
        (b"HTTP/1.1 200 OK\r\n\r\nbody", false, true),
    ] {
        let answer = fetch_scripted(bytes, stays, OPTIONS).unwrap();
        assert_eq!(answer.server_closes, closes, "{answer:?}");
    }
}

/// Who takes the time of a response must not wait for what comes after it.
#[test]
fn without_patience_nobody_waits_for_the_connection_to_end() {
    let impatient = FetchOptions { close_patience: Duration::ZERO, ..OPTIONS };
    let silent = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    assert!(!fetch_scripted(silent, false, impatient.clone()).unwrap().server_closes);
    let said = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    assert!(fetch_scripted(said, true, impatient).unwrap().server_closes);
}

#[test]
fn failures_say_what_happened() {
    type Wanted = fn(&FetchError) -> bool;
    let short = FetchOptions { timeout: Duration::from_millis(30), ..OPTIONS };
    let cases: [(&'static [u8], bool, Wanted); 6] = [
        (b"", false, |error| matches!(error, FetchError::ClosedEarly(0))),
        (b"HTTP/1.1 200", false, |error| matches!(error, FetchError::ClosedEarly(12))),
        (b"HTTP/1.1 200", true, |error| matches!(error, FetchError::Timeout(..))),
        (b"garbage", true, |error| matches!(error, FetchError::Malformed(_))),
        (b"HTTP/1.1 204 No\r\n\r\nmore", true, |error| matches!(error, FetchError::Malformed(_))),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5dc\r\n1", true, |error| {
            matches!(error, FetchError::Timeout(..))
        }),
    ];
    for (bytes, stays, wanted) in cases {
        let times_out = wanted(&FetchError::Timeout(Duration::ZERO, 0));
        let options = if times_out { short.clone() } else { OPTIONS };
        let error = fetch_scripted(bytes, stays, options).unwrap_err();
        assert!(wanted(&error), "{error}");
    }
    let tight = FetchOptions { max_body_bytes: 3, ..OPTIONS };
    let error = fetch_scripted(b"HTTP/1.1 200 OK\r\n\r\nbody", false, tight).unwrap_err();
    assert!(error.to_string().contains("longer than the limit of 3 bytes"), "{error}");
    let port_of_nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Address::Tcp(listener.local_addr().unwrap())
    };
    let error = fetch(&port_of_nobody, &get(), &OPTIONS).unwrap_err();
    assert!(matches!(error, FetchError::Refused { .. }), "{error}");
}

#[test]
fn a_client_keeps_its_connection_as_long_as_the_server_does() {
    let server = NullServer::start(&NullOptions::default()).unwrap();
    let mut client = Client::new(server.address().clone(), OPTIONS);
    let url = Url::parse("http://localhost/").unwrap();
    let head = Request::new("HEAD", &url, &[], b"").unwrap();
    for (request, body) in [(get(), &b"pong"[..]), (head, b""), (get(), b"pong")] {
        let answer = client.fetch(&request).unwrap();
        assert_eq!((answer.status, &answer.body[..]), (200, body));
    }
    assert_eq!(client.connections(), 1);
    let close = [("Connection".to_owned(), "close".to_owned())];
    let closing = Request::new("GET", &url, &close, b"").unwrap();
    assert!(client.fetch(&closing).unwrap().server_closes);
    client.fetch(&get()).unwrap();
    assert_eq!(client.connections(), 2);
}

/// A body that takes several frames and is longer than the windows that both sides begin with.
#[test]
fn over_http2_answers_are_as_whole_and_connections_are_kept() {
    let options = NullOptions { body: vec![b'x'; 200_000], ..NullOptions::default() };
    let server = NullServer::start(&options).unwrap();
    let fetching = FetchOptions { http: Http::V2, max_body_bytes: 200_000, ..OPTIONS };
    let mut client = Client::new(server.address().clone(), fetching.clone());
    let url = Url::parse("http://localhost/").unwrap();
    let post = Request::new("POST", &url, &[], &vec![b'y'; 300_000]).unwrap();
    for request in [get(), post, get()] {
        let answer = client.fetch(&request).unwrap();
        assert_eq!((answer.status, answer.version), (200, "HTTP/2"));
        assert_eq!(answer.headers[0], ("content-type".to_owned(), "text/plain".to_owned()));
        assert!(answer.body == options.body && !answer.server_closes);
        assert_eq!(answer.header_bytes, 52);
    }
    assert_eq!(client.connections(), 1);
    let head = Request::new("HEAD", &url, &[], b"").unwrap();
    assert_eq!(client.fetch(&head).unwrap().body, b"");
    let small = FetchOptions { max_body_bytes: 199_999, ..fetching };
    let error = fetch(server.address(), &get(), &small).unwrap_err();
    assert!(matches!(error, FetchError::TooLong(199_999)));
}

#[test]
fn a_server_of_http1_does_not_answer_in_http2() {
    for bytes in [&b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"[..], b""] {
        let options = FetchOptions { http: Http::V2, ..OPTIONS };
        let error = fetch_scripted(bytes, false, options).unwrap_err().to_string();
        assert!(error.contains("only HTTP/1.1"), "{error}");
    }
}
