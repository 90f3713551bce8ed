//! Two records: what changed from the old run to the new one. Pure.

use jigger_stats::{Interval, Margin, Margins, Unpaired};

use super::change::{self, Change, is_counted};
use super::metric::unit_of;
use super::{Analysis, Comparison, ContenderResult, Metric, Unit};
use crate::record::{Ended, Record, ScenarioRecord, Status, WarmUpRecord};

/// What is divided by what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// The contender's values themselves.
    Absolute,
    /// Their ratios to the baseline's of the same round, which takes the machine's drift out.
    Relative,
}

/// Everything that a report of two records shows.
#[derive(Debug, Clone)]
pub struct Difference<'a> {
    /// The earlier run.
    pub old: &'a Analysis<'a>,
    /// The later run.
    pub new: &'a Analysis<'a>,
    /// What was compared.
    pub basis: Basis,
    /// Why the two cannot be compared, if so.
    pub reasons: Vec<String>,
    /// What a reader has to know besides.
    pub notes: Vec<String>,
    /// Each metric that both have, by contender.
    pub changes: Vec<Change>,
    /// The baseline's own metrics, not judged, when they are what the others are divided by.
    pub drift: Vec<Change>,
    /// Contender and metric of what counts, was measured before and no longer is.
    pub lost: Vec<(String, String)>,
}

/// Whether ratios to the baseline can be compared: both runs have the same one, and another
/// contender besides.
#[must_use]
pub fn has_common_baseline(old: &Analysis<'_>, new: &Analysis<'_>) -> bool {
    let baseline = &old.record.suite.baseline;
    let others = |analysis: &Analysis<'_>| -> Vec<String> {
        let fit =
            |c: &&ContenderResult<'_>| c.record.status != Status::Skipped && !c.metrics.is_empty();
        let measured = analysis.contenders.iter().filter(fit);
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
    #[must_use]
    pub fn of(
        old: &'a Analysis<'a>,
        new: &'a Analysis<'a>,
        basis: Basis,
        wanted: &[String],
    ) -> Self {
        let counts = |metric: &str| is_counted(new.record, metric, wanted);
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
        Self {
            old,
            new,
            basis,
            reasons: reasons(old.record, new.record),
            notes: notes(old, new),
            changes: change::judged(drafts),
            drift: drift.into_iter().map(|(change, _)| change).collect(),
            lost: runs.lost(&counts),
        }
    }

    /// Whether anything that counts got worse, or is no longer measured.
    #[must_use]
    pub fn is_worse(&self) -> bool {
        !self.lost.is_empty() || self.changes.iter().any(Change::is_worse)
    }

    /// The unit of a change's values; `None` for ratios to the baseline.
    #[must_use]
    pub fn unit(&self, change: &Change) -> Option<Unit> {
        (self.basis == Basis::Absolute).then(|| unit_of(&change.metric))
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
        before: &ContenderResult<'_>,
        after: &ContenderResult<'_>,
        reference: Option<&str>,
        counts: &dyn Fn(&str) -> bool,
    ) -> Vec<(Change, Unpaired)> {
        let name = after.record.name.as_str();
        let change = |metric: &Metric| {
            let old_values = values(self.old, before.metric(&metric.name)?, reference)?;
            let new_values = values(self.new, metric, reference)?;
            let runs = Unpaired::new(&new_values.rounds, &old_values.rounds).ok()?;
            let estimates = (old_values.estimate, new_values.estimate);
            let margins = self.margins(&metric.name);
            let counts = counts(&metric.name);
            Some((Change::new((name, &metric.name), estimates, &runs, margins, counts), runs))
        };
        after.metrics.iter().filter(|metric| self.is_common(metric)).filter_map(change).collect()
    }

    /// Whether the metric's scenario is in both runs; where it is not, its name means another thing.
    fn is_common(&self, metric: &Metric) -> bool {
        let of = |record: &Record| {
            let mut scenarios = record.suite.scenarios.iter();
            scenarios.any(|scenario| belongs_to(&metric.name, scenario))
        };
        of(self.old.record) == of(self.new.record)
    }

    /// The suite's margin, for differences also what both runs' placebos together may be off by, where that is more:
    /// independent errors add up by their squares.
    fn margins(&self, metric: &str) -> Margins {
        let margin = Margin::new(self.new.record.suite.margin).unwrap_or_default();
        let squares: f64 = [self.old, self.new]
            .map(|run| floor(run, metric).map_or(0.0, |log| log * log))
            .iter()
            .sum();
        let different = margin.widened_to(squares.sqrt().exp_m1()).unwrap_or(margin);
        Margins { different, equivalent: margin }
    }

    fn lost(&self, counts: &dyn Fn(&str) -> bool) -> Vec<(String, String)> {
        let mut lost = Vec::new();
        for (before, after) in self.contenders() {
            let gone = before.metrics.iter().filter(|metric| {
                counts(&metric.name)
                    && self.is_common(metric)
                    && after.metric(&metric.name).is_none()
            });
            lost.extend(gone.map(|metric| (after.record.name.clone(), metric.name.clone())));
        }
        lost
    }
}

