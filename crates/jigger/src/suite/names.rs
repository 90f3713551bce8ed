//! Messages about names that are not known.

/// "unknown KIND 'NAME'", with the nearest known name, or all of them.
pub fn unknown(kind: &str, name: &str, known: &[&str]) -> String {
    match nearest(name, known) {
        Some(near) => format!("unknown {kind} '{name}'; did you mean '{near}'?"),
        None => format!("unknown {kind} '{name}'; known here: {}", known.join(", ")),
    }
}

/// The known name that looks most like `name`, when one looks alike at all.
fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let likeness = |other: &str| strsim::jaro_winkler(name, other);
    known
        .iter()
        .copied()
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
        .filter(|best| likeness(best) > 0.7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_nearest() {
        let text = unknown("key", "conections", &["connection", "connections", "name"]);
        assert_eq!(text, "unknown key 'conections'; did you mean 'connections'?");
    }

    #[test]
    fn lists_all_when_none_is_near() {
        let text = unknown("contender", "zzz", &["gin", "flask"]);
        assert_eq!(text, "unknown contender 'zzz'; known here: gin, flask");
    }
}
