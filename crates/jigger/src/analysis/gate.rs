//! Conditions that must hold for a figure to be shown as it is.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::limit::{
    CEILING_SHARE_LIMIT, ENGINE_SHARE_LIMIT, USUAL_LOCAL_PORTS, ceiling_share,
    connections_per_second, engine_share, typical,
};
use super::trial::{self, Offered, Trial};
use super::visits::Visit;
use crate::caveat::Code;
use crate::metric::Metric;
use crate::numbers::number;
use crate::record::{Limit, PacingRecord, ProbeRecord, Record, ScenarioRecord, TrialRecord};

/// A condition that did not hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    pub code: Code,
    /// The scenario whose figures it touches; empty for all.
    pub scenario: String,
    pub detail: String,
    pub remedy: &'static str,
}

/// The gates that leave a bound of a figure.
const BOUNDING: [Code; 2] = [Code::ClientLimited, Code::PortLimited];

impl Gate {
    /// Whether the metric is of the scenario that the gate touches.
    pub fn touches(&self, metric: Metric<'_>) -> bool {
        metric.scenario.is_some_and(|name| self.scenario.is_empty() || name == self.scenario)
    }
}

/// The gate by which a metric is a bound only.
pub fn bounding(gates: &[Gate], metric: Metric<'_>) -> Option<Code> {
    let mut gates = gates.iter().filter(|gate| BOUNDING.contains(&gate.code));
    gates.find(|gate| gate.touches(metric)).map(|gate| gate.code)
}

