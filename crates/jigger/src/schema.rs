//! JSON schemas (draft 2020-12) of what jigger reads and writes.
//!
//! Those of the suite file and the record are made from the types that read them; those of what
//! is written alone are files beside this one, held against real output by tests.

use serde_json::Value;

use crate::{record, suite};

/// Something that has a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Schema {
    /// The suite file, as editors complete it.
    Suite,
    /// The JSON of `run` and `report`.
    Report,
    /// The file that `--record` names.
    Record,
    /// The JSON of `load`.
    Load,
    /// The JSON of `timeit`.
    Timeit,
    /// The JSON of `cross-check`.
    CrossCheck,
}

impl Schema {
    /// The schema itself. A newer version of the shape has another `$id`.
    ///
    /// # Panics
    /// Never: the files are part of the program, and the tests read them.
    #[must_use]
    pub fn value(self) -> Value {
        let written = |text: &str| serde_json::from_str(text).expect("the tests have read it");
        match self {
            Self::Suite => named(suite::schema(), "suite", 1),
            Self::Record => named(record::schema(), "record", record::VERSION),
            Self::Report => written(include_str!("schema/report.json")),
            Self::Load => written(include_str!("schema/load.json")),
            Self::Timeit => written(include_str!("schema/timeit.json")),
            Self::CrossCheck => written(include_str!("schema/cross-check.json")),
        }
    }
}

fn named(mut schema: Value, name: &str, version: u32) -> Value {
    if let Some(fields) = schema.as_object_mut() {
        fields.insert("$id".to_owned(), format!("urn:jigger:{name}:{version}").into());
        fields.insert("title".to_owned(), format!("jigger {name}, version {version}").into());
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_a_schema_and_says_of_what() {
        for (schema, id) in [
            (Schema::Suite, "urn:jigger:suite:1"),
            (Schema::Report, "urn:jigger:report:2"),
            (Schema::Record, "urn:jigger:record:2"),
            (Schema::Load, "urn:jigger:load:1"),
            (Schema::Timeit, "urn:jigger:timeit:1"),
            (Schema::CrossCheck, "urn:jigger:cross-check:1"),
        ] {
            let value = schema.value();
            assert_eq!(value["$id"], id);
            assert_eq!(value["$schema"], "https://json-schema.org/draft/2020-12/schema");
            assert!(jsonschema::meta::is_valid(&value), "{id}");
        }
    }
}
