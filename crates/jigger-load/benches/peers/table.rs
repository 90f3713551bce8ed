//! The figures of all rounds as a Markdown table.

use super::peer::{Figures, Peer};
use std::fmt::Write as _;

const COLUMNS: &[&str] = &[
    "connections",
    "client",
    "CPU a request / wrk's",
    "CPU a request / floor's",
    "rate / wrk's",
    "server's CPU a request / with wrk",
    "p50 us",
    "p99 us",
];

/// What was done, and the head of the table.
pub fn heading(work_us: u64, rounds: usize, seconds: u64) -> String {
    format!(
        "The server spends {work_us} us on each answer; medians of {rounds} interleaved rounds of \
         {seconds} s, the least and the greatest in brackets.\n\n| {} |\n|{}",
        COLUMNS.join(" | "),
        "---|".repeat(COLUMNS.len())
    )
}

/// One line for each peer; `rounds` has the figures in the peers' order.
pub fn rows(connections: usize, peers: &[Peer], rounds: &[Vec<Figures>]) -> String {
    let place = |name: &str| peers.iter().position(|peer| peer.name == name);
    let (wrk, floor) = (place("wrk"), place("floor"));
    let mut text = String::new();
    for (index, peer) in peers.iter().enumerate() {
        let ratio = |to: Option<usize>, value: fn(&Figures) -> f64| match to {
            Some(to) => spread(rounds.iter().map(|round| value(&round[index]) / value(&round[to]))),
            None => "-".to_owned(),
        };
        let _ = writeln!(
            text,
            "| {connections} | {} | {} | {} | {} | {} | {} | {} |",
            peer.name,
            ratio(wrk, |figures| figures.client_cpu_us_per_request),
            ratio(floor, |figures| figures.client_cpu_us_per_request),
            ratio(wrk, |figures| figures.requests_per_second),
            ratio(wrk, |figures| figures.server_cpu_us_per_request),
            typical(rounds, index, |figures| figures.p50_us),
            typical(rounds, index, |figures| figures.p99_us),
        );
    }
    text
}

fn typical(rounds: &[Vec<Figures>], index: usize, value: fn(&Figures) -> f64) -> String {
    let median = median(&sorted(rounds.iter().map(|round| value(&round[index]))));
    if median > 0.0 { format!("{median:.0}") } else { "-".to_owned() }
}

fn spread(values: impl Iterator<Item = f64>) -> String {
    let values = sorted(values);
    let (Some(least), Some(greatest)) = (values.first(), values.last()) else {
        return "-".to_owned();
    };
    format!("{:.3} ({least:.2} to {greatest:.2})", median(&values))
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}
