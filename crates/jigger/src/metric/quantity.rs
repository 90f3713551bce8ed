//! Amounts as people write them: `20ms`, `50 MB`, `1000/s`.

use std::time::Duration;

use super::Unit;

/// A text that is no amount above zero of what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("write {example}")]
pub struct NoAmount {
    pub example: &'static str,
}

/// The amount in that unit. A number without a unit is taken to be in it already.
///
/// # Errors
/// [`NoAmount`], also for another dimension.
pub fn parse_amount(text: &str, unit: Unit) -> Result<f64, NoAmount> {
    let amount = text.trim().parse().ok().or_else(|| with_unit(text, unit));
    let amount = amount.filter(|amount: &f64| *amount > 0.0 && amount.is_finite());
    amount.ok_or(NoAmount { example: example(unit) })
}

const fn example(unit: Unit) -> &'static str {
    match unit {
        Unit::PerSecond => "a number such as 1000, for requests per second",
        Unit::Bytes => "a size such as \"50 MB\"",
        Unit::Seconds | Unit::Milliseconds | Unit::Microseconds => "a time such as \"20ms\"",
    }
}

fn with_unit(text: &str, unit: Unit) -> Option<f64> {
    let seconds = || Some(parse_time(text)?.as_secs_f64());
    match unit {
        Unit::PerSecond => text.trim().strip_suffix("/s")?.trim().parse().ok(),
        Unit::Bytes => parse_bytes(text),
        Unit::Seconds => seconds(),
        Unit::Milliseconds => Some(seconds()? * 1e3),
        Unit::Microseconds => Some(seconds()? * 1e6),
    }
}

/// `4s`, `500ms`, `1m 30s`: the friendly form of the jiff crate; `None` unless it is above zero.
pub fn parse_time(text: &str) -> Option<Duration> {
    let time = text.parse::<jiff::SignedDuration>().ok()?;
    Duration::try_from(time).ok().filter(|time| !time.is_zero())
}

/// Units of size in lower case: steps of 1,000, as reports print them; with an `i`, or a letter
/// alone as container engines take it, steps of 1,024.
const SIZES: [(&str, f64); 12] = [
    ("", 1.0),
    ("b", 1.0),
    ("kb", 1e3),
    ("mb", 1e6),
    ("gb", 1e9),
    ("tb", 1e12),
    ("k", 1_024.0),
    ("kib", 1_024.0),
    ("m", 1_048_576.0),
    ("mib", 1_048_576.0),
    ("g", 1_073_741_824.0),
    ("gib", 1_073_741_824.0),
];

/// `50 MB`, `1.5GiB`, `512m`, in bytes; `None` when it is no size above zero.
pub fn parse_bytes(text: &str) -> Option<f64> {
    let lower = text.trim().to_ascii_lowercase();
    let number = lower.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let (_, factor) = SIZES.iter().find(|(unit, _)| *unit == &lower[number.len()..])?;
    let bytes = number.trim().parse::<f64>().ok()? * factor;
    (bytes > 0.0 && bytes.is_finite()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_come_out_in_the_unit() {
        let cases = [
            ("20ms", Unit::Microseconds, 20_000.0),
            ("1.5 s", Unit::Milliseconds, 1_500.0),
            ("250", Unit::Milliseconds, 250.0),
            ("2m", Unit::Seconds, 120.0),
            ("5ms", Unit::Seconds, 0.005),
            ("50 MB", Unit::Bytes, 5e7),
            ("1.5GiB", Unit::Bytes, 1_610_612_736.0),
            ("7 B", Unit::Bytes, 7.0),
            ("1000/s", Unit::PerSecond, 1_000.0),
        ];
        for (text, unit, wanted) in cases {
            let amount = parse_amount(text, unit).unwrap();
            assert!((amount / wanted - 1.0).abs() < 1e-12, "{text}: {amount}");
        }
    }

    #[test]
    fn another_dimension_is_refused_with_an_example() {
        let fault = |text: &str, unit| parse_amount(text, unit).unwrap_err().to_string();
        assert_eq!(fault("50 MB", Unit::Milliseconds), "write a time such as \"20ms\"");
        assert!(fault("20ms", Unit::Bytes).contains("\"50 MB\""));
        assert!(fault("20ms", Unit::PerSecond).contains("1000"));
        assert!(fault("-3", Unit::Milliseconds).contains("a time"));
        assert!(fault("NaN", Unit::Seconds).contains("a time"));
    }

    #[test]
    fn a_size_means_the_same_wherever_it_is_written() {
        let cases = [
            ("512 MB", 512e6),
            ("512mb", 512e6),
            ("512m", 536_870_912.0),
            ("512 MiB", 536_870_912.0),
            ("1g", 1_073_741_824.0),
            ("0.5 kB", 500.0),
            ("1024", 1_024.0),
        ];
        for (text, bytes) in cases {
            assert_eq!(parse_bytes(text), Some(bytes), "{text}");
        }
        for text in ["", "MB", "512 XB", "-1m", "0", "1 m b", "inf"] {
            assert_eq!(parse_bytes(text), None, "{text}");
        }
    }
}
