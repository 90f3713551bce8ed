//! What became of each of several requests of a load.

use jigger_load::{Load, Sample};
use schemars::JsonSchema;
use serde::Serialize;

use super::Latencies;
use crate::numbers::number;
use crate::report::units::{grouped, time_us, whole};

/// One of several requests.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct RequestFigures {
    method: String,
    /// What was asked for; its placeholders are not filled in.
    target: String,
    weight: u32,
    /// Correct responses.
    requests: u64,
    requests_per_second: f64,
    errors: u64,
    /// From due or begun to the last byte; null where the server had stopped responding in closed
    /// loop.
    response_time_us: Option<Latencies>,
}

/// Those of a load that sends several, in its order.
pub(super) fn figures(load: &Load, sample: &Sample, has_times: bool) -> Vec<RequestFigures> {
    let seconds = number(sample.elapsed_ns.max(1)) / 1e9;
    let asked = load.requests.iter().zip(&sample.by_request);
    let figures = asked.map(|((request, weight), found)| {
        let requests = found.response_time_ns.len();
        RequestFigures {
            method: request.method().to_owned(),
            target: request.target(),
            weight: *weight,
            requests,
            requests_per_second: number(requests) / seconds,
            errors: found.errors,
            response_time_us: has_times.then(|| Latencies::of(&found.response_time_ns)),
        }
    });
    figures.collect()
}

impl RequestFigures {
    /// A line of the report for people.
    pub(super) fn line(&self) -> String {
        let times = self.response_time_us.as_ref();
        let known = [("p50", times.and_then(|it| it.p50)), ("p99", times.and_then(|it| it.p99))];
        let known = known.iter().filter_map(|(name, us)| Some((name, (*us)?)));
        let times: Vec<String> =
            known.map(|(name, us)| format!(", {name} {}", time_us(us))).collect();
        let failed = match self.errors {
            0 => String::new(),
            errors => format!(", {} failed", whole(errors)),
        };
        format!(
            "  {} {} (weight {}): {} per second{}{failed}\n",
            self.method,
            self.target,
            self.weight,
            grouped(self.requests_per_second),
            times.concat()
        )
    }
}
