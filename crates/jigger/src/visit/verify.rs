//! Are the answers right, and what does the server do besides?

use std::time::Duration;

use jigger_load::ask::{Answer, AskOptions, Asker, ask};
use jigger_load::{Address, Request, Url};
use sha2::{Digest as _, Sha256};

use super::live::VisitError;
use crate::record::Evidence;
use crate::suite::Expectation;

/// Where a server is asked, and the bytes that it is sent: the same for all.
#[derive(Debug, Clone)]
pub struct Target {
    /// The first address that the URL's host has.
    pub address: Address,
    /// The request.
    pub request: Request,
}

impl Target {
    /// The target of a URL.
    ///
    /// # Errors
    /// [`VisitError`] when the URL is not one or its host has no address.
    pub fn new(url: &str) -> Result<Self, VisitError> {
        let url = Url::parse(url).map_err(VisitError::of)?;
        let addresses = url.resolve().map_err(VisitError::of)?;
        let first = addresses.first().ok_or_else(|| VisitError(format!("{url} has no address")))?;
        let request = Request::new("GET", &url, &[], &[]).map_err(VisitError::of)?;
        Ok(Self { address: Address::Tcp(*first), request })
    }
}

const OPTIONS: AskOptions =
    AskOptions { timeout: Duration::from_secs(10), max_body_bytes: 16 * 1024 * 1024 };

/// Asks once with a fresh connection and twice over a kept one, and checks each answer.
///
/// # Errors
/// [`VisitError`] with what was wrong with which answer.
pub fn verify(target: &Target, expectation: &Expectation) -> Result<Evidence, VisitError> {
    let fresh = ask(&target.address, &target.request, &OPTIONS).map_err(VisitError::of)?;
    check(expectation, &fresh, "over a fresh connection")?;
    let mut asker = Asker::new(target.address.clone(), OPTIONS);
    let first = asker.ask(&target.request).map_err(VisitError::of)?;
    check(expectation, &first, "over a connection to be kept")?;
    let second = asker.ask(&target.request).map_err(VisitError::of)?;
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
    })
}

fn check(expectation: &Expectation, answer: &Answer, how: &str) -> Result<(), VisitError> {
    match expectation.fault(answer.status, &answer.headers, &answer.body) {
        None => Ok(()),
        Some(fault) => Err(VisitError(format!(
            "wrong answer {how}: {fault}; correct the contender, or the suite's [expect]"
        ))),
    }
}
