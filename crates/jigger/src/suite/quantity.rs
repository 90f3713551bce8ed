//! Amounts as people write them: `20ms`, `50 MB`, `1000/s`, into a metric's own unit.

use super::validate::duration;

/// What a metric counts, as far as a limit for it has to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dimension {
    /// Requests a second.
    Rate,
    /// Time; so many microseconds are one of the metric's unit.
    Time { unit_us: u32 },
    /// Bytes.
    Size,
}

impl Dimension {
    /// The dimension that a metric's name tells.
    fn of(metric: &str) -> Self {
        match metric {
            name if name.ends_with("requests_per_second") => Self::Rate,
            name if name.ends_with("_bytes") => Self::Size,
            name if name.ends_with("_ms") => Self::Time { unit_us: 1_000 },
            name if name.contains("_us") => Self::Time { unit_us: 1 },
            _ => Self::Time { unit_us: 1_000_000 },
        }
    }

    /// How an amount of it is written.
    fn example(self) -> &'static str {
        match self {
            Self::Rate => "a number such as 1000, for requests a second",
            Self::Time { .. } => "a time such as \"20ms\"",
            Self::Size => "a size such as \"50 MB\"",
        }
    }
}

/// The amount in the unit of the metric. A number without a unit is taken to be in it already.
///
/// # Errors
/// The message, when it is no amount above zero of what the metric counts.
pub fn parse(key: &str, text: &str, metric: &str) -> Result<f64, String> {
    let dimension = Dimension::of(metric);
    let amount = text.trim().parse().ok().or_else(|| with_unit(text, dimension));
    amount
        .filter(|amount: &f64| *amount > 0.0 && amount.is_finite())
        .ok_or_else(|| format!("{key} = '{text}': for {metric} write {}", dimension.example()))
}

fn with_unit(text: &str, dimension: Dimension) -> Option<f64> {
    match dimension {
        Dimension::Rate => text.trim().strip_suffix("/s")?.trim().parse().ok(),
        Dimension::Size => bytes(text),
        Dimension::Time { unit_us } => {
            let time = duration("", text).ok()?;
            Some(time.as_secs_f64() * 1e6 / f64::from(unit_us))
        }
    }
}

/// Sizes in steps of 1000, as reports print them, or with an `i` in steps of 1024.
const SIZES: [(&str, f64); 9] = [
    ("KiB", 1_024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
    ("kB", 1e3),
    ("KB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("TB", 1e12),
    ("B", 1.0),
];

fn bytes(text: &str) -> Option<f64> {
    let text = text.trim();
    let (number, factor) = SIZES
        .iter()
        .find_map(|(unit, factor)| text.strip_suffix(unit).map(|number| (number, factor)))?;
    number.trim().parse::<f64>().ok().map(|number| number * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_come_out_in_the_unit_of_the_metric() {
        let cases = [
            ("20ms", "q.response_time_us.p99", 20_000.0),
            ("1.5 s", "startup_ms", 1_500.0),
            ("250", "startup_ms", 250.0),
            ("2m", "build_seconds", 120.0),
            ("5ms", "q.seconds_per_request", 0.005),
            ("50 MB", "memory_peak_bytes", 5e7),
            ("1.5GiB", "image_own_bytes", 1_610_612_736.0),
            ("7 B", "memory_idle_bytes", 7.0),
            ("1000/s", "q.requests_per_second", 1_000.0),
        ];
        for (text, metric, wanted) in cases {
            let amount = parse("at_most", text, metric).unwrap();
            assert!((amount / wanted - 1.0).abs() < 1e-12, "{text}: {amount}");
        }
    }

    #[test]
    fn another_dimension_is_refused_with_an_example() {
        let fault = |text: &str, metric: &str| parse("at_most", text, metric).unwrap_err();
        assert_eq!(
            fault("50 MB", "startup_ms"),
            "at_most = '50 MB': for startup_ms write a time such as \"20ms\""
        );
        assert!(fault("20ms", "memory_peak_bytes").contains("\"50 MB\""));
        assert!(fault("20ms", "q.requests_per_second").contains("1000"));
        assert!(fault("-3", "startup_ms").contains("a time"));
        assert!(fault("NaN", "startup_ms").contains("a time"));
    }
}
