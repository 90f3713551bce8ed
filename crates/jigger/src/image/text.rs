//! Text of an image's making, made fit for a terminal.

/// Text without control characters other than line feeds: escaped, tabs as spaces. Names and
/// commands are chosen by whoever made the image, and could make a terminal do anything.
pub(super) fn plain(text: &str) -> String {
    text.chars().fold(String::new(), |mut shown, character| {
        match character {
            '\t' => shown.push(' '),
            '\n' => shown.push('\n'),
            _ if character.is_control() => shown.extend(character.escape_default()),
            _ => shown.push(character),
        }
        shown
    })
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn escape_sequences_are_shown_and_not_sent() {
        assert_eq!(plain("a\tb\n\u{1b}[2Jc \u{9b}é"), "a b\n\\u{1b}[2Jc \\u{9b}é");
    }
}
