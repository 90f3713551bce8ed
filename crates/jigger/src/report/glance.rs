//! The report at a glance: who is fastest, by how much, what limited each, what was not alike. What
//! every format shows first; the rest is detail.

mod caveats;
mod matrix;

pub use caveats::{Caveat, caveats, marks, marks_of, numbers_of};
use matrix::in_order;
pub use matrix::{Matrix, matrix};

use jigger_stats::Verdict;

use super::curves::{self, Curve, Point, curves};
use super::sentence::Sentence;
use super::tables::{
    CONNECT, HANDSHAKE, LIMIT, Table, cost_table, grouped_names, measured, policy, scenario_table,
    streams,
};
use super::units::{bytes, count, percent, significant};
use super::{Tone, counterparts, services};
use crate::analysis::{Analysis, Comparison, Ranked, headline};
use crate::metric::{Kind, Metric};
use crate::record::{PacingRecord, ScenarioRecord};

/// The scenarios that the suite asks for; those that only tell what closing costs are in a caveat.
pub fn scenarios<'a>(analysis: &Analysis<'a>) -> impl Iterator<Item = &'a ScenarioRecord> {
    analysis.record.suite.scenarios.iter().filter(|scenario| scenario.fresh_for.is_none())
}

/// One table for each scenario and one of the costs, with the numbers of the caveats beside the figures
/// that they touch.
pub fn tables(analysis: &Analysis<'_>, caveats: &[Caveat<'_>]) -> Vec<Table> {
    let of_scenario = |scenario: &ScenarioRecord| {
        let mut table = scenario_table(analysis, scenario);
        table.title = title(scenario);
        let ranking = analysis.ranking(scenario);
        let marks = ranking
            .iter()
            .map(|found| marks(caveats, &found.contender.record.name, &scenario.name));
        if scenario.is_rate_given() {
            // All have the rate that the title names.
            table.remove_column(1);
        }
        table.remove_columns(&[CONNECT, HANDSHAKE]);
        shared_limit(&mut table);
        remove_empty_columns(&mut table);
        add_marks(&mut table, marks.collect());
        table
    };
    // Those of a matrix are one table.
    let single = scenarios(analysis).filter(|scenario| scenario.variant.is_none());
    let mut tables: Vec<Table> = single.map(of_scenario).collect();
    tables.extend(curves(analysis).iter().map(|curve| curve_table(curve, caveats)));
    let mut costs = cost_table(analysis);
    remove_empty_columns(&mut costs);
    costs.heading[0] = std::mem::take(&mut costs.title);
    let order: Vec<&str> = in_order(analysis).iter().map(|it| it.record.name.as_str()).collect();
    costs.rows.sort_by_key(|row| order.iter().position(|name| *name == row[0]));
    tables.push(costs);
    tables.extend(services::tables(analysis));
    tables.retain(|table| !table.rows.is_empty());
    tables
}

fn curve_table(curve: &Curve<'_>, caveats: &[Caveat<'_>]) -> Table {
    let mut table = curves::table(curve);
    let marks = |at: &Point<'_>| marks(caveats, &at.contender.record.name, &at.scenario.name);
    add_marks(&mut table, curve.points().map(marks).collect());
    table
}

/// `saturation: 32 connections, keep-alive`.
pub fn title(scenario: &ScenarioRecord) -> String {
    let connections = count(scenario.connections, "connection") + &streams(scenario);
    let policy = policy(scenario, "new for each request, TLS resumed");
    let pacing = match scenario.pacing() {
        PacingRecord::Closed => String::new(),
        PacingRecord::Rate { per_second, .. } => format!(", {per_second} requests/s"),
        PacingRecord::Capacity { objective, .. } => format!(", highest rate with {objective}"),
    };
    format!("{}: {connections}, {policy}{pacing}", scenario.name)
}

