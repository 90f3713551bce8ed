//! The services of a run: started before the contenders that use them, under guards as servers are,
//! and ended with the run or with each visit.
//!
//! What cannot be used is kept as the refusal that the contenders which use it are left out with.
//! One that ended is started afresh for the next visit.

mod error;
mod launch;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

pub use error::{Problem, ServiceError};

use launch::Place;

use crate::event::{Event, Listener};
use crate::image::Engine;
use crate::interrupt::Interrupt;
use crate::plan::RunPlan;
use crate::record::{ServiceRecord, ServiceTrialRecord};
use crate::server::port::Ports;
use crate::server::usage::Usage;
use crate::server::{Diagnostic as _, Server, User};
use crate::suite::{Placeholders, Scope, Service, ServiceStart};
use crate::temporary::TemporaryFolder;

/// Lines of a service's log that a failure shows.
const LOG_LINES: usize = 10;
/// The news that a service ended comes within this after the contenders' errors, as that of a server.
const END_NEWS_LIMIT: Duration = Duration::from_secs(1);

pub struct Services<'p> {
    /// Each after those that it uses. Dropped before the folder.
    slots: Vec<Slot<'p>>,
    interrupt: Interrupt,
    engine: Option<Engine>,
    /// Has the folders of all services in it, and goes when they have ended.
    _folder: TemporaryFolder,
}

/// One service that a contender uses.
struct Slot<'p> {
    service: &'p Service,
    place: Place,
    /// Why it cannot be used in this run.
    refusal: Option<ServiceError>,
    version: Option<String>,
    was_asked_for_version: bool,
    server: Option<Server>,
}

