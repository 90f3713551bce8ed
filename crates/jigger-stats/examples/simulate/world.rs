//! Made-up machines on which made-up servers are measured, so that the truth is known.

use std::f64::consts::TAU;

use jigger_stats::{Orders, SplitMix64};

/// Scenarios of a run.
pub const SCENARIOS: usize = 4;

/// How far the scenarios of one visit, which share a launch, are correlated.
const WITHIN_VISIT: f64 = 0.6;

/// What troubles the measurements. All sizes are on the log scale: 0.02 is about 2 %.
#[derive(Debug, Clone, Copy)]
pub struct World {
    /// What the tables call it.
    pub name: &'static str,
    /// Standard deviation of a visit, for each entry; those beyond are like the last.
    pub visit: [f64; 5],
    /// How visits are distributed.
    pub shape: Shape,
    /// Standard deviation of what a round does to all its visits.
    pub round: f64,
    /// How much slower the machine gets with each round.
    pub drift: f64,
    /// Standard deviation of what standing in a place of the round does, drawn once for a run.
    pub slot: f64,
    /// Share of visits that something else slows down, by up to 40 %.
    pub outliers: f64,
}

/// A distribution of mean 0 and standard deviation 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// The normal one.
    Normal,
    /// Visits of a real server, drawn again.
    Record,
    /// Student's t with three degrees of freedom, whose tails are heavy.
    HeavyTails,
}

/// In which order the visits of a run take place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedule {
    /// Rounds in balanced order, as jigger does it.
    Interleaved,
    /// All visits of one entry, then all of the next: what a shell loop does.
    Blocked,
}

/// For each scenario, entry and round the value measured.
pub type Run = Vec<Vec<Vec<Option<f64>>>>;

/// Nothing but a little noise.
pub const QUIET: World = World {
    name: "quiet",
    visit: [0.02; 5],
    shape: Shape::Normal,
    round: 0.0,
    drift: 0.0,
    slot: 0.0,
    outliers: 0.0,
};

const OUTLIERS: World = World { name: "outliers", outliers: 0.1, ..QUIET };

/// The machine gets slower by 1 % with every round, and places in the round differ.
pub const DRIFT: World = World { name: "drift", drift: 0.01, slot: 0.005, ..QUIET };

/// What a round does to everyone is larger than what a visit does.
pub const ROUND_EFFECT: World = World { name: "round effect", round: 0.05, ..QUIET };

/// As noisy as a real run was.
pub const RECORD: World =
    World { name: "record", visit: DEVIATIONS, shape: Shape::Record, round: 0.02, ..QUIET };

/// That, with outliers and drift besides.
pub const ROUGH_RECORD: World =
    World { name: "record, rough", drift: 0.01, slot: 0.005, outliers: 0.1, ..RECORD };

const NOISIEST: World = World { name: "noisiest, A/A", visit: [0.24; 5], ..RECORD };

/// Visits now and then far off, to either side.
pub const HEAVY_TAILS: World =
    World { name: "heavy tails", visit: [0.05; 5], shape: Shape::HeavyTails, ..QUIET };

/// The worlds of the tables.
pub const WORLDS: [World; 8] =
    [QUIET, OUTLIERS, DRIFT, ROUND_EFFECT, RECORD, ROUGH_RECORD, NOISIEST, HEAVY_TAILS];

impl World {
    /// One run of an entry for each of `truths`, the logarithms of what there would be without any
    /// trouble.
    pub fn run(
        &self,
        truths: &[f64],
        schedule: Schedule,
        rounds: usize,
        random: &mut SplitMix64,
    ) -> Run {
        let entries = truths.len();
        let orders = Orders::balanced(entries, random.next_u64());
        let slots: Vec<f64> = truths.iter().map(|_| self.slot * normal(random)).collect();
        let machine: Vec<f64> = (0..rounds).map(|_| self.round * normal(random)).collect();
        let mut run = vec![vec![Vec::with_capacity(rounds); entries]; SCENARIOS];
        for round in 0..rounds {
            for (place, entry) in orders.round(round).into_iter().enumerate() {
                let (visit, slot) = match schedule {
                    Schedule::Interleaved => (round * entries + place, place),
                    Schedule::Blocked => (entry * rounds + round, entry),
                };
                let trouble = machine[visit / entries] + slots[slot]
                    - self.drift * visit as f64 / entries as f64
                    + self.outlier(random);
                let noise = self.visit_noise(entry, random);
                for (scenario, noise) in run.iter_mut().zip(noise) {
                    scenario[entry].push(Some((truths[entry] + trouble + noise).exp()));
                }
            }
        }
        run
    }

    fn outlier(&self, random: &mut SplitMix64) -> f64 {
        if random.unit() < self.outliers { (1.0 - 0.4 * random.unit()).ln() } else { 0.0 }
    }

    /// What one visit of an entry is off by in each scenario. Where the distribution is a record's,
    /// scenarios share the whole draw or nothing, which keeps its shape.
    fn visit_noise(&self, entry: usize, random: &mut SplitMix64) -> [f64; SCENARIOS] {
        let deviation = self.visit[entry.min(self.visit.len() - 1)];
        let common = self.shape.draw(random);
        [(); SCENARIOS].map(|()| {
            let own = self.shape.draw(random);
            let mixed = match self.shape {
                Shape::Record if random.unit() < WITHIN_VISIT.sqrt() => common,
                Shape::Record => own,
                _ => WITHIN_VISIT.sqrt() * common + (1.0 - WITHIN_VISIT).sqrt() * own,
            };
            deviation * mixed
        })
    }
}

impl Shape {
    fn draw(self, random: &mut SplitMix64) -> f64 {
        match self {
            Self::Normal => normal(random),
            Self::Record => VISITS[random.below(VISITS.len())],
            Self::HeavyTails => {
                // t of three degrees of freedom, divided by its standard deviation, which is the
                // root of 3.
                let squares: f64 = [(); 3].map(|()| normal(random).powi(2)).iter().sum();
                normal(random) / squares.sqrt()
            }
        }
    }
}

/// A standard normal number. Source: Box & Muller 1958, "A note on the generation of random
/// normal deviates", Annals of Mathematical Statistics 29.
fn normal(random: &mut SplitMix64) -> f64 {
    let radius = (-2.0 * (1.0 - random.unit()).ln()).sqrt();
    radius * (TAU * random.unit()).cos()
}

/// Visits of gunicorn in a run of the default suite on a shared virtual machine: the logarithms of
/// the rates in seven rounds of two entries, in the scenarios `sequential`,
/// `sequential-keep-alive` and `saturation`, each scenario brought to mean 0 and standard
/// deviation 1. They have two peaks and a long tail to the left.
pub const VISITS: [f64; 42] = [
    0.6028, -1.3276, -0.1219, 0.3112, -1.7795, 1.0167, -1.1353, //
    1.0487, -1.4698, 0.9387, -0.1096, 0.9067, -0.0200, 1.1390, //
    0.7207, -1.0116, -0.5712, 0.8030, -1.8149, 1.0835, -1.3233, //
    1.2548, -1.3489, 0.7321, 0.8246, 0.8034, -0.0777, -0.0743, //
    0.7446, -0.0220, -0.8336, 0.5210, -1.5732, 0.4969, 0.1213, //
    1.3133, -2.4716, 1.0221, -0.3964, 0.8140, 0.0646, 0.1991,
];

/// The standard deviations of visits on the log scale in that run: both entries of gunicorn, then
/// Gin, Flask's own server and axum.
pub const DEVIATIONS: [f64; 5] = [0.24, 0.24, 0.115, 0.07, 0.09];
