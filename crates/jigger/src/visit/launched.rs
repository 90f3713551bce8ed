//! The server of a visit: what it costs, whether it lasts, and what to say when it does not.

use std::time::Duration;

use super::VisitError;
use super::target::Target;
use crate::disturbance::HostReading;
use crate::record::Evidence;
use crate::server::{Exit, Server, UsageError, below, port};
use crate::suite::memory_text;

/// A port is free again within this after its server has ended.
const PORT_LIMIT: Duration = Duration::from_secs(5);
/// A server says at its start in which mode it is.
const LOG_HEAD_BYTES: u64 = 16 * 1024;
/// The news that a server ended comes within this after its connections broke.
const END_NEWS_LIMIT: Duration = Duration::from_secs(1);
/// An engine says within this that a container ended.
const ENGINE_NEWS_LIMIT: Duration = Duration::from_secs(30);
/// Lines of the server's log that a failure shows.
const LOG_LINES: usize = 10;

/// A server that was launched, or one that runs already.
pub(super) struct LiveServer {
    pub(super) server: Option<Server>,
    pub(super) port: Option<u16>,
    pub(super) target: Target,
    pub(super) was_ready: bool,
    /// The most memory that its container may have.
    pub(super) memory_limit_bytes: Option<u64>,
}

impl LiveServer {
    pub(super) fn running_already(target: Target) -> Self {
        Self { server: None, port: None, target, was_ready: false, memory_limit_bytes: None }
    }

    /// Ends the server and waits until its port is free again.
    pub(super) fn stop(self) -> Result<(), VisitError> {
        let Some(server) = self.server else {
            return Ok(());
        };
        server.stop()?;
        if let Some(port) = self.port {
            port::wait_free(port, PORT_LIMIT)?;
        }
        Ok(())
    }

    pub(super) fn memory_bytes(&self) -> Option<u64> {
        let usage = self.server.as_ref()?.usage().ok()?;
        Some(usage.memory.total_bytes)
    }

    /// Of these cores of the host that the server runs on; of this one, for one that jigger did not
    /// start.
    pub(super) fn frequency_mhz(&self, cpus: &[usize]) -> Option<f64> {
        let reading = match &self.server {
            Some(server) => server.host_reading(cpus).ok()?,
            None => HostReading::here(cpus),
        };
        reading.frequency_mhz
    }

    pub(super) fn with_tree(&self, mut evidence: Evidence) -> Evidence {
        let Some(server) = &self.server else {
            return evidence;
        };
        if let Ok(usage) = server.usage() {
            evidence.processes = Some(usage.memory.processes);
            evidence.threads = Some(usage.memory.threads);
        }
        evidence.debug_notice = debug_notice(&server.log_head(LOG_HEAD_BYTES));
        evidence
    }

    /// A server that ended under load has failed, even if its responses until then were right.
    pub(super) fn check_alive(&mut self) -> Result<(), VisitError> {
        match self.server.as_mut().and_then(Server::exit) {
            Some(exit) => Err(ended_under_load(exit)),
            None => Ok(()),
        }
    }

    /// The error with the tail of the server's log below it. That a server ended which was ready
    /// explains any other error.
    pub(super) fn explain(&mut self, error: VisitError) -> VisitError {
        let Some(server) = &mut self.server else { return error };
        let exit = awaited_exit(server);
        let ended = exit.filter(|_| self.was_ready).map(ended_under_load);
        let error = ended.unwrap_or(error);
        let cause = exit.and_then(|exit| killed_for_memory(exit, self.memory_limit_bytes));
        let cause = cause.map_or_else(String::new, |cause| format!("{cause}; "));
        VisitError(format!("{cause}{error}{}", below(&server.log_tail(LOG_LINES))))
    }
}

fn ended_under_load(exit: Exit) -> VisitError {
    VisitError(format!("the server ended under load with {exit}"))
}

/// How a server ended, if it did. Its connections break a moment before its guard knows of it; an
/// engine may take longer to say that a container ended whose first process is gone.
fn awaited_exit(server: &mut Server) -> Option<Exit> {
    server.wait_change(END_NEWS_LIMIT);
    if server.exit().is_none() && matches!(server.usage(), Err(UsageError::Gone)) {
        server.wait_change(ENGINE_NEWS_LIMIT);
    }
    server.exit()
}

/// The line of a log in which a server says that it is not in production mode.
fn debug_notice(log: &str) -> Option<String> {
    const SIGNS: &[&str] =
        &["debug\" mode", "debug mode: on", "development server", "[gin-debug] [warning] running"];
    let found = log.lines().find(|line| {
        let line = line.to_lowercase();
        SIGNS.iter().any(|sign| line.contains(sign))
    })?;
    Some(without_escapes(found).trim().chars().take(80).collect())
}

/// Without the terminal's colour codes (ECMA-48, control sequences that end in `m`).
fn without_escapes(line: &str) -> String {
    let mut pieces = line.split("\u{1b}[");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| text + piece.split_once('m').map_or(piece, |(_, rest)| rest))
}

/// Why a container was probably killed. The kernel ends what goes beyond a group's memory with
/// SIGKILL, which engines tell as an exit code of 128 and the signal's number (9), as shells do.
fn killed_for_memory(exit: Exit, memory_bytes: Option<u64>) -> Option<String> {
    let limit = memory_text(memory_bytes.filter(|_| exit == Exit::Code(128 + 9))?);
    Some(format!(
        "its container was killed, probably because it exceeded its memory limit ({limit}); \
         raise it with --memory or with `memory` in the suite's [containers]"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_kill_within_a_limit_is_put_down_to_it() {
        let said = killed_for_memory(Exit::Code(137), Some(64 << 20)).unwrap();
        assert!(said.contains("(64m)") && said.contains("--memory"), "{said}");
        assert_eq!(killed_for_memory(Exit::Code(137), None), None);
        assert_eq!(killed_for_memory(Exit::Code(1), Some(64 << 20)), None);
    }

    #[test]
    fn servers_that_admit_to_debugging_are_noticed() {
        let gin = "[GIN-debug] [WARNING] Running in \"debug\" mode. Switch to \"release\" mode";
        let flask = "WARNING: This is a development server. Do not use it in production.";
        assert!(debug_notice(gin).is_some() && debug_notice(flask).is_some());
        let colored = "\u{1b}[31m\u{1b}[1mWARNING: a development server.\u{1b}[0m";
        assert_eq!(debug_notice(colored).unwrap(), "WARNING: a development server.");
        assert_eq!(debug_notice(" * Debug mode: off\n[INFO] Listening at: http://x"), None);
    }
}
