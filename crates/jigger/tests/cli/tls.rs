//! https URLs, against the built-in null server with a certificate of its own.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;

use jigger_load::{Address, Http, NullOptions, NullServer};
use serde_json::Value;

use crate::lab::{Lab, Outcome, null_server};

/// A null server over TLS, its URL, and a lab whose file `own.pem` is its certificate.
pub struct Secure {
    _server: NullServer,
    pub url: String,
    pub lab: Lab,
}

impl Secure {
    fn start() -> Self {
        Self::agreeing(&[Http::V2, Http::V1])
    }

    /// One that agrees to these by ALPN, the best first.
    pub fn agreeing(http: &[Http]) -> Self {
        let options = NullOptions { tls: true, http: http.to_vec(), ..NullOptions::default() };
        let server = NullServer::start(&options).unwrap();
        let Address::Tcp(address) = server.address() else { panic!("the default is TCP") };
        let url = format!("https://localhost:{}/", address.port());
        let lab = Lab::new("", &[], "");
        std::fs::write(lab.path("own.pem"), server.certificate().unwrap()).unwrap();
        Self { url, lab, _server: server }
    }

    pub fn jigger(&self, arguments: &[&str]) -> Outcome {
        self.lab.run(arguments)
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        let outcome = self.jigger(&[arguments, &["--format", "json"]].concat());
        outcome.expect(0, &[]);
        serde_json::from_str(&outcome.stdout).unwrap()
    }

    pub fn plain_url(&self) -> String {
        self.url.replace("https:", "http:")
    }
}

#[test]
fn a_load_over_tls_says_what_was_agreed_on() {
    let secure = Secure::start();
    let load = ["load", &secure.url, "-n", "300", "-c", "3"];
    let trusting = [&load[..], &["--cacert", "own.pem"]].concat();
    secure.jigger(&trusting).expect(0, &["TLS: TLS 1.3, TLS_", "EC secp256r1", "handshakes: 3"]);
    let report = secure.json(&[&load[..], &["--insecure", "--tls", "1.2"]].concat());
    assert_eq!((&report["requests"], &report["tls"]["handshakes"]), (&300.into(), &3.into()));
    let agreed = &report["tls"]["agreed"][0];
    assert_eq!((&agreed["version"], &agreed["handshakes"]), (&"1.2".into(), &3.into()));
    let groups = [&load[..], &["--insecure", "--groups", "secp256r1"]].concat();
    assert_eq!(secure.json(&groups)["tls"]["agreed"][0]["group"], "secp256r1");
}

#[test]
fn new_connections_show_their_handshakes() {
    let secure = Secure::start();
    let load = ["load", &secure.url, "-n", "60", "-c", "2", "--insecure", "--fresh"];
    secure.jigger(&load).expect(0, &["TLS handshake", "handshakes: 60"]);
    let resumed = secure.json(&[&load[..], &["--resume"]].concat());
    assert!(resumed["tls"]["resumed"].as_u64().unwrap() > 40, "{resumed:#}");
    assert!(resumed["tls"]["handshake_time_us"]["p50"].as_f64().unwrap() > 0.0);
}

#[test]
fn a_certificate_that_is_not_trusted_fails_with_the_flag_that_helps() {
    let secure = Secure::start();
    let missing = secure.jigger(&["load", &secure.url, "-n", "3"]);
    missing.expect(3, &["3 tls_handshake", "--cacert", "--insecure"]);
    let name = ["load", &secure.url, "-n", "3", "--cacert", "own.pem", "--sni", "h.example"];
    secure.jigger(&name).expect(3, &["not for `h.example`", "localhost", "--sni"]);
}

#[test]
fn the_wrong_scheme_is_told() {
    let secure = Secure::start();
    let plain = secure.jigger(&["load", &secure.plain_url(), "-n", "3"]);
    plain.expect(3, &["write https://"]);
    let (_server, url) = null_server();
    let https = url.replace("http:", "https:");
    let outcome = secure.jigger(&["load", &https, "-n", "3", "--insecure"]);
    outcome.expect(3, &["does it speak TLS on this port? If not, write http://"]);
}

