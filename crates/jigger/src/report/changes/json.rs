//! What `jigger diff` and `jigger ab` write for programs.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Revisions, contender_of, revision_remarks};
use crate::analysis::{self, Analysis, Basis, Compared, Figure};
use crate::caveat::Code;
use crate::metric::Bound;
use crate::report::json::Threshold;

/// The version of the shapes below.
pub const VERSION: u32 = 2;

/// What changed between two runs.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Difference<'a> {
    #[schemars(extend("const" = VERSION))]
    version: u32,
    old: Run<'a>,
    new: Run<'a>,
    /// `absolute`, or `relative` to the baseline.
    basis: Basis,
    /// The baseline of the new run.
    baseline: &'a str,
    /// Whether something that counts is worse.
    is_worse: bool,
    /// One for each contender and metric that both runs have.
    changes: Vec<Change<'a>>,
    /// The same for the baseline itself, not judged; empty when the basis is absolute.
    drift: Vec<Change<'a>>,
    /// What counts, was measured before and no longer is, or whose requests fail now and did not
    /// before.
    lost: Vec<Lost<'a>>,
    /// What counts but has no figure in the new run, for reasons that are not the contender's fault.
    not_told: Vec<NotTold<'a>>,
    /// Those of the new run.
    thresholds: Vec<Threshold<'a>>,
    not_comparable: &'a [String],
    notes: &'a [String],
}

/// One of the two runs.
#[derive(Debug, Serialize, JsonSchema)]
struct Run<'a> {
    /// RFC 3339.
    created: &'a str,
    /// The version of jigger that measured it.
    jigger: &'a str,
    suite: &'a str,
    seed: u64,
    rounds: usize,
}

/// One metric of one contender, before and after.
#[derive(Debug, Serialize, JsonSchema)]
struct Change<'a> {
    metric: String,
    contender: &'a str,
    before: Option<f64>,
    before_bound: Option<Bound>,
    after: Option<f64>,
    after_bound: Option<Bound>,
    /// After divided by before.
    ratio: Option<f64>,
    /// Lower end of its 95 % interval.
    low: Option<f64>,
    high: Option<f64>,
    /// The margin, as a fraction: only beyond it is a change better or worse.
    margin: f64,
    /// The largest difference that the interval allows, as a fraction.
    largest_difference: Option<f64>,
    /// Whether the metric counts.
    counts: bool,
    /// `better`, `worse`, `same`, `probably-better`, `probably-worse` or `no-difference-shown`; null
    /// where it does not count, where there is no interval, and where a gate or noise forbids it.
    verdict: Option<String>,
    bound: Option<Bound>,
    /// The gate that forbids a ratio.
    withheld: Option<Code>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Lost<'a> {
    contender: &'a str,
    metric: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct NotTold<'a> {
    contender: &'a str,
    metric: String,
    gate: &'a str,
}

/// What changed between two revisions.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Ab<'a> {
    #[schemars(extend("const" = VERSION))]
    version: u32,
    /// Name and commit.
    base: &'a str,
    /// Name and commit.
    head: &'a str,
    contenders: Vec<Revised<'a>>,
}

/// One contender at both revisions.
#[derive(Debug, Serialize, JsonSchema)]
struct Revised<'a> {
    contender: &'a str,
    rounds: usize,
    seed: u64,
    /// Whether anything is worse, lost, or misses a threshold.
    is_missed: bool,
    changes: Vec<Change<'a>>,
    /// Metrics that only the base has.
    lost: Vec<String>,
    not_told: Vec<Untold<'a>>,
    thresholds: Vec<Threshold<'a>>,
    notes: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Untold<'a> {
    metric: String,
    gate: &'a str,
}

impl<'a> Difference<'a> {
    pub(super) fn of(found: &'a analysis::Difference<'a>) -> Self {
        let lost = |&(contender, metric): &(&'a str, crate::metric::Metric<'_>)| Lost {
            contender,
            metric: metric.to_string(),
        };
        let not_told = found.not_told.iter().map(|(contender, metric, gate)| NotTold {
            contender,
            metric: metric.to_string(),
            gate,
        });
        Self {
            version: VERSION,
            old: Run::of(found.old),
            new: Run::of(found.new),
            basis: found.basis,
            baseline: &found.new.record.suite.baseline,
            is_worse: found.is_worse(),
            changes: found.changes.iter().map(Change::of).collect(),
            drift: found.drift.iter().map(Change::of).collect(),
            lost: found.lost.iter().map(lost).collect(),
            not_told: not_told.collect(),
            thresholds: found.new.thresholds.iter().map(Threshold::of).collect(),
            not_comparable: &found.reasons,
            notes: &found.notes,
        }
    }
}

impl<'a> Run<'a> {
    fn of(analysis: &'a Analysis<'a>) -> Self {
        let record = analysis.record;
        Self {
            created: &record.created,
            jigger: &record.jigger,
            suite: &record.suite.name,
            seed: record.seed,
            rounds: analysis.rounds,
        }
    }
}

impl<'a> Change<'a> {
    fn of(change: &'a analysis::Change<'a>) -> Self {
        let figure = |figure: Figure| figure.claim.withheld.is_none().then_some(figure.value);
        let shown = |value: f64| change.claim.withheld.is_none().then_some(value);
        Self {
            metric: change.metric.to_string(),
            contender: change.contender,
            before: figure(change.before),
            before_bound: change.before.claim.bound,
            after: figure(change.after),
            after_bound: change.after.claim.bound,
            ratio: shown(change.ratio),
            low: change.low.and_then(shown),
            high: change.high.and_then(shown),
            margin: change.margin,
            largest_difference: change.largest_difference.and_then(shown),
            counts: change.counts,
            verdict: change.verdict.map(|_| change.word().replace(' ', "-")),
            bound: change.claim.bound,
            withheld: change.claim.withheld,
        }
    }
}

impl<'a> Ab<'a> {
    pub(super) fn of(found: &'a Revisions<'a>) -> Self {
        let contenders = found.compared.iter().map(Revised::of).collect();
        Self { version: VERSION, base: found.base, head: found.head, contenders }
    }
}

impl<'a> Revised<'a> {
    fn of(run: &'a Compared<'a>) -> Self {
        let not_told = run.not_told.iter();
        Self {
            contender: contender_of(run),
            rounds: run.analysis.rounds,
            seed: run.analysis.record.seed,
            is_missed: run.is_missed(false),
            changes: run.changes.iter().map(Change::of).collect(),
            lost: run.lost.iter().map(ToString::to_string).collect(),
            not_told: not_told
                .map(|(metric, gate)| Untold { metric: metric.to_string(), gate })
                .collect(),
            thresholds: run.analysis.thresholds.iter().map(Threshold::of).collect(),
            notes: revision_remarks(run),
        }
    }
}
