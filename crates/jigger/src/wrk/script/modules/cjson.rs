//! The modules `cjson` and `cjson.safe`: `encode`, `decode` and `null` as lua-cjson 2.1 has them.
//!
//! Texts are read by `serde_json`, so that only valid JSON is taken; lua-cjson takes `NaN`, `0x10`
//! and `+1` besides.

use mlua::{Error, Lua, LuaString, MultiValue, Result, Table, Value};

/// Tables within tables, at most, as `serde_json` has it for what is decoded; lua-cjson takes 1,000.
const DEPTH_MAX: usize = 127;
/// A list may have as many holes as this, whatever its length...
const SPARSE_LENGTH: usize = 10;
/// ...and a longer one at most so many places for each value.
const SPARSE_RATIO: usize = 2;

/// `cjson.safe`, whose functions return nil and a text where something is wrong; `cjson` is made of
/// it.
pub fn safe(lua: &Lua) -> Result<Table> {
    let module = lua.create_table()?;
    module.set("_NAME", "cjson")?;
    module.set("_VERSION", "2.1.0")?;
    module.set("null", Value::NULL)?;
    let encode = |lua: &Lua, arguments: MultiValue| told(lua, encode(lua, arguments));
    let decode = |lua: &Lua, arguments: MultiValue| told(lua, decode(lua, arguments));
    module.set("encode", lua.create_function(encode)?)?;
    module.set("decode", lua.create_function(decode)?)?;
    Ok(module)
}

fn told(lua: &Lua, outcome: Result<Value>) -> Result<MultiValue> {
    match outcome {
        Ok(value) => Ok(MultiValue::from_iter([value])),
        Err(Error::RuntimeError(problem)) => {
            let problem = Value::String(lua.create_string(problem)?);
            Ok(MultiValue::from_iter([Value::Nil, problem]))
        }
        Err(other) => Err(other),
    }
}

fn one(function: &str, arguments: MultiValue) -> Result<Value> {
    let mut arguments = arguments.into_iter();
    match (arguments.next(), arguments.next()) {
        (Some(value), None) => Ok(value),
        _ => Err(refused(&format!("bad argument #1 to '{function}' (expected 1 argument)"))),
    }
}

fn refused(text: &str) -> Error {
    Error::RuntimeError(text.to_owned())
}

fn decode(lua: &Lua, arguments: MultiValue) -> Result<Value> {
    let value = one("decode", arguments)?;
    let kind = value.type_name();
    let Some(text) = lua.coerce_string(value)? else {
        let message = format!("bad argument #1 to 'decode' (string expected, got {kind})");
        return Err(refused(&message));
    };
    match serde_json::from_slice(&text.as_bytes()) {
        Ok(found) => to_lua(lua, &found),
        Err(error) => Err(refused(&format!("not JSON: {error}"))),
    }
}

fn to_lua(lua: &Lua, value: &serde_json::Value) -> Result<Value> {
    use serde_json::Value as Json;
    Ok(match value {
        Json::Null => Value::NULL,
        Json::Bool(value) => Value::Boolean(*value),
        Json::Number(value) => Value::Number(value.as_f64().unwrap_or_default()),
        Json::String(text) => Value::String(lua.create_string(text)?),
        Json::Array(items) => {
            let items = items.iter().map(|item| to_lua(lua, item)).collect::<Result<Vec<_>>>()?;
            Value::Table(lua.create_sequence_from(items)?)
        }
        Json::Object(fields) => {
            let table = lua.create_table_with_capacity(0, fields.len())?;
            for (name, value) in fields {
                table.raw_set(name.as_str(), to_lua(lua, value)?)?;
            }
            Value::Table(table)
        }
    })
}

fn encode(lua: &Lua, arguments: MultiValue) -> Result<Value> {
    let value = one("encode", arguments)?;
    let mut encoder = Encoder { lua, bytes: Vec::new() };
    encoder.value(&value, 1)?;
    Ok(Value::String(lua.create_string(encoder.bytes)?))
}

/// Writes values one behind another.
struct Encoder<'a> {
    lua: &'a Lua,
    bytes: Vec<u8>,
}

