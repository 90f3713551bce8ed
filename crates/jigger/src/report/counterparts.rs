//! In words: what sets a variant of a contender apart from that one, such as TLS, and how many
//! handshakes per second there were.

use super::Tone;
use super::sentence::Sentence;
use super::tables::cell;
use super::units::significant;
use crate::analysis::{Analysis, Comparison, ContenderResult};
use crate::caveat::Code;
use crate::metric::Kind;
use crate::record::{ContenderRecord, PacingRecord, Record, ScenarioRecord};

/// What a ratio of a metric says, and what a difference that is not shown is one in.
struct Words {
    kind: Kind,
    verb: &'static str,
    more: &'static str,
    less: &'static str,
    times: &'static str,
    subject: &'static str,
}

const WORDS: [Words; 3] = [
    Words {
        kind: Kind::CpuPerRequest,
        verb: "needs",
        more: "more CPU per request",
        less: "less CPU per request",
        times: "times as much CPU per request",
        subject: "CPU per request",
    },
    Words {
        kind: Kind::RequestsPerSecond,
        verb: "serves",
        more: "more requests per second",
        less: "fewer requests per second",
        times: "times as many requests per second",
        subject: "requests per second",
    },
    Words {
        kind: Kind::ResponseTimeP50,
        verb: "takes",
        more: "longer for a response (p50)",
        less: "less time for a response (p50)",
        times: "times as long for a response (p50)",
        subject: "the response time (p50)",
    },
];

/// From here on a difference is a multiple.
const MULTIPLE: f64 = 2.0;

/// Each variant in this scenario: `with TLS, gin needs 43 % more CPU per request (40 % to 46 %)`.
pub fn differences(analysis: &Analysis<'_>, scenario: &ScenarioRecord) -> Vec<Sentence> {
    let contenders = analysis.contenders.iter().map(|found| found.record);
    contenders.filter_map(|contender| difference(analysis, scenario, contender)).collect()
}

fn difference(
    analysis: &Analysis<'_>,
    scenario: &ScenarioRecord,
    contender: &ContenderRecord,
) -> Option<Sentence> {
    let counterpart = contender.counterpart.as_deref()?;
    let compared = |words: &Words| {
        let metric = words.kind.of(&scenario.name);
        let is_it = |it: &&Comparison<'_>| it.metric == metric && it.contender == contender.name;
        analysis.counterparts.iter().find(is_it).filter(|found| found.withheld.is_none())
    };
    // Where the rate is given, all serve equally many.
    let is_told =
        |words: &&Words| words.kind != Kind::RequestsPerSecond || !scenario.is_rate_given();
    let told = WORDS.iter().filter(is_told);
    let clauses: Vec<String> =
        told.filter_map(|words| Some(words.clause(compared(words)?))).collect();
    let (last, before) = clauses.split_last()?;
    let clauses = match before {
        [] => last.clone(),
        _ => format!("{} and {last}", before.join(", ")),
    };
    let with = what(analysis.record, contender, counterpart);
    let begin = Sentence::default().plain(format!("{}: with {with}, ", scenario.name));
    Some(begin.set(Tone::Strong, counterpart).plain(format!(" {clauses}.")))
}

/// What the variant has and the other has not: TLS or HTTP/2; where it is something else, its name.
fn what(record: &Record, contender: &ContenderRecord, counterpart: &str) -> String {
    let has_tls = |name: &str| record.tls_of(name).is_some();
    let version = |found: &ContenderRecord| found.protocol.clone().unwrap_or_default();
    let is_newer = version(contender) == "h2"
        && record.contender(counterpart).is_some_and(|other| version(other) != "h2");
    match (has_tls(&contender.name), has_tls(counterpart), is_newer) {
        (true, false, false) => "TLS".to_owned(),
        (true, false, true) => "HTTP/2 over TLS".to_owned(),
        (true, true, true) | (false, false, true) => "HTTP/2".to_owned(),
        _ => contender.name.clone(),
    }
}

impl Words {
    fn clause(&self, found: &Comparison<'_>) -> String {
        let Self { verb, more, less, times, subject, .. } = self;
        let Comparison { ratio, low, high, bound, .. } = found;
        if let Some((bound, end)) = bound.zip(found.supported_end()) {
            return format!("{verb} {} {} {times}", bound.words(), significant(end));
        }
        let ends = low.zip(*high);
        if let Some((low, high)) = ends.filter(|(low, high)| (*low..=*high).contains(&1.0)) {
            return format!(
                "shows no difference in {subject} ({} to {})",
                signed(low),
                signed(high)
            );
        }
        let within = |of: fn(f64) -> String| {
            let mut ends: Vec<f64> = ends.map_or_else(Vec::new, |(low, high)| vec![low, high]);
            // Of two that are less than 1 the nearer one is the smaller difference.
            ends.sort_by(|one, other| (one - 1.0).abs().total_cmp(&(other - 1.0).abs()));
            let shown: Vec<String> = ends.into_iter().map(of).collect();
            if shown.is_empty() { String::new() } else { format!(" ({})", shown.join(" to ")) }
        };
        if *ratio >= MULTIPLE {
            return format!("{verb} {} {times}{}", significant(*ratio), within(significant));
        }
        let side = if *ratio > 1.0 { more } else { less };
        format!("{verb} {} {side}{}", share(*ratio), within(share))
    }
}

