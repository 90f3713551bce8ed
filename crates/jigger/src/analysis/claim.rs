//! What a ratio may claim: gates and noise take claims away, in this one place for all reports and
//! for every kind of comparison.

use std::collections::BTreeMap;

use jigger_stats::{Direction, Verdict};

use super::{Analysis, ContenderResult, gate};
use crate::caveat::Code;
use crate::metric::{Bound, Metric};
use crate::record::{Record, Status};

/// A contender in a run: one of those whose figures make a ratio.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    pub contender: &'a ContenderResult<'a>,
    pub quiet: &'a Quiet,
}

impl<'a> Side<'a> {
    pub fn of(run: &'a Analysis<'a>, contender: &'a ContenderResult<'a>) -> Self {
        Self { contender, quiet: &run.quiet }
    }

    pub fn named(
        contenders: &'a [ContenderResult<'a>],
        quiet: &'a Quiet,
        name: &str,
    ) -> Option<Self> {
        let contender = contenders.iter().find(|contender| contender.record.name == name)?;
        Some(Self { contender, quiet })
    }
}

/// What gates and noise leave of a ratio.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Claim {
    /// Which way the true ratio may lie from the one found, when it is not it.
    pub bound: Option<Bound>,
    /// The gate that forbids the ratio; reports then show none.
    pub withheld: Option<Code>,
    /// Whether one of the runs was too noisy for a verdict.
    pub is_too_noisy: bool,
}

impl Claim {
    /// Of a ratio of one metric: what is `above` the line divided by what is `below`.
    ///
    /// - errors on any side: no ratio at all;
    /// - the load engine or local ports as the limit: a bound, and only a verdict that the bound
    ///   supports; where several sides are limited, so that the direction is unknown, no ratio;
    /// - a machine that was too noisy in any of the runs: no verdict.
    pub fn of(metric: Metric<'_>, above: &[Side<'_>], below: &[Side<'_>]) -> Self {
        let sides = || above.iter().chain(below);
        let bound = |side: &Side<'_>| side.contender.summary(metric)?.bound;
        let inverse = |side: &Side<'_>| bound(side).map(Bound::inverse);
        let mut bounds = above.iter().filter_map(bound).chain(below.iter().filter_map(inverse));
        let first = bounds.next();
        let is_open = bounds.any(|other| Some(other) != first);
        let has_errors = sides().any(|side| side.contender.has_gate(Code::Errors, metric));
        let bounding = |side: &Side<'_>| gate::bounding(&side.contender.gates, metric);
        let limited = sides().find_map(bounding).filter(|_| is_open);
        Self {
            bound: first.filter(|_| !is_open),
            withheld: if has_errors { Some(Code::Errors) } else { limited },
            is_too_noisy: sides().any(|side| side.quiet.is_too_noisy()),
        }
    }

    /// What is left of a verdict on it: nothing where a gate or the noise forbids it, and of a bound
    /// only the verdict that stays true wherever beyond it the ratio lies.
    pub fn allowed(&self, verdict: Verdict, direction: Direction) -> Option<Verdict> {
        let is_forbidden = self.withheld.is_some() || self.is_too_noisy;
        let is_supported = self.bound.is_none_or(|bound| is_supported(bound, direction, verdict));
        (!is_forbidden && is_supported).then_some(verdict)
    }

    /// Whether more rounds could still give a verdict: nothing else stands in its way.
    pub const fn is_open(&self) -> bool {
        self.withheld.is_none() && self.bound.is_none() && !self.is_too_noisy
    }

    /// The ends of an interval that a bound leaves: a ratio that is at least so much has no upper
    /// end.
    pub fn ends(&self, low: Option<f64>, high: Option<f64>) -> (Option<f64>, Option<f64>) {
        match self.bound {
            None => (low, high),
            Some(Bound::AtLeast) => (low, None),
            Some(Bound::AtMost) => (None, high),
        }
    }
}

/// Whether a verdict stays true wherever beyond the bound the ratio lies.
fn is_supported(bound: Bound, direction: Direction, verdict: Verdict) -> bool {
    match (bound, direction) {
        (Bound::AtLeast, Direction::HigherIsBetter) | (Bound::AtMost, Direction::LowerIsBetter) => {
            matches!(verdict, Verdict::Better | Verdict::ProbablyBetter)
        }
        (Bound::AtLeast, Direction::LowerIsBetter) | (Bound::AtMost, Direction::HigherIsBetter) => {
            matches!(verdict, Verdict::Worse | Verdict::ProbablyWorse)
        }
    }
}