impl Encoder<'_> {
    fn value(&mut self, value: &Value, depth: usize) -> Result<()> {
        match value {
            Value::Table(table) => return self.table(table, depth),
            Value::String(text) => self.text(text),
            Value::Integer(_) | Value::Number(_) => return self.number(value),
            Value::Boolean(value) => self.bytes.extend(value.to_string().bytes()),
            value if value.is_nil() || value.is_null() => self.bytes.extend(b"null"),
            other => {
                let kind = other.type_name();
                return Err(refused(&format!("Cannot serialise {kind}: type not supported")));
            }
        }
        Ok(())
    }

    /// lua-cjson writes 14 digits, as Lua itself does.
    fn number(&mut self, value: &Value) -> Result<()> {
        if value.as_f64().is_some_and(|value| !value.is_finite()) {
            return Err(refused("Cannot serialise number: must not be NaN or Inf"));
        }
        let text = self.lua.coerce_string(value.clone())?;
        self.bytes.extend(text.iter().flat_map(|text| text.as_bytes().to_vec()));
        Ok(())
    }

    fn text(&mut self, text: &LuaString) {
        self.bytes.push(b'"');
        for byte in &*text.as_bytes() {
            match byte {
                b'"' | b'\\' | b'/' => self.bytes.extend([b'\\', *byte]),
                0x08 => self.bytes.extend(b"\\b"),
                0x0c => self.bytes.extend(b"\\f"),
                b'\n' => self.bytes.extend(b"\\n"),
                b'\r' => self.bytes.extend(b"\\r"),
                b'\t' => self.bytes.extend(b"\\t"),
                0..0x20 | 0x7f => self.bytes.extend(format!("\\u{byte:04x}").bytes()),
                other => self.bytes.push(*other),
            }
        }
        self.bytes.push(b'"');
    }

    fn table(&mut self, table: &Table, depth: usize) -> Result<()> {
        if depth > DEPTH_MAX {
            return Err(refused(&format!("Cannot serialise, excessive nesting ({depth})")));
        }
        match length(table)? {
            0 => self.object(table, depth),
            length => self.list(table, length, depth),
        }
    }

    fn list(&mut self, table: &Table, length: usize, depth: usize) -> Result<()> {
        self.bytes.push(b'[');
        for at in 1..=length {
            self.separate(at > 1);
            self.value(&table.raw_get(at)?, depth + 1)?;
        }
        self.bytes.push(b']');
        Ok(())
    }

    fn object(&mut self, table: &Table, depth: usize) -> Result<()> {
        self.bytes.push(b'{');
        for (at, pair) in table.pairs::<Value, Value>().enumerate() {
            let (name, value) = pair?;
            self.separate(at > 0);
            self.name(&name)?;
            self.bytes.push(b':');
            self.value(&value, depth + 1)?;
        }
        self.bytes.push(b'}');
        Ok(())
    }

    fn separate(&mut self, is_needed: bool) {
        if is_needed {
            self.bytes.push(b',');
        }
    }

    fn name(&mut self, name: &Value) -> Result<()> {
        match name {
            Value::String(name) => self.text(name),
            Value::Integer(_) | Value::Number(_) => {
                self.bytes.push(b'"');
                self.number(name)?;
                self.bytes.push(b'"');
            }
            other => {
                let kind = other.type_name();
                return Err(refused(&format!(
                    "Cannot serialise {kind}: table key must be a number or string"
                )));
            }
        }
        Ok(())
    }
}

/// The length of a table that is a list, which has no other keys than whole numbers from 1 on; 0 of
/// any other.
fn length(table: &Table) -> Result<usize> {
    let (mut highest, mut count) = (0, 0);
    for pair in table.pairs::<Value, Value>() {
        let Some(at) = place(&pair?.0) else {
            return Ok(0);
        };
        highest = highest.max(at);
        count += 1;
    }
    if highest > SPARSE_LENGTH && highest > count * SPARSE_RATIO {
        return Err(refused("Cannot serialise table: excessively sparse array"));
    }
    Ok(highest)
}

fn place(key: &Value) -> Option<usize> {
    let number = match key {
        Value::Integer(key) => *key,
        _ => return None,
    };
    usize::try_from(number).ok().filter(|at| *at > 0)
}
