//! Runs the plan: its phases one after another, each a number of passes over the entries, every
//! visit kept on disk as soon as it is made.
//!
//! This is the only place that sequences effects. What a visit does, and the
//! clock, come from a [`World`], so that tests run the sequence in virtual time.

mod findings;

use std::time::Duration;

use jigger_stats::Look;

use crate::analysis;
use crate::event::{Event, Listener, Standing};
use crate::plan::{Entry, Findings, PLACEBO, RunPlan, Schedule};
use crate::record::{
    CalibrationRecord, CeilingAttempt, Ended, LaunchRecord, LookRecord, Phase, Record, RecordError,
    RecordFile, Status, VisitRecord,
};
use crate::suite::Scenario;

/// A contender that failed in this many visits is no longer visited.
const FAILURES_ALLOWED: usize = 2;

/// A round is begun at most so often. The last attempt is used whatever disturbs it, so that a
/// machine that is never quiet still gives figures, which then are too noisy for a verdict.
const ATTEMPTS_ALLOWED: usize = 3;

pub trait World {
    /// Time since the world began.
    fn elapsed(&self) -> Duration;

    fn is_interrupted(&self) -> bool;

    /// Makes a visit. What went wrong is in the visit's `failure`.
    fn visit(&mut self, turn: &Turn<'_>, listener: &mut Listener<'_>) -> VisitRecord;

    /// The attempts at each scenario's ceiling: what the load engine reaches in its shape at best.
    fn ceilings(
        &mut self,
        scenarios: &[Scenario],
        listener: &mut Listener<'_>,
    ) -> Vec<Vec<CeilingAttempt>>;
}

#[derive(Debug)]
pub struct Turn<'a> {
    pub entry: &'a Entry,
    pub round: usize,
    pub position: usize,
    pub work: Work<'a>,
}

/// What a visit does between the start and the stop of the server.
#[derive(Debug, Clone, Copy)]
pub enum Work<'a> {
    /// Waits for the first correct response.
    Launch,
    /// Verifies the responses too.
    Verify,
    /// Verifies, warms up, and runs a trial of each of these.
    Load(&'a [Scenario]),
}

/// Whether a record answers all that the run was made for.
pub type Settled<'a> = dyn Fn(&Record) -> bool + 'a;

/// Runs the phases of a plan: the rounds until a planned look finds the record settled, the rounds
/// or the time are used up, or the user stops them. Every visit of a round is saved when it ends.
///
/// # Errors
/// [`RecordError`] when the record cannot be saved.
pub fn run(
    plan: &RunPlan,
    settled: &Settled<'_>,
    world: &mut impl World,
    file: &mut RecordFile,
    listener: &mut Listener<'_>,
) -> Result<Ended, RecordError> {
    let schedule = Schedule::new(plan, &[]);
    let (findings, visits, began) = (Findings::default(), Vec::new(), Duration::ZERO);
    let visits_done = 0;
    let mut session = Session {
        plan,
        settled,
        world,
        file,
        listener,
        findings,
        schedule,
        visits,
        visits_done,
        began,
    };
    let ended = session.phases()?;
    session.file.record.ended = ended;
    session.file.save()?;
    listener(Event::RoundsEnded);
    Ok(ended)
}

struct Session<'a, 'l, W> {
    plan: &'a RunPlan,
    settled: &'a Settled<'a>,
    world: &'a mut W,
    file: &'a mut RecordFile,
    listener: &'a mut Listener<'l>,
    findings: Findings,
    /// Of the phase at work, as are those below.
    schedule: Schedule,
    /// Its visits that the record does not keep.
    visits: Vec<VisitRecord>,
    visits_done: usize,
    began: Duration,
}

/// How a pass over the entries ended.
enum Pass {
    Whole,
    /// A visit was disturbed; the pass is to be made again.
    Disturbed,
    Interrupted,
}

impl<W: World> Session<'_, '_, W> {
    fn phases(&mut self) -> Result<Ended, RecordError> {
        let (plan, mut ended) = (self.plan, Ended::MaxRounds);
        for &phase in &plan.phases {
            self.begin(phase);
            ended = self.passes(phase)?;
            if ended == Ended::Interrupted {
                break;
            }
            self.conclude(phase);
            self.file.save()?;
        }
        Ok(ended)
    }