impl<'p> Services<'p> {
    /// Those that the plan's contenders use, none of them started yet. `engine` is the container
    /// engine of that name, or any.
    ///
    /// # Errors
    /// What the system says when there is no place or no port for them.
    pub fn new(plan: &'p RunPlan, interrupt: Interrupt, ports: &mut Ports) -> io::Result<Self> {
        let folder = launch::common_folder()?;
        let is_used = |service: &&Service| {
            plan.suite.contenders.iter().any(|it| it.uses.contains(&service.name))
        };
        let used: Vec<&Service> = plan.suite.services.iter().filter(is_used).collect();
        let wants_engine =
            used.iter().any(|service| matches!(service.start, ServiceStart::Image { .. }));
        let engine = wants_engine.then(|| Engine::detect(plan.options.engine.as_deref()).ok());
        let slot = |service: &&'p Service| {
            let port = service.port.map_or_else(|| ports.pick(), Ok)?;
            let place = Place {
                port,
                folder: folder.path().join(&service.name),
                suite_folder: plan.suite.folder.clone(),
                cpus: plan.placement.cpus_of_service(service.wants_own_cpus).to_vec(),
                user: None,
                program_folders: launch::program_folders(service),
                log: folder.path().join(format!("{}.log", service.name)),
            };
            Ok(Slot {
                service,
                place,
                refusal: None,
                version: None,
                was_asked_for_version: false,
                server: None,
            })
        };
        let slots = used.iter().map(slot).collect::<io::Result<_>>()?;
        Ok(Self { slots, interrupt, engine: engine.flatten(), _folder: folder })
    }

    /// Starts those that last for the run, and finds out which cannot be used.
    pub fn begin(&mut self, listener: &mut Listener<'_>) {
        for at in 0..self.slots.len() {
            let is_needed_now = self.slots[at].service.scope == Scope::Run;
            let begun = self
                .require(at)
                .and_then(|()| if is_needed_now { self.start(at, listener) } else { Ok(()) });
            self.slots[at].refusal = begun.err();
        }
    }

    /// Why one of these services cannot be used in this run; the first, if there are several.
    pub fn refusal<'s>(&'s self, uses: &'s [String]) -> Option<&'s ServiceError> {
        self.used(uses).find_map(|slot| slot.refusal.as_ref())
    }

    /// `{NAME.port}` and `{NAME.dir}` of these services.
    pub fn values(&self, uses: &[String]) -> Placeholders {
        self.used(uses).fold(Placeholders::default(), |values, slot| {
            let name = &slot.service.name;
            let Place { port, folder, .. } = &slot.place;
            values.with(format!("{name}.port"), port).with(format!("{name}.dir"), folder.display())
        })
    }

    /// Folders besides PATH in which the programs of these services are.
    pub fn program_folders(&self, uses: &[String]) -> Vec<PathBuf> {
        self.used(uses).flat_map(|slot| slot.place.program_folders.iter().cloned()).collect()
    }

    /// Starts those of these services that do not run.
    ///
    /// # Errors
    /// [`ServiceError`] of the first that cannot be used.
    pub fn ensure(
        &mut self,
        uses: &[String],
        listener: &mut Listener<'_>,
    ) -> Result<(), ServiceError> {
        for at in 0..self.slots.len() {
            let slot = &mut self.slots[at];
            let is_used = uses.contains(&slot.service.name);
            let lives = slot.server.as_mut().is_some_and(|server| server.exit().is_none());
            if is_used && !lives {
                self.start(at, listener)?;
            }
        }
        Ok(())
    }

    /// Whether all of these services still run.
    ///
    /// # Errors
    /// [`ServiceError`] of the first that ended, with the end of its log.
    pub fn check_alive(&mut self, uses: &[String], failed: bool) -> Result<(), ServiceError> {
        for slot in &mut self.slots {
            let Some(server) = &mut slot.server else { continue };
            if failed {
                // What a contender complains of may be the end of a service that is yet to be told.
                server.wait_change(END_NEWS_LIMIT);
            }
            let exit = server.exit().filter(|_| uses.contains(&slot.service.name));
            if let Some(exit) = exit {
                let log_tail = server.log_tail(LOG_LINES);
                return Err(ServiceError::new(slot.service, Problem::Ended(exit), log_tail));
            }
        }
        Ok(())
    }

    /// Ends those that serve one visit only.
    ///
    /// # Errors
    /// [`ServiceError`] of the first that did not end as it should; the others are ended as well.
    pub fn end_visit(&mut self) -> Result<(), ServiceError> {
        self.end(|service| service.scope == Scope::Visit)
    }

    /// Ends all.
    ///
    /// # Errors
    /// As [`Services::end_visit`].
    pub fn end_all(&mut self) -> Result<(), ServiceError> {
        self.end(|_| true)
    }

    /// What each of these services has used so far.
    pub fn usage(&self, uses: &[String]) -> Vec<(String, Usage)> {
        let of = |slot: &Slot<'_>| {
            let usage = slot.server.as_ref()?.usage().ok()?;
            Some((slot.service.name.clone(), usage))
        };
        self.used(uses).filter_map(of).collect()
    }

    /// CPU time of those that run; it is not in the account of jigger's ended processes.
    pub fn cpu_time(&self) -> Duration {
        let servers = self.slots.iter().filter_map(|slot| slot.server.as_ref());
        let used = servers.filter_map(|server| server.usage().ok());
        Duration::from_nanos(used.map(|usage| usage.cpu.total_ns).sum())
    }

    /// Whether each service is a descendant of jigger, whose CPU time is known when it has ended.
    pub fn are_descendants(&self) -> bool {
        self.slots.iter().all(|slot| matches!(slot.service.start, ServiceStart::Command(_)))
    }

    pub fn records(&self) -> Vec<ServiceRecord> {
        self.slots.iter().map(Slot::record).collect()
    }

    fn used<'s>(&'s self, uses: &'s [String]) -> impl Iterator<Item = &'s Slot<'p>> {
        self.slots.iter().filter(|slot| uses.contains(&slot.service.name))
    }

    /// Finds out whether a service could be started at all.
    fn require(&mut self, at: usize) -> Result<(), ServiceError> {
        let service = self.slots[at].service;
        let refused = |problem| ServiceError::new(service, problem, String::new());
        launch::check_programs(service, &self.slots[at].place).map_err(refused)?;
        let user = User::wanted(service.user.as_ref());
        self.slots[at].place.user = user.map_err(|error| refused(Problem::User(error)))?;
        Ok(())
    }

    fn start(&mut self, at: usize, listener: &mut Listener<'_>) -> Result<(), ServiceError> {
        let service = self.slots[at].service;
        if self.refusal(&service.uses).is_some() {
            // Whoever uses this one uses that one too, and is told of it.
            return Ok(());
        }
        let step = format!("starting {}", service.name);
        listener(Event::Step { name: step, rate_per_second: None });
        let values = self.values(&service.uses);
        let slot = &mut self.slots[at];
        slot.server = None;
        let launch = launch::Launch {
            service,
            place: &slot.place,
            values: &values,
            engine: self.engine.as_ref(),
            interrupt: &self.interrupt,
        };
        let server = launch.run()?;
        if !slot.was_asked_for_version {
            slot.was_asked_for_version = true;
            // It does its work whether or not it tells its version.
            slot.version = launch.version().unwrap_or_else(|error| {
                let contender = service.name.clone();
                let reason = format!("its version is not known: {}", error.in_full());
                listener(Event::LeftOut { contender, reason });
                None
            });
        }
        slot.server = Some(server);
        Ok(())
    }

    fn end(&mut self, is_to_end: impl Fn(&Service) -> bool) -> Result<(), ServiceError> {
        let mut outcome = Ok(());
        for slot in self.slots.iter_mut().rev().filter(|slot| is_to_end(slot.service)) {
            let Some(server) = slot.server.take() else { continue };
            let log_tail = server.log_tail(LOG_LINES);
            let ended = server.stop().map_err(|error| {
                ServiceError::new(slot.service, Problem::NotStopped(error), log_tail)
            });
            outcome = outcome.and(ended.map(drop));
        }
        outcome
    }
}

impl Drop for Services<'_> {
    fn drop(&mut self) {
        // Nobody is left to be told; `end_all` is for those who want to know.
        let _ = self.end_all();
    }
}

impl Slot<'_> {
    fn record(&self) -> ServiceRecord {
        let (start, image) = match &self.service.start {
            ServiceStart::Command(words) => (words.clone(), None),
            ServiceStart::Image { reference, .. } => (Vec::new(), Some(reference.clone())),
        };
        ServiceRecord {
            name: self.service.name.clone(),
            version: self.version.clone(),
            start,
            image,
            user: self.place.user.as_ref().map(|user| user.name.clone()),
            each_visit: self.service.scope == Scope::Visit,
            cpus: self.place.cpus.clone(),
            reason: self.refusal.as_ref().map(|refusal| refusal.in_full()),
        }
    }
}

/// What services used between two readings.
pub fn used_between(
    before: &[(String, Usage)],
    after: &[(String, Usage)],
) -> Vec<ServiceTrialRecord> {
    let of = |(name, now): &(String, Usage)| {
        let (_, earlier) = before.iter().find(|(known, _)| known == name)?;
        Some(ServiceTrialRecord {
            name: name.clone(),
            cpu_ns: now.cpu.total_ns.saturating_sub(earlier.cpu.total_ns),
            memory_bytes: now.memory.total_bytes,
        })
    };
    after.iter().filter_map(of).collect()
}
