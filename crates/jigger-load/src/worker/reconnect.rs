//! Making connections, and what follows when they end or fail.

use super::{Phase, Worker};
use crate::failure::ErrorKind;
use crate::io::{Driver, Ready, Shake};
use crate::load::ConnectionPolicy;
use crate::protocol::{Failure, Protocol};
use crate::source::Source;
use rustix::io::Errno;
use std::time::Duration;

/// Rests after failed attempts double from the first to the second.
const BACKOFF_MIN_NS: u64 = 1_000_000;
const BACKOFF_MAX_NS: u64 = 100_000_000;

impl<D: Driver, P: Protocol, S: Source<P>> Worker<'_, D, P, S> {
    /// Begins a connection. The first request is tried at once: over loopback the connection
    /// often stands already, which saves a wake-up and two calls.
    pub(super) fn connect(&mut self, index: usize) {
        let began_ns = self.driver.now_ns();
        self.now_ns = began_ns;
        let slot = &mut self.slots[index];
        slot.connect_ns = began_ns;
        slot.responded = false;
        slot.connection.restart(began_ns);
        if self.load.connection == ConnectionPolicy::Fresh {
            self.end_idleness(index, began_ns);
        }
        match self.driver.connect() {
            Ok(socket) => self.slots[index].socket = Some(socket),
            Err(error) => return self.fail_connect(index, error),
        }
        let slot = &mut self.slots[index];
        slot.phase = Phase::Connecting;
        if D::SHAKES_HANDS {
            return self.shake_hands(index, false, false);
        }
        let stood_ns = self.driver.now_ns();
        let sent = if slot.connection.under_way() == 0 {
            Err(Errno::AGAIN)
        } else {
            self.restart(index, stood_ns);
            self.send_unsent(index)
        };
        match sent {
            Ok(()) => self.stand(index, stood_ns),
            Err(Errno::AGAIN) => self.watch(index, true),
            Err(error) => self.fail_connect(index, error),
        }
    }

    /// A connection under way has news.
    pub(super) fn finish_connect(&mut self, index: usize, ready: Ready) {
        self.now_ns = self.driver.now_ns();
        let slot = &self.slots[index];
        let Some(socket) = &slot.socket else { return };
        if let Some(error) = self.driver.connect_error(socket) {
            return self.fail_connect(index, error);
        }
        if ready.readable && (ready.hung_up || !P::MULTIPLEXES) {
            // Nothing has been sent, so that no response can be due.
            self.tally.connected(self.now_ns - slot.connect_ns);
            self.slots[index].phase = Phase::Open;
            return self.receive(index, ready.hung_up, 0);
        }
        if !ready.writable {
            return;
        }
        if slot.connection.under_way() > 0 {
            self.restart(index, self.now_ns);
            match self.send_unsent(index) {
                Ok(()) => {}
                Err(Errno::AGAIN) => return,
                Err(error) => return self.fail_connect(index, error),
            }
        }
        self.stand(index, self.now_ns);
    }

    /// Takes a connection that is still being made, and then its handshake, a step further. The first
    /// step is made at once, as the first request is over plain connections.
    pub(super) fn shake_hands(&mut self, index: usize, readable: bool, writable: bool) {
        self.now_ns = self.driver.now_ns();
        let slot = &mut self.slots[index];
        let Some(socket) = &mut slot.socket else { return };
        let is_connecting = slot.phase == Phase::Connecting;
        match self.driver.shake_hands(socket, readable && !is_connecting) {
            Ok(Shake::Writing) => {
                if !writable {
                    self.watch(index, true);
                }
            }
            Ok(Shake::Reading) => {
                if is_connecting {
                    slot.phase = Phase::Shaking;
                    self.tally.connected(self.now_ns - slot.connect_ns);
                }
                if is_connecting || writable {
                    self.watch(index, false);
                }
            }
            Ok(Shake::Done) => self.open(index),
            Err(error) => self.fail_handshake(index, error),
        }
    }

    /// The handshake is done: what waited for it goes out.
    fn open(&mut self, index: usize) {
        self.now_ns = self.driver.now_ns();
        let slot = &mut self.slots[index];
        slot.phase = Phase::Open;
        let sent = if slot.connection.unsent() > 0 {
            self.restart(index, self.now_ns);
            self.send_unsent(index)
        } else if let Some(socket) = &mut slot.socket {
            self.driver.send(socket, &[]).map(drop)
        } else {
            Ok(())
        };
        match sent {
            Ok(()) if P::MULTIPLEXES => self.transmit(index),
            Ok(()) | Err(Errno::AGAIN) => {}
            Err(error) => self.fail_write(index, error),
        }
    }

    /// The handshake cannot succeed, or the connection did not come to it.
    fn fail_handshake(&mut self, index: usize, error: Errno) {
        let slot = &mut self.slots[index];
        let failure = slot.socket.as_mut().and_then(|socket| self.driver.explain(socket));
        match failure {
            None if slot.phase == Phase::Connecting => self.fail_connect(index, error),
            None => self.fail_early(index, ErrorKind::TlsHandshake, || {
                format!("the connection broke in the TLS handshake: {}", message(error))
            }),
            Some(failure) => self.fail_early(index, failure.kind, || failure.message),
        }
    }

    /// The server ends the connection, by its last response (`announced`) or by closing.
    pub(super) fn end_of_stream(&mut self, index: usize, announced: bool) {
        let connection = &mut self.slots[index].connection;
        let is_within_response = connection.is_within_response();
        let last = if S::IS_MIXED {
            connection.end_of_stream(self.load, &mut self.shared)
        } else {
            connection.end_of_stream(&self.load.expect, &mut self.shared)
        };
        if let Some(response) = last {
            self.settle(index, &response, None);
        }
        let slot = &self.slots[index];
        let lost = !announced && slot.connection.under_way() > 0;
        if !lost {
            self.count_end(index);
        }
        let slot = &self.slots[index];
        if lost && let Some(error) = slot.write_error {
            return self.fail(index, ErrorKind::Write, || message(error));
        }
        if lost && let Some(fault) = slot.connection.unspoken() {
            return self.fail(index, fault.kind(), || fault.to_string());
        }
        if lost {
            let message = || closed_early(is_within_response);
            return self.fail(index, ErrorKind::ReadClosedEarly, message);
        }
        self.close_idle(index);
    }

    /// Gives up the requests of a connection whose deadline has passed.
    pub(super) fn time_out(&mut self, index: usize) {
        if self.slots[index].phase == Phase::Open && self.cancel_late(index) {
            return;
        }
        let timeout = self.load.timeout;
        let count = self.slots[index].connection.under_way();
        match self.slots[index].phase {
            Phase::Connecting => {
                self.tally.errors.add(ErrorKind::ConnectTimeout, count as u64, || {
                    format!(
                        "no connection within {timeout:?}: the server's listen queue is full, or \
                         packets are dropped, by a firewall or because the kernel's table of \
                         tracked connections is full (`sysctl net.netfilter.nf_conntrack_max`); \
                         use fewer connections, or keep-alive"
                    )
                })
            }
            Phase::Shaking => self.tally.errors.add(ErrorKind::TlsHandshake, count as u64, || {
                format!(
                    "no TLS handshake within {timeout:?}: the server accepted the connection but \
                     did not respond; does it speak TLS on this port?"
                )
            }),
            _ => self.tally.errors.add(ErrorKind::Timeout, count as u64, || timed_out(timeout)),
        }
        self.give_up(index, count, false);
    }

    /// Gives up those requests alone whose deadline has passed, when others can go on without them;
    /// whether that is so.
    fn cancel_late(&mut self, index: usize) -> bool {
        let deadline_ns = self.now_ns.saturating_sub(self.timeout_ns);
        let connection = &mut self.slots[index].connection;
        if !P::MULTIPLEXES || connection.flights().all(|flight| flight.started_ns <= deadline_ns) {
            return false;
        }
        let timeout = self.load.timeout;
        while let Some(flight) = self.slots[index].connection.cancel(deadline_ns) {
            self.tally.errors.add(ErrorKind::Timeout, 1, || timed_out(timeout));
            if S::IS_MIXED {
                self.tally.lose(flight.request);
            }
            self.release(index, 1);
        }
        if self.slots[index].connection.is_over() {
            // What waits would wait for ever on a connection that opens no stream any more.
            self.closed_when_idle(index);
        } else {
            self.proceed(index);
        }
        true
    }

    /// The connection broke: what was sent on it fails, and it is made anew, after a rest when it had
    /// not brought a single response. What is not under way cannot fail.
    pub(super) fn fail(&mut self, index: usize, kind: ErrorKind, message: impl FnOnce() -> String) {
        let slot = &self.slots[index];
        let (sent, unsent) = (slot.connection.sent(), slot.connection.unsent());
        if sent == 0 && (unsent == 0 || slot.responded) {
            return self.closed_when_idle(index);
        }
        // On a connection that never brought anything, what was to be sent has failed, too.
        let count = if slot.responded { sent } else { sent + unsent };
        let rests = !slot.responded;
        self.tally.errors.add(kind, count as u64, message);
        self.give_up(index, count, rests);
    }

    /// The server ended a connection on which nothing was under way.
    pub(super) fn closed_when_idle(&mut self, index: usize) {
        self.count_end(index);
        self.close_idle(index);
    }

    /// A connection ends in order: it has had its number of requests, which the server is told, or the
    /// server has ended it.
    fn count_end(&mut self, index: usize) {
        if self.slots[index].connection.is_used_up() {
            self.bid_farewell(index, None);
        } else if self.load.connection == ConnectionPolicy::KeepAlive {
            self.tally.closed_by_server += 1;
        }
    }

    /// Closes a connection on which nothing is under way; what was to be sent on it goes out on the
    /// next one.
    pub(super) fn close_idle(&mut self, index: usize) {
        self.close(index);
        self.slots[index].disconnect();
        self.slots[index].phase = Phase::Closed;
        self.proceed(index);
    }

    /// Closes the socket in order.
    pub(super) fn close(&mut self, index: usize) {
        if let Some(socket) = self.slots[index].socket.take() {
            self.driver.close(socket);
        }
    }

    /// So many requests of this connection, the oldest, are over, and so is the connection.
    fn give_up(&mut self, index: usize, count: usize, rests: bool) {
        if S::IS_MIXED {
            let flights = self.slots[index].connection.flights().take(count);
            flights.for_each(|flight| self.tally.lose(flight.request));
        }
        self.slots[index].connection.abandon(count);
        self.slots[index].disconnect();
        self.release(index, count);
        let slot = &mut self.slots[index];
        slot.idle_since_ns = self.now_ns;
        if rests {
            slot.backoff_ns = (slot.backoff_ns * 2).clamp(BACKOFF_MIN_NS, BACKOFF_MAX_NS);
            let until_ns = self.now_ns + slot.backoff_ns;
            slot.phase = Phase::Resting(until_ns);
            self.check_ns = self.check_ns.min(until_ns);
        } else {
            slot.phase = Phase::Closed;
            self.proceed(index);
        }
    }

    fn fail_connect(&mut self, index: usize, error: Errno) {
        let kind = connect_kind(error);
        self.fail_early(index, kind, || connect_message(kind, error));
    }

    /// A connection ended before any request went out on it.
    fn fail_early(&mut self, index: usize, kind: ErrorKind, message: impl FnOnce() -> String) {
        // None for a connection made ahead: the request that needs it will meet the cause.
        let count = self.slots[index].connection.under_way();
        self.tally.errors.add(kind, count as u64, message);
        self.give_up(index, count, true);
    }

    /// The connection stands.
    fn stand(&mut self, index: usize, stood_ns: u64) {
        let slot = &mut self.slots[index];
        slot.phase = Phase::Open;
        self.tally.connected(stood_ns - slot.connect_ns);
        let full = !slot.rest.is_empty();
        self.watch(index, full);
        if P::MULTIPLEXES {
            // What takes more than a turn goes on.
            self.transmit(index);
        }
    }

    /// Keep-alive: the clock of the first requests starts with their sending.
    fn restart(&mut self, index: usize, now_ns: u64) {
        if self.load.connection == ConnectionPolicy::KeepAlive {
            self.slots[index].connection.restart(now_ns);
            self.end_idleness(index, now_ns);
        }
    }

    /// The clock of this connection's request starts; what passed since the last response is counted.
    pub(super) fn end_idleness(&mut self, index: usize, now_ns: u64) {
        let slot = &mut self.slots[index];
        if self.schedule.is_none() {
            self.tally.idle_ns += now_ns.saturating_sub(slot.idle_since_ns);
            slot.idle_since_ns = now_ns;
        }
    }

    fn watch(&mut self, index: usize, writable: bool) {
        let Some(socket) = &mut self.slots[index].socket else {
            return;
        };
        let token = u32::try_from(index).unwrap_or(u32::MAX);
        if let Err(error) = self.driver.watch(socket, token, writable) {
            self.fail_connect(index, error);
        }
    }
}

