//! Two records: what changed from the old run to the new one. Pure.

use jigger_stats::{Contrast, FAMILY_LEVEL, Margin};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::change::{self, Change, Figure, is_counted};
use super::claim::{Claim, Loss, Side, loss};
use super::{Analysis, ContenderResult, Summary};
use crate::metric::{Metric, Unit};
use crate::numbers::cpu_list;
use crate::record::{ContenderRecord, Ended, Record, ScenarioRecord, Status, WarmUpRecord};

/// What is divided by what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// The contender's values themselves.
    Absolute,
    /// Their ratios to the baseline's of the same round, which takes the machine's drift out.
    Relative,
}

/// Everything that a report of two records shows.
#[derive(Debug, Clone)]
pub struct Difference<'a> {
    pub old: &'a Analysis<'a>,
    pub new: &'a Analysis<'a>,
    pub basis: Basis,
    /// Why the two cannot be compared, if so.
    pub reasons: Vec<String>,
    /// What a reader has to know besides.
    pub notes: Vec<String>,
    /// Each metric that both have, by contender.
    pub changes: Vec<Change<'a>>,
    /// The baseline's own metrics, not judged, when they are what the others are divided by.
    pub drift: Vec<Change<'a>>,
    /// Contender and metric of what counts, was measured before and no longer is.
    pub lost: Vec<Lost<'a>>,
    /// Contender, metric and gate of what counts and cannot be judged.
    pub not_told: Vec<NotTold<'a>>,
}

/// Whether ratios to the baseline can be compared: both runs have the same one, and another
/// contender besides.
pub fn has_common_baseline(old: &Analysis<'_>, new: &Analysis<'_>) -> bool {
    let baseline = &old.record.suite.baseline;
    let others = |analysis: &Analysis<'_>| -> Vec<String> {
        let measured = analysis.contenders.iter().filter(|c| c.has_figures());
        measured.map(|c| c.record.name.clone()).collect()
    };
    let (old_names, new_names) = (others(old), others(new));
    *baseline == new.record.suite.baseline
        && old_names.contains(baseline)
        && new_names.contains(baseline)
        && old_names.iter().any(|name| name != baseline && new_names.contains(name))
}

impl<'a> Difference<'a> {
    /// Compares two runs. `wanted` are the metrics that count; empty for the default.
    pub fn of(
        old: &'a Analysis<'a>,
        new: &'a Analysis<'a>,
        basis: Basis,
        wanted: &[String],
    ) -> Self {
        let counts = |metric: Metric<'_>| is_counted(new.record, metric, wanted);
        let runs = Runs { old, new };
        let reference = (basis == Basis::Relative).then_some(new.record.suite.baseline.as_str());
        let mut drafts = Vec::new();
        for (before, after) in runs.contenders() {
            if Some(after.record.name.as_str()) != reference {
                drafts.extend(runs.changes(before, after, reference, &counts));
            }
        }
        let baseline = runs
            .contenders()
            .into_iter()
            .find(|(_, after)| Some(after.record.name.as_str()) == reference);
        let drift = baseline
            .map_or_else(Vec::new, |(before, after)| runs.changes(before, after, None, &|_| false));
        let (lost, not_told) = runs.losses(&counts);
        Self {
            old,
            new,
            basis,
            reasons: reasons(old.record, new.record),
            notes: notes(old, new),
            changes: change::judged(drafts, FAMILY_LEVEL),
            drift: drift.into_iter().map(|(change, _)| change).collect(),
            lost,
            not_told,
        }
    }

    /// Whether anything that counts got worse, or is no longer measured.
    pub fn is_worse(&self) -> bool {
        !self.lost.is_empty() || self.changes.iter().any(Change::is_worse)
    }

    /// The unit of a change's values; `None` for ratios to the baseline.
    pub fn unit(&self, change: &Change<'_>) -> Option<Unit> {
        (self.basis == Basis::Absolute).then(|| change.metric.descriptor().unit)
    }
}

struct Runs<'a> {
    old: &'a Analysis<'a>,
    new: &'a Analysis<'a>,
}

impl<'a> Runs<'a> {
    /// Those that both runs have, in the new run's order.
    fn contenders(&self) -> Vec<(&'a ContenderResult<'a>, &'a ContenderResult<'a>)> {
        let both =
            |after: &'a ContenderResult<'a>| Some((self.old.contender(&after.record.name)?, after));
        self.new.contenders.iter().filter_map(both).collect()
    }

    fn changes(
        &self,
        before: &'a ContenderResult<'a>,
        after: &'a ContenderResult<'a>,
        reference: Option<&str>,
        counts: &dyn Fn(Metric<'_>) -> bool,
    ) -> Vec<(Change<'a>, Contrast)> {
        let name = after.record.name.as_str();
        let readings =
            (Reading::of(self.old, before, reference), Reading::of(self.new, after, reference));
        let (Some(old), Some(new)) = readings else {
            return Vec::new();
        };
        let change = |metric: Metric<'a>| {
            let counts = counts(metric);
            if counts && loss(metric, old.side, new.side).is_some() {
                return None;
            }
            let (old_values, new_values) = (old.values(metric)?, new.values(metric)?);
            let contrast = Contrast::between(&new_values.rounds, &old_values.rounds)?;
            let figures = (old_values.figure, new_values.figure);
            let claim = new.claim_over(&old, metric);
            let margin = Margin::new(self.new.record.suite.margin).unwrap_or_default();
            Some((
                Change::new((name, metric), figures, (&contrast, claim), margin, counts),
                contrast,
            ))
        };
        let metrics = after.summaries.iter().map(|found| found.metric);
        metrics.filter(|metric| self.is_common(*metric)).filter_map(change).collect()
    }

