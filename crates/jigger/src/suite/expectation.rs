//! What a correct response is.

use std::sync::Arc;

use jigger_load::BodyRule;
use sha2::{Digest, Sha256};

use super::coding::{Coding, decoded, values_of};
use super::command;
use super::fault::{Checked, refused};
use super::html::Html;
use super::raw::RawExpect;

#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    pub status: StatusRule,
    /// Headers that must be there with this value (names without regard to case).
    pub headers: Vec<(String, String)>,
    pub body: BodyExpectation,
    /// Gets the body of a verified response as its standard input, and ends with 0 when all is
    /// right, such as what the response says was stored.
    pub command: Option<Vec<String>>,
}

/// Which status is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusRule {
    Is(u16),
    /// Any below 400.
    BelowError,
}

impl StatusRule {
    /// The one status that is right, if it is one.
    pub fn code(self) -> Option<u16> {
        match self {
            Self::Is(code) => Some(code),
            Self::BelowError => None,
        }
    }
}

/// What of an expectation is otherwise.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExpectationChange {
    pub status: Option<StatusRule>,
    pub headers: Option<Vec<(String, String)>>,
    pub body: Option<BodyExpectation>,
    /// Empty for none.
    pub command: Option<Vec<String>>,
}

#[derive(Debug, Clone)]
pub enum BodyExpectation {
    Any,
    /// JSON of this value, whatever its spacing and key order.
    Json(serde_json::Value),
    Text(String),
    /// A match somewhere in the body.
    Regex(regex::bytes::Regex),
    /// The SHA-256 of the body, in lower-case hexadecimal.
    Sha256(String),
    Length(u64),
    Html(Html),
    /// JSON that a JSON Schema describes.
    Schema(Arc<Schema>),
}

/// A JSON Schema, as it is written and as it is applied.
#[derive(Debug)]
pub struct Schema {
    text: serde_json::Value,
    validator: jsonschema::Validator,
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
            (Self::Schema(a), Self::Schema(b)) => a.text == b.text,
            _ => false,
        }
    }
}

impl Default for Expectation {
    fn default() -> Self {
        let (status, body) = (StatusRule::Is(200), BodyExpectation::Any);
        Self { status, headers: Vec::new(), body, command: None }
    }
}

impl ExpectationChange {
    /// What an `expect` names; what it leaves out is inherited.
    pub fn read(raw: &RawExpect) -> Checked<Self> {
        Ok(Self {
            status: raw.status.map(StatusRule::Is),
            headers: raw.headers.clone().map(|headers| headers.into_iter().collect()),
            body: body(raw)?,
            command: raw
                .command
                .clone()
                .map(|command| command::arguments("expect.command", command))
                .transpose()?,
        })
    }
}

impl ExpectationChange {
    /// What it does not name is the other one's.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            status: self.status.or(other.status),
            headers: self.headers.or(other.headers),
            body: self.body.or(other.body),
            command: self.command.or(other.command),
        }
    }

    /// What it does not name is not the contender's: any response below 400 is correct.
    #[must_use]
    pub fn or_no_error(self) -> Self {
        self.or(Self {
            status: Some(StatusRule::BelowError),
            headers: Some(Vec::new()),
            body: Some(BodyExpectation::Any),
            command: Some(Vec::new()),
        })
    }
}

impl Expectation {
    /// The same but for what the change names.
    #[must_use]
    pub fn with(&self, change: &ExpectationChange) -> Self {
        Self {
            status: change.status.unwrap_or(self.status),
            headers: change.headers.clone().unwrap_or_else(|| self.headers.clone()),
            body: change.body.clone().unwrap_or_else(|| self.body.clone()),
            command: change
                .command
                .clone()
                .or_else(|| self.command.clone())
                .filter(|words| !words.is_empty()),
        }
    }

    /// The same whatever the body is.
    #[must_use]
    pub fn without_body(&self) -> Self {
        Self { body: BodyExpectation::Any, ..self.clone() }
    }

    /// What is wrong with a response, or `None` when it is as expected.
    pub fn fault(&self, status: u16, headers: &[(String, String)], body: &[u8]) -> Option<String> {
        let wanted = match self.status {
            StatusRule::Is(wanted) if status != wanted => Some(wanted.to_string()),
            StatusRule::BelowError if status >= 400 => Some("one below 400".to_owned()),
            _ => None,
        };
        if let Some(wanted) = wanted {
            return Some(format!("status {status} instead of {wanted}; body: {}", excerpt(body)));
        }
        let wrong = self.headers.iter().find_map(|wanted| header_fault(headers, wanted));
        if wrong.is_some() || matches!(self.body, BodyExpectation::Any) {
            return wrong;
        }
        match decoded(&Coding::of(headers), body) {
            Ok(body) => self.body.fault(&body),
            Err(fault) => Some(fault),
        }
    }
}

impl BodyExpectation {
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
            Self::Length(length) => body.len() as u64 == *length,
            Self::Html(html) => return html.fault(body),
            Self::Schema(schema) => return schema.fault(body),
        };
        (!right).then(|| format!("body {} instead of {self}", excerpt(body)))
    }
}

impl Schema {
    fn read(value: &toml::Value) -> Checked<Self> {
        let text =
            serde_json::to_value(value).map_err(|error| format!("expect.schema: {error}"))?;
        let validator = jsonschema::validator_for(&text)
            .map_err(|error| format!("expect.schema is not a JSON Schema: {error}"))?;
        Ok(Self { text, validator })
    }

    fn fault(&self, body: &[u8]) -> Option<String> {
        let Ok(found) = serde_json::from_slice::<serde_json::Value>(body) else {
            return Some(format!("body {} instead of {self}", excerpt(body)));
        };
        let error = self.validator.validate(&found).err()?;
        let place = error.instance_path().to_string();
        let place = if place.is_empty() { String::new() } else { format!(", at {place}") };
        Some(format!("body {} does not match the schema{place}: {error}", excerpt(body)))
    }
}

