//! What each connection has before its load: the setup requests are sent, one connection after another
//! on each of a few threads, and their responses checked. Nothing of it is in any figure.

use std::time::Duration;

use jigger_load::fetch::{Client, FetchError, FetchOptions};
use jigger_load::{Http, Jar, Session};

use super::VisitError;
use super::target::Target;
use crate::interrupt::Interrupt;
use crate::suite::{Coding, Setup, SetupRequest, decoded};

/// Connections whose setup requests are under way at once: more than most servers work on at the same
/// time, and few enough for all of them.
const AT_ONCE: usize = 16;

/// Why a connection has not what its load needs.
#[derive(Debug)]
pub enum SetupError {
    /// To the request at this place.
    NoResponse(FetchError, String),
    Wrong {
        /// Of the response.
        status: u16,
        error: VisitError,
    },
}

impl From<SetupError> for VisitError {
    fn from(error: SetupError) -> Self {
        match error {
            SetupError::NoResponse(error, place) => Self(format!("{place}: {error}")),
            SetupError::Wrong { error, .. } => error,
        }
    }
}

/// What one connection, which has this number, gets from the server.
///
/// # Errors
/// [`SetupError`] with the request that had no correct response, or none with what is to be captured.
pub fn session(
    target: &Target,
    setup: &Setup,
    (number, options): (u64, &FetchOptions),
) -> Result<Session, SetupError> {
    let jar = || Jar::new(target.url.host(), target.url.is_https());
    let mut session = Session::new(setup.keeps_cookies.then(jar));
    let mut client = Client::new(target.address.clone(), options.clone());
    for (request, at) in setup.requests.iter().zip(1..) {
        let place = format!("setup_request {at} ({})", request.spec.title());
        send((target, request, &place), number, &mut client, &mut session)?;
    }
    Ok(session)
}

fn send(
    (target, request, place): (&Target, &SetupRequest, &str),
    number: u64,
    client: &mut Client,
    session: &mut Session,
) -> Result<(), SetupError> {
    let wrong = |status: u16, fault: String| SetupError::Wrong {
        status,
        error: VisitError(format!(
            "{place}: {fault}; correct the suite's [[setup_request]], or the contender"
        )),
    };
    let unsent = |error: String| wrong(0, error);
    let asked = target.asked_before(&request.spec).map_err(|error| unsent(error.0))?;
    let sent =
        asked.request.numbered(number, session).map_err(|error| unsent(error.to_string()))?;
    let response =
        client.fetch(&sent).map_err(|error| SetupError::NoResponse(error, place.to_owned()))?;
    let status = response.status;
    if let Some(fault) = asked.fault(&response) {
        return Err(wrong(status, format!("wrong response: {fault}")));
    }
    session.take_cookies(&sent.cookie_folder(), &response.headers);
    if request.captures.is_empty() {
        return Ok(());
    }
    let body = decoded(&Coding::of(&response.headers), &response.body);
    let body = body.map_err(|fault| wrong(status, fault))?;
    for capture in &request.captures {
        let value = capture.value(&response.headers, &body).map_err(|fault| {
            wrong(status, format!("capture: {fault} of the response with status {status}"))
        })?;
        session.keep(value.into_bytes());
    }
    Ok(())
}

/// What so many connections get, each for itself; nothing where there is nothing to get.
///
/// # Errors
/// [`VisitError`] of the first connection that has not what it needs, or when the user wants to stop.
pub fn sessions(
    target: &Target,
    (setup, http): (&Setup, Http),
    connections: usize,
    interrupt: &Interrupt,
) -> Result<Vec<Session>, VisitError> {
    if setup.is_empty() {
        return Ok(Vec::new());
    }
    let options = FetchOptions { close_patience: Duration::ZERO, ..target.options(http) };
    let share = connections.div_ceil(AT_ONCE).max(1);
    let numbers: Vec<u64> = (0..connections as u64).collect();
    let of_thread = |numbers: &[u64]| -> Result<Vec<Session>, VisitError> {
        let mut sessions = Vec::new();
        for number in numbers {
            if interrupt.is_raised() {
                return Err(VisitError("interrupted before the load".to_owned()));
            }
            sessions.push(session(target, setup, (*number, &options))?);
        }
        Ok(sessions)
    };
    std::thread::scope(|scope| {
        let of_thread = &of_thread;
        let threads: Vec<_> =
            numbers.chunks(share).map(|numbers| scope.spawn(move || of_thread(numbers))).collect();
        let mut sessions = Vec::with_capacity(connections);
        for thread in threads {
            let ended = thread.join();
            let ended = ended.map_err(|_| VisitError("a setup thread ended early".to_owned()))?;
            sessions.extend(ended?);
        }
        Ok(sessions)
    })
}
