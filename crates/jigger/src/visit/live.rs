//! Visits to real servers.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use super::certificate::Certificate;
use super::kernel::{LocalPorts, in_running_order};
use super::launched::LiveServer;
use super::target::Target;
use super::trial::Conditions;
use super::verify::{ask_where_answered, confirm_after_load, probe, verify};
use super::warm_up::{Learned, WarmedUp, warm_up};
use super::{VisitError, capacity, ceiling, kernel, trial, warm_up};
use crate::disturbance::{Disturbance, HostReading};
use crate::event::{Event, Listener};
use crate::host::ConnectionTable;
use crate::image::{ContainerSpec, Engine};
use crate::interrupt::Interrupt;
use crate::plan::RunPlan;
use crate::programs::path_variable;
use crate::record::{
    CeilingAttempt, ContainerRecord, ContenderRecord, Evidence, TrialRecord, VisitParts,
    VisitRecord,
};
use crate::server::port::Ports;
use crate::server::ready::wait_ready;
use crate::server::{Container, Server, StartSpec, SuiteCommand, User, port};
use crate::service::Services;
use crate::session::{Turn, Work, World};
use crate::suite::{Contender, Network, Pacing, Placeholders, Scenario};
use crate::temporary::TemporaryFolder;
use jigger_load::Address;

/// How long the command of an expectation may take.
const CONFIRM_LIMIT: Duration = Duration::from_secs(30);

/// Between two looks whether the user wants to stop, while ports become free.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The real world: processes, sockets, the clock.
pub struct LiveWorld<'a> {
    plan: &'a RunPlan,
    interrupt: Interrupt,
    began: Instant,
    services: Services<'a>,
    ports: Ports,
    logs: TemporaryFolder,
    certificate: Option<Certificate>,
    engine: Option<Engine>,
    /// How each contender runs in a container, in the suite's order.
    containers: Vec<Option<ContainerRecord>>,
    /// What the first warm-up taught, by the contender's index and the connections.
    warm_ups: RefCell<BTreeMap<(usize, Option<usize>), Learned>>,
    local_ports: RefCell<LocalPorts>,
}

/// Trials that are not jigger's alone: what they measured goes into the visit or elsewhere.
pub type OtherTrials<'a> =
    dyn FnMut(&Conditions<'_>, &mut VisitRecord, &mut Listener<'_>) -> Result<(), VisitError> + 'a;

/// Takes the time from one part of a visit to the next.
struct Stopwatch(Instant);

impl Stopwatch {
    /// Nanoseconds since the last look, or since the start.
    fn lap_ns(&mut self) -> u64 {
        let begun = std::mem::replace(&mut self.0, Instant::now());
        u64::try_from(self.0.duration_since(begun).as_nanos()).unwrap_or(u64::MAX)
    }
}

impl<'a> LiveWorld<'a> {
    /// A world with these services, whose clock starts now.
    ///
    /// # Errors
    /// What the system says when there is no place for the servers' logs, or for their certificate.
    pub fn new(
        plan: &'a RunPlan,
        interrupt: Interrupt,
        services: Services<'a>,
        ports: Ports,
    ) -> std::io::Result<Self> {
        Ok(Self {
            plan,
            interrupt,
            began: Instant::now(),
            services,
            ports,
            logs: TemporaryFolder::new("logs")?,
            certificate: Certificate::for_those(&plan.suite.contenders)?,
            engine: None,
            containers: Vec::new(),
            warm_ups: RefCell::default(),
            local_ports: RefCell::new(LocalPorts::of_this_machine()),
        })
    }

    /// With the engine, where there is one, for those contenders that run in containers, as their
    /// records say.
    pub fn with_containers(
        mut self,
        engine: Option<Engine>,
        contenders: &[ContenderRecord],
    ) -> Self {
        self.engine = engine;
        self.containers = contenders.iter().map(|it| it.container.clone()).collect();
        self
    }