impl std::fmt::Display for Schema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "JSON that matches the schema {}", self.text)
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
            Self::Length(length) => write!(f, "a body of {length} bytes"),
            Self::Html(html) => write!(f, "{html}"),
            Self::Schema(schema) => write!(f, "{schema}"),
        }
    }
}

/// The first bytes of a body, quoted for a message.
pub(super) fn excerpt(body: &[u8]) -> String {
    const SHOWN: usize = 80;
    let text = String::from_utf8_lossy(&body[..body.len().min(SHOWN)]);
    let more = if body.len() > SHOWN { "..." } else { "" };
    format!("{:?}{more}", text)
}

/// What is wrong with a header, or `None` when one of that name has that value.
fn header_fault(headers: &[(String, String)], (name, value): &(String, String)) -> Option<String> {
    let found: Vec<&str> = values_of(headers, name).collect();
    match found.as_slice() {
        [] => Some(format!("no header '{name}', which should be '{value}'")),
        values if values.contains(&value.as_str()) => None,
        [first, ..] => Some(format!("header '{name}: {first}' instead of '{name}: {value}'")),
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn body(raw: &RawExpect) -> Checked<Option<BodyExpectation>> {
    let mut found = Vec::new();
    if let Some(value) = &raw.json {
        let json = serde_json::to_value(value).map_err(|error| format!("expect.json: {error}"))?;
        found.push(BodyExpectation::Json(json));
    }
    found.extend(raw.text.clone().map(BodyExpectation::Text));
    if let Some(pattern) = &raw.regex {
        let regex = regex::bytes::Regex::new(pattern)
            .map_err(|error| format!("expect.regex = '{pattern}': {}", last_line(&error)))?;
        found.push(BodyExpectation::Regex(regex));
    }
    found.extend(raw.sha256.as_ref().map(|d| BodyExpectation::Sha256(d.to_ascii_lowercase())));
    found.extend(raw.length.map(BodyExpectation::Length));
    found.extend(raw.html.as_deref().map(Html::of).map(BodyExpectation::Html));
    if let Some(schema) = &raw.schema {
        found.push(BodyExpectation::Schema(Arc::new(Schema::read(schema)?)));
    }
    if found.len() > 1 {
        return refused("expect: give one of json, text, regex, sha256, length, html, schema");
    }
    Ok(found.pop())
}

/// What is wrong with a regular expression, without the drawing of where.
pub(super) fn last_line(error: &regex::Error) -> String {
    let told = error.to_string();
    let last = told.lines().last().unwrap_or_default();
    format!("it is not a regular expression: {}", last.trim_start_matches("error: "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pong() -> Expectation {
        let value = serde_json::json!({ "message": "pong" });
        Expectation { body: BodyExpectation::Json(value), ..Expectation::default() }
    }

    #[test]
    fn json_is_compared_by_value() {
        assert_eq!(pong().fault(200, &[], b"{ \"message\" : \"pong\" }\n"), None);
        let fault = pong().fault(200, &[], b"{\"message\":\"ping\"}").unwrap();
        assert_eq!(
            fault,
            r#"body "{\"message\":\"ping\"}" instead of the JSON {"message":"pong"}"#
        );
    }

    #[test]
    fn the_status_comes_first_and_shows_the_body() {
        let fault = pong().fault(500, &[], b"Internal Server Error").unwrap();
        assert_eq!(fault, "status 500 instead of 200; body: \"Internal Server Error\"");
    }

    #[test]
    fn headers_are_required_without_regard_to_case() {
        let wanted = vec![("Content-Type".to_owned(), "application/json".to_owned())];
        let expectation = Expectation { headers: wanted, ..Expectation::default() };
        let sent = |value: &str| vec![("content-type".to_owned(), value.to_owned())];
        assert_eq!(expectation.fault(200, &sent("application/json"), b""), None);
        let fault = |headers: &[_]| expectation.fault(200, headers, b"").unwrap();
        assert_eq!(
            fault(&sent("text/html")),
            "header 'Content-Type: text/html' instead of 'Content-Type: application/json'"
        );
        assert_eq!(fault(&[]), "no header 'Content-Type', which should be 'application/json'");
    }

    #[test]
    fn a_schema_says_where_the_body_departs_from_it() {
        let schema = "type = \"array\"\nitems = { type = \"object\", required = [\"id\"], \
                      properties = { id = { type = \"integer\", maximum = 9 } } }";
        let schema = Schema::read(&toml::Value::Table(schema.parse().unwrap())).unwrap();
        let body = BodyExpectation::Schema(Arc::new(schema));
        assert_eq!(body.fault(b"[{\"id\": 3}]"), None);
        let fault = |text: &str| body.fault(text.as_bytes()).unwrap();
        assert!(fault("[{\"id\":3},{\"id\":10}]").contains("at /1/id: 10 is greater than"));
        assert!(fault("[{}]").contains("at /0: \"id\" is a required property"));
        assert!(fault("[").contains("instead of JSON that matches the schema {"));
        let wrong: toml::Table = "type = \"lisst\"".parse().unwrap();
        let message = Schema::read(&toml::Value::Table(wrong)).unwrap_err().to_string();
        assert!(message.starts_with("expect.schema is not a JSON Schema: "), "{message}");
    }

    #[test]
    fn digests_and_lengths() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(BodyExpectation::Sha256(abc.to_owned()).fault(b"abc"), None);
        assert_eq!(BodyExpectation::Length(3).fault(b"abc"), None);
        assert!(BodyExpectation::Length(4).fault(b"abc").is_some());
    }
}
