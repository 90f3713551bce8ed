//! The sentences that a reader would otherwise draw from the tables by hand.

use std::fmt;

use jigger_stats::Verdict;

use super::look::Tone;
use super::units::{bytes, significant, time_us, with_unit};
use crate::analysis::{Analysis, Bound, Comparison};
use crate::record::ScenarioRecord;

/// A sentence whose parts a renderer sets as its format can.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sentence(Vec<Part>);

/// A part of a sentence.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Set as it is.
    Plain(String),
    /// A contender's name, or the figure that the sentence is about.
    Set(Tone, String),
}

impl Sentence {
    /// The parts in their order.
    pub fn parts(&self) -> &[Part] {
        &self.0
    }

    fn plain(mut self, text: impl Into<String>) -> Self {
        self.0.push(Part::Plain(text.into()));
        self
    }

    fn name(self, name: &str) -> Self {
        self.set(Tone::Strong, name)
    }

    fn set(mut self, tone: Tone, text: impl Into<String>) -> Self {
        self.0.push(Part::Set(tone, text.into()));
        self
    }
}

impl From<String> for Sentence {
    /// A sentence without anything set apart.
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

/// All sentences, the scenarios' first.
pub fn sentences(analysis: &Analysis<'_>) -> Vec<Sentence> {
    let mut sentences = Vec::new();
    for scenario in &analysis.record.suite.scenarios {
        // A noisy machine's figures stand in the tables; no sentence is made of them.
        if !analysis.quiet.is_too_noisy() {
            sentences.extend(rates(analysis, scenario));
            sentences.extend(steadiest(analysis, scenario));
        }
        sentences.extend(closing(analysis, scenario));
    }
    sentences.extend(startups(analysis));
    sentences.extend(images(analysis));
    sentences.extend(super::costs::sentences(analysis).into_iter().map(Sentence::from));
    sentences
}

/// In open loop all answer what is due, so that only a difference is worth a sentence.
fn rates(analysis: &Analysis<'_>, scenario: &ScenarioRecord) -> Vec<Sentence> {
    let is_open = scenario.rate_per_second.is_some();
    let is_due = |c: &&Comparison| is_open && c.verdict == Some(Verdict::Equivalent);
    let metric = format!("{}.requests_per_second", scenario.name);
    let of_metric = analysis.comparisons.iter().filter(|c| c.metric == metric);
    of_metric
        .filter(|comparison| !is_due(comparison))
        .filter(|comparison| comparison.withheld.is_none())
        .map(|comparison| rate_sentence(scenario, comparison))
        .collect()
}

fn rate_sentence(scenario: &ScenarioRecord, comparison: &Comparison) -> Sentence {
    let Comparison { contender, baseline, ratio, .. } = comparison;
    let begin = Sentence::default().plain(format!("{}: ", scenario.name));
    match comparison.verdict {
        Some(Verdict::Equivalent) => begin
            .name(contender)
            .plain(" and ")
            .name(baseline)
            .plain(" are ")
            .set(Tone::Same, "indistinguishable")
            .plain(format!(
                ": {} times as many requests a second{}.",
                significant(*ratio),
                interval(comparison, false)
            )),
        Some(Verdict::Inconclusive { further_rounds }) if comparison.bound.is_none() => {
            let open = undecided(begin, comparison);
            open.plain(format!(
                ": {} times as many requests a second{}{}.",
                significant(*ratio),
                interval(comparison, false),
                further_rounds.map_or_else(String::new, more_rounds)
            ))
        }
        _ => different(begin, scenario, comparison),
    }
}

/// What the rounds do not tell. An interval without 1 shows a difference, so that its size is open,
/// or whether it is chance among so many comparisons.
fn undecided(begin: Sentence, comparison: &Comparison) -> Sentence {
    let Comparison { contender, baseline, low, high, .. } = comparison;
    let differs = low.is_some_and(|low| low > 1.0) || high.is_some_and(|high| high < 1.0);
    let (tell, from, end) = match differs {
        true if comparison.is_beyond_margin => {
            (", for so many comparisons, to tell ", " from ", "")
        }
        true => (" to tell whether ", " differs from ", " by more than the margin"),
        false => (" to tell ", " from ", ""),
    };
    begin
        .set(Tone::Same, "too few rounds")
        .plain(tell)
        .name(contender)
        .plain(from)
        .name(baseline)
        .plain(end)
}

/// The faster one is the sentence's subject, so that the figure is above 1.
fn different(begin: Sentence, scenario: &ScenarioRecord, comparison: &Comparison) -> Sentence {
    let Comparison { contender, baseline, ratio, .. } = comparison;
    let turned = *ratio < 1.0;
    let (fast, slow, ratio, tone) = if turned {
        (baseline, contender, 1.0 / ratio, Tone::Worse)
    } else {
        (contender, baseline, *ratio, Tone::Better)
    };
    // A bound says on which side the truth may lie, not that it does.
    let is_open = matches!(comparison.verdict, Some(Verdict::Inconclusive { .. }));
    let tone = if is_open { Tone::Same } else { tone };
    let bound = match (comparison.bound, turned) {
        (None, _) => "",
        (Some(Bound::AtLeast), false) | (Some(Bound::AtMost), true) => "at least ",
        (Some(Bound::AtMost), false) | (Some(Bound::AtLeast), true) => "at most ",
    };
    let (does, what) = match &scenario.objective {
        Some(objective) => (format!("keeps {objective} at"), "the rate of"),
        None => ("answered".to_owned(), "as many requests a second as"),
    };
    begin
        .name(fast)
        .plain(format!(" {does} {bound}"))
        .set(tone, format!("{} times", significant(ratio)))
        .plain(format!(" {what} "))
        .name(slow)
        .plain(format!("{}.", interval(comparison, turned)))
}

fn more_rounds(rounds: usize) -> String {
    format!("; about {rounds} more round{} would tell", if rounds == 1 { "" } else { "s" })
}

/// ` (11.2 to 12.0)`, of the ratio or, turned, of its reciprocal.
fn interval(comparison: &Comparison, turned: bool) -> String {
    let ends = match (comparison.low, comparison.high) {
        (Some(low), Some(high)) if turned => Some((1.0 / high, 1.0 / low)),
        (Some(low), Some(high)) => Some((low, high)),
        _ => None,
    };
    ends.map_or_else(String::new, |(low, high)| {
        format!(" ({} to {})", significant(low), significant(high))
    })
}

/// Which contender's latency varies least. With intervals it is only said where
/// that of its ratio to the baseline excludes chance; without, as a plain figure.
fn steadiest(analysis: &Analysis<'_>, scenario: &ScenarioRecord) -> Option<Sentence> {
    let metric = format!("{}.response_time_us.stdev", scenario.name);
    let baseline = &analysis.record.suite.baseline;
    let judged = analysis.comparisons.iter().filter(|c| c.metric == metric);
    let judged = judged.filter(|c| c.withheld.is_none() && c.bound.is_none());
    let least = judged.min_by(|a, b| a.ratio.total_cmp(&b.ratio))?;
    let is_steadier = least.ratio < 1.0;
    let (best, worst) =
        if is_steadier { (&least.contender, baseline) } else { (baseline, &least.contender) };
    let supported = match least.verdict {
        Some(verdict) => verdict.is_different(),
        None => true,
    };
    let value = |name: &str| Some(analysis.contender(name)?.metric(&metric)?.estimate);
    let (steady, other) = (time_us(value(best)?), time_us(value(worst)?));
    supported.then(|| {
        Sentence::default()
            .plain(format!("{}: ", scenario.name))
            .name(best)
            .plain(format!(" has the steadier latency: a standard deviation of {steady} against "))
            .name(worst)
            .plain(format!("'s {other}."))
    })
}

/// What closing connections costs: the ratio as asked beside the ratio where all, the one that
/// closes and those that do not, make a connection for each request.
fn closing(analysis: &Analysis<'_>, scenario: &ScenarioRecord) -> Vec<Sentence> {
    let Some(kept) = &scenario.fresh_for else {
        return Vec::new();
    };
    let ratio = |scenario: &str, contender: &str| {
        let metric = format!("{scenario}.requests_per_second");
        let found = analysis.comparison(&metric, contender)?;
        found.withheld.is_none().then(|| ratio_with_interval(found))
    };
    let baseline = &analysis.record.suite.baseline;
    let closes = |name: &str| {
        let confounders = analysis.contender(name).map(|found| found.confounders.as_slice());
        confounders.unwrap_or_default().iter().any(|found| found.code == "connection-close")
    };
    let others = analysis.contenders.iter().map(|contender| contender.record.name.as_str());
    others
        .filter(|name| name != baseline && closes(name) != closes(baseline))
        .filter_map(|name| {
            let closer = if closes(name) { name } else { baseline };
            let text = format!(
                "{kept}: {closer} closes its connections: {name} over {baseline} is {} as asked \
                 and {} with a fresh connection for each request for both.",
                ratio(kept, name)?,
                ratio(&scenario.name, name)?
            );
            Some(Sentence::default().plain(text))
        })
        .collect()
}

fn ratio_with_interval(comparison: &Comparison) -> String {
    let bound = comparison.bound.map_or(String::new(), |bound| format!("{} ", bound.symbol()));
    format!("{bound}{}x{}", significant(comparison.ratio), interval(comparison, false))
}

fn startups(analysis: &Analysis<'_>) -> Option<Sentence> {
    let started = analysis.contenders.iter().filter_map(|contender| {
        let metric = contender.metric("startup_ms")?;
        Some((contender.record.name.as_str(), metric))
    });
    let mut started: Vec<_> = started.collect();
    started.sort_by(|a, b| a.1.estimate.total_cmp(&b.1.estimate));
    let (first, last) = (started.first()?, started.last()?);
    (started.len() > 1).then(|| {
        Sentence::default()
            .plain("start-up: ")
            .name(first.0)
            .plain(format!(" answers after {}, ", with_unit(first.1.estimate, first.1.unit)))
            .name(last.0)
            .plain(format!(" after {}.", with_unit(last.1.estimate, last.1.unit)))
    })
}

fn images(analysis: &Analysis<'_>) -> Vec<Sentence> {
    let has_its_own =
        |name: &str| analysis.contender(name).is_some_and(|c| c.record.own_image().is_some());
    let of_images = analysis
        .comparisons
        .iter()
        .filter(|c| c.metric == "image_unpacked_bytes" && has_its_own(&c.contender));
    of_images.filter_map(|comparison| image_sentence(analysis, comparison)).collect()
}

fn image_sentence(analysis: &Analysis<'_>, comparison: &Comparison) -> Option<Sentence> {
    let size =
        |name: &str| Some(analysis.contender(name)?.metric("image_unpacked_bytes")?.estimate);
    let (mine, theirs) = (size(&comparison.contender)?, size(&comparison.baseline)?);
    let change = if mine <= theirs {
        format!("{:.0} % smaller than", (1.0 - mine / theirs) * 100.0)
    } else {
        format!("{} times the size of", significant(mine / theirs))
    };
    Some(
        Sentence::default()
            .plain("image: ")
            .name(&comparison.contender)
            .plain(format!("'s is {change} "))
            .name(&comparison.baseline)
            .plain(format!("'s ({} against {}).", bytes(mine), bytes(theirs))),
    )
}
