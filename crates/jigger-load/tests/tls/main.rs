//! The engine and `fetch` against servers that speak TLS, well and badly, over real sockets.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod certificates;
mod http2;
mod null_server;
mod peers;
mod server;

use certificates::{Authority, Identity};
use jigger_load::fetch::{Client, FetchError, FetchOptions, fetch};
use jigger_load::{
    BodyRule, ConnectionPolicy, ErrorKind, Expect, Extent, Load, Pacing, Request, Sample,
    TlsClient, TlsOptions, TlsVersion, Url, run,
};
use rustls::version::{TLS12, TLS13};
use rustls::{NamedGroup, ServerConnection, StreamOwned};
use server::{PONG, Server, config, demanding, of_one_group, request};
use std::io::{Read as _, Write as _};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

fn get() -> Request {
    Request::get(&Url::parse("https://localhost/").unwrap())
}

fn client(options: &TlsOptions) -> TlsClient {
    TlsClient::new(options, "localhost").unwrap()
}

/// So many requests over TLS; each has to be answered `pong`.
fn count(server: &Server, options: &TlsOptions, requests: u64) -> Load {
    let body = BodyRule::Exact(b"pong"[..].into());
    Load {
        tls: Some(client(options)),
        extent: Extent::Count(requests),
        expect: Expect { status: Some(200), body },
        timeout: Duration::from_secs(5),
        ..Load::new(server.address.clone(), get())
    }
}

fn measure(load: &Load) -> Sample {
    run(load, &mut |_| ControlFlow::Continue(())).unwrap()
}

fn assert_whole(sample: &Sample, requests: u64) {
    assert_eq!((sample.requests, sample.errors.total()), (requests, 0), "{:?}", sample.errors);
}

/// What one request fails with.
fn failure(server: &Server, options: &TlsOptions) -> (ErrorKind, String) {
    let sample = measure(&count(server, options, 1));
    let (kind, count, message) = sample.errors.iter().next().expect("an error");
    assert_eq!((sample.requests, count), (0, 1));
    (kind, message.to_owned())
}

/// The load's failure, and that a single request fails for the same reason.
fn fails(server: &Server, options: &TlsOptions, kind: ErrorKind, parts: &[&str]) {
    let (found, message) = failure(server, options);
    let fetched = fetched(server, options).unwrap_err().to_string();
    assert_eq!(found, kind, "{message}");
    for part in parts {
        assert!(message.contains(part), "{part}: {message}");
        assert!(fetched.contains(part), "{part}: {fetched}");
    }
}

fn fetched(
    server: &Server,
    options: &TlsOptions,
) -> Result<jigger_load::fetch::Response, FetchError> {
    let options = FetchOptions {
        timeout: Duration::from_secs(5),
        tls: Some(client(options)),
        ..FetchOptions::default()
    };
    fetch(&server.address, &get(), &options)
}

#[test]
fn kept_connections_shake_hands_once_in_both_versions() {
    let authority = Authority::new();
    for (version, name) in [(TlsVersion::V1_2, "1.2"), (TlsVersion::V1_3, "1.3")] {
        let server = Server::ponging(config(&authority.issue("localhost"), &[&TLS12, &TLS13]));
        let options = TlsOptions { version: Some(version), ..authority.trusted() };
        let load = Load { connections: 5, threads: 2, ..count(&server, &options, 500) };
        let sample = measure(&load);
        assert_whole(&sample, 500);
        let tls = sample.tls.unwrap();
        assert_eq!((tls.handshake_time_ns.len(), tls.resumed, tls.hello_retries), (5, 0, 0));
        assert_eq!(sample.connect_time_ns.len(), 5);
        let [(agreement, 5)] = tls.agreed.iter().collect::<Vec<_>>()[..] else {
            panic!("{:?}", tls.agreed)
        };
        assert_eq!(agreement.version, name);
        assert!(agreement.cipher.starts_with("TLS_"), "{}", agreement.cipher);
        assert!(agreement.group.is_some(), "{agreement:?}");
        assert_eq!(agreement.certificate_key.as_deref(), Some("EC secp256r1"));
        assert_eq!(fetched(&server, &options).unwrap().tls.as_ref(), Some(agreement));
    }
}