/// The gates that an entry failed, each once a scenario.
pub fn gates_of(record: &Record, visits: &[&Visit<'_>]) -> Vec<Gate> {
    let mut gates: Vec<Gate> =
        record.suite.scenarios.iter().flat_map(|it| of_scenario(record, it, visits)).collect();
    let unsteady = visits.iter().filter(|visit| !visit.record.steady).count();
    if unsteady > 0 {
        let detail = format!("the warm-up did not settle in {unsteady} of {} visits", visits.len());
        let remedy = "raise warm_up.cap; on a noisy machine raise warm_up.window";
        gates.push(Gate { code: Code::NotSteady, scenario: String::new(), detail, remedy });
    }
    gates
}

fn of_scenario(record: &Record, scenario: &ScenarioRecord, visits: &[&Visit<'_>]) -> Vec<Gate> {
    let trials: Vec<&Trial<'_>> =
        visits.iter().filter_map(|visit| visit.trial(&scenario.name)).collect();
    let own = match visits.first() {
        Some(visit) => record.load_of(&visit.record.entry, scenario),
        None => Cow::Borrowed(scenario),
    };
    let local_ports = record.host.local_ports.unwrap_or(USUAL_LOCAL_PORTS);
    let disturbed_ceiling = scenario.has_disturbed_ceiling(&record.suite.disturbance);
    let limited_by = |limit| typical(&trials).filter(|trial| trial.limit == Some(limit));
    let client_limited = limited_by(Limit::ClientCpu)
        .map(|trial| client_limited(scenario, trial.record, local_ports, disturbed_ceiling));
    let port_limited =
        limited_by(Limit::Ports).map(|trial| port_limited(trial.record, local_ports));
    let mut gates = Vec::new();
    let mut gate = |code, detail: Option<String>, remedy| {
        let scenario = scenario.name.clone();
        gates.extend(detail.map(|detail| Gate { code, scenario, detail, remedy }));
    };
    gate(Code::Errors, errors(&trials), "see the example and the server's log");
    gate(
        Code::ClientLimited,
        client_limited,
        "give the load generator more cores (--client-cpus), or compare at a fixed rate",
    );
    gate(
        Code::PortLimited,
        port_limited,
        "widen the kernel's range of local ports (sysctl net.ipv4.ip_local_port_range), or use \
         keep-alive",
    );
    gate(
        Code::StreamsLimited,
        streams_limited(&own, &trials),
        "lower streams, or raise what the server allows on a connection \
         (SETTINGS_MAX_CONCURRENT_STREAMS)",
    );
    gate(
        Code::LittlesLaw,
        departed(&own, &trials),
        "lengthen the trial: requests without a response at its end were a large share",
    );
    gate(
        Code::RateNotReached,
        offered(scenario, &trials),
        "lower the rate, or use more connections",
    );
    gate(
        Code::ObjectiveMissed,
        missed(scenario, &trials),
        "loosen the objective, lengthen the trial, or use more connections",
    );
    gates
}

/// A server that takes fewer requests at once than the scenario is to have under way gets fewer.
fn streams_limited(scenario: &ScenarioRecord, trials: &[&Trial<'_>]) -> Option<String> {
    let streams = scenario.http2?;
    let settings = trials.iter().filter_map(|trial| trial.record.http2_settings);
    let allowed = settings.filter_map(|settings| settings.fewer_than(streams)).min()?;
    Some(format!("the server allows {allowed} of {streams} streams on a connection"))
}

fn errors(trials: &[&Trial<'_>]) -> Option<String> {
    let mut kinds = BTreeMap::new();
    for (kind, count) in trials.iter().flat_map(|trial| &trial.record.errors) {
        *kinds.entry(kind.as_str()).or_insert(0) += count;
    }
    let example = trials.iter().find_map(|trial| trial.record.error_examples.values().next());
    let list: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    let example = example.map_or(String::new(), |text| format!(" (for instance: {text})"));
    (!list.is_empty()).then(|| format!("{}{example}", list.join(", ")))
}

/// The engine was the limit when it had little time left, or was near to what it can do at all.
fn client_limited(
    scenario: &ScenarioRecord,
    trial: &TrialRecord,
    local_ports: u32,
    disturbed_ceiling: bool,
) -> String {
    let engine_share = engine_share(trial.engine_cpu_ns, trial.elapsed_ns, trial.engine_cores);
    let ceiling_share = ceiling_share(scenario, trial, local_ports).unwrap_or(0.0);
    let mut found = Vec::new();
    if ceiling_share < CEILING_SHARE_LIMIT || engine_share >= ENGINE_SHARE_LIMIT {
        found.push(format!("the load generator used {:.0} % of its cores", engine_share * 100.0));
    }
    if ceiling_share >= CEILING_SHARE_LIMIT {
        found.push(format!(
            "the rate was {:.0} % of the load generator's maximum on this machine{}",
            ceiling_share * 100.0,
            if disturbed_ceiling { " (a disturbed ceiling, perhaps too low)" } else { "" }
        ));
    }
    format!("{}: lower bound only", found.join(" and "))
}

/// Neither the server nor the load engine is to blame.
fn port_limited(trial: &TrialRecord, local_ports: u32) -> String {
    format!(
        "{:.0} connections were opened per second, and this machine's {local_ports} local ports \
         suffice for about {:.0}: lower bound only",
        number(trial.connections_opened) * 1e9 / number(trial.elapsed_ns),
        connections_per_second(local_ports)
    )
}

/// Connections = throughput x mean latency, in a closed loop that keeps its connections busy.
fn departed(scenario: &ScenarioRecord, trials: &[&Trial<'_>]) -> Option<String> {
    let occupied = trial::departed(scenario, trials.iter().copied())?;
    Some(format!(
        "Little's law check failed in the median round: {occupied:.1} connections implied, {} configured",
        scenario.at_once()
    ))
}

/// The requests that got a response, in the round that fell short the most.
fn offered(scenario: &ScenarioRecord, trials: &[&Trial<'_>]) -> Option<String> {
    let rounds = trials.iter().filter_map(|trial| Offered::of(scenario, trial));
    let short = rounds.filter(|offered| !offered.is_reached());
    let worst = short.min_by(|a, b| a.steady_share().total_cmp(&b.steady_share()))?;
    Some(format!(
        "{:.1} % of the {} requests per second got a response",
        worst.response_share() * 100.0,
        worst.rate_per_second
    ))
}

/// In how many rounds not even the lowest rate kept the scenario's objective, in words; `None`
/// when all rounds have a capacity.
fn missed(scenario: &ScenarioRecord, trials: &[&Trial<'_>]) -> Option<String> {
    let PacingRecord::Capacity { objective, .. } = scenario.pacing() else {
        return None;
    };
    let records = trials.iter().map(|trial| trial.record);
    let without: Vec<&TrialRecord> =
        records.filter(|trial| trial.capacity_per_second.is_none()).collect();
    let lowest = without.iter().filter_map(|trial| trial.probes.last()).next_back()?;
    Some(format!(
        "no rate met {objective} in {} of {} rounds; at {:.0} requests per second, the lowest rate tried, {}",
        without.len(),
        trials.len(),
        lowest.rate_per_second,
        found(lowest)
    ))
}

fn found(probe: &ProbeRecord) -> String {
    match probe.statistic_ns {
        _ if probe.errors > 0 => format!("{} requests failed", probe.errors),
        None => format!("{} responses were too few to judge", probe.requests),
        Some(ns) => {
            format!(
                "it was {:.2} ms with {} requests without a response",
                number(ns) / 1e6,
                probe.in_flight
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::Analysis;
    use crate::metric::{Bound, Kind};
    use crate::record::{Http2Settings, VisitRecord};
    use crate::report::tests::drawn::record;

    const SECOND: u64 = 1_000_000_000;
    const RATE: &str = "saturation.requests_per_second";

    /// The trial of `saturation` in each of an entry's visits, which lasted 2 s.
    fn each(record: &mut Record, entry: &str, change: impl Fn(usize, &mut TrialRecord)) {
        let visits =
            record.visits.iter_mut().filter(|visit: &&mut VisitRecord| visit.entry == entry);
        visits.for_each(|visit| change(visit.round, &mut visit.trials[1]));
    }

    /// The detail of that gate of gin's.
    fn detail(record: &Record, code: &str) -> Option<String> {
        let analysis = Analysis::of(record);
        let gates = &analysis.contender("gin").unwrap().gates;
        gates.iter().find(|gate| gate.code.name() == code).map(|gate| gate.detail.clone())
    }

    #[test]
    fn a_rate_of_a_server_that_is_used_up_is_a_value() {
        let mut record = record(7);
        record.suite.scenarios[1].ceiling_per_second = Some(24_000.0);
        each(&mut record, "gin", |_, trial| {
            trial.server_cpu_ns = Some(SECOND * 2 * 988 / 1_000);
            trial.engine_cpu_ns = SECOND * 2 * 95 / 100;
        });
        assert_eq!(detail(&record, "client-limited"), None);
        let analysis = Analysis::of(&record);
        assert_eq!(analysis.contender("gin").unwrap().summary(RATE).unwrap().bound, None);
        assert_eq!(analysis.comparison(RATE.into(), "gin").unwrap().bound, None);
        assert_eq!(analysis.limit("gin", "saturation"), Some(Limit::ServerCpu));
    }

    #[test]
    fn the_worst_round_is_not_the_judge_of_the_load_engine() {
        let mut record = record(7);
        each(&mut record, "gin", |round, trial| {
            if round < 3 {
                trial.engine_cpu_ns = SECOND * 2 * 99 / 100;
            }
        });
        assert_eq!(detail(&record, "client-limited"), None);
        each(&mut record, "gin", |round, trial| {
            trial.engine_cpu_ns = SECOND * 2 * (99 - round as u64) / 100;
        });
        let said = "the load generator used 96 % of its cores: lower bound only";
        assert_eq!(detail(&record, "client-limited").as_deref(), Some(said));
    }

    #[test]
    fn costs_are_no_bounds() {
        let mut record = record(7);
        each(&mut record, "gin", |_, trial| {
            trial.engine_cpu_ns = SECOND * 2;
            trial.memory_bytes = Some(1_000);
        });
        let analysis = Analysis::of(&record);
        let bound = |name: &str| analysis.contender("gin").unwrap().summary(name).unwrap().bound;
        assert_eq!(bound(RATE), Some(Bound::AtLeast));
        assert_eq!(bound("saturation.response_time_us.mean"), Some(Bound::AtMost));
        assert_eq!(bound("saturation.cpu_us_per_request"), None);
        assert_eq!(bound("saturation.memory_bytes"), None);
    }

    fn at_the_ports(record: &mut Record, entry: &str) {
        each(record, entry, |_, trial| {
            trial.connections_opened = 28_294;
            trial.engine_cpu_ns = SECOND * 2 * 93 / 100;
        });
    }

    #[test]
    fn ports_that_come_to_an_end_are_not_the_load_engines_fault() {
        let mut record = record(7);
        at_the_ports(&mut record, "gin");
        assert_eq!(detail(&record, "client-limited"), None);
        let said = "14147 connections were opened per second, and this machine's 28232 local \
                    ports suffice for about 14116: lower bound only";
        assert_eq!(detail(&record, "port-limited").as_deref(), Some(said));
        let withheld = |record: &Record| {
            let analysis = Analysis::of(record);
            let found = analysis.comparison(RATE.into(), "gin").unwrap();
            (found.bound, found.withheld)
        };
        assert_eq!(withheld(&record), (Some(Bound::AtLeast), None));
        at_the_ports(&mut record, "flask");
        assert_eq!(withheld(&record), (None, Some(Code::PortLimited)));
        record.host.local_ports = Some(64_000);
        assert_eq!(detail(&record, "port-limited"), None);
    }

    /// In 85 us the engine spent 10 ms on making connections that came to nothing.
    #[test]
    fn a_trial_without_a_response_says_nothing_of_the_load_engine() {
        let mut record = record(7);
        each(&mut record, "gin", |_, trial| {
            (trial.requests, trial.elapsed_ns, trial.engine_cpu_ns) = (0, 85_000, 10_000_000);
            trial.errors.insert("connect_refused".to_owned(), 32);
        });
        assert_eq!(detail(&record, "client-limited"), None);
        assert!(detail(&record, "errors").is_some());
        assert_eq!(Analysis::of(&record).limit("gin", "saturation"), None);
    }

    fn settings(allowed: Option<u32>) -> Http2Settings {
        Http2Settings {
            max_concurrent_streams: allowed,
            initial_window_bytes: 65_535,
            max_frame_bytes: 16_384,
            header_table_bytes: 4_096,
        }
    }

    /// 32 connections of 10 streams each, of which the server allows 4.
    #[test]
    fn fewer_streams_than_wanted_are_told_and_kept_to() {
        let mut record = record(7);
        record.suite.scenarios[1].http2 = Some(10);
        let mut allow = |allowed: Option<u32>| {
            each(&mut record, "gin", |_, trial| trial.http2_settings = Some(settings(allowed)));
            (detail(&record, "streams-limited"), detail(&record, "littles-law"))
        };
        let (limited, law) = allow(Some(1));
        let said = "the server allows 1 of 10 streams on a connection";
        assert_eq!((limited.as_deref(), law), (Some(said), None), "32 were under way");
        assert_eq!(allow(Some(10)).0, None);
        let (limited, law) = allow(None);
        assert!(limited.is_none() && law.unwrap().contains("320 configured"));
    }

    /// 32 requests at once on two connections, of whose 16 streams the server allows 8.
    #[test]
    fn streams_of_a_contenders_own_are_limited_too() {
        let mut record = record(7);
        let gin = record.contenders.iter_mut().find(|it| it.name == "gin").unwrap();
        (gin.protocol, gin.streams) = (Some("h2".to_owned()), Some(16));
        let mut allow = |allowed: u32, share: u64| {
            each(&mut record, "gin", |_, trial| {
                trial.requests /= share;
                trial.http2_settings = Some(settings(Some(allowed)));
            });
            let analysis = Analysis::of(&record);
            let p50 = Kind::ResponseTimeP50.of("saturation");
            assert!(
                analysis.contender("gin").unwrap().summary(p50).is_some(),
                "nothing withholds it"
            );
            (detail(&record, "streams-limited"), detail(&record, "littles-law"))
        };
        assert_eq!(allow(16, 1), (None, None));
        let said = "the server allows 8 of 16 streams on a connection".to_owned();
        assert_eq!(allow(8, 2), (Some(said), None), "16 requests were under way");
    }

    #[test]
    fn a_single_round_that_departs_from_littles_law_stays_in() {
        let mut record = record(7);
        let departs = |trial: &mut TrialRecord| trial.requests = trial.requests * 8 / 10;
        each(&mut record, "gin", |round, trial| {
            if round == 2 {
                departs(trial);
            }
        });
        let rounds = |record: &Record| {
            let analysis = Analysis::of(record);
            let times =
                analysis.contender("gin").unwrap().summary("saturation.response_time_us.p50");
            times.map(|metric| metric.rounds.iter().flatten().count())
        };
        assert_eq!(detail(&record, "littles-law"), None);
        assert_eq!(rounds(&record), Some(7));
        each(&mut record, "gin", |round, trial| {
            if round > 3 {
                departs(trial);
            }
        });
        let said = "Little's law check failed in the median round: 25.6 connections implied, 32 configured";
        assert_eq!(detail(&record, "littles-law").as_deref(), Some(said));
        assert_eq!(rounds(&record), None, "those that agree are not picked out either");
    }

    #[test]
    fn the_share_of_responses_is_the_measured_one() {
        let mut record = record(7);
        record.suite.scenarios[1].rate_per_second = Some(40_000.0);
        each(&mut record, "gin", |_, trial| trial.due = Some(trial.requests * 1_000 / 64));
        let said = "6.4 % of the 40000 requests per second got a response";
        assert_eq!(detail(&record, "rate-not-reached").as_deref(), Some(said));
    }
}
