//! Names there and back, and what only tests may do with them.

use super::*;

/// Scenarios whose names contain what names of metrics contain.
const NAMES: [&str; 6] =
    ["many_users", "cpu_ms", "startup_ms", "requests_per_second", "x_bytes", "saturation"];

#[test]
fn the_table_has_each_kind_at_its_place() {
    for (place, kind) in Kind::all().enumerate() {
        assert_eq!(kind as usize, place);
        assert_eq!(Kind::named(kind.descriptor().name), Some(kind));
    }
}

#[test]
fn every_metric_survives_its_text_whatever_its_scenario_is_called() {
    let all = Metric::all(&NAMES);
    let of_scenario = Kind::all().filter(|kind| kind.is_of_scenario()).count();
    assert_eq!(all.len(), Kind::all().count() + (NAMES.len() - 1) * of_scenario);
    for metric in all {
        assert_eq!(Metric::parse(&metric.to_string(), &NAMES), Some(metric));
    }
    for text in
        ["", "saturation", "saturation.startup_ms", "requests_per_second", "elsewhere.memory_bytes"]
    {
        assert_eq!(Metric::parse(text, &NAMES), None, "{text}");
    }
}

#[test]
fn a_metric_is_called_by_its_whole_text_or_by_its_own_name() {
    let p50 = Kind::ResponseTimeP50.of("saturation");
    assert!(p50.is_called("saturation.response_time_us.p50"));
    assert!(p50.is_called("response_time_us.p50"));
    assert!(!p50.is_called("sequential.response_time_us.p50"));
}

impl PartialEq<&str> for Metric<'_> {
    fn eq(&self, other: &&str) -> bool {
        format!("{self}").as_str() == *other
    }
}

impl<'a> From<&'a str> for Metric<'a> {
    /// # Panics
    /// When it is none.
    fn from(text: &'a str) -> Self {
        let scenario = text.split_once('.').map_or("", |(scenario, _)| scenario);
        Self::parse(text, &[scenario]).unwrap_or_else(|| panic!("{text} is no metric"))
    }
}
