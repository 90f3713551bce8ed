//! HTTP/2 over TLS: agreed on by ALPN, or not.

use crate::certificates::Authority;
use crate::server::{Server, config};
use crate::{assert_whole, client, count, fetched, get, measure};
use jigger_load::fetch::{FetchError, FetchOptions, chosen_http, fetch};
use jigger_load::{
    BodyRule, ConnectionPolicy, ErrorKind, Expect, Extent, Http, Load, NullOptions, NullServer,
    Request, TlsOptions, TlsVersion, Url, ceiling,
};
use rustls::version::{TLS12, TLS13};
use std::time::Duration;

fn insecure() -> TlsOptions {
    TlsOptions { insecure: true, ..TlsOptions::default() }
}

/// The null server over TLS, which agrees to these.
fn null(http: &[Http], body: &[u8]) -> NullServer {
    let (body, http) = (body.to_vec(), http.to_vec());
    NullServer::start(&NullOptions { tls: true, body, http, ..NullOptions::default() }).unwrap()
}

fn load(server: &NullServer, options: &TlsOptions, requests: u64) -> Load {
    Load {
        http: Http::V2,
        tls: Some(client(options)),
        extent: Extent::Count(requests),
        timeout: Duration::from_secs(20),
        ..Load::new(server.address().clone(), get())
    }
}

/// A server that responds in HTTP/1.1 and agrees to these by ALPN.
fn agreeing(authority: &Authority, protocols: &[&str]) -> Server {
    let mut config = config(&authority.issue("localhost"), &[&TLS12, &TLS13]);
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    Server::ponging(config)
}

#[test]
fn streams_and_fresh_connections_agree_on_h2_in_both_versions_of_tls() {
    let server = null(&[Http::V2, Http::V1], b"pong");
    for version in [TlsVersion::V1_2, TlsVersion::V1_3] {
        let plain = load(&server, &TlsOptions { version: Some(version), ..insecure() }, 400);
        for (load, connections) in [
            (Load { connections: 3, ..plain.clone() }, 3),
            (Load { connections: 4, threads: 2, pipeline: 10, ..plain.clone() }, 4),
            (Load { pipeline: 200, ..plain.clone() }, 1),
            (Load { connection: ConnectionPolicy::Fresh, connections: 2, ..plain.clone() }, 400),
        ] {
            let sample = measure(&load);
            assert_whole(&sample, 400);
            assert_eq!(sample.connections_opened, connections);
            let tls = sample.tls.unwrap();
            let [(agreement, count)] = tls.agreed.iter().collect::<Vec<_>>()[..] else {
                panic!("{:?}", tls.agreed)
            };
            assert_eq!((agreement.alpn.as_deref(), *count), (Some("h2"), connections));
        }
    }
}

#[test]
fn long_bodies_pass_both_ways() {
    let body = vec![b'z'; 300_000];
    let server = null(&[Http::V2], &body);
    let url = Url::parse("https://localhost/").unwrap();
    let request = Request::new("POST", &url, &[], &vec![b'y'; 200_000]).unwrap();
    let expect = Expect { status: Some(200), body: BodyRule::Exact(body.into()) };
    let requests = vec![(request, 1)];
    let load = Load { requests, expect, pipeline: 4, ..load(&server, &insecure(), 40) };
    assert_whole(&measure(&load), 40);
}

#[test]
fn a_single_request_is_in_the_version_that_is_asked_for() {
    let server = null(&[Http::V2, Http::V1], b"pong");
    for (http, version, alpn) in [(Http::V1, "HTTP/1.1", "http/1.1"), (Http::V2, "HTTP/2", "h2")] {
        let tls = Some(client(&insecure()));
        let options = FetchOptions { http, tls, ..FetchOptions::default() };
        let response = fetch(server.address(), &get(), &options).unwrap();
        assert_eq!((response.version, &response.body[..]), (version, &b"pong"[..]));
        assert_eq!(response.tls.unwrap().alpn.as_deref(), Some(alpn));
    }
}

#[test]
fn the_ceiling_is_one_over_http2_and_tls() {
    let nowhere = NullServer::start(&NullOptions::default()).unwrap();
    let shape = Load { connections: 2, pipeline: 10, ..load(&nowhere, &insecure(), 1) };
    let sample = ceiling(&shape, &NullOptions::default(), Duration::from_millis(200)).unwrap();
    assert!(sample.requests > 100 && sample.errors.total() == 0, "{:?}", sample.errors);
    assert_eq!(sample.tls.unwrap().agreed.keys().next().unwrap().alpn.as_deref(), Some("h2"));
}

/// With the alert of RFC 7301, and by saying nothing about ALPN.
#[test]
fn a_server_of_http1_alone_is_told_with_what_to_do() {
    let authority = Authority::new();
    for protocols in [&["http/1.1"][..], &[]] {
        let server = agreeing(&authority, protocols);
        for version in [TlsVersion::V1_2, TlsVersion::V1_3] {
            let options = TlsOptions { version: Some(version), ..authority.trusted() };
            let asked = Load { http: Http::V2, ..count(&server, &options, 2) };
            let sample = measure(&asked);
            assert_eq!((sample.requests, sample.errors.count(ErrorKind::Alpn)), (0, 2));
            let message = sample.errors.first(ErrorKind::Alpn).unwrap();
            let tls = Some(client(&options));
            let options = FetchOptions { http: Http::V2, tls, ..FetchOptions::default() };
            let fetched = fetch(&server.address, &get(), &options).unwrap_err().to_string();
            for part in ["offers only http/1.1", "--http 1.1", "protocol = \"http/1.1\""] {
                assert!(message.contains(part) && fetched.contains(part), "{message}\n{fetched}");
            }
        }
        assert_whole(&measure(&count(&server, &authority.trusted(), 3)), 3);
    }
}

#[test]
fn a_server_of_http2_alone_is_told_with_what_to_do() {
    let authority = Authority::new();
    let server = agreeing(&authority, &["h2"]);
    let sample = measure(&count(&server, &authority.trusted(), 1));
    let message = sample.errors.first(ErrorKind::Alpn).unwrap();
    assert!(message.contains("--http 2") && message.contains("protocol = \"h2\""), "{message}");
    let fetched = fetched(&server, &authority.trusted()).unwrap_err().to_string();
    assert_eq!(fetched, message);
}

#[test]
fn the_server_chooses_where_it_has_the_choice() {
    let authority = Authority::new();
    let chosen = |server: &Server| {
        chosen_http(&server.address, &client(&authority.trusted()), Duration::from_secs(5))
    };
    for (protocols, wanted) in [
        (&["h2", "http/1.1"][..], Http::V2),
        (&["http/1.1", "h2"], Http::V1),
        (&["http/1.1"], Http::V1),
        (&[], Http::V1),
        (&["h2"], Http::V2),
    ] {
        assert_eq!(chosen(&agreeing(&authority, protocols)).unwrap(), wanted, "{protocols:?}");
    }
    assert!(matches!(chosen(&agreeing(&authority, &["imap"])), Err(FetchError::Tls(_))));
    let plain = NullServer::start(&NullOptions::default()).unwrap();
    let asked = chosen_http(plain.address(), &client(&insecure()), Duration::from_secs(5));
    assert!(matches!(asked, Err(FetchError::Tls(_))), "{asked:?}");
}
