//! A plan as a record has it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jigger_load::{Arrivals, Extent, Http};
use sha2::{Digest as _, Sha256};

use super::RunPlan;
use crate::host::Host;
use crate::record::{
    Ended, PlanRecord, Record, ReplayRecord, RequestRecord, ScenarioRecord, SuiteRecord,
    ThresholdRecord, VERSION, WarmUpRecord,
};
use crate::suite::{Limit, Pacing, Replay, RequestSpec, Scenario, SetupRequest, Threshold, hex};

impl RunPlan {
    /// The record of a run that begins now, on a host of which these are the facts.
    pub fn record(&self, host: Host) -> Record {
        Record {
            version: VERSION,
            jigger: env!("CARGO_PKG_VERSION").to_owned(),
            created: jiff::Timestamp::now().to_string(),
            seed: self.options.method.seed,
            plan: Some(self.plan_record()),
            suite: self.suite_record(),
            host,
            placement: self.placement.clone(),
            services: Vec::new(),
            contenders: Vec::new(),
            calibrations: Vec::new(),
            launches: Vec::new(),
            visits: Vec::new(),
            ended: Ended::NotYet,
        }
    }

    /// How these scenarios are run with this plan's placement.
    pub fn scenario_records(&self, scenarios: &[Scenario]) -> Vec<ScenarioRecord> {
        let cores = self.placement.client_cpus.len();
        scenarios.iter().map(|scenario| scenario_record(scenario, cores)).collect()
    }

    fn plan_record(&self) -> PlanRecord {
        PlanRecord {
            arguments: self.options.arguments("suite.toml"),
            phases: self.phases.clone(),
            min_rounds: self.rounds.min,
            max_rounds: self.rounds.max,
            until_half_width: self.rounds.until_half_width,
            budget_ns: ns(self.rounds.budget),
            placebo: self.placebo,
            ceiling_ns: ns(self.ceiling_time),
        }
    }

    fn suite_record(&self) -> SuiteRecord {
        let (suite, warm_up) = (&self.suite, &self.warm_up);
        let at_most = |time| ns(time).unwrap_or(u64::MAX);
        SuiteRecord {
            name: suite.name.clone(),
            source: suite.source.clone(),
            baseline: suite.baseline().name.clone(),
            margin: suite.margin,
            disturbance: self.rounds.disturbance,
            looks: Vec::new(),
            scenarios: self.scenario_records(&self.scenarios),
            thresholds: suite.thresholds.iter().map(threshold_record).collect(),
            published: suite.published.clone(),
            warm_up: Some(WarmUpRecord {
                window_ns: at_most(warm_up.window),
                windows: warm_up.windows,
                cap_ns: at_most(warm_up.cap),
            }),
        }
    }
}

fn ns(time: Duration) -> Option<u64> {
    u64::try_from(time.as_nanos()).ok()
}

fn threshold_record(threshold: &Threshold) -> ThresholdRecord {
    let (limit, relative_to) = match &threshold.limit {
        Limit::Amount(amount) => (*amount, None),
        Limit::Times { factor, contender } => (*factor, Some(contender.clone())),
    };
    ThresholdRecord {
        metric: threshold.metric.clone(),
        contender: threshold.contender.clone(),
        bound: threshold.bound,
        limit,
        relative_to,
        text: threshold.text.clone(),
    }
}