    /// Whether the metric's scenario is in both runs; where it is not, its name means another thing.
    fn is_common(&self, metric: Metric<'_>) -> bool {
        let is_in = |run: &Analysis<'_>, name| run.record.scenario(name).is_some();
        metric.scenario.is_none_or(|name| is_in(self.old, name) == is_in(self.new, name))
    }

    /// What counts and has no figure any more: for the worse, or for reasons that are no verdict.
    fn losses(&self, counts: &dyn Fn(Metric<'_>) -> bool) -> (Vec<Lost<'a>>, Vec<NotTold<'a>>) {
        let (mut lost, mut not_told) = (Vec::new(), Vec::new());
        for (before, after) in self.contenders() {
            let metrics = before.summaries.iter().map(|found| found.metric);
            let counted = metrics.filter(|metric| counts(*metric) && self.is_common(*metric));
            let (old, new) = (Side::of(self.old, before), Side::of(self.new, after));
            let contender = after.record.name.as_str();
            for metric in counted {
                match loss(metric, old, new) {
                    None => {}
                    Some(Loss::Worse) => lost.push((contender, metric)),
                    Some(Loss::NotTold(gate)) => not_told.push((contender, metric, gate)),
                }
            }
        }
        (lost, not_told)
    }
}

type Lost<'a> = (&'a str, Metric<'a>);
type NotTold<'a> = (&'a str, Metric<'a>, &'static str);

/// One contender of one run, and the reference of the same rounds that its values are divided by,
/// if any.
struct Reading<'a> {
    side: Side<'a>,
    reference: Option<Side<'a>>,
}

struct Values {
    rounds: Vec<f64>,
    figure: Figure,
}

impl<'a> Reading<'a> {
    fn of(
        run: &'a Analysis<'a>,
        contender: &'a ContenderResult<'a>,
        reference: Option<&str>,
    ) -> Option<Self> {
        let reference = match reference {
            None => None,
            Some(name) => Some(Side::of(run, run.contender(name)?)),
        };
        Some(Self { side: Side::of(run, contender), reference })
    }

    fn values(&self, metric: Metric<'_>) -> Option<Values> {
        let summary: &Summary<'_> = self.side.contender.summary(metric)?;
        let Some(reference) = self.reference else {
            let rounds = summary.rounds.iter().copied().flatten().collect();
            return Some(Values { rounds, figure: Figure::of(summary) });
        };
        let base = reference.contender.summary(metric)?;
        let both = summary.rounds.iter().zip(&base.rounds);
        let rounds = both.filter_map(|(value, base)| Some((*value)? / (*base)?)).collect();
        let both = [self.side, reference].map(|side| side.contender.summaries.as_slice());
        let value = super::compare::panel(both.into_iter(), metric).contrast(0, 1)?.ratio();
        let claim = Claim::of(metric, &[self.side], &[reference]);
        Some(Values { rounds, figure: Figure { value, claim } })
    }

    /// Of this one divided by the earlier one.
    fn claim_over(&self, earlier: &Self, metric: Metric<'_>) -> Claim {
        let above: Vec<Side<'_>> =
            [Some(self.side), earlier.reference].into_iter().flatten().collect();
        let below: Vec<Side<'_>> =
            [Some(earlier.side), self.reference].into_iter().flatten().collect();
        Claim::of(metric, &above, &below)
    }
}

/// Every reason why figures of the two runs do not mean the same.
fn reasons(old: &Record, new: &Record) -> Vec<String> {
    let mut reasons = Vec::new();
    let mut differs = |what: &str, old: String, new: String| {
        if old != new {
            reasons.push(format!("{what}: {old} in OLD, {new} in NEW"));
        }
    };
    let cores = |cores: &[usize]| cpu_list(cores, ",");
    let (a, b) = (&old.host, &new.host);
    differs("processor", a.processor.clone(), b.processor.clone());
    differs("cores", a.cores.to_string(), b.cores.to_string());
    differs("memory", format!("{} bytes", a.memory_bytes), format!("{} bytes", b.memory_bytes));
    differs("kernel", a.kernel.clone(), b.kernel.clone());
    differs("frequency governor", word(a.governor.as_ref()), word(b.governor.as_ref()));
    differs("virtual machine", a.virtual_machine.to_string(), b.virtual_machine.to_string());
    let (a, b) = (&old.placement, &new.placement);
    differs("cores of the client", cores(&a.client_cpus), cores(&b.client_cpus));
    differs("cores of the servers", cores(&a.server_cpus), cores(&b.server_cpus));
    differs("driver", word(old.driver()), word(new.driver()));
    differs("baseline", old.suite.baseline.clone(), new.suite.baseline.clone());
    differs("margin", old.suite.margin.to_string(), new.suite.margin.to_string());
    if let (Some(a), Some(b)) = (&old.suite.warm_up, &new.suite.warm_up) {
        differs("warm-up", warm_up(a), warm_up(b));
    }
    for contender in &new.contenders {
        let protocol = |it: &ContenderRecord| {
            let streams = it.streams.map_or_else(String::new, |it| format!(", {it} streams"));
            let name = it.protocol.as_deref().unwrap_or("that of the scenarios");
            format!("{name}{streams}")
        };
        if let Some(before) = old.contender(&contender.name) {
            let what = format!("protocol of '{}'", contender.name);
            differs(&what, protocol(before), protocol(contender));
        }
    }
    for scenario in &new.suite.scenarios {
        if let Some(before) = old.scenario(&scenario.name) {
            differs(&format!("scenario '{}'", scenario.name), shape(before), shape(scenario));
        }
    }
    reasons
}

