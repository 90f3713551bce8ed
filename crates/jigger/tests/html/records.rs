//! Records made by hand for the tests of the HTML report: every number here was chosen.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "the numbers here are small and positive"
)]

// So that each part of a record that does not matter here is written down once.
#[path = "../../src/report/tests/drawn/blank.rs"]
mod blank;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use hdrhistogram::Histogram;
use jigger::analysis::Analysis;
use jigger::disturbance::{Disturbance, Limits};
use jigger::host::{Host, Placement};
use jigger::record::{
    BigFileRecord, ContenderRecord, Ended, Evidence, ImageRecord, LayerRecord, Record,
    ScenarioRecord, Status, SuiteRecord, TrialRecord, VERSION, VisitRecord, encode_histogram,
};
use jigger::report::{Format, render};

/// What a hostile server would like a browser to run.
pub const HOSTILE: &str =
    "</pre></script><script>document.title='run'</script><img src=x onerror=alert(1)>&";

/// What a server is like.
#[derive(Clone, Copy)]
pub struct Server {
    pub name: &'static str,
    /// In the scenario `saturation`.
    pub requests_per_second: f64,
    pub startup_ms: f64,
    pub memory_bytes: f64,
    pub image_bytes: u64,
}

const SERVERS: [Server; 8] = [
    server("gin", 48_000.0, 4.0, 21e6, 12_500_000),
    server("flask", 1_450.0, 410.0, 32e6, 131_000_000),
    server("flask-gunicorn", 4_100.0, 620.0, 210e6, 134_000_000),
    server("axum", 61_000.0, 2.5, 6e6, 9_800_000),
    server("flask-gunicorn-twin", 4_110.0, 630.0, 212e6, 134_100_000),
    server("a-contender-with-quite-a-long-name", 9_000.0, 95.0, 80e6, 60_000_000),
    server("node", 22_000.0, 60.0, 70e6, 180_000_000),
    server("quart", 2_300.0, 540.0, 45e6, 140_000_000),
];

const fn server(
    name: &'static str,
    requests_per_second: f64,
    startup_ms: f64,
    memory_bytes: f64,
    image_bytes: u64,
) -> Server {
    Server { name, requests_per_second, startup_ms, memory_bytes, image_bytes }
}

/// A record of so many contenders (8 at most) and rounds. Its baseline is `flask-gunicorn`.
pub fn record(contenders: usize, rounds: usize) -> Record {
    drawn_record(contenders, rounds, 400)
}

/// The same with so many different response times a trial at most, which is what decides how
/// long a record is; each stands for several requests.
pub fn drawn_record(contenders: usize, rounds: usize, times: u64) -> Record {
    let servers = &SERVERS[..contenders];
    let mut random = Random { state: 7, times };
    let mut visits = Vec::new();
    for round in 0..rounds {
        for (position, server) in servers.iter().enumerate() {
            visits.push(visit(server, server.name, round, position, &mut random));
        }
        let baseline = &SERVERS[2];
        visits.push(visit(baseline, "placebo", round, contenders, &mut random));
    }
    let contenders = servers.iter().map(|server| contender(server, servers)).collect();
    let mut record = blank::record(suite(), 4, contenders, visits);
    record.host.governor = Some("performance".to_owned());
    record
}

/// The small record with something wrong at every place: a server that sends hostile texts, one
/// that was skipped, wrong responses, a client at its limit, a lost round.
pub fn troubled() -> Record {
    let mut record = record(4, 8);
    record.contenders.push(ContenderRecord {
        status: Status::Skipped,
        reason: Some(format!("'cargo' is not on PATH; install Rust\n{HOSTILE}")),
        image: None,
        image_reason: Some(format!("the build failed: {HOSTILE}")),
        ..contender(&server("skipped", 1.0, 1.0, 1.0, 1), &[])
    });
    let image = record.contenders[1].image.as_mut();
    for layer in image.into_iter().flat_map(|image| &mut image.layers) {
        layer.created_by.push_str(HOSTILE);
        layer.biggest.iter_mut().for_each(|file| file.path.push_str(HOSTILE));
    }
    for visit in &mut record.visits {
        match visit.entry.as_str() {
            "flask" => visit.trials[1].errors = BTreeMap::from([("timeout".to_owned(), 3)]),
            "axum" => visit.trials[1].engine_cpu_ns = 1_950_000_000,
            "gin" if visit.round == 4 => visit.trials.clear(),
            _ => {}
        }
        if let Some(evidence) = visit.evidence.as_mut().filter(|_| visit.entry == "flask") {
            evidence.headers.push(("X-Hostile".to_owned(), HOSTILE.to_owned()));
            evidence.body_start = HOSTILE.to_owned();
            evidence.debug_notice = Some(HOSTILE.to_owned());
            evidence.closes_connections = true;
        }
    }
    record
}

