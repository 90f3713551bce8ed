//! Values of the command line, each refused with what to write instead.

use std::time::Duration;

use crate::metric::parse_time;

/// A time, and the text that says it in a suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Time {
    pub text: String,
    pub length: Duration,
}

/// `30s`, `500ms`, `1m 30s`; a number alone is seconds, as other load tools have it.
pub fn time(text: &str) -> Result<Time, String> {
    let is_number = text.parse::<f64>().is_ok();
    let text = if is_number { format!("{text}s") } else { text.to_owned() };
    match parse_time(&text) {
        Some(length) => Ok(Time { text, length }),
        None => Err("write a time above zero, such as 10 (seconds), 500ms or 2m".to_owned()),
    }
}

/// A whole number within these bounds; k, M and G are powers of 1,000, as wrk has them.
pub fn whole<N: TryFrom<u64>>(
    least: u64,
    most: u64,
) -> impl Fn(&str) -> Result<N, String> + Clone + Send + Sync + 'static {
    move |text| {
        let (number, factor) = scaled(text);
        let value = number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
        let value =
            value.filter(|it| (least..=most).contains(it)).and_then(|it| N::try_from(it).ok());
        value.ok_or_else(|| {
            let to = if most == u64::MAX { "on".to_owned() } else { format!("to {most}") };
            format!("write a whole number from {least} {to}, such as {}", least.max(8))
        })
    }
}

/// Requests a second.
pub fn rate(text: &str) -> Result<f64, String> {
    let (number, factor) = scaled(text);
    let rate = number.parse::<f64>().map(|rate| rate * crate::numbers::number(factor));
    rate.ok().filter(|rate| rate.is_finite() && *rate > 0.0).ok_or_else(|| {
        "write a number of requests per second above zero, such as 500 or 2k".to_owned()
    })
}

/// A status of HTTP.
pub fn status(text: &str) -> Result<u16, String> {
    let status = text.parse().ok().filter(|status| (100..=999).contains(status));
    status.ok_or_else(|| "write a status code from 100 to 999, such as 200".to_owned())
}

fn scaled(text: &str) -> (&str, u64) {
    let units = [(['k', 'K'], 1_000), (['m', 'M'], 1_000_000), (['g', 'G'], 1_000_000_000)];
    let found = units.iter().find_map(|(unit, factor)| Some((text.strip_suffix(*unit)?, *factor)));
    found.unwrap_or((text, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_without_a_unit_is_seconds() {
        let length = |text: &str| time(text).map(|time| time.length);
        assert_eq!(length("10"), Ok(Duration::from_secs(10)));
        assert_eq!(length("0.3"), Ok(Duration::from_millis(300)));
        assert_eq!(length("1m 30s"), Ok(Duration::from_secs(90)));
        assert_eq!(time("10").map(|time| time.text), Ok("10s".to_owned()));
        for wrong in ["", "0", "-1", "1x", "nan", "inf", "1e400s", "s"] {
            assert!(length(wrong).unwrap_err().contains("such as 10 (seconds)"), "{wrong}");
        }
    }

    #[test]
    fn counts_and_rates_take_a_unit() {
        assert_eq!(whole::<u32>(1, u32::MAX.into())("2k"), Ok(2_000));
        assert_eq!(whole::<u16>(0, 9)("0"), Ok(0));
        assert_eq!((rate("2k"), rate("0.5"), rate("1.5M")), (Ok(2_000.0), Ok(0.5), Ok(1.5e6)));
        for wrong in ["", "0", "-1", "x", "1.5", "99999999999999999999", "70k"] {
            let message = whole::<u16>(1, u16::MAX.into())(wrong).unwrap_err();
            assert!(message.contains("whole number from 1"), "{wrong}: {message}");
        }
        for wrong in ["", "0", "-5", "nan", "inf", "k", "abc"] {
            assert!(rate(wrong).unwrap_err().contains("2k"), "{wrong}");
        }
        assert_eq!(status("404"), Ok(404));
        assert!(["", "99", "1000", "x", "-1"].iter().all(|wrong| status(wrong).is_err()));
    }
}
