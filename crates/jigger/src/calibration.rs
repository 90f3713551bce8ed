//! Before the rounds: the capacity of every contender, for scenarios whose rate is a share of the
//! slowest one's.
//!
//! Each contender is visited once, in a closed loop with the scenario's connections. What it
//! answers there a second is its capacity; the same rate then holds for all.

use crate::event::{Event, Listener};
use crate::plan::Entry;
use crate::record::{CalibrationRecord, CapacityRecord, ContenderRecord, Status, VisitRecord};
use crate::session::World;
use crate::suite::{Scenario, Suite};

/// The suite of the calibration: the scenarios concerned alone, in closed loop. `None` when there
/// is nothing to calibrate.
#[must_use]
pub fn closed_loop(suite: &Suite) -> Option<Suite> {
    let mut scenarios: Vec<Scenario> =
        suite.scenarios.iter().filter(|s| s.share_of_slowest.is_some()).cloned().collect();
    for scenario in &mut scenarios {
        scenario.share_of_slowest = None;
    }
    (!scenarios.is_empty()).then(|| Suite { scenarios, ..suite.clone() })
}

/// Visits every contender that takes part once; the visits that were made until an interrupt.
pub fn visit_all(
    contenders: &[ContenderRecord],
    world: &mut impl World,
    listener: &mut Listener<'_>,
) -> Vec<VisitRecord> {
    let mut visits = Vec::new();
    for (contender, found) in contenders.iter().enumerate() {
        if world.is_interrupted() {
            break;
        }
        if found.status != Status::Measured {
            continue;
        }
        let entry = Entry { contender, name: found.name.clone() };
        let visit = world.visit(&entry, 0, visits.len(), listener);
        if world.is_interrupted() {
            break;
        }
        if let Some(reason) = &visit.failure {
            listener(Event::LeftOut { contender: entry.name, reason: told(reason) });
        }
        visits.push(visit);
    }
    visits
}