    /// Makes a visit, with `others` in place of jigger's own trials where they are given.
    pub fn visit_with(
        &mut self,
        turn: &Turn<'_>,
        others: Option<&mut OtherTrials<'_>>,
        listener: &mut Listener<'_>,
    ) -> VisitRecord {
        self.wait_for_room(listener);
        let mut visit = VisitRecord::begun(&turn.entry.name, turn.round, turn.position);
        let (mut parts, mut stopwatch) = (VisitParts::default(), Stopwatch(Instant::now()));
        let plan = self.plan;
        let contender = &plan.suite.contenders[turn.entry.contender];
        let before = self.host_reading();
        let prepared = self.before_visit(contender, listener);
        parts.prepare_ns = stopwatch.lap_ns();
        let outcome = prepared.and_then(|()| {
            let outcome = self.launched(contender, listener, |world, live, listener| {
                let noted = (&mut visit, &mut parts, &mut stopwatch);
                world.ask_all((turn, others), live, noted, listener)
            });
            parts.stop_ns = stopwatch.lap_ns();
            outcome
        });
        let outcome = self.explained(contender, outcome);
        let concluded = self.after_visit(contender);
        let outcome = outcome.and(concluded);
        parts.conclude_ns = stopwatch.lap_ns();
        visit.parts = Some(parts);
        visit.failure = outcome.err().map(|error| error.to_string());
        let frequency_mhz = visit.disturbance.frequency_mhz;
        let knows_server = is_descendant(contender) && self.services.are_descendants();
        let disturbance = self.host_reading().since(&before, knows_server);
        visit.disturbance = Disturbance { frequency_mhz, ..disturbance };
        visit
    }

    fn host_reading(&self) -> HostReading {
        let cpus = self.plan.placement.cpus();
        HostReading::here(&cpus).with_own(self.services.cpu_time())
    }

    /// That a service ended explains what contenders and commands made of it.
    fn explained(
        &mut self,
        contender: &Contender,
        outcome: Result<(), VisitError>,
    ) -> Result<(), VisitError> {
        let lives = self.services.check_alive(&contender.uses, outcome.is_err());
        lives.map_err(VisitError::from).and(outcome)
    }

    /// Has the services run that the contender uses, and runs the suite's commands before a visit.
    fn before_visit(
        &mut self,
        contender: &Contender,
        listener: &mut Listener<'_>,
    ) -> Result<(), VisitError> {
        self.services.ensure(&contender.uses, listener)?;
        let suite = &self.plan.suite;
        self.hooks("prepare", &suite.prepare, &suite.folder, contender)?;
        self.hooks("prepare", &contender.prepare, &contender.directory, contender)
    }

    /// Runs the suite's commands after a visit, whatever came of it, and ends services that serve
    /// only one.
    fn after_visit(&mut self, contender: &Contender) -> Result<(), VisitError> {
        let suite = &self.plan.suite;
        let own = self.hooks("conclude", &contender.conclude, &contender.directory, contender);
        let of_suite = self.hooks("conclude", &suite.conclude, &suite.folder, contender);
        let concluded = self.explained(contender, own.and(of_suite));
        let ended = self.services.end_visit().map_err(VisitError::from);
        concluded.and(ended)
    }

    fn hooks(
        &self,
        key: &str,
        commands: &[Vec<String>],
        folder: &Path,
        contender: &Contender,
    ) -> Result<(), VisitError> {
        let what = format!("the command of {key}");
        for words in commands {
            let command = self.suite_command(&what, words, folder, &contender.uses)?;
            command.run(&self.interrupt)?;
        }
        Ok(())
    }

