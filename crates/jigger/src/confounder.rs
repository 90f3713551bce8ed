//! Differences between contenders other than the one being compared.

mod requests;
mod tls;

use schemars::JsonSchema;
use serde::Serialize;

use crate::caveat::Code;
use crate::host::Placement;
use crate::metric::Metric;
use crate::numbers::{cpu_list, number};
use crate::record::{ContenderRecord, Evidence, Record, ScenarioRecord, TrialRecord, VisitRecord};
use crate::suite::values_of;

/// A difference that makes a comparison less than fair.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Confounder {
    /// Its stable code; docs/confounders.md explains each.
    pub code: Code,
    /// What was found.
    pub detail: String,
    /// What to change.
    pub remedy: &'static str,
    /// The scenarios or metrics whose figures it touches.
    pub touches: Vec<String>,
}

/// Log bytes for each request above which a server is taken to log requests.
const LOG_BYTES_PER_REQUEST: f64 = 10.0;

/// Share of a scenario's responses above which waits for acknowledgements are no chance.
pub const HELD_BACK_SHARE: f64 = 0.01;

/// Share of the responses that end their connection, above which a server is taken to keep none.
const CLOSED_SHARE: f64 = 0.5;
/// How much longer a body may be than another where neither repeats.
const LENGTH_RATIO: f64 = 1.25;

