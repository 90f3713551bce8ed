//! `[[threshold]]`: what a metric of a contender has to keep, for runs that gate a change.

use super::fault::{Checked, at, refused, unknown};
use super::raw::{RawLimit, RawThreshold};
use super::{Contender, Scenario};
use crate::metric::{Kind, Metric, parse_amount};
use crate::record::{BoundRecord, PublishedRecord};

/// A promise about one metric of one contender.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    pub metric: String,
    pub contender: String,
    /// On which side of the limit it has to stay.
    pub bound: BoundRecord,
    pub limit: Limit,
    /// The limit as it was written.
    pub text: String,
}

/// What a metric is held against.
#[derive(Debug, Clone, PartialEq)]
pub enum Limit {
    /// An amount, in the metric's unit.
    Amount(f64),
    /// So many times the value of another contender in the same rounds.
    Times { factor: f64, contender: String },
}

/// Checks that each is a metric which a suite with these scenarios can have: its whole name, or
/// what follows the scenario's.
pub fn check_metrics(wanted: &[String], scenarios: &[&str]) -> Checked<()> {
    let all = Metric::all(scenarios);
    if let Some(other) = wanted.iter().find(|text| !all.iter().any(|it| it.is_called(text))) {
        let own = Kind::all().map(|kind| kind.descriptor().name.to_owned());
        let names: Vec<String> = own.chain(all.iter().map(Metric::to_string)).collect();
        return refused(unknown("metric", other, &texts(&names)));
    }
    Ok(())
}

/// Checks one threshold against the suite that it is in.
pub fn validated(
    raw: RawThreshold,
    contenders: &[Contender],
    scenarios: &[Scenario],
) -> Checked<Threshold> {
    let place = format!("threshold on '{}'", raw.metric);
    let names: Vec<&str> = scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
    checked(raw, &names, contenders).map_err(at(&place))
}

/// Checks a ratio that others published against the suite that it is in.
pub fn check_published(
    published: &PublishedRecord,
    contenders: &[Contender],
    scenarios: &[Scenario],
) -> Checked<()> {
    let scenarios: Vec<&str> = scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
    let contenders: Vec<&str> = contenders.iter().map(|it| it.name.as_str()).collect();
    let check = || {
        metric(&published.metric, &scenarios)?;
        known("contender", &published.contender, &contenders)?;
        known("contender", &published.to, &contenders)?;
        match published.ratio {
            ratio if ratio > 0.0 && ratio.is_finite() => Ok(()),
            ratio => refused(format!("ratio = {ratio}: write a number above zero")),
        }
    };
    check().map_err(at(&format!("published '{}'", published.metric)))
}

fn metric<'a>(text: &str, scenarios: &[&'a str]) -> Checked<Metric<'a>> {
    match Metric::parse(text, scenarios) {
        Some(metric) => Ok(metric),
        None => {
            let all: Vec<String> = Metric::all(scenarios).iter().map(Metric::to_string).collect();
            refused(unknown("metric", text, &texts(&all)))
        }
    }
}

fn checked(raw: RawThreshold, scenarios: &[&str], contenders: &[Contender]) -> Checked<Threshold> {
    let metric = metric(&raw.metric, scenarios)?;
    let contender_names: Vec<&str> = contenders.iter().map(|c| c.name.as_str()).collect();
    known("contender", &raw.contender, &contender_names)?;
    let (bound, key, written) = match (raw.at_least, raw.at_most) {
        (Some(limit), None) => (BoundRecord::AtLeast, "at_least", limit),
        (None, Some(limit)) => (BoundRecord::AtMost, "at_most", limit),
        _ => return refused("give either at_least or at_most"),
    };
    let text = match written {
        RawLimit::Number(number) => number.to_string(),
        RawLimit::Text(text) => text,
    };
    let limit = limit(key, &text, metric, &contender_names)?;
    Ok(Threshold { metric: raw.metric, contender: raw.contender, bound, limit, text })
}