    /// A command that finds the programs of the services, and what stands for their ports and
    /// folders filled in.
    fn suite_command<'c>(
        &self,
        what: &'c str,
        words: &[String],
        folder: &'c Path,
        uses: &[String],
    ) -> Result<SuiteCommand<'c>, VisitError> {
        let arguments = self.services.values(uses).fill_all(words).map_err(VisitError::of)?;
        let environment = vec![path_variable(&self.services.program_folders(uses))];
        Ok(SuiteCommand { environment, ..SuiteCommand::new(what, arguments, folder) })
    }

    /// Starts a contender, lets `work` use it, and stops it whatever came of that. An error has the
    /// end of the server's log; the work's goes before one of the stop.
    fn launched(
        &mut self,
        contender: &Contender,
        listener: &mut Listener<'_>,
        work: impl FnOnce(&Self, &mut LiveServer, &mut Listener<'_>) -> Result<(), VisitError>,
    ) -> Result<(), VisitError> {
        let mut live = self.start(contender, listener)?;
        let outcome = work(self, &mut live, listener).map_err(|error| live.explain(error));
        outcome.and(live.stop())
    }

    /// What everyone who sends requests to the server needs to know.
    fn conditions<'c>(
        &'c self,
        contender: &'c Contender,
        target: &'c Target,
        evidence: &'c [Evidence],
    ) -> Conditions<'c> {
        Conditions {
            target,
            evidence,
            services: (&self.services, &contender.uses),
            loads: Cell::new(0),
            client_cpus: &self.plan.placement.client_cpus,
            interrupt: &self.interrupt,
        }
    }

    fn start(
        &mut self,
        contender: &Contender,
        listener: &mut Listener<'_>,
    ) -> Result<LiveServer, VisitError> {
        listener(Event::Step { name: "starting".to_owned(), rate_per_second: None });
        let wants_port = contender.url.contains("{port}");
        let port = wants_port.then(|| self.ports.pick()).transpose().map_err(VisitError::of)?;
        let values = self.services.values(&contender.uses);
        let values = match port {
            Some(port) => values.with("port", port),
            None => values,
        };
        let url = values.fill(&contender.url).map_err(VisitError::of)?;
        let requests = self.plan.suite.requests();
        let of_contender = (&contender.expectation, &contender.own_request);
        let own = self.certificate.as_ref();
        let tls = own.map_or_else(|| contender.tls.clone(), |own| own.trusted_by(contender));
        let target = Target::new(&url, (&tls, contender.protocol), &requests, of_contender)?;
        if contender.start.is_none() && contender.container.is_none() {
            return Ok(LiveServer::running_already(target));
        }
        // A stranger's responses must not count as the contender's.
        if let Address::Tcp(address) = &target.address {
            port::wait_free(address.port(), Duration::ZERO)?;
        }
        let spec = match contender.container {
            Some(_) => self.container_spec(contender, port, &values)?,
            None => self.process_spec(contender, &values)?,
        };
        let server = Server::start(&spec)?;
        let limits = contender.container.as_ref().map(|_| &self.plan.suite.container_limits);
        let memory_limit_bytes = limits.and_then(|limits| limits.memory_bytes);
        let server = Some(server);
        Ok(LiveServer { server, port, memory_limit_bytes, ..LiveServer::running_already(target) })
    }

    fn process_spec(
        &self,
        contender: &Contender,
        values: &Placeholders,
    ) -> Result<StartSpec, VisitError> {
        let start = contender.start.clone().unwrap_or_default();
        let own = self.certificate.as_ref().map(Certificate::values).unwrap_or_default();
        let values = &values.clone().and(&own);
        let argv = values.fill_all(&start).map_err(VisitError::of)?;
        let user = User::wanted(contender.user.as_ref())?;
        let mut env: Vec<(String, String)> = user.iter().flat_map(User::environment).collect();
        env.extend(filled(values, &contender.environment)?);
        Ok(StartSpec { env, user, ..self.spec(contender, argv) })
    }

    /// How a contender is started by `argv`, whatever that is.
    fn spec(&self, contender: &Contender, argv: Vec<String>) -> StartSpec {
        let log = self.logs.path().join(format!("{}.log", contender.name));
        let cpus = Some(self.plan.placement.server_cpus.clone());
        StartSpec {
            cpus,
            ..StartSpec::new(argv, contender.directory.clone(), log, contender.grace)
        }
    }

    /// Everything between the start of a contender and its stop, written into the visit.
    fn ask_all(
        &self,
        (turn, others): (&Turn<'_>, Option<&mut OtherTrials<'_>>),
        live: &mut LiveServer,
        (visit, parts, watch): (&mut VisitRecord, &mut VisitParts, &mut Stopwatch),
        listener: &mut Listener<'_>,
    ) -> Result<(), VisitError> {
        let contender = &self.plan.suite.contenders[turn.entry.contender];
        let ready = self.wait(contender, live);
        parts.launch_ns = watch.lap_ns();
        visit.startup_ns = ready?;
        let scenarios: &[Scenario] = match turn.work {
            Work::Launch => return Ok(()),
            Work::Verify => &[],
            Work::Load(scenarios) => scenarios,
        };
        let confirm = |words: &[String], body: &[u8]| self.confirm(contender, words, body);
        let evidence = verify(&live.target, &confirm);
        visit.memory_idle_bytes = live.memory_bytes();
        parts.verify_ns = watch.lap_ns();
        let (evidence, target) = (evidence?, live.target.clone());
        let conditions = self.conditions(contender, &target, &evidence);
        let index = turn.entry.contender;
        let warmed_up = self.warm_up(index, scenarios, &conditions, live, listener);
        parts.warm_up_ns = watch.lap_ns();
        let warmed_up = warmed_up?;
        visit.steady = warmed_up.steady;
        let rate_per_second = warmed_up.rate_per_second;
        visit.warm_up_rates = warmed_up.rates;
        let asked = (scenarios, rate_per_second);
        let tried = match others {
            Some(others) => others(&conditions, visit, listener),
            None => self.try_all(asked, &conditions, live, visit, listener),
        };
        parts.trials_ns = watch.lap_ns();
        tried?;
        visit.disturbance.frequency_mhz = live.frequency_mhz(&self.plan.placement.server_cpus);
        // Now rather than before: workers may start after the first response.
        let mut evidence = evidence.into_iter();
        visit.evidence = evidence.next().map(|first| live.with_tree(first));
        visit.further_evidence = evidence.collect();
        live.check_alive()?;
        confirm_after_load(&target, &confirm)
    }

    /// Runs the command of an expectation, which gets the body of a response.
    fn confirm(
        &self,
        contender: &Contender,
        words: &[String],
        body: &[u8],
    ) -> Result<(), VisitError> {
        let input = self.logs.path().join("body");
        std::fs::write(&input, body).map_err(VisitError::of)?;
        let folder = &self.plan.suite.folder;
        let command =
            self.suite_command("the command of expect", words, folder, &contender.uses)?;
        let (input, limit) = (Some(input), Some(CONFIRM_LIMIT));
        SuiteCommand { input, limit, ..command }.run(&self.interrupt)?;
        Ok(())
    }

    /// Warms up as the contender is known to need, or learns it.
    fn warm_up(
        &self,
        index: usize,
        scenarios: &[Scenario],
        conditions: &Conditions<'_>,
        live: &mut LiveServer,
        listener: &mut Listener<'_>,
    ) -> Result<WarmedUp, VisitError> {
        let known_by = (index, warm_up::connections(scenarios));
        let known = self.warm_ups.borrow().get(&known_by).copied();
        let how = (&self.plan.warm_up, scenarios);
        let warmed_up = warm_up(how, conditions, known, live.server.as_mut(), listener)?;
        self.warm_ups.borrow_mut().extend(warmed_up.learned.map(|learned| (known_by, learned)));
        let (connections, span) = warmed_up.opened;
        self.note_ports(conditions, connections, span);
        Ok(warmed_up)
    }

    /// A trial of each scenario, of a server that served so many requests a second when it had
    /// warmed up.
    fn try_all(
        &self,
        (scenarios, rate_per_second): (&[Scenario], f64),
        conditions: &Conditions<'_>,
        live: &mut LiveServer,
        visit: &mut VisitRecord,
        listener: &mut Listener<'_>,
    ) -> Result<(), VisitError> {
        for scenario in in_running_order(scenarios) {
            if scenario.makes_connections() {
                self.wait_for_ports(conditions, listener);
            }
            if self.interrupt.is_raised() {
                break;
            }
            let server = live.server.as_mut();
            let (trial, peak_bytes) = match &scenario.pacing {
                Pacing::Capacity { objective, spread } => {
                    let (which, rate) = ((scenario, objective, *spread), rate_per_second);
                    capacity::run(which, conditions, server, rate, listener)?
                }
                _ => trial::run(scenario, conditions, server, listener)?,
            };
            let (connections, elapsed_ns) = opened(scenario, &trial);
            self.note_ports(conditions, connections, Duration::from_nanos(elapsed_ns));
            visit.memory_peak_bytes = visit.memory_peak_bytes.max(peak_bytes);
            if !self.interrupt.is_raised() {
                visit.trials.push(trial);
            }
        }
        Ok(())
    }

    fn note_ports(&self, conditions: &Conditions<'_>, connections: u64, span: Duration) {
        let to = &conditions.target.address;
        self.local_ports.borrow_mut().note(to, connections, span, Instant::now());
    }

    /// Lets the kernel free the local ports that the loads before have used.
    fn wait_for_ports(&self, conditions: &Conditions<'_>, listener: &mut Listener<'_>) {
        let left = || self.local_ports.borrow().wait(&conditions.target.address, Instant::now());
        if !left().is_zero() {
            let name = "waiting for free ports".to_owned();
            listener(Event::Step { name, rate_per_second: None });
        }
        while !left().is_zero() && !self.interrupt.is_raised() {
            std::thread::sleep(left().min(LOOK_EVERY));
        }
    }

    /// Lets the kernel forget connections of the visits before, where it tracks so many that those
    /// to come might be dropped.
    fn wait_for_room(&self, listener: &mut Listener<'_>) {
        let begun = Instant::now();
        let has_room = || ConnectionTable::now().is_none_or(ConnectionTable::has_room);
        let is_over = || has_room() || begun.elapsed() >= kernel::PATIENCE;
        if !is_over() {
            let name = "waiting until the kernel's table of connections has room".to_owned();
            listener(Event::Step { name, rate_per_second: None });
        }
        while !is_over() && !self.interrupt.is_raised() {
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Waits for the first correct response; the time since the spawn, when jigger made it.
    fn wait(
        &self,
        contender: &Contender,
        live: &mut LiveServer,
    ) -> Result<Option<u64>, VisitError> {
        let target = &mut live.target;
        let Some(server) = &mut live.server else {
            ask_where_answered(target);
            return Ok(None);
        };
        let mut probe = || probe(target);
        let interrupted = || self.interrupt.is_raised();
        let took = wait_ready(server, &mut probe, contender.start_limit, &interrupted)?;
        live.was_ready = true;
        server.look_into_container()?;
        Ok(u64::try_from(took.as_nanos()).ok())
    }
}

impl World for LiveWorld<'_> {
    fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    fn is_interrupted(&self) -> bool {
        self.interrupt.is_raised()
    }

    fn visit(&mut self, turn: &Turn<'_>, listener: &mut Listener<'_>) -> VisitRecord {
        self.visit_with(turn, None, listener)
    }

    fn ceilings(
        &mut self,
        scenarios: &[Scenario],
        listener: &mut Listener<'_>,
    ) -> Vec<Vec<CeilingAttempt>> {
        ceiling::ceilings(self.plan, scenarios, &self.interrupt, listener)
    }
}