/// What it says of a contender that a metric which it had before has no figure now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// It is for the worse: requests fail, or the rate is no longer kept up with.
    Worse,
    /// Nothing: the measurement went wrong, as this gate has it.
    NotTold(&'static str),
}

/// Why a metric that `before` has cannot be shown for `after`; `None` when it can.
pub fn loss(metric: Metric<'_>, before: Side<'_>, after: Side<'_>) -> Option<Loss> {
    let has = |side: Side<'_>, code| side.contender.has_gate(code, metric);
    // One failed request in one round is enough: the ratio would be withheld, and a server that
    // begins to fail must not end well for it.
    if has(after, Code::Errors) && !has(before, Code::Errors) {
        return Some(Loss::Worse);
    }
    if after.contender.summary(metric).is_some() {
        return None;
    }
    let has_failed = after.contender.record.status == Status::Failed || has(after, Code::Errors);
    Some(match () {
        () if has_failed => Loss::Worse,
        () if has(after, Code::LittlesLaw) => Loss::NotTold(Code::LittlesLaw.name()),
        () if after.quiet.is_too_noisy() => Loss::NotTold("disturbed"),
        () => Loss::Worse,
    })
}

/// Rounds begun and rounds disturbed, each attempt at a round counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Quiet {
    pub attempts: usize,
    /// Those that were disturbed and made again.
    pub repeated: usize,
    /// Those that were disturbed and used all the same, since they were the last attempt.
    pub used: usize,
    /// What the first disturbed one had, with whose visit it was.
    pub example: Option<String>,
}

#[derive(Default)]
struct Round {
    is_repeated: bool,
    beyond: Option<String>,
}

impl Quiet {
    /// Reads it off a record, by the limits that were fixed before the run.
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
    pub fn is_too_noisy(&self) -> bool {
        3 * (self.repeated + self.used) > self.attempts
    }

    /// What reports say about it; nothing for a quiet machine.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.is_too_noisy() {
            notes.push(
                "too noisy to compare: more than a third of the rounds were disturbed, so no \
                 verdict is given; measure on a quieter machine"
                    .to_owned(),
            );
        }
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
        notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_supports_what_lies_beyond_it() {
        use Direction::{HigherIsBetter, LowerIsBetter};
        for (bound, direction, verdict, other) in [
            (Bound::AtLeast, HigherIsBetter, Verdict::Better, Verdict::Worse),
            (Bound::AtMost, LowerIsBetter, Verdict::ProbablyBetter, Verdict::ProbablyWorse),
            (Bound::AtMost, HigherIsBetter, Verdict::Worse, Verdict::Same),
            (Bound::AtLeast, LowerIsBetter, Verdict::ProbablyWorse, Verdict::NotShown),
        ] {
            assert!(is_supported(bound, direction, verdict));
            assert!(!is_supported(bound, direction, other));
        }
    }

    #[test]
    fn a_bound_has_the_supported_end_only() {
        let ends = |bound| Claim { bound, ..Claim::default() }.ends(Some(1.0), Some(2.0));
        assert_eq!(ends(None), (Some(1.0), Some(2.0)));
        assert_eq!(ends(Some(Bound::AtLeast)), (Some(1.0), None));
        assert_eq!(ends(Some(Bound::AtMost)), (None, Some(2.0)));
    }

    #[test]
    fn what_is_withheld_or_too_noisy_has_no_verdict() {
        let allowed = |claim: Claim| claim.allowed(Verdict::Better, Direction::HigherIsBetter);
        assert_eq!(allowed(Claim::default()), Some(Verdict::Better));
        assert_eq!(allowed(Claim { withheld: Some(Code::Errors), ..Claim::default() }), None);
        assert_eq!(allowed(Claim { is_too_noisy: true, ..Claim::default() }), None);
        assert_eq!(allowed(Claim { bound: Some(Bound::AtMost), ..Claim::default() }), None);
        let at_least = Claim { bound: Some(Bound::AtLeast), ..Claim::default() };
        assert_eq!(allowed(at_least), Some(Verdict::Better));
    }

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
