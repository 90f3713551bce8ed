//! `{port}`, `{tag}`, `{engine}` and `{env:NAME:-default}` in a suite's texts.

use super::fault::{Checked, is_plain_name, refused, unknown};

/// The values that stand behind placeholders at one moment.
#[derive(Debug, Clone, Default)]
pub struct Placeholders {
    values: Vec<(String, String)>,
}

/// A placeholder that has no value where it stands.
#[derive(Debug, thiserror::Error, PartialEq)]
#[error("'{{{name}}}' has no value here; known here: {known}")]
pub struct UnknownPlaceholder {
    pub name: String,
    pub known: String,
}

impl Placeholders {
    pub fn with(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.values.push((name.into(), value.to_string()));
        self
    }

    /// These and the others.
    #[must_use]
    pub fn and(mut self, others: &Self) -> Self {
        self.values.extend(others.values.iter().cloned());
        self
    }

    /// Checks that each placeholder of a text is one of `known`: that it will have a value.
    pub fn check(key: &str, text: &str, known: &[&str]) -> Checked<()> {
        let values = known.iter().map(|name| ((*name).to_owned(), String::new())).collect();
        let Err(missing) = (Self { values }).fill(text) else { return Ok(()) };
        let name = &missing.name;
        let message = match known {
            [] => format!("{{{name}}} has no value here; known here: {}", missing.known),
            _ => unknown("placeholder", name, known),
        };
        refused(format!("{key} = '{text}': {message}"))
    }

    /// `text` with each placeholder replaced.
    ///
    /// Braces that do not enclose a lower-case name (JSON, say) stay as they are.
    ///
    /// # Errors
    /// [`UnknownPlaceholder`] when a name has no value.
    pub fn fill(&self, text: &str) -> Result<String, UnknownPlaceholder> {
        self.fill_those(text, is_name)
    }

    fn fill_those(
        &self,
        text: &str,
        is_name: fn(&str) -> bool,
    ) -> Result<String, UnknownPlaceholder> {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            filled.push_str(&rest[..open]);
            let after = &rest[open + 1..];
            match after.find('}').map(|close| (&after[..close], &after[close + 1..])) {
                Some((name, tail)) if is_name(name) => {
                    filled.push_str(&self.value(name)?);
                    rest = tail;
                }
                _ => {
                    filled.push('{');
                    rest = after;
                }
            }
        }
        filled.push_str(rest);
        Ok(filled)
    }

    /// Each of `texts` filled.
    pub fn fill_all(&self, texts: &[String]) -> Result<Vec<String>, UnknownPlaceholder> {
        texts.iter().map(|text| self.fill(text)).collect()
    }

    fn value(&self, name: &str) -> Result<String, UnknownPlaceholder> {
        if let Some(variable) = name.strip_prefix("env:") {
            return Ok(environment_value(variable));
        }
        let found = self.values.iter().find(|(known, _)| *known == name);
        found
            .map(|(_, value)| value.clone())
            .ok_or_else(|| UnknownPlaceholder { name: name.to_owned(), known: self.known() })
    }

    fn known(&self) -> String {
        let names = self.values.iter().map(|(name, _)| format!("{{{name}}}"));
        names.chain(["{env:NAME:-default}".to_owned()]).collect::<Vec<_>>().join(", ")
    }
}

/// `text` with `{env:NAME:-default}` replaced and nothing else.
pub fn filled(text: &str) -> String {
    let placeholders = Placeholders::default();
    // Every name that the environment is asked for has a value.
    placeholders.fill_those(text, is_variable).unwrap_or_else(|_| text.to_owned())
}

fn is_variable(text: &str) -> bool {
    text.strip_prefix("env:").is_some_and(|variable| !variable.is_empty())
}

fn is_name(text: &str) -> bool {
    is_variable(text)
        || is_of_service(text)
        || (!text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
}

/// `postgres.port`: a service's name, and what of it.
fn is_of_service(text: &str) -> bool {
    text.rsplit_once('.').is_some_and(|(service, what)| {
        is_plain_name(service) && what.chars().all(|c| c.is_ascii_lowercase())
    })
}

/// `NAME:-default` as shells have it: the default also stands for an empty value.
fn environment_value(variable: &str) -> String {
    let (name, default) = variable.split_once(":-").unwrap_or((variable, ""));
    match std::env::var(name) {
        Ok(value) if !value.is_empty() => value,
        _ => default.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_known_names_and_leaves_other_braces() {
        let placeholders = Placeholders::default().with("port", 8080);
        let filled = placeholders.fill(r#"http://h:{port}/{"a":1}{}"#);
        assert_eq!(filled.unwrap(), r#"http://h:8080/{"a":1}{}"#);
    }

    #[test]
    fn an_unknown_name_is_an_error_that_lists_the_known() {
        let error = Placeholders::default().with("port", 1).fill("{prot}").unwrap_err();
        assert_eq!(
            error.to_string(),
            "'{prot}' has no value here; known here: {port}, {env:NAME:-default}"
        );
    }

    #[test]
    fn where_braces_are_common_only_the_environment_is_filled() {
        let text = "{{counter}} {port} {\"a\":{env:JIGGER_NOT_SET:-1}}";
        assert_eq!(filled(text), "{{counter}} {port} {\"a\":1}");
    }

    #[test]
    fn a_service_has_its_name_before_what_is_asked_of_it() {
        let placeholders = Placeholders::default().with("pg-15.port", 7).with("A.dir", "/d");
        assert_eq!(
            placeholders.fill("{pg-15.port} {A.dir} {a b.c} {.x}").unwrap(),
            "7 /d {a b.c} {.x}"
        );
        assert_eq!(placeholders.fill("{pg.port}").unwrap_err().name, "pg.port");
    }

    #[test]
    fn the_environment_has_defaults() {
        let filled = Placeholders::default().fill("{env:JIGGER_NOT_SET:-alpine:3}");
        assert_eq!(filled.unwrap(), "alpine:3");
    }
}