fn warm_up(found: &WarmUpRecord) -> String {
    let WarmUpRecord { windows, window_ns, cap_ns } = found;
    format!("{windows} windows of {window_ns} ns within {cap_ns} ns")
}

/// The digest of the response that was verified first.
fn body<'a>(record: &'a Record, contender: &str) -> Option<&'a str> {
    let mut visits = record.visits.iter().filter(|visit| visit.entry == contender);
    Some(visits.find_map(|visit| visit.evidence.as_ref())?.body_sha256.as_str())
}

fn word(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "unknown".to_owned(), |value| value.to_string())
}

/// All of a scenario's load but its name, as it is in the record.
fn shape(scenario: &ScenarioRecord) -> String {
    let nameless = ScenarioRecord {
        name: String::new(),
        // How fast the load engine was that day, which is not part of the load.
        ceiling_per_second: None,
        ceiling_attempts: Vec::new(),
        ..scenario.clone()
    };
    let fields = serde_json::to_value(nameless).unwrap_or_default();
    let fields = fields.as_object().into_iter().flatten();
    let is_empty = |value: &Value| value.is_null() || *value == Value::Array(Vec::new());
    let set = fields.filter(|(name, value)| *name != "name" && !is_empty(value));
    set.map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
}

/// What became of a contender of OLD or NEW that did not take part to the end.
fn not_measured(contender: &ContenderRecord, run: &str) -> Option<String> {
    let became = match contender.status {
        Status::Measured => return None,
        Status::Skipped => "was skipped",
        Status::Failed => "failed",
    };
    let reason = contender.reason.as_deref().unwrap_or("the reason is not known");
    Some(format!("{} {became} in {run}: {reason}", contender.name))
}

/// What the two runs do not share, and what was amiss in either.
fn notes(old: &Analysis<'_>, new: &Analysis<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    if old.record.jigger != new.record.jigger {
        notes.push(format!(
            "OLD was measured by jigger {}, NEW by jigger {}",
            old.record.jigger, new.record.jigger
        ));
    }
    for contender in &new.contenders {
        let name = &contender.record.name;
        let spoken = old.record.tls_words(name).zip(new.record.tls_words(name));
        if let Some((before, after)) = spoken.filter(|(before, after)| before != after) {
            notes.push(format!("{name} speaks {before} in OLD, {after} in NEW"));
        }
        let bodies = (body(old.record, name), body(new.record, name));
        if let (Some(before), Some(after)) = bodies
            && before != after
        {
            notes.push(format!("{name} sends another body in NEW than in OLD"));
        }
    }
    for (name, run, other) in [("OLD", old, new), ("NEW", new, old)] {
        let scenarios = run.record.suite.scenarios.iter().map(|s| ("scenario", &s.name));
        let contenders = run.contenders.iter().map(|c| ("contender", &c.record.name));
        let other = &other.record;
        let alone = scenarios.chain(contenders).filter(|(_, of_run)| {
            other.scenario(of_run).is_none() && other.contender(of_run).is_none()
        });
        notes
            .extend(alone.map(|(kind, of_run)| format!("the {kind} '{of_run}' is in {name} only")));
        let became = |it: &ContenderRecord| other.contender(&it.name).map(|it| it.status);
        let differs = |it: &&ContenderRecord| became(it) != Some(it.status);
        let of_run = run.record.contenders.iter().filter(differs);
        notes.extend(of_run.filter_map(|it| not_measured(it, name)));
        if matches!(run.record.ended, Ended::Interrupted | Ended::NotYet) {
            notes.push(format!("{name} did not run to its end"));
        }
        notes.extend(run.quiet.notes().iter().map(|note| format!("{name}: {note}")));
        for contender in &run.contenders {
            notes.extend(contender.gates.iter().map(|gate| {
                let place = if gate.scenario.is_empty() { "all scenarios" } else { &gate.scenario };
                format!(
                    "{name}: {}: {} ({place}): {}",
                    gate.code, contender.record.name, gate.detail
                )
            }));
        }
    }
    notes
}
