//! Waits for the first correct response of a server that has just been started.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::{Diagnostic, Exit, Life, Server};

/// From the start of one probe to the start of the next: the resolution of the start-up time.
pub const PROBE_INTERVAL: Duration = Duration::from_millis(1);

/// A server that responds, and so long only wrongly, is not waited for any longer: what it begins
/// with (a router without its routes) is over in less.
pub const WRONG_LIMIT: Duration = Duration::from_secs(2);

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// The response that the contender is to give.
    Correct,
    /// Nothing accepts connections there yet.
    NotListening,
    /// A response, but not the right one; the text says what was wrong with it.
    Wrong(String),
    /// A response that says that the server, or one behind it, is not ready yet; the text has it.
    NotReadyYet(String),
    /// A connection, but no response; the text says for how long or how it broke.
    NoResponse(String),
}

/// Why a server is not ready. The caller has the server, whose log may have more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReady {
    #[error("the server ended with {exit} after {} ms, before its first correct response", after.as_millis())]
    Exited {
        exit: Exit,
        /// Counted from its spawn.
        after: Duration,
    },
    #[error("the server runs, but after {} ms nothing listens at its address", limit.as_millis())]
    NeverListened { limit: Duration, elsewhere: Vec<SocketAddr> },
    #[error("the server responds, but not correctly within {} ms; the last response: {response}", within.as_millis())]
    WrongResponse { within: Duration, response: String },
    #[error("the server accepts connections, but sent no response within {} ms; the last attempt: {problem}", limit.as_millis())]
    Hung { limit: Duration, problem: String },
    #[error("interrupted while waiting for the server's first correct response")]
    Interrupted,
}

impl Diagnostic for NotReady {
    fn remedy(&self) -> Cow<'static, str> {
        match self {
            Self::Exited { .. } => "correct its start command or what its log complains of".into(),
            Self::NeverListened { elsewhere, .. } if elsewhere.is_empty() => {
                "it listens nowhere else either: allow it more time, or see its log".into()
            }
            Self::NeverListened { elsewhere, .. } => {
                let addresses: Vec<String> = elsewhere.iter().map(ToString::to_string).collect();
                format!(
                    "it listens on {} instead: start it on the port and address of its url",
                    addresses.join(", ")
                )
                .into()
            }
            Self::WrongResponse { .. } => {
                "correct the contender, or the expectation if this response is intended".into()
            }
            Self::Hung { .. } => "see what it waits for, or allow it more time".into(),
            Self::Interrupted => "".into(),
        }
    }
}

/// Probes every [`PROBE_INTERVAL`] until the response is correct; returns the time from the spawn
/// of the server to the end of that probe. `limit` counts from the spawn as well; wrong responses
/// end the wait sooner, after [`WRONG_LIMIT`] of them.
///
/// `probe` is to give up by itself, well before `limit`, on a server that does not respond.
pub fn wait_ready(
    server: &mut Server,
    probe: &mut dyn FnMut() -> Probe,
    limit: Duration,
    interrupted: &dyn Fn() -> bool,
) -> Result<Duration, NotReady> {
    let mut last_complaint = None;
    let mut wrong_since: Option<Instant> = None;
    loop {
        if interrupted() {
            return Err(NotReady::Interrupted);
        }
        let probed_at = Instant::now();
        match probe() {
            Probe::Correct => return Ok(server.elapsed_since_spawn()),
            Probe::NotListening => wrong_since = None,
            Probe::Wrong(response) => {
                let within = wrong_since.get_or_insert(probed_at).elapsed();
                if within >= WRONG_LIMIT {
                    return Err(NotReady::WrongResponse { within, response });
                }
                last_complaint = Some(Probe::Wrong(response));
            }
            complaint => (wrong_since, last_complaint) = (None, Some(complaint)),
        }
        server.wait_change(PROBE_INTERVAL.saturating_sub(probed_at.elapsed()));
        if let Life::Exited(exit) = server.life() {
            return Err(NotReady::Exited { exit, after: server.elapsed_since_spawn() });
        }
        if server.elapsed_since_spawn() >= limit {
            return Err(out_of_time(server, last_complaint, limit));
        }
    }
}

fn out_of_time(server: &Server, last_complaint: Option<Probe>, limit: Duration) -> NotReady {
    match last_complaint {
        Some(Probe::Wrong(response) | Probe::NotReadyYet(response)) => {
            NotReady::WrongResponse { within: limit, response }
        }
        Some(Probe::NoResponse(problem)) => NotReady::Hung { limit, problem },
        _ => NotReady::NeverListened { limit, elsewhere: server.listening() },
    }
}
