//! `jigger run`: the whole flow from a suite to its report.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};
use jigger_stats::FEWEST_ROUNDS;

use super::{Exit, output};
use crate::analysis::Analysis;
use crate::calibration;
use crate::cli::{MethodArgs, OutputArgs, PlaceArgs, RunArgs};
use crate::display::{Display, Verbosity};
use crate::disturbance::Limits;
use crate::event::{Event, Listener};
use crate::host::{Host, Placement};
use crate::image::Engine;
use crate::interrupt::Interrupt;
use crate::plan::Plan;
use crate::prepare::{self, Builds, Images};
use crate::record::{
    BoundRecord, Ended, Record, RecordFile, Status, ThresholdRecord, WarmUpRecord,
};
use crate::report::render_as;
use crate::session::{self, Settled};
use crate::startups;
use crate::suite::{Bound, Extent, Limit, Suite, Threshold, WarmUp};
use crate::visit::{LiveWorld, ceilings, differ_in_closing, scenario_records, survey};

/// How long the load engine's ceiling is measured, for each shape of scenario.
const CEILING: Duration = Duration::from_secs(1);
/// The same with `--quick`.
const QUICK_CEILING: Duration = Duration::from_millis(200);
/// With `--quick` no trial has more requests, nor takes longer; a p90 needs 100 answers.
const QUICK_REQUESTS: u64 = 100;
const QUICK_TIME: Duration = Duration::from_millis(300);
/// With `--quick` warm-ups have no longer windows, nor take longer.
const QUICK_WINDOW: Duration = Duration::from_millis(100);
const QUICK_CAP: Duration = Duration::from_secs(1);

/// Runs a suite.
///
/// # Errors
/// When the suite is wrong or a file cannot be written.
pub fn run(args: &RunArgs) -> Result<Exit> {
    let suite = suite(&args.suite, &args.only, &args.place)?;
    let placement = args.placement.placement()?;
    let images = match args.no_images {
        true => Images::Skip,
        false => Images::detect(&suite, args.engine.as_deref()),
    };
    measure(suite, &args.method, placement, args.place.builds(), images, &args.output)
}

/// The suite of that name, with those contenders only where some are named, each where it is to run.
///
/// # Errors
/// When it cannot be read, lacks a contender, or none can run there.
pub(super) fn suite(name: &str, only: &[String], place: &PlaceArgs) -> Result<Suite> {
    let mut suite = Suite::read(name)?;
    if !only.is_empty() {
        suite.keep_only(only)?;
    }
    suite.container_limits = place.limits(suite.container_limits);
    suite.put(place.place())?;
    Ok(suite)
}

/// The engine that the contenders' containers run with; none when there are no such contenders.
fn engine(suite: &Suite, images: &Images) -> Result<Option<Engine>> {
    if suite.contenders.iter().all(|contender| contender.container.is_none()) {
        return Ok(None);
    }
    match images {
        Images::Skip => bail!("containers run from images; leave out --no-images"),
        Images::NoEngine(why) => bail!("{why}"),
        Images::Build(engine) => Ok(Some(engine.clone())),
    }
}

/// What every world of one run has in common.
pub(super) struct Ground<'a> {
    interrupt: &'a Interrupt,
    /// Where contenders run in containers.
    engine: Option<Engine>,
}

impl<'a> Ground<'a> {
    /// # Errors
    /// When contenders run in containers and there is no engine, or no images are wanted.
    pub(super) fn new(suite: &Suite, images: &Images, interrupt: &'a Interrupt) -> Result<Self> {
        Ok(Ground { interrupt, engine: engine(suite, images)? })
    }

    /// A world for visits or launches, with what containers need in it.
    pub(super) fn world<'s>(&self, suite: &'s Suite, record: &Record) -> Result<LiveWorld<'s>> {
        let world = LiveWorld::new(suite, record.placement.clone(), self.interrupt.clone())?;
        Ok(match &self.engine {
            Some(engine) => world.with_containers(engine.clone(), &record.contenders),
            None => world,
        })
    }
}

