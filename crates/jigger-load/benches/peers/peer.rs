//! The load generators compared: how each is called and how its figures are read.

use std::path::{Path, PathBuf};

/// The files with what each request posts.
pub struct Posted {
    body: PathBuf,
    /// wrk's script.
    script: PathBuf,
}

impl Posted {
    pub fn write(folder: &Path, bytes: usize) -> std::io::Result<Posted> {
        let posted = Posted { body: folder.join("body"), script: folder.join("post.lua") };
        std::fs::write(&posted.body, "x".repeat(bytes))?;
        let script = format!("wrk.method = 'POST'\nwrk.body = string.rep('x', {bytes})\n");
        std::fs::write(&posted.script, script)?;
        Ok(posted)
    }
}

/// What each is given.
pub struct Shape<'a> {
    pub url: &'a str,
    pub connections: usize,
    pub seconds: u64,
    /// Each request has a connection of its own.
    pub is_fresh: bool,
    /// Over HTTP/2 without TLS so many on each connection; `None`: HTTP/1.1.
    pub streams: Option<usize>,
    pub posted: Option<&'a Posted>,
}

impl Shape<'_> {
    fn speaks_http1(&self) -> Option<()> {
        self.streams.is_none().then_some(())
    }

    /// The words that have a peer post a file.
    fn posting(&self, words: &str) -> Option<String> {
        self.posted.map(|posted| format!("{words}{}", posted.body.display()))
    }

    fn is_https(&self) -> bool {
        self.url.starts_with("https://")
    }
}

/// What one run gave.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    pub requests: f64,
    pub requests_per_second: f64,
    /// Where the peer prints them in a way that is read here.
    pub p50_us: f64,
    pub p99_us: f64,
    pub client_cpu_us_per_request: f64,
    pub server_cpu_us_per_request: f64,
}

/// One load generator.
pub struct Peer {
    pub name: &'static str,
    /// The program; empty for this one.
    pub program: &'static str,
    /// `None` where it cannot do that.
    arguments: fn(&Shape<'_>) -> Option<Vec<String>>,
    read: fn(&str) -> Option<Figures>,
}

impl Peer {
    pub fn arguments(&self, shape: &Shape<'_>) -> Option<Vec<String>> {
        (self.arguments)(shape)
    }

    /// The figures in what it printed; `None` when they are not all there.
    pub fn read(&self, text: &str) -> Option<Figures> {
        (self.read)(text)
    }
}

const PEERS: &[Peer] = &[
    Peer { name: "wrk", program: "wrk", arguments: wrk, read: read_wrk },
    Peer { name: "h2load", program: "h2load", arguments: h2load, read: read_h2load },
    Peer {
        name: "floor",
        program: "",
        // It speaks no TLS and keeps its connections.
        arguments: |shape| {
            let address = shape.url.strip_prefix("http://")?.trim_end_matches('/');
            let is_possible = !shape.is_fresh && shape.streams.is_none() && shape.posted.is_none();
            is_possible.then(|| own("floor", &Shape { url: address, ..*shape }, &[]))
        },
        read: read_own,
    },
    Peer {
        name: "jigger",
        program: "",
        arguments: |shape| Some(own("engine", shape, &[])),
        read: read_own,
    },
    Peer {
        name: "jigger --batch",
        program: "",
        arguments: |shape| Some(own("engine", shape, &["batch"])),
        read: read_own,
    },
    Peer {
        name: "jigger --resume",
        program: "",
        arguments: |shape| {
            (shape.is_fresh && shape.is_https()).then(|| own("engine", shape, &["resume"]))
        },
        read: read_own,
    },
    Peer { name: "ab", program: "ab", arguments: ab, read: read_ab },
    Peer { name: "oha", program: "oha", arguments: oha, read: read_oha },
    Peer { name: "hey", program: "hey", arguments: hey, read: read_hey },
];

/// The peers that this machine has, and on stderr those that it lacks.
pub fn installed() -> Vec<Peer> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let has = |program: &str| {
        program.is_empty()
            || std::env::split_paths(&folders).any(|folder| folder.join(program).is_file())
    };
    let (found, missing): (Vec<&Peer>, Vec<&Peer>) =
        PEERS.iter().partition(|peer| has(peer.program));
    for peer in missing {
        eprintln!("{} is not on PATH and is left out", peer.name);
    }
    found.into_iter().map(|peer| Peer { ..*peer }).collect()
}

fn own(verb: &str, shape: &Shape<'_>, options: &[&str]) -> Vec<String> {
    let (connections, seconds) = (shape.connections.to_string(), shape.seconds.to_string());
    let mut words = vec![verb.to_owned(), shape.url.to_owned(), connections, seconds];
    words.extend(options.iter().map(|word| (*word).to_owned()));
    words.extend(shape.is_fresh.then(|| "fresh".to_owned()));
    words.extend(shape.streams.map(|streams| format!("h2:{streams}")));
    words.extend(shape.posting("post:"));
    words
}

