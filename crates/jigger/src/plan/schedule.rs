//! Who is visited in which round, and when the run may end.

use jigger_stats::{Looks, Orders};

use super::RunPlan;
use crate::suite::PLACEBO;

/// One of those who are visited each round.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Index into the suite's contenders.
    pub contender: usize,
    /// The contender's name, or [`PLACEBO`].
    pub name: String,
}

/// The rounds of a run: a balanced order of all entries for each.
#[derive(Debug)]
pub struct Schedule {
    /// Who takes part: each contender once, and the placebo last.
    pub entries: Vec<Entry>,
    /// When the run may end.
    pub looks: Looks,
    orders: Orders,
}

impl Schedule {
    /// That of a plan for the contenders whose indexes are in `taking_part`.
    ///
    /// The same plan and contenders give the same schedule.
    #[must_use]
    pub fn new(plan: &RunPlan, taking_part: &[usize]) -> Self {
        let suite = &plan.suite;
        let entry = |&contender: &usize| Entry {
            contender,
            name: suite.contenders[contender].name.clone(),
        };
        let mut entries: Vec<Entry> = taking_part.iter().map(entry).collect();
        if plan.placebo && taking_part.contains(&suite.baseline) {
            entries.push(Entry { contender: suite.baseline, name: PLACEBO.to_owned() });
        }
        let orders = Orders::balanced(entries.len(), plan.options.method.seed);
        let looks = Looks::planned(plan.rounds.min, plan.rounds.max, orders.square_len())
            .expect("a validated suite has 1 <= min <= max");
        Self { entries, looks, orders }
    }

    /// The entries in the order of round `round`, counted from 0.
    #[must_use]
    pub fn round(&self, round: usize) -> Vec<Entry> {
        self.orders.round(round).into_iter().map(|at| self.entries[at].clone()).collect()
    }

    /// Each contender once, in the suite's order.
    #[must_use]
    pub fn contenders(&self) -> Vec<Entry> {
        self.entries.iter().filter(|entry| entry.name != PLACEBO).cloned().collect()
    }
}