/// Whether the server's processes are jigger's descendants, whose CPU time it can tell from that of
/// others. A container's are those of its engine.
fn is_descendant(contender: &Contender) -> bool {
    contender.start.is_some() && contender.container.is_none()
}

/// The connections that a trial opened last, and in how many nanoseconds: of a search all those at
/// the last rate.
fn opened(scenario: &Scenario, trial: &TrialRecord) -> (u64, u64) {
    match trial.probes.last().filter(|_| scenario.makes_connections()) {
        Some(probe) => {
            (scenario.connections_made_by(probe.requests + probe.errors), probe.elapsed_ns)
        }
        None => (trial.connections_opened, trial.elapsed_ns),
    }
}

fn filled(
    values: &Placeholders,
    environment: &[(String, String)],
) -> Result<Vec<(String, String)>, VisitError> {
    let fill = |(name, value): &(String, String)| {
        Ok((name.clone(), values.fill(value).map_err(VisitError::of)?))
    };
    environment.iter().map(fill).collect()
}

impl LiveWorld<'_> {
    /// The command that makes the contender's container, and its name, by which it is removed.
    fn container_spec(
        &self,
        contender: &Contender,
        port: Option<u16>,
        values: &Placeholders,
    ) -> Result<StartSpec, VisitError> {
        let at = self.plan.suite.contenders.iter().position(|it| it.name == contender.name);
        let record = at.and_then(|at| self.containers.get(at)?.as_ref());
        let (Some(engine), Some(record)) = (&self.engine, record) else {
            return Err(VisitError("it has no image".to_owned()));
        };
        let limits = &self.plan.suite.container_limits;
        let start = &contender.image_start;
        let values = values.clone().with("host", limits.network.listen_address());
        let name = Container::new_name(&contender.name);
        let spec = ContainerSpec {
            name: name.clone(),
            image: record.image.clone(),
            network: limits.network.name().to_owned(),
            publish: published(limits.network, port, start.port)?,
            cpus: limits.cpus,
            cpu_set: self.plan.placement.server_cpus.clone(),
            memory_bytes: limits.memory_bytes,
            environment: filled(&values, &start.environment)?,
            arguments: values.fill_all(&start.arguments).map_err(VisitError::of)?,
        };
        let container = Some(Container { engine: engine.path.clone(), name });
        Ok(StartSpec { container, ..self.spec(contender, engine.create_command(&spec)) })
    }
}

/// On the bridge, the visit's port and the one in the container that it leads to: the image's own,
/// or the same.
fn published(
    network: Network,
    port: Option<u16>,
    inside: Option<u16>,
) -> Result<Option<(u16, u16)>, VisitError> {
    if network == Network::Host {
        return Ok(None);
    }
    let port = port.ok_or_else(|| {
        let reason = "its url names no {port}, so there is nothing to publish on the bridge; \
                      write {port} there, or add --network host";
        VisitError(reason.to_owned())
    })?;
    Ok(Some((port, inside.unwrap_or(port))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bridge_publishes_the_visits_port_and_the_host_none() {
        assert_eq!(published(Network::Host, Some(7), None).unwrap(), None);
        assert_eq!(published(Network::Bridge, Some(7), None).unwrap(), Some((7, 7)));
        assert_eq!(published(Network::Bridge, Some(7), Some(80)).unwrap(), Some((7, 80)));
        assert!(published(Network::Bridge, None, None).unwrap_err().0.contains("{port}"));
    }
}
