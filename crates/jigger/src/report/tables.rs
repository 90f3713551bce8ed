//! The tables that the terminal and Markdown share: texts in cells, no layout.

use jigger_load::Arrivals;
use jigger_stats::Verdict;

use super::Tone;
use super::units::{count, significant, whole, with_unit};
use crate::analysis::{
    Analysis, Comparison, ContenderResult, Ranked, RequestFigures, Summary, ThresholdResult,
    by_request, headline,
};
use crate::caveat::Code;
use crate::metric::{Bound, Kind, Metric, Unit};
use crate::numbers::number;
use crate::record::{
    BoundRecord, Limit, PacingRecord, ReplayRecord, RequestRecord, ScenarioRecord, ThresholdRecord,
};

/// A table's texts. The first column is left-aligned, the others right-aligned.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub title: String,
    pub heading: Vec<String>,
    /// One row for each contender that has figures.
    pub rows: Vec<Vec<String>>,
    /// For each row what its cell in the column `toned` says of the contender, if anything.
    pub tones: Vec<Option<Tone>>,
    pub toned: usize,
}

impl Table {
    /// # Panics
    /// Without a column there.
    pub fn remove_column(&mut self, at: usize) {
        self.heading.remove(at);
        self.rows.iter_mut().for_each(|row| drop(row.remove(at)));
        if self.toned > at {
            self.toned -= 1;
        }
    }

    /// Takes out the columns of these headings.
    pub fn remove_columns(&mut self, headings: &[&str]) {
        for at in (0..self.heading.len()).rev() {
            if headings.contains(&self.heading[at].as_str()) {
                self.remove_column(at);
            }
        }
    }
}

/// Every table of a report: figures and thresholds.
pub fn tables(analysis: &Analysis<'_>) -> Vec<Table> {
    let mut tables = figure_tables(analysis);
    tables.push(threshold_table(&analysis.thresholds));
    tables.retain(|table| !table.rows.is_empty());
    tables
}

/// One table for each scenario, and what the servers cost.
pub fn figure_tables(analysis: &Analysis<'_>) -> Vec<Table> {
    let mut tables: Vec<Table> = analysis
        .record
        .suite
        .scenarios
        .iter()
        .flat_map(|scenario| {
            [scenario_table(analysis, scenario), request_table(analysis, scenario)]
        })
        .collect();
    tables.push(cost_table(analysis));
    tables.retain(|table| !table.rows.is_empty());
    tables
}

pub const LIMIT: &str = "limit";
/// What only requests with connections of their own have.
pub const CONNECT: &str = "connect";
pub const HANDSHAKE: &str = "handshake";

/// The metrics that have a column in the table of a scenario, or in that of the costs, with their
/// headings.
pub fn columns(has_services: bool, of_scenario: bool) -> Vec<(Kind, &'static str)> {
    let column = |kind: Kind| Some((kind, kind.descriptor().column?));
    Kind::all()
        .filter(|kind| kind.is_of_scenario() == of_scenario)
        .filter(|kind| has_services || !kind.is_of_services())
        .filter_map(column)
        .collect()
}

/// Best first, with the rank before the name, where there is more than one contender. The ratio is
/// that of the metric that ranks them: at a given rate the response time.
pub fn scenario_table(analysis: &Analysis<'_>, scenario: &ScenarioRecord) -> Table {
    let columns = columns(!analysis.record.services.is_empty(), true);
    let headline = headline(scenario).of(&scenario.name);
    // After the name and the columns up to that of the metric that it is the ratio of.
    let ratio_at =
        columns.iter().position(|(kind, _)| *kind == headline.kind).map_or(1, |at| at + 2);
    let ranking = analysis.ranking(scenario);
    let (mut rows, mut tones) = (Vec::new(), Vec::new());
    for Ranked { rank, contender, .. } in &ranking {
        let shown = rank.filter(|_| ranking.len() > 1);
        let mut row = vec![ranked_name(shown, &contender.record.name)];
        row.extend(columns.iter().map(|(kind, _)| cell(contender, kind.of(&scenario.name))));
        row.insert(ratio_at, ratio_cell(analysis, headline, contender));
        let limit = analysis.limit(&contender.record.name, &scenario.name);
        row.push(limit.map_or("-", Limit::words).to_owned());
        rows.push(row);
        let comparison = analysis.comparison(headline, &contender.record.name);
        let shown = comparison.filter(|_| !contender.has_gate(Code::Errors, headline));
        tones.push(shown.and_then(|found| found.verdict).map(Tone::of));
    }
    let mut heading: Vec<String> = vec![String::new()];
    heading.extend(columns.iter().map(|(_, heading)| (*heading).to_owned()));
    heading.insert(ratio_at, "vs baseline".to_owned());
    heading.push(LIMIT.to_owned());
    let title = scenario_title(scenario);
    let mut table = Table { title, heading, rows, tones, toned: ratio_at };
    for heading in [CONNECT, HANDSHAKE] {
        let at = table.heading.iter().position(|it| it == heading);
        if at.is_some_and(|at| table.rows.iter().all(|row| row[at] == "-")) {
            table.remove_columns(&[heading]);
        }
    }
    table
}

