//! HTTP/2 over TLS with servers of others, where they are installed.

use crate::certificates::Authority;
use crate::{assert_whole, client, measure};
use jigger_load::fetch::connects;
use jigger_load::{Address, BodyRule, Expect, Extent, Http, Load, Request, Url};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server's process, which ends with the test.
struct Peer(Child);

impl Drop for Peer {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// None where the program is not installed.
fn start(command: &mut Command, address: &Address) -> Option<Peer> {
    let started = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    if started.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
        return None;
    }
    let mut peer = Peer(started.unwrap());
    let limit = Instant::now() + Duration::from_secs(20);
    while !connects(address, Duration::from_secs(1)) {
        assert_eq!(peer.0.try_wait().unwrap(), None, "{command:?} has ended");
        assert!(Instant::now() < limit, "{command:?} does not listen");
        std::thread::sleep(Duration::from_millis(5));
    }
    Some(peer)
}

fn free_address() -> Address {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    Address::Tcp(listener.local_addr().unwrap())
}

fn port(address: &Address) -> String {
    address.to_string().rsplit_once(':').unwrap().1.to_owned()
}

/// So many requests that each is answered `pong`; how often the server ended a connection.
fn loaded(address: &Address, authority: &Authority, requests: u64) -> u64 {
    let request = Request::get(&Url::parse("https://localhost/pong.txt").unwrap());
    let load = Load {
        http: Http::V2,
        tls: Some(client(&authority.trusted())),
        connections: 3,
        pipeline: 10,
        extent: Extent::Count(requests),
        timeout: Duration::from_secs(20),
        expect: Expect { status: Some(200), body: BodyRule::Exact(b"pong"[..].into()) },
        ..Load::new(address.clone(), request)
    };
    let sample = measure(&load);
    assert_whole(&sample, requests);
    let tls = sample.tls.unwrap();
    assert!(tls.agreed.keys().all(|agreement| agreement.alpn.as_deref() == Some("h2")));
    sample.closed_by_server
}

#[test]
fn nghttpd_answers_every_request() {
    let (authority, address) = (Authority::new(), free_address());
    let (certificate, key) = authority.issue_files("localhost");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pong.txt"), "pong").unwrap();
    let mut command = Command::new("nghttpd");
    command.args(["-a", "127.0.0.1", "-d"]).arg(folder.path());
    command.arg(port(&address)).args([key, certificate]);
    let Some(_peer) = start(&mut command, &address) else { return };
    assert_eq!(loaded(&address, &authority, 1_000), 0);
}

fn nginx_config(folder: &Path, address: &Address, files: (&Path, &Path)) -> String {
    let (folder, certificate, key) = (folder.display(), files.0.display(), files.1.display());
    format!(
        "daemon off; master_process off; pid {folder}/pid; error_log stderr;\n\
         events {{ worker_connections 64; }}\n\
         http {{ access_log off; keepalive_requests 100; client_body_temp_path {folder}/body;\n\
         proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u;\n\
         scgi_temp_path {folder}/s;\n\
         server {{ listen {address} ssl http2; ssl_certificate {certificate};\n\
         ssl_certificate_key {key}; location / {{ return 200 pong; }} }} }}\n"
    )
}

/// It ends each connection with GOAWAY after 100 requests.
#[test]
fn nginx_ends_connections_and_no_request_fails() {
    let (authority, address) = (Authority::new(), free_address());
    let (certificate, key) = authority.issue_files("localhost");
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("nginx.conf");
    std::fs::write(&config, nginx_config(folder.path(), &address, (&certificate, &key))).unwrap();
    let mut command = Command::new("nginx");
    command.arg("-p").arg(folder.path()).args(["-e", "stderr", "-c"]).arg(&config);
    let Some(_peer) = start(&mut command, &address) else { return };
    let closed = loaded(&address, &authority, 2_000);
    assert!(closed >= 15, "{closed}");
}
