//! `[matrix]`: scenarios and contenders that are there once for each of several values.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::fault::{Checked, Fault, at, is_name_character, refused};
use super::raw::{RawContender, RawScenario, RawSuite};
use crate::record::VariantRecord;
use crate::wording::{nearest, plain};

/// Beyond it a run would not end in a day.
const MOST_VARIANTS: usize = 100;

/// Keys that say what a table is, and placeholders that jigger fills itself.
const RESERVED: [&str; 6] = ["name", "request", "requests_mix", "requests_file", "port", "dir"];

/// A key and its values, as texts.
type Axis<'a> = (&'a str, &'a [Value]);

/// The suite of this text with each scenario and contender once for each value that it varies with.
///
/// # Errors
/// [`Fault`] for a key that nothing varies with, and for values that are none of it.
pub fn expanded(mut raw: RawSuite, text: &str) -> Checked<RawSuite> {
    let matrix = std::mem::take(&mut raw.matrix);
    if matrix.is_empty() {
        return Ok(raw);
    }
    matrix.iter().try_for_each(check).map_err(at("[matrix]"))?;
    let document: Table = toml::from_str(text).map_err(|error| error.to_string())?;
    let of_scenario = keys_of_scenario();
    let scenarios = varied(&document, "scenario", &matrix, |table, key| {
        mentions(table, key) || (of_scenario.contains(key) && !table.contains_key(key))
    })?;
    let contenders = varied(&document, "contender", &matrix, mentions)?;
    let used = |key: &&String| {
        let mut variants = scenarios.iter().chain(&contenders);
        variants.any(|(_, variant)| {
            variant.as_ref().is_some_and(|it| it.values.contains_key(key.as_str()))
        })
    };
    if let Some(key) = matrix.keys().find(|key| !used(key)) {
        let known: Vec<&str> =
            of_scenario.iter().map(AsRef::as_ref).filter(|known| known != key).collect();
        if let Some(near) = nearest(key, &known) {
            return refused(format!("[matrix]: unknown key '{key}'; did you mean '{near}'?"));
        }
        return refused(format!(
            "[matrix]: {key}: no scenario leaves out the key '{key}', and {{{key}}} is in no text of \
             a scenario or contender; name a key of [[scenario]], or write {{{key}}} where its values \
             belong"
        ));
    }
    raw.scenario = scenarios
        .into_iter()
        .map(|(table, variant)| Ok(RawScenario { variant, ..read("scenario", table)? }))
        .collect::<Checked<_>>()?;
    let baseline = raw.suite.baseline.take();
    let is_baseline = |it: &VariantRecord| Some(&it.of) == baseline.as_ref();
    let first = contenders.iter().find(|(_, it)| it.as_ref().is_some_and(is_baseline));
    raw.suite.baseline = first.map(|(table, _)| name_of(table).to_owned()).or(baseline);
    raw.contender = contenders
        .into_iter()
        .map(|(table, variant)| Ok(RawContender { variant, ..read("contender", table)? }))
        .collect::<Checked<_>>()?;
    Ok(raw)
}

fn check((key, values): (&String, &Vec<Value>)) -> Checked<()> {
    let is_plain =
        !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    if !is_plain || RESERVED.contains(&key.as_str()) {
        return refused(format!(
            "{key}: it cannot be varied; use a scenario's key such as connections, or your own \
             name of letters, digits, '-' and '_'"
        ));
    }
    if values.is_empty() {
        return refused(format!("{key}: it has no values; write some, such as {key} = [1, 8, 32]"));
    }
    let texts: BTreeSet<String> =
        values.iter().map(text).collect::<Checked<_>>().map_err(at(key))?;
    match texts.len() == values.len() {
        true => Ok(()),
        false => refused(format!("{key}: a value is there twice; write each value once")),
    }
}

