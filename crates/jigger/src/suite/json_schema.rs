//! A JSON Schema that bodies have to match.

use std::fmt;
use std::path::Path;

use serde_json::Value;

use super::fault::{Checked, Fault, at, excerpt};
use super::file;

/// As it is written and as it is applied.
#[derive(Debug)]
pub struct JsonSchema {
    text: Value,
    validator: jsonschema::Validator,
}

impl PartialEq for JsonSchema {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl JsonSchema {
    /// A schema, or the name of the file that has it, in this folder.
    pub fn read(value: &toml::Value, folder: &Path) -> Checked<Self> {
        let of_json = |error: serde_json::Error| Fault::from(error.to_string());
        let text = match value {
            toml::Value::String(name) => {
                let bytes = file::read("expect.schema", name, folder)?;
                serde_json::from_slice(&bytes)
                    .map_err(of_json)
                    .map_err(at(&format!("expect.schema = '{name}'")))?
            }
            value => serde_json::to_value(value).map_err(of_json).map_err(at("expect.schema"))?,
        };
        let validator = jsonschema::validator_for(&text)
            .map_err(|error| format!("expect.schema is not a JSON Schema: {error}"))?;
        Ok(Self { text, validator })
    }

    /// What is wrong with a body, or `None` when it matches.
    pub fn fault(&self, body: &[u8]) -> Option<String> {
        let Ok(found) = serde_json::from_slice::<Value>(body) else {
            return Some(format!("body {} instead of {self}", excerpt(body)));
        };
        let error = self.validator.validate(&found).err()?;
        let place = error.instance_path().to_string();
        let place = if place.is_empty() { String::new() } else { format!(", at {place}") };
        Some(format!("body {} does not match the schema{place}: {error}", excerpt(body)))
    }
}

impl fmt::Display for JsonSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JSON that matches the schema {}", self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = "type = \"array\"\nitems = { type = \"object\", required = [\"id\"], \
                          properties = { id = { type = \"integer\", maximum = 9 } } }";

    fn here(toml: &str) -> Result<JsonSchema, String> {
        let table = toml::Value::Table(toml.parse().unwrap());
        JsonSchema::read(&table, Path::new("/")).map_err(|error| error.to_string())
    }

    #[test]
    fn it_says_where_the_body_departs_from_it() {
        let schema = here(SCHEMA).unwrap();
        assert_eq!(schema.fault(b"[{\"id\": 3}]"), None);
        let fault = |text: &str| schema.fault(text.as_bytes()).unwrap();
        assert!(fault("[{\"id\":3},{\"id\":10}]").contains("at /1/id: 10 is greater than"));
        assert!(fault("[{}]").contains("at /0: \"id\" is a required property"));
        assert!(fault("[").contains("instead of JSON that matches the schema {"));
        let message = here("type = \"lisst\"").unwrap_err();
        assert!(message.starts_with("expect.schema is not a JSON Schema: "), "{message}");
    }

    #[test]
    fn it_may_be_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let read = |text: &str| {
            std::fs::write(folder.path().join("s.json"), text).unwrap();
            let name = toml::Value::String("s.json".to_owned());
            JsonSchema::read(&name, folder.path()).map_err(|error| error.to_string())
        };
        let table: toml::Table = SCHEMA.parse().unwrap();
        let json = serde_json::to_string(&table).unwrap();
        assert_eq!(read(&json).unwrap(), here(SCHEMA).unwrap());
        let message = read("{").unwrap_err();
        assert!(message.starts_with("expect.schema = 's.json': EOF while parsing"), "{message}");
        let message = read("").unwrap_err();
        assert!(message.contains("expect.schema = 's.json': the file is empty"), "{message}");
    }
}
