//! `capture`: which value of a response is kept, and under which name.

use regex::Regex;

use super::coding::values_of;
use super::fault::{Checked, excerpt, last_line, refused};

/// A value to be kept.
#[derive(Debug, Clone)]
pub struct Capture {
    pub name: String,
    from: From,
    /// As the suite has it.
    text: String,
}

#[derive(Debug, Clone)]
enum From {
    /// A JSON pointer (RFC 6901) into the body.
    Json(String),
    Header(String),
    /// The first group, or the whole match where there is none.
    Regex(Regex),
}

impl PartialEq for Capture {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.text) == (&other.name, &other.text)
    }
}

impl Capture {
    /// Reads `token = "json:/token"`.
    pub fn read(name: String, text: &str) -> Checked<Self> {
        if ["counter", "random", "line"].contains(&name.as_str()) {
            return refused(format!(
                "capture: '{name}' has a meaning of its own; take another name"
            ));
        }
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        if name.is_empty() || !name.chars().all(is_plain) {
            return refused(format!("capture: '{name}': use letters, digits, '-' and '_' only"));
        }
        let wrong = |what: String| format!("capture: {name} = '{text}': {what}");
        let from = match text.split_once(':') {
            Some(("json", pointer)) if pointer.is_empty() || pointer.starts_with('/') => {
                From::Json(pointer.to_owned())
            }
            Some(("json", pointer)) => {
                let what = format!("a JSON pointer begins with /, such as json:/{pointer}");
                return refused(wrong(what));
            }
            Some(("header", header)) if is_header_name(header) => From::Header(header.to_owned()),
            Some(("header", header)) => {
                return refused(wrong(format!("'{header}' is not a header name")));
            }
            Some(("regex", pattern)) => {
                From::Regex(Regex::new(pattern).map_err(|error| wrong(last_line(&error)))?)
            }
            _ => {
                return refused(wrong(
                    "write json:/POINTER, header:NAME or regex:PATTERN".to_owned(),
                ));
            }
        };
        Ok(Self { name, from, text: text.to_owned() })
    }

    /// As the suite has it, `json:/token`.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The value in a response with these headers and this body, its coding undone.
    ///
    /// # Errors
    /// What was found instead of a value that can be filled in.
    pub fn value(&self, headers: &[(String, String)], body: &[u8]) -> Result<String, String> {
        let found = match &self.from {
            From::Json(pointer) => json(pointer, body)?,
            From::Header(name) => values_of(headers, name).next().map(str::to_owned),
            From::Regex(regex) => {
                let text = String::from_utf8_lossy(body);
                let groups = regex.captures(&text);
                let group = groups.and_then(|groups| groups.get(1).or_else(|| groups.get(0)));
                group.map(|group| group.as_str().to_owned())
            }
        };
        let value = found.ok_or_else(|| match self.from {
            From::Header(_) => format!("'{}' finds no such header", self.text),
            _ => format!("'{}' finds nothing in the body {}", self.text, excerpt(body)),
        })?;
        match value.chars().any(char::is_control) {
            true => Err(format!(
                "'{}' finds a text with a line break or another control character, which no header \
                 can hold",
                self.text
            )),
            false => Ok(value),
        }
    }
}

fn json(pointer: &str, body: &[u8]) -> Result<Option<String>, String> {
    use serde_json::Value;
    let value: Value = serde_json::from_slice(body)
        .map_err(|_| format!("the body {} is not JSON", excerpt(body)))?;
    match value.pointer(pointer) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(Some(value.to_string())),
        Some(Value::Array(_) | Value::Object(_)) => Err(format!(
            "'json:{pointer}' finds an array or an object; name a text or a number in it"
        )),
    }
}

fn is_header_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(from: &str, body: &str) -> Result<String, String> {
        let headers = [("X-Token".to_owned(), "h".to_owned())];
        Capture::read("t".to_owned(), from).unwrap().value(&headers, body.as_bytes())
    }

    #[test]
    fn values_are_found_where_the_suite_says() {
        let body = "{\"a\": [{\"b/c\": \"x\"}, 7, true]}";
        for (from, wanted) in [
            ("json:/a/0/b~1c", "x"),
            ("json:/a/1", "7"),
            ("json:/a/2", "true"),
            ("header:x-token", "h"),
            ("regex:\"(.)/c\"", "b"),
            ("regex:[0-9]", "7"),
        ] {
            assert_eq!(value(from, body).as_deref(), Ok(wanted), "{from}");
        }
    }

    #[test]
    fn what_is_not_there_is_told_with_what_is() {
        for (from, body, wanted) in [
            ("json:/b", "{\"a\": 1}", "'json:/b' finds nothing in the body \"{\\\"a\\\": 1}\""),
            ("json:/a", "{\"a\": null}", "finds nothing"),
            ("json:/a", "{\"a\": {}}", "finds an array or an object"),
            ("json:/a", "<html>", "the body \"<html>\" is not JSON"),
            ("header:y", "", "'header:y' finds no such header"),
            ("regex:z", "a", "'regex:z' finds nothing in the body \"a\""),
            ("json:/a", "{\"a\": \"x\\ny\"}", "a line break or another control character"),
        ] {
            let message = value(from, body).unwrap_err();
            assert!(message.contains(wanted), "{message}");
        }
    }
}
