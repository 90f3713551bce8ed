//! Runs the plan: rounds of visits, each kept on disk as soon as it is made.
//!
//! This is the only place that sequences effects. What a visit does, and the
//! clock, come from a [`World`], so that tests run the sequence in virtual time.

use std::time::Duration;

use jigger_stats::Look;

use crate::analysis;
use crate::event::{Event, Listener, Standing};
use crate::plan::{Entry, PLACEBO, Plan};
use crate::record::{Ended, LookRecord, Record, RecordError, RecordFile, Status, VisitRecord};
use crate::suite::Rounds;

/// A contender that failed in this many visits is no longer visited.
const FAILURES_ALLOWED: usize = 2;

/// A round is begun at most so often. The last attempt is used whatever disturbs it, so that a
/// machine that is never quiet still gives figures, which then are too noisy for a verdict.
const ATTEMPTS_ALLOWED: usize = 3;

/// Where visits take place.
pub trait World {
    /// Time since the rounds began.
    fn elapsed(&self) -> Duration;

    /// Whether the user has asked to stop.
    fn is_interrupted(&self) -> bool;

    /// Makes a visit. What went wrong is in the visit's `failure`.
    fn visit(
        &mut self,
        entry: &Entry,
        round: usize,
        position: usize,
        listener: &mut Listener<'_>,
    ) -> VisitRecord;
}

/// Whether a record answers all that the run was made for.
pub type Settled<'a> = dyn Fn(&Record) -> bool + 'a;

/// Runs rounds until a planned look finds the record settled, the rounds or the time are used up,
/// or the user stops them. Every visit is saved when it ends.
///
/// # Errors
/// [`RecordError`] when the record cannot be saved.
pub fn run(
    rounds: &Rounds,
    plan: &Plan,
    settled: &Settled<'_>,
    world: &mut impl World,
    file: &mut RecordFile,
    listener: &mut Listener<'_>,
) -> Result<Ended, RecordError> {
    let look = |look: &Look| LookRecord { rounds: look.rounds, level: look.level };
    file.record.suite.looks = plan.looks.all().iter().map(look).collect();
    let mut session = Session { rounds, plan, settled, file, visits_done: 0 };
    let max_rounds = plan.looks.last();
    listener(Event::RoundsBegin { visits: plan.entries.len(), max_rounds });
    let ended = session.rounds(world, listener)?;
    session.file.record.ended = ended;
    session.file.save()?;
    listener(Event::RoundsEnded);
    Ok(ended)
}

struct Session<'a> {
    rounds: &'a Rounds,
    plan: &'a Plan,
    settled: &'a Settled<'a>,
    file: &'a mut RecordFile,
    visits_done: usize,
}

/// How an attempt at a round ended.
enum Attempt {
    /// All were visited.
    Whole,
    /// A visit was disturbed; the round is to be made again.
    Disturbed,
    /// The user wants to stop.
    Interrupted,
}

