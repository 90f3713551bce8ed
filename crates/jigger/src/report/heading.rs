//! What every report begins with: how much was measured, and on which machine.

use jiff::Timestamp;

use super::units::count;
use crate::analysis::Analysis;
use crate::record::Ended;

/// `4 servers, 10 rounds`.
pub fn extent(analysis: &Analysis<'_>) -> String {
    let servers = count(analysis.record.contenders.len(), "server");
    format!("{servers}, {}", count(analysis.rounds, "round"))
}

/// `4 servers, 10 rounds (time budget used up)`: with why there are no more.
pub fn extent_with_end(analysis: &Analysis<'_>) -> String {
    let looks = &analysis.record.suite.looks;
    let why = match analysis.record.ended {
        Ended::Decided => {
            let look = looks.iter().filter(|look| look.rounds <= analysis.rounds).count();
            format!(" (ended at look {look} of {}: every comparison decided)", looks.len())
        }
        Ended::Budget => " (time budget used up)".to_owned(),
        Ended::MaxRounds if looks.len() > 1 => " (ended at the last look)".to_owned(),
        _ => String::new(),
    };
    extent(analysis) + &why
}

/// `AMD EPYC, 2 cores (client on 0, servers on 1)`.
pub fn machine(analysis: &Analysis<'_>) -> String {
    let host = &analysis.record.host;
    let placement = analysis.record.placement.text(",");
    format!("{}, {} ({placement})", host.processor, count(host.cores, "core"))
}

/// The same with the kernel.
pub fn machine_with_kernel(analysis: &Analysis<'_>) -> String {
    format!("{}, Linux {}", machine(analysis), analysis.record.host.kernel)
}

/// `2026-11-29 06:34 UTC`: when measuring began.
pub fn date(analysis: &Analysis<'_>) -> String {
    let created = &analysis.record.created;
    match created.parse::<Timestamp>() {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        Err(_) => created.clone(),
    }
}
