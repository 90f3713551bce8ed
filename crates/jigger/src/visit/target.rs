//! Where requests go, which, and what is wrong with the responses.

use std::time::Duration;

use jigger_load::fetch::{FetchOptions, Response};
use jigger_load::{Address, Http, Request, TlsClient, TlsOptions, Url, grpc};

use super::VisitError;
use crate::suite::{Coding, Expectation, OwnRequest, Protocol, RequestSpec, decoded, values_of};

/// How long a verified response may take.
const VERIFY_LIMIT: Duration = Duration::from_secs(10);
const MAX_BODY_BYTES: u64 = 16 * 1024 * 1024;

/// Where requests go, and which.
#[derive(Debug, Clone)]
pub struct Target {
    pub address: Address,
    /// All addresses that the URL's host has, in the order of the resolver.
    pub addresses: Vec<Address>,
    /// The contender's own URL.
    pub url: Url,
    /// What a correct response is, unless a request says otherwise.
    pub expectation: Expectation,
    /// What its requests have otherwise than the suite's.
    pub own: OwnRequest,
    /// The client's side of TLS; `None` with plain HTTP.
    pub tls: Option<TlsClient>,
    /// The version of HTTP, where the contender has its own.
    pub protocol: Option<Protocol>,
    /// Each request of the suite once; the first tells whether the server is ready.
    pub asked: Vec<Asked>,
}

/// A request as one contender gets it, and what a correct response is.
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
        (tls, protocol): (&TlsOptions, Option<Protocol>),
        requests: &[&RequestSpec],
        (expectation, own): (&Expectation, &OwnRequest),
    ) -> Result<Self, VisitError> {
        let url = Url::parse(url).map_err(VisitError::of)?;
        let tls = url.is_https().then(|| TlsClient::new(tls, url.host()));
        let tls = tls.transpose().map_err(VisitError::of)?;
        let addresses = url.resolve().map_err(VisitError::of)?;
        let addresses: Vec<Address> = addresses.into_iter().map(Address::Tcp).collect();
        let first = addresses.first().ok_or_else(|| VisitError(format!("{url} has no address")))?;
        let address = first.clone();
        let (expectation, own, asked) = (expectation.clone(), own.clone(), Vec::new());
        let mut target = Self { address, addresses, url, tls, protocol, expectation, own, asked };
        let asked = requests.iter().map(|spec| target.asked(spec));
        target.asked = asked.collect::<Result<_, VisitError>>()?;
        Ok(target)
    }

    /// A request as this contender gets it.
    ///
    /// # Errors
    /// [`VisitError`] when it cannot be sent there.
    pub fn asked(&self, spec: &RequestSpec) -> Result<Asked, VisitError> {
        self.asked_as(spec, &self.own.over(spec))
    }

    /// A request that is sent for each of its connections before the load.
    ///
    /// # Errors
    /// As [`Self::asked`].
    pub fn asked_before(&self, spec: &RequestSpec) -> Result<Asked, VisitError> {
        self.asked_as(spec, &self.own.with_headers(spec))
    }

    /// The suite's request, and what this contender gets in its place.
    fn asked_as(&self, spec: &RequestSpec, own: &RequestSpec) -> Result<Asked, VisitError> {
        let request = own.encode(&self.url).map_err(VisitError::of)?;
        let expectation = self.expectation.with(&spec.expectation);
        Ok(Asked { spec: spec.clone(), request, expectation })
    }

    /// The version of HTTP that this request is sent with.
    pub fn http(&self, spec: &RequestSpec) -> Http {
        self.protocol.map_or(spec.http, |own| own.http)
    }

    /// How it is reached to be verified.
    pub fn options(&self, http: Http) -> FetchOptions {
        FetchOptions {
            http,
            timeout: VERIFY_LIMIT,
            max_body_bytes: MAX_BODY_BYTES,
            tls: self.tls.clone(),
            ..FetchOptions::default()
        }
    }

    /// The addresses before the one that is used.
    pub fn refused_at(&self) -> Vec<String> {
        let before = self.addresses.iter().take_while(|address| **address != self.address);
        before.map(ToString::to_string).collect()
    }
}

/// Runs the command of an expectation on the body of a response.
pub type Confirm<'a> = dyn Fn(&[String], &[u8]) -> Result<(), VisitError> + 'a;

impl Asked {
    pub fn is_bare_get(&self) -> bool {
        self.spec.is_get() && self.spec.path.is_empty()
    }

    /// What stands before an error of it.
    pub fn place(&self) -> String {
        if self.is_bare_get() { String::new() } else { format!("{}: ", self.spec.title()) }
    }

    /// What is wrong with a response, if anything. One to HEAD has no body.
    pub fn fault(&self, answer: &Response) -> Option<String> {
        let Response { status, headers, body, .. } = answer;
        if self.spec.is_grpc {
            return answer.grpc_fault().or_else(|| match grpc::message(body) {
                Some(message) => self.expectation.fault(*status, headers, message),
                None => Some("the body is not one uncompressed gRPC message".to_owned()),
            });
        }
        let fault = match self.spec.method.as_str() {
            "HEAD" => self.expectation.without_body().fault(*status, headers, body),
            _ => self.expectation.fault(*status, headers, body),
        }?;
        Some(match redirection(answer) {
            Some(place) => format!(
                "{fault}; it redirects to {place}, and jigger follows no redirects: name that place in \
                 the url or path, or expect the status"
            ),
            None => fault,
        })
    }

    /// # Errors
    /// [`VisitError`] with what is wrong, and what to do about it.
    pub fn check(
        &self,
        answer: &Response,
        how: &str,
        confirm: &Confirm<'_>,
    ) -> Result<(), VisitError> {
        let fault = match (self.fault(answer), &self.expectation.command) {
            (Some(fault), _) => fault,
            (None, None) => return Ok(()),
            (None, Some(command)) => {
                let body =
                    decoded(&Coding::of(&answer.headers), &answer.body).map_err(VisitError)?;
                match confirm(command, &body) {
                    Ok(()) => return Ok(()),
                    Err(VisitError(complaint)) => complaint,
                }
            }
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

/// Where a response sends the client instead (RFC 9110, section 15.4).
fn redirection(answer: &Response) -> Option<&str> {
    let is_elsewhere = matches!(answer.status, 301 | 302 | 303 | 307 | 308);
    values_of(&answer.headers, "location").next().filter(|_| is_elsewhere)
}