fn share(ratio: f64) -> String {
    let percent = (ratio - 1.0).abs() * 100.0;
    if percent < 9.95 { format!("{percent:.1} %") } else { format!("{percent:.0} %") }
}

fn signed(ratio: f64) -> String {
    format!("{}{}", if ratio < 1.0 { "-" } else { "+" }, share(ratio))
}

/// `handshakes: full TLS handshakes per second: axum-https 2,310, gin-https 1,040.` In scenarios in
/// which each request has a connection of its own.
pub fn handshakes(analysis: &Analysis<'_>, scenario: &ScenarioRecord) -> Option<Sentence> {
    if !scenario.fresh || scenario.pacing() != PacingRecord::Closed {
        return None;
    }
    let metric = Kind::RequestsPerSecond.of(&scenario.name);
    let is_without = |found: &ContenderResult<'_>| {
        found.has_gate(Code::Errors, metric)
            || (scenario.resumed
                && found.confounders.iter().any(|it| it.code == Code::TlsNotResumed))
    };
    let mut rates: Vec<(f64, String)> = analysis
        .contenders
        .iter()
        .filter(|found| analysis.record.tls_of(&found.record.name).is_some() && !is_without(found))
        .filter_map(|found| {
            let rate = found.summary(metric)?.estimate;
            Some((rate, format!("{} {}", found.record.name, cell(found, metric))))
        })
        .collect();
    rates.sort_by(|one, other| other.0.total_cmp(&one.0));
    let rates: Vec<String> = rates.into_iter().map(|(_, text)| text).collect();
    let kind = if scenario.resumed { "resumed" } else { "full" };
    (!rates.is_empty()).then(|| {
        let text =
            format!("{}: {kind} TLS handshakes per second: {}.", scenario.name, rates.join(", "));
        Sentence::default().plain(text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{TlsAgreementRecord, VisitRecord};
    use crate::report::glance;
    use crate::report::tests::drawn::record;

    /// gin with TLS as a variant of flask, ten times as fast.
    fn tls_record() -> Record {
        let mut record = record(7);
        record.contenders[0].counterpart = Some("flask".to_owned());
        let tls = TlsAgreementRecord { version: "1.3".to_owned(), ..TlsAgreementRecord::default() };
        let of_gin = |visit: &&mut VisitRecord| visit.entry == "gin";
        for visit in record.visits.iter_mut().filter(of_gin) {
            visit.evidence.iter_mut().for_each(|it| it.tls = Some(tls.clone()));
        }
        record
    }

    fn summary(record: &Record) -> String {
        let sentences = glance::summary(&Analysis::of(record));
        sentences.iter().map(|sentence| format!("{sentence}\n")).collect()
    }

    #[test]
    fn the_summary_says_what_a_variant_costs_and_how_many_handshakes_there_were() {
        let found = summary(&tls_record());
        let costs = "saturation: with TLS, flask needs 90 % less CPU per request (90 % to 90 %), serves \
                     10.0 times as many requests per second (10.0 to 10.0) and takes";
        assert!(found.contains(costs), "{found}");
        assert!(
            found.contains("sequential: full TLS handshakes per second: gin 2,060."),
            "{found}"
        );
        let without = summary(&record(7));
        assert!(!without.contains("with ") && !without.contains("handshakes"), "{without}");
    }

    #[test]
    fn a_variant_is_called_by_what_sets_it_apart() {
        let mut record = tls_record();
        let called = |record: &Record| what(record, &record.contenders[0], "flask");
        assert_eq!(called(&record), "TLS");
        record.contenders[0].protocol = Some("h2".to_owned());
        assert_eq!(called(&record), "HTTP/2 over TLS");
        let tls = record.visits.iter().find_map(|it| it.evidence.as_ref()?.tls.clone());
        for evidence in record.visits.iter_mut().filter_map(|visit| visit.evidence.as_mut()) {
            evidence.tls = tls.clone();
        }
        assert_eq!(called(&record), "HTTP/2");
        record.contenders[0].protocol = None;
        assert_eq!(called(&record), "gin");
    }

    #[test]
    fn a_difference_is_told_by_its_side_and_size() {
        let record = tls_record();
        let analysis = Analysis::of(&record);
        let clause = |ratio: f64, low: f64, high: f64| {
            let (low, high) = (Some(low), Some(high));
            WORDS[0].clause(&Comparison { ratio, low, high, ..analysis.counterparts[0].clone() })
        };
        assert_eq!(clause(1.43, 1.4, 1.46), "needs 43 % more CPU per request (40 % to 46 %)");
        assert_eq!(clause(0.7, 0.65, 0.75), "needs 30 % less CPU per request (25 % to 35 %)");
        assert_eq!(
            clause(3.0, 2.5, 3.5),
            "needs 3.00 times as much CPU per request (2.50 to 3.50)"
        );
        let open = "shows no difference in CPU per request (-2.0 % to +3.0 %)";
        assert_eq!(clause(1.01, 0.98, 1.03), open);
    }
}