/// That the baseline's two entries differ in these metrics, by more than chance.
pub fn of_self_differences(metrics: &[Metric<'_>]) -> Option<Confounder> {
    let scenarios = metrics.iter().filter_map(|metric| metric.scenario);
    let mut touches: Vec<String> = scenarios.map(str::to_owned).collect();
    touches.dedup();
    let names: Vec<String> = metrics.iter().map(Metric::to_string).collect();
    (!metrics.is_empty()).then(|| Confounder {
        code: Code::BaselineDiffersFromItself,
        detail: format!("its two entries differ by more than chance in {}", names.join(", ")),
        remedy: "find what changes between visits (background work, throttling, leftovers of the \
                 previous visit), and measure again",
        touches,
    })
}

/// Headers whose difference is reported elsewhere, or means nothing.
const OWN_HEADERS: &[&str] =
    &["date", "server", "content-type", "content-length", "connection", "keep-alive"];

/// What makes a run as a whole less than fair, whoever takes part.
pub fn of_run(record: &Record) -> Vec<Confounder> {
    let mut found = Vec::new();
    let mut add = |code, detail, remedy| {
        found.push(Confounder { code, detail, remedy, touches: all(record) });
    };
    let placement = &record.placement;
    let shared = placement.shared_cpus();
    if !shared.is_empty() {
        add(
            Code::SharedCores,
            format!(
                "the load generator and the servers share core {}, which slows both",
                cpu_list(&shared, ",")
            ),
            Placement::SHARED_REMEDY,
        );
    }
    let siblings = placement.siblings_apart(&record.host.smt_siblings);
    if let Some((client, server)) = siblings.first() {
        add(
            Code::SmtSiblings,
            format!(
                "the load generator's core {client} and the servers' core {server} are threads of \
                 one physical core, so each slows the other"
            ),
            Placement::SIBLINGS_REMEDY,
        );
    }
    found
}

/// What sets a contender apart.
pub fn of_contender(record: &Record, name: &str) -> Vec<Confounder> {
    let visits: Vec<&VisitRecord> = record.visits_of(name).collect();
    let verified = visits.iter().find_map(|visit| Some((*visit, visit.evidence.as_ref()?)));
    let Some((visit, evidence)) = verified else {
        return Vec::new();
    };
    let mut baseline = record.visits_of(&record.suite.baseline);
    let reference = baseline.find(|visit| visit.evidence.is_some());
    let mut found = Vec::new();
    found.extend(connection_close(record, &visits, evidence));
    found.extend(surplus_bytes(record, &visits));
    found.extend(delayed_acks(record, &visits));
    found.extend(tls::settings_differ(record, name));
    if let Some(reference) = reference.filter(|_| name != record.suite.baseline) {
        found.extend(requests::differ(record, name));
        found.extend(responses_differ(record, visit, reference));
    }
    found.extend(tls::tls_differs(record, name));
    found.extend(tls::hello_retries(record, &visits));
    found.extend(tls::not_resumed(record, &visits));
    found.extend(resolves_twice(record, evidence));
    found.extend(logs(record, &visits));
    found.extend(workers(record, record.contender(name), evidence));
    found.extend(evidence.debug_notice.as_ref().map(|notice| Confounder {
        code: Code::DebugMode,
        detail: format!("its log says: {notice}"),
        remedy: "start it as it would run in production",
        touches: all(record),
    }));
    found
}

fn all(record: &Record) -> Vec<String> {
    record.suite.scenarios.iter().map(|scenario| scenario.name.clone()).collect()
}

/// By what it did when it was verified, or by what it does under load. A server that ends a
/// connection now and then, after so many requests or so much time, keeps connections all the same.
fn connection_close(
    record: &Record,
    visits: &[&VisitRecord],
    evidence: &Evidence,
) -> Option<Confounder> {
    let kept = || record.suite.scenarios.iter().filter(|scenario| !scenario.fresh);
    let closed = |scenario: &str| counted(visits, scenario, |trial| trial.closed_by_server);
    let closes = |scenario: &str| {
        let (closed, responses) = closed(scenario);
        evidence.closes_connections || closes_connections(closed, responses)
    };
    let touches: Vec<String> =
        kept().map(|scenario| scenario.name.clone()).filter(|name| closes(name)).collect();
    let (closed, responses) = touches
        .iter()
        .map(|scenario| closed(scenario))
        .fold((0, 0), |sum, found| (sum.0 + found.0, sum.1 + found.1));
    (evidence.closes_connections || !touches.is_empty()).then(|| Confounder {
        code: Code::ConnectionClose,
        detail: if evidence.closes_connections {
            "it closes the connection after each response, so each request needs a new one"
                .to_owned()
        } else {
            format!("it closed {closed} keep-alive connections in {responses} responses")
        },
        remedy: "use fresh connections for all servers, or start it with keep-alive",
        touches,
    })
}

/// Whether a server that ended so many connections while it gave so many responses keeps none.
pub fn closes_connections(closed: u64, responses: u64) -> bool {
    number(closed) > CLOSED_SHARE * number(responses)
}

/// What comes while the next request is under way is taken for its response.
fn surplus_bytes(record: &Record, visits: &[&VisitRecord]) -> Option<Confounder> {
    let surplus = |scenario: &str| counted(visits, scenario, |trial| trial.surplus_bytes).0;
    let mut touches = all(record);
    touches.retain(|scenario| surplus(scenario) > 0);
    let bytes: u64 = touches.iter().map(|scenario| surplus(scenario)).sum();
    (bytes > 0).then(|| Confounder {
        code: Code::SurplusBytes,
        detail: format!(
            "it sent {bytes} bytes beyond its responses, so a response may have been counted for a \
             later request"
        ),
        remedy: "make it respond once to each request, with as many bytes as its Content-Length says",
        touches,
    })
}

fn delayed_acks(record: &Record, visits: &[&VisitRecord]) -> Option<Confounder> {
    let share = |scenario: &str| {
        let (held_back, responses) = counted(visits, scenario, |trial| trial.held_back);
        number(held_back) / number(responses.max(1))
    };
    let mut touches = all(record);
    touches.retain(|scenario| share(scenario) > HELD_BACK_SHARE);
    let most = touches.iter().map(|scenario| share(scenario)).reduce(f64::max)?;
    Some(Confounder {
        code: Code::DelayedAcks,
        detail: format!(
            "{:.0} % of its responses arrive in pieces about 40 ms apart, as if it waited for the \
             client to acknowledge the first",
            most * 100.0
        ),
        remedy: "set TCP_NODELAY in the server, or write head and body with one call",
        touches,
    })
}

/// Of all trials of a scenario: what is counted, and the correct responses.
fn counted(visits: &[&VisitRecord], scenario: &str, count: fn(&TrialRecord) -> u64) -> (u64, u64) {
    let trials = visits.iter().flat_map(|visit| &visit.trials);
    trials
        .filter(|trial| trial.scenario == scenario)
        .fold((0, 0), |sum, trial| (sum.0 + count(trial), sum.1 + correct_responses(trial)))
}

/// The correct responses that a trial saw. One without figures, since no rate kept its objective, is
/// what is left of the last rate tried.
fn correct_responses(trial: &TrialRecord) -> u64 {
    match (trial.requests, trial.probes.last()) {
        (0, Some(probe)) => probe.requests,
        (requests, _) => requests,
    }
}

/// Of each difference the first request that shows it, and all scenarios that it touches.
fn responses_differ(record: &Record, one: &VisitRecord, other: &VisitRecord) -> Vec<Confounder> {
    let mut found: Vec<Confounder> = Vec::new();
    let has_own = |entry: &str| record.contender(entry).is_some_and(|it| it.protocol.is_some());
    let is_asked_for = has_own(&one.entry) || has_own(&other.entry);
    let is_told = |it: &Confounder| it.code != Code::HttpVersionDiffers || !is_asked_for;
    for (one, other) in one.responses().zip(other.responses()) {
        for differing in response_differs(record, one, other).into_iter().filter(is_told) {
            match found.iter_mut().find(|known| known.code == differing.code) {
                Some(known) => {
                    known.touches.extend(differing.touches);
                    known.touches.sort();
                    known.touches.dedup();
                }
                None => found.push(differing),
            }
        }
    }
    found
}

/// The scenarios that send the request of this response.
fn sending(record: &Record, response: &Evidence) -> Vec<String> {
    let sends = |scenario: &&ScenarioRecord| match &response.request {
        None => scenario.asked.is_empty() || scenario.asked.iter().any(|it| it.title() == "GET"),
        Some(title) => scenario.asked.iter().any(|it| it.title() == *title),
    };
    record.suite.scenarios.iter().filter(sends).map(|scenario| scenario.name.clone()).collect()
}

fn response_differs(record: &Record, one: &Evidence, other: &Evidence) -> Vec<Confounder> {
    let mut found = Vec::new();
    let place = one.request.as_ref().map_or_else(String::new, |request| format!("{request}: "));
    let mut add = |code, detail: String, remedy| {
        let detail = format!("{place}{detail}");
        found.push(Confounder { code, detail, remedy, touches: sending(record, one) });
    };
    if one.http_version != other.http_version {
        let (mine, theirs) = (one.protocol(), other.protocol());
        let detail = format!("it responds in {mine}, the baseline in {theirs}");
        add(Code::HttpVersionDiffers, detail, "make all servers use the same HTTP version");
    }
    if bodies_differ(one, other) {
        let detail = format!("it sends {:?}, the baseline {:?}", one.body_start, other.body_start);
        add(Code::BodyDiffers, detail, "make all servers send the same body");
    }
    let differing = |name: &str| {
        let (mine, theirs) = (header(one, name), header(other, name));
        (mine != theirs).then(|| {
            format!("{name}: {} against {}", mine.unwrap_or("none"), theirs.unwrap_or("none"))
        })
    };
    if let Some(detail) = differing("content-type") {
        add(Code::ContentTypeDiffers, detail, "make all servers send the same content type");
    }
    if let Some(detail) = differing("content-encoding") {
        add(Code::CompressionDiffers, detail, "enable or disable compression for all");
    }
    let names = |from: &Evidence| -> Vec<String> {
        let mut names: Vec<String> =
            from.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
        names.retain(|name| !OWN_HEADERS.contains(&name.as_str()) && name != "content-encoding");
        names.sort();
        names
    };
    let (mine, theirs) = (names(one), names(other));
    if mine != theirs {
        let detail =
            format!("it sends [{}], the baseline [{}]", mine.join(", "), theirs.join(", "));
        add(Code::HeadersDiffer, detail, "make all servers send the same headers");
    }
    found
}

/// Where each response is another one on both sides, as with rows drawn at random, only their lengths
/// tell contenders apart.
fn bodies_differ(one: &Evidence, other: &Evidence) -> bool {
    if one.body_repeats || other.body_repeats {
        return one.body_sha256 != other.body_sha256;
    }
    let [shorter, longer] =
        [one.body_bytes.min(other.body_bytes), one.body_bytes.max(other.body_bytes)];
    number(longer) > LENGTH_RATIO * number(shorter)
}

fn header<'a>(evidence: &'a Evidence, name: &str) -> Option<&'a str> {
    values_of(&evidence.headers, name).next()
}

