//! What a text report may use of its terminal: colour and width.

use textwrap::{Options, fill};

/// Colour and width of a text report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Whether meaning is coloured too; it is always in the words.
    pub color: bool,
    /// Columns; nothing that can be wrapped is wider.
    pub width: usize,
}

/// What a colour stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// A name or a heading.
    Strong,
    /// Better than the baseline.
    Better,
    /// Worse than the baseline.
    Worse,
    /// No difference that could be told.
    Same,
    /// To be read before a figure is believed.
    Warning,
}

impl Default for Look {
    /// What suits a file or a log: no colour, 80 columns.
    fn default() -> Self {
        Self { color: false, width: 80 }
    }
}

impl Look {
    /// The text in the colour of that tone. What it wraps is without colours.
    #[must_use]
    pub fn paint(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Strong => "1",
            Tone::Better => "1;32",
            Tone::Worse => "1;31",
            Tone::Same => "2",
            Tone::Warning => "33",
        };
        if self.color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// The text in lines that fit; those after the first begin with `indent`. Colours take no room.
    #[must_use]
    pub fn wrapped(self, text: &str, indent: &str) -> String {
        // Only spaces part words: a command with dashes in it can then be copied.
        let options = Options::new(self.width)
            .subsequent_indent(indent)
            .word_splitter(textwrap::WordSplitter::NoHyphenation)
            .word_separator(textwrap::WordSeparator::AsciiSpace);
        fill(text, options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_and_colours_take_no_room() {
        let look = Look { color: true, width: 12 };
        let text = format!("{} two three", look.paint(Tone::Better, "one"));
        assert_eq!(look.wrapped(&text, "  "), "\u{1b}[1;32mone\u{1b}[0m two\n  three");
        assert_eq!(Look::default().paint(Tone::Better, "one"), "one");
    }

    #[test]
    fn a_flag_is_never_parted() {
        let look = Look { color: false, width: 13 };
        assert_eq!(look.wrapped("so use --no-images", ""), "so use\n--no-images");
    }
}
