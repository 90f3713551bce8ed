//! Texts with holes that are filled anew for every request.
//!
//! `{{counter}}` is a number that no two requests of a run share, `{{random}}` a number below
//! 2^32, `{{random:LOW:HIGH}}` one between the two bounds (both included), `{{line}}` the next
//! line of the request's list, round and round. `{{counter}}` and `{{line}}` stay the same
//! within one request. Any other name is that of a value that a connection's session has.

use crate::random::Random;
use std::sync::Arc;

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// `{{` without `}}`.
    #[error("`{{{{` without `}}}}` after `{0}`; close the placeholder")]
    Unclosed(String),
    /// A hole of a name that means nothing.
    #[error(
        "`{{{{{0}}}}}` is unknown; use {{{{counter}}}}, {{{{random}}}}, \
         {{{{random:LOW:HIGH}}}} or {{{{line}}}}"
    )]
    Unknown(String),
    /// A captured value that cannot stand in a URL.
    #[error(
        "the captured value of `{{{{{name}}}}}` holds `{character}`, which cannot stand in a URL; use \
         it in a header or in the body"
    )]
    CapturedNotInUrl {
        /// The value's name.
        name: String,
        /// The first such one in it.
        character: char,
    },
    /// `{{line}}` without lines.
    #[error("{{{{line}}}} needs a file with at least one line; name one")]
    NoLines,
    /// A line that cannot stand in a request line or header field.
    #[error("line {0} of the list has a control character, which a header cannot hold")]
    BadLine(usize),
    /// A line that cannot stand in a URL.
    #[error(
        "line {line} of the list holds `{character}`, which cannot stand in a URL; percent-encode \
         it (RFC 3986, section 2.1)"
    )]
    NotInUrl {
        /// Counted from 1.
        line: usize,
        /// The first such one in it.
        character: char,
    },
}

/// A text with holes.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    pieces: Vec<Piece>,
    lines: Arc<[Vec<u8>]>,
}

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Literal(Vec<u8>),
    Counter,
    Random {
        low: u64,
        span: u64,
    },
    Line,
    /// The session's value of that number.
    Captured(usize),
}

/// What holes may stand for besides numbers.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) lines: Arc<[Vec<u8>]>,
    /// The names of a session's values, in their order.
    pub(crate) captured: Arc<[String]>,
}

impl Template {
    pub(crate) fn parse(text: &[u8], known: &Known) -> Result<Template, TemplateError> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(open) = find(rest, b"{{") {
            let close = find(&rest[open..], b"}}")
                .ok_or_else(|| TemplateError::Unclosed(shown(&rest[..open])))?;
            if open > 0 {
                pieces.push(Piece::Literal(rest[..open].to_vec()));
            }
            pieces.push(hole(&rest[open + 2..open + close], &known.captured)?);
            rest = &rest[open + close + 2..];
        }
        if !rest.is_empty() {
            pieces.push(Piece::Literal(rest.to_vec()));
        }
        if known.lines.is_empty() && pieces.contains(&Piece::Line) {
            return Err(TemplateError::NoLines);
        }
        Ok(Template { pieces, lines: Arc::clone(&known.lines) })
    }

    /// A text in which `{{` has no meaning.
    pub(crate) fn literal(text: &[u8]) -> Template {
        Template { pieces: vec![Piece::Literal(text.to_vec())], lines: Arc::from([]) }
    }

    /// The text, when it has no holes.
    pub(crate) fn as_literal(&self) -> Option<&[u8]> {
        match self.pieces.as_slice() {
            [] => Some(&[]),
            [Piece::Literal(text)] => Some(text),
            _ => None,
        }
    }

    pub(crate) fn is_literal(&self) -> bool {
        self.pieces.iter().all(|piece| matches!(piece, Piece::Literal(_)))
    }

    pub(crate) fn uses_lines(&self) -> bool {
        self.pieces.contains(&Piece::Line)
    }

    /// The numbers of the session's values in it.
    pub(crate) fn captured(&self) -> impl Iterator<Item = usize> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Captured(value) => Some(*value),
            _ => None,
        })
    }

    /// Appends the text for the request of number `counter`, with these values of a session;
    /// allocates only to grow `out`.
    pub(crate) fn render(
        &self,
        counter: u64,
        random: &mut Random,
        values: &[Vec<u8>],
        out: &mut Vec<u8>,
    ) {
        for piece in &self.pieces {
            match piece {
                Piece::Literal(bytes) => out.extend_from_slice(bytes),
                Piece::Counter => decimal(counter, out),
                Piece::Random { low, span } => {
                    decimal(low.wrapping_add(random.below(*span)), out);
                }
                Piece::Line => {
                    let count = self.lines.len() as u64;
                    let index = usize::try_from(counter % count).unwrap_or_default();
                    out.extend_from_slice(&self.lines[index]);
                }
                // Nothing where there is no session, as when a load's shape alone matters.
                Piece::Captured(value) => {
                    out.extend_from_slice(values.get(*value).map_or(&[], Vec::as_slice));
                }
            }
        }
    }
}

