//! Gates and confounders: the code beside each figure it touches, and the list that explains it.

use maud::{Markup, html};

use crate::analysis::{Analysis, ContenderResult, Gate};
use crate::caveat::Code;
use crate::confounder::Confounder;
use crate::record::ContenderRecord;
use crate::report::warnings::unmeasured;

/// All of a report's caveats, in the order in which they are listed.
pub struct Caveats(Vec<Caveat>);

struct Caveat {
    contender: String,
    code: Code,
    detail: String,
    remedy: &'static str,
    /// Names of scenarios or metrics.
    touches: Vec<String>,
}

const ALL: &str = "all servers";

impl Caveats {
    pub fn of(analysis: &Analysis<'_>) -> Self {
        let of_contender = |contender: &ContenderResult<'_>| {
            let name = &contender.record.name;
            let gates = contender.gates.iter().map(|gate| from_gate(analysis, name, gate));
            let found = contender.confounders.iter().map(|found| from_confounder(name, found));
            gates.chain(found).collect::<Vec<_>>()
        };
        let of_run = analysis.confounders.iter().map(|found| from_confounder(ALL, found));
        Self(of_run.chain(analysis.contenders.iter().flat_map(of_contender)).collect())
    }

    /// Where in the list the first caveat with that code stands.
    pub fn place(&self, code: Code) -> Option<String> {
        let at = self.0.iter().position(|caveat| caveat.code == code)?;
        Some(format!("caveat-{at}"))
    }

    /// Links to what touches a contender's figures of that scenario or metric.
    pub fn beside(&self, contender: &str, touched: &str) -> Markup {
        let found = self.touching(touched).filter(|(_, caveat)| caveat.contender == contender);
        html! {
            @for (at, caveat) in found {
                " " a.tag href=(format!("#caveat-{at}")) { (caveat.code) }
            }
        }
    }

    /// Links to what touches any contender's figures of that scenario, as a sentence.
    pub fn below(&self, touched: &str) -> Markup {
        let mut contenders: Vec<&str> =
            self.touching(touched).map(|(_, caveat)| caveat.contender.as_str()).collect();
        // All of a contender's stand together in the list.
        contenders.dedup();
        html! {
            @for (at, contender) in contenders.iter().enumerate() {
                (if at == 0 { " Caveats: " } else { "; " })
                (contender) (self.beside(contender, touched))
            }
            @if !contenders.is_empty() { "." }
        }
    }

    /// The list of all, and of who could not be measured; `None` when there is nothing to say.
    pub fn body(&self, analysis: &Analysis<'_>) -> Option<Markup> {
        let records = analysis.contenders.iter().map(|contender| contender.record);
        let unmeasured: Vec<(&ContenderRecord, (&str, &str))> = records
            .flat_map(|record| unmeasured(record).map(move |found| (record, found)))
            .collect();
        if self.0.is_empty() && unmeasured.is_empty() {
            return None;
        }
        Some(html! {
            @if !self.0.is_empty() { (self.list()) }
            @if !unmeasured.is_empty() {
                dl.reasons {
                    @for (record, (what, reason)) in &unmeasured {
                        dt { (what) ": " (record.name) }
                        dd { pre { (reason) } }
                    }
                }
            }
        })
    }

    fn list(&self) -> Markup {
        html! {
            ul.caveats {
                @for (at, caveat) in self.0.iter().enumerate() {
                    li id=(format!("caveat-{at}")) {
                        b.tag { (caveat.code) } " " b { (caveat.contender) }
                        @if !caveat.touches.is_empty() { " (" (caveat.touches.join(", ")) ")" }
                        ": " (caveat.detail) ". To do: " (caveat.remedy) "."
                    }
                }
            }
        }
    }

    fn touching<'a>(&'a self, touched: &'a str) -> impl Iterator<Item = (usize, &'a Caveat)> {
        let touches = move |caveat: &Caveat| caveat.touches.iter().any(|name| name == touched);
        self.0.iter().enumerate().filter(move |(_, caveat)| touches(caveat))
    }
}

fn from_gate(analysis: &Analysis<'_>, contender: &str, gate: &Gate) -> Caveat {
    let all = analysis.record.scenario_names();
    let touches = if gate.scenario.is_empty() { all } else { vec![gate.scenario.as_str()] };
    let touches = touches.into_iter().map(str::to_owned).collect();
    let Gate { code, detail, remedy, .. } = gate.clone();
    Caveat { contender: contender.to_owned(), code, detail, remedy, touches }
}

fn from_confounder(contender: &str, found: &Confounder) -> Caveat {
    let Confounder { code, detail, remedy, touches } = found.clone();
    Caveat { contender: contender.to_owned(), code, detail, remedy, touches }
}
