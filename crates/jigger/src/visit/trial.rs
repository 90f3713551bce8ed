//! One scenario on one server.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use jigger_load::{Address, BodyRule, Expect, Load, Request, RequestSample, Sample, grpc};

use super::VisitError;
use super::before_load;
use super::target::{Asked, Target};
use crate::event::{Event, Listener};
use crate::interrupt::Interrupt;
use crate::record::{Evidence, RequestTrialRecord, TlsTrialRecord, TrialRecord, encode_histogram};
use crate::server::Server;
use crate::server::usage::Usage;
use crate::service::{Services, used_between};
use crate::suite::{Coding, Pacing, Replay, RequestSpec, Scenario, Spread};

/// What all trials of a visit share.
pub struct Conditions<'a> {
    /// Where requests go, and which.
    pub target: &'a Target,
    /// The responses to each request of the target.
    pub evidence: &'a [Evidence],
    /// Loads that this visit has begun.
    pub loads: Cell<u64>,
    pub client_cpus: &'a [usize],
    /// The services of the run, and those of them that the contender uses.
    pub services: (&'a Services<'a>, &'a [String]),
    pub interrupt: &'a Interrupt,
}

impl Conditions<'_> {
    /// The `{{counter}}` of the first request of the next load: no two loads of a visit share one,
    /// and all contenders get the same.
    fn first_counter(&self) -> u64 {
        const MOST_OF_A_LOAD: u64 = 100_000_000;
        self.loads.set(self.loads.get() + 1);
        self.loads.get() * MOST_OF_A_LOAD
    }

    /// The request as this target gets it, and its responses.
    fn asked(&self, spec: &RequestSpec) -> Result<(&Asked, &Evidence), VisitError> {
        let mut verified = self.target.asked.iter().zip(self.evidence);
        let found = verified.find(|(asked, _)| asked.spec == *spec);
        found.ok_or_else(|| VisitError(format!("{} was not verified", spec.title())))
    }

    /// Whether nothing more is to be sent: the user wants to stop, or the server has ended.
    pub fn are_over(&self, server: Option<&mut Server>) -> bool {
        self.interrupt.is_raised() || server.is_some_and(|server| server.exit().is_some())
    }
}

/// Between two looks at the running load.
const OBSERVE_EVERY: Duration = Duration::from_millis(250);

/// The shape of a scenario's load, which does not say for how long.
pub fn shape_of(
    scenario: &Scenario,
    to: &Address,
    requests: Vec<(Request, u32)>,
    client_cpus: &[usize],
) -> Load {
    let mut load = Load::new(to.clone(), requests[0].0.clone());
    load.requests = requests;
    load.connections = scenario.connections;
    load.threads = scenario.threads_on(client_cpus.len());
    load.http = scenario.http;
    load.grpc = scenario.is_grpc();
    load.pipeline = scenario.streams;
    load.connection = scenario.connection;
    load.requests_per_connection = scenario.requests_per_connection;
    load.cpus = Some(client_cpus.to_vec());
    load
}

/// The load that a scenario stands for. Without a rate of its own that is a closed loop, in which
/// capacities are measured.
///
/// # Errors
/// [`VisitError`] when there is no such request.
pub fn load_of(scenario: &Scenario, conditions: &Conditions<'_>) -> Result<Load, VisitError> {
    let target = conditions.target;
    let (requests, expects) = match &scenario.replay {
        Some(replay) => replayed(replay, conditions)?,
        None => verified(scenario, conditions)?,
    };
    let mut load = shape_of(scenario, &target.address, requests, conditions.client_cpus);
    if let Some(protocol) = target.protocol {
        protocol.apply(&mut load);
    }
    load.tls = target.tls.as_ref().map(|client| client.resuming(scenario.resumes));
    load.first_counter = conditions.first_counter();
    load.extent = scenario.extent;
    if let Pacing::Rate { per_second, spread } = scenario.pacing {
        let Spread { arrivals, burst } = spread;
        load.pacing = jigger_load::Pacing::Open { rate_per_second: per_second, arrivals, burst };
    }
    load.timeout = scenario.timeout;
    load.expect = expects.first().cloned().unwrap_or_default();
    load.expects = expects;
    load.in_turn = scenario.replay.is_some();
    load.observe_every = OBSERVE_EVERY;
    let (before, connections) = ((scenario.setup(), load.http), load.connections);
    load.sessions = before_load::sessions(target, before, connections, conditions.interrupt)?;
    Ok(load)
}

/// What is sent, with weights, and what a correct response to each is.
type Asking = (Vec<(Request, u32)>, Vec<Expect>);

fn verified(scenario: &Scenario, conditions: &Conditions<'_>) -> Result<Asking, VisitError> {
    let asked = scenario.requests.iter().map(|(spec, weight)| {
        let (asked, evidence) = conditions.asked(spec)?;
        Ok(((asked.request.clone(), *weight), expect(asked, evidence)))
    });
    asked.collect()
}

/// A part of them was verified. The status of each is checked, and its body where it has a rule.
fn replayed(replay: &Replay, conditions: &Conditions<'_>) -> Result<Asking, VisitError> {
    // What was not verified is coded as the rest is, if at all.
    let codings = conditions.evidence.iter().map(|it| Coding::of(&it.headers));
    let codings = codings.max_by_key(Vec::len).unwrap_or_default();
    let asked = replay.requests.iter().map(|spec| {
        let asked = conditions.target.asked(spec)?;
        let body = asked.expectation.body.rule(&codings);
        let expect = Expect { status: asked.expectation.status.code(), body };
        Ok(((asked.request, 1), expect))
    });
    asked.collect()
}