#[test]
fn fresh_connections_shake_hands_each_and_resume_only_when_asked_to() {
    let authority = Authority::new();
    for version in [TlsVersion::V1_2, TlsVersion::V1_3] {
        for resume in [false, true] {
            let server = Server::ponging(config(&authority.issue("localhost"), &[&TLS12, &TLS13]));
            let options = TlsOptions { version: Some(version), resume, ..authority.trusted() };
            let connection = ConnectionPolicy::Fresh;
            let sample = measure(&Load { connection, ..count(&server, &options, 30) });
            assert_whole(&sample, 30);
            let tls = sample.tls.unwrap();
            assert_eq!(tls.handshake_time_ns.len(), 30);
            assert_eq!(tls.resumed, if resume { 29 } else { 0 }, "{version:?}");
            let least_ns = tls.handshake_time_ns.min();
            assert!(sample.response_time_ns.min() > least_ns, "the handshake is part of it");
        }
    }
}

#[test]
fn open_loops_and_big_bodies() {
    let authority = Authority::new();
    let body = b"0123456789abcdef".repeat(20_000);
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    let response = [head.as_bytes(), &body].concat();
    let server = Server::answering(config(&authority.issue("localhost"), &[&TLS13]), {
        move |stream, _| stream.write_all(&response).is_ok()
    });
    let exact = Expect { status: None, body: BodyRule::Exact(body.into()) };
    let load = Load { connections: 3, expect: exact, ..count(&server, &authority.trusted(), 30) };
    assert_whole(&measure(&load), 30);
    let (rate_per_second, arrivals, burst) = (200.0, jigger_load::Arrivals::Even, 1);
    let pacing = Pacing::Open { rate_per_second, arrivals, burst };
    let sample = measure(&Load { pacing, ..load });
    assert_whole(&sample, 30);
    assert_eq!(sample.tls.unwrap().handshake_time_ns.len(), 3, "made ahead");
}

#[test]
fn big_requests_arrive_whole() {
    let authority = Authority::new();
    let server =
        Server::serving(config(&authority.issue("localhost"), &[&TLS13]), |socket, config| {
            let mut stream =
                StreamOwned::new(ServerConnection::new(Arc::clone(config)).unwrap(), socket);
            while request(&mut stream).is_some() {
                // The client's kernel is to be full before anything is read.
                std::thread::sleep(Duration::from_millis(20));
                let mut body = vec![0; BIG_BYTES];
                stream.read_exact(&mut body).unwrap();
                assert_eq!(body, big());
                stream.write_all(PONG).unwrap();
            }
        });
    let url = Url::parse("https://localhost/").unwrap();
    let post = Request::new("POST", &url, &[], &big()).unwrap();
    let load = Load {
        requests: vec![(post, 1)],
        connections: 2,
        ..count(&server, &authority.trusted(), 6)
    };
    assert_whole(&measure(&load), 6);
}

const BIG_BYTES: usize = 12 << 20;

fn big() -> Vec<u8> {
    (0..=250_u8).cycle().take(BIG_BYTES).collect()
}

#[test]
fn certificates_that_are_not_to_be_trusted_are_told_apart() {
    let authority = Authority::new();
    let trusted = authority.trusted();
    let cases: [(Identity, &[&str]); 4] = [
        (authority.issue_expired("localhost"), &["expired", "--insecure"]),
        (
            authority.issue("elsewhere.example"),
            &["not for `localhost`", "elsewhere.example", "--sni"],
        ),
        (Identity::self_signed("localhost", false), &["self-signed", "--cacert"]),
        (Authority::new().issue("localhost"), &["not trusted", "--cacert"]),
    ];
    for (identity, parts) in cases {
        let server = Server::ponging(config(&identity, &[&TLS12, &TLS13]));
        fails(&server, &trusted, ErrorKind::TlsHandshake, parts);
        let insecure = TlsOptions { insecure: true, ..TlsOptions::default() };
        assert_whole(&measure(&count(&server, &insecure, 3)), 3);
        assert_eq!(fetched(&server, &insecure).unwrap().body, b"pong");
    }
}