/// Prepares and measures a suite's contenders and writes the report.
///
/// # Errors
/// As [`run`].
pub fn measure(
    suite: Suite,
    method: &MethodArgs,
    placement: Placement,
    builds: Builds,
    images: Images,
    out: &OutputArgs,
) -> Result<Exit> {
    output::check_files(&out.output)?;
    let path = record_path(out, &suite);
    let verbosity = out.shown.verbosity();
    let half_width = suite.rounds.until_half_width;
    let settled = |record: &Record| Analysis::of(record).is_settled(half_width);
    let job = Job { method, placement, builds, images, record: path, verbosity, settled: &settled };
    let file = record(suite, &job, &Interrupt::listen()?)?;
    let analysis = Analysis::of(&file.record);
    output::print(&render_as(&analysis, out.format, out.shown.look()))?;
    output::write_files(&analysis, &out.output, out.charts.as_deref())?;
    eprintln!("record: {}", file.path.display());
    Ok(match file.record.ended {
        Ended::Interrupted => Exit::Interrupted,
        _ if analysis.has_failures() => Exit::NotMeasured,
        _ if analysis.misses_thresholds(method.strict) => Exit::Missed,
        _ => Exit::Fine,
    })
}

/// How a suite is measured, and where its record goes.
pub(super) struct Job<'a> {
    pub method: &'a MethodArgs,
    pub placement: Placement,
    pub builds: Builds,
    pub images: Images,
    pub record: PathBuf,
    pub verbosity: Verbosity,
    /// Whether a look may end the run.
    pub settled: &'a Settled<'a>,
}

/// Prepares and measures a suite's contenders.
pub(super) fn record(mut suite: Suite, job: &Job<'_>, interrupt: &Interrupt) -> Result<RecordFile> {
    adapt(&mut suite, job.method);
    let ground = Ground::new(&suite, &job.images, interrupt)?;
    let seed = job.method.seed;
    let empty = empty_record(&suite, seed, job.placement.clone());
    let mut file = RecordFile::create(job.record.clone(), empty)?;
    let mut display = Display::new(job.verbosity);
    let mut listener = |event: Event| display.show(&event);

    file.record.contenders =
        prepare::prepare(&suite, job.builds, &job.images, interrupt, &mut listener);
    file.save()?;
    calibrate(&mut suite, &mut file.record, &ground, &mut listener)?;
    complete_scenarios(&mut suite, &mut file.record, job.method, &ground, &mut listener)?;
    file.save()?;
    let plan = Plan::new(&suite, &taking_part(&file.record), seed);
    let mut launcher = ground.world(&suite, &file.record)?;
    startups::run(job.method.startups.into(), &plan, &mut launcher, &mut file, &mut listener)?;
    // A world of its own, whose clock starts with the rounds.
    let mut world = ground.world(&suite, &file.record)?;
    session::run(&suite.rounds, &plan, job.settled, &mut world, &mut file, &mut listener)?;
    Ok(file)
}

/// Finds the rates that are shares of the slowest contender's capacity.
fn calibrate(
    suite: &mut Suite,
    record: &mut Record,
    ground: &Ground<'_>,
    listener: &mut Listener<'_>,
) -> Result<()> {
    let Some(closed) = calibration::closed_loop(suite) else {
        return Ok(());
    };
    let mut world = ground.world(&closed, record)?;
    let visits = calibration::visit_all(&record.contenders, &mut world, listener);
    if ground.interrupt.is_raised() {
        // The slowest of those that were asked until then need not be the slowest of all.
        return Ok(());
    }
    calibration::mark_failures(&visits, &mut record.contenders);
    record.calibrations = calibration::calibrations(suite, &visits);
    calibration::apply(&record.calibrations, suite);
    Ok(())
}

/// Adds the scenario that tells what closing connections costs, if some do and others do not, and
/// measures the load engine's ceiling in every scenario's shape.
fn complete_scenarios(
    suite: &mut Suite,
    record: &mut Record,
    method: &MethodArgs,
    ground: &Ground<'_>,
    listener: &mut Listener<'_>,
) -> Result<()> {
    let placement = record.placement.clone();
    if let Some(fresh) = suite.fresh_counterpart().filter(|_| !method.quick) {
        let without_load = suite.without_load();
        let mut world = ground.world(&without_load, record)?;
        let visits = survey(suite, &taking_part(record), &mut world, ground.interrupt, listener);
        if differ_in_closing(&visits) {
            suite.scenarios.push(fresh);
        }
    }
    let time = if method.quick { QUICK_CEILING } else { CEILING };
    let ceilings = ceilings(suite, &placement, time, ground.interrupt, listener);
    record.suite.scenarios = scenario_records(suite, placement.client_cpus.len());
    for (scenario, attempts) in record.suite.scenarios.iter_mut().zip(ceilings) {
        scenario.set_ceiling(attempts);
    }
    Ok(())
}

