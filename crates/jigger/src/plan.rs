//! Suite and seed to plan: which entry is visited when. Pure.

use jigger_stats::{Looks, Orders};

use crate::suite::Suite;

pub use crate::suite::PLACEBO;

/// One line of the plan's list of who is visited each round.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Index into the suite's contenders.
    pub contender: usize,
    /// The contender's name, or [`PLACEBO`].
    pub name: String,
}

/// The rounds of a run: a balanced order of all entries for each.
#[derive(Debug)]
pub struct Plan {
    /// Who takes part: each contender once, and the placebo last.
    pub entries: Vec<Entry>,
    /// When the run may end.
    pub looks: Looks,
    orders: Orders,
}

impl Plan {
    /// The plan for those of the suite's contenders whose indexes are in `taking_part`.
    ///
    /// The same suite, contenders and seed give the same plan.
    #[must_use]
    pub fn new(suite: &Suite, taking_part: &[usize], seed: u64) -> Self {
        let entry = |&contender: &usize| Entry {
            contender,
            name: suite.contenders[contender].name.clone(),
        };
        let mut entries: Vec<Entry> = taking_part.iter().map(entry).collect();
        if suite.placebo && taking_part.contains(&suite.baseline) {
            entries.push(Entry { contender: suite.baseline, name: PLACEBO.to_owned() });
        }
        let orders = Orders::balanced(entries.len(), seed);
        let crate::suite::Rounds { min, max, .. } = suite.rounds;
        let looks = Looks::planned(min, max, orders.square_len())
            .expect("a validated suite has 1 <= min <= max");
        Self { entries, looks, orders }
    }

    /// The indexes of the entries in the order of round `round`, counted from 0.
    #[must_use]
    pub fn round(&self, round: usize) -> Vec<usize> {
        self.orders.round(round)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn suite() -> Suite {
        let contender = |name| format!("[[contender]]\nname = \"{name}\"\nurl = \"http://h/\"\n");
        let text = format!(
            "[suite]\nname = \"s\"\nbaseline = \"b\"\n{}{}[[scenario]]\nname = \"q\"\nrequests = 1\n",
            contender("a"),
            contender("b")
        );
        Suite::parse(&text, "s", Path::new("/")).unwrap()
    }

    #[test]
    fn the_baseline_is_entered_twice() {
        let plan = Plan::new(&suite(), &[0, 1], 7);
        let names: Vec<&str> = plan.entries.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["a", "b", PLACEBO]);
        assert_eq!(plan.entries[2].contender, 1);
    }

    #[test]
    fn without_the_baseline_there_is_no_placebo() {
        assert_eq!(Plan::new(&suite(), &[0], 7).entries.len(), 1);
    }

    #[test]
    fn every_round_visits_every_entry_once_and_the_seed_repeats_it() {
        let (plan, again) = (Plan::new(&suite(), &[0, 1], 7), Plan::new(&suite(), &[0, 1], 7));
        for round in 0..12 {
            let mut order = plan.round(round);
            assert_eq!(order, again.round(round));
            order.sort_unstable();
            assert_eq!(order, [0, 1, 2]);
        }
    }
}
