//! The sentences that a reader would otherwise draw from the tables by hand.

use jigger_stats::Verdict;

use super::sentence::Sentence;
use super::units::{bytes, fine, percent, significant, with_unit};
use super::{Tone, counterparts};
use crate::analysis::{Analysis, Comparison, checked_share, headline, startup_times_ms};
use crate::caveat::Code;
use crate::metric::{Kind, Metric, Role, Unit};
use crate::numbers::number;
use crate::record::{ArtifactRecord, BuildKind, ContenderRecord, PacingRecord, ScenarioRecord};

pub fn sentences(analysis: &Analysis<'_>) -> Vec<Sentence> {
    let mut sentences = Vec::new();
    for scenario in &analysis.record.suite.scenarios {
        // A noisy machine's figures stand in the tables; no sentence is made of them.
        if !analysis.quiet.is_too_noisy() {
            sentences.extend(ranking(analysis, scenario));
            sentences.extend(comparisons(analysis, scenario));
            sentences.extend(counterparts::differences(analysis, scenario));
            sentences.extend(counterparts::handshakes(analysis, scenario));
        }
        sentences.extend(closing(analysis, scenario));
    }
    sentences.extend(startups(analysis));
    sentences.extend(images(analysis));
    sentences.extend(costs(analysis).into_iter().map(Sentence::from));
    sentences.extend(checks(analysis).map(Sentence::from));
    sentences
}

/// What of the responses under load was held to the suite's expectations.
fn checks(analysis: &Analysis<'_>) -> Option<String> {
    let scenarios = &analysis.record.suite.scenarios;
    let shares = analysis.contenders.iter().flat_map(|contender| {
        let name = contender.record.name.as_str();
        let share = |scenario: &ScenarioRecord| {
            Some((
                name,
                scenario.name.clone(),
                checked_share(analysis.record, name, &scenario.name)?,
            ))
        };
        scenarios.iter().filter_map(share).collect::<Vec<_>>()
    });
    let shares: Vec<(&str, String, f64)> = shares.collect();
    let sampled = shares.iter().filter(|(_, _, share)| *share < 1.0);
    let sampled = sampled
        .map(|(name, scenario, share)| format!("{} of {name} in {scenario}", percent(*share)));
    let sampled: Vec<String> = sampled.collect();
    match (shares.is_empty(), sampled.as_slice()) {
        (true, _) => None,
        (false, []) => Some("Every response under load was checked.".to_owned()),
        (false, sampled) => Some(format!(
            "The status of every response under load was checked, and the body of a sample where that \
             takes long: {}.",
            sampled.join(", ")
        )),
    }
}

/// Who comes first, by how much before the next, where more than one rank was given.
fn ranking(analysis: &Analysis<'_>, scenario: &ScenarioRecord) -> Option<Sentence> {
    let ranked = analysis.ranking(scenario);
    let placed: Vec<(usize, &str)> = ranked
        .iter()
        .filter_map(|found| Some((found.rank?, found.contender.record.name.as_str())))
        .collect();
    if placed.len() < 3 || placed.iter().all(|(rank, _)| *rank == 1) {
        return None;
    }
    let mut sentence = Sentence::default().plain(format!("{}: ", scenario.name));
    for (at, (rank, name)) in placed.iter().enumerate() {
        let is_tied = at > 0 && placed[at - 1].0 == *rank;
        let place = match (at, is_tied) {
            (0, _) => format!("{rank}. "),
            (_, true) => ", ".to_owned(),
            (_, false) => format!("; {rank}. "),
        };
        sentence = sentence.plain(place).name(name);
    }
    Some(sentence.plain("."))
}

/// What the baseline is to each other contender, by the scenario's first headline metric.
fn comparisons(analysis: &Analysis<'_>, scenario: &ScenarioRecord) -> Vec<Sentence> {
    let metric = headline(scenario).of(&scenario.name);
    let of_metric = analysis.comparisons.iter().filter(|c| c.metric == metric);
    let margin = analysis.record.suite.margin;
    of_metric.filter_map(|comparison| comparison_sentence(scenario, margin, comparison)).collect()
}

/// What a comparison says, its size and its certainty; nothing without a verdict.
fn comparison_sentence(
    scenario: &ScenarioRecord,
    margin: f64,
    comparison: &Comparison<'_>,
) -> Option<Sentence> {
    let Comparison { contender, baseline, ratio, largest_difference, .. } = comparison;
    let begin = Sentence::default().plain(format!("{}: ", scenario.name));
    let verdict = comparison.verdict?;
    Some(match verdict {
        Verdict::Same => begin
            .name(contender)
            .plain(" and ")
            .name(baseline)
            .plain(" are ")
            .set(Tone::Same, "the same")
            .plain(format!(
                " within {}: {}x{}.",
                percent(margin),
                fine(*ratio),
                interval(comparison)
            )),
        Verdict::NotShown => begin
            .plain("no difference was shown between ")
            .name(contender)
            .plain(" and ")
            .name(baseline)
            .plain("; if there is one, it is ")
            .set(Tone::Same, format!("below {}", percent((*largest_difference)?)))
            .plain("."),
        Verdict::Better | Verdict::Worse | Verdict::ProbablyBetter | Verdict::ProbablyWorse => {
            different(begin, scenario, comparison, verdict)
        }
    })
}

