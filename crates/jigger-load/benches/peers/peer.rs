//! The load generators compared: how each is called and how its figures are read.

/// What is asked of each.
pub struct Shape<'a> {
    pub address: &'a str,
    pub connections: usize,
    pub seconds: u64,
    /// Over HTTP/2 so many on each connection; `None`: HTTP/1.1.
    pub streams: Option<usize>,
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
    /// Whether it speaks HTTP/2 without TLS.
    pub speaks_h2c: bool,
    arguments: fn(&Shape<'_>) -> Vec<String>,
    read: fn(&str) -> Option<Figures>,
}

impl Peer {
    pub fn arguments(&self, shape: &Shape<'_>) -> Vec<String> {
        (self.arguments)(shape)
    }

    /// The figures in what it printed; `None` when they are not all there.
    pub fn read(&self, text: &str) -> Option<Figures> {
        (self.read)(text)
    }
}

const PEERS: &[Peer] = &[
    Peer { name: "wrk", program: "wrk", speaks_h2c: false, arguments: wrk, read: read_wrk },
    Peer {
        name: "h2load",
        program: "h2load",
        speaks_h2c: true,
        arguments: h2load,
        read: read_h2load,
    },
    Peer {
        name: "floor",
        program: "",
        speaks_h2c: false,
        arguments: |shape| own("floor", shape, &[]),
        read: read_own,
    },
    Peer {
        name: "jigger",
        program: "",
        speaks_h2c: true,
        arguments: |shape| own("engine", shape, &[]),
        read: read_own,
    },
    Peer {
        name: "jigger --batch",
        program: "",
        speaks_h2c: false,
        arguments: |shape| own("engine", shape, &["batch"]),
        read: read_own,
    },
    Peer { name: "ab", program: "ab", speaks_h2c: false, arguments: ab, read: read_ab },
    Peer { name: "oha", program: "oha", speaks_h2c: true, arguments: oha, read: read_oha },
    Peer { name: "hey", program: "hey", speaks_h2c: false, arguments: hey, read: read_hey },
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
    let mut words = vec![verb.to_owned(), shape.address.to_owned(), connections, seconds];
    words.extend(options.iter().map(|word| (*word).to_owned()));
    words.extend(shape.streams.map(|streams| format!("h2:{streams}")));
    words
}

fn url(shape: &Shape<'_>) -> String {
    format!("http://{}/", shape.address)
}

fn words(text: &str, more: &[String]) -> Vec<String> {
    text.split(' ').map(str::to_owned).chain(more.iter().cloned()).collect()
}

fn wrk(shape: &Shape<'_>) -> Vec<String> {
    let text = format!("-t1 -c{} -d{}s --latency", shape.connections, shape.seconds);
    words(&text, &[url(shape)])
}

fn ab(shape: &Shape<'_>) -> Vec<String> {
    // A time alone would end at 50,000 requests.
    let text = format!("-q -k -c {} -t {} -n 100000000", shape.connections, shape.seconds);
    words(&text, &[url(shape)])
}

fn h2load(shape: &Shape<'_>) -> Vec<String> {
    let http = shape.streams.map_or("--h1".to_owned(), |streams| format!("-m{streams}"));
    let text = format!("{http} -t1 -c{} -D{} --warm-up-time=0", shape.connections, shape.seconds);
    words(&text, &[url(shape)])
}

fn oha(shape: &Shape<'_>) -> Vec<String> {
    let http = shape.streams.map(|streams| format!(" --http2 -p {streams}")).unwrap_or_default();
    let (connections, seconds) = (shape.connections, shape.seconds);
    let text = format!("--no-tui --output-format json -c {connections} -z {seconds}s{http}");
    words(&text, &[url(shape)])
}

fn hey(shape: &Shape<'_>) -> Vec<String> {
    let text = format!("-cpus 1 -c {} -z {}s", shape.connections, shape.seconds);
    words(&text, &[url(shape)])
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