/// Each request of a mix, of each contender.
pub fn request_table(analysis: &Analysis<'_>, scenario: &ScenarioRecord) -> Table {
    let rows: Vec<Vec<String>> = measured(analysis)
        .flat_map(|contender| {
            let name = &contender.record.name;
            let found = by_request(analysis.record, name, scenario);
            found.iter().map(|figures| request_row(name, figures)).collect::<Vec<_>>()
        })
        .collect();
    Table {
        title: format!("{}: each request", scenario.name),
        heading: ["", "request", "responses", "p50", "p99", "errors"].map(str::to_owned).into(),
        tones: vec![None; rows.len()],
        toned: 0,
        rows,
    }
}

fn request_row(contender: &str, figures: &RequestFigures<'_>) -> Vec<String> {
    let time = |us: Option<f64>| us.map_or("-".to_owned(), |us| with_unit(us, Unit::Microseconds));
    vec![
        contender.to_owned(),
        figures.request.title(),
        whole(figures.requests),
        time(figures.p50_us),
        time(figures.p99_us),
        whole(figures.errors),
    ]
}

pub fn cost_table(analysis: &Analysis<'_>) -> Table {
    let columns = columns(!analysis.record.services.is_empty(), false);
    let rows: Vec<Vec<String>> = measured(analysis)
        .map(|contender| {
            let mut row = vec![contender.record.name.clone()];
            row.extend(columns.iter().map(|(kind, _)| cell(contender, Metric::from(*kind))));
            row
        })
        .filter(|row| row[1..].iter().any(|cell| cell != "-"))
        .collect();
    Table {
        title: "cost".to_owned(),
        heading: [""]
            .into_iter()
            .chain(columns.iter().map(|(_, heading)| *heading))
            .map(str::to_owned)
            .collect(),
        tones: vec![None; rows.len()],
        toned: 0,
        rows,
    }
}

pub fn threshold_table(thresholds: &[ThresholdResult<'_>]) -> Table {
    let row = |result: &ThresholdResult<'_>| {
        vec![
            format!("{} {}", result.threshold.contender, result.threshold.metric),
            requirement(result.threshold),
            threshold_value(result),
            result.outcome.name().to_owned(),
        ]
    };
    Table {
        title: "thresholds".to_owned(),
        heading: ["", "required", "measured", "outcome"].map(str::to_owned).into(),
        rows: thresholds.iter().map(row).collect(),
        tones: vec![None; thresholds.len()],
        toned: 0,
    }
}

/// `at least 2 x flask`.
pub fn requirement(threshold: &ThresholdRecord) -> String {
    let side = match threshold.bound {
        BoundRecord::AtLeast => "at least",
        BoundRecord::AtMost => "at most",
    };
    format!("{side} {}", threshold.text)
}

/// `2.31x (2.28 to 2.40)`, `3.20 ms (3.10 ms to 3.35 ms)`; `>=` where only the lower end is known,
/// `<=` where only the upper one is.
pub fn threshold_value(result: &ThresholdResult<'_>) -> String {
    let shown = |value: f64| match (&result.threshold.relative_to, result.metric) {
        (None, Some(metric)) => with_unit(value, metric.descriptor().unit),
        _ => format!("{}x", significant(value)),
    };
    let Some(value) = result.value.map(shown) else {
        return "-".to_owned();
    };
    match (result.low, result.high) {
        (Some(low), Some(high)) if low < high => {
            format!("{value} ({} to {})", shown(low), shown(high))
        }
        (Some(_), None) => format!(">= {value}"),
        (None, Some(_)) => format!("<= {value}"),
        _ => value,
    }
}

/// `server CPU (flask, gin); connections (axum)`: the names of those that have a text in common.
pub fn grouped_names(entries: impl Iterator<Item = (String, String)>) -> String {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for (text, name) in entries {
        match groups.iter_mut().find(|(known, _)| *known == text) {
            Some((_, names)) => names.push(name),
            None => groups.push((text, vec![name])),
        }
    }
    let groups = groups.iter().map(|(text, names)| format!("{text} ({})", names.join(", ")));
    groups.collect::<Vec<_>>().join("; ")
}

/// Contenders that have figures, whatever became of them later.
pub fn measured<'a, 'b>(
    analysis: &'b Analysis<'a>,
) -> impl Iterator<Item = &'b ContenderResult<'a>> {
    analysis.contenders.iter().filter(|contender| contender.has_figures())
}

