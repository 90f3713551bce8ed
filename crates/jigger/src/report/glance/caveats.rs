//! What was not alike or went wrong, each kind once, with a number.

use super::scenarios;
use crate::analysis::{Analysis, Comparison};
use crate::metric::Kind;
use crate::report::tables::ratio_text;

/// The kinds in their order of weight, with what a reader has to know; the code's section in
/// docs/confounders.md has the rest.
const KINDS: [(&str, &str); 24] = [
    ("errors", "requests failed, so there is no ratio"),
    ("client-limited", "the load generator was saturated: lower bounds only"),
    ("port-limited", "the local ports were used up: lower bounds only"),
    ("rate-not-reached", "the rate was not reached"),
    ("streams-limited", "the server allows fewer streams than were to be used"),
    ("objective-missed", "no rate kept the objective in some rounds"),
    ("connection-close", "closes the connection after each response"),
    ("body-differs", "another response body than the baseline's"),
    ("http-version-differs", "another version of HTTP than the baseline's"),
    ("h2-settings-differ", "other settings of HTTP/2 than the baseline's"),
    ("content-type-differs", "another content type than the baseline's"),
    ("compression-differs", "another compression than the baseline's"),
    ("headers-differ", "other response headers than the baseline's"),
    ("debug-mode", "runs in debug or development mode"),
    ("logs-per-request", "logs each request"),
    ("workers-exceed-cores", "more worker processes than cores"),
    ("surplus-bytes", "sends bytes that no request asked for"),
    ("delayed-acks", "waits for delayed acknowledgements: set TCP_NODELAY"),
    ("localhost-resolves-twice", "connecting by name tries an address in vain first"),
    ("littles-law", "Little's law check failed"),
    ("not-steady", "warm-up did not settle in some visits"),
    ("baseline-differs-from-itself", "the two entries of the baseline differ"),
    ("shared-cores", "the load generator and the servers share cores"),
    ("smt-siblings", "the load generator and the servers share physical cores"),
];

/// One kind of caveat.
pub struct Caveat<'a> {
    pub code: &'a str,
    /// Whom it touches, in the suite's order; empty for all.
    pub contenders: Vec<&'a str>,
    /// The contender, and the scenario of which its figures are touched.
    touches: Vec<(&'a str, &'a str)>,
    /// More than the kind says.
    more: Option<String>,
}

impl Caveat<'_> {
    /// `connection-close (flask): closes the connection after each response`.
    pub fn text(&self) -> String {
        let words =
            KINDS.iter().find(|(code, _)| *code == self.code).map_or("", |(_, words)| words);
        let who = match self.contenders.is_empty() {
            true => String::new(),
            false => format!(" ({})", self.contenders.join(", ")),
        };
        let more = self.more.as_ref().map_or_else(String::new, |more| format!("; {more}"));
        format!("{}{who}: {words}{more}", self.code)
    }
}

/// Each kind that touches a figure of the glance, in their order of weight.
pub fn caveats<'a>(analysis: &'a Analysis<'_>) -> Vec<Caveat<'a>> {
    let shown: Vec<&str> = scenarios(analysis).map(|scenario| scenario.name.as_str()).collect();
    let mut found: Vec<Caveat<'_>> = Vec::new();
    let mut add = |code: &'a str, contender: Option<&'a str>, touches: Vec<&'a str>| {
        let touches: Vec<&str> =
            touches.into_iter().filter(|scenario| shown.contains(scenario)).collect();
        if touches.is_empty() {
            return;
        }
        let at = found.iter().position(|caveat| caveat.code == code).unwrap_or(found.len());
        if at == found.len() {
            found.push(Caveat { code, contenders: Vec::new(), touches: Vec::new(), more: None });
        }
        let caveat = &mut found[at];
        let Some(contender) = contender else { return };
        if !caveat.contenders.contains(&contender) {
            caveat.contenders.push(contender);
        }
        caveat.touches.extend(touches.into_iter().map(|scenario| (contender, scenario)));
    };
    let all = || shown.clone();
    for confounder in &analysis.confounders {
        add(confounder.code, None, all());
    }
    for contender in &analysis.contenders {
        let name = Some(contender.record.name.as_str());
        for gate in &contender.gates {
            let touches = match gate.scenario.as_str() {
                "" => all(),
                scenario => vec![scenario],
            };
            add(gate.code, name, touches);
        }
        for confounder in &contender.confounders {
            add(confounder.code, name, confounder.touches.iter().map(String::as_str).collect());
        }
    }
    let weight = |caveat: &Caveat<'_>| KINDS.iter().position(|(code, _)| *code == caveat.code);
    found.sort_by_key(|caveat| weight(caveat).unwrap_or(KINDS.len()));
    for caveat in found.iter_mut().filter(|caveat| caveat.code == "connection-close") {
        caveat.more = with_fresh_connections(analysis, &caveat.contenders);
    }
    found
}

/// `[1,3]`: the caveats that touch these figures.
pub fn marks(caveats: &[Caveat<'_>], contender: &str, scenario: &str) -> Option<String> {
    let touching = caveats
        .iter()
        .enumerate()
        .filter(|(_, caveat)| caveat.touches.contains(&(contender, scenario)));
    let numbers: Vec<usize> = touching.map(|(at, _)| at + 1).collect();
    (!numbers.is_empty()).then(|| format!("[{}]", ranges(&numbers)))
}

/// `1-3,5`, of ascending numbers.
fn ranges(numbers: &[usize]) -> String {
    let runs = numbers.chunk_by(|one, next| one + 1 == *next).map(|run| match run {
        [first, .., last] if run.len() > 2 => format!("{first}-{last}"),
        _ => run.iter().map(usize::to_string).collect::<Vec<_>>().join(","),
    });
    runs.collect::<Vec<_>>().join(",")
}

/// What closing costs: the ratios of a contender that closes and a baseline that does not, or the other
/// way around, where all make a connection for each request.
fn with_fresh_connections(analysis: &Analysis<'_>, closing: &[&str]) -> Option<String> {
    let scenario = analysis.record.suite.scenarios.iter().find(|it| it.fresh_for.is_some())?;
    let metric = Kind::RequestsPerSecond.of(&scenario.name);
    let has_ratio = |found: &&Comparison<'_>| found.metric == metric && found.withheld.is_none();
    let closes = |name: &str| closing.contains(&name);
    let differs = |found: &&Comparison<'_>| closes(&found.contender) != closes(&found.baseline);
    let ratios: Vec<String> = analysis
        .comparisons
        .iter()
        .filter(has_ratio)
        .filter(differs)
        .map(|found| format!("{} {}", found.contender, ratio_text(found)))
        .collect();
    (!ratios.is_empty()).then(|| format!("if all did: {}", ratios.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_a_row_are_a_range() {
        assert_eq!(ranges(&[1, 2, 3, 5]), "1-3,5");
        assert_eq!(ranges(&[1, 2, 4, 6, 7, 8]), "1,2,4,6-8");
        assert_eq!(ranges(&[3]), "3");
    }

    /// A kind without words would be told by its code alone.
    #[test]
    fn every_documented_kind_has_words() {
        let documented = include_str!("../../../../../docs/confounders.md");
        let codes =
            documented.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`'));
        let mut seen = 0;
        // That rounds were disturbed is a note on the run.
        for code in codes.filter(|code| *code != "disturbed") {
            assert!(KINDS.iter().any(|(known, _)| *known == code), "{code}");
            seen += 1;
        }
        assert!(seen > 10, "{seen}");
    }
}
