//! The findings in words.

use std::fmt::Write as _;

use super::finding::{Finding, State};
use super::{Examination, Topic};
use crate::report::units::count;
use crate::report::{Look, Tone};

/// Before what belongs to a finding.
const INDENT: &str = "          ";

impl Examination {
    pub fn text(&self, look: Look) -> String {
        let topics: Vec<String> = self.topics.iter().map(|topic| topic.text(look)).collect();
        format!("{}\n{}\n", topics.join("\n"), look.wrapped(&self.sum(), ""))
    }

    fn sum(&self) -> String {
        let findings = || self.topics.iter().flat_map(|topic| &topic.findings);
        let sum = |state| findings().filter(|found| found.state == state).count();
        format!(
            "{}: {} fine, {} poor, {} lacking, {} unknown. Nothing was changed.",
            count(findings().count(), "finding"),
            sum(State::Fine),
            sum(State::Poor),
            sum(State::Lacking),
            sum(State::Unknown)
        )
    }
}

impl Topic {
    fn text(&self, look: Look) -> String {
        let findings: String = self.findings.iter().map(|found| found.text(look)).collect();
        format!("{}\n{findings}", look.paint(Tone::Strong, self.name))
    }
}

impl Finding {
    fn text(&self, look: Look) -> String {
        let tone = match self.state {
            State::Fine => Tone::Better,
            State::Poor | State::Lacking => Tone::Warning,
            State::Unknown => Tone::Same,
        };
        let line =
            format!("  {:8}{}: {}; {}", self.state.word(), self.name, self.value, self.meaning);
        let word = look.paint(tone, self.state.word());
        let mut text = look.wrapped(&line, INDENT).replacen(self.state.word(), &word, 1);
        text.push('\n');
        if let Some(remedy) = &self.remedy {
            let _ = writeln!(text, "{}", look.wrapped(&format!("{INDENT}to do: {remedy}"), INDENT));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;

    #[test]
    fn each_finding_says_state_value_meaning_and_remedy() {
        let findings = vec![
            Finding::fine("cores", "2", "each has its own"),
            Finding::lacking("go", "not on PATH", "needed for: Go servers", "install Go"),
        ];
        let host = Host::inspect();
        let topics = vec![Topic { name: "all", findings }];
        let found = Examination { version: 1, jigger: "1.0", host, topics };
        let expected = "all\n  fine    cores: 2; each has its own\n  lacking go: not on PATH; needed \
                        for: Go servers\n          to do: install Go\n\n2 findings: 1 fine, 0 poor, 1 \
                        lacking, 0 unknown. Nothing was changed.\n";
        assert_eq!(found.text(Look { width: 100, ..Look::default() }), expected);
        let coloured = found.text(Look { color: true, width: 100, ..Look::default() });
        assert!(coloured.contains("\u{1b}[33mlacking\u{1b}[0m go"), "{coloured}");
    }
}
