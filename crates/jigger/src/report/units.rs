//! Numbers to text, in one place.

use crate::metric::Unit;

/// A value with its unit, three significant digits.
pub fn with_unit(value: f64, unit: Unit) -> String {
    match unit {
        Unit::PerSecond => grouped(value),
        Unit::Seconds => time_us(value * 1e6),
        Unit::Milliseconds => time_us(value * 1e3),
        Unit::Microseconds => time_us(value),
        Unit::Bytes => bytes(value),
    }
}

/// A time given in microseconds: `12.3 us`, `4.56 ms`, `1.23 s`.
pub fn time_us(value: f64) -> String {
    if value < 1_000.0 {
        format!("{} us", significant(value))
    } else if value < 1_000_000.0 {
        format!("{} ms", significant(value / 1_000.0))
    } else {
        format!("{} s", significant(value / 1_000_000.0))
    }
}

/// A size, in steps of 1000 as container engines print it.
pub fn bytes(value: f64) -> String {
    const STEPS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut scaled = value;
    let mut step = 0;
    while scaled >= 999.5 && step + 1 < STEPS.len() {
        scaled /= 1_000.0;
        step += 1;
    }
    format!("{} {}", significant(scaled), STEPS[step])
}

/// Three significant digits, never an exponent.
pub fn significant(value: f64) -> String {
    match value {
        v if v >= 99.95 => format!("{v:.0}"),
        v if v >= 9.995 => format!("{v:.1}"),
        v => format!("{v:.2}"),
    }
}

/// A ratio with enough digits to see it beside a margin of a few percent.
pub fn fine(ratio: f64) -> String {
    match ratio {
        r if r >= 1.995 => significant(r),
        r if r >= 0.0995 => format!("{r:.3}"),
        r => format!("{r:.4}"),
    }
}

/// A share as a whole number of percent, with a digit more below 10 %: never rounded down to what
/// it exceeds.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent < 9.95 {
        format!("{:.1} %", (percent * 10.0).ceil() / 10.0)
    } else {
        format!("{:.0} %", percent.ceil())
    }
}

/// A value with its thousands apart: `12,345`; below 100 with a digit or two behind the point.
pub fn grouped(value: f64) -> String {
    if value < 99.95 {
        return significant(value);
    }
    apart(&format!("{value:.0}"))
}

/// A count with its thousands apart.
pub fn whole(count: u64) -> String {
    apart(&count.to_string())
}

fn apart(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 round`, `2 rounds`.
pub fn count(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_change_their_unit_at_a_thousand() {
        let shown: Vec<String> =
            [0.5, 12.34, 999.0, 1_000.0, 45_678.0, 2_500_000.0].map(time_us).into();
        assert_eq!(shown, ["0.50 us", "12.3 us", "999 us", "1.00 ms", "45.7 ms", "2.50 s"]);
    }

    #[test]
    fn sizes_are_in_steps_of_a_thousand() {
        let shown: Vec<String> = [999.0, 1_000.0, 21_700_000.0, 816e6].map(bytes).into();
        assert_eq!(shown, ["999 B", "1.00 kB", "21.7 MB", "816 MB"]);
    }

    #[test]
    fn a_share_is_rounded_up() {
        assert_eq!([0.0241, 0.12, 0.121, 1.5].map(percent), ["2.5 %", "12 %", "13 %", "150 %"]);
    }

    #[test]
    fn thousands_are_apart() {
        let shown: Vec<String> = [7.25, 999.4, 1_000.0, 54_471.39, 1_234_567.0].map(grouped).into();
        assert_eq!(shown, ["7.25", "999", "1,000", "54,471", "1,234,567"]);
        assert_eq!([0, 20, 99, 100, 1_234].map(whole), ["0", "20", "99", "100", "1,234"]);
    }
}
