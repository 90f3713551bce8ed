//! All contenders by the figures that people choose by, the best value of each column marked.

use super::{busiest, scenarios};
use crate::analysis::{Analysis, ContenderResult, Summary, headline};
use crate::metric::{Kind, Metric};
use crate::report::tables::{bounded, measured};
use crate::report::units::with_unit;

pub struct Matrix {
    pub heading: Vec<String>,
    /// The contender, and its figure in each column with whether none is better.
    pub rows: Vec<(String, Vec<(String, bool)>)>,
}

/// Kinds of a whole server that are of interest, with their headings.
const OF_SERVER: [(Kind, &str); 3] = [
    (Kind::MemoryPeak, "peak memory"),
    (Kind::Startup, "start-up"),
    (Kind::ImageUnpacked, "image"),
];

/// The headline metric of each scenario, CPU per request, memory, start-up, image; columns without a
/// figure are left out.
pub fn matrix(analysis: &Analysis<'_>) -> Matrix {
    let mut columns: Vec<(Metric<'_>, String)> = Vec::new();
    for scenario in scenarios(analysis) {
        let kind = headline(scenario);
        let unit = kind.descriptor().column.unwrap_or_default();
        columns.push((kind.of(&scenario.name), format!("{}: {unit}", scenario.name)));
    }
    columns.extend(busiest(analysis).map(|scenario| {
        (Kind::CpuPerRequest.of(&scenario.name), format!("{}: CPU/req", scenario.name))
    }));
    columns.extend(OF_SERVER.map(|(kind, heading)| (Metric::from(kind), heading.to_owned())));
    columns.retain(|(metric, _)| measured(analysis).any(|it| it.summary(*metric).is_some()));
    let rows = in_order(analysis).into_iter().map(|contender| {
        let cells = columns.iter().map(|(metric, _)| {
            let Some(found) = contender.summary(*metric) else { return ("-".to_owned(), false) };
            let text = with_unit(found.estimate, metric.descriptor().unit);
            (bounded(found.bound, text), is_best(analysis, *metric, &contender.record.name, found))
        });
        (contender.record.name.clone(), cells.collect())
    });
    let rows = rows.collect();
    Matrix { heading: columns.into_iter().map(|(_, heading)| heading).collect(), rows }
}

/// Those with figures, best first by the busiest scenario.
pub fn in_order<'a>(analysis: &'a Analysis<'_>) -> Vec<&'a ContenderResult<'a>> {
    let mut servers: Vec<&ContenderResult<'_>> = measured(analysis).collect();
    let ranking = busiest(analysis).map_or_else(Vec::new, |scenario| analysis.ranking(scenario));
    let place = |contender: &ContenderResult<'_>| {
        ranking.iter().position(|it| it.contender.record.name == contender.record.name)
    };
    servers.sort_by_key(|contender| place(contender).unwrap_or(ranking.len()));
    servers
}

/// By the ranking where the metric decides one; otherwise no interval lies wholly on the better side
/// of its own.
fn is_best(analysis: &Analysis<'_>, metric: Metric<'_>, name: &str, mine: &Summary<'_>) -> bool {
    let scenario = metric.scenario.and_then(|scenario| analysis.record.scenario(scenario));
    if let Some(scenario) = scenario.filter(|scenario| headline(scenario) == metric.kind) {
        let ranking = analysis.ranking(scenario);
        return ranking.iter().any(|it| it.rank == Some(1) && it.contender.record.name == name);
    }
    let ends = |found: &Summary<'_>| {
        (found.low.unwrap_or(found.estimate), found.high.unwrap_or(found.estimate))
    };
    let is_more_better = metric.descriptor().is_more_better();
    let is_beaten = |other: &Summary<'_>| match is_more_better {
        true => ends(other).0 > ends(mine).1,
        false => ends(other).1 < ends(mine).0,
    };
    !measured(analysis).filter_map(|it| it.summary(metric)).any(is_beaten)
}