#[test]
fn a_name_that_the_certificate_has_can_be_asked_for() {
    let authority = Authority::new();
    let server = Server::ponging(config(&authority.issue("elsewhere.example"), &[&TLS13]));
    let options =
        TlsOptions { server_name: Some("elsewhere.example".to_owned()), ..authority.trusted() };
    assert_whole(&measure(&count(&server, &options, 3)), 3);
}

/// `openssl req -x509` makes a certificate that says of itself that it is an issuer's.
#[test]
fn a_servers_own_certificate_can_be_trusted() {
    let authority = Authority::new();
    for is_ca in [false, true] {
        let identity = Identity::self_signed("localhost", is_ca);
        let (ca, server) =
            (authority.file("own.pem"), Server::ponging(config(&identity, &[&TLS13])));
        std::fs::write(&ca, identity.pem()).unwrap();
        let options = TlsOptions { ca: Some(ca), ..TlsOptions::default() };
        assert_whole(&measure(&count(&server, &options, 3)), 3);
    }
    let identity = Identity::self_signed("elsewhere.example", true);
    let (ca, server) = (authority.file("own.pem"), Server::ponging(config(&identity, &[&TLS13])));
    std::fs::write(&ca, identity.pem()).unwrap();
    let options = TlsOptions { ca: Some(ca), ..TlsOptions::default() };
    fails(&server, &options, ErrorKind::TlsHandshake, &["not for `localhost`"]);
    fails(&server, &authority.trusted(), ErrorKind::TlsHandshake, &["CA:TRUE", "--cacert"]);
}

#[test]
fn a_demanded_client_certificate_is_given_or_the_alert_told() {
    let authority = Authority::new();
    let identity = authority.issue("localhost");
    let own = authority.with_identity(authority.trusted(), &authority.issue("client"));
    for version in [&TLS12, &TLS13] {
        let server = Server::ponging(demanding(&identity, &authority, &[version]));
        fails(
            &server,
            &authority.trusted(),
            ErrorKind::TlsAlert,
            &["certificate_required", "--key"],
        );
        assert_whole(&measure(&count(&server, &own, 3)), 3);
        assert_eq!(fetched(&server, &own).unwrap().body, b"pong");
    }
    let strange = Authority::new().issue("client");
    let strange = authority.with_identity(authority.trusted(), &strange);
    let server = Server::ponging(demanding(&identity, &authority, &[&TLS13]));
    fails(&server, &strange, ErrorKind::TlsAlert, &["unknown_ca", "--cert"]);
}

#[test]
fn no_common_version_is_told() {
    let authority = Authority::new();
    let server = Server::ponging(config(&authority.issue("localhost"), &[&TLS12]));
    let newer = TlsOptions { version: Some(TlsVersion::V1_3), ..authority.trusted() };
    fails(&server, &newer, ErrorKind::TlsAlert, &["protocol_version", "--tls"]);
    assert_whole(&measure(&count(&server, &authority.trusted(), 3)), 3);
}