impl Session<'_> {
    fn rounds(
        &mut self,
        world: &mut impl World,
        listener: &mut Listener<'_>,
    ) -> Result<Ended, RecordError> {
        for round in 0.. {
            if world.is_interrupted() {
                return Ok(Ended::Interrupted);
            }
            if let Some(ended) = self.end_before(round, world.elapsed(), listener) {
                return Ok(ended);
            }
            for attempt in 0.. {
                match self.attempt(round, attempt, world, listener)? {
                    Attempt::Whole => break,
                    Attempt::Disturbed => {}
                    Attempt::Interrupted => return Ok(Ended::Interrupted),
                }
            }
            listener(Event::RoundEnded { round, standings: self.standings() });
        }
        unreachable!("end_before ends the loop at the last round")
    }

    /// Visits all entries in the order of the round, which is the same at each attempt; up to the
    /// first disturbed visit, since what would follow would not be used.
    fn attempt(
        &mut self,
        round: usize,
        attempt: usize,
        world: &mut impl World,
        listener: &mut Listener<'_>,
    ) -> Result<Attempt, RecordError> {
        for (position, entry) in self.plan.round(round).into_iter().enumerate() {
            let entry = &self.plan.entries[entry];
            if !self.takes_part(entry) {
                continue;
            }
            self.announce(entry, round, world.elapsed(), listener);
            let visit = world.visit(entry, round, position, listener);
            let mut visit = VisitRecord { attempt, ..visit };
            analysis::set_limits(&self.file.record, &mut visit);
            if world.is_interrupted() {
                self.keep_if_whole(visit)?;
                return Ok(Attempt::Interrupted);
            }
            let evidence = self.rounds.disturbance.exceeded_by(&visit.disturbance);
            if let Some(evidence) = evidence.filter(|_| attempt + 1 < ATTEMPTS_ALLOWED) {
                let evidence = format!("{evidence}, in the visit of {}", visit.entry);
                listener(Event::RoundRepeated { round, evidence });
                self.set_aside(visit)?;
                return Ok(Attempt::Disturbed);
            }
            self.keep(visit, listener)?;
        }
        Ok(Attempt::Whole)
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

    /// Why no further round is begun, if so.
    fn end_before(
        &self,
        round: usize,
        elapsed: Duration,
        listener: &mut Listener<'_>,
    ) -> Option<Ended> {
        if !self.plan.entries.iter().any(|entry| self.takes_part(entry)) {
            return Some(Ended::NothingLeft);
        }
        let is_settled = self.plan.looks.is_due(round) && self.look(round, listener);
        if round >= self.plan.looks.last() {
            return Some(Ended::MaxRounds);
        }
        if is_settled {
            return Some(Ended::Decided);
        }
        let done = u32::try_from(round).unwrap_or(u32::MAX);
        let is_late = elapsed + elapsed / done.max(1) > self.rounds.budget;
        (round >= self.rounds.min && is_late).then_some(Ended::Budget)
    }

    /// Looks at what has been measured after so many rounds: whether it answers everything.
    fn look(&self, rounds: usize, listener: &mut Listener<'_>) -> bool {
        let is_settled = (self.settled)(&self.file.record);
        let mut later = self.plan.looks.all().iter().map(|look| look.rounds);
        let next = later.find(|look| *look > rounds);
        listener(Event::Looked { rounds, is_settled, next });
        is_settled
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

    fn takes_part(&self, entry: &Entry) -> bool {
        let visits = || self.file.record.visits_of(&entry.name);
        let failures = visits().filter(|visit| visit.failure.is_some()).count();
        let never_worked = failures > 0 && visits().all(|visit| visit.failure.is_some());
        failures < FAILURES_ALLOWED && !never_worked
    }

    fn announce(
        &self,
        entry: &Entry,
        round: usize,
        elapsed: Duration,
        listener: &mut Listener<'_>,
    ) {
        let visits = u32::try_from(self.visits_done).unwrap_or(u32::MAX);
        let left = (visits > 0).then(|| {
            let rounds_to_come = self.plan.looks.last().saturating_sub(round);
            let begun = self.file.record.used_visits().filter(|v| v.round == round).count();
            let to_come = (self.plan.entries.len() * rounds_to_come).saturating_sub(begun);
            let to_come = u32::try_from(to_come).unwrap_or(u32::MAX);
            let by_count = elapsed / visits * to_come;
            by_count.min(self.rounds.budget.saturating_sub(elapsed))
        });
        let visits_done = self.visits_done;
        listener(Event::VisitBegins { entry: entry.name.clone(), round, visits_done, left });
    }

    fn keep(&mut self, visit: VisitRecord, listener: &mut Listener<'_>) -> Result<(), RecordError> {
        self.visits_done += 1;
        if let Some(reason) = &visit.failure {
            let contender = visit.entry.clone();
            listener(Event::LeftOut { contender: contender.clone(), reason: reason.clone() });
            self.mark_failed(&contender, visit.round, reason);
        }
        self.file.record.visits.push(visit);
        self.file.save()
    }

    fn mark_failed(&mut self, entry: &str, round: usize, reason: &str) {
        let suite = &self.file.record.suite;
        let name = if entry == PLACEBO { suite.baseline.clone() } else { entry.to_owned() };
        let contenders = &mut self.file.record.contenders;
        if let Some(contender) = contenders.iter_mut().find(|contender| contender.name == name) {
            contender.status = Status::Failed;
            contender.reason = Some(format!("in round {}: {reason}", round + 1));
        }
    }

    /// An interrupted visit is kept for the trials that it completed.
    fn keep_if_whole(&mut self, visit: VisitRecord) -> Result<(), RecordError> {
        if !visit.trials.is_empty() {
            self.file.record.visits.push(VisitRecord { failure: None, ..visit });
        }
        self.file.save()
    }
}

#[cfg(test)]
mod tests;