/// What `--quick`, `--thorough` and `--rounds` change in a suite.
pub(super) fn adapt(suite: &mut Suite, method: &MethodArgs) {
    if let Some(rounds) = method.rounds {
        suite.rounds.min = rounds.into();
        suite.rounds.max = rounds.into();
        suite.rounds.budget = Duration::MAX / 4;
    }
    if method.thorough {
        suite.rounds.min = suite.rounds.min.max(20);
        suite.rounds.max = suite.rounds.max.max(40);
        suite.rounds.budget = suite.rounds.budget.max(Duration::from_secs(3_600));
    }
    if method.quick {
        suite.rounds.min = FEWEST_ROUNDS;
        suite.rounds.max = FEWEST_ROUNDS;
        // There is no time for rounds made again.
        suite.rounds.disturbance = Limits::none();
        shorten(suite);
    }
}

/// Trials and warm-ups for a first look.
fn shorten(suite: &mut Suite) {
    suite.warm_up.window = suite.warm_up.window.min(QUICK_WINDOW);
    suite.warm_up.cap = suite.warm_up.cap.min(QUICK_CAP);
    for scenario in &mut suite.scenarios {
        scenario.extent = match scenario.extent {
            Extent::Requests(requests) => Extent::Requests(requests.min(QUICK_REQUESTS)),
            Extent::Time(time) => Extent::Time(time.min(QUICK_TIME)),
        };
    }
}

pub(super) fn taking_part(record: &Record) -> Vec<usize> {
    let fit = |(_, contender): &(usize, &crate::record::ContenderRecord)| {
        contender.status == Status::Measured
    };
    record.contenders.iter().enumerate().filter(fit).map(|(index, _)| index).collect()
}

pub(super) fn empty_record(suite: &Suite, seed: u64, placement: Placement) -> Record {
    Record {
        version: crate::record::VERSION,
        jigger: env!("CARGO_PKG_VERSION").to_owned(),
        created: jiff::Timestamp::now().to_string(),
        seed,
        suite: crate::record::SuiteRecord {
            name: suite.name.clone(),
            source: suite.source.clone(),
            baseline: suite.baseline().name.clone(),
            margin: suite.margin,
            disturbance: suite.rounds.disturbance,
            looks: Vec::new(),
            scenarios: scenario_records(suite, placement.client_cpus.len()),
            thresholds: suite.thresholds.iter().map(threshold_record).collect(),
            warm_up: Some(warm_up_record(&suite.warm_up)),
        },
        host: Host::inspect(),
        placement,
        contenders: Vec::new(),
        calibrations: Vec::new(),
        launches: Vec::new(),
        visits: Vec::new(),
        ended: Ended::NotYet,
    }
}

fn warm_up_record(warm_up: &WarmUp) -> WarmUpRecord {
    let ns = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    WarmUpRecord {
        window_ns: ns(warm_up.window),
        windows: warm_up.windows,
        cap_ns: ns(warm_up.cap),
    }
}

fn threshold_record(threshold: &Threshold) -> ThresholdRecord {
    let (limit, relative_to) = match &threshold.limit {
        Limit::Amount(amount) => (*amount, None),
        Limit::Times { factor, contender } => (*factor, Some(contender.clone())),
    };
    ThresholdRecord {
        metric: threshold.metric.clone(),
        contender: threshold.contender.clone(),
        bound: match threshold.bound {
            Bound::AtLeast => BoundRecord::AtLeast,
            Bound::AtMost => BoundRecord::AtMost,
        },
        limit,
        relative_to,
        text: threshold.text.clone(),
    }
}

fn record_path(out: &OutputArgs, suite: &Suite) -> PathBuf {
    out.record.clone().unwrap_or_else(|| {
        let time = jiff::Timestamp::now().strftime("%Y%m%d-%H%M%S").to_string();
        PathBuf::from("jigger-records").join(format!("{}-{time}.json", suite.name))
    })
}