fn timed_out(timeout: Duration) -> String {
    format!("no complete response within {timeout:?}")
}

/// An error with its number, as `Connection refused (os error 111)`.
pub(super) fn message(error: Errno) -> String {
    std::io::Error::from(error).to_string()
}

fn connect_kind(error: Errno) -> ErrorKind {
    match error {
        Errno::MFILE | Errno::NFILE | Errno::ADDRNOTAVAIL | Errno::NOBUFS | Errno::NOMEM => {
            ErrorKind::LocalLimit
        }
        Errno::TIMEDOUT => ErrorKind::ConnectTimeout,
        Errno::CONNRESET | Errno::PIPE => ErrorKind::ConnectReset,
        _ => ErrorKind::ConnectRefused,
    }
}

fn connect_message(kind: ErrorKind, error: Errno) -> String {
    let remedy = match error {
        Errno::MFILE => "; raise the limit on open files (`ulimit -n`) or use fewer connections",
        Errno::NFILE => "; the machine has no free file handles (`sysctl fs.file-max`)",
        Errno::ADDRNOTAVAIL => {
            "; every local port is in use or in TIME_WAIT: use keep-alive, a lower rate, a unix \
             socket, or widen `sysctl net.ipv4.ip_local_port_range`"
        }
        Errno::AGAIN => "; the server's listen queue is full",
        _ if kind == ErrorKind::LocalLimit => "; use fewer connections",
        _ => "",
    };
    format!("{}{remedy}", message(error))
}

fn closed_early(is_within_response: bool) -> String {
    let message = if is_within_response {
        "the server closed the connection in the middle of a response"
    } else {
        "the server closed the connection without a response to its request; if it always \
         closes after a response without announcing it, use fresh connections"
    };
    message.to_owned()
}
