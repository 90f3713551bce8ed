//! The table `wrk` that a script reads and changes.

use std::fs;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::time::Duration;

use jigger_load::Address;
use jigger_load::fetch::connects;
use mlua::{AnyUserData, Error, Function, Lua, Result, Table};

use super::super::Setting;
use super::thread::ScriptAddress;

/// How long `wrk.connect` waits.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);
/// Names of services and their ports.
const SERVICES: &str = "/etc/services";

/// Its functions, in Lua.
const FUNCTIONS: &str = include_str!("wrk.lua");
/// How its functions are called in tracebacks.
pub const CHUNK: &str = "[wrk]";

/// Makes the table a global of the state, and the module `wrk`.
pub fn install(lua: &Lua, setting: &Setting<'_>) -> Result<()> {
    let headers = lua.create_table()?;
    for (name, value) in setting.headers {
        headers.set(name.as_str(), value.as_str())?;
    }
    let wrk = lua.create_table()?;
    wrk.set("scheme", setting.url.scheme())?;
    wrk.set("host", setting.url.host())?;
    wrk.set("port", typed_port(setting.typed_url()))?;
    wrk.set("method", "GET")?;
    wrk.set("path", setting.url.target())?;
    wrk.set("headers", headers)?;
    wrk.set("lookup", lua.create_function(lookup)?)?;
    wrk.set("connect", lua.create_function(connect)?)?;
    lua.load(FUNCTIONS).set_name(format!("={CHUNK}")).call::<()>(&wrk)?;
    lua.register_module("wrk", &wrk)?;
    lua.globals().set("wrk", wrk)
}

/// A function of the table as it stands, since scripts may replace it.
pub fn function(lua: &Lua, name: &str) -> Result<Function> {
    let wrk: Option<Table> = lua.globals().get("wrk").ok();
    wrk.and_then(|wrk| wrk.get(name).ok()).ok_or_else(|| {
        Error::RuntimeError(format!(
            "wrk.{name} is not a function; a script that replaces wrk or wrk.init has to set it"
        ))
    })
}

/// Has the addresses found at which the threads will connect; whether there is one.
pub fn resolve(lua: &Lua, setting: &Setting<'_>) -> Result<bool> {
    let service = typed_port(setting.typed_url()).unwrap_or(setting.url.scheme());
    function(lua, "resolve")?.call::<()>((setting.url.host(), service))?;
    let wrk: Table = lua.globals().get("wrk")?;
    Ok(wrk.get::<Table>("addrs").is_ok_and(|addresses| addresses.raw_len() > 0))
}

/// The port that the URL has in so many digits. wrk shows scripts what was typed, 80 as well.
fn typed_port(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let (_, port) = rest.split(['/', '?', '#']).next()?.rsplit_once(':')?;
    let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then_some(port)
}

/// `wrk.lookup(host, service)`: the addresses that they stand for.
fn lookup(lua: &Lua, (host, service): (String, String)) -> Result<Table> {
    let unknown = |reason: &str| {
        Error::runtime(format!("unable to resolve {host}:{service}: {reason}; check the names"))
    };
    let port = port_of(&service).ok_or_else(|| unknown("no such service"))?;
    let found =
        (host.as_str(), port).to_socket_addrs().map_err(|error| unknown(&error.to_string()))?;
    let mut addresses: Vec<SocketAddr> = Vec::new();
    found.for_each(|address| {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    });
    lua.create_sequence_from(addresses.into_iter().map(ScriptAddress))
}

/// services(5): a name, then PORT/PROTOCOL, then aliases.
fn port_of(service: &str) -> Option<u16> {
    let known = [("http", 80), ("https", 443)].into_iter().find(|(name, _)| *name == service);
    let listed = || {
        fs::read_to_string(SERVICES).unwrap_or_default().lines().find_map(|line| {
            let mut words = line.split('#').next()?.split_whitespace();
            let (name, port) = (words.next()?, words.next()?.strip_suffix("/tcp")?);
            (name == service || words.any(|alias| alias == service)).then(|| port.parse().ok())?
        })
    };
    service.parse().ok().or(known.map(|(_, port)| port)).or_else(listed)
}

/// `wrk.connect(address)`: whether somebody listens there.
fn connect(_: &Lua, address: AnyUserData) -> Result<bool> {
    let address = address.borrow::<ScriptAddress>()?.0;
    Ok(connects(&Address::Tcp(address), CONNECT_LIMIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_shown_as_typed() {
        for (url, port) in [
            ("http://h:80/a:1", Some("80")),
            ("http://h/a:1", None),
            ("http://[::1]:81", Some("81")),
            ("http://[::1]/", None),
            ("http://h?x=y:9", None),
        ] {
            assert_eq!(typed_port(url), port, "{url}");
        }
    }
}
