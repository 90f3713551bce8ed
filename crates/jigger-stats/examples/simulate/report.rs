//! A run analysed as jigger analyses it, beside the truth.

use jigger_stats::{CONFIDENCE, Case, Contrast, Direction, Finding, Margin, Panel, Verdict, judge};

use crate::world::Run;

/// Who takes part. Entries are numbered through: first the baseline's, then one for each other.
#[derive(Debug, Clone)]
pub struct Field {
    /// Entries of the baseline, which is contender 0: one, or two with the placebo.
    pub of_baseline: usize,
    /// The logarithm of each contender's true value, the baseline first.
    pub truths: Vec<f64>,
}

/// Two contenders in one scenario.
#[derive(Debug, Clone, Copy)]
pub struct Comparison {
    /// The contender's place among all.
    pub contender: usize,
    /// The other one's.
    pub baseline: usize,
    /// The ratio found.
    pub contrast: Contrast,
    /// The true ratio.
    pub truth: f64,
    /// The verdict; `None` below three rounds.
    pub finding: Option<Finding>,
}

impl Field {
    /// The default suite's: a baseline that is entered twice and three contenders, the first of
    /// them `ratio` times as fast as all others.
    pub fn of_suite(ratio: f64) -> Self {
        Self { of_baseline: 2, truths: vec![0.0, ratio.ln(), 0.0, 0.0] }
    }

    /// So many entries of servers that are all the same; the placebo is one from three on.
    pub fn alike(entries: usize) -> Self {
        let of_baseline = if entries > 2 { 2 } else { 1 };
        Self { of_baseline, truths: vec![0.0; entries + 1 - of_baseline] }
    }

    /// The logarithm of each entry's true value.
    pub fn entries(&self) -> Vec<f64> {
        [&vec![self.truths[0]; self.of_baseline], &self.truths[1..]].concat()
    }

    /// One scenario's first rounds.
    fn panel(&self, scenario: &[Vec<Option<f64>>], rounds: usize) -> Panel {
        let (baseline, others) = scenario.split_at(self.of_baseline);
        let mut contenders = vec![baseline.iter().map(|entry| &entry[..rounds]).collect()];
        contenders.extend(others.iter().map(|entry| vec![&entry[..rounds]]));
        Panel::new(&contenders)
    }

    /// All pairs in all scenarios over the first rounds of a run, judged as one family.
    pub fn compare(&self, run: &Run, rounds: usize, level: f64) -> Vec<Comparison> {
        let mut all = Vec::new();
        for scenario in run {
            let panel = self.panel(scenario, rounds);
            for contender in 1..self.truths.len() {
                for baseline in 0..contender {
                    let contrast = panel
                        .contrast(contender, baseline)
                        .expect("simulated values are positive, and no round is missing");
                    let truth = (self.truths[contender] - self.truths[baseline]).exp();
                    all.push(Comparison { contender, baseline, contrast, truth, finding: None });
                }
            }
        }
        let cases: Vec<Case> = all.iter().map(Comparison::case).collect();
        for (comparison, finding) in all.iter_mut().zip(judge(&cases, level)) {
            comparison.finding = finding;
        }
        all
    }
}

impl Comparison {
    fn case(&self) -> Case {
        Case {
            contrast: self.contrast,
            direction: Direction::HigherIsBetter,
            same: Margin::default(),
            different: Margin::NONE,
        }
    }

    fn verdict(&self) -> Option<Verdict> {
        self.finding.map(|finding| finding.verdict)
    }

    /// Whether it claims a difference that is not there, or the wrong way round.
    pub fn is_false_alarm(&self) -> bool {
        match self.verdict() {
            Some(Verdict::Better) => self.truth <= 1.0,
            Some(Verdict::Worse) => self.truth >= 1.0,
            _ => false,
        }
    }

    /// Whether the difference that is there was found.
    pub fn is_found(&self) -> bool {
        self.verdict().is_some_and(Verdict::is_different) && !self.is_false_alarm()
    }

    /// Whether the two are called the same.
    pub fn is_same(&self) -> bool {
        self.verdict() == Some(Verdict::Same)
    }

    /// Whether a difference is called probable.
    pub fn is_probable(&self) -> bool {
        matches!(self.verdict(), Some(Verdict::ProbablyBetter | Verdict::ProbablyWorse))
    }

    /// Whether the interval contains the true ratio.
    pub fn is_covered(&self) -> bool {
        // The interval contains 1 when its p-value says so, which is had sooner.
        if self.truth == 1.0 {
            return self.contrast.p_value().is_some_and(|p_value| p_value >= 1.0 - CONFIDENCE);
        }
        self.contrast.interval(CONFIDENCE).is_some_and(|interval| interval.contains(self.truth))
    }

    /// Whether it compares the first contender with the baseline.
    pub fn is_first(&self) -> bool {
        (self.contender, self.baseline) == (1, 0)
    }

    /// Whether there is no need to go on for this comparison: it is decided, or known to within
    /// `half_width`.
    pub fn is_done(&self, half_width: f64) -> bool {
        let is_known =
            || self.contrast.interval(CONFIDENCE).is_some_and(|i| i.half_width() <= half_width);
        self.verdict().is_some_and(Verdict::is_decided) || is_known()
    }
}
