//! What the load engine reaches on this machine at best, in each scenario's shape.

use std::time::Duration;

use jigger_load::{Address, CeilingError, Load, NullOptions, Session, TlsClient, TlsOptions, Url};

use super::trial::shape_of;
use crate::disturbance::{HostReading, Limits};
use crate::event::{Event, Listener};
use crate::host::Placement;
use crate::interrupt::Interrupt;
use crate::plan::RunPlan;
use crate::record::CeilingAttempt;
use crate::suite::{Contender, RequestSpec, Scenario};

/// How often a ceiling is measured at most, until nothing disturbs it.
const ATTEMPTS_ALLOWED: usize = 3;

/// The attempts at the scenarios' ceilings, each measured as long as the plan says against a
/// server that does nothing, on the servers' cores. Scenarios of the same shape share theirs.
///
/// None where a ceiling cannot be had, which the listener is told, after an interrupt, and for a
/// single connection: its rate is one by the round trip, in which the engine has the same part
/// whoever responds, and says nothing of what the engine could bear. None either for servers on
/// another machine: what the engine reaches over loopback is no bound on what it does over a link.
///
/// Where all contenders speak TLS, the server does so, too, with the options of the first one.
pub fn ceilings(
    plan: &RunPlan,
    scenarios: &[Scenario],
    interrupt: &Interrupt,
    listener: &mut Listener<'_>,
) -> Vec<Vec<CeilingAttempt>> {
    if !plan.placement.has_servers_here() {
        return vec![Vec::new(); scenarios.len()];
    }
    // The address is the null server's in the end.
    let address = Address::Tcp(std::net::SocketAddr::from(([127, 0, 0, 1], 1)));
    // A gRPC call has to name a method, which may be in the contenders' URLs alone.
    let urls = ["", "null.Server/Call"].map(|path| Url::parse(&format!("http://{address}/{path}")));
    let [Ok(root), Ok(method)] = urls else { return Vec::new() };
    let tls = client(&plan.suite.contenders);
    let mut known: Vec<(Load, Vec<CeilingAttempt>)> = Vec::new();
    let placement = &plan.placement;
    for scenario in scenarios {
        let url = if scenario.is_grpc() { &method } else { &root };
        // Each was encoded when the suite was read.
        let encoded = |(spec, weight): &(RequestSpec, u32)| Some((spec.encode(url).ok()?, *weight));
        let requests = scenario.requests.iter().filter_map(encoded).collect();
        let shape = shape_of(scenario, &address, requests, &placement.client_cpus);
        let tls = tls.as_ref().map(|client| client.resuming(scenario.resumes));
        let sessions = stand_ins(scenario);
        let load = Load { tls, sessions, ..shape };
        let same = known.iter().find(|(other, _)| is_same_shape(other, &load));
        let attempts = match same {
            _ if scenario.at_once() == 1 => Vec::new(),
            Some((_, attempts)) => attempts.clone(),
            None => until_quiet(&plan.rounds.disturbance, interrupt, listener, &mut || {
                measured(&load, placement, plan.ceiling_time)
            }),
        };
        known.push((load, attempts));
    }
    known.into_iter().map(|(_, attempts)| attempts).collect()
}

/// Sessions with values as long as a token may be, since the null server gives none.
fn stand_ins(scenario: &Scenario) -> Vec<Session> {
    const TOKEN: [u8; 32] = [b'x'; 32];
    if scenario.setup().is_empty() {
        return Vec::new();
    }
    let mut session = Session::default();
    scenario.setup().names().iter().for_each(|_| session.keep(TOKEN.to_vec()));
    vec![session; scenario.connections]
}

/// The options for these contenders, if all are over TLS. Whom it trusts has no part in it.
fn client(contenders: &[Contender]) -> Option<TlsClient> {
    let all = contenders.iter().all(Contender::is_https);
    let first = contenders.first().filter(|_| all)?;
    let TlsOptions { version, ciphers, groups, .. } = first.tls.clone();
    let options = TlsOptions { version, ciphers, groups, insecure: true, ..TlsOptions::default() };
    TlsClient::new(&options, "localhost").ok()
}