/// `server CPU`, or of each limit who had it: `server CPU (flask); connections (axum, gin)`.
pub fn limits(analysis: &Analysis<'_>, scenario: &ScenarioRecord) -> Option<String> {
    let limit = |found: &Ranked<'_>| {
        let name = &found.contender.record.name;
        Some((analysis.limit(name, &scenario.name)?.words().to_owned(), name.clone()))
    };
    let limits: Vec<(String, String)> =
        analysis.ranking(scenario).iter().filter_map(limit).collect();
    let (first, _) = limits.first()?;
    let is_shared = limits.iter().all(|(limit, _)| limit == first);
    Some(if is_shared { first.clone() } else { grouped_names(limits.into_iter()) })
}

/// A limit that all have is told once, in the title.
fn shared_limit(table: &mut Table) {
    let Some(at) = table.heading.iter().position(|heading| heading == LIMIT) else { return };
    let limit = table.rows.first().map(|row| row[at].clone()).unwrap_or_default();
    if table.rows.iter().all(|row| row[at] == limit) {
        if limit != "-" {
            table.title.push_str(&format!("; limit: {limit}"));
        }
        table.remove_column(at);
    }
}

/// A baseline that is alone has no ratio.
fn remove_empty_columns(table: &mut Table) {
    for at in (1..table.heading.len()).rev() {
        if table.rows.iter().all(|row| row[at] == "-" || row[at] == "baseline") {
            table.remove_column(at);
        }
    }
}

/// The last column, with a cell for each row, where there is anything in it.
fn add_marks(table: &mut Table, marks: Vec<Option<String>>) {
    if marks.iter().any(Option::is_some) {
        table.heading.push(String::new());
        for (row, mark) in table.rows.iter_mut().zip(marks) {
            row.push(mark.unwrap_or_default());
        }
    }
}

/// Sentences beyond these are no summary.
const SENTENCES_MAX: usize = 8;

/// Who is fastest and by how much, the busiest scenario first and in full, what variants cost there, and
/// whose image is smallest.
/// Nothing on speed from a machine that was too noisy.
pub fn summary(analysis: &Analysis<'_>) -> Vec<Sentence> {
    let mut sentences: Vec<Sentence> = Vec::new();
    let main = busiest(analysis);
    if !analysis.quiet.is_too_noisy() {
        let others =
            scenarios(analysis).filter(|scenario| Some(&scenario.name) != main.map(|it| &it.name));
        let of = |scenario| of_scenario(analysis, scenario, main);
        let of_scenarios = main.into_iter().chain(others).filter_map(of);
        sentences.extend(of_scenarios.take(SENTENCES_MAX - 1));
        sentences.extend(main.map_or_else(Vec::new, |it| counterparts::differences(analysis, it)));
        sentences
            .extend(scenarios(analysis).filter_map(|it| counterparts::handshakes(analysis, it)));
    }
    sentences.extend(images(analysis));
    sentences
}

/// The closed loop with the most connections: what a comparison is usually about. Any other where there
/// is none.
pub fn busiest<'a>(analysis: &Analysis<'a>) -> Option<&'a ScenarioRecord> {
    let weight = |scenario: &&ScenarioRecord| (!scenario.is_rate_given(), scenario.connections);
    // Of several the first.
    scenarios(analysis).fold(None, |best: Option<&ScenarioRecord>, scenario| match best {
        Some(best) if weight(&best) >= weight(&scenario) => Some(best),
        _ => Some(scenario),
    })
}