    fn begin(&mut self, phase: Phase) {
        self.schedule = Schedule::new(self.plan, &self.file.record.taking_part());
        self.began = self.world.elapsed();
        self.visits.clear();
        self.visits_done = 0;
        if phase == Phase::Rounds {
            let looks = &self.schedule.looks;
            let look = |look: &Look| LookRecord { rounds: look.rounds, level: look.level };
            self.file.record.suite.looks = looks.all().iter().map(look).collect();
            let (visits, max_rounds) = (self.schedule.entries.len(), looks.last());
            (self.listener)(Event::RoundsBegin { visits, max_rounds });
        }
    }

    /// Makes one pass after another until the phase has ended; how it did.
    fn passes(&mut self, phase: Phase) -> Result<Ended, RecordError> {
        for pass in 0.. {
            if self.world.is_interrupted() {
                return Ok(Ended::Interrupted);
            }
            if let Some(ended) = self.end_before(phase, pass) {
                return Ok(ended);
            }
            for attempt in 0.. {
                match self.pass(phase, pass, attempt)? {
                    Pass::Whole => break,
                    Pass::Disturbed => {}
                    Pass::Interrupted => return Ok(Ended::Interrupted),
                }
            }
            if phase == Phase::Rounds {
                let standings = self.standings();
                (self.listener)(Event::RoundEnded { round: pass, standings });
            }
        }
        unreachable!("end_before ends the loop at the last pass")
    }

    /// Visits the entries in the order of the pass, which is the same at each attempt; up to the
    /// first disturbed visit, since what would follow would not be used.
    fn pass(&mut self, phase: Phase, pass: usize, attempt: usize) -> Result<Pass, RecordError> {
        let scenarios = self.plan.scenarios_in(phase, &self.findings);
        let (order, work) = match phase {
            Phase::Check | Phase::Survey => (self.schedule.contenders(), Work::Verify),
            Phase::Calibration => (self.schedule.contenders(), Work::Load(&scenarios)),
            Phase::Startups => (self.schedule.round(pass), Work::Launch),
            Phase::Ceilings | Phase::Rounds => (self.schedule.round(pass), Work::Load(&scenarios)),
        };
        for (position, entry) in order.iter().enumerate() {
            if self.world.is_interrupted() {
                return Ok(Pass::Interrupted);
            }
            if !self.takes_part(phase, entry) {
                continue;
            }
            self.announce(phase, entry, pass);
            let turn = Turn { entry, round: pass, position, work };
            let visit = self.world.visit(&turn, self.listener);
            let mut visit = VisitRecord { attempt, ..visit };
            analysis::set_limits(&self.file.record, &mut visit);
            if self.world.is_interrupted() {
                self.keep_if_whole(phase, visit);
                return Ok(Pass::Interrupted);
            }
            if let Some(evidence) = self.too_much(phase, &visit) {
                (self.listener)(Event::RoundRepeated { round: pass, evidence });
                self.set_aside(visit)?;
                return Ok(Pass::Disturbed);
            }
            self.keep(phase, visit)?;
        }
        Ok(Pass::Whole)
    }

    /// Why the phase makes no further pass, if so.
    fn end_before(&mut self, phase: Phase, pass: usize) -> Option<Ended> {
        let passes = match phase {
            Phase::Check | Phase::Calibration | Phase::Survey => 1,
            Phase::Ceilings => 0,
            Phase::Startups => self.plan.options.method.startups.into(),
            Phase::Rounds => return self.end_before_round(pass),
        };
        (pass >= passes).then_some(Ended::MaxRounds)
    }