/// The page of [`troubled`], which is drawn once for all.
pub fn troubled_page() -> &'static str {
    static PAGE: LazyLock<String> = LazyLock::new(|| page(&troubled()));
    &PAGE
}

/// The record's page.
pub fn page(record: &Record) -> String {
    render(&Analysis::of(record), Format::Html, false)
}

fn suite() -> SuiteRecord {
    let scenarios = vec![
        ScenarioRecord {
            fresh: true,
            requests: Some(300),
            duration_ns: None,
            ..blank::scenario("sequential", 1)
        },
        blank::scenario("saturation", 32),
        ScenarioRecord { rate_per_second: Some(500.0), ..blank::scenario("steady", 8) },
    ];
    SuiteRecord {
        source: "[suite]\nname = \"pong\"  # <made by hand>\n".to_owned(),
        ..blank::suite("flask-gunicorn", scenarios)
    }
}

/// What the images of more than 100 MB have in common: a distribution and Python.
const BASE_BYTES: [u64; 2] = [80_000_000, 40_000_000];

fn has_base(server: &Server) -> bool {
    server.image_bytes > 100_000_000
}

fn contender(server: &Server, all: &[Server]) -> ContenderRecord {
    ContenderRecord {
        start: vec!["./app".to_owned(), "--greeting".to_owned(), "a b".to_owned()],
        environment: vec![("PORT".to_owned(), "{port}".to_owned())],
        image: Some(image(server, all)),
        ..blank::contender(server.name)
    }
}

fn image(server: &Server, all: &[Server]) -> ImageRecord {
    let shared_bytes = if has_base(server) { BASE_BYTES.iter().sum() } else { 0 };
    let says = server.image_bytes + 40_000;
    ImageRecord {
        own_bytes: server.image_bytes - shared_bytes,
        engine_says_bytes: Some(says),
        wasted_bytes: 1_500,
        engine_note: Some(format!(
            "docker says {says} B: it adds the targets of symbolic links (40.0 kB)"
        )),
        layers: layers(server, all, server.image_bytes - shared_bytes),
        ..blank::image(server.name, server.image_bytes)
    }
}

/// The base where there is one, then the server's own: three layers, the last of them empty.
fn layers(server: &Server, all: &[Server], own_bytes: u64) -> Vec<LayerRecord> {
    let others = all.iter().filter(|other| has_base(other) && other.name != server.name);
    let others: Vec<String> = others.map(|other| other.name.to_owned()).collect();
    let mut layers = Vec::new();
    if has_base(server) {
        for (at, bytes) in BASE_BYTES.into_iter().enumerate() {
            let base = layer("base", at, bytes, "RUN apt-get install -y python3 # <base>");
            layers.push(LayerRecord { shared_with: others.clone(), ..base });
        }
    }
    let command = format!("COPY --from=build /src/{0} /usr/local/bin/{0}", server.name);
    let big = layer(server.name, 0, own_bytes - own_bytes / 3, &command);
    layers.push(LayerRecord { wasted_bytes: 1_500, ..big });
    layers.push(layer(server.name, 1, own_bytes / 3, &command));
    layers.push(layer(server.name, 2, 0, ""));
    layers
}

