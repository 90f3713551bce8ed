//! What a correct response is.

use std::path::Path;

use super::body_expectation::BodyExpectation;
use super::coding::{Coding, decoded, values_of};
use super::command;
use super::fault::{Checked, excerpt};
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

impl Default for Expectation {
    fn default() -> Self {
        let (status, body) = (StatusRule::Is(200), BodyExpectation::Any);
        Self { status, headers: Vec::new(), body, command: None }
    }
}

impl ExpectationChange {
    /// What an `expect` names; what it leaves out is inherited. Files are in this folder.
    pub fn read(raw: &RawExpect, folder: &Path) -> Checked<Self> {
        Ok(Self {
            status: raw.status.map(StatusRule::Is),
            headers: raw.headers.clone().map(|headers| headers.into_iter().collect()),
            body: BodyExpectation::read(raw, folder)?,
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

/// What is wrong with a header, or `None` when one of that name has that value.
fn header_fault(headers: &[(String, String)], (name, value): &(String, String)) -> Option<String> {
    let found: Vec<&str> = values_of(headers, name).collect();
    match found.as_slice() {
        [] => Some(format!("no header '{name}', which should be '{value}'")),
        values if values.contains(&value.as_str()) => None,
        [first, ..] => Some(format!("header '{name}: {first}' instead of '{name}: {value}'")),
    }
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
}
