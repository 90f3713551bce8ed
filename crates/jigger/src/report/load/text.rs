//! What `jigger load` prints for people.

use std::fmt::Write as _;

use jigger_load::Extent;

use super::{Latencies, LoadReport, RequestFigures};
use crate::confounder::{HELD_BACK_SHARE, closes_connections};
use crate::metric::Bound;
use crate::numbers::number;
use crate::report::units::{bytes, count, grouped, percent, time_us, whole};

/// What a closed loop cannot show (Schroeder et al. 2006).
const CLOSED_LOOP: &str = "  closed loop: no request is sent while the server stalls, so these times do \
                           not show how\n  long other clients would have waited; --rate N does\n";

/// How the two times differ by the client's own doing.
const BATCH: &str = "  batch: where 8 or more responses were due, the client waited up to 400 us to read \
                     them together;\n  the response time includes this wait, and the server's time \
                     ends when the kernel has the response\n";

const AT_LEAST: &str = "  at least: requests without a response count with their age at the end\n";

const WITHHELD: &str = "  response time: not shown, because the server stopped responding and no request \
                        was sent\n  meanwhile; --rate N includes the requests that would have been sent\n";

/// Statuses whose `Location` is where to send the request instead (RFC 9110, section 15.4).
const REDIRECTS: [u16; 5] = [301, 302, 303, 307, 308];

