//! Cookies of one host (RFC 6265, sections 5.2 to 5.4). There is one host, so that the jar needs no
//! list of public suffixes.

use cookie::Cookie;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

/// The cookies that one connection has been given.
#[derive(Clone, Debug, PartialEq)]
pub struct Jar {
    host: String,
    is_secure: bool,
    /// Those of longer paths first, then those that came first.
    cookies: Vec<Stored>,
}

#[derive(Clone, Debug, PartialEq)]
struct Stored {
    name: String,
    value: String,
    /// As the server named it; none: this host alone.
    domain: Option<String>,
    path: Vec<u8>,
    wants_secure: bool,
    expires: Option<SystemTime>,
}

impl Stored {
    fn is_same(&self, other: &Stored) -> bool {
        (&self.name, &self.domain, &self.path) == (&other.name, &other.domain, &other.path)
    }

    fn has_expired(&self) -> bool {
        self.expires.is_some_and(|expires| expires <= SystemTime::now())
    }
}

impl Jar {
    /// An empty one for a host, spoken to over TLS or not.
    pub fn new(host: &str, is_secure: bool) -> Jar {
        Jar { host: host.to_ascii_lowercase(), is_secure, cookies: Vec::new() }
    }

    /// Keeps what a `Set-Cookie` field says; `folder` is that of the request's path. What is no cookie,
    /// or one of another host, is left out.
    pub(crate) fn set(&mut self, field: &str, folder: &[u8]) {
        let Ok(parsed) = Cookie::parse(field) else { return };
        let domain = parsed.domain().map(|name| name.trim_start_matches('.').to_ascii_lowercase());
        let domain = domain.filter(|name| !name.is_empty());
        let is_foreign = domain.as_ref().is_some_and(|name| !self.is_within(name));
        let wants_secure = parsed.secure().unwrap_or(false);
        if is_foreign || parsed.name().is_empty() {
            return;
        }
        let path = parsed.path().filter(|path| path.starts_with('/'));
        let stored = Stored {
            name: parsed.name().to_owned(),
            value: parsed.value().to_owned(),
            domain,
            path: path.map_or(folder, str::as_bytes).to_vec(),
            wants_secure,
            expires: expiry(&parsed),
        };
        self.store(stored);
    }

    fn store(&mut self, stored: Stored) {
        let place = self.cookies.iter().position(|known| known.is_same(&stored));
        match (place, stored.has_expired()) {
            (Some(place), true) => drop(self.cookies.remove(place)),
            (Some(place), false) => self.cookies[place] = stored,
            (None, true) => {}
            (None, false) => {
                let is_longer = |known: &Stored| known.path.len() >= stored.path.len();
                let place = self.cookies.partition_point(is_longer);
                self.cookies.insert(place, stored);
            }
        }
    }

    /// Appends the value of the `Cookie` field of a request for this path; whether there is any.
    pub(crate) fn write(&self, path: &[u8], out: &mut Vec<u8>) -> bool {
        let before = out.len();
        for cookie in &self.cookies {
            let is_sent = is_below(path, &cookie.path)
                && (self.is_secure || !cookie.wants_secure)
                && !cookie.has_expired();
            if !is_sent {
                continue;
            }
            if out.len() > before {
                out.extend_from_slice(b"; ");
            }
            out.extend_from_slice(cookie.name.as_bytes());
            out.push(b'=');
            out.extend_from_slice(cookie.value.as_bytes());
        }
        out.len() > before
    }

    /// Whether the host is of this domain (section 5.1.3).
    fn is_within(&self, domain: &str) -> bool {
        let is_address = self.host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        let is_subdomain =
            || self.host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
        self.host == domain || (!is_address && is_subdomain())
    }
}

/// `Max-Age` goes before `Expires` (section 5.3).
fn expiry(parsed: &Cookie<'_>) -> Option<SystemTime> {
    let after = |age: Duration| SystemTime::now().checked_add(age);
    match parsed.max_age() {
        Some(age) if age.is_positive() => after(age.unsigned_abs()),
        Some(_) => Some(SystemTime::UNIX_EPOCH),
        None => parsed.expires_datetime().map(SystemTime::from),
    }
}

/// Whether a request's path is within that of a cookie (section 5.1.4).
fn is_below(path: &[u8], of_cookie: &[u8]) -> bool {
    path.strip_prefix(of_cookie)
        .is_some_and(|rest| rest.is_empty() || of_cookie.ends_with(b"/") || rest.starts_with(b"/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jar(host: &str, is_secure: bool, fields: &[&str]) -> Jar {
        let mut jar = Jar::new(host, is_secure);
        fields.iter().for_each(|field| jar.set(field, b"/shop"));
        jar
    }

    fn sent(jar: &Jar, path: &str) -> String {
        let mut out = Vec::new();
        let is_any = jar.write(path.as_bytes(), &mut out);
        assert_eq!(is_any, !out.is_empty());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_cookie_is_sent_within_its_path() {
        let jar = jar("h", false, &["a=1; Path=/", "b=2", "c=3; path=/shop/cart", "d=4; Path=x"]);
        for (path, wanted) in [
            ("/", "a=1"),
            ("/shop", "b=2; d=4; a=1"),
            ("/shop/", "b=2; d=4; a=1"),
            ("/shop/cart/1", "c=3; b=2; d=4; a=1"),
            ("/shopping", "a=1"),
        ] {
            assert_eq!(sent(&jar, path), wanted, "{path}");
        }
    }

    #[test]
    fn a_cookie_set_again_is_replaced_and_one_that_expires_is_gone() {
        let mut jar = jar("h", false, &["a=1; Path=/", "b=2; Path=/", "a=3; Path=/; HttpOnly"]);
        assert_eq!(sent(&jar, "/"), "a=3; b=2");
        for gone in [
            "a=; Path=/; Max-Age=0",
            "b=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
            "c=1; Path=/; Max-Age=-1",
        ] {
            jar.set(gone, b"/");
        }
        assert_eq!(sent(&jar, "/"), "");
        jar.set("d=1; Path=/; Max-Age=3600; Expires=Thu, 01 Jan 1970 00:00:00 GMT", b"/");
        jar.set("e=1; Path=/; Expires=Fri, 31 Dec 9999 23:59:59 GMT", b"/");
        assert_eq!(sent(&jar, "/"), "d=1; e=1", "Max-Age goes before Expires");
    }

    #[test]
    fn only_what_concerns_the_host_is_kept() {
        let of = |host: &str, field: &str| sent(&jar(host, false, &[field]), "/shop");
        for (host, field, wanted) in [
            ("api.example.org", "a=1; Domain=example.org", "a=1"),
            ("api.example.org", "a=1; Domain=.EXAMPLE.org", "a=1"),
            ("api.example.org", "a=1; Domain=ample.org", ""),
            ("example.org", "a=1; Domain=api.example.org", ""),
            ("127.0.0.1", "a=1; Domain=0.0.1", ""),
            ("127.0.0.1", "a=1; Domain=127.0.0.1", "a=1"),
            ("h", "a=1; Secure", ""),
            ("h", "no cookie", ""),
            ("h", "=1", ""),
        ] {
            assert_eq!(of(host, field), wanted, "{host}: {field}");
        }
        assert_eq!(sent(&jar("h", true, &["a=1; Secure"]), "/shop"), "a=1");
    }
}
