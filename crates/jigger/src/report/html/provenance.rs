//! Where the figures come from: the verified responses, the host, the versions, the commands, the
//! record itself.

use std::collections::BTreeSet;

use maud::{Markup, html};

use crate::analysis::Analysis;
use crate::metric::Unit;
use crate::numbers::{cpu_list, number};
use crate::record::{ContenderRecord, Ended, Evidence, ImageRecord, Record, VisitRecord};
use crate::report::services::description;
use crate::report::units::{bytes, count, with_unit};

pub fn evidence(analysis: &Analysis<'_>) -> Option<Markup> {
    let verified: Vec<(&str, &Evidence, Vec<&VisitRecord>)> = analysis
        .contenders
        .iter()
        .filter_map(|contender| {
            let name = contender.record.name.as_str();
            let visits = analysis.record.visits_of(name);
            let visits: Vec<&VisitRecord> = visits.collect();
            let evidence = visits.iter().find_map(|visit| visit.evidence.as_ref())?;
            Some((name, evidence, visits))
        })
        .collect();
    (!verified.is_empty()).then(|| html! {
        p.how {
            "Status, headers and body were checked before each load, over a fresh and over a keep-alive "
            "connection, and every response was checked during the load. The response shown is that of "
            "the first visit."
        }
        div.cards {
            @for (name, evidence, visits) in &verified { (card(name, evidence, visits)) }
        }
    })
}

fn card(name: &str, evidence: &Evidence, visits: &[&VisitRecord]) -> Markup {
    let verified = visits.iter().filter(|visit| visit.evidence.is_some()).count();
    html! {
        article {
            h3 { (name) }
            dl {
                dt { "verified" } dd { (verified) " of " (count(visits.len(), "visit")) }
                @if let Some(request) = &evidence.request { dt { "request" } dd { code { (request) } } }
                dt { "response" } dd { (evidence.protocol()) " " (evidence.status) }
                @if let Some(tls) = &evidence.tls { dt { "TLS" } dd { (tls.words()) } }
                dt { "body" }
                dd { (size(evidence.body_bytes)) ", " (if evidence.body_repeats { "identical each time" } else { "not identical each time" }) }
                dt { "begins" } dd { code { (evidence.body_start) } }
                dt { "SHA-256" } dd { code { (evidence.body_sha256) } }
                dt { "connections" }
                dd { (if evidence.closes_connections { "closed by the server despite keep-alive" } else { "kept open" }) }
                @if let Some(tree) = tree(evidence) { dt { "process tree" } dd { (tree) } }
                @if let Some(notice) = &evidence.debug_notice { dt { "message in its log" } dd { code { (notice) } } }
                dt { "headers" }
                dd { pre { @for (name, value) in &evidence.headers { (name) ": " (value) "\n" } } }
            }
        }
    }
}

/// Small sizes to the byte.
fn size(count: u64) -> String {
    if count < 1_000 { format!("{count} bytes") } else { bytes(number(count)) }
}

fn tree(evidence: &Evidence) -> Option<String> {
    match (evidence.processes, evidence.threads) {
        (Some(processes), Some(threads)) => Some(format!(
            "{processes} {}, {}",
            if processes == 1 { "process" } else { "processes" },
            count(threads as usize, "thread")
        )),
        (Some(count), None) | (None, Some(count)) => Some(count.to_string()),
        (None, None) => None,
    }
}

pub fn body(analysis: &Analysis<'_>) -> Markup {
    let record = analysis.record;
    html! {
        (facts(record))
        h3 { "Commands" }
        dl.commands {
            @for contender in &record.contenders {
                dt { (contender.name) }
                dd { (command(contender)) }
            }
        }
        (images(record))
    }
}

