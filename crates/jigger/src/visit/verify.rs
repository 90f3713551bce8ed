//! Does it answer, are the answers right, and what does the server do besides?

use std::time::Duration;

use jigger_load::fetch::{Client, FetchError, FetchOptions, Response, fetch};
use jigger_load::{Address, Http, Request, TlsClient, TlsOptions, Url, grpc};
use sha2::{Digest as _, Sha256};

use super::VisitError;
use crate::record::{Evidence, TlsAgreementRecord};
use crate::server::ready::Probe;
use crate::suite::{Expectation, RequestSpec};

/// Where a server is asked, and what.
#[derive(Debug, Clone)]
pub struct Target {
    pub address: Address,
    /// All addresses that the URL's host has, in the order of the resolver.
    pub addresses: Vec<Address>,
    /// The contender's own URL.
    pub url: Url,
    /// What a correct response is, unless a request says otherwise.
    pub expectation: Expectation,
    /// How it is asked over TLS; `None` with plain HTTP.
    pub tls: Option<TlsClient>,
    /// Each request of the suite once; the first tells whether the server is ready.
    pub asked: Vec<Asked>,
}

/// A request as one contender is asked it, and what a correct response is.
#[derive(Debug, Clone)]
pub struct Asked {
    pub spec: RequestSpec,
    pub request: Request,
    pub expectation: Expectation,
}

impl Target {
    /// A contender with this URL and this expectation.
    ///
    /// # Errors
    /// [`VisitError`] when the URL is not one or its host has no address, and when a request cannot
    /// be sent to it.
    pub fn new(
        url: &str,
        tls: &TlsOptions,
        requests: &[&RequestSpec],
        expectation: &Expectation,
    ) -> Result<Self, VisitError> {
        let url = Url::parse(url).map_err(VisitError::of)?;
        let tls = url.is_https().then(|| TlsClient::new(tls, url.host()));
        let tls = tls.transpose().map_err(VisitError::of)?;
        let addresses = url.resolve().map_err(VisitError::of)?;
        let addresses: Vec<Address> = addresses.into_iter().map(Address::Tcp).collect();
        let first = addresses.first().ok_or_else(|| VisitError(format!("{url} has no address")))?;
        let address = first.clone();
        let expectation = expectation.clone();
        let mut target = Self { address, addresses, url, tls, expectation, asked: Vec::new() };
        let asked = requests.iter().map(|spec| target.asked(spec));
        target.asked = asked.collect::<Result<_, VisitError>>()?;
        Ok(target)
    }

    /// A request as this contender is asked it.
    ///
    /// # Errors
    /// [`VisitError`] when it cannot be sent there.
    pub fn asked(&self, spec: &RequestSpec) -> Result<Asked, VisitError> {
        let request = spec.encode(&self.url).map_err(VisitError::of)?;
        let expectation = self.expectation.with(&spec.expectation);
        Ok(Asked { spec: spec.clone(), request, expectation })
    }