/// The half-width of a run's placebo, on the log scale.
fn floor(run: &Analysis<'_>, metric: &str) -> Option<f64> {
    let placebo: &Comparison = run.placebo.iter().find(|placebo| placebo.metric == metric)?;
    let interval = Interval { low: placebo.low?, high: placebo.high? };
    interval.is_bounded().then(|| interval.half_width().ln_1p())
}

/// The rounds' values with their estimate, or their ratios to the reference of the same rounds.
struct Values {
    rounds: Vec<f64>,
    estimate: f64,
}

fn values(run: &Analysis<'_>, metric: &Metric, reference: Option<&str>) -> Option<Values> {
    let Some(reference) = reference else {
        let rounds = metric.rounds.iter().copied().flatten().collect();
        return Some(Values { rounds, estimate: metric.estimate });
    };
    let base = run.contender(reference)?.metric(&metric.name)?;
    let both = metric.rounds.iter().zip(&base.rounds);
    let rounds = both.filter_map(|(value, base)| Some((*value)? / (*base)?)).collect();
    let estimate = super::compare::pair(metric, std::slice::from_ref(base))?.estimate();
    Some(Values { rounds, estimate })
}

/// Every reason why figures of the two runs do not mean the same.
fn reasons(old: &Record, new: &Record) -> Vec<String> {
    let mut reasons = Vec::new();
    let mut differs = |what: &str, old: String, new: String| {
        if old != new {
            reasons.push(format!("{what}: {old} in OLD, {new} in NEW"));
        }
    };
    let cores =
        |cores: &[usize]| cores.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
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
    differs("driver", word(driver(old)), word(driver(new)));
    differs("baseline", old.suite.baseline.clone(), new.suite.baseline.clone());
    differs("margin", old.suite.margin.to_string(), new.suite.margin.to_string());
    if let (Some(a), Some(b)) = (&old.suite.warm_up, &new.suite.warm_up) {
        differs("warm-up", warm_up(a), warm_up(b));
    }
    for scenario in &new.suite.scenarios {
        let before = old.suite.scenarios.iter().find(|before| before.name == scenario.name);
        if let Some(before) = before {
            differs(&format!("scenario '{}'", scenario.name), shape(before), shape(scenario));
        }
    }
    reasons
}

fn warm_up(found: &WarmUpRecord) -> String {
    let WarmUpRecord { windows, window_ns, cap_ns } = found;
    format!("{windows} windows of {window_ns} ns within {cap_ns} ns")
}

/// The digest of the answer that was verified first.
fn body<'a>(record: &'a Record, contender: &str) -> Option<&'a str> {
    let mut visits = record.visits.iter().filter(|visit| visit.entry == contender);
    Some(visits.find_map(|visit| visit.evidence.as_ref())?.body_sha256.as_str())
}

fn word(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "unknown".to_owned(), |value| value.to_string())
}

fn driver(record: &Record) -> Option<&str> {
    record.visits.iter().flat_map(|visit| &visit.trials).next().map(|trial| trial.driver.as_str())
}

/// All of a scenario but its name, as it is in the record.
fn shape(scenario: &ScenarioRecord) -> String {
    let nameless = ScenarioRecord { name: String::new(), ..scenario.clone() };
    let fields = serde_json::to_value(nameless).unwrap_or_default();
    let fields = fields.as_object().into_iter().flatten();
    let set = fields.filter(|(name, value)| *name != "name" && !value.is_null());
    set.map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
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
        let bodies = (body(old.record, name), body(new.record, name));
        if let (Some(before), Some(after)) = bodies
            && before != after
        {
            notes.push(format!("{name} answers another body in NEW than in OLD"));
        }
    }
    for (name, run, other) in [("OLD", old, new), ("NEW", new, old)] {
        let scenarios = run.record.suite.scenarios.iter().map(|s| ("scenario", &s.name));
        let contenders = run.contenders.iter().map(|c| ("contender", &c.record.name));
        let other = &other.record;
        let alone = scenarios.chain(contenders).filter(|(_, of_run)| {
            !other.suite.scenarios.iter().any(|s| s.name == **of_run)
                && !other.contenders.iter().any(|c| c.name == **of_run)
        });
        notes
            .extend(alone.map(|(kind, of_run)| format!("the {kind} '{of_run}' is in {name} only")));
        if run.placebo.is_empty() {
            notes.push(format!("{name} has no placebo, so its noise floor is not known"));
        }
        if matches!(run.record.ended, Ended::Interrupted | Ended::NotYet) {
            notes.push(format!("{name} was not run to its end"));
        }
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

fn belongs_to(metric: &str, scenario: &ScenarioRecord) -> bool {
    metric.strip_prefix(&scenario.name).is_some_and(|rest| rest.starts_with('.'))
}
