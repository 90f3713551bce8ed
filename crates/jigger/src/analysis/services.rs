//! What services used beside the contenders: a pure function of the record.

use crate::numbers::{number, quantile};
use crate::record::{Record, TrialRecord};

/// The share that a service had of the CPU time of the contender and its services in a scenario: of
/// the rounds' shares the median. `None` where one of them is not known.
pub fn cpu_share_of_service(
    record: &Record,
    service: &str,
    contender: &str,
    scenario: &str,
) -> Option<f64> {
    let trials = record.visits_of(contender).flat_map(|visit| &visit.trials);
    let mut shares: Vec<f64> = trials
        .filter(|trial| trial.scenario == scenario)
        .filter_map(|trial| share(trial, service))
        .collect();
    shares.sort_by(f64::total_cmp);
    (!shares.is_empty()).then(|| quantile(&shares, 0.5))
}

fn share(trial: &TrialRecord, service: &str) -> Option<f64> {
    let used = trial.services.iter().find(|used| used.name == service)?;
    let of_services: u64 = trial.services.iter().map(|used| used.cpu_ns).sum();
    let all = of_services + trial.server_cpu_ns?;
    (all > 0).then(|| number(used.cpu_ns) / number(all))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{ServiceTrialRecord, VisitRecord};
    use crate::report::tests::drawn::{blank, record};

    #[test]
    fn the_share_is_of_the_server_and_all_services_and_the_median_round_counts() {
        let mut record = record(1);
        let used = |name: &str, cpu_ns: u64| ServiceTrialRecord {
            name: name.to_owned(),
            cpu_ns,
            memory_bytes: 1,
        };
        record.visits = [40, 20, 30]
            .map(|cpu_ns| VisitRecord {
                trials: vec![TrialRecord {
                    server_cpu_ns: Some(60 - cpu_ns),
                    services: vec![used("db", cpu_ns), used("cache", 40)],
                    ..blank::trial("q", 10, 100)
                }],
                ..VisitRecord::begun("gin", 0, 0)
            })
            .to_vec();
        let share = |service: &str, contender: &str, scenario: &str| {
            cpu_share_of_service(&record, service, contender, scenario)
        };
        assert_eq!(share("db", "gin", "q"), Some(0.3));
        assert_eq!(share("cache", "gin", "q"), Some(0.4));
        assert_eq!(share("db", "gin", "other"), None);
        assert_eq!(share("db", "flask", "q"), None);
        assert_eq!(share("other", "gin", "q"), None);
    }
}