/// nginx, Apache and Go answer so.
#[test]
fn a_server_that_says_that_it_speaks_tls_is_believed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.unwrap();
            let _ = socket.read(&mut [0; 1000]);
            let body = "The plain HTTP request was sent to HTTPS port";
            let length = body.len();
            let _ = write!(
                socket,
                "HTTP/1.1 400 Bad Request\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
        }
    });
    let lab = Lab::new("", &[], "");
    let load = lab.run(&["load", &url, "-n", "2", "-c", "1"]);
    load.expect(3, &["2 x 400"]);
    assert!(load.stderr.contains("write https://"), "{}", load.stderr);
    let (a, b) = (format!("a={url}"), format!("b={url}"));
    let compare = lab.run(&["compare", &a, &b, "--quick"]);
    compare.expect(3, &["speaks TLS on this port; write https:// in the url"]);
}

#[test]
fn flags_that_cannot_be_meant_are_refused() {
    let secure = Secure::start();
    let (url, plain) = (secure.url.as_str(), secure.plain_url());
    for (arguments, wanted) in [
        (&["load", &plain, "--insecure"][..], "the TLS flags have no effect without TLS"),
        (&["timeit", &plain, "--sni", "h"], "the TLS flags have no effect without TLS"),
        (
            &["compare", &format!("a={plain}"), &format!("b={plain}"), "--insecure"],
            "no server has an https:// URL",
        ),
        (&["load", url, "--cert", "own.pem"], "--key"),
        (&["load", url, "--resume"], "--fresh"),
        (&["load", url, "--cacert", "none.pem"], "cannot use none.pem"),
        (&["load", url, "--insecure", "--ciphers", "RC4"], "jigger has no cipher suite `RC4`"),
        (&["load", url, "--tls", "1.1"], "1.2, 1.3"),
    ] {
        let outcome = secure.jigger(arguments);
        outcome.expect(2, &[]);
        assert!(outcome.stderr.contains(wanted), "{wanted}: {}", outcome.stderr);
    }
}

#[test]
fn timeit_and_wrk_ask_over_tls() {
    let secure = Secure::start();
    let timed = ["timeit", &secure.url, "-n", "20", "--cacert", "own.pem", "--resume"];
    secure.jigger(&timed).expect(0, &["requests one after another"]);
    let wrk = secure.jigger(&["wrk", "-t1", "-c2", "-d1s", &secure.url]);
    wrk.expect(0, &["Requests/sec:"]);
    assert!(!wrk.stdout.contains("Socket errors"), "{}", wrk.stdout);
    std::fs::write(secure.lab.path("s.lua"), "print('scheme ' .. wrk.scheme)").unwrap();
    let scripted = secure.jigger(&["wrk", "-t1", "-c2", "-d1s", "-s", "s.lua", &secure.url]);
    scripted.expect(0, &["scheme https", "Requests/sec:"]);
    assert!(!scripted.stdout.contains("Socket errors"), "{}", scripted.stdout);
}

/// The certificate, the version asked for, and what was measured, all through the suite and its record.
#[test]
fn a_suite_measures_handshakes_and_keeps_what_was_agreed_on() {
    let (one, other) = (Secure::start(), Secure::start());
    let ca = |secure: &Secure| -> PathBuf { secure.lab.path("own.pem") };
    let contender = |name: &str, secure: &Secure, more: &str| {
        format!(
            "[[contender]]\nname = \"{name}\"\nurl = \"{}\"\ntls = {{ ca = \"{}\"{more} }}\n\
             expect = {{ text = \"pong\" }}\n",
            secure.url,
            ca(secure).display()
        )
    };
    let scenarios = "[[scenario]]\nname = \"kept\"\nconnections = 4\nrequests = 200\n\
                     [[scenario]]\nname = \"full\"\nconnection = \"fresh\"\nrequests = 30\n\
                     [[scenario]]\nname = \"resumed\"\nconnection = \"resumed\"\nrequests = 30\n";
    let contenders =
        [contender("one", &one, ""), contender("other", &other, ", version = \"1.2\"")];
    let lab = Lab::new("", &contenders, scenarios);
    let text = std::fs::read_to_string(lab.path("suite.toml")).unwrap();
    let text = text.replace("[expect]\njson = { message = \"pong\" }", "");
    std::fs::write(lab.path("suite.toml"), text).unwrap();
    lab.run_quick().expect(0, &["TLS resumed", "tls-differs (other): TLS parameters differ"]);
    let record = lab.record();
    let visit = |entry: &str| {
        let visits = record["visits"].as_array().unwrap();
        visits.iter().find(|visit| visit["entry"] == entry).unwrap()
    };
    assert_eq!(visit("one")["evidence"]["tls"]["version"], "1.3");
    assert_eq!(visit("other")["evidence"]["tls"]["version"], "1.2");
    for entry in ["one", "other"] {
        let trial = |scenario: &str| {
            let trials = visit(entry)["trials"].as_array().unwrap();
            trials.iter().find(|trial| trial["scenario"] == scenario).unwrap()["tls"].clone()
        };
        assert_eq!(trial("kept")["handshakes"], 4);
        assert_eq!(
            (&trial("full")["handshakes"], &trial("full")["resumed"]),
            (&30.into(), &0.into())
        );
        assert!(trial("resumed")["resumed"].as_u64().unwrap() >= 28, "{}", trial("resumed"));
    }
    let found = lab.run(&["report", "record.json", "--format", "json"]);
    assert!(found.stdout.contains("\"tls-differs\""), "{}", found.stdout);
    assert!(!found.stdout.contains("\"tls-not-resumed\""), "{}", found.stdout);
}