    fn end_before_round(&mut self, round: usize) -> Option<Ended> {
        if !self.schedule.entries.iter().any(|entry| self.takes_part(Phase::Rounds, entry)) {
            return Some(Ended::NothingLeft);
        }
        let is_settled = self.schedule.looks.is_due(round) && self.look(round);
        if round >= self.schedule.looks.last() {
            return Some(Ended::MaxRounds);
        }
        if is_settled {
            return Some(Ended::Decided);
        }
        let (elapsed, rounds) = (self.elapsed(), &self.plan.rounds);
        let done = u32::try_from(round).unwrap_or(u32::MAX);
        let is_late = elapsed + elapsed / done.max(1) > rounds.budget;
        (round >= rounds.min && is_late).then_some(Ended::Budget)
    }

    /// Looks at what has been measured after so many rounds: whether it answers everything.
    fn look(&mut self, rounds: usize) -> bool {
        let is_settled = (self.settled)(&self.file.record);
        let mut later = self.schedule.looks.all().iter().map(|look| look.rounds);
        let next = later.find(|look| *look > rounds);
        (self.listener)(Event::Looked { rounds, is_settled, next });
        is_settled
    }

    /// Takes from the visits of a phase what the next ones need.
    fn conclude(&mut self, phase: Phase) {
        let scenarios = self.plan.scenarios_in(phase, &self.findings);
        let record = &mut self.file.record;
        match phase {
            Phase::Calibration => {
                let found = findings::calibrations(&self.plan.scenarios, &self.visits);
                let rate =
                    |it: &CalibrationRecord| Some((it.scenario.clone(), it.rate_per_second?));
                self.findings.rates = found.iter().filter_map(rate).collect();
                record.calibrations = found;
            }
            Phase::Survey => {
                self.findings.closing_differs = findings::differ_in_closing(&self.visits);
            }
            Phase::Ceilings => {
                let ceilings = self.world.ceilings(&scenarios, self.listener);
                let recorded = &mut record.suite.scenarios;
                *recorded = self.plan.scenario_records(&scenarios);
                for (scenario, attempts) in recorded.iter_mut().zip(ceilings) {
                    scenario.set_ceiling(attempts);
                }
            }
            Phase::Check | Phase::Startups | Phase::Rounds => {}
        }
    }

    fn takes_part(&self, phase: Phase, entry: &Entry) -> bool {
        let record = &self.file.record;
        match phase {
            Phase::Startups => {
                // Its first visit says what becomes of it.
                let mut launches = record.launches.iter().filter(|it| it.entry == entry.name);
                launches.all(|launch| launch.failure.is_none())
            }
            Phase::Rounds => {
                let visits = || record.visits_of(&entry.name);
                let failures = visits().filter(|visit| visit.failure.is_some()).count();
                let never_worked = failures > 0 && visits().all(|visit| visit.failure.is_some());
                failures < FAILURES_ALLOWED && !never_worked
            }
            Phase::Check | Phase::Calibration | Phase::Survey | Phase::Ceilings => true,
        }
    }

    fn announce(&mut self, phase: Phase, entry: &Entry, pass: usize) {
        let entry = entry.name.clone();
        match phase {
            Phase::Startups => {
                let launches = self.plan.options.method.startups.into();
                (self.listener)(Event::Launching { entry, launch: pass, launches });
            }
            Phase::Rounds => {
                let (visits_done, left) = (self.visits_done, self.left(pass));
                (self.listener)(Event::VisitBegins { entry, round: pass, visits_done, left });
            }
            Phase::Check | Phase::Calibration | Phase::Survey | Phase::Ceilings => {}
        }
    }

    /// The time that the rounds will still take at most, once a visit has ended.
    fn left(&self, round: usize) -> Option<Duration> {
        let visits = u32::try_from(self.visits_done).unwrap_or(u32::MAX);
        (visits > 0).then(|| {
            let elapsed = self.elapsed();
            let rounds_to_come = self.schedule.looks.last().saturating_sub(round);
            let begun = self.file.record.used_visits().filter(|v| v.round == round).count();
            let to_come = (self.schedule.entries.len() * rounds_to_come).saturating_sub(begun);
            let to_come = u32::try_from(to_come).unwrap_or(u32::MAX);
            let by_count = elapsed / visits * to_come;
            by_count.min(self.plan.rounds.budget.saturating_sub(elapsed))
        })
    }