fn texts(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

fn known(kind: &str, name: &str, known: &[&str]) -> Checked<()> {
    if known.contains(&name) { Ok(()) } else { refused(unknown(kind, name, known)) }
}

/// `20ms`, or `2 x flask`.
fn limit(key: &str, text: &str, metric: Metric<'_>, contenders: &[&str]) -> Checked<Limit> {
    let Some((factor, other)) = text.split_once(" x ") else {
        let amount = parse_amount(text, metric.descriptor().unit);
        let amount = amount.map_err(|wanted| format!("{key} = '{text}': for {metric} {wanted}"))?;
        return Ok(Limit::Amount(amount));
    };
    let factor = factor.trim().parse::<f64>().ok().filter(|f| *f > 0.0 && f.is_finite());
    let factor = factor.ok_or_else(|| {
        format!("{key} = '{text}': write a number above zero before the x, such as \"2 x {other}\"")
    })?;
    known("contender", other.trim(), contenders).map_err(at(key))?;
    Ok(Limit::Times { factor, contender: other.trim().to_owned() })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::metric::Unit;
    use crate::suite::Suite;

    fn suite(threshold: &str) -> Result<Suite, String> {
        let contender = |name| format!("[[contender]]\nname = \"{name}\"\nurl = \"http://h/\"\n");
        let text = format!(
            "[suite]\nname = \"s\"\n{}{}[[scenario]]\nname = \"q\"\nrequests = 1\n\
             [[threshold]]\n{threshold}\n",
            contender("gin"),
            contender("flask")
        );
        Suite::parse(&text, "s.toml", Path::new("/")).map_err(|error| error.to_string())
    }

    #[test]
    fn amounts_and_multiples() {
        let read = |text: &str| suite(text).unwrap().thresholds.remove(0);
        let amount = read("metric = \"startup_ms\"\ncontender = \"gin\"\nat_most = \"1s\"");
        assert_eq!((amount.bound, amount.limit), (BoundRecord::AtMost, Limit::Amount(1_000.0)));
        let number =
            read("metric = \"q.requests_per_second\"\ncontender = \"gin\"\nat_least = 1000");
        assert_eq!((number.limit, number.text.as_str()), (Limit::Amount(1_000.0), "1000"));
        let times = read(
            "metric = \"q.requests_per_second\"\ncontender = \"gin\"\nat_least = \"1.5 x flask\"",
        );
        let wanted = Limit::Times { factor: 1.5, contender: "flask".to_owned() };
        assert_eq!((times.bound, times.limit), (BoundRecord::AtLeast, wanted));
    }

    #[test]
    fn an_amount_is_read_in_the_unit_of_its_metric_whatever_the_scenario_is_called() {
        for name in ["many_users", "cpu_ms", "peak_bytes", "startup_ms"] {
            for metric in Metric::all(&[name]) {
                let (text, wanted) = match metric.descriptor().unit {
                    Unit::PerSecond => ("1000/s", 1_000.0),
                    Unit::Seconds => ("20ms", 0.02),
                    Unit::Milliseconds => ("20ms", 20.0),
                    Unit::Microseconds => ("20ms", 20_000.0),
                    Unit::Bytes => ("50 MB", 5e7),
                };
                let found = limit("at_most", text, metric, &[]).unwrap();
                assert_eq!(found, Limit::Amount(wanted), "{metric}");
            }
        }
    }

    #[test]
    fn each_wrong_threshold_has_its_message() {
        let rate = "metric = \"q.requests_per_second\"\n";
        let gin = "contender = \"gin\"\n";
        let cases = [
            (format!("metric = \"q.request_per_second\"\n{gin}at_most = 1"), "did you mean 'q.req"),
            (format!("{rate}contender = \"gim\"\nat_most = 1"), "did you mean 'gin'?"),
            (format!("{rate}{gin}"), "either at_least or at_most"),
            (format!("{rate}{gin}at_least = 1\nat_most = 2"), "either at_least or at_most"),
            (format!("{rate}{gin}at_least = \"20ms\""), "a number such as 1000"),
            (format!("{rate}{gin}at_least = \"2 x flaks\""), "at_least: unknown contender 'flaks'"),
            (format!("{rate}{gin}at_least = \"two x flask\""), "a number above zero before the x"),
            (format!("{rate}{gin}at_lest = 1"), "did you mean 'at_least'?"),
        ];
        for (text, wanted) in cases {
            let message = suite(&text).unwrap_err();
            assert!(message.contains(wanted), "{message:?} lacks {wanted:?}");
        }
    }
}
