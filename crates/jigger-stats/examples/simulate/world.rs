//! A made-up machine on which made-up servers are measured, so that the truth is known.

use std::f64::consts::TAU;

use jigger_stats::{Orders, SplitMix64};

/// What troubles the measurements. All sizes are on the log scale: 0.02 is about 2 %.
#[derive(Debug, Clone, Copy)]
pub struct World {
    /// What the tables call it.
    pub name: &'static str,
    /// Standard deviation of one visit.
    pub noise: f64,
    /// How much slower the machine gets with each round.
    pub drift: f64,
    /// Share of visits that something else slows down, by up to 40 %.
    pub spike_rate: f64,
    /// Standard deviation of what standing in a place of the round does, drawn once for a run.
    pub slot_effect: f64,
}

/// In which order the visits of a run take place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedule {
    /// Rounds in balanced order, as jigger does it.
    Interleaved,
    /// All visits of one contender, then all of the next: what a shell loop does.
    Blocked,
}

/// A world with nothing but noise.
pub const QUIET: World =
    World { name: "noise only", noise: 0.02, drift: 0.0, spike_rate: 0.0, slot_effect: 0.0 };

/// All troubles at once.
pub const ROUGH: World =
    World { name: "all of these", drift: 0.01, spike_rate: 0.1, slot_effect: 0.005, ..QUIET };

/// The worlds of the tables.
pub const WORLDS: [World; 5] = [
    QUIET,
    World { name: "drift of 1 % a round", drift: 0.01, ..QUIET },
    World { name: "spikes in 10 % of visits", spike_rate: 0.1, ..QUIET },
    World { name: "slot effects of 0.5 %", slot_effect: 0.005, ..QUIET },
    ROUGH,
];

/// Slot effects half as large as the noise, and as large. The balanced order takes them out of the
/// estimate, but the interval still counts them as noise: it gets wider than it had to be, and
/// covers the truth more often than it says.
pub const STRONG_SLOTS: [World; 2] = [
    World { name: "slot effects of 1 %", slot_effect: 0.01, ..QUIET },
    World { name: "slot effects of 2 %", slot_effect: 0.02, ..QUIET },
];

impl World {
    /// One run: for every contender its value in each round. `truths` are the values without any
    /// trouble.
    pub fn run(
        &self,
        truths: &[f64],
        schedule: Schedule,
        rounds: usize,
        random: &mut SplitMix64,
    ) -> Vec<Vec<f64>> {
        let orders = Orders::balanced(truths.len(), random.next_u64());
        let slots: Vec<f64> = truths.iter().map(|_| self.slot_effect * normal(random)).collect();
        let mut values = vec![Vec::with_capacity(rounds); truths.len()];
        for round in 0..rounds {
            for (place, contender) in orders.round(round).into_iter().enumerate() {
                let visit = match schedule {
                    Schedule::Interleaved => round * truths.len() + place,
                    Schedule::Blocked => contender * rounds + round,
                };
                let elapsed_rounds = visit as f64 / truths.len() as f64;
                let slot = match schedule {
                    Schedule::Interleaved => slots[place],
                    Schedule::Blocked => slots[contender],
                };
                let trouble = self.visit_trouble(random) + slot - self.drift * elapsed_rounds;
                values[contender].push(truths[contender] * trouble.exp());
            }
        }
        values
    }

    fn visit_trouble(&self, random: &mut SplitMix64) -> f64 {
        let is_spike = random.unit() < self.spike_rate;
        let spike = if is_spike { (1.0 - 0.4 * random.unit()).ln() } else { 0.0 };
        self.noise * normal(random) + spike
    }
}

/// A standard normal number. Source: Box & Muller 1958, "A note on the generation of random
/// normal deviates", Annals of Mathematical Statistics 29.
fn normal(random: &mut SplitMix64) -> f64 {
    let radius = (-2.0 * (1.0 - random.unit()).ln()).sqrt();
    radius * (TAU * random.unit()).cos()
}
