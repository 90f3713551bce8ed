//! What connections use up in the kernel.
//!
//! Its local ports: scenarios with fresh connections come last in a visit, and wait until enough of
//! the ports are free again. connect(2) takes the even ports of `ip_local_port_range` first; without enough of them each
//! connection takes milliseconds. Over loopback the kernel gives a port to a new connection to the
//! same server 1 s after the old one was closed (`tcp_tw_reuse` = 2).
//!
//! Its table of tracked connections, which a firewall or a container engine switches on. Netfilter
//! keeps each connection for 120 s after its end
//! (`net.netfilter.nf_conntrack_tcp_timeout_time_wait`), over loopback too. When the table is full
//! the kernel drops packets, and a connection takes 1 s, 3 s, or times out, whatever the server
//! does. A visit opens some ten thousand connections, where servers close theirs or scenarios want
//! fresh ones, so a quick succession of visits fills the usual table of 262,144.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use jigger_load::Address;

use crate::server::port::ephemeral_range;
use crate::suite::Scenario;

/// How long a closed connection keeps its port.
const HELD: Duration = Duration::from_secs(1);

/// One in so many even ports may be held before a scenario with fresh connections begins.
const FREE_ENOUGH: u64 = 10;

/// The connections opened lately, by where they went.
#[derive(Debug)]
pub struct LocalPorts {
    even: u64,
    loads: Vec<Opened>,
}

#[derive(Debug)]
struct Opened {
    to: Address,
    connections: u64,
    /// How long it took to open them, one like the other.
    span: Duration,
    ended: Instant,
}

impl LocalPorts {
    /// Those of this machine.
    pub fn of_this_machine() -> Self {
        Self::of_range(&ephemeral_range())
    }

    fn of_range(range: &RangeInclusive<u16>) -> Self {
        let even = u64::try_from(range.clone().count() / 2).unwrap_or(u64::MAX);
        Self { even, loads: Vec::new() }
    }

    /// Notes a load that has just ended.
    pub fn note(&mut self, to: &Address, connections: u64, span: Duration, ended: Instant) {
        self.loads.retain(|load| load.ended + HELD > ended);
        self.loads.push(Opened { to: to.clone(), connections, span, ended });
    }

    /// How long a scenario with fresh connections to that server has to wait.
    pub fn wait(&self, to: &Address, now: Instant) -> Duration {
        let loads = || self.loads.iter().filter(|load| load.to == *to);
        let held: f64 = loads().map(|load| load.held(now)).sum();
        if held <= crate::numbers::number(self.even / FREE_ENOUGH) {
            return Duration::ZERO;
        }
        let last = loads().map(|load| load.ended + HELD).max().unwrap_or(now);
        last.saturating_duration_since(now)
    }
}

impl Opened {
    fn held(&self, now: Instant) -> f64 {
        let since = now.saturating_duration_since(self.ended);
        let recent = HELD.saturating_sub(since).min(self.span);
        let share = if self.span.is_zero() { 1.0 } else { recent.div_duration_f64(self.span) };
        if since >= HELD { 0.0 } else { share * crate::numbers::number(self.connections) }
    }
}

/// The scenarios in the order in which a visit runs them: those that keep their connections as the
/// suite has them, then those that make new ones, the fewest at once first.
pub fn in_running_order(scenarios: &[Scenario]) -> Vec<&Scenario> {
    let mut ordered: Vec<&Scenario> = scenarios.iter().collect();
    ordered.sort_by_key(
        |scenario| if scenario.makes_connections() { scenario.connections } else { 0 },
    );
    ordered
}

/// The longest that is waited for room: a connection's entry is gone by then, unless others keep
/// the table full.
pub const PATIENCE: Duration = Duration::from_secs(130);

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::suite::Suite;

    fn server(port: u16) -> Address {
        Address::Tcp(([127, 0, 0, 1], port).into())
    }

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// The usual range: 14,116 even ports, of which 1,411 may be held.
    fn usual() -> LocalPorts {
        LocalPorts::of_range(&(32_768..=60_999))
    }

    #[test]
    fn a_tenth_of_the_even_ports_may_be_held() {
        let (mut ports, now, to) = (usual(), Instant::now(), server(1));
        assert_eq!(ports.wait(&to, now), Duration::ZERO);
        ports.note(&to, 1_411, ms(500), now);
        assert_eq!(ports.wait(&to, now), Duration::ZERO);
        ports.note(&to, 1, ms(500), now + ms(100));
        assert_eq!(ports.wait(&to, now + ms(100)), ms(1_000));
        assert_eq!(ports.wait(&to, now + ms(400)), ms(700), "1 s since the last was closed");
        assert_eq!(ports.wait(&to, now + ms(1_100)), Duration::ZERO);
        assert_eq!(ports.wait(&server(2), now + ms(100)), Duration::ZERO, "another server");
    }

    #[test]
    fn only_what_was_opened_in_the_last_second_counts() {
        let (mut ports, now, to) = (usual(), Instant::now(), server(1));
        ports.note(&to, 13_000, ms(10_000), now);
        assert_eq!(ports.wait(&to, now), Duration::ZERO, "1,300 in the last second");
        ports.note(&to, 15_000, ms(10_000), now + ms(10_000));
        assert_eq!(ports.wait(&to, now + ms(10_000)), ms(1_000));
        assert_eq!(ports.wait(&to, now + ms(10_200)), Duration::ZERO, "1,200 of them");
        assert_eq!(ports.loads.len(), 1, "the first load is forgotten");
    }

    #[test]
    fn scenarios_with_fresh_connections_run_last_and_the_smallest_first() {
        let scenario = |name: &str, connections: usize, connection: &str| {
            format!(
                "[[scenario]]\nname = \"{name}\"\nconnections = {connections}\n\
                 connection = \"{connection}\"\nrequests = 99\n"
            )
        };
        let text = format!(
            "[suite]\nname = \"s\"\n[[contender]]\nname = \"a\"\nurl = \"http://h/\"\n{}{}{}{}{}",
            scenario("saturation-fresh", 32, "fresh"),
            scenario("sequential", 1, "fresh"),
            scenario("saturation", 32, "keep-alive"),
            scenario("steady", 8, "keep-alive"),
            scenario("few-fresh", 4, "fresh")
        );
        let suite = Suite::parse(&text, "s", Path::new("/")).unwrap();
        let ordered = in_running_order(&suite.scenarios);
        let names: Vec<&str> = ordered.iter().map(|scenario| scenario.name.as_str()).collect();
        let expected = ["saturation", "steady", "sequential", "few-fresh", "saturation-fresh"];
        assert_eq!(names, expected);
    }
}
