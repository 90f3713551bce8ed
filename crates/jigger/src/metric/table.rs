//! All that is known of every metric.

use hdrhistogram::Histogram;

use super::Unit::{Bytes, Microseconds, Milliseconds, PerSecond, Seconds};
use super::{Bound, Descriptor, Kind, Role, Source, Unit, Words};
use crate::numbers::{number, quantile};
use crate::record::{ContenderRecord, TrialRecord, VisitRecord, decode_histogram};

/// By kind, in the order in which reports show them.
pub(super) static TABLE: [Descriptor; 29] = [
    visit(Kind::Startup, "startup_ms", Milliseconds, |it| Some(number(it.startup_ns?) / 1e6))
        .words(Words::START)
        .column("start-up")
        .figure("start-up")
        .ratios("start-up")
        .subject("start-up time"),
    startup(Kind::StartupMin, "startup_ms.min", 2, |times| quantile(times, 0.0)),
    startup(Kind::StartupMax, "startup_ms.max", 2, |times| quantile(times, 1.0)),
    startup(Kind::StartupP50, "startup_ms.p50", 2, |times| quantile(times, 0.5)),
    startup(Kind::StartupP90, "startup_ms.p90", 10, |times| quantile(times, 0.9)),
    trial(Kind::RequestsPerSecond, "requests_per_second", PerSecond, |it| {
        Some(it.requests_per_second())
    })
    .more_is_better(Bound::AtLeast)
    .role(Role::OfFreeRate)
    .column("req/s")
    .figure("requests per second")
    .ratios("requests per second")
    .subject("rate of"),
    times(Kind::SecondsPerRequest, "seconds_per_request", Seconds, |times| times.mean() / 1e9),
    times(Kind::ResponseTimeMean, "response_time_us.mean", Microseconds, |times| {
        times.mean() / 1e3
    })
    .figure("mean"),
    times(Kind::ResponseTimeStdev, "response_time_us.stdev", Microseconds, |times| {
        times.stdev() / 1e3
    })
    .figure("standard deviation"),
    percentile(Kind::ResponseTimeP50, "response_time_us.p50", 0.5, 10)
        .role(Role::OfGivenRate)
        .column("p50")
        .figure("p50")
        .ratios("response time, median"),
    percentile(Kind::ResponseTimeP90, "response_time_us.p90", 0.9, 100).figure("p90"),
    percentile(Kind::ResponseTimeP95, "response_time_us.p95", 0.95, 200),
    percentile(Kind::ResponseTimeP99, "response_time_us.p99", 0.99, 1_000)
        .role(Role::OfGivenRate)
        .column("p99")
        .figure("p99")
        .ratios("response time, p99"),
    percentile(Kind::ResponseTimeP999, "response_time_us.p99_9", 0.999, 10_000).figure("p99.9"),
    percentile(Kind::ResponseTimeP9999, "response_time_us.p99_99", 0.999_9, 100_000),
    times(Kind::ResponseTimeMax, "response_time_us.max", Microseconds, |times| {
        number(times.max()) / 1e3
    })
    .figure("maximum of a round"),
    trial(Kind::ConnectTimeP50, "connect_time_us.p50", Microseconds, |it| {
        of_each_request(it, &it.connect_time)
    })
    .column("connect")
    .figure("time to connect, p50"),
    trial(Kind::HandshakeTimeP50, "handshake_time_us.p50", Microseconds, |it| {
        of_each_request(it, &it.tls.as_ref()?.handshake_time)
    })
    .column("handshake")
    .figure("TLS handshake, p50"),
    trial(Kind::CpuPerRequest, "cpu_us_per_request", Microseconds, cpu_us_per_request)
        .words(Words::CPU_TIME)
        .role(Role::Counted)
        .column("CPU/req")
        .figure("CPU time per request")
        .ratios("CPU time per request")
        .subject("CPU time per request in"),
    trial(
        Kind::ServiceCpuPerRequest,
        "service_cpu_us_per_request",
        Microseconds,
        service_cpu_us_per_request,
    )
    .words(Words::CPU_TIME)
    .column("service CPU/req")
    .figure("services' CPU time per request"),
    trial(Kind::Memory, "memory_bytes", Bytes, |it| Some(number(it.memory_bytes?))),
    visit(Kind::MemoryIdle, "memory_idle_bytes", Bytes, |it| Some(number(it.memory_idle_bytes?)))
        .column("idle memory")
        .figure("idle memory")
        .subject("idle memory"),
    visit(Kind::MemoryPeak, "memory_peak_bytes", Bytes, |it| Some(number(it.memory_peak_bytes?)))
        .role(Role::Counted)
        .column("peak memory")
        .figure("peak memory")
        .ratios("peak memory")
        .subject("peak memory"),
    visit(Kind::ServiceMemory, "service_memory_bytes", Bytes, service_memory_bytes)
        .column("service memory")
        .figure("services' memory"),
    Descriptor::new(
        Kind::BuildTime,
        "build_seconds",
        Seconds,
        Source::Contender(|it| it.build_seconds),
    )
    .figure("build"),
    Descriptor::new(
        Kind::ArtifactSize,
        "artifact_bytes",
        Bytes,
        Source::Contender(|it| Some(number(it.artifact.as_ref()?.bytes))),
    ),
    image(Kind::ImageUnpacked, "image_unpacked_bytes", |it| {
        Some(number(it.image.as_ref()?.unpacked_bytes))
    })
    .column("image"),
    image(Kind::ImageTransfer, "image_transfer_bytes", |it| {
        Some(number(it.image.as_ref()?.transfer_bytes))
    })
    .column("transfer"),
    image(Kind::ImageOwn, "image_own_bytes", |it| Some(number(it.image.as_ref()?.own_bytes))),
];