/// Appends a number in decimal digits.
pub(crate) fn decimal(number: u64, out: &mut Vec<u8>) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    let mut rest = number;
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

fn hole(name: &[u8], captured: &[String]) -> Result<Piece, TemplateError> {
    let name = String::from_utf8_lossy(name);
    match name.trim() {
        "counter" => Ok(Piece::Counter),
        "line" => Ok(Piece::Line),
        "random" => Ok(Piece::Random { low: 0, span: 1 << 32 }),
        other => captured
            .iter()
            .position(|known| known == other)
            .map(Piece::Captured)
            .or_else(|| random_hole(other))
            .ok_or_else(|| TemplateError::Unknown(other.to_owned())),
    }
}

/// A span that wraps to 0 is the whole of 64 bits, as [`Random::below`] takes it.
fn random_hole(name: &str) -> Option<Piece> {
    let (low, high) = name.strip_prefix("random:")?.split_once(':')?;
    let (low, high): (u64, u64) = (low.parse().ok()?, high.parse().ok()?);
    (low <= high).then(|| Piece::Random { low, span: (high - low).wrapping_add(1) })
}

/// Where a text first has this in it.
pub(crate) fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

fn shown(bytes: &[u8]) -> String {
    let start = bytes.len().saturating_sub(20);
    String::from_utf8_lossy(&bytes[start..]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn known(lines: &[&str]) -> Known {
        let lines = lines.iter().map(|line| line.as_bytes().to_vec()).collect();
        Known { lines, captured: Arc::from(["token".to_owned(), "user".to_owned()]) }
    }

    fn rendered(text: &str, counter: u64, lines: &[&str]) -> String {
        let template = Template::parse(text.as_bytes(), &known(lines)).unwrap();
        let (mut out, values) = (Vec::new(), [b"s3cret".to_vec(), b"jo".to_vec()]);
        template.render(counter, &mut Random::new(1), &values, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn holes_are_filled() {
        assert_eq!(rendered("/a/{{counter}}/{{ counter }}", 42, &[]), "/a/42/42");
        assert_eq!(rendered("{{line}}-{{line}}", 3, &["x", "y"]), "y-y");
        assert_eq!(rendered("no holes } {", 0, &[]), "no holes } {");
        let number: u64 = rendered("{{random:5:6}}", 0, &[]).parse().unwrap();
        assert!((5..=6).contains(&number));
        let number: u64 = rendered("{{random}}", 0, &[]).parse().unwrap();
        assert!(number < 1 << 32);
        rendered("{{random:0:18446744073709551615}}", 0, &[]).parse::<u64>().unwrap();
        assert_eq!(rendered("{{ user }}:{{token}}", 0, &[]), "jo:s3cret");
    }

    #[test]
    fn bad_templates_are_named() {
        for (text, part) in [
            ("/x{{counter", "after `/x`"),
            ("{{nonsense}}", "`{{nonsense}}` is unknown"),
            ("{{random:6:5}}", "unknown"),
            ("{{line}}", "at least one line"),
        ] {
            let message = Template::parse(text.as_bytes(), &known(&[])).unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
    }

    proptest! {
        #[test]
        fn decimals_are_as_the_standard_library_writes_them(number: u64) {
            let mut out = Vec::new();
            decimal(number, &mut out);
            prop_assert_eq!(String::from_utf8(out).unwrap(), number.to_string());
        }

        #[test]
        fn any_bytes_parse_or_are_refused(text in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(template) = Template::parse(&text, &known(&["x"])) {
                let mut out = Vec::new();
                template.render(1, &mut Random::new(1), &[], &mut out);
                prop_assert!(!template.is_literal() || out == text);
            }
        }
    }
}
