//! What the load engine reaches on this machine at best, in each scenario's shape.

use std::time::Duration;

use jigger_load::{Load, NullOptions};

use super::trial::shape_of;
use super::verify::Target;
use crate::event::{Event, Listener};
use crate::host::Placement;
use crate::suite::Suite;

/// The ceilings of the suite's scenarios, in requests a second, each measured for `time` against a
/// server that does nothing, on the servers' cores. Scenarios of the same shape share one.
///
/// `None` where it cannot be had, which the listener is told, and for a single connection: its rate
/// is one by the round trip, in which the engine has the same part whoever answers, and says
/// nothing of what the engine could bear.
pub fn ceilings(
    suite: &Suite,
    placement: &Placement,
    time: Duration,
    listener: &mut Listener<'_>,
) -> Vec<Option<f64>> {
    // The address and the request are the null server's in the end.
    let Ok(target) = Target::new("http://127.0.0.1:1/") else { return Vec::new() };
    let mut known: Vec<(Load, Option<f64>)> = Vec::new();
    let mut ceilings = Vec::new();
    for scenario in &suite.scenarios {
        let load = shape_of(scenario, &target, &placement.client_cpus);
        let same = known.iter().find(|(other, _)| is_same_shape(other, &load));
        let ceiling = match same {
            _ if scenario.connections == 1 => None,
            Some((_, ceiling)) => *ceiling,
            None => measured(&load, placement, time, listener),
        };
        known.push((load, ceiling));
        ceilings.push(ceiling);
    }
    ceilings
}

fn is_same_shape(one: &Load, other: &Load) -> bool {
    (one.connections, one.threads, one.connection)
        == (other.connections, other.threads, other.connection)
}

fn measured(
    load: &Load,
    placement: &Placement,
    time: Duration,
    listener: &mut Listener<'_>,
) -> Option<f64> {
    let name = "the load engine's ceiling".to_owned();
    listener(Event::Step { name: name.clone(), rate_per_second: None });
    let server = NullOptions {
        threads: placement.server_cpus.len().min(load.connections),
        cpus: Some(placement.server_cpus.clone()),
        ..NullOptions::default()
    };
    match jigger_load::ceiling(load, &server, time) {
        Ok(sample) => Some(sample.requests_per_second()),
        Err(error) => {
            let reason = format!("it is not known: {error}");
            listener(Event::LeftOut { contender: name, reason });
            None
        }
    }
}
