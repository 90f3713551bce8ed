//! `--http` with https URLs: agreed on by ALPN, against the null server over TLS.

use jigger_load::Http;

use crate::lab::{COUNTED, Lab};
use crate::tls::Secure;

const BOTH: [Http; 2] = [Http::V2, Http::V1];

#[test]
fn a_load_over_http2_and_tls_says_what_was_agreed_on() {
    let secure = Secure::agreeing(&BOTH);
    let load =
        ["load", &secure.url, "--insecure", "--http", "2", "-m", "5", "-c", "2", "-n", "400"];
    secure.jigger(&load).expect(0, &["2 connections x 5 streams (HTTP/2)", "400 requests", ", h2"]);
    let report = secure.json(&load);
    assert_eq!((&report["http"], &report["streams"]), (&"2".into(), &5.into()));
    assert_eq!(report["tls"]["agreed"][0]["alpn"], "h2");
    let fresh = ["load", &secure.url, "--insecure", "--http", "2", "--fresh", "-n", "30"];
    assert_eq!(secure.json(&fresh)["tls"]["handshakes"], 30);
}

#[test]
fn auto_is_what_the_server_chooses() {
    let (both, old) = (Secure::agreeing(&BOTH), Secure::agreeing(&[Http::V1]));
    let plain = both.plain_url();
    let (_server, null) = crate::lab::null_server();
    for (secure, url, more, http) in [
        (&both, &both.url, &["--insecure"][..], "2"),
        (&both, &both.url, &["--insecure", "-m", "3"], "2"),
        (&old, &old.url, &["--insecure"], "1.1"),
        (&old, &null, &[], "1.1"),
    ] {
        let load = ["load", url, "--http", "auto", "-n", "20", "-c", "2"];
        let report = secure.json(&[&load[..], more].concat());
        assert_eq!((&report["http"], &report["requests"]), (&http.into(), &20.into()), "{url}");
    }
    let streams = ["load", &old.url, "--insecure", "--http", "auto", "-m", "3", "-n", "1"];
    old.jigger(&streams).expect(2, &["the server speaks HTTP/1.1", "leave out -m"]);
    let untrusted = old.jigger(&["load", &old.url, "--http", "auto", "-n", "1"]);
    untrusted.expect(3, &["https://localhost", "--cacert"]);
    let closed = old.jigger(&["load", "https://127.0.0.1:1/", "--http", "auto", "--insecure"]);
    closed.expect(3, &["nothing listens on 127.0.0.1:1"]);
    assert!(plain.starts_with("http://"), "{plain}");
}

#[test]
fn a_server_of_another_version_is_told_with_the_flag_that_helps() {
    let old = Secure::agreeing(&[Http::V1]);
    let load = ["load", &old.url, "--insecure", "--http", "2", "-n", "3"];
    old.jigger(&load).expect(3, &["3 alpn", "offers only http/1.1", "--http 1.1"]);
    let new = Secure::agreeing(&[Http::V2]);
    let load = ["load", &new.url, "--insecure", "-n", "3"];
    new.jigger(&load).expect(3, &["3 alpn", "does not offer HTTP/1.1", "--http 2"]);
}

#[test]
fn timeit_says_that_it_was_in_http2() {
    let secure = Secure::agreeing(&BOTH);
    for version in ["2", "auto"] {
        let timed = ["timeit", &secure.url, "-n", "20", "--insecure", "--http", version];
        secure.jigger(&timed).expect(0, &["a new connection for each (HTTP/2)"]);
        let kept = secure.json(&[&timed[..], &["-k"]].concat());
        assert_eq!(kept["urls"][0]["http"], "2");
        assert_eq!(kept["urls"][0]["rounds"][0]["requests"], 20);
    }
    let old = Secure::agreeing(&[Http::V1]);
    let timed = ["timeit", &old.url, "-n", "2", "--insecure", "--http", "2"];
    old.jigger(&timed).expect(3, &["2 failed (alpn)", "--http 1.1"]);
}

fn compare(one: &Secure, other: &Secure, more: &[&str]) -> crate::lab::Outcome {
    let (first, second) = (format!("a={}", one.url), format!("b={}", other.url));
    let asked =
        ["compare", &first, &second, "--insecure", "-c", "2", "-d", "100ms", "--rounds", "1"];
    one.jigger(&[&asked[..], &["--record", "record.json"], more].concat())
}

#[test]
fn a_comparison_is_in_the_version_that_all_servers_choose() {
    let (one, other) = (Secure::agreeing(&BOTH), Secure::agreeing(&BOTH));
    for version in ["2", "auto"] {
        let compared = compare(&one, &other, &["--http", version, "-m", "4"]);
        compared.expect(0, &["2 connections x 4 streams (HTTP/2)"]);
        let record = one.lab.record();
        let scenarios = record["suite"]["scenarios"].as_array().unwrap();
        assert!(scenarios[1]["ceiling_per_second"].as_f64().unwrap() > 0.0);
        for visit in record["visits"].as_array().unwrap() {
            assert_eq!(visit["evidence"]["http_version"], "2");
            assert_eq!(visit["evidence"]["tls"]["alpn"], "h2");
            assert_eq!(visit["trials"][1]["tls"]["agreed"]["alpn"], "h2");
        }
    }
    let old = Secure::agreeing(&[Http::V1]);
    let mixed = compare(&one, &old, &["--http", "auto"]);
    mixed.expect(2, &["a chooses HTTP/2 and b HTTP/1.1", "--http 1.1"]);
    let unable = compare(&one, &old, &["--http", "2", "--quick"]);
    unable.expect(3, &["offers only http/1.1", "protocol = \"http/1.1\""]);
}

#[test]
fn a_suite_has_http2_over_tls_by_its_protocol() {
    let secure = Secure::agreeing(&BOTH);
    let own = secure.lab.path("own.pem");
    let contender = format!(
        "[[contender]]\nname = \"one\"\nurl = \"{}\"\ntls = {{ ca = \"{}\" }}\n\
         expect = {{ text = \"pong\" }}\n",
        secure.url,
        own.display()
    );
    let scenarios =
        COUNTED.replace("\nconnections", "\nprotocol = \"h2\"\nstreams = 3\nconnections");
    let lab = Lab::new("", &[contender], &scenarios);
    let text = std::fs::read_to_string(lab.path("suite.toml")).unwrap();
    let text = text.replace("[expect]\njson = { message = \"pong\" }", "");
    std::fs::write(lab.path("suite.toml"), text).unwrap();
    lab.run_quick().expect(0, &["4 connections x 3 streams (HTTP/2)"]);
    let record = lab.record();
    let trials = record["visits"][0]["trials"].as_array().unwrap();
    let agreed = trials.iter().map(|trial| (&trial["scenario"], &trial["tls"]["agreed"]["alpn"]));
    let agreed: Vec<_> = agreed.map(|(name, alpn)| (name.as_str(), alpn.as_str())).collect();
    assert!(agreed.contains(&(Some("sequential"), Some("http/1.1"))), "{agreed:?}");
    assert!(agreed.contains(&(Some("saturation"), Some("h2"))), "{agreed:?}");
}