/// The words of `text`, those of `more`, and the URL.
fn words(shape: &Shape<'_>, text: &str, more: &[Option<&str>]) -> Vec<String> {
    let more = more.iter().copied().flatten();
    let words = std::iter::once(text).chain(more).flat_map(|words| words.split(' '));
    words.chain([shape.url]).map(str::to_owned).collect()
}

/// With fresh connections it has the server close them.
fn wrk(shape: &Shape<'_>) -> Option<Vec<String>> {
    shape.speaks_http1()?;
    let text = format!("-t1 -c{} -d{}s --latency", shape.connections, shape.seconds);
    let script = shape.posted.map(|posted| format!("-s {}", posted.script.display()));
    let mut words = words(shape, &text, &[script.as_deref()]);
    if shape.is_fresh {
        words.splice(0..0, ["-H".to_owned(), "Connection: close".to_owned()]);
    }
    Some(words)
}

fn ab(shape: &Shape<'_>) -> Option<Vec<String>> {
    shape.speaks_http1()?;
    // A time alone would end at 50,000 requests.
    let text = format!("-q -c {} -t {} -n 100000000", shape.connections, shape.seconds);
    let body = shape.posting("-T text/plain -p ");
    let keep = (!shape.is_fresh).then_some("-k");
    Some(words(shape, &text, &[keep, body.as_deref()]))
}

fn h2load(shape: &Shape<'_>) -> Option<Vec<String>> {
    let http = shape.streams.map_or("--h1".to_owned(), |streams| format!("-m{streams}"));
    let text = format!("{http} -t1 -c{} -D{} --warm-up-time=0", shape.connections, shape.seconds);
    let body = shape.posting("-d ");
    (!shape.is_fresh).then(|| words(shape, &text, &[body.as_deref()]))
}

/// It resumes sessions, which cannot be turned off.
fn oha(shape: &Shape<'_>) -> Option<Vec<String>> {
    let text =
        format!("--no-tui --output-format json -c {} -z {}s", shape.connections, shape.seconds);
    let version = match shape.streams {
        Some(streams) => format!("--http-version 2 -p {streams}"),
        None => "--http-version 1.1".to_owned(),
    };
    let body = shape.posting("-m POST -D ");
    let more = [
        Some(version.as_str()),
        shape.is_fresh.then_some("--disable-keepalive"),
        shape.is_https().then_some("--insecure"),
        body.as_deref(),
    ];
    Some(words(shape, &text, &more))
}

fn hey(shape: &Shape<'_>) -> Option<Vec<String>> {
    shape.speaks_http1()?;
    let text = format!("-cpus 1 -c {} -z {}s", shape.connections, shape.seconds);
    let body = shape.posting("-m POST -D ");
    let fresh = shape.is_fresh.then_some("-disable-keepalive");
    Some(words(shape, &text, &[fresh, body.as_deref()]))
}

fn read_own(text: &str) -> Option<Figures> {
    Some(Figures {
        requests: after(text, "requests ")?,
        requests_per_second: after(text, "rate ")?,
        p50_us: after(text, "p50 ")?,
        p99_us: after(text, "p99 ")?,
        ..Figures::default()
    })
}

fn read_wrk(text: &str) -> Option<Figures> {
    Some(Figures {
        requests: before(text, " requests in")?,
        requests_per_second: after(text, "Requests/sec:")?,
        p50_us: microseconds(line(text, " 50% ")?)?,
        p99_us: microseconds(line(text, " 99% ")?)?,
        ..Figures::default()
    })
}

fn read_ab(text: &str) -> Option<Figures> {
    rate_and_count(after(text, "Requests per second:"), after(text, "Complete requests:"))
}

fn read_h2load(text: &str) -> Option<Figures> {
    rate_and_count(before(text, " req/s"), before(text, " succeeded,"))
}

/// The first `requestsPerSec` is that of the summary.
fn read_oha(text: &str) -> Option<Figures> {
    rate_and_count(after(text, "\"requestsPerSec\":"), after(text, "\"200\":"))
}

fn read_hey(text: &str) -> Option<Figures> {
    rate_and_count(after(text, "Requests/sec:"), after(text, "[200]"))
}

fn rate_and_count(requests_per_second: Option<f64>, requests: Option<f64>) -> Option<Figures> {
    Some(Figures {
        requests: requests?,
        requests_per_second: requests_per_second?,
        ..Figures::default()
    })
}

/// The number that follows a word.
fn after(text: &str, word: &str) -> Option<f64> {
    let rest = text.split_once(word)?.1.trim_start();
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    rest[..end].parse().ok()
}

/// The number that stands before a word.
fn before(text: &str, word: &str) -> Option<f64> {
    let rest = text.split_once(word)?.0;
    rest.rsplit([' ', '\n', '\t']).next()?.parse().ok()
}

/// What stands in a line after a word.
fn line<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    text.split_once(word)?.1.lines().next().map(str::trim)
}

/// wrk's times: `12.34us`, `1.23ms`, `1.20s`.
fn microseconds(text: &str) -> Option<f64> {
    let units = [("us", 1.0), ("ms", 1e3), ("s", 1e6)];
    let (number, factor) =
        units.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)))?;
    number.parse::<f64>().ok().map(|value| value * factor)
}