    /// Since the phase began.
    fn elapsed(&self) -> Duration {
        self.world.elapsed().saturating_sub(self.began)
    }

    /// What disturbed a visit so much that its round is to be made again.
    ///
    /// Where there never was a response that is no reason: a server that cannot start would only be
    /// waited for again.
    fn too_much(&self, phase: Phase, visit: &VisitRecord) -> Option<String> {
        let may_repeat = phase == Phase::Rounds
            && !was_never_answered(visit)
            && visit.attempt + 1 < ATTEMPTS_ALLOWED;
        let evidence = self.plan.rounds.disturbance.exceeded_by(&visit.disturbance);
        let evidence = evidence.filter(|_| may_repeat)?;
        Some(format!("{evidence}, in the visit of {}", visit.entry))
    }

    /// Keeps a disturbed visit and marks the whole round as made again.
    fn set_aside(&mut self, visit: VisitRecord) -> Result<(), RecordError> {
        self.visits_done += 1;
        let round = visit.round;
        let visits = &mut self.file.record.visits;
        visits.push(visit);
        visits.iter_mut().filter(|visit| visit.round == round).for_each(|v| v.repeated = true);
        self.file.save()
    }

    fn keep(&mut self, phase: Phase, visit: VisitRecord) -> Result<(), RecordError> {
        self.visits_done += 1;
        self.note_failure(phase, &visit);
        let record = &mut self.file.record;
        match phase {
            Phase::Rounds => {
                record.visits.push(visit);
                return self.file.save();
            }
            Phase::Check => record.visits.push(visit),
            Phase::Startups => record.launches.extend(LaunchRecord::of(visit)),
            Phase::Calibration | Phase::Survey | Phase::Ceilings => self.visits.push(visit),
        }
        Ok(())
    }

    /// One that failed in the survey or in a launch is visited again, which says what becomes of it.
    fn note_failure(&mut self, phase: Phase, visit: &VisitRecord) {
        let Some(reason) = &visit.failure else { return };
        let (told, kept) = match phase {
            Phase::Rounds => {
                (Some(reason.clone()), format!("in round {}: {reason}", visit.round + 1))
            }
            Phase::Calibration => {
                let reason = format!("while its capacity was measured: {reason}");
                (Some(reason.clone()), reason)
            }
            Phase::Check => (None, reason.clone()),
            Phase::Survey | Phase::Ceilings | Phase::Startups => return,
        };
        if let Some(reason) = told {
            (self.listener)(Event::LeftOut { contender: visit.entry.clone(), reason });
        }
        let record = &mut self.file.record;
        let is_placebo = visit.entry == PLACEBO;
        let name = if is_placebo { &record.suite.baseline } else { &visit.entry };
        if let Some(contender) = record.contenders.iter_mut().find(|it| it.name == *name) {
            contender.status = Status::Failed;
            contender.reason = Some(kept);
        }
    }

    /// An interrupted visit of a round is kept for the trials that it completed.
    fn keep_if_whole(&mut self, phase: Phase, visit: VisitRecord) {
        if phase == Phase::Rounds && !visit.trials.is_empty() {
            self.file.record.visits.push(VisitRecord { failure: None, ..visit });
        }
    }

    /// The standings in the scenario with the most connections.
    fn standings(&self) -> Vec<Standing> {
        let record = &self.file.record;
        let busiest = record.suite.scenarios.iter().max_by_key(|scenario| scenario.connections);
        let busiest = busiest.map(|scenario| scenario.name.as_str());
        let mut standings = analysis::standings(record);
        standings.retain(|standing| standing.scenario == busiest);
        let shown = |analysis::Standing { contender, ratio, half_width, .. }| Standing {
            contender: contender.to_owned(),
            ratio,
            half_width,
        };
        standings.into_iter().map(shown).collect()
    }
}

/// Whether a visit failed before its server gave a correct response.
fn was_never_answered(visit: &VisitRecord) -> bool {
    let answered = visit.startup_ns.is_some() || !visit.warm_up_rates.is_empty();
    visit.failure.is_some() && !answered && visit.trials.is_empty()
}

#[cfg(test)]
mod tests;
