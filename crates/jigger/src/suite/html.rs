//! HTML that a body has to be, whatever its spacing and however its characters are written.
//!
//! Tags, their attributes and the texts between them are compared one after another, as browsers
//! read them: `&#39;` is `'`, but a `<script>` that was to be a text is a tag.

use std::fmt;

use html5gum::{Token, Tokenizer};

/// The pieces of a document: tags with their attributes, and texts with single spaces.
#[derive(Debug, Clone, PartialEq)]
pub struct Html {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq)]
enum Piece {
    /// As it may be written, attributes in the order of their names.
    Tag(String),
    Text(String),
}

impl Html {
    pub fn of(text: &str) -> Self {
        Self { pieces: pieces(text.as_bytes()) }
    }

    /// The first piece of a body that departs, or `None` when none does.
    pub fn fault(&self, body: &[u8]) -> Option<String> {
        let found = pieces(body);
        let most = found.len().max(self.pieces.len());
        let at = (0..most).find(|at| found.get(*at) != self.pieces.get(*at))?;
        let after = match at.checked_sub(1).and_then(|before| self.pieces.get(before)) {
            Some(before) => format!(" after {before}"),
            None => String::new(),
        };
        let shown = |piece: Option<&Piece>| piece.map_or("its end".to_owned(), Piece::to_string);
        let (wanted, found) = (shown(self.pieces.get(at)), shown(found.get(at)));
        Some(format!("the HTML has {found} instead of {wanted}{after}"))
    }
}

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTML of {} tags and texts", self.pieces.len())
    }
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => write!(f, "the tag {tag}"),
            Self::Text(text) => write!(f, "the text '{text}'"),
        }
    }
}

fn pieces(html: &[u8]) -> Vec<Piece> {
    let mut found = Vec::new();
    // A comment may part a text; on both sides of it that is one text.
    let mut text = String::new();
    for Ok(token) in Tokenizer::new(html) {
        let tag = match token {
            Token::String(piece) => {
                text.push_str(&String::from_utf8_lossy(&piece.value));
                continue;
            }
            Token::Comment(_) | Token::Error(_) => continue,
            Token::StartTag(tag) => {
                let attributes = tag.attributes.iter().fold(String::new(), |all, (name, value)| {
                    format!("{all} {}=\"{}\"", lossy(name), lossy(&value.value))
                });
                format!("<{}{attributes}>", lossy(&tag.name))
            }
            Token::EndTag(tag) => format!("</{}>", lossy(&tag.name)),
            Token::Doctype(doctype) => format!("<!doctype {}>", lossy(&doctype.name)),
        };
        add_text(&mut found, &mut text);
        found.push(Piece::Tag(tag));
    }
    add_text(&mut found, &mut text);
    found
}

fn add_text(pieces: &mut Vec<Piece>, text: &mut String) {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    if !words.is_empty() {
        pieces.push(Piece::Text(words.join(" ")));
    }
    text.clear();
}

fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "<!DOCTYPE html>\n<table>\n  <tr><td>1</td><td>a &lt;b&gt; &amp; 'c'</td></tr>\n\
         <tr><td>2</td><td>d</td></tr></table>";

    fn fault(body: &str) -> Option<String> {
        Html::of(TABLE).fault(body.as_bytes())
    }

    #[test]
    fn spacing_case_and_the_writing_of_characters_do_not_matter() {
        let other = TABLE.replace('\n', "").replace("'c'", "&#39;c&#x27;").replace("td>", "TD>");
        assert_eq!(fault(&other), None);
        assert_eq!(fault(&TABLE.replace("<table>", "<table ><!-- rows -->")), None);
        let links = Html::of("<a href='x' id=y>z</a>");
        assert_eq!(links.fault(b"<a id=\"y\" href=\"x\">z</a>"), None);
    }

    #[test]
    fn the_first_piece_that_departs_is_named() {
        let said = |body: &str| fault(body).unwrap();
        assert_eq!(
            said(&TABLE.replace("&lt;b&gt;", "<b>")),
            "the HTML has the text 'a' instead of the text 'a <b> & 'c'' after the tag <td>"
        );
        let (one, two) = ("<td>1</td><td>a &lt;b&gt; &amp; 'c'</td>", "<td>2</td><td>d</td>");
        let swapped = TABLE.replace(one, "@").replace(two, one).replace('@', two);
        assert_eq!(
            said(&swapped),
            "the HTML has the text '2' instead of the text '1' after the tag <td>"
        );
        assert_eq!(
            said(&TABLE.replace("</table>", "")),
            "the HTML has its end instead of the tag </table> after the tag </tr>"
        );
        assert_eq!(said(""), "the HTML has its end instead of the tag <!doctype html>");
        assert!(
            said(&format!("{TABLE}<p>"))
                .ends_with("the tag <p> instead of its end after the tag </table>")
        );
    }
}
