//! What was not alike or went wrong, each kind once, with a number.

use super::scenarios;
use crate::analysis::{Analysis, Comparison};
use crate::caveat::Code;
use crate::metric::Kind;
use crate::report::tables::ratio_text;

/// One kind of caveat.
pub struct Caveat<'a> {
    pub code: Code,
    /// Whom it touches, in the suite's order; empty for all.
    pub contenders: Vec<&'a str>,
    /// The contender, and the scenario of which its figures are touched.
    touches: Vec<(&'a str, &'a str)>,
    /// More than the kind says.
    more: Option<String>,
}

impl Caveat<'_> {
    /// Whether it is about figures of that scenario.
    pub fn touches_scenario(&self, scenario: &str) -> bool {
        self.contenders.is_empty() || self.touches.iter().any(|(_, name)| *name == scenario)
    }

    /// `connection-close (flask): closes the connection after each response`.
    pub fn text(&self) -> String {
        format!("{}{}", self.code, self.after_code())
    }

    /// ` (flask): closes the connection after each response`.
    pub fn after_code(&self) -> String {
        let who = match self.contenders.is_empty() {
            true => String::new(),
            false => format!(" ({})", self.contenders.join(", ")),
        };
        let more = self.more.as_ref().map_or_else(String::new, |more| format!("; {more}"));
        format!("{who}: {}{more}", self.code.words())
    }
}

/// Each kind that touches a figure of the glance, in their order of weight.
pub fn caveats<'a>(analysis: &'a Analysis<'_>) -> Vec<Caveat<'a>> {
    let shown: Vec<&str> = scenarios(analysis).map(|scenario| scenario.name.as_str()).collect();
    let mut found: Vec<Caveat<'_>> = Vec::new();
    let mut add = |code: Code, contender: Option<&'a str>, touches: Vec<&'a str>| {
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
    found.sort_by_key(|caveat| caveat.code);
    for caveat in found.iter_mut().filter(|caveat| caveat.code == Code::ConnectionClose) {
        caveat.more = with_fresh_connections(analysis, &caveat.contenders);
    }
    found
}

/// The numbers of the caveats that touch any figure of that contender.
pub fn numbers_of(caveats: &[Caveat<'_>], contender: &str) -> Vec<usize> {
    numbers(caveats, |(name, _)| name == contender)
}

/// `[1,3]`: these numbers, if there are any.
pub fn marks_of(caveats: &[Caveat<'_>], contender: &str) -> Option<String> {
    bracketed(&numbers_of(caveats, contender))
}

/// `[1,3]`: the caveats that touch the contender's figures of that scenario.
pub fn marks(caveats: &[Caveat<'_>], contender: &str, scenario: &str) -> Option<String> {
    bracketed(&numbers(caveats, |touched| touched == (contender, scenario)))
}

fn numbers(caveats: &[Caveat<'_>], is_meant: impl Fn((&str, &str)) -> bool) -> Vec<usize> {
    let touches = |caveat: &Caveat<'_>| caveat.touches.iter().any(|touched| is_meant(*touched));
    let touching = caveats.iter().enumerate().filter(|(_, caveat)| touches(caveat));
    touching.map(|(at, _)| at + 1).collect()
}

fn bracketed(numbers: &[usize]) -> Option<String> {
    (!numbers.is_empty()).then(|| format!("[{}]", ranges(numbers)))
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
    let mut scenarios = analysis.record.suite.scenarios.iter();
    let (scenario, original) = scenarios.find_map(|it| Some((it, it.fresh_for.as_ref()?)))?;
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
    (!ratios.is_empty()).then(|| {
        format!("{original} with a new connection for each request: {}", ratios.join(", "))
    })
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
}