fn scenario_record(scenario: &Scenario, client_cores: usize) -> ScenarioRecord {
    let (requests, duration_ns) = match scenario.extent {
        Extent::Count(requests) => (Some(requests), None),
        Extent::Time(time) => (None, ns(time)),
    };
    let (rate_per_second, objective, spread) = match &scenario.pacing {
        Pacing::Closed => (None, None, None),
        Pacing::Rate { per_second, spread } => (Some(*per_second), None, Some(spread)),
        Pacing::ShareOfSlowest { spread, .. } => (None, None, Some(spread)),
        Pacing::Capacity { objective, spread } => {
            (None, Some(objective.text.clone()), Some(spread))
        }
    };
    ScenarioRecord {
        name: scenario.name.clone(),
        connections: scenario.connections,
        threads: scenario.threads_on(client_cores),
        http2: (scenario.http == Http::V2).then_some(scenario.streams),
        grpc: scenario.is_grpc(),
        fresh: scenario.is_fresh(),
        requests_per_connection: scenario.requests_per_connection,
        resumed: scenario.resumes,
        requests,
        duration_ns,
        rate_per_second,
        exponential: spread.is_some_and(|it| it.arrivals == Arrivals::Exponential),
        burst: spread.map(|spread| spread.burst).filter(|burst| *burst > 1),
        objective,
        ceiling_per_second: None,
        ceiling_attempts: Vec::new(),
        fresh_for: scenario.fresh_for.clone(),
        asked: asked(scenario),
        setup: scenario.setup().requests.iter().map(setup_record).collect(),
        keeps_cookies: scenario.setup().keeps_cookies,
        variant: scenario.variant.clone(),
        replay: scenario.replay.as_ref().map(replayed),
    }
}

/// Nothing for a GET of the contender's URL, as in older records.
fn asked(scenario: &Scenario) -> Vec<RequestRecord> {
    match scenario.requests.as_slice() {
        _ if scenario.replay.is_some() => Vec::new(),
        [(only, _)] if is_bare_get(only) => Vec::new(),
        requests => requests.iter().map(|(spec, weight)| request_record(spec, *weight)).collect(),
    }
}

fn is_bare_get(spec: &RequestSpec) -> bool {
    let (http, setup) = (spec.http, Arc::clone(&spec.setup));
    *spec == RequestSpec { http, setup, ..RequestSpec::default() }
}

fn setup_record(request: &SetupRequest) -> RequestRecord {
    let captures = request.captures.iter();
    let captures = captures.map(|it| (it.name.clone(), it.text().to_owned())).collect();
    RequestRecord { captures, ..request_record(&request.spec, 1) }
}

fn replayed(replay: &Replay) -> ReplayRecord {
    ReplayRecord {
        file: replay.file.clone(),
        sha256: replay.sha256.clone(),
        requests: replay.requests.len() as u64,
        left_out: replay.left_out as u64,
    }
}

fn request_record(spec: &RequestSpec, weight: u32) -> RequestRecord {
    let body = &spec.body.bytes;
    let files = [("body_file", &spec.body.file), ("lines", &spec.lines.file)];
    let named = |(key, file): (&str, &Option<String>)| Some((key.to_owned(), file.clone()?));
    RequestRecord {
        weight,
        method: spec.method.clone(),
        path: spec.path.clone(),
        headers: spec.headers.clone(),
        body_bytes: body.len() as u64,
        body_sha256: (!body.is_empty()).then(|| hex(&Sha256::digest(body))),
        files: files.into_iter().filter_map(named).collect(),
        template: spec.is_template,
        captures: BTreeMap::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::record::PacingRecord;
    use crate::suite::Suite;

    #[test]
    fn a_pacing_survives_the_record() {
        let (arrivals, burst) = (Arrivals::Exponential, 4);
        let recorded = |lines: &str| {
            let text = format!(
                "[suite]\nname = \"s\"\n[[contender]]\nname = \"a\"\nurl = \"http://h/\"\n\
                 [[scenario]]\nname = \"q\"\nduration = \"1s\"\n{lines}\n"
            );
            let suite = Suite::parse(&text, "s", Path::new("/")).unwrap();
            scenario_record(&suite.scenarios[0], 1)
        };
        assert_eq!(recorded("").pacing(), PacingRecord::Closed);
        let drawn = "arrivals = \"exponential\"\nburst = 4\n";
        let rate = recorded(&format!("rate = 500\n{drawn}"));
        assert_eq!(rate.pacing(), PacingRecord::Rate { per_second: 500.0, arrivals, burst });
        let capacity = recorded(&format!("objective = \"p99 < 20ms\"\n{drawn}"));
        let objective = "p99 < 20ms";
        assert_eq!(capacity.pacing(), PacingRecord::Capacity { objective, arrivals, burst });
    }
}