/// Whoever connects by that name, as most HTTP libraries do, first tries in vain.
fn resolves_twice(record: &Record, evidence: &Evidence) -> Option<Confounder> {
    let refused = evidence.refused_at.first()?;
    Some(Confounder {
        code: Code::LocalhostResolvesTwice,
        detail: format!(
            "the host of its URL resolves to {refused} first, where it does not listen"
        ),
        remedy: "write the address (127.0.0.1) in the url, or make it listen on all addresses",
        touches: all(record),
    })
}

fn logs(record: &Record, visits: &[&VisitRecord]) -> Option<Confounder> {
    let trials = || visits.iter().flat_map(|visit| &visit.trials);
    let requests: u64 = trials().map(|trial| trial.requests + trial.heard_out).sum();
    let bytes: u64 = trials().map(|trial| trial.log_bytes).sum();
    let each = number(bytes) / number(requests.max(1));
    (each > LOG_BYTES_PER_REQUEST).then(|| Confounder {
        code: Code::LogsPerRequest,
        detail: format!("it writes {each:.0} bytes to its log for each request"),
        remedy: "disable its access log, or enable it for all",
        touches: all(record),
    })
}

fn workers(
    record: &Record,
    contender: Option<&ContenderRecord>,
    evidence: &Evidence,
) -> Option<Confounder> {
    contender.filter(|contender| !contender.start.is_empty())?;
    let cores = record.placement.server_cpus.len();
    // A prefork server has one process that only watches over the others.
    let workers = evidence.processes?.saturating_sub(1);
    (workers as usize > cores).then(|| Confounder {
        code: Code::WorkersExceedCores,
        detail: format!(
            "{workers} worker processes share {cores} {}",
            if cores == 1 { "core" } else { "cores" }
        ),
        remedy: "start as many workers as the server has cores",
        touches: all(record),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::drawn::record;

    /// What is found of gin, which closed so many connections in each of its trials.
    fn found(closed: fn(&TrialRecord) -> u64) -> Option<Confounder> {
        let mut record = record(3);
        for visit in record.visits.iter_mut().filter(|visit| visit.entry == "gin") {
            visit.trials[1].closed_by_server = closed(&visit.trials[1]);
        }
        let confounders = of_contender(&record, "gin");
        confounders.into_iter().find(|confounder| confounder.code == Code::ConnectionClose)
    }

    /// nginx does after 1,000 requests, or 100, and others after some seconds.
    #[test]
    fn a_connection_that_is_ended_now_and_then_is_kept() {
        assert_eq!(found(|_| 0), None);
        assert_eq!(found(|trial| trial.requests / 1_000), None);
        assert_eq!(found(|trial| trial.requests / 100), None);
        assert_eq!(found(|trial| trial.requests / 2), None);
        let closes = found(|trial| trial.requests * 9 / 10).unwrap();
        assert_eq!(closes.touches, ["saturation"]);
        assert!(
            closes.detail.contains("it closed 109080 keep-alive connections"),
            "{}",
            closes.detail
        );
    }

    #[test]
    fn surplus_bytes_are_reported() {
        let mut record = record(3);
        assert!(of_contender(&record, "gin").iter().all(|found| found.code != Code::SurplusBytes));
        for visit in record.visits.iter_mut().filter(|visit| visit.entry == "gin") {
            visit.trials[1].surplus_bytes = 40;
        }
        let confounders = of_contender(&record, "gin");
        let surplus = confounders.iter().find(|found| found.code == Code::SurplusBytes).unwrap();
        assert_eq!(surplus.touches, ["saturation"]);
        assert!(surplus.detail.contains("120 bytes"), "{}", surplus.detail);
    }

    #[test]
    fn bodies_that_never_repeat_on_either_side_are_compared_by_length() {
        let differs = |repeats: [bool; 2], lengths: [u64; 2]| {
            let mut record = record(3);
            for visit in &mut record.visits {
                let at = usize::from(visit.entry == "gin");
                let evidence = visit.evidence.as_mut().unwrap();
                evidence.body_repeats = repeats[at];
                evidence.body_bytes = lengths[at];
                evidence.body_sha256 = visit.entry.clone();
            }
            of_contender(&record, "gin").iter().any(|found| found.code == Code::BodyDiffers)
        };
        for repeats in [[true, true], [true, false], [false, true]] {
            assert!(differs(repeats, [100, 100]), "{repeats:?}");
        }
        assert!(!differs([false, false], [100, 110]) && !differs([false, false], [110, 100]));
        assert!(differs([false, false], [100, 130]) && differs([false, false], [130, 100]));
    }

    #[test]
    fn what_http_is_spoken_and_how_is_compared_with_the_baseline() {
        let mut record = record(3);
        let other = if record.suite.baseline == "gin" { "flask" } else { "gin" };
        let found = |record: &Record, code: Code| {
            let confounders = of_contender(record, other);
            confounders.into_iter().find(|found| found.code == code).map(|found| found.detail)
        };
        let settings = crate::record::Http2Settings {
            max_concurrent_streams: None,
            initial_window_bytes: 65_535,
            max_frame_bytes: 16_384,
            header_table_bytes: 4_096,
        };
        record.visits.iter_mut().for_each(|visit| {
            visit.trials[1].http2_settings = Some(settings);
        });
        assert_eq!(found(&record, Code::H2SettingsDiffer), None);
        assert_eq!(found(&record, Code::HttpVersionDiffers), None);
        for visit in record.visits.iter_mut().filter(|visit| visit.entry == other) {
            let settings = visit.trials[1].http2_settings.as_mut().unwrap();
            settings.max_concurrent_streams = Some(100);
            settings.header_table_bytes = 0;
            if let Some(evidence) = &mut visit.evidence {
                evidence.http_version = "1.0".to_owned();
            }
        }
        let said = found(&record, Code::H2SettingsDiffer).unwrap();
        let parts =
            "MAX_CONCURRENT_STREAMS 100 against any number, HEADER_TABLE_SIZE 0 against 4096";
        assert!(said.ends_with(parts), "{said}");
        let said = found(&record, Code::HttpVersionDiffers).unwrap();
        assert!(said.contains("HTTP/1.0, the baseline in HTTP/1.1"), "{said}");
    }

    #[test]
    fn one_that_was_closed_when_it_was_verified_is_enough() {
        let closes = of_contender(&record(3), "flask");
        assert_eq!((closes[0].code, closes[0].touches.len()), (Code::ConnectionClose, 1));
    }
}