#[test]
fn what_is_chosen_is_agreed_on_and_retries_are_counted() {
    let authority = Authority::new();
    let server = Server::ponging(config(&authority.issue("localhost"), &[&TLS13]));
    let options = TlsOptions {
        ciphers: vec!["TLS_CHACHA20_POLY1305_SHA256".to_owned()],
        groups: vec!["secp384r1".to_owned()],
        alpn: vec!["http/1.1".to_owned()],
        ..authority.trusted()
    };
    let tls = measure(&count(&server, &options, 3)).tls.unwrap();
    let agreement = tls.agreed.keys().next().unwrap();
    assert_eq!(agreement.cipher, "TLS_CHACHA20_POLY1305_SHA256");
    assert_eq!((agreement.group.as_deref(), agreement.alpn.as_deref()), (Some("secp384r1"), None));
    // A share is sent for the first group only; the server wants the second.
    let server =
        Server::ponging(of_one_group(&authority.issue("localhost"), NamedGroup::secp384r1));
    let both = vec!["secp256r1".to_owned(), "secp384r1".to_owned()];
    let options = TlsOptions { groups: both, ..authority.trusted() };
    let connection = ConnectionPolicy::Fresh;
    let sample = measure(&Load { connection, ..count(&server, &options, 4) });
    assert_whole(&sample, 4);
    assert_eq!(sample.tls.unwrap().hello_retries, 4);
}

#[test]
fn an_alert_in_place_of_a_response_is_told() {
    let authority = Authority::new();
    let server =
        Server::answering(config(&authority.issue("localhost"), &[&TLS13]), |stream, _| {
            // A record that nobody encrypted makes the server end the session.
            let _ = stream
                .conn
                .read_tls(&mut &b"\x17\x03\x03\x00\x20................................"[..]);
            assert!(stream.conn.process_new_packets().is_err());
            let _ = stream.conn.write_tls(&mut stream.sock);
            false
        });
    let parts = ["alert bad_record_mac", "log"];
    fails(&server, &authority.trusted(), ErrorKind::TlsAlert, &parts);
}

#[test]
fn a_close_without_close_notify_ends_what_is_framed_and_nothing_else() {
    let authority = Authority::new();
    let cutting = |response: &'static [u8], notify: bool| {
        Server::serving(config(&authority.issue("localhost"), &[&TLS13]), move |socket, config| {
            let session = ServerConnection::new(Arc::clone(config)).unwrap();
            let mut stream = StreamOwned::new(session, socket);
            if request(&mut stream).is_some() {
                stream.write_all(response).unwrap();
                if notify {
                    stream.conn.send_close_notify();
                    let _ = stream.flush();
                }
            }
        })
    };
    let until_close = b"HTTP/1.1 200 OK\r\n\r\npong";
    let trusted = authority.trusted();
    // A next request would meet a connection that is just being closed.
    let connection = ConnectionPolicy::Fresh;
    for (response, notify) in [(PONG, false), (PONG, true), (until_close, true)] {
        let server = cutting(response, notify);
        assert_whole(&measure(&Load { connection, ..count(&server, &trusted, 3) }), 3);
        assert_eq!(fetched(&server, &trusted).unwrap().body, b"pong");
    }
    let server = cutting(until_close, false);
    fails(&server, &trusted, ErrorKind::ReadClosedEarly, &["without the TLS alert close_notify"]);
    let half = &PONG[..PONG.len() - 1];
    let server = cutting(half, false);
    fails(&server, &trusted, ErrorKind::ReadClosedEarly, &["before the end of a response"]);
}

/// The alert alone ends the stream, although the connection stays open.
#[test]
fn the_alert_close_notify_ends_a_body_that_lasts_until_then() {
    let authority = Authority::new();
    let server =
        Server::serving(config(&authority.issue("localhost"), &[&TLS13]), |socket, config| {
            let kept = socket.try_clone().unwrap();
            let session = ServerConnection::new(Arc::clone(config)).unwrap();
            let mut stream = StreamOwned::new(session, socket);
            if request(&mut stream).is_some() {
                stream.conn.writer().write_all(b"HTTP/1.1 200 OK\r\n\r\npong").unwrap();
                stream.conn.send_close_notify();
                // Both in one segment.
                let mut bytes = Vec::new();
                stream.conn.write_tls(&mut bytes).unwrap();
                stream.sock.write_all(&bytes).unwrap();
                // Until the client closes.
                let _ = (&kept).read_to_end(&mut Vec::new());
            }
        });
    assert_whole(&measure(&count(&server, &authority.trusted(), 3)), 3);
    assert_eq!(fetched(&server, &authority.trusted()).unwrap().body, b"pong");
}

