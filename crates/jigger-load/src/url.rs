//! Where a server is: the parts of a URL that a request needs (RFC 9110, section 4.2), and
//! the address that connections are made to.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

/// An `http` or `https` URL: host, port and request target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    scheme: Scheme,
    host: String,
    port: u16,
    target: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

impl Scheme {
    fn name(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }

    fn usual_port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }
}

/// Why a text is no URL that can be loaded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// No `scheme://` in front.
    #[error("`{0}` has no scheme; write `http://{0}`")]
    NoScheme(String),
    /// Another scheme.
    #[error("scheme `{0}` is not supported; use `http://` or `https://`")]
    Scheme(String),
    /// The host is missing or holds a character that no host has.
    #[error("`{0}` names no valid host; write `http://HOST:PORT/PATH`, IPv6 in brackets")]
    Host(String),
    /// The port is no number from 1 to 65535.
    #[error("`{0}` is no port; use a number from 1 to 65535")]
    Port(String),
    /// `user:password@` in front of the host.
    #[error("credentials in a URL are not sent; use the header `Authorization` instead")]
    Credentials,
    /// A space, a control or a non-ASCII character in path or query.
    #[error("`{0}` cannot stand in a URL; percent-encode it (RFC 3986, section 2.1)")]
    Character(char),
}

/// Why a host name gave no address.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// The resolver failed.
    #[error("cannot resolve `{host}`: {}; check the name, or give the address itself", reason(.cause))]
    Failed {
        /// The name asked for.
        host: String,
        /// What the resolver said.
        cause: std::io::Error,
    },
    /// The resolver answered with an empty list.
    #[error("`{0}` resolves to no address; give the address itself")]
    Empty(String),
}

impl Url {
    /// Parses `http://host[:port][/path][?query]`, or the same with `https`; a fragment is dropped, as
    /// it is never sent.
    ///
    /// # Errors
    /// [`UrlError`] names what is wrong and what to write instead.
    pub fn parse(text: &str) -> Result<Url, UrlError> {
        let (scheme, rest) =
            text.split_once("://").ok_or_else(|| UrlError::NoScheme(text.to_owned()))?;
        let scheme = [Scheme::Http, Scheme::Https]
            .into_iter()
            .find(|known| scheme.eq_ignore_ascii_case(known.name()))
            .ok_or_else(|| UrlError::Scheme(scheme.to_owned()))?;
        let rest = rest.split('#').next().unwrap_or_default();
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let (host, port) = split_authority(authority)?;
        let port = port.unwrap_or(scheme.usual_port());
        let slash = if target.starts_with('/') { "" } else { "/" };
        let target = format!("{slash}{target}");
        match target.chars().find(|c| !c.is_ascii_graphic()) {
            Some(character) => Err(UrlError::Character(character)),
            None => Ok(Url { scheme, host, port, target }),
        }
    }

    /// This URL with `path`, which begins with `/` or `?`, appended to its own.
    ///
    /// # Errors
    /// [`UrlError::Character`] for what cannot stand in a URL.
    pub fn join(&self, path: &str) -> Result<Url, UrlError> {
        let own = match path.starts_with('/') {
            true => self.target.strip_suffix('/').unwrap_or(&self.target),
            false => &self.target,
        };
        Url::parse(&format!("{}{own}{path}", self.origin()))
    }

    /// Whether it is an `https` URL.
    pub fn is_https(&self) -> bool {
        self.scheme == Scheme::Https
    }

    /// The URL without path and query, such as `https://h:8443` (RFC 6454, section 6.2).
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme.name(), self.host_field())
    }

    /// Every address the host name has, in the resolver's order; literals are not looked up.
    ///
    /// # Errors
    /// [`ResolveError`] when the resolver fails or knows no address.
    pub fn resolve(&self) -> Result<Vec<SocketAddr>, ResolveError> {
        let found = (self.host.as_str(), self.port)
            .to_socket_addrs()
            .map_err(|cause| ResolveError::Failed { host: self.host.clone(), cause })?;
        let mut addresses: Vec<SocketAddr> = Vec::new();
        for address in found {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        if addresses.is_empty() {
            return Err(ResolveError::Empty(self.host.clone()));
        }
        Ok(addresses)
    }

    /// The host, without brackets when it is an IPv6 address.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port; 80, with `https` 443, when the URL names none.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Path and query as they stand in the request line; never empty.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The value of the `Host` field (RFC 9110, section 7.2): the port only when it is not the
    /// scheme's usual one.
    pub fn host_field(&self) -> String {
        let host =
            if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == self.scheme.usual_port() { host } else { format!("{host}:{}", self.port) }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}", self.origin(), self.target)
    }
}