/// The median of something that each request had, as those with connections of their own have: on kept
/// connections it happened in the warm-up's crowd, and says little.
fn of_each_request(trial: &TrialRecord, times: &str) -> Option<f64> {
    let times = decode_histogram(times)?;
    let is_of_each = times.len() >= trial.requests.max(RESPONSES_OF_A_MEDIAN);
    is_of_each.then(|| number(times.value_at_quantile(0.5)) / 1e3)
}

/// As for the median of the response times.
const RESPONSES_OF_A_MEDIAN: u64 = 10;

const fn visit(
    kind: Kind,
    name: &'static str,
    unit: Unit,
    value: fn(&VisitRecord) -> Option<f64>,
) -> Descriptor {
    Descriptor::new(kind, name, unit, Source::Visit(value))
}

const fn startup(
    kind: Kind,
    name: &'static str,
    launches: usize,
    value: fn(&[f64]) -> f64,
) -> Descriptor {
    Descriptor::new(kind, name, Milliseconds, Source::Launches { launches, value })
        .words(Words::START)
}

const fn trial(
    kind: Kind,
    name: &'static str,
    unit: Unit,
    value: fn(&TrialRecord) -> Option<f64>,
) -> Descriptor {
    Descriptor::new(kind, name, unit, Source::Trial(value))
}

const fn times(
    kind: Kind,
    name: &'static str,
    unit: Unit,
    value: fn(&Histogram<u64>) -> f64,
) -> Descriptor {
    Descriptor::new(kind, name, unit, Source::ResponseTimes(value))
}

const fn percentile(kind: Kind, name: &'static str, quantile: f64, responses: u64) -> Descriptor {
    Descriptor::new(kind, name, Microseconds, Source::Percentile { quantile, responses })
}

const fn image(
    kind: Kind,
    name: &'static str,
    value: fn(&ContenderRecord) -> Option<f64>,
) -> Descriptor {
    Descriptor::new(kind, name, Bytes, Source::Contender(value))
}

/// The responses that came after the trial are in its CPU time.
fn cpu_us_per_request(trial: &TrialRecord) -> Option<f64> {
    Some(number(trial.server_cpu_ns?) / 1e3 / number(trial.requests + trial.heard_out))
}

fn service_cpu_us_per_request(trial: &TrialRecord) -> Option<f64> {
    let used_ns: u64 = trial.services.iter().map(|service| service.cpu_ns).sum();
    let requests = number(trial.requests + trial.heard_out);
    (!trial.services.is_empty()).then(|| number(used_ns) / 1e3 / requests)
}

/// The highest of the ends of the trials.
fn service_memory_bytes(visit: &VisitRecord) -> Option<f64> {
    let with_services = visit.trials.iter().filter(|trial| !trial.services.is_empty());
    let sum = |trial: &TrialRecord| trial.services.iter().map(|it| it.memory_bytes).sum::<u64>();
    with_services.map(sum).max().map(number)
}
