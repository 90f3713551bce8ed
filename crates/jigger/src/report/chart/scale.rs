//! From values to places, and the values that an axis is labelled with.

/// Maps a range of values onto a range of places.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    kind: Kind,
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Linear,
    Log,
    /// Quantiles; each further nine takes as much room as the one before.
    Tail,
}

/// Ticks that an axis of this size has at most.
const MOST_TICKS: usize = 7;

impl Scale {
    /// Equal steps for equal differences.
    pub fn linear(low: f64, high: f64, (from, to): (f64, f64)) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        Self { kind: Kind::Linear, low, high, from, to }
    }

    /// Equal steps for equal ratios. Both ends are positive.
    pub fn log(low: f64, high: f64, (from, to): (f64, f64)) -> Self {
        let low = if low > 0.0 { low } else { f64::MIN_POSITIVE };
        let high = if high > low { high } else { low * 2.0 };
        Self { kind: Kind::Log, low, high, from, to }
    }

    /// Quantiles from 0 to `high`, below 1.
    pub fn tail(high: f64, (from, to): (f64, f64)) -> Self {
        Self { kind: Kind::Tail, low: 0.0, high: high.clamp(0.5, 1.0 - 1e-12), from, to }
    }

    /// The place of a value; one beyond an end lies at that end.
    pub fn at(&self, value: f64) -> f64 {
        let value = value.clamp(self.low, self.high);
        let (low, high) = (self.transformed(self.low), self.transformed(self.high));
        self.from + (self.transformed(value) - low) / (high - low) * (self.to - self.from)
    }

    pub fn ends(&self) -> (f64, f64) {
        (self.from, self.to)
    }

    /// Round values within the range, ascending.
    pub fn ticks(&self) -> Vec<f64> {
        match self.kind {
            Kind::Linear => self.linear_ticks(),
            Kind::Log => self.log_ticks(),
            Kind::Tail => self.tail_ticks(),
        }
    }

    fn transformed(&self, value: f64) -> f64 {
        match self.kind {
            Kind::Linear => value,
            Kind::Log => value.ln(),
            Kind::Tail => -(1.0 - value).ln(),
        }
    }

    fn linear_ticks(&self) -> Vec<f64> {
        let step = round_step((self.high - self.low) / 5.0);
        let first = (self.low / step).ceil();
        // Whole steps are multiplied, so that no error adds up.
        (0..20_u32)
            .map(|count| (first + f64::from(count)) * step)
            .take_while(|tick| *tick <= self.high + step * 1e-9)
            .collect()
    }

    /// The first of these that gives three ticks and not too many: powers of ten, those
    /// with 1, 2 and 5 before them, even steps.
    fn log_ticks(&self) -> Vec<f64> {
        let decades = self.decades(&[1.0]);
        if decades.len() > MOST_TICKS {
            let every = decades.len().div_ceil(MOST_TICKS);
            return decades.into_iter().step_by(every).collect();
        }
        if decades.len() > 2 {
            return decades;
        }
        let finer = self.decades(&[1.0, 2.0, 5.0]);
        if finer.len() > 2 { finer } else { self.linear_ticks() }
    }

    #[expect(clippy::cast_possible_truncation, reason = "exponents of f64 are small")]
    fn decades(&self, digits: &[f64]) -> Vec<f64> {
        let exponents = self.low.log10().floor() as i32..=self.high.log10().ceil() as i32;
        exponents
            .flat_map(|exponent| digits.iter().map(move |digit| digit * 10_f64.powi(exponent)))
            .filter(|tick| (self.low..=self.high).contains(tick))
            .collect()
    }

    fn tail_ticks(&self) -> Vec<f64> {
        let nines = (1..10).map(|nines| 1.0 - 10_f64.powi(-nines));
        [0.0, 0.5].into_iter().chain(nines).take_while(|tick| *tick <= self.high).collect()
    }
}

/// 1, 2 or 5 times a power of ten, at least `step`.
fn round_step(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    let digit = [1.0, 2.0, 5.0].into_iter().find(|digit| digit * power >= step * (1.0 - 1e-9));
    digit.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: (f64, f64) = (0.0, 100.0);

    fn close(found: &[f64], wanted: &[f64]) {
        assert_eq!(found.len(), wanted.len(), "{found:?}");
        for (a, b) in found.iter().zip(wanted) {
            assert!((a - b).abs() < 1e-9, "{found:?}");
        }
    }

    #[test]
    fn values_lie_where_the_kind_puts_them() {
        let place = |scale: Scale, value| scale.at(value);
        close(&[place(Scale::linear(0.0, 10.0, PLACE), 5.0)], &[50.0]);
        close(&[place(Scale::log(1.0, 100.0, PLACE), 10.0)], &[50.0]);
        close(&[place(Scale::tail(0.99, PLACE), 0.9)], &[50.0]);
        close(&[place(Scale::linear(0.0, 10.0, (100.0, 0.0)), 2.0)], &[80.0]);
    }

    #[test]
    fn nothing_lies_outside() {
        let scale = Scale::log(1.0, 10.0, PLACE);
        close(&[scale.at(0.0), scale.at(1e9), scale.at(f64::INFINITY)], &[0.0, 100.0, 100.0]);
    }

    #[test]
    fn ticks_are_round() {
        close(&Scale::linear(0.0, 23.0, PLACE).ticks(), &[0.0, 5.0, 10.0, 15.0, 20.0]);
        close(&Scale::log(0.5, 30.0, PLACE).ticks(), &[0.5, 1.0, 2.0, 5.0, 10.0, 20.0]);
        close(&Scale::log(1.0, 10_000.0, PLACE).ticks(), &[1.0, 10.0, 100.0, 1e3, 1e4]);
        close(&Scale::log(0.96, 1.04, PLACE).ticks(), &[0.96, 0.98, 1.0, 1.02, 1.04]);
        close(&Scale::tail(0.9995, PLACE).ticks(), &[0.0, 0.5, 0.9, 0.99, 0.999]);
    }

    #[test]
    fn one_value_or_a_huge_range_has_ticks_too() {
        for scale in [
            Scale::linear(5.0, 5.0, PLACE),
            Scale::log(5.0, 5.0, PLACE),
            Scale::log(1e-9, 1e12, PLACE),
            Scale::log(0.0, 1.0, PLACE),
        ] {
            let ticks = scale.ticks();
            assert!((1..=20).contains(&ticks.len()), "{scale:?}: {ticks:?}");
            assert!(ticks.iter().all(|tick| scale.at(*tick).is_finite()), "{ticks:?}");
        }
    }
}
