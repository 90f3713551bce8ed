//! The table `wrk` that a script reads and changes.

use std::fs;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::time::Duration;

use jigger_load::Address;
use jigger_load::fetch::connects;
use mlua::{AnyUserData, Error, Lua, LuaString, Result, Table, Value};

use super::super::Setting;
use super::thread::ScriptAddress;

/// How long `wrk.connect` waits.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);
/// Names of services and their ports.
const SERVICES: &str = "/etc/services";

/// Makes the table a global of the state.
pub fn install(lua: &Lua, setting: &Setting<'_>) -> Result<()> {
    let headers = lua.create_table()?;
    for (name, value) in setting.headers {
        headers.set(name.as_str(), value.as_str())?;
    }
    let wrk = lua.create_table()?;
    wrk.set("scheme", "http")?;
    wrk.set("host", setting.url.host())?;
    if setting.url.port() != 80 {
        wrk.set("port", setting.url.port().to_string())?;
    }
    wrk.set("method", "GET")?;
    wrk.set("path", setting.url.target())?;
    wrk.set("headers", headers)?;
    wrk.set("format", lua.create_function(format)?)?;
    wrk.set("lookup", lua.create_function(lookup)?)?;
    wrk.set("connect", lua.create_function(connect)?)?;
    lua.globals().set("wrk", wrk)
}

/// Sets the header `Host`, unless the script or the command line has.
pub fn add_host(lua: &Lua, setting: &Setting<'_>) -> Result<()> {
    let headers: Table = lua.globals().get::<Table>("wrk")?.get("headers")?;
    if headers.get::<Value>("Host")?.is_nil() {
        headers.set("Host", setting.url.host_field())?;
    }
    Ok(())
}

/// `wrk.format(method, path, headers, body)`: a request's bytes; what is nil comes from the table.
fn format(
    lua: &Lua,
    (method, path, headers, body): (Value, Value, Value, Value),
) -> Result<LuaString> {
    let wrk: Table = lua.globals().get("wrk")?;
    let or_own = |value: Value, name: &str| match value {
        Value::Nil => wrk.get::<Value>(name),
        value => Ok(value),
    };
    let own_headers: Table = wrk.get("headers")?;
    let headers = match headers {
        Value::Nil => own_headers.clone(),
        Value::Table(headers) => headers,
        other => {
            return Err(Error::runtime(format!(
                "headers are a table, not '{}'",
                other.type_name()
            )));
        }
    };
    let body = match or_own(body, "body")? {
        Value::Nil => None,
        body => Some(text(lua, "the body", body)?),
    };
    let mut bytes = text(lua, "the method", or_own(method, "method")?)?;
    bytes.push(b' ');
    bytes.extend(text(lua, "the path", or_own(path, "path")?)?);
    bytes.extend(b" HTTP/1.1\r\n");
    if headers.get::<Value>("Host")?.is_nil() {
        append(lua, &mut bytes, "Host", own_headers.get("Host")?)?;
    }
    for pair in headers.pairs::<String, Value>() {
        let (name, value) = pair?;
        // The body decides.
        if name != "Content-Length" {
            append(lua, &mut bytes, &name, value)?;
        }
    }
    if let Some(body) = &body {
        bytes.extend(format!("Content-Length: {}\r\n", body.len()).bytes());
    }
    bytes.extend(b"\r\n");
    bytes.extend(body.unwrap_or_default());
    lua.create_string(bytes)
}

fn append(lua: &Lua, bytes: &mut Vec<u8>, name: &str, value: Value) -> Result<()> {
    if value.is_nil() {
        return Ok(());
    }
    let value = match value {
        Value::Boolean(value) => value.to_string().into_bytes(),
        value => text(lua, &format!("the header {name}"), value)?,
    };
    bytes.extend(name.bytes());
    bytes.extend(b": ");
    bytes.extend(value);
    bytes.extend(b"\r\n");
    Ok(())
}

fn text(lua: &Lua, what: &str, value: Value) -> Result<Vec<u8>> {
    let kind = value.type_name();
    match lua.coerce_string(value)? {
        Some(text) => Ok(text.as_bytes().to_vec()),
        None => Err(Error::runtime(format!("{what} is a text, not '{kind}'"))),
    }
}

/// `wrk.lookup(host, service)`: the addresses that they stand for.
fn lookup(lua: &Lua, (host, service): (String, Value)) -> Result<Table> {
    let service = String::from_utf8_lossy(&text(lua, "the service", service)?).into_owned();
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
