//! What only makes sense, or none, when contenders and scenarios are seen together.

use jigger_load::Http;

use super::fault::{Checked, Fault, at, refused, unknown};
use super::{Contender, RequestSpec, Scenario, request};

pub fn check(contenders: &[Contender], scenarios: &[Scenario]) -> Checked<()> {
    check_counterparts(contenders)?;
    check_protocols(contenders, scenarios)?;
    check_paths(contenders, scenarios)?;
    check_own_requests(contenders, scenarios)?;
    check_resumed(contenders, scenarios)
}

/// A counterpart is another contender, and none of a circle.
fn check_counterparts(contenders: &[Contender]) -> Checked<()> {
    let known: Vec<&str> = contenders.iter().map(|it| it.name.as_str()).collect();
    let counterpart = |name: &str| {
        contenders.iter().find(|it| it.name == name).and_then(|it| it.counterpart.as_deref())
    };
    for Contender { name, counterpart: first, .. } in contenders {
        let mut next = first.as_deref();
        for _ in contenders {
            let place = format!("contender '{name}': counterpart");
            match next {
                None => break,
                Some(other) if other == name => {
                    return refused(format!("{place}: it is its own; name another contender"));
                }
                Some(other) if !known.contains(&other) => {
                    return refused(format!("{place}: {}", unknown("contender", other, &known)));
                }
                Some(other) => next = counterpart(other),
            }
        }
    }
    Ok(())
}

/// Either the scenarios or the contenders say which version is spoken, and each contender's streams
/// make whole connections.
fn check_protocols(contenders: &[Contender], scenarios: &[Scenario]) -> Checked<()> {
    let own = contenders.iter().filter_map(|it| Some((&it.name, it.protocol?)));
    for (name, protocol) in own {
        if let Some(scenario) = scenarios.iter().find(|scenario| scenario.http != Http::V1) {
            return refused(format!(
                "scenario '{}': it has a protocol, and contender '{name}' has one of its own; write it in \
                 one of the two places",
                scenario.name
            ));
        }
        let is_whole = |scenario: &&Scenario| {
            let streams = protocol.streams_of(scenario.connections, scenario.connection);
            scenario.connections.is_multiple_of(streams)
        };
        if let Some(scenario) = scenarios.iter().find(|scenario| !is_whole(scenario)) {
            let Scenario { name: scenario, connections, .. } = scenario;
            return refused(format!(
                "contender '{name}': streams = {}: the {connections} connections of the scenario \
                 '{scenario}' cannot be shared out evenly among connections of so many streams; write a \
                 divisor of {connections}",
                protocol.streams
            ));
        }
    }
    Ok(())
}

/// A path cannot be appended to a URL that has a query.
fn check_paths(contenders: &[Contender], scenarios: &[Scenario]) -> Checked<()> {
    let requests = scenarios.iter().flat_map(|scenario| &scenario.requests);
    let path = requests.map(|(request, _)| &request.path).find(|path| !path.is_empty());
    let mut queried = contenders.iter().filter(|contender| contender.url.contains('?'));
    let joined = |contender: &'_ Contender| contender.own_request.path.clone().or(path.cloned());
    match queried.find_map(|contender| Some((joined(contender)?, contender))) {
        None => Ok(()),
        Some((path, contender)) => refused(format!(
            "contender '{}': url = '{}': the path '{path}' of a request cannot follow a query; \
             write the query into the path",
            contender.name, contender.url
        )),
    }
}

/// What contenders send otherwise has to make requests; one path cannot take the place of several.
fn check_own_requests(contenders: &[Contender], scenarios: &[Scenario]) -> Checked<()> {
    for contender in contenders {
        let (own, place) = (&contender.own_request, format!("contender '{}'", contender.name));
        for scenario in scenarios {
            let several = scenario.requests.len() > 1 || scenario.replay.is_some();
            if own.path.is_some() && several {
                return Err(at(&place)(Fault::from(format!(
                    "path takes the place of one path, and the scenario '{}' has several requests; \
                     write what differs into the contender's url",
                    scenario.name
                ))));
            }
            let mut requests = scenario.requests.iter().map(|(spec, _)| own.over(spec));
            requests
                .try_for_each(|spec| {
                    let has_cookie = spec.headers.iter().any(|(name, _)| request::is_cookie(name));
                    if spec.setup.keeps_cookies && has_cookie {
                        return refused(
                            "headers: with cookies = true jigger sends Cookie itself; leave it out",
                        );
                    }
                    // The contender's URL may name the method of a call.
                    let spec = RequestSpec { is_grpc: false, ..spec };
                    request::check(&spec)
                })
                .map_err(at(&place))?;
        }
    }
    Ok(())
}

/// Where nobody speaks TLS there is no session to resume.
fn check_resumed(contenders: &[Contender], scenarios: &[Scenario]) -> Checked<()> {
    let is_tls = contenders.iter().any(Contender::is_https);
    match scenarios.iter().find(|scenario| scenario.resumes && !is_tls) {
        None => Ok(()),
        Some(scenario) => refused(format!(
            "scenario '{}': connection = \"resumed\" resumes TLS sessions, and no contender has an \
             https url; write \"fresh\"",
            scenario.name
        )),
    }
}
