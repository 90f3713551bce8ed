//! What the answers looked like when they were verified.

use maud::{Markup, html};

use crate::analysis::Analysis;
use crate::numbers::number;
use crate::record::{Evidence, VisitRecord};
use crate::report::units::bytes;

pub fn body(analysis: &Analysis<'_>) -> Option<Markup> {
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
            "Status, headers and body were checked before each load, over a fresh connection and over a "
            "kept one, and every answer was checked during the load. Shown is the first visit's answer."
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
                dt { "verified" } dd { (verified) " of " (super::count(visits.len(), "visit")) }
                dt { "answer" } dd { "HTTP/" (evidence.http_version) " " (evidence.status) }
                dt { "body" }
                dd { (size(evidence.body_bytes)) ", " (if evidence.body_repeats { "the same each time" } else { "not the same each time" }) }
                dt { "begins" } dd { code { (evidence.body_start) } }
                dt { "SHA-256" } dd { code { (evidence.body_sha256) } }
                dt { "connections" }
                dd { (if evidence.closes_connections { "closed by the server though they were to be kept" } else { "kept open" }) }
                @if let Some(tree) = tree(evidence) { dt { "process tree" } dd { (tree) } }
                @if let Some(notice) = &evidence.debug_notice { dt { "its log says" } dd { code { (notice) } } }
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
    let many = |count: u32, noun: &str| match count {
        1 => format!("1 {noun}"),
        count => format!("{count} {noun}"),
    };
    match (evidence.processes, evidence.threads) {
        (Some(processes), Some(threads)) => Some(format!(
            "{}, {}",
            many(processes, if processes == 1 { "process" } else { "processes" }),
            many(threads, if threads == 1 { "thread" } else { "threads" })
        )),
        (Some(count), None) | (None, Some(count)) => Some(count.to_string()),
        (None, None) => None,
    }
}