#[test]
fn servers_over_tls_are_compared() {
    let secure = Secure::start();
    let (a, b) = (format!("a={}", secure.url), format!("b={}", secure.url));
    let compare = |more: &[&str]| {
        let arguments = ["compare", &a, &b, "--quick", "-c", "2", "-d", "0.1"];
        secure.jigger(&[&arguments[..], more].concat())
    };
    compare(&["--insecure"]).expect(0, &["saturation"]);
    let refused = compare(&[]);
    refused.expect(3, &["not trusted", "--cacert", "`tls.ca`"]);
}

#[test]
fn a_server_that_is_asked_without_its_certificate_is_not_measured() {
    let secure = Secure::start();
    let mut command = Command::new(env!("CARGO_BIN_EXE_jigger"));
    let output = command.args(["timeit", &secure.url, "-n", "2"]).output().unwrap();
    Outcome::of(&output).expect(3, &["2 failed (tls_handshake)"]);
}

/// A server that accepts and never speaks: no handshake ends, and no request has a response.
fn silent_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let accepted: Vec<_> = listener.incoming().collect();
        drop(accepted);
    });
    port
}

#[test]
fn a_load_without_a_response_says_what_it_waited_for() {
    let lab = Lab::new("", &[], "");
    let (secure, plain) =
        ["https", "http"].map(|scheme| format!("{scheme}://127.0.0.1:{}/", silent_port())).into();
    let load = ["-c", "2", "-d", "300ms", "-q"];
    let waited = lab.run(&[&["load", &secure, "--insecure"], &load[..]].concat());
    waited.expect(3, &["2 TLS handshakes were under way at the end, the oldest for 0.3 s"]);
    waited
        .expect(3, &["does it speak TLS on this port?", "no response: 2 of 2 requests at the end"]);
    let waited = lab.run(&[&["load", &plain], &load[..]].concat());
    waited.expect(3, &["no response: 2 of 2 requests at the end"]);
    let wrk = lab.run(&["wrk", "-v", "-t", "1", "-c", "2", "-d", "1s", "-T", "9s", &secure]);
    wrk.expect(0, &["2 TLS handshakes were under way at the end"]);
}

#[test]
fn wrk_counts_handshakes_that_fail_as_connections_that_do() {
    let lab = Lab::new("", &[], "");
    let (_server, url) = null_server();
    let url = url.replace("http:", "https:");
    let wrk = lab.run(&["wrk", "-v", "-t", "1", "-c", "2", "-d", "1s", &url]);
    wrk.expect(
        0,
        &[
            "  Socket errors: connect ",
            "tls_handshake: the server closed the connection in the TLS",
        ],
    );
}

/// wrk keeps OpenSSL's session over reconnections, so that only the first handshakes are full.
#[test]
fn wrk_resumes_sessions_when_it_connects_again() {
    let secure = Secure::start();
    let wrk = ["wrk", "-t", "1", "-c", "2", "-d", "1s", "-H", "Connection: close", &secure.url];
    let report = secure.json(&wrk);
    let tls = &report["tls"];
    let [handshakes, resumed] = ["handshakes", "resumed"].map(|key| tls[key].as_u64().unwrap());
    assert!(handshakes > 10 && resumed + 2 >= handshakes, "{tls:#}");
}