impl LoadReport<'_> {
    pub fn text(&self) -> String {
        let mut text = self.rate();
        if let Some(limit) = self.limit {
            let _ = writeln!(text, "  limit: {}", limit.words());
        }
        if let Some(tls) = &self.tls {
            text.push_str(&tls.lines(self.seconds));
        }
        self.add_without_response(&mut text);
        self.add_times(&mut text);
        text.extend(self.by_request.iter().map(RequestFigures::line));
        self.add_errors(&mut text);
        self.add_remarks(&mut text);
        text
    }

    /// Above the lines of several rates.
    pub fn rates_heading(&self, extent: Extent) -> String {
        let extent = match extent {
            Extent::Time(time) => format!("{:.2} s", time.as_secs_f64()),
            Extent::Count(requests) => format!("{} requests", whole(requests)),
        };
        let names: Vec<String> =
            self.percentiles().iter().map(|(name, _)| format!("{name:>11}")).collect();
        format!(
            "{}: {}, {}, {extent} at each rate\n{:>10}{:>10}{}{:>9}\n",
            self.url,
            self.connections(),
            count(self.threads, "thread"),
            "due/s",
            "reached/s",
            names.concat(),
            "failed"
        )
    }

    /// One of several rates; `>=` before a time that is at least so much.
    pub fn rate_line(&self) -> String {
        let bound = if self.response_time_bound.is_some() { ">= " } else { "" };
        let shown =
            |us: Option<f64>| us.map_or("-".to_owned(), |us| bound.to_owned() + &time_us(us));
        let times: Vec<String> =
            self.percentiles().into_iter().map(|(_, us)| format!("{:>11}", shown(us))).collect();
        format!(
            "{:>10}{:>10}{}{:>9}\n",
            grouped(self.asked_per_second.unwrap_or_default()),
            grouped(self.requests_per_second),
            times.concat(),
            percent(self.error_rate)
        )
    }

    /// `8 connections x 10 streams (HTTP/2)`, or `(gRPC)`.
    fn connections(&self) -> String {
        let connections = count(self.connections, "connection");
        let protocol = if self.grpc { "gRPC" } else { "HTTP/2" };
        let each = self.requests_per_connection.map_or_else(String::new, |each| {
            format!(", {} per connection", counted(each.into(), "request"))
        });
        match self.streams {
            Some(streams) => {
                format!("{connections} x {} ({protocol}){each}", count(streams, "stream"))
            }
            None => connections + &each,
        }
    }

    fn rate(&self) -> String {
        let is_bound = self.engine.client_limited || self.is_port_limited;
        let asked = self.asked_per_second.map(|rate| format!(" of {} requested", grouped(rate)));
        format!(
            "{}: {}, {}\n  {} in {:.2} s: {}{} per second{}, {} per second\n",
            self.url,
            self.connections(),
            count(self.threads, "thread"),
            counted(self.requests, "request"),
            self.seconds,
            if is_bound { "at least " } else { "" },
            grouped(self.requests_per_second),
            asked.unwrap_or_default(),
            bytes(number(self.bytes) / self.seconds)
        )
    }

    /// Not of those that were just under way.
    fn add_without_response(&self, text: &mut String) {
        let in_flight = &self.in_flight_at_end;
        if self.unmade.is_telling(self.requests) {
            let _ = writeln!(text, "  no response: {}", self.unmade);
        }
        if in_flight.count == 0 || (self.is_usual() && self.requests > 0) {
            return;
        }
        let _ = write!(
            text,
            "  no response: {} of {} at the end, the oldest after {}",
            whole(in_flight.count),
            counted(self.due, "request"),
            time_us(in_flight.oldest_us)
        );
        match in_flight.silent_since_seconds {
            Some(seconds) => {
                let _ =
                    writeln!(text, ";\n  the last response came {seconds:.1} s after the start");
            }
            None => text.push('\n'),
        }
    }

    fn is_usual(&self) -> bool {
        self.response_time_bound.is_none() && self.in_flight_at_end.silent_since_seconds.is_none()
    }

    fn add_times(&self, text: &mut String) {
        match self.judged_times_ns {
            Some(_) => text.extend(self.response_time()),
            None => text.push_str(WITHHELD),
        }
        let made_anew = self.connections_opened > self.connections as u64;
        let handshakes = self.tls.as_ref().map(|tls| &tls.handshake_time_us);
        for (name, times) in [
            ("service time", self.service_time_us.as_ref()),
            ("server's time", self.kernel_time_us.as_ref()),
            ("connect time", Some(&self.connect_time_us).filter(|_| made_anew)),
            ("TLS handshake", handshakes.filter(|_| made_anew)),
        ] {
            text.extend(times.and_then(|times| times.lines(name, &times.usual())));
        }
        if self.response_time_bound.is_some() {
            text.push_str(AT_LEAST);
        }
        let has_times = self.judged_times_ns.is_some() && self.requests > 0;
        if self.asked_per_second.is_none() && has_times {
            text.push_str(CLOSED_LOOP);
        }
        if self.batch && self.kernel_time_us.as_ref().is_some_and(|times| times.mean.is_some()) {
            text.push_str(BATCH);
        }
    }

    fn response_time(&self) -> Option<String> {
        let times = &self.response_time_us;
        let name = match self.response_time_bound {
            Some(Bound::AtLeast) => "response time at least",
            _ => "response time",
        };
        let lines = times.lines(name, &self.percentiles())?;
        let unknown: Vec<&str> =
            self.chosen.iter().filter(|text| self.is_unknown(text)).map(String::as_str).collect();
        let note = match unknown.as_slice() {
            [] => String::new(),
            list => format!("    too few responses for p{}\n", list.join(", p")),
        };
        Some(lines + &note)
    }

    /// Those of the response time that are shown: the ones asked for, or the usual ones.
    fn percentiles(&self) -> Vec<(String, Option<f64>)> {
        let value = |text: &String| self.response_time_percentiles_us.get(text).copied().flatten();
        if self.chosen.is_empty() {
            return self.response_time_us.usual();
        }
        self.chosen.iter().map(|text| (format!("p{text}"), value(text))).collect()
    }

    fn is_unknown(&self, percentile: &str) -> bool {
        self.response_time_percentiles_us.get(percentile).is_none_or(Option::is_none)
    }

    fn add_errors(&self, text: &mut String) {
        if self.error_rate > 0.0 {
            let _ = writeln!(
                text,
                "  failed: {} of {}",
                percent(self.error_rate),
                counted(self.due, "request")
            );
        }
        for (kind, count, first) in self.errors.iter() {
            let _ = writeln!(text, "  errors: {} {}: {first}", whole(count), kind.name());
        }
        if self.status.keys().any(|status| *status != 200) {
            let list: Vec<String> =
                self.status.iter().map(|(status, count)| format!("{count} x {status}")).collect();
            let _ = writeln!(text, "  status: {}", list.join(", "));
        }
    }

    /// What of the responses was not looked at, or leads elsewhere.
    fn add_checks(&self, text: &mut String) {
        if self.checked < self.requests {
            let _ = writeln!(
                text,
                "  checked: the status of every response, and {} of the bodies, since checking them takes \
                 long",
                percent(number(self.checked) / number(self.requests))
            );
        }
        let to_elsewhere = self.status.iter().filter(|(status, _)| REDIRECTS.contains(status));
        let redirects: u64 = to_elsewhere.map(|(_, count)| count).sum();
        if redirects > 0 {
            let _ = writeln!(
                text,
                "  redirects: {} send the client to another URL; jigger does not follow redirects, so \
                 load\n  that URL if it is the one you mean",
                counted(redirects, "response")
            );
        }
    }

    /// What may be wrong with the server or the client, with the remedy.
    fn add_remarks(&self, text: &mut String) {
        self.add_checks(text);
        if self.closed_by_server > 0 {
            // One that is ended now and then is kept all the same.
            let closes = closes_connections(self.closed_by_server, self.requests);
            let _ = writeln!(
                text,
                "  {}: the server closed {}",
                if closes { "connection-close" } else { "connections" },
                counted(self.closed_by_server, "keep-alive connection")
            );
        }
        let allowed = self.http2_settings.zip(self.streams);
        if let Some(allowed) = allowed.and_then(|(it, streams)| it.fewer_than(streams)) {
            let _ = writeln!(
                text,
                "  streams-limited: the server allows {} on a connection; lower -m, or raise its \
                 limit\n  (SETTINGS_MAX_CONCURRENT_STREAMS)",
                count(allowed, "stream")
            );
        }
        if self.surplus_bytes > 0 {
            let _ = writeln!(
                text,
                "  surplus-bytes: {} arrived beyond the responses, so the server responds twice or sends \
                 more\n  than its Content-Length says; a response may have been counted for a later \
                 request",
                counted(self.surplus_bytes, "byte")
            );
        }
        if number(self.held_back) > HELD_BACK_SHARE * number(self.requests) {
            let _ = writeln!(
                text,
                "  delayed-acks: {} responses arrived in pieces about 40 ms apart; if the server does not \
                 set\n  TCP_NODELAY, it waits for the acknowledgement of the first: set it, or write \
                 head and body\n  with one call",
                whole(self.held_back)
            );
        }
        if self.engine.client_limited {
            let _ = writeln!(
                text,
                "  client-limited: the load generator used {:.0} % of its cores; give it more \
                 threads (-t) or cores",
                self.engine.cpu_share * 100.0
            );
        }
        if self.is_port_limited {
            let _ = writeln!(
                text,
                "  port-limited: {} connections were opened per second, near the end of the {} \
                 local ports;\n  widen net.ipv4.ip_local_port_range (sysctl), or use keep-alive",
                grouped(number(self.connections_opened) / self.seconds),
                self.local_ports
            );
        }
    }
}

impl Latencies {
    /// The percentiles that are shown unless others are asked for.
    fn usual(&self) -> Vec<(String, Option<f64>)> {
        let usual = [
            ("p50", self.p50),
            ("p90", self.p90),
            ("p99", self.p99),
            ("p99.9", self.p99_9),
            ("p99.99", self.p99_99),
        ];
        usual.map(|(name, us)| (name.to_owned(), us)).into()
    }

    /// `None` without any response.
    fn lines(&self, name: &str, percentiles: &[(String, Option<f64>)]) -> Option<String> {
        let [mean, stdev, max] = [self.mean?, self.stdev?, self.max?].map(time_us);
        let mut text = format!("  {name}: mean {mean}, stdev {stdev}, max {max}\n");
        let had = percentiles.iter().filter_map(|(name, us)| Some((name, (*us)?)));
        let list: Vec<String> = had.map(|(name, us)| format!("{name} {}", time_us(us))).collect();
        if !list.is_empty() {
            let _ = writeln!(text, "    {}", list.join(", "));
        }
        Some(text)
    }
}

/// `1 request`, `1,234 requests`.
fn counted(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", whole(count), if count == 1 { "" } else { "s" })
}