fn is_same_shape(one: &Load, other: &Load) -> bool {
    let shape = |load: &Load| {
        let resumes = load.tls.as_ref().map(|client| client.options().resume);
        let connections = (load.connections, load.connection, load.requests_per_connection);
        (connections, load.threads, load.http, load.grpc, load.pipeline, resumes)
    };
    let bytes = |load: &Load| -> Vec<_> {
        load.requests.iter().map(|(request, weight)| (request.bytes(), *weight)).collect()
    };
    shape(one) == shape(other) && bytes(one) == bytes(other)
}

/// Measures until an attempt was not disturbed, or there were enough of them.
fn until_quiet(
    limits: &Limits,
    interrupt: &Interrupt,
    listener: &mut Listener<'_>,
    measure: &mut dyn FnMut() -> Result<CeilingAttempt, CeilingError>,
) -> Vec<CeilingAttempt> {
    let name = "the load generator's ceiling";
    let mut step = name.to_owned();
    let mut attempts = Vec::new();
    while attempts.len() < ATTEMPTS_ALLOWED && !interrupt.is_raised() {
        listener(Event::Step { name: step, rate_per_second: None });
        let attempt = match measure() {
            Ok(attempt) => attempt,
            Err(error) => {
                let reason = format!("it is not known: {error}");
                listener(Event::LeftOut { contender: name.to_owned(), reason });
                break;
            }
        };
        attempts.push(attempt);
        let Some(evidence) = limits.exceeded_by(&attempt.disturbance) else { break };
        step = format!("{name} again: {evidence}");
    }
    attempts
}

fn measured(
    load: &Load,
    placement: &Placement,
    time: Duration,
) -> Result<CeilingAttempt, CeilingError> {
    let server = NullOptions {
        threads: placement.server_cpus.len().min(load.connections),
        cpus: Some(placement.server_cpus.clone()),
        ..NullOptions::default()
    };
    let before = HostReading::here(&placement.cpus());
    let sample = jigger_load::ceiling(load, &server, time)?;
    // The null server's threads are jigger's own.
    let disturbance = HostReading::here(&placement.cpus()).since(&before, true);
    Ok(CeilingAttempt { rate_per_second: sample.requests_per_second(), disturbance })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disturbance::Disturbance;

    fn attempt(rate_per_second: f64, steal_share: f64) -> CeilingAttempt {
        let disturbance = Disturbance { steal_share, ..Disturbance::default() };
        CeilingAttempt { rate_per_second, disturbance }
    }

    /// What is measured one after another, and the attempts made of it.
    fn made(measured: &[CeilingAttempt]) -> (Vec<CeilingAttempt>, Vec<Event>) {
        made_until(&Interrupt::default(), measured, &|| {})
    }

    fn made_until(
        interrupt: &Interrupt,
        measured: &[CeilingAttempt],
        meanwhile: &dyn Fn(),
    ) -> (Vec<CeilingAttempt>, Vec<Event>) {
        let mut next = measured.iter().copied();
        let mut events = Vec::new();
        let mut listener = |event| events.push(event);
        let made = until_quiet(&Limits::default(), interrupt, &mut listener, &mut || {
            meanwhile();
            Ok(next.next().expect("no further attempt was to be made"))
        });
        (made, events)
    }

    #[test]
    fn an_interrupt_ends_the_attempts() {
        let (loud, interrupt) = (attempt(20_000.0, 0.3), Interrupt::default());
        assert_eq!(made_until(&interrupt, &[loud], &|| interrupt.raise()).0, [loud]);
        assert_eq!(made_until(&interrupt, &[], &|| {}).0, []);
    }

    #[test]
    fn a_quiet_ceiling_is_measured_once() {
        let quiet = attempt(50_000.0, 0.01);
        assert_eq!(made(&[quiet]).0, [quiet]);
    }

    #[test]
    fn a_disturbed_ceiling_is_measured_until_it_is_quiet_thrice_at_most() {
        let (loud, quiet) = (attempt(20_000.0, 0.3), attempt(50_000.0, 0.0));
        let (attempts, events) = made(&[loud, quiet]);
        assert_eq!(attempts, [loud, quiet]);
        let again = "the load generator's ceiling again: steal 30.0 % > 5.0 %".to_owned();
        assert_eq!(events[1], Event::Step { name: again, rate_per_second: None });
        assert_eq!(made(&[loud; 3]).0, [loud; 3]);
    }
}
