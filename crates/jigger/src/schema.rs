//! JSON schemas (draft 2020-12) of what jigger reads and writes.
//!
//! They are made from the types that are read and written.

use clap::ValueEnum;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::cross_check::report::json as cross_check;
use crate::doctor::{self, Examination};
use crate::image::{self, ImageReport};
use crate::record::{self, Record};
use crate::report::changes;
use crate::report::changes::json::{Ab, Difference};
use crate::report::json::{self, Report};
use crate::report::load::{self, LoadReport};
use crate::report::timeit::{self, TimeitReport};
use crate::suite;

/// Something that has a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Schema {
    /// The suite file, for completion in editors.
    Suite,
    /// The JSON of `run` and `report`.
    Report,
    /// The JSON of `diff`.
    Diff,
    /// The JSON of `ab`.
    Ab,
    /// The record of a run (`--record`).
    Record,
    /// The JSON of `load`.
    Load,
    /// The JSON of `timeit`.
    Timeit,
    /// The JSON of `image`.
    Image,
    /// The JSON of `cross-check`.
    CrossCheck,
    /// The JSON of `doctor`.
    Doctor,
}

impl Schema {
    /// The schema itself. A newer version of the shape has another `$id`.
    #[must_use]
    pub fn value(self) -> Value {
        match self {
            Self::Suite => self.named(suite::schema(), 1),
            Self::Report => self.of_output::<Report<'_>>(json::VERSION),
            Self::Diff => self.of_output::<Difference<'_>>(changes::json::VERSION),
            Self::Ab => self.of_output::<Ab<'_>>(changes::json::VERSION),
            Self::Record => self.named(schemars::schema_for!(Record).into(), record::VERSION),
            Self::Load => self.of_output::<LoadReport<'_>>(load::VERSION),
            Self::Timeit => self.of_output::<TimeitReport>(timeit::VERSION),
            Self::Image => self.of_output::<ImageReport>(image::VERSION),
            Self::CrossCheck => self.of_output::<cross_check::CrossCheck<'_>>(cross_check::VERSION),
            Self::Doctor => self.of_output::<Examination>(doctor::VERSION),
        }
    }

    /// The schema of what is written and never read: what may be null is there all the same.
    fn of_output<T: JsonSchema>(self, version: u32) -> Value {
        let settings = SchemaSettings::draft2020_12().for_serialize();
        self.named(settings.into_generator().into_root_schema_for::<T>().into(), version)
    }

    fn named(self, mut schema: Value, version: u32) -> Value {
        let name = self.to_possible_value().map(|value| value.get_name().to_owned());
        if let (Some(fields), Some(name)) = (schema.as_object_mut(), name) {
            fields.insert("$id".to_owned(), format!("urn:jigger:{name}:{version}").into());
            fields.insert("title".to_owned(), format!("jigger {name}, version {version}").into());
        }
        schema
    }
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
            (Schema::Diff, "urn:jigger:diff:2"),
            (Schema::Ab, "urn:jigger:ab:2"),
            (Schema::Load, "urn:jigger:load:1"),
            (Schema::Timeit, "urn:jigger:timeit:1"),
            (Schema::Image, "urn:jigger:image:1"),
            (Schema::CrossCheck, "urn:jigger:cross-check:1"),
            (Schema::Doctor, "urn:jigger:doctor:1"),
        ] {
            let value = schema.value();
            assert_eq!(value["$id"], id);
            assert_eq!(value["$schema"], "https://json-schema.org/draft/2020-12/schema");
            assert!(jsonschema::meta::is_valid(&value), "{id}");
        }
    }
}
