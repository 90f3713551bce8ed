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
        false => "not shared",
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::ServiceTrialRecord;
    use crate::report::tests::drawn::record;

    fn service(version: Option<&str>, cpus: &[usize]) -> ServiceRecord {
        ServiceRecord {
            name: "postgres".to_owned(),
            version: version.map(str::to_owned),
            start: Vec::new(),
            image: Some("postgres:17".to_owned()),
            user: None,
            each_visit: false,
            cpus: cpus.to_vec(),
            reason: None,
        }
    }

    #[test]
    fn a_service_is_told_with_its_version_and_its_cores() {
        let mut record = record(1);
        record.placement.server_cpus = vec![1, 2];
        let told =
            |version: Option<&str>, cpus: &[usize]| description(&record, &service(version, cpus));
        assert_eq!(
            told(Some("postgres (PostgreSQL) 17.2"), &[1, 2]),
            "postgres (PostgreSQL) 17.2 on cores 1, 2, shared with the servers"
        );
        assert_eq!(told(Some("17.2"), &[3]), "postgres (17.2) on core 3, not shared");
        assert_eq!(told(None, &[3]), "postgres:17 on core 3, not shared");
    }

    #[test]
    fn the_table_has_those_who_use_it() {
        let mut record = record(3);
        record.services = vec![
            service(None, &[3]),
            ServiceRecord { name: "idle".to_owned(), ..service(None, &[3]) },
        ];
        for visit in record.visits.iter_mut().filter(|visit| visit.entry == "gin") {
            let trial = &mut visit.trials[1];
            let cpu_ns = trial.server_cpu_ns.unwrap() / 3;
            let (name, memory_bytes) = ("postgres".to_owned(), 1);
            trial.services = vec![ServiceTrialRecord { name, cpu_ns, memory_bytes }];
        }
        let analysis = Analysis::of(&record);
        let found = tables(&analysis);
        let [table] = &found[..] else { panic!("{found:?}") };
        assert_eq!(table.heading, ["", "sequential", "saturation"]);
        assert_eq!(table.rows, [["gin", "-", "25 %"]]);
        let page = crate::report::render(&analysis, crate::report::Format::Html, false);
        assert!(page.contains("share of CPU time: postgres"), "the page has it as well");
        assert!(page.contains("<dt>service</dt>"));
    }
}
