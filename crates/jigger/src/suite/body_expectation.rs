//! What the body of a correct response is.

use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

use jigger_load::BodyRule;
use regex::bytes::Regex;
use sha2::{Digest, Sha256};

use super::coding::{Coding, decoded};
use super::fault::{Checked, excerpt, last_line, refused};
use super::html::Html;
use super::json_schema::JsonSchema;
use super::json_shape::JsonShape;
use super::raw::{RawExpect, RawLength};

/// What a body has to be.
#[derive(Debug, Clone)]
pub enum BodyExpectation {
    Any,
    /// JSON of this value, whatever its spacing and key order.
    Json(serde_json::Value),
    Text(String),
    /// A match somewhere in the body.
    Regex(Regex),
    /// The SHA-256 of the body, in lower-case hexadecimal.
    Sha256(String),
    /// As many bytes.
    Length(RangeInclusive<u64>),
    Html(Html),
    /// JSON that a JSON Schema describes.
    Schema(Arc<JsonSchema>),
    /// JSON with these values at these places.
    Shape(JsonShape),
}

impl PartialEq for BodyExpectation {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, Self::Any) => true,
            (Self::Json(a), Self::Json(b)) => a == b,
            (Self::Text(a), Self::Text(b)) | (Self::Sha256(a), Self::Sha256(b)) => a == b,
            (Self::Regex(a), Self::Regex(b)) => a.as_str() == b.as_str(),
            (Self::Length(a), Self::Length(b)) => a == b,
            (Self::Html(a), Self::Html(b)) => a == b,
            (Self::Schema(a), Self::Schema(b)) => a == b,
            (Self::Shape(a), Self::Shape(b)) => a == b,
            _ => false,
        }
    }
}

impl BodyExpectation {
    /// What of an `expect` is about the body. Files are in this folder.
    pub fn read(raw: &RawExpect, folder: &Path) -> Checked<Option<Self>> {
        let mut found = Vec::new();
        if let Some(value) = &raw.json {
            let json =
                serde_json::to_value(value).map_err(|error| format!("expect.json: {error}"))?;
            found.push(Self::Json(json));
        }
        found.extend(raw.text.clone().map(Self::Text));
        if let Some(pattern) = &raw.regex {
            let regex = Regex::new(pattern)
                .map_err(|error| format!("expect.regex = '{pattern}': {}", last_line(&error)))?;
            found.push(Self::Regex(regex));
        }
        found.extend(raw.sha256.as_ref().map(|digest| Self::Sha256(digest.to_ascii_lowercase())));
        found.extend(raw.length.as_ref().map(length).transpose()?.map(Self::Length));
        found.extend(raw.html.as_deref().map(Html::of).map(Self::Html));
        if let Some(schema) = &raw.schema {
            found.push(Self::Schema(Arc::new(JsonSchema::read(schema, folder)?)));
        }
        found.extend(raw.jsonpath.as_ref().map(JsonShape::read).transpose()?.map(Self::Shape));
        if found.len() > 1 {
            return refused(
                "expect: give one of json, text, regex, sha256, length, html, schema, jsonpath",
            );
        }
        Ok(found.pop())
    }

    /// The same as the load engine checks it, on bodies with this coding.
    pub fn rule(&self, codings: &[Coding]) -> BodyRule {
        let codings = codings.to_vec();
        match self.clone() {
            Self::Any => BodyRule::Any,
            rule => BodyRule::Matches(Arc::new(move |body: &[u8]| {
                decoded(&codings, body).is_ok_and(|body| rule.fault(&body).is_none())
            })),
        }
    }

    /// What is wrong with a body, or `None` when it is as expected.
    pub fn fault(&self, body: &[u8]) -> Option<String> {
        let right = match self {
            Self::Any => true,
            Self::Json(value) => {
                serde_json::from_slice::<serde_json::Value>(body).is_ok_and(|found| found == *value)
            }
            Self::Text(text) => body == text.as_bytes(),
            Self::Regex(regex) => regex.is_match(body),
            Self::Sha256(digest) => hex(&Sha256::digest(body)) == *digest,
            Self::Length(length) => length.contains(&(body.len() as u64)),
            Self::Html(html) => return html.fault(body),
            Self::Schema(schema) => return schema.fault(body),
            Self::Shape(shape) => return shape.fault(body),
        };
        (!right).then(|| format!("body {} instead of {self}", excerpt(body)))
    }
}

impl std::fmt::Display for BodyExpectation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Any => write!(f, "any body"),
            Self::Json(value) => write!(f, "the JSON {value}"),
            Self::Text(text) => write!(f, "{}", excerpt(text.as_bytes())),
            Self::Regex(regex) => write!(f, "a match of /{}/", regex.as_str()),
            Self::Sha256(digest) => write!(f, "a body with the SHA-256 {digest}"),
            Self::Length(length) if length.start() == length.end() => {
                write!(f, "a body of {} bytes", length.start())
            }
            Self::Length(length) => {
                write!(f, "a body of {} to {} bytes", length.start(), length.end())
            }
            Self::Html(html) => write!(f, "{html}"),
            Self::Schema(schema) => write!(f, "{schema}"),
            Self::Shape(shape) => write!(f, "{shape}"),
        }
    }
}

/// One length, or the smallest and the largest: `100..5000`.
fn length(raw: &RawLength) -> Checked<RangeInclusive<u64>> {
    let range = match raw {
        RawLength::Bytes(bytes) => return Ok(*bytes..=*bytes),
        RawLength::Range(range) => range,
    };
    let ends = range.split_once("..").and_then(|(least, most)| {
        Some((least.trim().parse().ok()?, most.trim().parse::<u64>().ok()?))
    });
    match ends {
        Some((least, most)) if least <= most => Ok(least..=most),
        _ => refused(format!(
            "expect.length = '{range}': write a number of bytes, or the smallest and the largest, \
             such as \"100..5000\""
        )),
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<BodyExpectation, String> {
        let raw: RawExpect = toml::from_str(text).unwrap();
        let read = BodyExpectation::read(&raw, Path::new("/"));
        read.map(Option::unwrap).map_err(|error| error.to_string())
    }

    #[test]
    fn digests_and_lengths() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(BodyExpectation::Sha256(abc.to_owned()).fault(b"abc"), None);
        assert_eq!(BodyExpectation::Length(3..=3).fault(b"abc"), None);
        assert!(BodyExpectation::Length(4..=4).fault(b"abc").is_some());
    }

    #[test]
    fn a_length_may_be_a_range_with_both_its_ends() {
        let range = read("length = \"2..3\"").unwrap();
        assert_eq!((range.fault(b"ab"), range.fault(b"abc")), (None, None));
        let fault = range.fault(b"abcd").unwrap();
        assert_eq!(fault, "body \"abcd\" instead of a body of 2 to 3 bytes");
        assert!(range.fault(b"a").is_some());
        assert_eq!(read("length = 3").unwrap(), BodyExpectation::Length(3..=3));
        for wrong in ["3..2", "..", "3", "a..b", "1..", "-1..2"] {
            let message = read(&format!("length = \"{wrong}\"")).unwrap_err();
            assert!(message.contains(&format!("'{wrong}': write a number of bytes")), "{message}");
        }
    }

    #[test]
    fn a_body_has_one_rule() {
        let message = read("text = \"\"\njsonpath = { \"/a\" = \"number\" }").unwrap_err();
        assert!(message.starts_with("expect: give one of json, text"), "{message}");
    }
}
