//! The report as JSON: the shapes that programs read. `jigger schema report` is made from them.

use indexmap::IndexMap;
use jigger_stats::Verdict;
use schemars::JsonSchema;
use serde::Serialize;

use crate::analysis::{
    Analysis, Comparison as Compared, ContenderResult, Ranked, RequestFigures, Summary,
    ThresholdResult, by_request, checked_share, response_times,
};
use crate::caveat::Code;
use crate::confounder::Confounder;
use crate::host::{Host, Placement};
use crate::metric::{Bound, Unit};
use crate::record::{
    ArtifactRecord, BoundRecord, CalibrationRecord, ContainerRecord, Ended, ImageRecord, Limit,
    Record, ServiceRecord, Status, TlsAgreementRecord, VariantRecord, encode_histogram,
};

/// The version of [`Report`].
pub const VERSION: u32 = 2;

/// A whole report.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report<'a> {
    #[schemars(extend("const" = VERSION))]
    version: u32,
    suite: &'a str,
    seed: u64,
    /// Rounds in which every measured contender has values.
    rounds: usize,
    rounds_begun: usize,
    rounds_repeated: usize,
    rounds_disturbed_and_used: usize,
    too_noisy: bool,
    /// Those that touch all contenders.
    confounders: &'a [Confounder],
    ended: Ended,
    baseline: &'a str,
    host: &'a Host,
    placement: &'a Placement,
    /// The load generator's I/O backend.
    driver: Option<&'a str>,
    /// What ran beside the contenders.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    services: &'a [ServiceRecord],
    /// By the name of a scenario or contender: which one of several that the suite's matrix made.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    variants: IndexMap<&'a str, &'a VariantRecord>,
    /// In the suite's order.
    contenders: Vec<Contender<'a>>,
    /// Rates that were found before the rounds.
    calibrations: &'a [CalibrationRecord],
    /// The error rate of the verdicts: what the looks of the run leave of 0.05 at its end.
    level: f64,
    /// Each contender's metrics compared with the baseline's.
    comparisons: Vec<Comparison<'a>>,
    /// The headline metrics of any two contenders that are not the baseline.
    pairs: Vec<Comparison<'a>>,
    /// By scenario, best first by its headline metric.
    ranking: IndexMap<&'a str, Vec<Place<'a>>>,
    /// The baseline's second entry compared with its first.
    placebo: Vec<Comparison<'a>>,
    /// The suite's thresholds.
    thresholds: Vec<Threshold<'a>>,
    /// With --in both, each contender in its container compared with its process.
    containers: Vec<Comparison<'a>>,
    /// Each contender that is a variant of another one against that one.
    counterparts: Vec<Comparison<'a>>,
}

/// A contender with all of its figures.
#[derive(Debug, Serialize, JsonSchema)]
struct Contender<'a> {
    name: &'a str,
    status: Status,
    /// Why it was skipped or failed.
    reason: Option<&'a str>,
    /// Why there is no image size.
    image_reason: Option<&'a str>,
    image: Option<&'a ImageRecord>,
    /// What the build made.
    artifact: Option<&'a ArtifactRecord>,
    /// Null for a process of the host.
    container: Option<&'a ContainerRecord>,
    /// The contender that it is a variant of; null for none.
    counterpart: Option<&'a str>,
    /// The version of HTTP that it was loaded in, in RFC 7301's words; null for the scenario's.
    protocol: Option<&'a str>,
    /// By name: docs/suite.md lists them.
    metrics: IndexMap<String, Figures<'a>>,
    /// By scenario: the resource that limited the rate; scenarios whose limit is not known are left out.
    limits: IndexMap<&'a str, Limit>,
    /// By scenario: the response times in nanoseconds of all rounds without errors, as HdrHistogram
    /// V2, compressed, in base64. They can be added to those of other runs, which percentiles
    /// cannot.
    histograms: IndexMap<&'a str, String>,
    /// By scenario: of the correct responses under load the share that was held to what the suite
    /// expects of their bodies, 0 to 1; the status of all was checked.
    checked: IndexMap<&'a str, f64>,
    /// By scenario with several requests: each by itself, in the suite's order.
    requests: IndexMap<&'a str, Vec<Requested<'a>>>,
    /// The TLS parameters that were agreed on when its responses were verified; null over plain HTTP.
    tls: Option<&'a TlsAgreementRecord>,
    confounders: &'a [Confounder],
    gates: Vec<Gate<'a>>,
}

/// One of several requests, in all rounds together.
#[derive(Debug, Serialize, JsonSchema)]
struct Requested<'a> {
    method: &'a str,
    /// What was appended to the contender's URL.
    path: &'a str,
    weight: u32,
    /// Correct responses.
    requests: u64,
    errors: u64,
    /// Of rounds without errors; null with too few responses.
    p50_us: Option<f64>,
    p99_us: Option<f64>,
}

