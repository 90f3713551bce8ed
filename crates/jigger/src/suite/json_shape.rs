//! `expect.jsonpath`: values that JSON has at some places, or their types, whatever the rest is.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use super::fault::{Checked, excerpt, refused};

/// By JSON pointer (RFC 6901).
#[derive(Debug, Clone, PartialEq)]
pub struct JsonShape {
    places: Vec<(String, Wanted)>,
}

#[derive(Debug, Clone, PartialEq)]
enum Wanted {
    /// One of [`TYPES`].
    Type(String),
    Value(Value),
}

/// Those of JSON Schema.
const TYPES: [&str; 7] = ["string", "number", "integer", "boolean", "array", "object", "null"];

impl JsonShape {
    pub fn read(raw: &BTreeMap<String, toml::Value>) -> Checked<Self> {
        if raw.is_empty() {
            return refused("expect.jsonpath is empty; write a place into it, or leave it out");
        }
        let places = raw.iter().map(|(place, wanted)| {
            if !place.is_empty() && !place.starts_with('/') {
                let pointer = place.trim_start_matches(['$', '.']).replace(['.', '['], "/");
                return refused(format!(
                    "expect.jsonpath: '{place}' is no JSON pointer; write '/{}'",
                    pointer.replace(']', "")
                ));
            }
            Ok((place.clone(), Wanted::read(wanted)?))
        });
        Ok(Self { places: places.collect::<Checked<_>>()? })
    }

    /// What is wrong with a body, or `None` when all its places are right.
    pub fn fault(&self, body: &[u8]) -> Option<String> {
        let Ok(found) = serde_json::from_slice::<Value>(body) else {
            return Some(format!("body {} instead of {self}", excerpt(body)));
        };
        self.places.iter().find_map(|(place, wanted)| {
            let what = match found.pointer(place) {
                Some(value) if wanted.is(value) => return None,
                Some(value) => format!("{value} instead of {wanted}"),
                None => format!("nothing instead of {wanted}"),
            };
            Some(format!("body {} has at '{place}' {what}", excerpt(body)))
        })
    }
}

impl Wanted {
    fn read(raw: &toml::Value) -> Checked<Self> {
        if let Some(name) = raw.as_str().filter(|name| TYPES.contains(name)) {
            return Ok(Self::Type(name.to_owned()));
        }
        let value = serde_json::to_value(raw);
        Ok(Self::Value(value.map_err(|error| format!("expect.jsonpath: {error}"))?))
    }

    fn is(&self, value: &Value) -> bool {
        let name = match self {
            Self::Value(wanted) => return value == wanted,
            Self::Type(name) => name.as_str(),
        };
        match value {
            Value::Null => name == "null",
            Value::Bool(_) => name == "boolean",
            Value::Number(number) => {
                name == "number" || (name == "integer" && (number.is_i64() || number.is_u64()))
            }
            Value::String(_) => name == "string",
            Value::Array(_) => name == "array",
            Value::Object(_) => name == "object",
        }
    }
}

impl fmt::Display for JsonShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JSON with ")?;
        for (number, (place, wanted)) in self.places.iter().enumerate() {
            let between = if number == 0 { "" } else { ", " };
            write!(f, "{between}{wanted} at '{place}'")?;
        }
        Ok(())
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type(name) if name == "null" => write!(f, "null"),
            Self::Type(name) if name.starts_with(['a', 'i', 'o']) => write!(f, "an {name}"),
            Self::Type(name) => write!(f, "a {name}"),
            Self::Value(value) => write!(f, "{value}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(toml: &str) -> Result<JsonShape, String> {
        let raw = toml::from_str(toml).unwrap();
        JsonShape::read(&raw).map_err(|error| error.to_string())
    }

    #[test]
    fn each_place_has_its_type_or_value() {
        let shape = read(
            "\"/items/0/id\" = \"integer\"\n\"/items/0/price\" = \"number\"\n\"/ok\" = true\n\
             \"/next\" = \"null\"\n\"/name\" = \"pong\"\n\"\" = \"object\"",
        );
        let shape = shape.unwrap();
        let body = |id: &str, ok: &str, name: &str| {
            let item = format!("{{\"id\":{id},\"price\":1.5}}");
            let rest = format!("\"ok\":{ok},\"next\":null,\"name\":{name}");
            format!("{{\"items\":[{item}],{rest}}}").into_bytes()
        };
        assert_eq!(shape.fault(&body("3", "true", "\"pong\"")), None);
        for (body, told) in [
            (body("3.5", "true", "\"pong\""), "has at '/items/0/id' 3.5 instead of an integer"),
            (body("\"3\"", "true", "\"pong\""), "has at '/items/0/id' \"3\" instead of an integer"),
            (body("3", "false", "\"pong\""), "has at '/ok' false instead of true"),
            (body("3", "true", "\"ping\""), "has at '/name' \"ping\" instead of \"pong\""),
            (b"[]".to_vec(), "has at '' [] instead of an object"),
            (b"{}".to_vec(), "has at '/items/0/id' nothing instead of an integer"),
            (b"pong".to_vec(), "instead of JSON with an object at '', an integer at '/items/0/id'"),
        ] {
            let fault = shape.fault(&body).unwrap();
            assert!(fault.contains(told), "{fault}");
        }
    }

    #[test]
    fn places_are_json_pointers() {
        let message = read("\"$.items[0].id\" = \"number\"").unwrap_err();
        assert!(message.contains("no JSON pointer; write '/items/0/id'"), "{message}");
        let message = read("").unwrap_err();
        assert!(message.contains("expect.jsonpath is empty"), "{message}");
    }
}