#[test]
fn a_handshake_that_never_ends_has_a_deadline() {
    let authority = Authority::new();
    let server =
        Server::serving(config(&authority.issue("localhost"), &[&TLS13]), |mut socket, _| {
            let _ = socket.read_to_end(&mut Vec::new());
        });
    let load =
        Load { timeout: Duration::from_millis(50), ..count(&server, &authority.trusted(), 1) };
    let sample = measure(&load);
    assert_eq!(sample.errors.count(ErrorKind::TlsHandshake), 1, "{:?}", sample.errors);
    let message = sample.errors.first(ErrorKind::TlsHandshake).unwrap();
    assert!(message.contains("no TLS handshake within 50ms"), "{message}");
    let options = FetchOptions {
        timeout: Duration::from_millis(50),
        tls: load.tls.clone(),
        ..FetchOptions::default()
    };
    let message = fetch(&server.address, &get(), &options).unwrap_err().to_string();
    assert!(message.contains("no TLS handshake within 50ms"), "{message}");
}

#[test]
fn a_server_that_speaks_no_tls_is_told() {
    let authority = Authority::new();
    let saying = |bytes: &'static [u8]| {
        Server::serving(config(&authority.issue("localhost"), &[&TLS13]), move |mut socket, _| {
            let mut some = [0; 8];
            let _ = socket.read(&mut some);
            let _ = socket.write_all(bytes);
            let _ = socket.shutdown(std::net::Shutdown::Write);
            let _ = socket.read_to_end(&mut Vec::new());
        })
    };
    let trusted = authority.trusted();
    let kind = ErrorKind::TlsHandshake;
    fails(&saying(b"HTTP/1.1 400 Bad Request\r\n\r\n"), &trusted, kind, &["write http://"]);
    fails(&saying(b"220 ready when you are\r\n"), &trusted, kind, &["not TLS"]);
    fails(&saying(b""), &trusted, kind, &["closed the connection in the TLS handshake"]);
}

#[test]
fn plain_http_asked_of_a_tls_server_is_told() {
    let authority = Authority::new();
    let server = Server::ponging(config(&authority.issue("localhost"), &[&TLS13]));
    let load = Load { tls: None, ..count(&server, &authority.trusted(), 1) };
    let sample = measure(&load);
    assert!(sample.tls.is_none());
    let message = sample.errors.first(ErrorKind::ReadMalformed).expect("malformed");
    assert!(message.contains("write https://"), "{message}");
    let error = fetch(&server.address, &get(), &FetchOptions::default()).unwrap_err();
    assert!(error.to_string().contains("write https://"), "{error}");
}

/// A server may end a session at any time; the request after that goes out on the next one.
#[test]
fn sessions_that_the_server_ends_are_made_anew() {
    let authority = Authority::new();
    let server = Server::answering(config(&authority.issue("localhost"), &[&TLS12, &TLS13]), {
        |stream, _| {
            let last = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\npong";
            stream.write_all(last).unwrap();
            false
        }
    });
    let sample = measure(&count(&server, &authority.trusted(), 10));
    assert_whole(&sample, 10);
    assert_eq!((sample.closed_by_server, sample.connections_opened), (10, 10));
}

#[test]
fn one_client_asks_several_times_over_one_session() {
    let authority = Authority::new();
    let server = Server::ponging(config(&authority.issue("localhost"), &[&TLS13]));
    let tls = Some(client(&authority.trusted()));
    let mut client =
        Client::new(server.address.clone(), FetchOptions { tls, ..FetchOptions::default() });
    for _ in 0..3 {
        assert!(!client.fetch(&get()).unwrap().server_closes);
    }
    assert_eq!(client.connections(), 1);
}