/// A condition that did not hold.
#[derive(Debug, Serialize, JsonSchema)]
struct Gate<'a> {
    code: &'a str,
    /// The scenario that it touches, empty for all.
    metric: &'a str,
    detail: &'a str,
    remedy: &'a str,
}

/// A contender's place in a scenario.
#[derive(Debug, Serialize, JsonSchema)]
struct Place<'a> {
    contender: &'a str,
    /// One more than the number of contenders that are shown to be better; null without a figure.
    rank: Option<usize>,
}

/// The figures of one metric.
#[derive(Debug, Serialize, JsonSchema)]
struct Figures<'a> {
    unit: Unit,
    estimate: f64,
    low: Option<f64>,
    high: Option<f64>,
    /// The value of each round, of the baseline the mean of its two entries; null where there is
    /// none.
    rounds: &'a [Option<f64>],
    /// The rounds of each of its entries; the baseline has two.
    entries: &'a [Vec<Option<f64>>],
    /// If the load generator or the local ports were the limit.
    bound: Option<Bound>,
}

/// A metric of one contender divided by another's.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Comparison<'a> {
    metric: String,
    contender: &'a str,
    baseline: &'a str,
    /// Null when withheld.
    ratio: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    /// Rounds in which both have a value.
    rounds: usize,
    /// The largest difference that the interval allows, as a fraction.
    largest_difference: Option<f64>,
    /// Whether the metric is a headline metric of its scenario, so that it is judged.
    headline: bool,
    verdict: Option<Speed>,
    /// The p-value of "there is no difference", adjusted for all headline comparisons and the looks.
    p_adjusted: Option<f64>,
    bound: Option<Bound>,
    /// The gate that forbids a ratio.
    withheld: Option<Code>,
}

/// A verdict on a headline metric: all of them are speeds.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Speed {
    Same,
    Faster,
    Slower,
    ProbablyFaster,
    ProbablySlower,
    NoDifferenceShown,
}

/// A threshold with its outcome.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Threshold<'a> {
    metric: &'a str,
    contender: &'a str,
    bound: BoundRecord,
    /// In the metric's unit, or a multiple of `relative_to`'s value.
    limit: f64,
    relative_to: Option<&'a str>,
    value: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    /// `holds`, `fails`, `not settled` or `not measured`.
    outcome: &'a str,
}

/// The whole report.
pub fn render(analysis: &Analysis<'_>) -> String {
    super::to_json(&Report::of(analysis))
}

impl<'a> Report<'a> {
    fn of(analysis: &'a Analysis<'a>) -> Self {
        let record = analysis.record;
        let comparisons = |found: &'a [Compared<'a>]| found.iter().map(Comparison::of).collect();
        let contender = |found| Contender::of(analysis, found);
        Self {
            version: VERSION,
            suite: &record.suite.name,
            seed: record.seed,
            rounds: analysis.rounds,
            rounds_begun: analysis.quiet.attempts,
            rounds_repeated: analysis.quiet.repeated,
            rounds_disturbed_and_used: analysis.quiet.used,
            too_noisy: analysis.quiet.is_too_noisy(),
            confounders: &analysis.confounders,
            ended: record.ended,
            baseline: &record.suite.baseline,
            host: &record.host,
            placement: &record.placement,
            driver: record.driver(),
            services: &record.services,
            variants: variants(record),
            contenders: analysis.contenders.iter().map(contender).collect(),
            calibrations: &record.calibrations,
            level: analysis.level,
            comparisons: comparisons(&analysis.comparisons),
            pairs: comparisons(&analysis.pairs),
            ranking: ranking(analysis),
            placebo: comparisons(&analysis.placebo),
            thresholds: analysis.thresholds.iter().map(Threshold::of).collect(),
            containers: comparisons(&analysis.containers),
            counterparts: comparisons(&analysis.counterparts),
        }
    }
}

fn variants(record: &Record) -> IndexMap<&str, &VariantRecord> {
    let scenarios = record.suite.scenarios.iter().map(|it| (it.name.as_str(), &it.variant));
    let contenders = record.contenders.iter().map(|it| (it.name.as_str(), &it.variant));
    scenarios.chain(contenders).filter_map(|(name, it)| Some((name, it.as_ref()?))).collect()
}

fn ranking<'a>(analysis: &'a Analysis<'a>) -> IndexMap<&'a str, Vec<Place<'a>>> {
    let place =
        |found: &Ranked<'a>| Place { contender: &found.contender.record.name, rank: found.rank };
    let scenarios = analysis.record.suite.scenarios.iter();
    let ranked = scenarios.map(|scenario| {
        let places = analysis.ranking(scenario).iter().map(place).collect();
        (scenario.name.as_str(), places)
    });
    ranked.collect()
}

