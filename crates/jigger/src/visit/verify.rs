//! Does it answer, are the answers right, and what does the server do besides?

use std::time::Duration;

use jigger_load::fetch::{Client, FetchError, FetchOptions, Response, fetch};
use jigger_load::{Address, Request, Url};
use sha2::{Digest as _, Sha256};

use super::VisitError;
use crate::record::Evidence;
use crate::server::ready::Probe;
use crate::suite::{Contender, Expectation, RequestSpec};

/// Where a server is asked, and the bytes that it is probed with: the same for all.
#[derive(Debug, Clone)]
pub struct Target {
    pub address: Address,
    /// All addresses that the URL's host has, in the order of the resolver.
    pub addresses: Vec<Address>,
    /// What probes and verification send.
    pub request: Request,
    /// The URL that they stand for.
    pub url: Url,
}

impl Target {
    /// The target of a URL.
    ///
    /// # Errors
    /// [`VisitError`] when the URL is not one or its host has no address.
    pub fn new(url: &str) -> Result<Self, VisitError> {
        let url = Url::parse(url).map_err(VisitError::of)?;
        let addresses = url.resolve().map_err(VisitError::of)?;
        let addresses: Vec<Address> = addresses.into_iter().map(Address::Tcp).collect();
        let first = addresses.first().ok_or_else(|| VisitError(format!("{url} has no address")))?;
        let request = RequestSpec::default().encode(&url).map_err(VisitError::of)?;
        Ok(Self { address: first.clone(), addresses, request, url })
    }

    fn refused_at(&self) -> Vec<String> {
        let before = self.addresses.iter().take_while(|address| **address != self.address);
        before.map(ToString::to_string).collect()
    }
}

/// Statuses of a server that will answer later: 503, and what a proxy says before the server behind
/// it listens (RFC 9110, sections 15.6.3 to 15.6.5).
const NOT_READY_YET: [u16; 3] = [502, 503, 504];

/// One probe gives up after this; a server that hangs is asked again.
const PROBE_LIMIT: Duration = Duration::from_millis(1_000);

const OPTIONS: FetchOptions = FetchOptions {
    timeout: Duration::from_secs(10),
    max_body_bytes: 16 * 1024 * 1024,
    close_patience: Duration::from_millis(10),
};

/// Makes a target ask at the first of its host's addresses that does not refuse.
pub fn ask_where_answered(target: &mut Target) {
    let answers = |address: &&Address| {
        !matches!(fetch(address, &target.request, &OPTIONS), Err(FetchError::Refused { .. }))
    };
    if target.addresses.len() > 1
        && let Some(address) = target.addresses.iter().find(answers)
    {
        target.address = address.clone();
    }
}

/// Asks at each address of the host until one does not refuse, and stays with that one.
pub fn probe(target: &mut Target, contender: &Contender) -> Probe {
    for address in target.addresses.clone() {
        match probe_at(&address, target, contender) {
            Probe::NotListening => {}
            found => {
                target.address = address;
                return found;
            }
        }
    }
    Probe::NotListening
}

fn probe_at(address: &Address, target: &Target, contender: &Contender) -> Probe {
    // Its time is the start-up time, so it ends with the answer's last byte.
    let close_patience = Duration::ZERO;
    let options = FetchOptions { timeout: PROBE_LIMIT, close_patience, ..FetchOptions::default() };
    match fetch(address, &target.request, &options) {
        Ok(answer) => {
            let fault = contender.expectation.fault(answer.status, &answer.headers, &answer.body);
            let complaint = match answer.status {
                status if NOT_READY_YET.contains(&status) => Probe::NotReadyYet,
                _ => Probe::Wrong,
            };
            fault.map_or(Probe::Correct, complaint)
        }
        Err(FetchError::Refused { .. }) => Probe::NotListening,
        Err(error) => Probe::NoAnswer(error.to_string()),
    }
}

/// Asks once with a fresh connection and twice over a kept one, and checks each answer.
///
/// # Errors
/// [`VisitError`] with what was wrong with which answer.
pub fn verify(target: &Target, expectation: &Expectation) -> Result<Evidence, VisitError> {
    let fresh = fetch(&target.address, &target.request, &OPTIONS).map_err(VisitError::of)?;
    check(expectation, &fresh, "over a fresh connection")?;
    let mut client = Client::new(target.address.clone(), OPTIONS);
    let first = client.fetch(&target.request).map_err(VisitError::of)?;
    check(expectation, &first, "over a connection to be kept")?;
    let second = client.fetch(&target.request).map_err(VisitError::of)?;
    check(expectation, &second, "the second time")?;
    const SHOWN: usize = 120;
    let start = &first.body[..first.body.len().min(SHOWN)];
    Ok(Evidence {
        http_version: first.version.to_string(),
        status: first.status,
        headers: first.headers.clone(),
        body_bytes: first.body.len() as u64,
        body_sha256: crate::suite::hex(&Sha256::digest(&first.body)),
        body_start: String::from_utf8_lossy(start).into_owned(),
        body_repeats: first.body == second.body && first.body == fresh.body,
        closes_connections: first.server_closes,
        processes: None,
        threads: None,
        debug_notice: None,
        refused_at: target.refused_at(),
    })
}

fn check(expectation: &Expectation, answer: &Response, how: &str) -> Result<(), VisitError> {
    match expectation.fault(answer.status, &answer.headers, &answer.body) {
        None => Ok(()),
        Some(fault) => Err(VisitError(format!(
            "wrong answer {how}: {fault}; correct the contender, or the suite's [expect]"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Instant;

    use jigger_load::{NullOptions, NullServer};

    use super::*;
    use crate::suite::Suite;

    /// 127.0.0.2 stands for `::1`, which not every machine has: nobody listens there.
    #[test]
    fn a_host_is_asked_where_it_listens_and_what_refused_is_kept() {
        let server = NullServer::start(&NullOptions::default()).unwrap();
        let Address::Tcp(listens) = server.address().clone() else { panic!("the default is TCP") };
        let refuses = std::net::SocketAddr::from(([127, 0, 0, 2], listens.port()));
        let mut target = Target::new(&format!("http://{listens}/")).unwrap();
        assert_eq!(target.refused_at(), Vec::<String>::new());
        target.addresses = vec![refuses.into(), listens.into()];
        target.address = refuses.into();
        ask_where_answered(&mut target);
        assert_eq!(target.address, listens.into());
        let evidence = verify(&target, &Expectation::default()).unwrap();
        assert_eq!(evidence.refused_at, [refuses.to_string()]);
    }

    /// Verification waits to see whether the server closes; a probe that did so too would add that
    /// to every start-up time. The quickest of many, since a busy machine can delay any of them.
    #[test]
    fn a_probe_ends_with_the_answer() {
        let server = NullServer::start(&NullOptions::default()).unwrap();
        let text = format!(
            "[suite]\nname = \"s\"\n[[contender]]\nname = \"a\"\nurl = \"http://{}/\"\n\
             [[scenario]]\nname = \"q\"\nrequests = 1\n",
            server.address()
        );
        let suite = Suite::parse(&text, "s", Path::new("/")).unwrap();
        let contender = &suite.contenders[0];
        let mut target = Target::new(&contender.url).unwrap();
        let mut timed = || {
            let begun = Instant::now();
            assert_eq!(probe(&mut target, contender), Probe::Correct);
            begun.elapsed()
        };
        let quickest = (0..50).map(|_| timed()).min().unwrap();
        assert!(quickest < FetchOptions::default().close_patience, "{quickest:?}");
    }
}