fn of_scenario(
    analysis: &Analysis<'_>,
    scenario: &ScenarioRecord,
    main: Option<&ScenarioRecord>,
) -> Option<Sentence> {
    let ranking = analysis.ranking(scenario);
    let ranked: Vec<(usize, &str)> = ranking
        .iter()
        .filter_map(|Ranked { rank, contender, .. }| {
            Some(((*rank)?, contender.record.name.as_str()))
        })
        .collect();
    let leaders: Vec<&str> =
        ranked.iter().filter(|(rank, _)| *rank == 1).map(|(_, name)| *name).collect();
    if ranked.len() < 2 {
        return None;
    }
    let begin = Sentence::default().plain(format!("{}: ", scenario.name));
    if leaders.len() == ranked.len() {
        return alike(analysis, scenario, begin, &leaders);
    }
    let fastest = listed(begin, &leaders).plain(leads(scenario, leaders.len()));
    let metric = headline(scenario).of(&scenario.name);
    let baseline = analysis.record.suite.baseline.as_str();
    if main.is_some_and(|main| main.name == scenario.name) || leaders.contains(&baseline) {
        let led = with_ratios(analysis, metric, fastest, &ranked, &leaders);
        return Some(behind_baseline(analysis, metric, led, &leaders).plain("."));
    }
    Some(fastest.plain(brief(analysis, metric, &leaders)).plain("."))
}

/// ` (5.89x and 5.15x, both at least 4.25x)`: the leaders' ratios to the baseline.
fn brief(analysis: &Analysis<'_>, metric: Metric<'_>, leaders: &[&str]) -> String {
    let baseline = &analysis.record.suite.baseline;
    let ratios = leaders.iter().map(|leader| analysis.between(metric, leader, baseline));
    match ratios.collect::<Option<Vec<_>>>() {
        Some(ratios) if ratios.iter().all(|found| found.withheld.is_none()) => {
            let (times, surely) = times(&ratios);
            format!(" ({times}{})", surely.map_or_else(String::new, |end| format!(", {end}")))
        }
        _ => String::new(),
    }
}

/// No difference was shown between any of them: stated only of two, or when none differs from the baseline.
fn alike(
    analysis: &Analysis<'_>,
    scenario: &ScenarioRecord,
    begin: Sentence,
    names: &[&str],
) -> Option<Sentence> {
    let metric = headline(scenario).of(&scenario.name);
    let of_metric: Vec<&Comparison<'_>> =
        analysis.comparisons.iter().filter(|found| found.metric == metric).collect();
    let has = |verdict: Verdict| of_metric.iter().all(|found| found.verdict == Some(verdict));
    if of_metric.is_empty() || of_metric.iter().any(|found| found.verdict.is_none()) {
        return None;
    }
    if has(Verdict::Same) {
        let margin = percent(analysis.record.suite.margin);
        return Some(listed(begin, names).plain(format!(" are the same within {margin}.")));
    }
    let largest = of_metric.iter().filter_map(|found| found.largest_difference);
    let below = largest.reduce(f64::max).map_or_else(String::new, |largest| match largest > 1.0 {
        true => format!("; any ratio to the baseline is below {}x", significant(1.0 + largest)),
        false => format!("; any difference from the baseline is below {}", percent(largest)),
    });
    let begin = begin.plain("no difference shown between ");
    Some(listed(begin, names).plain(format!("{below}.")))
}

/// `a`, `a and b`, `a, b and c`.
fn listed(mut sentence: Sentence, names: &[&str]) -> Sentence {
    for (at, name) in names.iter().enumerate() {
        let before = match at {
            0 => "",
            _ if at + 1 == names.len() => " and ",
            _ => ", ",
        };
        sentence = sentence.plain(before).set(Tone::Strong, *name);
    }
    sentence
}

fn leads(scenario: &ScenarioRecord, leaders: usize) -> &'static str {
    match (scenario.pacing(), leaders) {
        (PacingRecord::Closed, 1) => " is fastest",
        (PacingRecord::Closed, _) => " are fastest",
        (PacingRecord::Rate { .. }, 1) => " has the lowest p50",
        (PacingRecord::Rate { .. }, _) => " have the lowest p50",
        (PacingRecord::Capacity { .. }, 1) => " sustains the highest rate",
        (PacingRecord::Capacity { .. }, _) => " sustain the highest rates",
    }
}

