//! How figures change with the values of a suite's matrix. Nothing is fitted.

use std::collections::BTreeMap;

use super::tables::{Table, cell, columns};
use crate::analysis::{Analysis, ContenderResult};
use crate::metric::Kind;
use crate::record::{ScenarioRecord, VariantRecord};

/// What changes with the values of one key.
pub struct Curve<'a> {
    /// `saturation by connections`, or `saturation by connections, size = 1kB` where other keys have
    /// several values too.
    pub title: String,
    pub key: &'a str,
    pub lines: Vec<Line<'a>>,
}

impl<'a> Curve<'a> {
    /// Those of each server one after the other.
    pub fn points(&self) -> impl Iterator<Item = &Point<'a>> {
        self.lines.iter().flat_map(|line| &line.points)
    }
}

/// One server's part of it.
pub struct Line<'a> {
    pub name: &'a str,
    /// In the suite's order.
    pub points: Vec<Point<'a>>,
}

/// The figures at one value.
pub struct Point<'a> {
    pub value: &'a str,
    pub contender: &'a ContenderResult<'a>,
    pub scenario: &'a ScenarioRecord,
}

/// Each key by which a scenario or a contender varies, with all else the same.
pub fn curves<'a>(analysis: &'a Analysis<'a>) -> Vec<Curve<'a>> {
    let scenarios = &analysis.record.suite.scenarios;
    let mut curves = Vec::new();
    for (group, members) in grouped(scenarios.iter(), |it| it.variant.as_ref()) {
        let lines = analysis.contenders.iter().map(|contender| Line {
            name: &contender.record.name,
            points: points(members.iter().map(|(value, scenario)| (*value, contender, *scenario))),
        });
        curves.push(Curve { title: group.title(), key: group.key, lines: lines.collect() });
    }
    curves.sort_by_key(|curve| curve.key);
    let groups = grouped(analysis.contenders.iter(), |it| it.record.variant.as_ref());
    let keys: BTreeMap<&str, Vec<_>> = groups.iter().fold(BTreeMap::new(), |mut keys, it| {
        keys.entry(it.0.key).or_insert_with(Vec::new).push(it);
        keys
    });
    for (key, groups) in keys {
        for scenario in scenarios {
            let lines = groups.iter().map(|(group, members)| Line {
                name: group.of,
                points: points(members.iter().map(|(value, it)| (*value, *it, scenario))),
            });
            let title = format!("{} by {key}", scenario.name);
            curves.push(Curve { title, key, lines: lines.collect() });
        }
    }
    curves.iter_mut().for_each(|curve| curve.lines.retain(|line| !line.points.is_empty()));
    curves.retain(|curve| !curve.lines.is_empty());
    curves
}

/// What varies by one key, with these values of the others.
struct Group<'a> {
    of: &'a str,
    key: &'a str,
    others: Vec<(&'a str, &'a str)>,
}

impl Group<'_> {
    fn title(&self) -> String {
        let others = self.others.iter().map(|(key, value)| format!(", {key} = {value}"));
        format!("{} by {}{}", self.of, self.key, others.collect::<String>())
    }

    fn has(&self, variant: &VariantRecord) -> bool {
        let is_same = |(key, value): &(&str, &str)| {
            variant.values.get(*key).is_some_and(|found| found == value)
        };
        self.of == variant.of && self.others.iter().all(is_same)
    }
}

type Members<'a, T> = Vec<(&'a str, &'a T)>;

/// The variants by what they vary with; a key with one value makes none.
fn grouped<'a, T>(
    all: impl Iterator<Item = &'a T> + Clone,
    variant: impl Fn(&'a T) -> Option<&'a VariantRecord>,
) -> Vec<(Group<'a>, Members<'a, T>)> {
    let mut groups: Vec<(Group<'a>, Members<'a, T>)> = Vec::new();
    for of in all.clone().filter_map(&variant) {
        for key in of.values.keys() {
            let is_known = |(group, _): &(Group<'_>, _)| group.key == key && group.has(of);
            if groups.iter().any(is_known) {
                continue;
            }
            let others = of.values.iter().filter(|(other, _)| *other != key);
            let others = others.map(|(key, value)| (key.as_str(), value.as_str())).collect();
            let group = Group { of: &of.of, key, others };
            let value = |it: &'a T| {
                let found = variant(it).filter(|found| group.has(found))?;
                Some((found.values.get(key)?.as_str(), it))
            };
            let members = all.clone().filter_map(value).collect();
            groups.push((group, members));
        }
    }
    groups.retain(|(_, members)| members.len() > 1);
    groups
}

fn points<'a>(
    all: impl Iterator<Item = (&'a str, &'a ContenderResult<'a>, &'a ScenarioRecord)>,
) -> Vec<Point<'a>> {
    let points = all.map(|(value, contender, scenario)| Point { value, contender, scenario });
    points.filter(|point| point.contender.has_figures()).collect()
}

/// One table for each.
pub fn tables(analysis: &Analysis<'_>) -> Vec<Table> {
    curves(analysis).iter().map(table).collect()
}

/// The figures of each server at each value, in the order of [`Curve::points`].
pub fn table(curve: &Curve<'_>) -> Table {
    let columns = columns(false, true);
    let mut heading = vec![String::new(), curve.key.to_owned()];
    heading.extend(columns.iter().map(|(_, heading)| (*heading).to_owned()));
    let row = |line: &Line<'_>, point: &Point<'_>| {
        let mut row = vec![line.name.to_owned(), point.value.to_owned()];
        let figure = |(kind, _): &(Kind, _)| cell(point.contender, kind.of(&point.scenario.name));
        row.extend(columns.iter().map(figure));
        row
    };
    let rows = curve.lines.iter().flat_map(|line| line.points.iter().map(move |it| row(line, it)));
    let rows: Vec<Vec<String>> = rows.collect();
    Table { title: curve.title.clone(), heading, tones: vec![None; rows.len()], toned: 0, rows }
}