/// The faster one is the sentence's subject, so that the figure is above 1.
fn different(
    begin: Sentence,
    scenario: &ScenarioRecord,
    comparison: &Comparison<'_>,
    verdict: Verdict,
) -> Sentence {
    let is_contender = matches!(verdict, Verdict::Better | Verdict::ProbablyBetter);
    // As the ratio of the greater value to the smaller one.
    let turned = if comparison.ratio < 1.0 { comparison.turned() } else { comparison.clone() };
    let (fast, slow) = match is_contender {
        true => (&comparison.contender, &comparison.baseline),
        false => (&comparison.baseline, &comparison.contender),
    };
    let is_sure = verdict.is_different();
    let tone = match (is_sure, is_contender) {
        (false, _) => Tone::Same,
        (true, true) => Tone::Better,
        (true, false) => Tone::Worse,
    };
    let bound = turned.bound.map_or_else(String::new, |bound| format!("{} ", bound.words()));
    let times =
        format!("{bound}{} times", significant(turned.supported_end().unwrap_or(turned.ratio)));
    let ends = match (turned.bound, turned.low) {
        (None, Some(low)) if is_sure => format!(", at least {} times", significant(low)),
        (None, _) => interval(&turned),
        _ => String::new(),
    };
    let probably = if is_sure { "" } else { "probably " };
    let (subject, does, what, object) = match scenario.pacing() {
        PacingRecord::Capacity { objective, .. } => {
            (fast, format!("{probably}meets {objective} at"), "the rate of", slow)
        }
        PacingRecord::Closed => {
            (fast, format!("{probably}served"), "as many requests per second as", slow)
        }
        PacingRecord::Rate { .. } => {
            (slow, format!("{probably}takes"), "as long for a response (p50) as", fast)
        }
    };
    begin
        .name(subject)
        .plain(format!(" {does} "))
        .set(tone, times)
        .plain(format!(" {what} "))
        .name(object)
        .plain(format!("{ends}."))
}

/// ` (11.2 to 12.0)`; nothing where an end is not known.
fn interval(comparison: &Comparison<'_>) -> String {
    let ends = comparison.low.zip(comparison.high);
    ends.map_or_else(String::new, |(low, high)| format!(" ({} to {})", fine(low), fine(high)))
}

/// What closing connections costs: the ratio of the scenario beside the ratio where all, the one that
/// closes and those that do not, make a connection for each request.
fn closing(analysis: &Analysis<'_>, scenario: &ScenarioRecord) -> Vec<Sentence> {
    let Some(kept) = &scenario.fresh_for else {
        return Vec::new();
    };
    let ratio = |scenario: &str, contender: &str| {
        let metric = Kind::RequestsPerSecond.of(scenario);
        let found = analysis.comparison(metric, contender)?;
        found.withheld.is_none().then(|| ratio_with_interval(found))
    };
    let baseline = &analysis.record.suite.baseline;
    let closes = |name: &str| {
        let confounders = analysis.contender(name).map(|found| found.confounders.as_slice());
        confounders.unwrap_or_default().iter().any(|found| found.code == Code::ConnectionClose)
    };
    let others = analysis.contenders.iter().map(|contender| contender.record.name.as_str());
    others
        .filter(|name| name != baseline && closes(name) != closes(baseline))
        .filter_map(|name| {
            let closer = if closes(name) { name } else { baseline };
            let text = format!(
                "{kept}: {closer} closes its connections: {name} over {baseline} is {} with keep-alive \
                 and {} with one connection per request for both.",
                ratio(kept, name)?,
                ratio(&scenario.name, name)?
            );
            Some(Sentence::default().plain(text))
        })
        .collect()
}

fn ratio_with_interval(comparison: &Comparison<'_>) -> String {
    match comparison.bound {
        None => format!("{}x{}", significant(comparison.ratio), interval(comparison)),
        Some(_) => super::tables::ratio_text(comparison),
    }
}

fn startups(analysis: &Analysis<'_>) -> Option<Sentence> {
    let started = analysis.contenders.iter().filter_map(|contender| {
        let summary = contender.summary(Kind::Startup)?;
        Some((contender.record.name.as_str(), summary.estimate))
    });
    let mut started: Vec<_> = started.collect();
    started.sort_by(|a, b| a.1.total_cmp(&b.1));
    let (first, last) = (started.first()?, started.last()?);
    let shown = |time: f64| with_unit(time, Kind::Startup.descriptor().unit);
    (started.len() > 1).then(|| {
        Sentence::default()
            .plain("start-up: ")
            .name(first.0)
            .plain(format!(" responds after {}, ", shown(first.1)))
            .name(last.0)
            .plain(format!(" after {}.", shown(last.1)))
    })
}