/// The leaders' ratios to the baseline; one leader's to who comes next, too.
fn with_ratios(
    analysis: &Analysis<'_>,
    metric: Metric<'_>,
    sentence: Sentence,
    ranked: &[(usize, &str)],
    leaders: &[&str],
) -> Sentence {
    let baseline = analysis.record.suite.baseline.as_str();
    let next = ranked.get(leaders.len()).map_or(baseline, |(_, name)| name);
    let mut others = vec![baseline];
    if leaders.len() == 1 && next != baseline {
        others.push(next);
    }
    others.retain(|other| !leaders.contains(other));
    let mut parts = Vec::new();
    for other in others {
        let ratios = leaders.iter().map(|leader| analysis.between(metric, leader, other));
        if let Some(ratios) = ratios.collect::<Option<Vec<_>>>()
            && ratios.iter().all(|found| found.withheld.is_none())
        {
            let (times, surely) = times(&ratios);
            let surely = surely.map_or_else(String::new, |end| format!(" ({end})"));
            parts.push(format!("{times} {other}{surely}"));
        }
    }
    if parts.is_empty() { sentence } else { sentence.plain(": ").plain(parts.join(", ")) }
}

/// `1.84x and 1.73x`, and what is certain of all, where every difference is: `both at least 1.43x`.
fn times(ratios: &[Comparison<'_>]) -> (String, Option<String>) {
    let shown: Vec<String> = ratios.iter().map(one_ratio).collect();
    let is_sure = |found: &Comparison<'_>| {
        found.bound.is_none() && found.verdict.is_none_or(Verdict::is_different)
    };
    let is_above = ratios.iter().all(|found| found.ratio >= 1.0);
    let ends: Option<Vec<f64>> =
        ratios.iter().map(|found| if is_above { found.low } else { found.high }).collect();
    let ends = ends.filter(|_| ratios.iter().all(is_sure));
    // The end that is nearest to no difference.
    let end =
        ends.and_then(|ends| ends.into_iter().reduce(if is_above { f64::min } else { f64::max }));
    let side = if is_above { "at least" } else { "at most" };
    let all = match ratios.len() {
        1 => "",
        2 => "both ",
        _ => "all ",
    };
    let surely = end.map(|end| format!("{all}{side} {}x", significant(end)));
    (shown.join(" and "), surely)
}

/// `1.84x`, `at least 1.84x`, `probably 1.84x`, `1.84x with no difference shown`.
fn one_ratio(found: &Comparison<'_>) -> String {
    let ratio = match (found.bound, found.supported_end()) {
        (Some(bound), Some(end)) => format!("{} {}x", bound.words(), significant(end)),
        _ => format!("{}x", significant(found.ratio)),
    };
    match found.verdict {
        Some(Verdict::ProbablyBetter | Verdict::ProbablyWorse) => format!("probably {ratio}"),
        Some(Verdict::NotShown) => format!("{ratio} with no difference shown"),
        _ => ratio,
    }
}

/// Who is surely worse than the baseline.
fn behind_baseline(
    analysis: &Analysis<'_>,
    metric: Metric<'_>,
    mut sentence: Sentence,
    leaders: &[&str],
) -> Sentence {
    let baseline = analysis.record.suite.baseline.as_str();
    if leaders.contains(&baseline) {
        return sentence;
    }
    let worse = analysis
        .comparisons
        .iter()
        .filter(|found| found.metric == metric && found.verdict == Some(Verdict::Worse));
    for found in worse {
        let (times, surely) = times(std::slice::from_ref(found));
        let surely = surely.map_or_else(String::new, |end| format!(" ({end})"));
        let name = found.contender.as_str();
        let text = format!(" is slower: {times} {baseline}{surely}");
        sentence = sentence.plain("; ").set(Tone::Strong, name).plain(text);
    }
    sentence
}

