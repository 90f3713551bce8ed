//! The tables of services: which share of the CPU time each had.

use super::tables::{Table, measured};
use super::units::percent;
use crate::analysis::{Analysis, cpu_share_of_service};
use crate::numbers::cpu_list;
use crate::record::{Record, ServiceRecord};

/// One for each service that a contender was measured with.
pub fn tables(analysis: &Analysis<'_>) -> Vec<Table> {
    let services = analysis.record.services.iter();
    services.map(|service| table(analysis, service)).filter(|it| !it.rows.is_empty()).collect()
}

/// `postgres (PostgreSQL) 15.18 on core 1, shared with the servers`.
pub fn description(record: &Record, service: &ServiceRecord) -> String {
    let name = &service.name;
    let version = service.version.as_deref().or(service.image.as_deref());
    // A program's version mostly begins with its own name.
    let what = match version {
        Some(version) if version.contains(name.as_str()) => version.to_owned(),
        Some(version) => format!("{name} ({version})"),
        None => name.clone(),
    };
    let cores = if service.cpus.len() == 1 { "core" } else { "cores" };
    let shared = match service.cpus.iter().any(|cpu| record.placement.server_cpus.contains(cpu)) {
        true => "shared with the servers",
        false => "of its own",
    };
    format!("{what} on {cores} {}, {shared}", cpu_list(&service.cpus, ", "))
}

fn table(analysis: &Analysis<'_>, service: &ServiceRecord) -> Table {
    let record = analysis.record;
    let scenarios = record.scenario_names();
    let share = |contender: &str, scenario: &str| {
        let share = cpu_share_of_service(record, &service.name, contender, scenario);
        share.map_or("-".to_owned(), percent)
    };
    let rows: Vec<Vec<String>> = measured(analysis)
        .map(|contender| contender.record.name.as_str())
        .map(|name| {
            let shares = scenarios.iter().map(|scenario| share(name, scenario));
            [name.to_owned()].into_iter().chain(shares).collect()
        })
        .filter(|row: &Vec<String>| row[1..].iter().any(|cell| cell != "-"))
        .collect();
    Table {
        title: format!("share of CPU time: {}", description(record, service)),
        heading: [""].into_iter().chain(scenarios).map(str::to_owned).collect(),
        tones: vec![None; rows.len()],
        toned: 0,
        rows,
    }
}