fn keys_of_scenario() -> BTreeSet<String> {
    let schema = schemars::schema_for!(RawScenario);
    let properties = schema.get("properties").and_then(|it| it.as_object());
    properties.into_iter().flat_map(|it| it.keys().cloned()).collect()
}

type Variants = Vec<(Table, Option<VariantRecord>)>;

/// The tables of an array, each once for each of its values.
fn varied(
    document: &Table,
    array: &str,
    matrix: &BTreeMap<String, Vec<Value>>,
    varies: impl Fn(&Table, &str) -> bool,
) -> Checked<Variants> {
    let tables = document.get(array).and_then(Value::as_array).into_iter().flatten();
    let mut variants = Vec::new();
    for table in tables.filter_map(Value::as_table) {
        let axes = matrix.iter().filter(|(key, _)| varies(table, key));
        let axes: Vec<Axis<'_>> = axes.map(|(key, values)| (key.as_str(), &values[..])).collect();
        match axes.is_empty() {
            true => variants.push((table.clone(), None)),
            false => variants.extend(product(table, &axes)?),
        }
    }
    match variants.len() {
        0..=MOST_VARIANTS => Ok(variants),
        many => refused(format!(
            "[matrix]: it makes {many} {array}s, and the maximum is {MOST_VARIANTS}; leave out \
             values"
        )),
    }
}

fn product(table: &Table, axes: &[Axis<'_>]) -> Checked<Variants> {
    let of = name_of(table).to_owned();
    let mut found = vec![(table.clone(), VariantRecord { of, values: BTreeMap::new() })];
    for (key, values) in axes {
        let before = std::mem::take(&mut found);
        for (table, variant) in &before {
            for value in *values {
                found.push(with(table, variant, key, value)?);
            }
        }
        if found.len() > MOST_VARIANTS {
            break;
        }
    }
    Ok(found.into_iter().map(|(table, variant)| (table, Some(variant))).collect())
}

/// The table with the key at this value, or with it in its texts, and with a name that says so.
fn with(
    table: &Table,
    variant: &VariantRecord,
    key: &str,
    value: &Value,
) -> Checked<(Table, VariantRecord)> {
    let (mut table, mut variant) = (table.clone(), variant.clone());
    let text = text(value)?;
    let in_name = |c: char| if is_name_character(c) { c } else { '_' };
    let name =
        format!("{}-{key}-{}", name_of(&table), text.chars().map(in_name).collect::<String>());
    match mentions(&table, key) {
        true => table.iter_mut().for_each(|(_, inner)| fill(inner, &hole(key), &text)),
        false => drop(table.insert(key.to_owned(), value.clone())),
    }
    table.insert("name".to_owned(), name.into());
    variant.values.insert(key.to_owned(), text);
    Ok((table, variant))
}

fn name_of(table: &Table) -> &str {
    table.get("name").and_then(Value::as_str).unwrap_or_default()
}

fn hole(key: &str) -> String {
    format!("{{{key}}}")
}

fn mentions(table: &Table, key: &str) -> bool {
    fn holds(value: &Value, hole: &str) -> bool {
        match value {
            Value::String(text) => text.contains(hole),
            Value::Array(values) => values.iter().any(|value| holds(value, hole)),
            Value::Table(table) => table.values().any(|value| holds(value, hole)),
            _ => false,
        }
    }
    table.values().any(|value| holds(value, &hole(key)))
}

fn fill(value: &mut Value, hole: &str, text: &str) {
    match value {
        Value::String(inner) => *inner = inner.replace(hole, text),
        Value::Array(values) => values.iter_mut().for_each(|value| fill(value, hole, text)),
        Value::Table(table) => table.iter_mut().for_each(|(_, value)| fill(value, hole, text)),
        _ => {}
    }
}

fn text(value: &Value) -> Checked<String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) => Ok(value.to_string()),
        _ => refused(format!("{value}: a value is a number, a text or true or false")),
    }
}

