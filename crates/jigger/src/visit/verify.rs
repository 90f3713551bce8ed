//! Does the server respond, are the responses right, and what does it do besides?

use std::time::Duration;

use jigger_load::Address;
use jigger_load::fetch::{Client, FetchError, FetchOptions, Response, fetch};
use sha2::{Digest as _, Sha256};

use super::VisitError;
use super::before_load::{self, SetupError};
use super::target::{Asked, Confirm, Target};
use crate::record::{Evidence, TlsAgreementRecord};
use crate::server::ready::Probe;

/// Statuses of a server that will respond later: 503, and what a proxy says before the server behind
/// it listens (RFC 9110, sections 15.6.3 to 15.6.5).
const NOT_READY_YET: [u16; 3] = [502, 503, 504];

/// One probe gives up after this; a server that hangs gets another one.
const PROBE_LIMIT: Duration = Duration::from_millis(1_000);

/// Makes a target use the first of its host's addresses that does not refuse.
pub fn ask_where_answered(target: &mut Target) {
    let answers = |address: &&Address| {
        target.asked.first().is_none_or(|asked| {
            let fetched = fetch(address, &asked.request, &target.options(target.http(&asked.spec)));
            !matches!(fetched, Err(FetchError::Refused { .. }))
        })
    };
    if target.addresses.len() > 1
        && let Some(address) = target.addresses.iter().find(answers)
    {
        target.address = address.clone();
    }
}

/// Tries each address of the host until one does not refuse, and stays with that one.
pub fn probe(target: &mut Target) -> Probe {
    for address in target.addresses.clone() {
        target.address = address;
        let probed = |asked| probe_here(target, asked);
        match target.asked.first().map_or(Probe::NotListening, probed) {
            Probe::NotListening => {}
            found => return found,
        }
    }
    Probe::NotListening
}

fn probe_here(target: &Target, asked: &Asked) -> Probe {
    // Its time is the start-up time, so it ends with the response's last byte.
    let close_patience = Duration::ZERO;
    let (timeout, http, tls) = (PROBE_LIMIT, target.http(&asked.spec), target.tls.clone());
    let options = FetchOptions { timeout, close_patience, tls, http, ..FetchOptions::default() };
    let session = match before_load::session(target, &asked.spec.setup, (0, &options)) {
        Ok(session) => session,
        Err(SetupError::NoResponse(FetchError::Refused { .. }, _)) => return Probe::NotListening,
        Err(SetupError::NoResponse(error, place)) => {
            return Probe::NoResponse(format!("{place}: {error}"));
        }
        Err(SetupError::Wrong { status, error }) => return complaint(status)(error.0),
    };
    let numbered = asked.request.numbered(0, &session);
    let request = match numbered {
        Ok(request) => request,
        Err(error) => return Probe::Wrong(error.to_string()),
    };
    match fetch(&target.address, &request, &options) {
        Ok(answer) => asked.fault(&answer).map_or(Probe::Correct, complaint(answer.status)),
        Err(FetchError::Refused { .. }) => Probe::NotListening,
        Err(error) => Probe::NoResponse(error.to_string()),
    }
}

/// What a wrong response with that status tells of a server.
fn complaint(status: u16) -> fn(String) -> Probe {
    match NOT_READY_YET.contains(&status) {
        true => Probe::NotReadyYet,
        false => Probe::Wrong,
    }
}

/// The responses to each request of the target, in their order: sent once with a fresh connection
/// and twice over a kept one, and each response checked.
///
/// # Errors
/// [`VisitError`] with what was wrong with which response.
pub fn verify(target: &Target, confirm: &Confirm<'_>) -> Result<Vec<Evidence>, VisitError> {
    target.asked.iter().map(|asked| verified(target, asked, confirm)).collect()
}

/// Sends once more what a command of the suite confirms: whether what is said after the load is still
/// so.
///
/// # Errors
/// As [`verify`].
pub fn confirm_after_load(target: &Target, confirm: &Confirm<'_>) -> Result<(), VisitError> {
    for asked in target.asked.iter().filter(|asked| asked.expectation.command.is_some()) {
        let options = target.options(target.http(&asked.spec));
        let session = before_load::session(target, &asked.spec.setup, (0, &options))?;
        let request = asked.request.numbered(4, &session).map_err(VisitError::of)?;
        let answer = fetch(&target.address, &request, &options)
            .map_err(|error| VisitError(format!("{}after the load: {error}", asked.place())))?;
        asked.check(&answer, "after the load", confirm)?;
    }
    Ok(())
}