fn images(analysis: &Analysis<'_>) -> Vec<Sentence> {
    let has_its_own =
        |name: &str| analysis.contender(name).is_some_and(|c| c.record.own_image().is_some());
    let of_images = analysis
        .comparisons
        .iter()
        .filter(|c| c.metric == Metric::from(Kind::ImageUnpacked) && has_its_own(&c.contender));
    of_images.filter_map(|comparison| image_sentence(analysis, comparison)).collect()
}

fn image_sentence(analysis: &Analysis<'_>, comparison: &Comparison<'_>) -> Option<Sentence> {
    let size = |name: &str| Some(analysis.contender(name)?.summary(Kind::ImageUnpacked)?.estimate);
    let (mine, theirs) = (size(&comparison.contender)?, size(&comparison.baseline)?);
    let change = if mine <= theirs {
        format!("{:.0} % smaller than", (1.0 - mine / theirs) * 100.0)
    } else {
        format!("{} times as large as", significant(mine / theirs))
    };
    Some(
        Sentence::default()
            .plain("image: ")
            .name(&comparison.contender)
            .plain(format!(" is {change} "))
            .name(&comparison.baseline)
            .plain(format!(" ({} and {}).", bytes(mine), bytes(theirs))),
    )
}

/// What servers cost beside their speed: start-up, builds, containers.
fn costs(analysis: &Analysis<'_>) -> Vec<String> {
    let mut sentences = Vec::new();
    sentences.extend(launches(analysis));
    sentences.extend(builds(analysis));
    sentences.extend(containers(analysis));
    sentences
}

/// How start-up times are spread, where more launches were made than rounds.
fn launches(analysis: &Analysis<'_>) -> Vec<String> {
    if analysis.record.launches.is_empty() {
        return Vec::new();
    }
    let spread = |name: &str| {
        let contender = analysis.contender(name)?;
        let value =
            |kind: Kind| Some(with_unit(contender.summary(kind)?.estimate, kind.descriptor().unit));
        let launches = startup_times_ms(analysis.record, name).len();
        let p90 = value(Kind::StartupP90).map_or_else(String::new, |p90| format!(", p90 {p90}"));
        Some(format!(
            "start-up: {name}: p50 {}{p90}, {} to {} in {launches} launches.",
            value(Kind::StartupP50)?,
            value(Kind::StartupMin)?,
            value(Kind::StartupMax)?
        ))
    };
    let names = analysis.contenders.iter().map(|contender| contender.record.name.as_str());
    names.filter_map(spread).collect()
}

fn builds(analysis: &Analysis<'_>) -> Vec<String> {
    let contenders = analysis.contenders.iter().map(|contender| contender.record);
    contenders
        .filter_map(|contender| Some(build(contender, contender.artifact.as_ref()?)))
        .collect()
}

fn build(contender: &ContenderRecord, made: &ArtifactRecord) -> String {
    let ArtifactRecord { path, bytes: size, build } = made;
    let time = contender.build_seconds.map_or_else(String::new, |seconds| {
        let took = with_unit(seconds, Unit::Seconds);
        match build {
            BuildKind::Clean => format!(", clean build {took}"),
            BuildKind::First => format!(", first build {took}"),
            BuildKind::Changed => format!(", incremental build {took}"),
            BuildKind::Unchanged => format!("; nothing was rebuilt ({took})"),
        }
    });
    let size = bytes(number(*size));
    format!("build: {}: {path} {size}{time}.", contender.name)
}

/// What a container adds or takes, in the metrics that people ask about.
fn containers(analysis: &Analysis<'_>) -> Vec<String> {
    let said = |found: &Comparison<'_>| Some(container(found, &subject(analysis, found)?));
    let shown = analysis.containers.iter().filter(|found| found.withheld.is_none());
    shown.filter_map(said).collect()
}

/// What the ratio is of, in words; nothing for metrics that say the same again.
fn subject(analysis: &Analysis<'_>, comparison: &Comparison<'_>) -> Option<String> {
    let descriptor = comparison.metric.descriptor();
    let subject = descriptor.subject?;
    let Some(name) = comparison.metric.scenario else {
        return Some(subject.to_owned());
    };
    // Where requests come at a fixed rate, all serve equally many.
    let is_free = analysis.record.scenario(name).is_some_and(|found| !found.is_rate_given());
    (is_free || descriptor.role != Role::OfFreeRate).then(|| format!("{subject} {name}"))
}

fn container(comparison: &Comparison<'_>, subject: &str) -> String {
    let Comparison { baseline, ratio, low, high, bound, .. } = comparison;
    let interval = low.zip(*high).map_or_else(String::new, |(low, high)| {
        format!(" ({} to {})", significant(low), significant(high))
    });
    let bound = bound.map_or_else(String::new, |bound| format!("{} ", bound.words()));
    format!(
        "in a container: {baseline}'s {subject} is {bound}{}x that of its bare process{interval}.",
        significant(*ratio)
    )
}
