//! What is wrong with a suite, and checks that several parts of it share.

use std::fmt;
use std::time::Duration;

use crate::metric::parse_time;

pub use crate::wording::unknown;

/// What is wrong with a suite: where in it, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Fault {
    /// From the outside in: `contender 'gin'`, `image`.
    places: Vec<String>,
    message: String,
}

/// What a check gives, or what is wrong.
pub type Checked<T> = Result<T, Fault>;

/// A check that fails.
pub fn refused<T>(message: impl Into<String>) -> Checked<T> {
    Err(message.into().into())
}

/// Puts a place before what is wrong in it.
pub fn at(place: &str) -> impl Fn(Fault) -> Fault {
    move |mut fault| {
        fault.places.insert(0, place.to_owned());
        fault
    }
}

/// `4s`, `500ms`, `1m 30s`: the friendly form of the jiff crate. `key` names it in the message.
///
/// # Errors
/// [`Fault`] when it is no time above zero.
pub fn duration(key: &str, text: &str) -> Checked<Duration> {
    parse_time(text).ok_or_else(|| {
        Fault::from(format!(
            "{key} = '{text}': write a time above zero such as \"4s\", \"500ms\" or \"2m\""
        ))
    })
}

/// Names end up in metric names and file names, so they are kept plain.
pub fn plain_name(kind: &str, name: String) -> Checked<String> {
    if !is_plain_name(&name) {
        return refused(format!(
            "{kind} name '{name}': use letters, digits, '-', '_' and '+' only"
        ));
    }
    Ok(name)
}

pub fn is_plain_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(is_name_character)
}

/// Whether names of a suite may have this character.
pub fn is_name_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-_+".contains(character)
}

/// Checks that no two of them are called the same; how many there are.
pub fn distinct<'a>(kind: &str, names: impl Iterator<Item = &'a str>) -> Checked<usize> {
    let mut seen = Vec::new();
    for name in names {
        if seen.contains(&name) {
            return refused(format!("two {kind}s are called '{name}'; give each its own name"));
        }
        seen.push(name);
    }
    Ok(seen.len())
}

impl From<String> for Fault {
    fn from(message: String) -> Self {
        Self { places: Vec::new(), message }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.places.iter().try_for_each(|place| write!(f, "{place}: "))?;
        f.write_str(&self.message)
    }
}

/// The first bytes of a body, quoted for a message.
pub fn excerpt(body: &[u8]) -> String {
    const SHOWN: usize = 80;
    let text = String::from_utf8_lossy(&body[..body.len().min(SHOWN)]);
    let more = if body.len() > SHOWN { "..." } else { "" };
    format!("{:?}{more}", text)
}

/// What is wrong with a regular expression, without the drawing of where.
pub fn last_line(error: &regex::Error) -> String {
    let told = error.to_string();
    let last = told.lines().last().unwrap_or_default();
    format!("it is not a regular expression: {}", last.trim_start_matches("error: "))
}
