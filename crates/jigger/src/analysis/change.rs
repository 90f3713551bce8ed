//! What became of a metric between two states of a contender, and which metrics a decision counts.

use jigger_stats::{Case, Judged, Margin, Margins, Verdict, judge_together};

use super::claim::Claim;
use super::metric::{Metric, direction};
use crate::record::{Record, ScenarioRecord};

/// One metric of one contender, before and after.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The metric's name.
    pub metric: String,
    /// Whose.
    pub contender: String,
    /// The estimate before.
    pub before: Figure,
    /// The estimate after.
    pub after: Figure,
    /// After divided by before.
    pub ratio: f64,
    /// What gates and noise leave of the ratio.
    pub claim: Claim,
    /// Lower end of the ratio's 95 % interval, with enough rounds.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// The difference that counts as none, as a share.
    pub margin: f64,
    /// The difference within which it counts as equivalent, as a share.
    pub equivalence_margin: f64,
    /// What the interval says, where the metric counts and there are rounds enough. It answers for
    /// all changes that count together.
    pub verdict: Option<Verdict>,
    /// Whether the decision hangs on it.
    pub counts: bool,
}

/// A value, and what gates leave of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figure {
    /// The value.
    pub value: f64,
    /// Whether it is a bound, or not to be shown.
    pub claim: Claim,
}

/// What of a closed loop a decision counts; at saturation response times only say it again.
const CLOSED_LOOP: &[&str] = &["requests_per_second", "cpu_us_per_request"];
/// In open loop the rate is given, and what users wait is the question.
const OPEN_LOOP: &[&str] = &["response_time_us.p50", "response_time_us.p99", "cpu_us_per_request"];
/// Of a server as such.
const SERVER: &[&str] = &["memory_peak_bytes"];

/// Whether a decision counts the metric: one of those `wanted` (a whole name, or what follows the
/// scenario's), or without any the default.
#[must_use]
pub fn is_counted(record: &Record, metric: &str, wanted: &[String]) -> bool {
    if !wanted.is_empty() {
        let rest = metric.split_once('.').map(|(_, rest)| rest);
        return wanted.iter().any(|wanted| wanted == metric || Some(wanted.as_str()) == rest);
    }
    let scenario = record.suite.scenarios.iter().find_map(|scenario| {
        Some((scenario, metric.strip_prefix(&scenario.name)?.strip_prefix('.')?))
    });
    match scenario {
        Some((scenario, rest)) => defaults(scenario).contains(&rest),
        None => SERVER.contains(&metric),
    }
}

fn defaults(scenario: &ScenarioRecord) -> &'static [&'static str] {
    of_loop(scenario.rate_per_second.is_some())
}

fn of_loop(is_open: bool) -> &'static [&'static str] {
    if is_open { OPEN_LOOP } else { CLOSED_LOOP }
}

/// How many metrics of a contender count at the most, in a suite with these scenarios, each with
/// whether its rate is given.
#[must_use]
pub fn counted_metrics(scenarios: &[(&str, bool)], wanted: &[String]) -> usize {
    if wanted.is_empty() {
        let of_scenarios: usize = scenarios.iter().map(|(_, open)| of_loop(*open).len()).sum();
        return of_scenarios + SERVER.len();
    }
    let is_whole = |name: &str| {
        scenarios.iter().any(|(scenario, _)| name.starts_with(&format!("{scenario}.")))
    };
    wanted.iter().map(|name| if is_whole(name) { 1 } else { scenarios.len() }).sum()
}

impl Figure {
    /// A contender's own.
    pub(super) fn of(metric: &Metric) -> Self {
        let claim = Claim { bound: metric.bound, ..Claim::default() };
        Self { value: metric.estimate, claim }
    }
}

impl Change {
    /// A change without a verdict yet.
    pub(super) fn new(
        (contender, metric): (&str, &str),
        (before, after): (Figure, Figure),
        (comparison, claim): (&impl Judged, Claim),
        margins: Margins,
        counts: bool,
    ) -> Self {
        let ratio = comparison.ratio(0.95).ok();
        Self {
            metric: metric.to_owned(),
            contender: contender.to_owned(),
            before,
            after,
            ratio: comparison.estimate(),
            claim,
            low: ratio.map(|ratio| ratio.low),
            high: ratio.map(|ratio| ratio.high),
            margin: margins.different.share(),
            equivalence_margin: margins.equivalent.share(),
            verdict: None,
            counts,
        }
    }

    /// Whether it is one that counts and is for the worse.
    #[must_use]
    pub fn is_worse(&self) -> bool {
        self.counts && self.verdict == Some(Verdict::Worse)
    }

    /// The verdict in a word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self.verdict {
            Some(Verdict::Better) => "better",
            Some(Verdict::Worse) => "worse",
            Some(Verdict::Equivalent) => "equivalent",
            Some(Verdict::Inconclusive { .. }) => "inconclusive",
            None if self.counts => "too few rounds",
            None => "-",
        }
    }
}

/// Puts the verdicts into the changes that count, all of them judged as one family: that anything
/// at all is called better or worse which is not, has a chance of at most 5 %. What gates and noise
/// forbid is taken away afterwards.
pub(super) fn judged<C: Judged>(drafts: Vec<(Change, C)>) -> Vec<Change> {
    let is_judged = |change: &Change| change.counts && change.low.is_some();
    let cases: Vec<Case<&C>> = drafts
        .iter()
        .filter(|(change, _)| is_judged(change))
        .map(|(change, comparison)| Case {
            comparison,
            margins: Margins {
                different: Margin::new(change.margin).unwrap_or_default(),
                equivalent: Margin::new(change.equivalence_margin).unwrap_or_default(),
            },
            direction: direction(&change.metric),
        })
        .collect();
    let findings = judge_together(&cases, 0.95).unwrap_or_default();
    let mut verdicts = findings.into_iter().map(|finding| finding.verdict);
    let mut changes: Vec<Change> = drafts.into_iter().map(|(change, _)| change).collect();
    for change in changes.iter_mut().filter(|change| is_judged(change)) {
        let verdict = verdicts.next();
        let direction = direction(&change.metric);
        change.verdict = verdict.map(|verdict| change.claim.allowed(verdict, direction));
    }
    changes
}