/// The rate of each scenario concerned, from the visits.
#[must_use]
pub fn calibrations(suite: &Suite, visits: &[VisitRecord]) -> Vec<CalibrationRecord> {
    let of = |scenario: &Scenario| {
        let share = scenario.share_of_slowest?;
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
    suite.scenarios.iter().filter_map(of).collect()
}

fn capacity(visit: &VisitRecord, scenario: &str) -> Option<CapacityRecord> {
    let trial = visit.trials.iter().find(|trial| trial.scenario == scenario)?;
    let requests_per_second = trial.requests_per_second();
    (visit.failure.is_none() && requests_per_second > 0.0)
        .then(|| CapacityRecord { contender: visit.entry.clone(), requests_per_second })
}

/// Three significant digits: what a report shows is then what was asked.
fn rounded(rate: f64) -> f64 {
    // Through text, which is rounded in decimal; a product of powers of ten has a tail of digits.
    format!("{rate:.2e}").parse().unwrap_or(rate)
}

/// Writes the rates into the suite.
pub fn apply(calibrations: &[CalibrationRecord], suite: &mut Suite) {
    for scenario in &mut suite.scenarios {
        let found = calibrations.iter().find(|found| found.scenario == scenario.name);
        if let Some(rate) = found.and_then(|found| found.rate_per_second) {
            scenario.rate_per_second = Some(rate);
        }
    }
}

/// A contender that could not be calibrated cannot be measured either.
pub fn mark_failures(visits: &[VisitRecord], contenders: &mut [ContenderRecord]) {
    for visit in visits {
        let failed = contenders.iter_mut().find(|contender| contender.name == visit.entry);
        if let (Some(contender), Some(reason)) = (failed, &visit.failure) {
            contender.status = Status::Failed;
            contender.reason = Some(told(reason));
        }
    }
}

fn told(reason: &str) -> String {
    format!("while its capacity was measured: {reason}")
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::*;

    fn suite() -> Suite {
        let contender = |name| format!("[[contender]]\nname = \"{name}\"\nurl = \"http://h/\"\n");
        let text = format!(
            "[suite]\nname = \"s\"\n{}{}[[scenario]]\nname = \"full\"\nrequests = 5\n\
             [[scenario]]\nname = \"calm\"\nduration = \"1s\"\nrate = \"60% of slowest\"\n",
            contender("a"),
            contender("b")
        );
        Suite::parse(&text, "s", Path::new("/")).unwrap()
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

    /// Every visit fails; Ctrl-C comes during the one with this number.
    struct Broken {
        interrupted_in: usize,
        visits: usize,
    }

    impl World for Broken {
        fn elapsed(&self) -> Duration {
            Duration::ZERO
        }

        fn is_interrupted(&self) -> bool {
            self.visits >= self.interrupted_in
        }

        fn visit(
            &mut self,
            entry: &Entry,
            _: usize,
            _: usize,
            _: &mut Listener<'_>,
        ) -> VisitRecord {
            self.visits += 1;
            visit(&entry.name, 1, Some("it broke"))
        }
    }

    #[test]
    fn who_fails_is_told_at_once_and_an_interrupt_ends_it() {
        let contender = |name: &str, status: &str| -> ContenderRecord {
            serde_json::from_value(serde_json::json!({
                "name": name, "status": status, "reason": null, "start": [], "environment": [],
                "build_seconds": null, "image": null, "image_reason": null
            }))
            .unwrap()
        };
        let contenders = [
            contender("a", "measured"),
            contender("b", "skipped"),
            contender("c", "measured"),
            contender("d", "measured"),
        ];
        let made = |interrupted_in| {
            let (mut world, mut told) = (Broken { interrupted_in, visits: 0 }, Vec::new());
            let visits = visit_all(&contenders, &mut world, &mut |event| told.push(event));
            (visits.len(), told, world.visits)
        };
        let (visits, told, _) = made(9);
        assert_eq!(visits, 3);
        let reason = "while its capacity was measured: it broke".to_owned();
        assert_eq!(told[1], Event::LeftOut { contender: "c".to_owned(), reason });
        assert_eq!(made(2), (1, told[..1].to_vec(), 2));
        assert_eq!(made(0), (0, Vec::new(), 0), "nobody is launched after an interrupt");
    }

    #[test]
    fn the_closed_loop_has_the_scenarios_concerned_alone() {
        let mut suite = suite();
        let closed = closed_loop(&suite).unwrap();
        let names: Vec<&str> = closed.scenarios.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(names, ["calm"]);
        assert_eq!(closed.scenarios[0].rate_per_second, None);
        suite.scenarios.pop();
        assert!(closed_loop(&suite).is_none());
    }

    #[test]
    fn the_slowest_sets_the_rate_for_all_in_three_digits() {
        let mut suite = suite();
        let found = calibrations(&suite, &[visit("a", 9_000, None), visit("b", 1_234, None)]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].rate_per_second, Some(740.0), "60 % of 1,234 is 740.4");
        assert_eq!(found[0].capacities[1].contender, "b");
        apply(&found, &mut suite);
        assert_eq!(suite.scenarios[1].rate_per_second, Some(740.0));
        assert_eq!(suite.scenarios[0].rate_per_second, None);
    }

    #[test]
    fn a_rounded_rate_has_no_tail_of_digits() {
        let shown =
            [46.8 + 1e-12, 0.012_345, 98_765.4, 740.4].map(|rate| rounded(rate).to_string());
        assert_eq!(shown, ["46.8", "0.0123", "98800", "740"]);
    }

    #[test]
    fn who_fails_sets_no_rate_and_is_told() {
        let visits = [visit("a", 9_000, None), visit("b", 10, Some("it broke"))];
        assert_eq!(calibrations(&suite(), &visits)[0].rate_per_second, Some(5_400.0));
        assert_eq!(calibrations(&suite(), &visits[1..])[0].rate_per_second, None);
    }
}
