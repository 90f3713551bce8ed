//! The null server over TLS, and the ceiling that it gives.

use jigger_load::{
    Address, BodyRule, ConnectionPolicy, Expect, Extent, Load, NullOptions, NullServer, TlsClient,
    TlsOptions, ceiling,
};
use std::time::Duration;

use super::{assert_whole, get, measure};

fn insecure(resume: bool) -> TlsClient {
    let options = TlsOptions { insecure: true, resume, ..TlsOptions::default() };
    TlsClient::new(&options, "localhost").unwrap()
}

fn over_tls(address: &Address, requests: u64) -> Load {
    let tls = Some(insecure(false));
    Load { tls, extent: Extent::Count(requests), ..Load::new(address.clone(), get()) }
}

#[test]
fn it_answers_kept_fresh_and_pipelined_requests() {
    let server =
        NullServer::start(&NullOptions { tls: true, threads: 2, ..NullOptions::default() })
            .unwrap();
    let load = over_tls(server.address(), 200);
    assert_whole(&measure(&Load { connections: 8, ..load.clone() }), 200);
    assert_whole(&measure(&Load { pipeline: 4, connections: 2, ..load.clone() }), 200);
    let fresh = Load { connection: ConnectionPolicy::Fresh, connections: 4, ..load };
    let tls = measure(&fresh).tls.unwrap();
    assert_eq!((tls.handshake_time_ns.len(), tls.resumed), (200, 0));
    let tls = measure(&Load { tls: Some(insecure(true)), ..fresh }).tls.unwrap();
    assert!(tls.resumed > 150, "{}", tls.resumed);
}

#[test]
fn it_sends_on_what_the_kernel_had_no_room_for() {
    let body = vec![b'x'; 8 << 20];
    let options = NullOptions { tls: true, body: body.clone(), ..NullOptions::default() };
    let server = NullServer::start(&options).unwrap();
    let exact = Expect { status: Some(200), body: BodyRule::Exact(body.into()) };
    assert_whole(&measure(&Load { expect: exact, ..over_tls(server.address(), 5) }), 5);
}

#[test]
fn the_ceiling_of_a_load_over_tls_is_one_over_tls() {
    let nowhere = Address::Tcp("127.0.0.1:1".parse().unwrap());
    let options = TlsOptions {
        ca: Some("/nowhere".into()),
        insecure: true,
        groups: vec!["secp256r1".to_owned()],
        ..TlsOptions::default()
    };
    let tls = Some(TlsClient::new(&options, "elsewhere.example").unwrap());
    let load = Load { tls, connections: 4, ..Load::new(nowhere, get()) };
    let time = Duration::from_millis(100);
    let sample = ceiling(&load, &NullOptions::default(), time).unwrap();
    assert!(sample.requests > 0 && sample.errors.total() == 0, "{:?}", sample.errors);
    let tls = sample.tls.unwrap();
    assert_eq!(tls.agreed.keys().next().unwrap().group.as_deref(), Some("secp256r1"));
}
