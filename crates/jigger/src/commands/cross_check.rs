//! `jigger cross-check`: the real tools beside jigger's engine, on a suite's servers.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use jigger_stats::Orders;

use super::{Exit, output, run as run_command};
use crate::cli::{CrossCheckArgs, MethodArgs};
use crate::cross_check::process::{Errand, Runner};
use crate::cross_check::report::{json, markdown};
use crate::cross_check::{
    Call, Checked, Found, JIGGER, Reading, Series, TOOLS, Task, Tool, python,
};
use crate::display::Display;
use crate::event::{Event, Listener};
use crate::host::{Placement, allowed_cores};
use crate::interrupt::Interrupt;
use crate::prepare::{self, Builds, Images, is_on_path};
use crate::record::{Status, TrialRecord, decode_histogram};
use crate::report::Format;
use crate::server::guard;
use crate::suite::{Scenario, Suite, cache_folder};
use crate::visit::{Conditions, LiveWorld, VisitError, run_trial, scenario_records};

/// The seeds of the orders of servers and of tools.
const SEEDS: (u64, u64) = (42, 43);
/// Rounds of a first look.
const QUICK_ROUNDS: u16 = 2;

/// Runs the tools that there are and prints their figures beside jigger's.
///
/// # Errors
/// When the suite or an argument is wrong, no tool is there, or a file cannot be written.
pub fn run(args: &CrossCheckArgs) -> Result<Exit> {
    let suite = suite_of(args)?;
    let interrupt = Interrupt::listen()?;
    let runner = Runner::new(Path::new(guard::PROGRAM), &interrupt);
    let (found, mut missing) = find(args, &runner)?;
    let mut display = Display::new(args.shown.verbosity());
    let mut listener = |event: Event| display.show(&event);
    let records =
        prepare::prepare(&suite, Builds::Incremental, &Images::Skip, &interrupt, &mut listener);
    let taking_part: Vec<usize> =
        (0..records.len()).filter(|at| records[*at].status == Status::Measured).collect();
    missing.extend(records.iter().filter_map(|record| {
        record.reason.as_ref().map(|reason| format!("the contender {}: {reason}", record.name))
    }));

    let placement = Placement::split(&allowed_cores());
    let mut session = Session {
        suite: &suite,
        found: &found,
        checked: empty(&suite, &found, &placement, missing),
        world: LiveWorld::new(&suite, placement, interrupt.clone())?,
        runner: &runner,
    };
    let rounds = if args.quick { QUICK_ROUNDS } else { args.rounds };
    let failed = session.rounds(rounds.into(), &taking_part, &mut listener);
    listener(Event::RoundsEnded);
    show(args, &session.checked)?;
    Ok(match () {
        () if interrupt.is_raised() => Exit::Interrupted,
        () if failed || taking_part.is_empty() => Exit::NotMeasured,
        () => Exit::Fine,
    })
}

