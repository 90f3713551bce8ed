//! Sentences on what servers cost beside their speed: start-up, builds, containers.

use super::units::{bytes, significant, with_unit};
use crate::analysis::{Analysis, Comparison, startup_times_ms};
use crate::metric::{Bound, Kind, Role, Unit};
use crate::numbers::number;
use crate::record::{ArtifactRecord, BuildKind, ContenderRecord};

/// All of them.
pub fn sentences(analysis: &Analysis<'_>) -> Vec<String> {
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
            BuildKind::Clean => format!("; built anew in {took}"),
            BuildKind::First => format!("; built for the first time in {took}"),
            BuildKind::Changed => format!("; built on what was there in {took}"),
            BuildKind::Unchanged => format!("; nothing had changed, so {took} is no build time"),
        }
    });
    let size = bytes(number(*size));
    format!("build: {}'s {path} has {size}{time}.", contender.name)
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
    let mut scenarios = analysis.record.suite.scenarios.iter();
    let is_free = scenarios.any(|found| found.name == name && found.rate_per_second.is_none());
    (is_free || descriptor.role != Role::OfFreeRate).then(|| format!("{subject} {name}"))
}

fn container(comparison: &Comparison<'_>, subject: &str) -> String {
    let Comparison { baseline, ratio, low, high, bound, .. } = comparison;
    let interval = low.zip(*high).map_or_else(String::new, |(low, high)| {
        format!(" ({} to {})", significant(low), significant(high))
    });
    let bound = match bound {
        None => "",
        Some(Bound::AtLeast) => "at least ",
        Some(Bound::AtMost) => "at most ",
    };
    format!(
        "in a container: {baseline}'s {subject} is {bound}{}x that of its bare process{interval}.",
        significant(*ratio)
    )
}