fn layer(of: &str, at: usize, bytes: u64, created_by: &str) -> LayerRecord {
    let digits: String = format!("{of}{at}").bytes().map(|byte| format!("{byte:02x}")).collect();
    let biggest = (1..=5).map(|nth| BigFileRecord {
        path: format!("usr/local/lib/{of}/a-part-with-a-long-name-{nth}.so"),
        bytes: bytes / (2 << nth),
    });
    LayerRecord {
        digest: format!("sha256:{digits:0<64.64}"),
        created_by: created_by.to_owned(),
        unpacked_bytes: bytes,
        transfer_bytes: bytes / 3,
        wasted_bytes: 0,
        files: if bytes == 0 { 0 } else { 1_200 },
        shared_with: Vec::new(),
        biggest: if bytes == 0 { Vec::new() } else { biggest.collect() },
    }
}

fn visit(
    server: &Server,
    entry: &str,
    round: usize,
    position: usize,
    random: &mut Random,
) -> VisitRecord {
    // A little drift over the rounds, the same for all, and some noise.
    let drift = 1.0 + 0.004 * round as f64;
    let rate = server.requests_per_second * drift * (0.985 + 0.03 * random.unit());
    let memory = |share: f64| Some((server.memory_bytes * share) as u64);
    VisitRecord {
        position,
        startup_ns: Some((server.startup_ms * (0.9 + 0.2 * random.unit()) * 1e6) as u64),
        evidence: Some(evidence(server)),
        memory_idle_bytes: memory(0.6),
        memory_peak_bytes: memory(0.98 + 0.04 * random.unit()),
        disturbance: Disturbance { steal_share: 0.001, ..Disturbance::default() },
        trials: vec![
            trial("sequential", rate / 20.0, 300.0, 1.0, random),
            trial("saturation", rate, rate * 2.0, 32.0, random),
            trial("steady", 500.0, 1_000.0, 500.0 / (rate / 20.0), random),
        ],
        ..blank::visit(entry, round)
    }
}

fn evidence(server: &Server) -> Evidence {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Evidence {
        headers: vec![
            header("Content-Type", "application/json"),
            header("Content-Length", "18"),
            header("Server", server.name),
        ],
        body_sha256: "d28f1b3f0b6a6f3b2f5a3cf1c1d3f3a9e5f1c0b2a4d6e8f0a1b2c3d4e5f60718".to_owned(),
        threads: Some(4),
        ..blank::evidence()
    }
}

/// A trial whose response times are spread as those of real servers: most near each other, a
/// long tail, and a mean that agrees with the rate.
fn trial(
    scenario: &str,
    rate: f64,
    requests: f64,
    connections: f64,
    random: &mut Random,
) -> TrialRecord {
    let mean_ns = connections / rate * 1e9;
    let mut response_time = Histogram::<u64>::new(3).unwrap();
    let drawn = (requests as u64).min(random.times);
    for at in 0..drawn {
        // One from each of as many equal parts of the distribution, so that the mean holds.
        let share = (at as f64 + random.unit().max(1e-3)) / drawn as f64;
        let time_ns = mean_ns * (0.6 - 0.4 * share.ln());
        response_time.record_n(time_ns as u64, requests as u64 / drawn).unwrap();
    }
    let mut connect_time = Histogram::<u64>::new(3).unwrap();
    let connects = if scenario == "sequential" { 300 } else { 32 };
    for _ in 0..connects {
        connect_time.record(20_000 + (40_000.0 * random.unit()) as u64).unwrap();
    }
    TrialRecord {
        bytes_received: requests as u64 * 160,
        response_time: encode_histogram(&response_time),
        connect_time: encode_histogram(&connect_time),
        connections_opened: connects,
        server_cpu_ns: Some((requests / rate * 0.9e9) as u64),
        engine_cpu_ns: (requests / rate * 0.3e9) as u64,
        ..blank::trial(scenario, requests as u64, (requests / rate * 1e9) as u64)
    }
}

/// Numbers that look random and are the same each time (Knuth's MMIX generator).
struct Random {
    state: u64,
    /// Different response times a trial.
    times: u64,
}

impl Random {
    /// From 0 to 1.
    fn unit(&mut self) -> f64 {
        let next = self.state.wrapping_mul(6_364_136_223_846_793_005);
        self.state = next.wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 11) as f64 / (1_u64 << 53) as f64
    }
}