impl<'a> Contender<'a> {
    fn of(analysis: &'a Analysis<'a>, found: &'a ContenderResult<'a>) -> Self {
        let record = found.record;
        let histogram = |scenario: &'a str| {
            let times = response_times(analysis.record, &record.name, scenario)?;
            Some((scenario, encode_histogram(&times)))
        };
        let figures = |summary: &'a Summary<'a>| (summary.metric.to_string(), Figures::of(summary));
        Self {
            name: &record.name,
            status: record.status,
            reason: record.reason.as_deref(),
            image_reason: record.image_reason.as_deref(),
            image: record.image.as_ref(),
            artifact: record.artifact.as_ref(),
            container: record.container.as_ref(),
            counterpart: record.counterpart.as_deref(),
            protocol: record.protocol.as_deref(),
            metrics: found.summaries.iter().map(figures).collect(),
            limits: found.limits.iter().map(|(name, limit)| (name.as_str(), *limit)).collect(),
            histograms: analysis
                .record
                .scenario_names()
                .into_iter()
                .filter_map(histogram)
                .collect(),
            checked: checked(analysis.record, &record.name),
            requests: requested(analysis, &record.name),
            tls: analysis.record.tls_of(&record.name),
            confounders: &found.confounders,
            gates: found.gates.iter().map(Gate::of).collect(),
        }
    }
}

fn checked<'a>(record: &'a Record, contender: &str) -> IndexMap<&'a str, f64> {
    let scenarios = record.suite.scenarios.iter();
    let share = |name: &'a str| Some((name, checked_share(record, contender, name)?));
    scenarios.filter_map(|scenario| share(&scenario.name)).collect()
}

fn requested<'a>(
    analysis: &Analysis<'a>,
    contender: &'a str,
) -> IndexMap<&'a str, Vec<Requested<'a>>> {
    let scenarios = analysis.record.suite.scenarios.iter();
    let figures = scenarios.map(|scenario| {
        let found = by_request(analysis.record, contender, scenario);
        (scenario.name.as_str(), found.iter().map(Requested::of).collect::<Vec<_>>())
    });
    figures.filter(|(_, requests)| !requests.is_empty()).collect()
}

impl<'a> Requested<'a> {
    fn of(found: &RequestFigures<'a>) -> Self {
        Self {
            method: &found.request.method,
            path: &found.request.path,
            weight: found.request.weight,
            requests: found.requests,
            errors: found.errors,
            p50_us: found.p50_us,
            p99_us: found.p99_us,
        }
    }
}

impl<'a> Gate<'a> {
    fn of(gate: &'a crate::analysis::Gate) -> Self {
        Self {
            code: gate.code.name(),
            metric: &gate.scenario,
            detail: &gate.detail,
            remedy: gate.remedy,
        }
    }
}

impl<'a> Figures<'a> {
    fn of(summary: &'a Summary<'a>) -> Self {
        Self {
            unit: summary.metric.descriptor().unit,
            estimate: summary.estimate,
            low: summary.low,
            high: summary.high,
            rounds: &summary.rounds,
            entries: &summary.entries,
            bound: summary.bound,
        }
    }
}

impl<'a> Comparison<'a> {
    fn of(found: &'a Compared<'a>) -> Self {
        let shown = |value: f64| found.withheld.is_none().then_some(value);
        Self {
            metric: found.metric.to_string(),
            contender: &found.contender,
            baseline: &found.baseline,
            ratio: shown(found.ratio),
            low: found.low.and_then(shown),
            high: found.high.and_then(shown),
            rounds: found.rounds,
            largest_difference: found.largest_difference.and_then(shown),
            headline: found.is_headline,
            verdict: found.verdict.map(Speed::of),
            p_adjusted: found.p_adjusted,
            bound: found.bound,
            withheld: found.withheld,
        }
    }
}

impl Speed {
    fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Same => Self::Same,
            Verdict::Better => Self::Faster,
            Verdict::Worse => Self::Slower,
            Verdict::ProbablyBetter => Self::ProbablyFaster,
            Verdict::ProbablyWorse => Self::ProbablySlower,
            Verdict::NotShown => Self::NoDifferenceShown,
        }
    }
}

impl<'a> Threshold<'a> {
    pub(super) fn of(result: &'a ThresholdResult<'a>) -> Self {
        let threshold = result.threshold;
        Self {
            metric: &threshold.metric,
            contender: &threshold.contender,
            bound: threshold.bound,
            limit: threshold.limit,
            relative_to: threshold.relative_to.as_deref(),
            value: result.value,
            low: result.low,
            high: result.high,
            outcome: result.outcome.name(),
        }
    }
}