/// What the resolver said, without what the standard library says before it.
fn reason(cause: &std::io::Error) -> String {
    let said = cause.to_string();
    said.split_once(": ").map_or(said.clone(), |(_, reason)| reason.to_owned())
}

/// The host, and the port where there is one.
fn split_authority(authority: &str) -> Result<(String, Option<u16>), UrlError> {
    if authority.contains('@') {
        return Err(UrlError::Credentials);
    }
    let bad_host = || UrlError::Host(authority.to_owned());
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (host, port) = rest.split_once(']').ok_or_else(bad_host)?;
        host.parse::<std::net::Ipv6Addr>().map_err(|_| bad_host())?;
        (host, port)
    } else {
        let (host, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~%".contains(c);
        if host.is_empty() || !host.chars().all(allowed) {
            return Err(bad_host());
        }
        (host, port)
    };
    Ok((host.to_owned(), parse_port(port).map_err(|port| port.unwrap_or_else(bad_host))?))
}

/// `""` and `":"` mean the default; `Err(None)` when something else than a port follows the host.
fn parse_port(text: &str) -> Result<Option<u16>, Option<UrlError>> {
    if text.is_empty() || text == ":" {
        return Ok(None);
    }
    let digits = text.strip_prefix(':').ok_or(None)?;
    match digits.parse::<u16>() {
        Ok(port) if port != 0 && digits.bytes().all(|b| b.is_ascii_digit()) => Ok(Some(port)),
        _ => Err(Some(UrlError::Port(digits.to_owned()))),
    }
}

/// The address that connections are made to; independent of the `Host` that a request names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// TCP over IPv4 or IPv6.
    Tcp(SocketAddr),
    /// A unix stream socket by its path (at most 107 bytes, the kernel's limit).
    Unix(PathBuf),
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp(address) => write!(formatter, "{address}"),
            Address::Unix(path) => write!(formatter, "unix:{}", path.display()),
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Address {
        Address::Tcp(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_taken_apart() {
        for (text, host, port, target, field) in [
            ("http://localhost", "localhost", 80, "/", "localhost"),
            ("HTTP://h:8080/a?b=c#d", "h", 8080, "/a?b=c", "h:8080"),
            ("http://[::1]:5/x", "::1", 5, "/x", "[::1]:5"),
            ("http://h?q", "h", 80, "/?q", "h"),
            ("http://127.0.0.1:/", "127.0.0.1", 80, "/", "127.0.0.1"),
            ("https://h", "h", 443, "/", "h"),
            ("HTTPS://h:443/a", "h", 443, "/a", "h"),
            ("https://h:80/", "h", 80, "/", "h:80"),
            ("http://h:443/", "h", 443, "/", "h:443"),
        ] {
            let url = Url::parse(text).unwrap();
            assert_eq!((url.host(), url.port(), url.target()), (host, port, target), "{text}");
            assert_eq!(url.host_field(), field);
        }
    }

    #[test]
    fn the_scheme_stays() {
        let url = Url::parse("https://[::1]:8443/a/").unwrap();
        assert!(url.is_https() && !Url::parse("http://h/").unwrap().is_https());
        assert_eq!(url.join("/b").unwrap().to_string(), "https://[::1]:8443/a/b");
        assert_eq!(url.origin(), "https://[::1]:8443");
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, part) in [
            ("localhost:8080", "write `http://localhost:8080`"),
            ("ftp://h/", "scheme `ftp`"),
            ("http://", "no valid host"),
            ("http:///x", "no valid host"),
            ("http://[::1", "no valid host"),
            ("http://[::1]x/", "no valid host"),
            ("http://h:0/", "`0` is no port"),
            ("http://h:65536/", "`65536` is no port"),
            ("http://h:+1/", "`+1` is no port"),
            ("http://u:p@h/", "Authorization"),
            ("http://h/a b", "percent-encode"),
            ("http://h/\u{e9}", "percent-encode"),
        ] {
            let message = Url::parse(text).unwrap_err().to_string();
            assert!(message.contains(part), "{text}: {message}");
        }
    }

    #[test]
    fn literals_resolve_without_a_resolver() {
        let url = Url::parse("http://[::1]:81/").unwrap();
        assert_eq!(url.resolve().unwrap(), ["[::1]:81".parse::<SocketAddr>().unwrap()]);
    }
}
