//! What messages say of names and values that do not fit, in the words of those who wrote them.

/// "unknown KIND 'NAME'", with the nearest known name, or all of them.
pub fn unknown(kind: &str, name: &str, known: &[&str]) -> String {
    match nearest(name, known) {
        Some(near) => format!("unknown {kind} '{name}'; did you mean '{near}'?"),
        None => format!("unknown {kind} '{name}'; known here: {}", known.join(", ")),
    }
}

/// The known name that looks most like `name`, when one is a slip or two away.
pub fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let near = known.iter().copied().filter(|other| is_near(name, other));
    let nearest = near.min_by_key(|other| strsim::osa_distance(name, other));
    nearest.or_else(|| known.iter().copied().find(|other| is_abridged(name, other)))
}

/// Whether a name with dots is another one without some of its parts.
fn is_abridged(name: &str, other: &str) -> bool {
    let mut parts = other.split('.');
    name.contains('.') && name.split('.').all(|part| parts.any(|other| other == part))
}

/// Whether one name is the other but for a letter in three at most: left out, put in, taken for
/// another, or swapped with its neighbour.
pub fn is_near(one: &str, other: &str) -> bool {
    let longest = one.chars().count().max(other.chars().count());
    strsim::osa_distance(one, other) <= (longest / 3).max(1)
}

/// What serde says of a value, without the words of its types and of Rust's. `table` is what the
/// format calls a value with keys.
pub fn plain(message: &str, table: &str) -> String {
    if let Some(rest) = message.strip_prefix("unknown field `") {
        return among("key", rest);
    }
    if let Some(rest) = message.strip_prefix("unknown variant `") {
        return among("value", rest);
    }
    let named = |beginning: &str| message.strip_prefix(beginning)?.split('`').next();
    if let Some(name) = named("missing field `") {
        return format!("the key '{name}' is missing");
    }
    if let Some(name) = named("duplicate field `") {
        return format!("the key '{name}' is there twice");
    }
    let rest = ["invalid type: ", "invalid value: "].iter().find_map(|it| message.strip_prefix(it));
    match rest.and_then(|rest| rest.rsplit_once(", expected ")) {
        Some((found, wanted)) => {
            format!("{} belongs here, not {}", self::wanted(wanted, table), given(found, table))
        }
        None => message.to_owned(),
    }
}

/// ``NAME`, expected one of `a`, `b``.
fn among(kind: &str, rest: &str) -> String {
    let mut quoted = rest.split('`');
    let name = quoted.next().unwrap_or_default();
    let known: Vec<&str> = quoted.skip(1).step_by(2).collect();
    unknown(kind, name, &known)
}

fn wanted(words: &str, table: &str) -> String {
    let whole = |most: u64| format!("a whole number from 0 to {most}");
    match words {
        "a string" | "a borrowed string" => "a text in quotes".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a sequence" => "an array".to_owned(),
        "u8" => whole(u8::MAX.into()),
        "u16" => whole(u16::MAX.into()),
        "u32" => whole(u32::MAX.into()),
        "u64" | "usize" => "a whole number from 0 on".to_owned(),
        "i64" | "i32" => "a whole number".to_owned(),
        "f64" => "a number".to_owned(),
        "a map" => table.to_owned(),
        other if other.starts_with("struct ") => table.to_owned(),
        other => other.to_owned(),
    }
}

fn given(words: &str, table: &str) -> String {
    let value = || words.split_once(' ').map_or(words, |(_, value)| value).replace('`', "");
    match words.split(' ').next().unwrap_or_default() {
        "integer" => value(),
        "boolean" => value(),
        "floating" => value().replace("point ", ""),
        "string" => format!("the text {}", value()),
        "sequence" => "an array".to_owned(),
        "map" => table.to_owned(),
        "unit" | "null" => "null".to_owned(),
        _ => words.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_nearest() {
        let text = unknown("key", "conections", &["connection", "connections", "name"]);
        assert_eq!(text, "unknown key 'conections'; did you mean 'connections'?");
        assert_eq!(unknown("it", "prot", &["port"]), "unknown it 'prot'; did you mean 'port'?");
    }

    #[test]
    fn lists_all_when_none_is_near() {
        let text = unknown("contender", "zzz", &["gin", "flask"]);
        assert_eq!(text, "unknown contender 'zzz'; known here: gin, flask");
        let text = unknown("metric", "q.p99", &["q.max", "q.response_time_us.p99"]);
        assert_eq!(text, "unknown metric 'q.p99'; did you mean 'q.response_time_us.p99'?");
        for (name, other) in [("headers", "threads"), ("nonsense", "connections"), ("z", "gin")] {
            assert!(!is_near(name, other), "{name}, {other}");
        }
    }

    #[test]
    fn serde_is_put_into_plain_words() {
        let said = |message: &str| plain(message, "a table");
        for (message, words) in [
            (
                "invalid type: string \"x\", expected usize",
                "a whole number from 0 on belongs here, not the text \"x\"",
            ),
            (
                "invalid value: integer `-1`, expected u16",
                "a whole number from 0 to 65535 belongs here, not -1",
            ),
            (
                "invalid type: integer `5`, expected a string",
                "a text in quotes belongs here, not 5",
            ),
            (
                "invalid type: floating point `1.5`, expected a sequence",
                "an array belongs here, not 1.5",
            ),
            ("invalid type: map, expected struct RawHead", "a table belongs here, not a table"),
            ("missing field `url`", "the key 'url' is missing"),
            ("duplicate field `url`", "the key 'url' is there twice"),
            ("unknown variant `x`, expected `y` or `z`", "unknown value 'x'; did you mean 'y'?"),
            ("write so", "write so"),
        ] {
            assert_eq!(said(message), words);
        }
    }
}
