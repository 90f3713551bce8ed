//! How quiet the machine was: rounds that were disturbed, and whether they were too many.

use std::collections::BTreeMap;

use crate::record::Record;

/// Rounds begun and rounds disturbed, each attempt at a round counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Quiet {
    /// Attempts at rounds.
    pub attempts: usize,
    /// Those that were disturbed and made again.
    pub repeated: usize,
    /// Those that were disturbed and used all the same, since they were the last attempt.
    pub used: usize,
    /// What the first disturbed one had, with whose visit it was.
    pub example: Option<String>,
}

/// One attempt at a round.
#[derive(Default)]
struct Round {
    is_repeated: bool,
    /// What was beyond which limit.
    beyond: Option<String>,
}

impl Quiet {
    /// Reads it off a record, by the limits that were fixed before the run.
    #[must_use]
    pub fn of(record: &Record) -> Self {
        let mut rounds: BTreeMap<(usize, usize), Round> = BTreeMap::new();
        for visit in &record.visits {
            let round = rounds.entry((visit.round, visit.attempt)).or_default();
            round.is_repeated |= visit.repeated;
            if round.beyond.is_none() {
                let beyond = record.suite.disturbance.exceeded_by(&visit.disturbance);
                round.beyond =
                    beyond.map(|beyond| format!("{beyond} in a visit of {}", visit.entry));
            }
        }
        let is_used = |round: &&Round| !round.is_repeated && round.beyond.is_some();
        Self {
            attempts: rounds.len(),
            repeated: rounds.values().filter(|round| round.is_repeated).count(),
            used: rounds.values().filter(is_used).count(),
            example: rounds.values().find_map(|round| round.beyond.clone()),
        }
    }

    /// Whether more than a third of the rounds were disturbed.
    #[must_use]
    pub fn is_too_noisy(&self) -> bool {
        3 * (self.repeated + self.used) > self.attempts
    }

    /// What reports say about it; nothing for a quiet machine.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let example = self.example.as_deref().unwrap_or_default();
        if self.repeated + self.used > 0 {
            let used = match self.used {
                0 => String::new(),
                used => format!(", {used} used after the last attempt all the same"),
            };
            notes.push(format!(
                "disturbed: of {} rounds begun {} were repeated{used} (the first: {example})",
                self.attempts, self.repeated
            ));
        }
        if self.is_too_noisy() {
            notes.push(
                "too noisy to compare: more than a third of the rounds were disturbed, so no \
                 verdict is given; measure on a quieter machine"
                    .to_owned(),
            );
        }
        notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quiet(attempts: usize, repeated: usize, used: usize) -> Quiet {
        Quiet { attempts, repeated, used, example: None }
    }

    #[test]
    fn a_third_is_borne_and_more_is_not() {
        assert!(!quiet(0, 0, 0).is_too_noisy());
        assert!(!quiet(9, 3, 0).is_too_noisy());
        assert!(quiet(9, 3, 1).is_too_noisy());
        assert!(quiet(8, 3, 0).is_too_noisy());
        assert_eq!(quiet(7, 0, 0).notes(), Vec::<String>::new());
        assert_eq!(quiet(9, 3, 0).notes().len(), 1);
        assert_eq!(quiet(8, 3, 0).notes().len(), 2);
    }
}
