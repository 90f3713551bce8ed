//! What visits before the rounds find: the rates that are shares of a capacity, and whether
//! contenders differ in closing connections.
//!
//! How many requests a second a contender serves in a closed loop with the scenario's connections is its
//! capacity; the slowest one's sets the rate for all.

use crate::record::{CalibrationRecord, CapacityRecord, VisitRecord};
use crate::suite::{Pacing, Scenario};

/// The rate of each scenario concerned, from the visits.
pub(super) fn calibrations(
    scenarios: &[Scenario],
    visits: &[VisitRecord],
) -> Vec<CalibrationRecord> {
    let of = |scenario: &Scenario| {
        let Pacing::ShareOfSlowest { share, .. } = scenario.pacing else { return None };
        let capacities: Vec<CapacityRecord> =
            visits.iter().filter_map(|visit| capacity(visit, &scenario.name)).collect();
        let slowest = capacities.iter().map(|c| c.requests_per_second).reduce(f64::min);
        Some(CalibrationRecord {
            scenario: scenario.name.clone(),
            share,
            rate_per_second: slowest.map(|slowest| rounded(share * slowest)),
            capacities,
        })
    };
    scenarios.iter().filter_map(of).collect()
}

fn capacity(visit: &VisitRecord, scenario: &str) -> Option<CapacityRecord> {
    let trial = visit.trials.iter().find(|trial| trial.scenario == scenario)?;
    let requests_per_second = trial.requests_per_second();
    (visit.failure.is_none() && requests_per_second > 0.0)
        .then(|| CapacityRecord { contender: visit.entry.clone(), requests_per_second })
}

/// Three significant digits: what a report shows is then the rate that was sent.
fn rounded(rate: f64) -> f64 {
    // Through text, which is rounded in decimal; a product of powers of ten has a tail of digits.
    format!("{rate:.2e}").parse().unwrap_or(rate)
}

/// Whether some of the contenders visited close connections that others keep.
pub(super) fn differ_in_closing(visits: &[VisitRecord]) -> bool {
    let closes = |visit: &VisitRecord| Some(visit.evidence.as_ref()?.closes_connections);
    let mut found = visits.iter().filter_map(closes);
    let first = found.next();
    found.any(|closes| Some(closes) != first)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::suite::Suite;

    fn scenarios() -> Vec<Scenario> {
        let text = "[suite]\nname = \"s\"\n[[contender]]\nname = \"a\"\nurl = \"http://h/\"\n\
                    [[scenario]]\nname = \"full\"\nrequests = 5\n\
                    [[scenario]]\nname = \"calm\"\nduration = \"1s\"\nrate = \"60% of slowest\"\n";
        Suite::parse(text, "s", Path::new("/")).unwrap().scenarios
    }

    fn visit(entry: &str, requests: u64, failure: Option<&str>) -> VisitRecord {
        let visit = serde_json::json!({
            "round": 0, "position": 0, "entry": entry, "startup_ns": null, "evidence": null,
            "steady": true, "memory_idle_bytes": null, "memory_peak_bytes": null,
            "steal_share": 0.0, "failure": failure, "trials": [{
                "scenario": "calm", "elapsed_ns": 1_000_000_000, "requests": requests,
                "bytes_received": 0, "response_time": "", "connect_time": "", "status": {},
                "errors": {}, "error_examples": {}, "in_flight": 0, "in_flight_oldest_ns": 0,
                "connections_opened": 1, "closed_by_server": 0, "server_cpu_ns": null,
                "engine_cpu_ns": 0, "engine_cores": 1, "log_bytes": 0, "driver": "epoll"
            }]
        });
        serde_json::from_value(visit).unwrap()
    }

    #[test]
    fn the_slowest_sets_the_rate_for_all_in_three_digits() {
        let visits = [visit("a", 9_000, None), visit("b", 1_234, None)];
        let found = calibrations(&scenarios(), &visits);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].rate_per_second, Some(740.0), "60 % of 1,234 is 740.4");
        assert_eq!(found[0].capacities[1].contender, "b");
    }

    #[test]
    fn a_rounded_rate_has_no_tail_of_digits() {
        let shown =
            [46.8 + 1e-12, 0.012_345, 98_765.4, 740.4].map(|rate| rounded(rate).to_string());
        assert_eq!(shown, ["46.8", "0.0123", "98800", "740"]);
    }

    #[test]
    fn who_fails_sets_no_rate() {
        let visits = [visit("a", 9_000, None), visit("b", 10, Some("it broke"))];
        assert_eq!(calibrations(&scenarios(), &visits)[0].rate_per_second, Some(5_400.0));
        assert_eq!(calibrations(&scenarios(), &visits[1..])[0].rate_per_second, None);
    }
}
