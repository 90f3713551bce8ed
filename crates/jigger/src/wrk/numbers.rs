//! Numbers as wrk reads them (whole, with one unit letter, in either case) and prints them (two
//! decimals and a unit, aligned in cells).

/// Value at which the next unit is taken, as a share of the step.
const NEXT_UNIT_SHARE: f64 = 0.85;

/// A count: k, M, G, T and P are powers of 1000. `None` when it is no count.
#[must_use]
pub fn read_count(text: &str) -> Option<u64> {
    scan(text, |unit| {
        let power = ["", "k", "m", "g", "t", "p"].iter().position(|known| *known == unit)?;
        1_000_u64.checked_pow(u32::try_from(power).ok()?)
    })
}

/// Seconds: s, m and h. `None` when it is no time.
#[must_use]
pub fn read_seconds(text: &str) -> Option<u64> {
    scan(text, |unit| match unit {
        "" | "s" => Some(1),
        "m" => Some(60),
        "h" => Some(3_600),
        _ => None,
    })
}

fn scan(text: &str, factor: impl Fn(&str) -> Option<u64>) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    number.parse::<u64>().ok()?.checked_mul(factor(&unit.to_ascii_lowercase())?)
}

/// Microseconds: us and ms, and from one second on s and m.
#[must_use]
pub fn time_us(value: f64) -> String {
    if value >= 1_000_000.0 {
        scaled(value / 1_000_000.0, &[("s", 60.0), ("m", 60.0), ("h", 0.0)], 2)
    } else {
        scaled(value, &[("us", 1_000.0), ("ms", 1_000.0), ("s", 0.0)], 2)
    }
}

/// Whole seconds, without decimals.
#[must_use]
pub fn time_s(value: f64) -> String {
    scaled(value, &[("s", 60.0), ("m", 60.0), ("h", 0.0)], 0)
}

/// Counts, by thousands.
#[must_use]
pub fn metric(value: f64) -> String {
    const STEP: f64 = 1_000.0;
    scaled(value, &[("", STEP), ("k", STEP), ("M", STEP), ("G", STEP), ("T", STEP), ("P", 0.0)], 2)
}

/// Bytes, by 1024; the `B` is for the caller to add.
#[must_use]
pub fn binary(value: f64) -> String {
    const STEP: f64 = 1_024.0;
    scaled(value, &[("", STEP), ("K", STEP), ("M", STEP), ("G", STEP), ("T", STEP), ("P", 0.0)], 2)
}

/// Divides while the value is at least 0.85 of the step, never into the last unit.
fn scaled(value: f64, units: &[(&str, f64)], decimals: usize) -> String {
    let mut value = value;
    let mut at = 0;
    while at + 2 < units.len() && value >= units[at].1 * NEXT_UNIT_SHARE {
        value /= units[at].1;
        at += 1;
    }
    format!("{value:.decimals$}{}", units[at].0)
}

/// A text in a cell: right-aligned so that the digits of all units stand in line.
#[must_use]
pub fn cell(text: &str, width: usize) -> String {
    let letters = text.chars().rev().take(2).filter(char::is_ascii_alphabetic).count();
    let pad = 2 - letters;
    let room = width - pad;
    let cut: String = text.chars().take(room).collect();
    format!("{cut:>room$}{:pad$}", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values printed by wrk itself: kind, input, text, text in its cell.
    const PRINTED: &str = include_str!("../../tests/data/wrk-format.tsv");

    #[test]
    fn every_value_is_as_wrk_prints_it() {
        let mut seen = 0;
        for line in PRINTED.lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            let [kind, input, text, rest @ ..] = fields.as_slice() else {
                continue;
            };
            let Ok(value) = input.parse::<f64>() else {
                continue;
            };
            let (found, width) = match *kind {
                "time_us" => (time_us(value), 8),
                "time_s" => (time_s(value), 0),
                "metric" => (metric(value), 8),
                "binary" => (format!("{}B", binary(value)), 0),
                _ => continue,
            };
            assert_eq!(found, *text, "{line}");
            if let [in_cell] = rest {
                assert_eq!(format!("[{}]", cell(&found, width)), *in_cell, "{line}");
            }
            seen += 1;
        }
        assert!(seen >= 70, "only {seen} rows were checked");
    }

    /// `rc=0 10` or `rc=-1 0`, after the kind's name.
    fn expected(field: &str) -> Option<u64> {
        let mut words = field.split_whitespace().skip(1);
        let accepted = words.next() == Some("rc=0");
        words.next().filter(|_| accepted).map(|number| number.parse().unwrap())
    }

    #[test]
    fn every_text_is_read_as_wrk_reads_it() {
        let mut seen = 0;
        for line in PRINTED.lines().filter(|line| line.starts_with("scan\t")) {
            let fields: Vec<&str> = line.split('\t').collect();
            assert_eq!(read_seconds(fields[1]), expected(fields[2]), "{line}");
            assert_eq!(read_count(fields[1]), expected(fields[3]), "{line}");
            seen += 1;
        }
        assert_eq!(seen, 15);
    }
}
