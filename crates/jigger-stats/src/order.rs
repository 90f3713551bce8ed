//! The order of visits within each round.

use crate::random::SplitMix64;

/// A seeded plan of orders, without end: for every round, the order in which to visit contenders.
///
/// Rounds come in cycles. Within a cycle every contender stands in each place equally often
/// (a Latin square), and comes directly after each other contender equally often, so neither a
/// drift of the machine nor what the contender before left behind favours anyone. Which contender
/// plays which part, and the order of the rows, are drawn anew for each cycle.
///
/// Source of the design: E. J. Williams 1949, "Experimental designs balanced for the estimation
/// of residual effects of treatments", Australian Journal of Scientific Research A 2, 149-168.
/// Source of interleaving in random order at all: Abedi & Brecht 2017, "Conducting repeatable
/// experiments in highly variable cloud computing environments", ICPE.
///
/// "Directly after" is balanced within rounds. From the last visit of one round to the first of
/// the next it is left to chance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orders {
    contenders: usize,
    seed: u64,
}

impl Orders {
    /// The plan for `contenders` contenders (the placebo counts as one) under `seed`.
    pub const fn balanced(contenders: usize, seed: u64) -> Self {
        Self { contenders, seed }
    }

    /// The order of round `round`, counted from 0: contender indices, each exactly once.
    pub fn round(&self, round: usize) -> Vec<usize> {
        let cycle = round / self.cycle_len();
        let mut random = SplitMix64::stream(self.seed, cycle as u64);
        let mut labels: Vec<usize> = (0..self.contenders).collect();
        random.shuffle(&mut labels);
        let row = self.shuffled_rows(&mut random)[round % self.cycle_len()];
        self.design_row(row).into_iter().map(|place| labels[place]).collect()
    }

    /// Rounds in one whole cycle, after which all is balanced: the number of contenders, twice
    /// that when it is odd (three or more); 1 for a single contender or none.
    pub const fn cycle_len(&self) -> usize {
        if self.is_doubled() { 2 * self.contenders } else { self.square_len() }
    }

    /// Rounds after which every contender has stood in each place equally often, though not yet
    /// after each other one: half a cycle for an odd number of contenders, else the same as
    /// [`Self::cycle_len`]. A run whose cycle is long may stop here.
    pub const fn square_len(&self) -> usize {
        if self.contenders == 0 { 1 } else { self.contenders }
    }

    /// An odd number of contenders needs two squares, one the mirror of the other (Williams 1949).
    const fn is_doubled(&self) -> bool {
        self.contenders >= 3 && self.contenders % 2 == 1
    }

    /// The design's rows in the order drawn for a cycle. The two squares of a doubled design stay
    /// whole, so that half a cycle is a Latin square.
    fn shuffled_rows(&self, random: &mut SplitMix64) -> Vec<usize> {
        let mut squares: Vec<usize> = (0..self.cycle_len() / self.square_len()).collect();
        random.shuffle(&mut squares);
        let mut rows = Vec::with_capacity(self.cycle_len());
        for square in squares {
            let mut block: Vec<usize> =
                (0..self.square_len()).map(|row| square * self.square_len() + row).collect();
            random.shuffle(&mut block);
            rows.extend(block);
        }
        rows
    }

    /// Row `row` of the Williams design: the zigzag 0, 1, n-1, 2, n-2, ... moved on by `row`;
    /// read backwards in the second square.
    fn design_row(&self, row: usize) -> Vec<usize> {
        let count = self.contenders;
        let zigzag = (0..count)
            .map(|place| if place % 2 == 1 { place.div_ceil(2) } else { count - place / 2 });
        let mut order: Vec<usize> = zigzag.map(|step| (step + row) % count).collect();
        if row >= count {
            order.reverse();
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    /// How often each contender stood in each place over the rounds given.
    fn places(orders: &Orders, rounds: std::ops::Range<usize>) -> Vec<Vec<usize>> {
        let mut counts = vec![vec![0; orders.contenders]; orders.contenders];
        for round in rounds {
            for (place, contender) in orders.round(round).into_iter().enumerate() {
                counts[contender][place] += 1;
            }
        }
        counts
    }

    /// How often each ordered pair stood next to each other over the rounds given.
    fn successions(orders: &Orders, rounds: std::ops::Range<usize>) -> Vec<usize> {
        let mut counts = vec![0; orders.contenders * orders.contenders];
        for round in rounds {
            for pair in orders.round(round).windows(2) {
                counts[pair[0] * orders.contenders + pair[1]] += 1;
            }
        }
        counts
    }

    /// The same cases in every run.
    fn fixed_cases() -> ProptestConfig {
        ProptestConfig {
            rng_seed: RngSeed::Fixed(3),
            failure_persistence: None,
            ..ProptestConfig::default()
        }
    }

    proptest! {
        #![proptest_config(fixed_cases())]

        #[test]
        fn a_cycle_is_balanced_in_place_and_succession(
            contenders in 1_usize..=9, seed: u64, cycle in 0_usize..4,
        ) {
            let orders = Orders::balanced(contenders, seed);
            let start = cycle * orders.cycle_len();
            let rounds = start..start + orders.cycle_len();
            let each = orders.cycle_len() / contenders;
            for row in places(&orders, rounds.clone()) {
                prop_assert!(row.iter().all(|&count| count == each));
            }
            for (pair, count) in successions(&orders, rounds).into_iter().enumerate() {
                let same = pair / contenders == pair % contenders;
                prop_assert_eq!(count, if same { 0 } else { each });
            }
        }

        #[test]
        fn each_square_is_balanced_in_place(contenders in 1_usize..=9, seed: u64, square in 0_usize..6) {
            let orders = Orders::balanced(contenders, seed);
            let start = square * orders.square_len();
            for row in places(&orders, start..start + orders.square_len()) {
                prop_assert!(row.iter().all(|&count| count == 1));
            }
        }
    }

    #[test]
    fn cycles_have_the_lengths_of_the_design() {
        let lengths: Vec<usize> =
            (0..=6).map(|count| Orders::balanced(count, 1).cycle_len()).collect();
        assert_eq!(lengths, [1, 1, 2, 6, 4, 10, 6]);
        let squares: Vec<usize> =
            (0..=6).map(|count| Orders::balanced(count, 1).square_len()).collect();
        assert_eq!(squares, [1, 1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn nobody_and_one_alone_have_an_order_too() {
        assert_eq!(Orders::balanced(0, 7).round(3), Vec::<usize>::new());
        assert_eq!(Orders::balanced(1, 7).round(3), [0]);
    }

    #[test]
    fn seeds_and_cycles_differ() {
        let plan = |seed| (0..10).map(|n| Orders::balanced(5, seed).round(n)).collect::<Vec<_>>();
        assert_ne!(plan(1), plan(2));
        let orders = Orders::balanced(5, 1);
        let second: Vec<_> = (10..20).map(|round| orders.round(round)).collect();
        assert_ne!(plan(1), second);
    }
}