/// The expectation at full speed: a body that is the same each time is compared
/// byte for byte with the verified one, any other is matched. Requests that differ may well have
/// had the same response by chance.
fn expect(asked: &Asked, evidence: &Evidence) -> Expect {
    let codings = Coding::of(&evidence.headers);
    // What is no text has a mark in place of its bytes.
    let is_text = codings.is_empty() && !evidence.body_start.contains(char::REPLACEMENT_CHARACTER);
    let is_whole = is_text && evidence.body_start.len() as u64 == evidence.body_bytes;
    let is_same = asked.request.is_fixed() && asked.spec.setup.is_empty();
    let rule = asked.expectation.body.rule(&codings);
    let body = if evidence.body_repeats && is_whole && is_same {
        BodyRule::Exact(Arc::from(evidence.body_start.as_bytes()))
    } else if asked.spec.is_grpc {
        grpc::rule(rule)
    } else {
        rule
    };
    Expect { status: asked.expectation.status.code(), body }
}

/// Runs a trial, which ends early with its server; what it measured and the highest memory of the
/// server seen meanwhile.
///
/// # Errors
/// [`VisitError`] when the load engine cannot run, or not one response was correct.
pub fn run(
    scenario: &Scenario,
    conditions: &Conditions<'_>,
    server: Option<&mut Server>,
    listener: &mut Listener<'_>,
) -> Result<(TrialRecord, Option<u64>), VisitError> {
    let (trial, _, peak_bytes) = measure(scenario, conditions, server, listener)?;
    if trial.requests == 0 && !conditions.interrupt.is_raised() {
        return Err(VisitError(no_answer(&trial)));
    }
    Ok((trial, peak_bytes))
}

/// As [`run`], whatever the responses were, with the engine's own sample.
///
/// # Errors
/// [`VisitError`] when the load engine cannot run.
pub fn measure(
    scenario: &Scenario,
    conditions: &Conditions<'_>,
    mut server: Option<&mut Server>,
    listener: &mut Listener<'_>,
) -> Result<(TrialRecord, Sample, Option<u64>), VisitError> {
    let load = load_of(scenario, conditions)?;
    let (services, uses) = conditions.services;
    let services_before = services.usage(uses);
    let (before, log_before) = (usage(server.as_deref()), log_bytes(server.as_deref()));
    let mut looks_bytes = Vec::new();
    let sample = jigger_load::run(&load, &mut |progress| {
        let rate = crate::numbers::number(progress.responses) / progress.elapsed.as_secs_f64();
        let name = scenario.name.clone();
        listener(Event::Step { name, rate_per_second: Some(rate) });
        looks_bytes.extend(usage(server.as_deref()).map(|usage| usage.memory.total_bytes));
        if conditions.are_over(server.as_deref_mut()) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })
    .map_err(VisitError::of)?;
    let after = usage(server.as_deref());
    let server_cpu_ns =
        before.zip(after).map(|(a, b)| b.cpu.total_ns.saturating_sub(a.cpu.total_ns));
    looks_bytes.extend(after.map(|usage| usage.memory.total_bytes));
    let mut trial = record(scenario, &sample);
    trial.server_cpu_ns = server_cpu_ns;
    trial.services = used_between(&services_before, &services.usage(uses));
    looks_bytes.sort_unstable();
    trial.memory_bytes = looks_bytes.get(looks_bytes.len() / 2).copied();
    trial.log_bytes = log_bytes(server.as_deref()).saturating_sub(log_before);
    Ok((trial, sample, looks_bytes.last().copied()))
}

fn usage(server: Option<&Server>) -> Option<Usage> {
    server?.usage().ok()
}

fn log_bytes(server: Option<&Server>) -> u64 {
    server.map_or(0, Server::log_bytes)
}

fn no_answer(trial: &TrialRecord) -> String {
    let errors: Vec<String> =
        trial.errors.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    format!("no correct response in the scenario '{}': {}", trial.scenario, errors.join(", "))
}

fn record(scenario: &Scenario, sample: &Sample) -> TrialRecord {
    let errors = || sample.errors.iter();
    TrialRecord {
        scenario: scenario.name.clone(),
        elapsed_ns: sample.elapsed_ns,
        requests: sample.requests,
        unchecked: sample.unchecked,
        bytes_received: sample.bytes_received,
        response_time: encode_histogram(&sample.response_time_ns),
        connect_time: encode_histogram(&sample.connect_time_ns),
        status: sample.status.clone(),
        errors: errors().map(|(kind, count, _)| (kind.name().to_owned(), count)).collect(),
        error_examples: errors()
            .map(|(kind, _, first)| (kind.name().to_owned(), first.to_owned()))
            .collect(),
        in_flight: sample.unanswered_ns.len(),
        in_flight_oldest_ns: sample.unanswered_ns.max(),
        connections_opened: sample.connections_opened,
        closed_by_server: sample.closed_by_server,
        surplus_bytes: sample.surplus_bytes,
        held_back: sample.held_back,
        heard_out: sample.drained,
        server_cpu_ns: None,
        memory_bytes: None,
        engine_cpu_ns: sample.engine.cpu_ns,
        engine_cores: sample.engine.cores,
        idle_ns: Some(sample.idle_ns),
        log_bytes: 0,
        driver: sample.driver.to_owned(),
        due: Some(sample.due),
        capacity_per_second: None,
        probes: Vec::new(),
        limit: None,
        http2_settings: sample.peer_settings.map(Into::into),
        by_request: sample.by_request.iter().map(request_record).collect(),
        services: Vec::new(),
        tls: sample.tls.as_ref().map(TlsTrialRecord::from),
    }
}

fn request_record(sample: &RequestSample) -> RequestTrialRecord {
    RequestTrialRecord {
        requests: sample.response_time_ns.len(),
        errors: sample.errors,
        response_time: encode_histogram(&sample.response_time_ns),
    }
}