fn images(analysis: &Analysis<'_>) -> Option<Sentence> {
    let size = |name: &str| {
        let contender = analysis.contender(name)?;
        contender.record.own_image()?;
        Some(contender.summary(Kind::ImageUnpacked)?.estimate)
    };
    let names = measured(analysis).map(|contender| contender.record.name.as_str());
    let mut sizes: Vec<(&str, f64)> = names.filter_map(|name| Some((name, size(name)?))).collect();
    sizes.sort_by(|a, b| a.1.total_cmp(&b.1));
    let [(smallest, least), (next, more), ..] = sizes[..] else { return None };
    let text = format!(", {}; next {next}, {}.", bytes(least), bytes(more));
    Some(Sentence::default().plain("smallest image: ").set(Tone::Strong, smallest).plain(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::VariantRecord;
    use crate::report::tests::drawn::record;

    fn text(sentences: &[Sentence]) -> String {
        sentences.iter().map(|sentence| format!("{sentence}\n")).collect()
    }

    #[test]
    fn the_ratio_column_stays_the_toned_one() {
        let record = record(7);
        let analysis = Analysis::of(&record);
        for table in tables(&analysis, &caveats(&analysis)) {
            for (row, tone) in table.rows.iter().zip(&table.tones) {
                assert!(tone.is_none() || row[table.toned].contains('x'), "{row:?}");
                assert_eq!(row.len(), table.heading.len());
            }
        }
    }

    #[test]
    fn the_tables_of_a_matrix_have_the_marks_of_the_others() {
        let mut record = record(7);
        for (scenario, value) in record.suite.scenarios.iter_mut().zip(["1", "32"]) {
            let values = [("connections".to_owned(), value.to_owned())].into();
            scenario.variant = Some(VariantRecord { of: "many".to_owned(), values });
        }
        let analysis = Analysis::of(&record);
        let tables = tables(&analysis, &caveats(&analysis));
        let curve = tables.iter().find(|table| table.title == "many by connections").unwrap();
        let end = |row: &Vec<String>| (row[0].clone(), row[1].clone(), row[row.len() - 1].clone());
        let rows: Vec<_> = curve.rows.iter().map(end).collect();
        let expected =
            [("gin", "1", ""), ("gin", "32", ""), ("flask", "1", "[2]"), ("flask", "32", "[1,2]")];
        let expected =
            expected.map(|(name, at, marks)| (name.to_owned(), at.to_owned(), marks.to_owned()));
        assert_eq!(rows, expected);
        let page = crate::report::render(&analysis, crate::report::Format::Html, false);
        let section =
            page.split("id=\"curves\"").nth(1).unwrap().split("</section>").next().unwrap();
        assert_eq!(section.matches("workers-exceed-cores</a>").count(), 2, "{section}");
        assert_eq!(section.matches("connection-close</a>").count(), 1, "{section}");
    }

    #[test]
    fn the_summary_names_the_fastest_its_lead_and_how_sure_that_is() {
        let record = record(7);
        let found = text(&summary(&Analysis::of(&record)));
        assert!(found.contains("saturation: gin is fastest: 10.0x flask (at least "), "{found}");
    }

    #[test]
    fn a_leader_is_no_surer_of_its_ratio_than_its_verdict() {
        let record = record(7);
        let analysis = Analysis::of(&record);
        let metric = Kind::RequestsPerSecond.of("saturation");
        let found = analysis.between(metric, "gin", "flask").unwrap();
        assert_eq!(times(std::slice::from_ref(&found)).1.as_deref(), Some("at least 10.0x"));
        for (verdict, shown) in [
            (Verdict::ProbablyBetter, "10.0x and probably 10.0x"),
            (Verdict::NotShown, "10.0x and 10.0x with no difference shown"),
        ] {
            let other = Comparison { verdict: Some(verdict), ..found.clone() };
            assert_eq!(times(&[found.clone(), other]), (shown.to_owned(), None));
        }
    }

    #[test]
    fn a_noisy_machine_has_no_fastest_server() {
        let mut record = record(7);
        for visit in record.visits.iter_mut().filter(|visit| visit.round < 3) {
            visit.disturbance.foreign_cpu_share = Some(0.4);
        }
        let found = text(&summary(&Analysis::of(&record)));
        assert!(!found.contains("fastest"), "{found}");
    }
}