/// `saturation: 32 connections, keep-alive, 3 s per round`.
pub fn scenario_title(scenario: &ScenarioRecord) -> String {
    let connections = count(scenario.connections, "connection") + &streams(scenario);
    let policy = policy(scenario, "new for each request with a resumed TLS session");
    let extent = match (scenario.requests, scenario.duration_ns) {
        (Some(requests), _) => format!("{requests} requests per round"),
        (None, Some(ns)) => {
            format!("{} per round", with_unit(number(ns) / 1e9, Unit::Seconds))
        }
        (None, None) => String::new(),
    };
    let load = match scenario.pacing() {
        PacingRecord::Closed => extent,
        PacingRecord::Rate { per_second, arrivals, burst } => {
            format!("{extent}, {per_second} requests/s{}", spread(arrivals, burst))
        }
        PacingRecord::Capacity { objective, arrivals, burst } => format!(
            "highest rate with {objective}, {} at each rate{}",
            extent.trim_end_matches(" per round"),
            spread(arrivals, burst)
        ),
    };
    let requests = match &scenario.replay {
        Some(replay) => replayed(replay),
        None => requests(&scenario.asked),
    };
    format!("{}: {requests}{connections}, {policy}, {load}", scenario.name)
}

/// `keep-alive`, or when connections are made; in these words with resumed sessions.
pub fn policy(scenario: &ScenarioRecord, resumed: &str) -> String {
    match (scenario.fresh, scenario.resumed, scenario.requests_per_connection) {
        (true, true, _) => resumed.to_owned(),
        (true, false, _) => "new for each request".to_owned(),
        (false, _, Some(each)) => format!("{} per connection", count(each as usize, "request")),
        (false, _, None) => "keep-alive".to_owned(),
    }
}

/// ` x 10 streams (HTTP/2)`, or `(gRPC)`; nothing over HTTP/1.1.
pub fn streams(scenario: &ScenarioRecord) -> String {
    let protocol = if scenario.grpc { "gRPC" } else { "HTTP/2" };
    scenario.http2.map_or_else(String::new, |it| format!(" x {} ({protocol})", count(it, "stream")))
}

/// `1,200 requests of requests.jsonl in turn, `.
fn replayed(replay: &ReplayRecord) -> String {
    let left_out = match replay.left_out {
        0 => String::new(),
        some => format!(" ({} left out)", whole(some)),
    };
    format!("{} requests of {}{left_out} in turn, ", whole(replay.requests), replay.file)
}

/// `POST /orders, `; nothing for a GET of the contender's URL.
fn requests(sent: &[RequestRecord]) -> String {
    match sent {
        [] => String::new(),
        [only] => format!("{}, ", only.title()),
        several => format!("a mix of {} requests, ", several.len()),
    }
}

fn spread(arrivals: Arrivals, burst: u32) -> String {
    let at_random = if arrivals == Arrivals::Exponential { " at random times" } else { "" };
    let at_once = if burst > 1 { format!(", {burst} at a time") } else { String::new() };
    format!("{at_random}{at_once}")
}

/// The ratio with its interval: `1.73x (1.43-2.09)`, marked `=` where the two are the same and `~`
/// where a difference is only probable; `>= 34.1x` for a bound, of which only the supported end is
/// known; `-` where a gate forbids it.
pub fn ratio_text(comparison: &Comparison<'_>) -> String {
    let Comparison { ratio, low, high, verdict, bound, .. } = comparison;
    if comparison.withheld.is_some() {
        return "-".to_owned();
    }
    let mark = match verdict {
        Some(Verdict::Same) => " =",
        Some(Verdict::ProbablyBetter | Verdict::ProbablyWorse) => " ~",
        _ => "",
    };
    match (comparison.supported_end(), low.zip(*high)) {
        (Some(end), _) => bounded(*bound, format!("{}x{mark}", significant(end))),
        (None, Some((low, high))) => {
            let [ratio, low, high] = [*ratio, low, high].map(significant);
            format!("{ratio}x ({low}-{high}){mark}")
        }
        (None, None) => format!("{}x", significant(*ratio)),
    }
}

/// The ratio of a contender to the baseline, or `baseline`.
pub fn ratio_cell(
    analysis: &Analysis<'_>,
    metric: Metric<'_>,
    contender: &ContenderResult<'_>,
) -> String {
    if contender.record.name == analysis.record.suite.baseline {
        return "baseline".to_owned();
    }
    let comparison = analysis.comparison(metric, &contender.record.name);
    comparison.map_or_else(|| "-".to_owned(), ratio_text)
}

/// A name behind its rank, where it has one.
pub fn ranked_name(rank: Option<usize>, name: &str) -> String {
    rank.map_or_else(|| name.to_owned(), |rank| format!("{rank} {name}"))
}

/// A figure of a contender.
pub fn cell(contender: &ContenderResult<'_>, metric: Metric<'_>) -> String {
    let unit = metric.descriptor().unit;
    let shown = |found: &Summary<'_>| bounded(found.bound, with_unit(found.estimate, unit));
    contender.summary(metric).map_or_else(|| "-".to_owned(), shown)
}

/// `>= 12,345` for what is a bound only.
pub fn bounded(bound: Option<Bound>, text: String) -> String {
    bound.map_or(text.clone(), |bound| format!("{} {text}", bound.symbol()))
}
