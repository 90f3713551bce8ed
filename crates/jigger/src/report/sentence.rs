//! A sentence of a report.

use std::fmt;

use super::Tone;

/// A sentence whose parts a renderer sets as its format can.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sentence(Vec<Part>);

#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    Plain(String),
    /// A contender's name, or the figure that the sentence is about.
    Set(Tone, String),
}

impl Sentence {
    pub fn parts(&self) -> &[Part] {
        &self.0
    }

    pub fn plain(mut self, text: impl Into<String>) -> Self {
        self.0.push(Part::Plain(text.into()));
        self
    }

    pub fn name(self, name: &str) -> Self {
        self.set(Tone::Strong, name)
    }

    pub fn set(mut self, tone: Tone, text: impl Into<String>) -> Self {
        self.0.push(Part::Set(tone, text.into()));
        self
    }
}

impl From<String> for Sentence {
    fn from(text: String) -> Self {
        Self::default().plain(text)
    }
}

impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Plain(text) | Part::Set(_, text) => f.write_str(text),
        })
    }
}