fn read<T: DeserializeOwned>(kind: &str, table: Table) -> Checked<T> {
    let name = name_of(&table).to_owned();
    T::deserialize(Value::Table(table))
        .map_err(|error| Fault::from(plain(error.message(), "a table")))
        .map_err(at(&format!("{kind} '{name}'")))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::suite::Suite;

    const HEAD: &str = "[suite]\nname = \"s\"\nbaseline = \"a\"\n";
    const TAIL: &str = "[[contender]]\nname = \"a\"\nstart = \"./a {port} -w {workers}\"\n\
                        url = \"http://127.0.0.1:{port}/\"\n\
                        [[contender]]\nname = \"b\"\nurl = \"http://h/\"\n\
                        [[scenario]]\nname = \"one\"\nconnections = 1\nrequests = 5\n\
                        [[scenario]]\nname = \"many\"\nduration = \"1s\"\n\
                        request = { path = \"/{size}\" }\n";

    fn parse(matrix: &str) -> Result<Suite, String> {
        let text = format!("{HEAD}[matrix]\n{matrix}\n{TAIL}");
        Suite::parse(&text, "s", Path::new("/")).map_err(|error| error.to_string())
    }

    #[test]
    fn what_a_key_is_left_out_of_or_stands_in_is_there_for_each_value() {
        let suite =
            parse("connections = [2, 8]\nworkers = [1, 4]\nsize = [\"1kB\", \"a=b\"]").unwrap();
        let scenarios: Vec<_> = suite.scenarios.iter().map(|it| it.name.as_str()).collect();
        let many =
            |connections: u32, size: &str| format!("many-connections-{connections}-size-{size}");
        let all = [many(2, "1kB"), many(2, "a_b"), many(8, "1kB"), many(8, "a_b")];
        assert_eq!(scenarios[0], "one", "it has connections of its own");
        assert_eq!(scenarios[1..], all);
        assert_eq!((suite.scenarios[3].connections, suite.scenarios[0].connections), (8, 1));
        assert_eq!(suite.scenarios[1].requests[0].0.path, "/1kB");
        let variant = suite.scenarios[4].variant.as_ref().unwrap();
        assert_eq!((variant.of.as_str(), variant.values["size"].as_str()), ("many", "a=b"));
        let names: Vec<_> = suite.contenders.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["a-workers-1", "a-workers-4", "b"]);
        assert_eq!(suite.baseline().name, "a-workers-1");
        assert_eq!(suite.contenders[1].start.as_ref().unwrap().last().unwrap(), "4");
    }

    #[test]
    fn each_wrong_matrix_has_its_message() {
        let many: String = (0..101).map(|number| format!("{number},")).collect();
        for (matrix, wanted) in [
            ("conections = [1]", "[matrix]: unknown key 'conections'; did you mean 'connections'?"),
            ("cores = [1]", "[matrix]: cores: no scenario leaves out the key"),
            (
                "connections = [1]\nobjective = [\"p99 < 1s\"]\nrate = [5]",
                "scenario 'one-objective-p99___1s-rate-5' (of [matrix]): an objective searches for",
            ),
            ("connections = []", "[matrix]: connections: it has no values"),
            ("connections = [1, 1]", "a value is there twice"),
            ("connections = [[1]]", "a value is a number, a text or true or false"),
            ("name = [\"x\"]", "[matrix]: name: it cannot be varied"),
            ("port = [1]", "[matrix]: port: it cannot be varied"),
            ("connections = [\"x\"]", "scenario 'many-connections-x-size-1': a whole number"),
            ("connections = [0]", "connections and threads must be above zero"),
            (&format!("connections = [{many}]"), "it makes 102 scenarios, and the maximum is 100"),
        ] {
            let message = parse(&format!("{matrix}\nworkers = [1]\nsize = [1]")).unwrap_err();
            assert!(message.contains(wanted), "{message}");
        }
    }
}
