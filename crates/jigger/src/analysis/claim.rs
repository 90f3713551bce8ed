//! What a comparison may claim: gates and noise take claims away, in this one place for all reports.

use jigger_stats::{Direction, Verdict};

use super::compare::Comparison;
use super::metric::direction;
use super::{Bound, ContenderResult, Quiet};

/// Takes from each comparison what its gates forbid:
///
/// - errors on either side: no ratio at all;
/// - the load engine as the limit: a bound, and only a verdict that the bound supports; on both
///   sides there is no telling which way, so no ratio;
/// - a machine that was too noisy: no verdict on anything that was measured in rounds.
pub fn restrict(comparisons: &mut [Comparison], contenders: &[ContenderResult<'_>], quiet: &Quiet) {
    let named = |name: &str| contenders.iter().find(|contender| contender.record.name == name);
    for comparison in comparisons {
        let (Some(contender), Some(baseline)) =
            (named(&comparison.contender), named(&comparison.baseline))
        else {
            continue;
        };
        withhold_after_errors(comparison, contender, baseline);
        keep_to_bounds(comparison, contender, baseline);
        if quiet.is_too_noisy() {
            open(comparison);
        }
    }
}

fn withhold_after_errors(
    comparison: &mut Comparison,
    contender: &ContenderResult<'_>,
    baseline: &ContenderResult<'_>,
) {
    if [contender, baseline].iter().any(|side| side.has_gate("errors", &comparison.metric)) {
        comparison.withheld = Some("errors");
        open(comparison);
    }
}

fn keep_to_bounds(
    comparison: &mut Comparison,
    contender: &ContenderResult<'_>,
    baseline: &ContenderResult<'_>,
) {
    let of = |side: &ContenderResult<'_>| side.metric(&comparison.metric)?.bound;
    comparison.bound = match (of(contender), of(baseline)) {
        (None, None) => return,
        (Some(bound), None) => Some(bound),
        (None, Some(bound)) => Some(bound.inverse()),
        (Some(_), Some(_)) => {
            comparison.withheld = comparison.withheld.or(Some("client-limited"));
            None
        }
    };
    let supported = comparison.bound.map(|bound| supported(bound, direction(&comparison.metric)));
    if comparison.verdict.is_some() && comparison.verdict != supported {
        open(comparison);
    }
}

/// The only verdict that stays true wherever beyond the bound the ratio lies.
fn supported(bound: Bound, direction: Direction) -> Verdict {
    match (bound, direction) {
        (Bound::AtLeast, Direction::HigherIsBetter) | (Bound::AtMost, Direction::LowerIsBetter) => {
            Verdict::Better
        }
        (Bound::AtLeast, Direction::LowerIsBetter) | (Bound::AtMost, Direction::HigherIsBetter) => {
            Verdict::Worse
        }
    }
}

/// No number of further rounds would tell: something else has to change first.
fn open(comparison: &mut Comparison) {
    if comparison.verdict.is_some() {
        comparison.verdict = Some(Verdict::Inconclusive { further_rounds: None });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_supports_what_lies_beyond_it() {
        use Direction::{HigherIsBetter, LowerIsBetter};
        assert_eq!(supported(Bound::AtLeast, HigherIsBetter), Verdict::Better);
        assert_eq!(supported(Bound::AtMost, LowerIsBetter), Verdict::Better);
        assert_eq!(supported(Bound::AtMost, HigherIsBetter), Verdict::Worse);
        assert_eq!(supported(Bound::AtLeast, LowerIsBetter), Verdict::Worse);
    }
}