fn show(args: &CrossCheckArgs, checked: &Checked<'_>) -> Result<()> {
    let text = markdown(checked, TOOLS);
    if let Some(file) = &args.output {
        std::fs::write(file, &text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    output::print(&match args.format {
        Format::Json => json(checked, TOOLS),
        _ => text,
    })
}

fn suite_of(args: &CrossCheckArgs) -> Result<Suite> {
    let mut suite = Suite::read(&args.suite)?;
    if !args.only.is_empty() {
        suite.keep_only(&args.only)?;
    }
    let method = MethodArgs {
        quick: args.quick,
        thorough: false,
        rounds: None,
        seed: SEEDS.0,
        startups: 0,
        strict: false,
    };
    run_command::adapt(&mut suite, &method);
    // A fixed rate is nothing that these tools can do, and a search for one neither.
    suite.scenarios.retain(|scenario| {
        scenario.rate_per_second.is_none()
            && scenario.share_of_slowest.is_none()
            && scenario.objective.is_none()
    });
    if suite.scenarios.is_empty() {
        bail!("every scenario of '{}' has a fixed rate, which the tools cannot do", suite.name);
    }
    Ok(suite)
}

/// The tools that are there, and why the others are not.
fn find(args: &CrossCheckArgs, runner: &Runner) -> Result<(Vec<Found>, Vec<String>)> {
    let known = || TOOLS.iter().map(|tool| tool.name);
    if let Some(unknown) = args.tool.iter().find(|name| !known().any(|known| known == *name)) {
        let known: Vec<&str> = known().collect();
        bail!("--tool {unknown}: there is {}", known.join(", "));
    }
    let wanted = |tool: &&Tool| args.tool.is_empty() || args.tool.iter().any(|it| it == tool.name);
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for tool in TOOLS.iter().filter(wanted) {
        match find_one(tool, runner) {
            Ok(one) => found.push(one),
            Err(reason) => missing.push(format!("{}: {reason}", tool.name)),
        }
    }
    if found.is_empty() {
        bail!("none of the tools can be run here:\n  {}", missing.join("\n  "));
    }
    Ok((found, missing))
}

fn find_one(tool: &'static Tool, runner: &Runner) -> Result<Found, String> {
    if !is_on_path(tool.program) {
        return Err(format!("'{}' is not on PATH; {}", tool.program, tool.remedy));
    }
    if tool.name == "python" {
        let (program, version) = python::find(&cache_folder(), runner)?;
        return Ok(Found { tool, program, version: format!("(requests {version})") });
    }
    Ok(Found { tool, program: tool.program.into(), version: version(tool.program, runner) })
}

/// The first word that looks like a version in what `-v`, `-V` or `--version` prints.
fn version(program: &str, runner: &Runner) -> String {
    let asked = ["--version", "-V", "-v"].iter().find_map(|flag| {
        let programs = [vec![program.to_owned(), (*flag).to_owned()]];
        let limit = Duration::from_secs(5);
        let errand = Errand { programs: &programs, input: "", cpus: &[], limit };
        let said = runner.run(&errand).ok()?;
        let first = said.stdout.lines().next()?.to_owned();
        let is_version =
            |word: &&str| word.contains('.') && word.chars().any(|c| c.is_ascii_digit());
        first.split_whitespace().find(is_version).map(str::to_owned)
    });
    asked.unwrap_or_default()
}

fn empty<'a>(
    suite: &'a Suite,
    found: &[Found],
    placement: &Placement,
    missing: Vec<String>,
) -> Checked<'a> {
    let own = (JIGGER, env!("CARGO_PKG_VERSION").to_owned());
    let others = found.iter().map(|found| (found.tool.name, found.version.clone()));
    Checked {
        suite: &suite.name,
        scenarios: &suite.scenarios,
        contenders: Vec::new(),
        rounds: 0,
        client_cpus: placement.client_cpus.clone(),
        server_cpus: placement.server_cpus.clone(),
        tools: std::iter::once(own).chain(others).collect(),
        series: Vec::new(),
        missing,
    }
}

/// The rounds as they go on.
struct Session<'a> {
    suite: &'a Suite,
    found: &'a [Found],
    checked: Checked<'a>,
    world: LiveWorld<'a>,
    runner: &'a Runner,
}

/// What one turn of one tool brought: its scenario, its place in the list, and the figures.
type Turn = (usize, usize, Result<Reading, String>);