fn verified(target: &Target, asked: &Asked, confirm: &Confirm<'_>) -> Result<Evidence, VisitError> {
    let options = target.options(target.http(&asked.spec));
    let mut session = before_load::session(target, &asked.spec.setup, (0, &options))?;
    // The number 0 is the probes'.
    let mut answered = |number: u64, client: &mut Client, how: &str| {
        let request = asked.request.numbered(number, &session).map_err(VisitError::of)?;
        let answer = client.fetch(&request);
        let answer = answer.map_err(|error| VisitError(format!("{}{error}", asked.place())))?;
        session.take_cookies(&request.cookie_folder(), &answer.headers);
        asked.check(&answer, how, confirm).map(|()| answer)
    };
    let client = || Client::new(target.address.clone(), options.clone());
    let fresh: Response = answered(1, &mut client(), "over a fresh connection")?;
    let mut kept = client();
    let first = answered(2, &mut kept, "over a keep-alive connection")?;
    let second = answered(3, &mut kept, "the second time")?;
    const SHOWN: usize = 120;
    let start = &first.body[..first.body.len().min(SHOWN)];
    Ok(Evidence {
        request: (!asked.is_bare_get()).then(|| asked.spec.title()),
        http_version: first.version.trim_start_matches("HTTP/").to_owned(),
        status: first.status,
        headers: [first.headers.clone(), first.trailers].concat(),
        body_bytes: first.body.len() as u64,
        body_sha256: crate::suite::hex(&Sha256::digest(&first.body)),
        body_start: String::from_utf8_lossy(start).into_owned(),
        body_repeats: first.body == second.body && first.body == fresh.body,
        closes_connections: first.server_closes,
        processes: None,
        threads: None,
        debug_notice: None,
        refused_at: target.refused_at(),
        tls: first.tls.as_ref().map(TlsAgreementRecord::from),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use jigger_load::{NullOptions, NullServer, TlsOptions};

    use super::*;
    use crate::suite::{BodyExpectation, Expectation, ExpectationChange, OwnRequest, RequestSpec};

    fn target(url: &str, request: &RequestSpec) -> Target {
        let tls = TlsOptions::default();
        let of_contender = (&Expectation::default(), &OwnRequest::default());
        Target::new(url, (&tls, None), &[request], of_contender).unwrap()
    }

    /// For expectations without a command.
    fn never(command: &[String], _: &[u8]) -> Result<(), VisitError> {
        panic!("{command:?} was run")
    }

    #[test]
    fn a_command_confirms_each_right_answer_and_its_complaint_is_the_fault() {
        let server = NullServer::start(&NullOptions::default()).unwrap();
        let url = format!("http://{}/", server.address());
        let words = ["ask", "the table"].map(str::to_owned).to_vec();
        let expectation =
            ExpectationChange { command: Some(words.clone()), ..ExpectationChange::default() };
        let target = target(&url, &RequestSpec { expectation, ..RequestSpec::default() });
        let times = std::cell::Cell::new(0);
        let agrees = |command: &[String], body: &[u8]| {
            assert_eq!((command, body.is_empty()), (&words[..], false));
            times.set(times.get() + 1);
            Ok(())
        };
        verify(&target, &agrees).unwrap();
        confirm_after_load(&target, &agrees).unwrap();
        assert_eq!(times.get(), 4);
        let differs = |_: &[String], _: &[u8]| Err(VisitError("row 7 has 3".to_owned()));
        let error = verify(&target, &differs).unwrap_err();
        assert!(
            error.0.starts_with("wrong response over a fresh connection: row 7 has 3; "),
            "{error}"
        );
        let error = confirm_after_load(&target, &differs).unwrap_err();
        assert!(error.0.starts_with("wrong response after the load: row 7 has 3; "), "{error}");
    }

    /// The null server responds to a HEAD without a body, which no rule on bodies can be about.
    #[test]
    fn each_request_is_checked_by_its_own_expectation() {
        let server = NullServer::start(&NullOptions::default()).unwrap();
        let url = format!("http://{}/", server.address());
        let text = |method: &str, path: &str, text: &str| RequestSpec {
            method: method.to_owned(),
            path: path.to_owned(),
            expectation: ExpectationChange {
                body: Some(BodyExpectation::Text(text.to_owned())),
                ..ExpectationChange::default()
            },
            ..RequestSpec::default()
        };
        let evidence = verify(&target(&url, &text("HEAD", "", "unlike")), &never).unwrap();
        assert_eq!(evidence[0].request.as_deref(), Some("HEAD"));
        let error =
            verify(&target(&url, &text("PUT", "/{{counter}}", "unlike")), &never).unwrap_err();
        let beginning = "PUT /{{counter}}: wrong response over a fresh connection: body ";
        assert!(error.0.starts_with(beginning), "{error}");
        assert!(error.0.ends_with("or in the suite the request or what it expects"), "{error}");
    }

    /// 127.0.0.2 stands for `::1`, which not every machine has: nothing listens there.
    #[test]
    fn a_host_is_asked_where_it_listens_and_what_refused_is_kept() {
        let server = NullServer::start(&NullOptions::default()).unwrap();
        let Address::Tcp(listens) = server.address().clone() else { panic!("the default is TCP") };
        let refuses = std::net::SocketAddr::from(([127, 0, 0, 2], listens.port()));
        let mut target = target(&format!("http://{listens}/"), &RequestSpec::default());
        assert_eq!(target.refused_at(), Vec::<String>::new());
        target.addresses = vec![refuses.into(), listens.into()];
        target.address = refuses.into();
        ask_where_answered(&mut target);
        assert_eq!(target.address, listens.into());
        let evidence = verify(&target, &never).unwrap();
        assert_eq!(evidence[0].refused_at, [refuses.to_string()]);
    }

    /// Verification waits to see whether the server closes; a probe that did so too would add that
    /// to every start-up time. The quickest of many, since a busy machine can delay any of them.
    #[test]
    fn a_probe_ends_with_the_answer() {
        let server = NullServer::start(&NullOptions::default()).unwrap();
        let url = format!("http://{}/", server.address());
        let mut target = target(&url, &RequestSpec::default());
        let mut timed = || {
            let begun = Instant::now();
            assert_eq!(probe(&mut target), Probe::Correct);
            begun.elapsed()
        };
        let quickest = (0..50).map(|_| timed()).min().unwrap();
        assert!(quickest < FetchOptions::default().close_patience, "{quickest:?}");
    }
}
