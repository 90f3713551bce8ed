//! What contenders are sent otherwise than the baseline.

use super::{Confounder, all};
use crate::caveat::Code;
use crate::record::Record;
use crate::suite::values_of;

/// What a contender of the suite is sent otherwise than the baseline, in the suite's own words: what
/// the environment keeps is not in the record.
pub(super) fn differ(record: &Record, name: &str) -> Option<Confounder> {
    let (mine, theirs) = (record.contender(name)?, record.contender(&record.suite.baseline)?);
    let shown =
        |value: Option<&str>| value.map_or("the suite's".to_owned(), |it| format!("'{it}'"));
    let mut differences = Vec::new();
    if mine.path != theirs.path {
        let [mine, theirs] = [mine, theirs].map(|it| shown(it.path.as_deref()));
        differences.push(format!("the path is {mine}, and {theirs} for the baseline"));
    }
    let mut names: Vec<&str> =
        mine.headers.iter().chain(&theirs.headers).map(|(name, _)| name.as_str()).collect();
    names.sort_by_key(|name| name.to_ascii_lowercase());
    names.dedup_by(|one, other| one.eq_ignore_ascii_case(other));
    for name in names {
        let [mine, theirs] = [mine, theirs].map(|it| values_of(&it.headers, name).next());
        if mine != theirs {
            let [mine, theirs] = [mine, theirs].map(shown);
            differences.push(format!("the header {name} is {mine}, and {theirs} for the baseline"));
        }
    }
    (!differences.is_empty()).then(|| Confounder {
        code: Code::RequestsDiffer,
        detail: format!("in its requests {}", differences.join("; ")),
        remedy: "send all contenders the same requests, or make sure that what differs costs a server \
                 nothing",
        touches: all(record),
    })
}

#[cfg(test)]
mod tests {
    use super::super::of_contender;
    use super::*;
    use crate::report::tests::drawn::record;

    #[test]
    fn what_a_contender_is_asked_otherwise_is_named_as_the_suite_has_it() {
        let mut record = record(3);
        let differs = |record: &Record| {
            let mut found = of_contender(record, "gin").into_iter();
            found.find(|it| it.code == Code::RequestsDiffer).map(|it| it.detail)
        };
        assert_eq!(differs(&record), None);
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        for contender in &mut record.contenders {
            contender.headers = vec![header("X-Same", "1")];
        }
        assert_eq!(differs(&record), None);
        let gin = record.contenders.iter_mut().find(|it| it.name == "gin").unwrap();
        gin.headers.push(header("Authorization", "Bearer {env:GIN_TOKEN}"));
        gin.path = Some("/v2".to_owned());
        assert_eq!(
            differs(&record).unwrap(),
            "in its requests the path is '/v2', and the suite's for the baseline; the header \
             Authorization is 'Bearer {env:GIN_TOKEN}', and the suite's for the baseline"
        );
    }
}