/// Which bytes the images were made of: the digests of their layers, bottom first.
fn images(record: &Record) -> Markup {
    let images: Vec<(&str, &ImageRecord)> =
        record.contenders.iter().filter_map(|c| Some((c.name.as_str(), c.own_image()?))).collect();
    html! {
        @if images.iter().any(|(_, image)| !image.layers.is_empty()) {
            h3 { "Images" }
            dl.digests {
                @for (name, image) in images {
                    dt { (name) }
                    dd { code { (image.reference) } " (" (image.engine) "), layers from the bottom:" }
                    @for layer in &image.layers { dd { code { (layer.digest) } } }
                }
            }
        }
    }
}

fn facts(record: &Record) -> Markup {
    let host = &record.host;
    html! {
        dl.facts {
            dt { "processor" } dd { (host.processor) ", " (count(host.cores, "core")) }
            dt { "memory" } dd { (bytes(number(host.memory_bytes))) }
            dt { "kernel" } dd { "Linux " (host.kernel) }
            @if let Some(governor) = &host.governor { dt { "frequency governor" } dd { (governor) } }
            dt { "virtual machine" } dd { (if host.virtual_machine { "yes" } else { "no" }) }
            dt { "client's cores" } dd { (cpu_list(&record.placement.client_cpus, ", ")) }
            dt { "servers' cores" }
            dd {
                @if record.placement.has_servers_here() {
                    (cpu_list(&record.placement.server_cpus, ", "))
                } @else { "on another machine" }
            }
            @for service in &record.services {
                dt { "service" } dd { (description(record, service)) }
            }
            dt { "jigger" } dd { (record.jigger) ", record version " (record.version) }
            @if let Some(driver) = record.driver() { dt { "driver of the load generator" } dd { (driver) } }
            dt { "began" } dd { (record.created) }
            dt { "ended" } dd { (ended(record.ended)) }
            dt { "seed" } dd { (record.seed) }
        }
    }
}

fn ended(ended: Ended) -> &'static str {
    match ended {
        Ended::NotYet => "not ended: still running, or killed",
        Ended::Decided => "every comparison was decided or precise enough",
        Ended::WidthReached => "the intervals were narrow enough",
        Ended::MaxRounds => "the highest number of rounds was reached",
        Ended::Budget => "the time budget was used up",
        Ended::Interrupted => "it was interrupted",
        Ended::NothingLeft => "no server was left to measure",
    }
}

fn command(contender: &ContenderRecord) -> Markup {
    let environment: Vec<String> = contender
        .environment
        .iter()
        .map(|(name, value)| format!("{name}={}", shell_words::quote(value)))
        .collect();
    html! {
        @if contender.start.is_empty() {
            "already running"
        } @else {
            code { @for variable in &environment { (variable) " " } (shell_words::join(&contender.start)) }
        }
        @if let Some(seconds) = contender.build_seconds {
            " (built in " (with_unit(seconds, Unit::Seconds)) ")"
        }
    }
}

/// The files that the requests were read from, as the suite names them.
fn request_files(record: &Record) -> BTreeSet<&str> {
    let requests = record.suite.scenarios.iter().flat_map(|scenario| &scenario.asked);
    requests.flat_map(|request| request.files.values()).map(String::as_str).collect()
}

pub fn reproduce(record: &Record, is_packed: bool) -> Markup {
    let unpacked = if is_packed { " | base64 -d | gunzip" } else { "" };
    html! {
        p { "The record of every trial is in this page. To make any report from it:" }
        pre { code { "jigger report report.html --format text" } }
        p { "To extract it without jigger:" }
        pre { code { "sed -n '/<script id=\"record\"/{n;p}' report.html" (unpacked) " > record.json" } }
        @if !record.suite.source.is_empty() {
            p {
                "To measure again in the same order, save the suite below as " code { "suite.toml" }
                " in the folder that its paths are relative to, and run:"
            }
            @let files = request_files(record);
            @if !files.is_empty() {
                p { "Its requests need these files, which are not in the record:" }
                ul { @for file in &files { li { code { (file) } } } }
            }
            pre { code { "jigger " (shell_words::join(record.arguments())) } }
            details {
                summary { "The suite file" }
                pre { code { (record.suite.source) } }
            }
        }
    }
}
