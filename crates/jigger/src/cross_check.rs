//! jigger's engine beside the tools that people trust: the same servers, the same cores, the same
//! rounds.
//!
//! The tools are the real programs, run as their users run them.

mod checked;
mod error;
pub mod process;
mod python;
mod read;
pub mod report;
mod tool;

use std::time::Duration;

use jigger_load::Http;
use jigger_stats::Orders;

use crate::event::{Event, Listener};
use crate::metric::Kind;
use crate::record::{CeilingAttempt, TrialRecord, VisitRecord, decode_histogram};
use crate::session::{Turn, Work, World};
use crate::suite::Scenario;
use crate::visit::{Conditions, LiveWorld, run_trial};

use checked::JIGGER;
use process::Runner;
use read::Reading;
use tool::Task;

pub use checked::Checked;
pub use error::ToolError;
pub use tool::{Found, TOOLS, Tool, version};

/// The seed of the tools' orders.
const SEED: u64 = 43;

/// The real world, in which each trial of a visit is made with every tool.
pub struct ToolWorld<'p, 'a> {
    pub live: LiveWorld<'p>,
    pub found: &'a [Found],
    pub runner: &'a Runner,
    pub checked: &'a mut Checked<'p>,
}

/// What the turns of a visit brought: in which scenario, whose, and the figures.
type Readings<'a> = Vec<(&'a String, &'static str, Result<Reading, ToolError>)>;

impl World for ToolWorld<'_, '_> {
    fn elapsed(&self) -> Duration {
        self.live.elapsed()
    }

    fn is_interrupted(&self) -> bool {
        self.live.is_interrupted()
    }

    fn visit(&mut self, turn: &Turn<'_>, listener: &mut Listener<'_>) -> VisitRecord {
        let Work::Load(scenarios) = turn.work else { return self.live.visit(turn, listener) };
        let (found, runner, checked) = (self.found, self.runner, &*self.checked);
        let (name, mut readings) = (&turn.entry.name, Readings::new());
        let mut trials =
            |conditions: &Conditions<'_>, visit: &mut VisitRecord, listener: &mut Listener<'_>| {
                for scenario in scenarios {
                    for tool in Orders::balanced(found.len() + 1, SEED).round(turn.round) {
                        if runner.interrupt.is_raised() {
                            return Ok(());
                        }
                        let Some(found) = found.get(tool) else {
                            let (trial, _) = run_trial(scenario, conditions, None, listener)?;
                            readings.push((&scenario.name, JIGGER, Ok(own_reading(&trial))));
                            visit.trials.push(trial);
                            continue;
                        };
                        let tool = found.tool.name;
                        if checked.is_hopeless(name, &scenario.name, tool) {
                            continue;
                        }
                        let reading = reading(scenario, found, conditions, runner, listener);
                        readings.extend(reading.map(|reading| (&scenario.name, tool, reading)));
                    }
                }
                Ok(())
            };
        let visit = self.live.visit_with(turn, Some(&mut trials), listener);
        self.checked.rounds = turn.round + 1;
        if !self.is_interrupted() {
            for (scenario, tool, reading) in readings {
                self.checked.keep((name, scenario, tool), turn.round, reading);
            }
        }
        visit
    }

    /// The tools have none.
    fn ceilings(&mut self, _: &[Scenario], _: &mut Listener<'_>) -> Vec<Vec<CeilingAttempt>> {
        Vec::new()
    }
}

/// What a tool measured; `None` when it cannot do the scenario, as none can that has more to it than
/// a URL.
fn reading(
    scenario: &Scenario,
    found: &Found,
    conditions: &Conditions<'_>,
    runner: &Runner,
    listener: &mut Listener<'_>,
) -> Option<Result<Reading, ToolError>> {
    let is_plain = conditions.target.protocol.is_none_or(|own| own.http == Http::V1);
    let plain = scenario.plain_get().filter(|_| is_plain)?;
    let url = plain.url(&conditions.target.url).ok()?;
    let task = Task {
        url: url.to_string(),
        connections: scenario.connections,
        threads: scenario.threads_on(conditions.client_cpus.len()),
        is_fresh: scenario.is_fresh(),
        extent: scenario.extent,
    };
    let call = (found.tool.call)(&task)?;
    let name = format!("{} with {}", scenario.name, found.tool.name);
    listener(Event::Step { name, rate_per_second: None });
    Some(found.measure(&task, &call, conditions.client_cpus, runner))
}

fn own_reading(trial: &TrialRecord) -> Reading {
    let times = decode_histogram(&trial.response_time);
    let percentile = |kind: Kind| kind.descriptor().source.of_times(times.as_ref()?);
    Reading {
        requests_per_second: trial.requests_per_second(),
        mean_us: times.as_ref().map(|times| times.mean() / 1e3),
        p50_us: percentile(Kind::ResponseTimeP50),
        p99_us: percentile(Kind::ResponseTimeP99),
        failed: trial.errors.values().sum(),
    }
}
