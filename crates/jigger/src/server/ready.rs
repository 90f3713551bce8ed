//! Waits for the first correct answer of a server that has just been started.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::{Diagnostic, Exit, Life, Server};

/// From the start of one probe to the start of the next: the resolution of the start-up time.
pub const PROBE_INTERVAL: Duration = Duration::from_millis(1);

/// A server that answers, and so long only wrongly, is not waited for any longer: what it begins
/// with (a router without its routes) is over in less.
pub const WRONG_LIMIT: Duration = Duration::from_secs(2);

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// The answer that the contender is to give.
    Correct,
    /// Nothing accepts connections there yet.
    NotListening,
    /// An answer, but not the right one; the text says what was wrong with it.
    Wrong(String),
    /// An answer that says that the server, or one behind it, is not ready yet; the text has it.
    NotReadyYet(String),
    /// A connection, but no answer; the text says for how long or how it broke.
    NoAnswer(String),
}

/// Why a server is not ready. The caller has the server, whose log may tell more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReady {
    #[error("the server ended with {exit} after {} ms, before its first correct answer", after.as_millis())]
    Exited {
        exit: Exit,
        /// Counted from its spawn.
        after: Duration,
    },
    #[error("the server runs, but after {} ms nothing listens at its address", limit.as_millis())]
    NeverListened { limit: Duration, elsewhere: Vec<SocketAddr> },
    #[error("the server answers, but in {} ms never correctly; the last time: {answer}", within.as_millis())]
    WrongAnswer { within: Duration, answer: String },
    #[error("the server accepts connections, but in {} ms gave no answer; the last time: {problem}", limit.as_millis())]
    Hung { limit: Duration, problem: String },
    #[error("interrupted while waiting for the server's first correct answer")]
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
                    "it listens on {} instead: pass it the port and address that it is asked on",
                    addresses.join(", ")
                )
                .into()
            }
            Self::WrongAnswer { .. } => {
                "correct the contender, or the expectation if the answer is meant to be so".into()
            }
            Self::Hung { .. } => "see what it waits for, or allow it more time".into(),
            Self::Interrupted => "".into(),
        }
    }
}

/// Probes every [`PROBE_INTERVAL`] until the answer is correct; returns the time from the spawn
/// of the server to the end of that probe. `limit` counts from the spawn as well; wrong answers
/// end the wait sooner, after [`WRONG_LIMIT`] of them.
///
/// `probe` is to give up by itself, well before `limit`, on a server that does not answer.
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
            Probe::Wrong(answer) => {
                let within = wrong_since.get_or_insert(probed_at).elapsed();
                if within >= WRONG_LIMIT {
                    return Err(NotReady::WrongAnswer { within, answer });
                }
                last_complaint = Some(Probe::Wrong(answer));
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
        Some(Probe::Wrong(answer) | Probe::NotReadyYet(answer)) => {
            NotReady::WrongAnswer { within: limit, answer }
        }
        Some(Probe::NoAnswer(problem)) => NotReady::Hung { limit, problem },
        _ => NotReady::NeverListened { limit, elsewhere: server.listening() },
    }
}