impl Session<'_> {
    /// Whether a contender failed.
    fn rounds(
        &mut self,
        rounds: usize,
        taking_part: &[usize],
        listener: &mut Listener<'_>,
    ) -> bool {
        let mut left: Vec<usize> = taking_part.to_vec();
        self.checked.contenders =
            left.iter().map(|at| self.suite.contenders[*at].name.clone()).collect();
        listener(Event::RoundsBegin { visits: left.len(), max_rounds: rounds });
        let servers = Orders::balanced(taking_part.len(), SEEDS.0);
        for round in 0..rounds {
            if self.runner.interrupt.is_raised() {
                break;
            }
            self.checked.rounds = round + 1;
            for place in servers.round(round) {
                let at = taking_part[place];
                if !left.contains(&at) || self.runner.interrupt.is_raised() {
                    continue;
                }
                if let Err(reason) = self.visit(at, round, listener) {
                    left.retain(|other| *other != at);
                    let contender = self.suite.contenders[at].name.clone();
                    let line =
                        format!("the contender {contender}, from round {} on: {reason}", round + 1);
                    self.checked.missing.push(line);
                    listener(Event::LeftOut { contender, reason });
                }
            }
        }
        left.len() < taking_part.len()
    }

    fn visit(
        &mut self,
        at: usize,
        round: usize,
        listener: &mut Listener<'_>,
    ) -> Result<(), String> {
        let contender = &self.suite.contenders[at];
        let entry = contender.name.clone();
        let visits_done = round * self.checked.contenders.len();
        listener(Event::VisitBegins { entry, round, visits_done, left: None });
        let (suite, found, runner) = (self.suite, self.found, self.runner);
        let checked = &self.checked;
        let mut turns: Vec<Turn> = Vec::new();
        let outcome = self.world.with_server(contender, listener, &mut |conditions, listener| {
            for (place, scenario) in suite.scenarios.iter().enumerate() {
                for tool in Orders::balanced(found.len() + 1, SEEDS.1).round(round) {
                    if runner.interrupt.is_raised() {
                        return Ok(());
                    }
                    let found = found.get(tool);
                    let name = found.map_or(JIGGER, |found| found.tool.name);
                    if checked.is_hopeless(&contender.name, &scenario.name, name) {
                        continue;
                    }
                    let turn = turn(suite, scenario, found, conditions, runner, listener)?;
                    turns.extend(turn.map(|reading| (place, tool, reading)));
                }
            }
            Ok(())
        });
        if runner.interrupt.is_raised() {
            return Ok(());
        }
        turns.into_iter().for_each(|turn| self.keep(at, round, turn));
        outcome.map_err(|error| error.to_string())
    }

    fn keep(&mut self, at: usize, round: usize, (scenario, tool, reading): Turn) {
        let contender = &self.suite.contenders[at].name;
        let scenario = &self.suite.scenarios[scenario].name;
        let tool = self.found.get(tool).map_or(JIGGER, |found| found.tool.name);
        let series = &mut self.checked.series;
        let known = series.iter().position(|one| {
            one.contender == *contender && one.scenario == *scenario && one.tool == tool
        });
        let place = known.unwrap_or_else(|| {
            series.push(Series {
                contender: contender.clone(),
                scenario: scenario.clone(),
                tool,
                readings: Vec::new(),
                fault: None,
            });
            series.len() - 1
        });
        let one = &mut series[place];
        one.readings.resize(round, None);
        one.readings.push(reading.as_ref().ok().copied());
        one.fault = reading.err().or(one.fault.take());
    }
}

/// One turn of a tool, or of jigger; `None` when the tool cannot do the scenario.
fn turn(
    suite: &Suite,
    scenario: &Scenario,
    found: Option<&Found>,
    conditions: &Conditions<'_>,
    runner: &Runner,
    listener: &mut Listener<'_>,
) -> Result<Option<Result<Reading, String>>, VisitError> {
    let Some(found) = found else {
        let (trial, _) = run_trial(scenario, conditions, None, listener)?;
        return Ok(Some(Ok(own_reading(&trial))));
    };
    let records = scenario_records(suite, conditions.client_cpus.len());
    let threads = records.iter().find(|record| record.name == scenario.name);
    let task = Task {
        url: conditions.target.url.clone(),
        connections: scenario.connections,
        threads: threads.map_or(1, |record| record.threads),
        is_fresh: scenario.fresh,
        extent: scenario.extent,
    };
    let Some(call) = (found.tool.call)(&task) else {
        return Ok(None);
    };
    let name = format!("{} with {}", scenario.name, found.tool.name);
    listener(Event::Step { name, rate_per_second: None });
    Ok(Some(ask_with(found, &task, &call, conditions.client_cpus, runner)))
}

fn ask_with(
    found: &Found,
    task: &Task,
    call: &Call,
    cpus: &[usize],
    runner: &Runner,
) -> Result<Reading, String> {
    let (programs, limit) = (found.programs(call), task.limit());
    let said = runner.run(&Errand { programs: &programs, input: &call.input, cpus, limit })?;
    if !said.is_success {
        return Err(format!("failed: {}", said.last_line()));
    }
    (found.tool.read)(&said.stdout, task)
        .ok_or_else(|| format!("no figures in its output: {}", said.last_line()))
}

fn own_reading(trial: &TrialRecord) -> Reading {
    let number = crate::numbers::number;
    let times = decode_histogram(&trial.response_time);
    let quantile = |quantile: f64, needed: u64| {
        let times = times.as_ref().filter(|times| times.len() >= needed)?;
        Some(number(times.value_at_quantile(quantile)) / 1e3)
    };
    Reading {
        requests_per_second: number(trial.requests) / (number(trial.elapsed_ns) / 1e9),
        mean_us: times.as_ref().map(|times| times.mean() / 1e3),
        p50_us: quantile(0.5, 10),
        p99_us: quantile(0.99, 1_000),
        failed: trial.errors.values().sum(),
    }
}
