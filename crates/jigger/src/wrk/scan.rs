//! Numbers as wrk reads them: whole, with one unit letter, in either case.

/// A count: k, M, G, T and P are powers of 1000. `None` when it is no count.
#[must_use]
pub fn count(text: &str) -> Option<u64> {
    scan(text, |unit| {
        let power = ["", "k", "m", "g", "t", "p"].iter().position(|known| *known == unit)?;
        1_000_u64.checked_pow(u32::try_from(power).ok()?)
    })
}

/// Seconds: s, m and h. `None` when it is no time.
#[must_use]
pub fn seconds(text: &str) -> Option<u64> {
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

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = include_str!("../../tests/data/wrk-format.tsv");

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
            assert_eq!(seconds(fields[1]), expected(fields[2]), "{line}");
            assert_eq!(count(fields[1]), expected(fields[3]), "{line}");
            seen += 1;
        }
        assert_eq!(seen, 15);
    }
}
