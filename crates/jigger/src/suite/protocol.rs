//! Which version of HTTP is spoken: a scenario's `protocol` and `streams`, or a contender's own.

use jigger_load::{ConnectionPolicy, Http, Load};

use super::fault::{Checked, refused, unknown};
use crate::record::own_streams;

/// The version of HTTP that a contender is loaded in, whatever the scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Protocol {
    pub http: Http,
    /// Requests under way at once on each connection that is kept; 1 for HTTP/1.1.
    pub streams: usize,
}

impl Protocol {
    /// A contender's `protocol` and `streams`; `None` where it has none of its own.
    pub fn validated(name: Option<&str>, streams: Option<usize>) -> Checked<Option<Self>> {
        match (name, streams) {
            (None, None) => Ok(None),
            (name, asked) => {
                let http = http(name)?;
                let streams = self::streams(asked, http, ConnectionPolicy::KeepAlive)?;
                Ok(Some(Self { http, streams }))
            }
        }
    }

    /// How many streams each connection of a load has: of many no more than there are connections.
    pub fn streams_of(self, connections: usize, connection: ConnectionPolicy) -> usize {
        own_streams(self.streams, connections, connection == ConnectionPolicy::Fresh)
    }

    /// Makes a load one in this version, with as many requests under way at once as before.
    pub fn apply(self, load: &mut Load) {
        load.http = self.http;
        load.pipeline = self.streams_of(load.connections, load.connection);
        load.connections /= load.pipeline;
        load.threads = load.threads.min(load.connections);
    }
}

/// By the names of RFC 7301's registry.
fn http(name: Option<&str>) -> Checked<Http> {
    known(name, &["http/1.1", "h2"])
}

/// A scenario's version, and whether its requests are gRPC calls.
pub fn of_scenario(name: Option<&str>) -> Checked<(Http, bool)> {
    match name {
        Some("grpc") => Ok((Http::V2, true)),
        name => Ok((known(name, &["http/1.1", "h2", "grpc"])?, false)),
    }
}

fn known(name: Option<&str>, names: &[&str]) -> Checked<Http> {
    match name {
        None | Some("http/1.1") => Ok(Http::V1),
        Some("h2") => Ok(Http::V2),
        Some(other) => refused(format!("protocol: {}", unknown("protocol", other, names))),
    }
}

pub fn streams(streams: Option<usize>, http: Http, connection: ConnectionPolicy) -> Checked<usize> {
    match streams {
        Some(0) => refused("streams must be above zero"),
        Some(_) if http == Http::V1 => {
            refused("streams need HTTP/2; write protocol = \"h2\" as well, or leave them out")
        }
        Some(2..) if connection == ConnectionPolicy::Fresh => {
            refused("a fresh connection carries one request; leave out streams, or connection")
        }
        streams => Ok(streams.unwrap_or(1)),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use jigger_load::{Address, Request, Url};

    use super::*;
    use crate::suite::Suite;

    #[test]
    fn streams_are_those_of_kept_connections_over_http2() {
        let (kept, fresh) = (ConnectionPolicy::KeepAlive, ConnectionPolicy::Fresh);
        assert_eq!(streams(None, Http::V1, kept).unwrap(), 1);
        assert_eq!(streams(Some(10), Http::V2, kept).unwrap(), 10);
        assert_eq!(streams(Some(1), Http::V2, fresh).unwrap(), 1);
        for (found, part) in [
            (streams(Some(0), Http::V2, kept), "above zero"),
            (streams(Some(1), Http::V1, kept), "protocol = \"h2\""),
            (streams(Some(2), Http::V2, fresh), "one request"),
        ] {
            let fault = found.unwrap_err().to_string();
            assert!(fault.contains(part), "{fault}");
        }
        assert_eq!(http(Some("h2")).unwrap(), Http::V2);
        assert!(http(Some("grpc")).unwrap_err().to_string().contains("http/1.1, h2"));
        assert_eq!(of_scenario(Some("h2")).unwrap(), (Http::V2, false));
        assert_eq!(of_scenario(Some("grpc")).unwrap(), (Http::V2, true));
        assert!(of_scenario(Some("spdy")).unwrap_err().to_string().contains("http/1.1, h2, grpc"));
    }

    fn parse(contender: &str, scenario: &str) -> Result<Suite, String> {
        let text = format!(
            "[suite]\nname = \"s\"\n[[contender]]\nname = \"a\"\nurl = \"https://h/\"\n{contender}\n\
             [[scenario]]\nname = \"q\"\nrequests = 5\n{scenario}\n"
        );
        Suite::parse(&text, "s", Path::new("/")).map_err(|error| error.to_string())
    }

    #[test]
    fn a_contenders_streams_take_the_place_of_connections() {
        let shape = |streams: &str, connections: usize, connection: ConnectionPolicy| {
            let suite = parse(&format!("protocol = \"h2\"\n{streams}"), "").unwrap();
            let to = Address::Tcp(([127, 0, 0, 1], 1).into());
            let mut load = Load::new(to, Request::get(&Url::parse("https://h/").unwrap()));
            (load.connections, load.threads, load.connection) = (connections, 2, connection);
            suite.contenders[0].protocol.unwrap().apply(&mut load);
            assert_eq!(load.http, Http::V2);
            (load.connections, load.pipeline, load.threads)
        };
        let (kept, fresh) = (ConnectionPolicy::KeepAlive, ConnectionPolicy::Fresh);
        assert_eq!(shape("streams = 8", 32, kept), (4, 8, 2));
        assert_eq!(shape("streams = 8", 8, kept), (1, 8, 1));
        assert_eq!(shape("streams = 8", 1, kept), (1, 1, 1));
        assert_eq!(shape("streams = 8", 32, fresh), (32, 1, 2));
        assert_eq!(shape("", 32, kept), (32, 1, 2));
    }

    #[test]
    fn each_wrong_protocol_of_a_contender_has_its_message() {
        let h2 = "protocol = \"h2\"";
        for (contender, scenario, wanted) in [
            ("protocol = \"h3\"", "", "contender 'a': protocol: unknown protocol 'h3'"),
            ("streams = 8", "", "contender 'a': streams need HTTP/2"),
            (h2, h2, "scenario 'q': it has a protocol, and contender 'a' has one of its own"),
            ("protocol = \"h2\"\nstreams = 8", "connections = 12", "write a divisor of 12"),
        ] {
            let message = parse(contender, scenario).unwrap_err();
            assert!(message.contains(wanted), "{message}");
        }
        assert_eq!(parse("", "").unwrap().contenders[0].protocol, None);
    }
}
