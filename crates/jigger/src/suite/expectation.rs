//! What a correct answer is.

use sha2::{Digest, Sha256};

use super::fault::{Checked, refused};
use super::raw::RawExpect;

#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    pub status: StatusRule,
    /// Headers that must be there with this value (names without regard to case).
    pub headers: Vec<(String, String)>,
    pub body: BodyExpectation,
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
}

impl PartialEq for BodyExpectation {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, Self::Any) => true,
            (Self::Json(a), Self::Json(b)) => a == b,
            (Self::Text(a), Self::Text(b)) | (Self::Sha256(a), Self::Sha256(b)) => a == b,
            (Self::Regex(a), Self::Regex(b)) => a.as_str() == b.as_str(),
            (Self::Length(a), Self::Length(b)) => a == b,
            _ => false,
        }
    }
}

impl Default for Expectation {
    fn default() -> Self {
        Self { status: StatusRule::Is(200), headers: Vec::new(), body: BodyExpectation::Any }
    }
}

impl ExpectationChange {
    /// What an `expect` names; what it leaves out is inherited.
    pub fn read(raw: &RawExpect) -> Checked<Self> {
        Ok(Self {
            status: raw.status.map(StatusRule::Is),
            headers: raw.headers.clone().map(|headers| headers.into_iter().collect()),
            body: body(raw)?,
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
        }
    }

    /// The same whatever the body is.
    #[must_use]
    pub fn without_body(&self) -> Self {
        Self { body: BodyExpectation::Any, ..self.clone() }
    }

    /// What is wrong with an answer, or `None` when it is as expected.
    pub fn fault(&self, status: u16, headers: &[(String, String)], body: &[u8]) -> Option<String> {
        let wanted = match self.status {
            StatusRule::Is(wanted) if status != wanted => Some(wanted.to_string()),
            StatusRule::BelowError if status >= 400 => Some("one below 400".to_owned()),
            _ => None,
        };
        if let Some(wanted) = wanted {
            return Some(format!("status {status} instead of {wanted}; body: {}", excerpt(body)));
        }
        let missing = self.headers.iter().find(|wanted| !has_header(headers, wanted));
        if let Some((name, value)) = missing {
            return Some(format!("header '{name}: {value}' is not in the answer"));
        }
        self.body.fault(body)
    }
}

impl BodyExpectation {
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
            Self::Length(length) => write!(f, "a body of {length} bytes"),
        }
    }
}

/// The first bytes of a body, quoted for a message.
fn excerpt(body: &[u8]) -> String {
    const SHOWN: usize = 80;
    let text = String::from_utf8_lossy(&body[..body.len().min(SHOWN)]);
    let more = if body.len() > SHOWN { "..." } else { "" };
    format!("{:?}{more}", text)
}

fn has_header(headers: &[(String, String)], wanted: &(String, String)) -> bool {
    headers.iter().any(|(name, value)| name.eq_ignore_ascii_case(&wanted.0) && *value == wanted.1)
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
    if found.len() > 1 {
        return refused("expect: give one of json, text, regex, sha256, length");
    }
    Ok(found.pop())
}

/// What is wrong with a regular expression, without the drawing of where.
fn last_line(error: &regex::Error) -> String {
    let told = error.to_string();
    let last = told.lines().last().unwrap_or_default();
    format!("it is no regular expression: {}", last.trim_start_matches("error: "))
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
        assert!(expectation.fault(200, &sent("text/html"), b"").is_some());
    }

    #[test]
    fn digests_and_lengths() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(BodyExpectation::Sha256(abc.to_owned()).fault(b"abc"), None);
        assert_eq!(BodyExpectation::Length(3).fault(b"abc"), None);
        assert!(BodyExpectation::Length(4).fault(b"abc").is_some());
    }
}