    fn options(&self, http: Http) -> FetchOptions {
        FetchOptions {
            http,
            timeout: VERIFY_LIMIT,
            max_body_bytes: MAX_BODY_BYTES,
            tls: self.tls.clone(),
            ..FetchOptions::default()
        }
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

/// How long a verified answer may take.
const VERIFY_LIMIT: Duration = Duration::from_secs(10);
const MAX_BODY_BYTES: u64 = 16 * 1024 * 1024;

/// Makes a target ask at the first of its host's addresses that does not refuse.
pub fn ask_where_answered(target: &mut Target) {
    let answers = |address: &&Address| {
        target.asked.first().is_none_or(|asked| {
            let fetched = fetch(address, &asked.request, &target.options(asked.spec.http));
            !matches!(fetched, Err(FetchError::Refused { .. }))
        })
    };
    if target.addresses.len() > 1
        && let Some(address) = target.addresses.iter().find(answers)
    {
        target.address = address.clone();
    }
}

/// Asks at each address of the host until one does not refuse, and stays with that one.
pub fn probe(target: &mut Target) -> Probe {
    for address in target.addresses.clone() {
        let probed = |asked| probe_at(&address, asked, target.tls.clone());
        match target.asked.first().map_or(Probe::NotListening, probed) {
            Probe::NotListening => {}
            found => {
                target.address = address;
                return found;
            }
        }
    }
    Probe::NotListening
}

fn probe_at(address: &Address, asked: &Asked, tls: Option<TlsClient>) -> Probe {
    // Its time is the start-up time, so it ends with the answer's last byte.
    let close_patience = Duration::ZERO;
    let (timeout, http) = (PROBE_LIMIT, asked.spec.http);
    let options = FetchOptions { timeout, close_patience, tls, http, ..FetchOptions::default() };
    match fetch(address, &asked.request, &options) {
        Ok(answer) => {
            let fault = asked.fault(&answer);
            let complaint = match answer.status {
                status if NOT_READY_YET.contains(&status) => Probe::NotReadyYet,
                _ => Probe::Wrong,
            };
            fault.map_or(Probe::Correct, complaint)
        }
        Err(FetchError::Refused { .. }) => Probe::NotListening,
        Err(error) => Probe::NoResponse(error.to_string()),
    }
}

/// Runs the command of an expectation on the body of a response.
pub type Confirm<'a> = dyn Fn(&[String], &[u8]) -> Result<(), VisitError> + 'a;

/// What each request of the target was answered, in their order: asked once with a fresh connection
/// and twice over a kept one, and each answer checked.
///
/// # Errors
/// [`VisitError`] with what was wrong with which answer.
pub fn verify(target: &Target, confirm: &Confirm<'_>) -> Result<Vec<Evidence>, VisitError> {
    target.asked.iter().map(|asked| verified(target, asked, confirm)).collect()
}

/// Asks once more what a command of the suite confirms: whether what is said after the load is still
/// so.
///
/// # Errors
/// As [`verify`].
pub fn confirm_after_load(target: &Target, confirm: &Confirm<'_>) -> Result<(), VisitError> {
    for asked in target.asked.iter().filter(|asked| asked.expectation.command.is_some()) {
        let request = asked.request.numbered(4);
        let answer = fetch(&target.address, &request, &target.options(asked.spec.http))
            .map_err(|error| VisitError(format!("{}after the load: {error}", asked.place())))?;
        asked.check(&answer, "after the load", confirm)?;
    }
    Ok(())
}

fn verified(target: &Target, asked: &Asked, confirm: &Confirm<'_>) -> Result<Evidence, VisitError> {
    let failed = |error: FetchError| VisitError(format!("{}{error}", asked.place()));
    // The number 0 is the probes'.
    let [one, two, three] = [1, 2, 3].map(|number| asked.request.numbered(number));
    let options = target.options(asked.spec.http);
    let fresh = fetch(&target.address, &one, &options).map_err(failed)?;
    asked.check(&fresh, "over a fresh connection", confirm)?;
    let mut client = Client::new(target.address.clone(), options);
    let first = client.fetch(&two).map_err(failed)?;
    asked.check(&first, "over a keep-alive connection", confirm)?;
    let second = client.fetch(&three).map_err(failed)?;
    asked.check(&second, "the second time", confirm)?;
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

impl Asked {
    fn is_bare_get(&self) -> bool {
        self.spec.is_plain_get() && self.spec.path.is_empty()
    }

    /// What stands before an error of it.
    fn place(&self) -> String {
        if self.is_bare_get() { String::new() } else { format!("{}: ", self.spec.title()) }
    }

    /// What is wrong with an answer, if anything. One to HEAD has no body.
    fn fault(&self, answer: &Response) -> Option<String> {
        let Response { status, headers, body, .. } = answer;
        if self.spec.is_grpc {
            return answer.grpc_fault().or_else(|| match grpc::message(body) {
                Some(message) => self.expectation.fault(*status, headers, message),
                None => Some("the body is not one uncompressed gRPC message".to_owned()),
            });
        }
        match self.spec.method.as_str() {
            "HEAD" => self.expectation.without_body().fault(*status, headers, body),
            _ => self.expectation.fault(*status, headers, body),
        }
    }

    fn check(&self, answer: &Response, how: &str, confirm: &Confirm<'_>) -> Result<(), VisitError> {
        let fault = match (self.fault(answer), &self.expectation.command) {
            (Some(fault), _) => fault,
            (None, None) => return Ok(()),
            (None, Some(command)) => match confirm(command, &answer.body) {
                Ok(()) => return Ok(()),
                Err(VisitError(complaint)) => complaint,
            },
        };
        let remedy = match self.is_bare_get() {
            _ if answer.wants_tls() => {
                "the server speaks TLS on this port; write https:// in the url"
            }
            true => "correct the contender, or the suite's [expect]",
            false => "correct the contender, or in the suite the request or what it expects",
        };
        Err(VisitError(format!("{}wrong response {how}: {fault}; {remedy}", self.place())))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use jigger_load::{NullOptions, NullServer};

    use super::*;
    use crate::suite::{BodyExpectation, ExpectationChange};

    fn target(url: &str, request: &RequestSpec) -> Target {
        Target::new(url, &TlsOptions::default(), &[request], &Expectation::default()).unwrap()
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

    /// The null server answers a HEAD without a body, which no rule on bodies can be about.
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
