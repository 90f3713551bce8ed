//! One start of a service: its folder, its set-up, its process, until it is ready and filled.

use std::cell::RefCell;
use std::fs::{self, Permissions};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jigger_load::fetch::{FetchError, FetchOptions, connects, fetch};
use jigger_load::{Address, Request, Url};

use super::LOG_LINES;
use super::error::{Problem, ServiceError};
use crate::image::{ContainerSpec, Engine};
use crate::interrupt::Interrupt;
use crate::programs::{is_on, path_variable, path_with};
use crate::server::ready::{NotReady, Probe, wait_ready};
use crate::server::{
    Container, Diagnostic as _, Ended, Server, StartSpec, SuiteCommand, User, port,
};
use crate::suite::{ImageStart, Network, Placeholders, Ready, Service, ServiceStart, folders};
use crate::temporary::TemporaryFolder;

/// A service that was ended a moment ago may hold its port for so long.
const PORT_LIMIT: Duration = Duration::from_secs(1);
/// The command for its version, which has nothing to do but to print it.
const VERSION_LIMIT: Duration = Duration::from_secs(10);
/// One question whether it is ready.
const PROBE_LIMIT: Duration = Duration::from_secs(1);

/// Where and as whom a service runs.
pub(super) struct Place {
    pub(super) port: u16,
    /// The folder that `{dir}` stands for.
    pub(super) folder: PathBuf,
    pub(super) suite_folder: PathBuf,
    pub(super) cpus: Vec<usize>,
    /// `None` for jigger's own.
    pub(super) user: Option<User>,
    /// Folders besides PATH in which its programs are.
    pub(super) program_folders: Vec<PathBuf>,
    pub(super) log: PathBuf,
}

/// What a start needs to know.
pub(super) struct Launch<'a> {
    pub(super) service: &'a Service,
    pub(super) place: &'a Place,
    /// Those of the services that it uses.
    pub(super) values: &'a Placeholders,
    pub(super) engine: Option<&'a Engine>,
    pub(super) interrupt: &'a Interrupt,
}

/// The folder of all services: other users may pass through it, and not look into it.
pub(super) fn common_folder() -> io::Result<TemporaryFolder> {
    let folder = TemporaryFolder::new("services")?;
    fs::set_permissions(folder.path(), Permissions::from_mode(0o711))?;
    Ok(folder)
}

/// The folders besides PATH in which its programs may be; of one pattern the last comes first, which
/// is the newest where they are versions.
pub(super) fn program_folders(service: &Service) -> Vec<PathBuf> {
    service.path.iter().flat_map(|pattern| folders(pattern).into_iter().rev()).collect()
}

pub(super) fn check_programs(service: &Service, place: &Place) -> Result<(), Problem> {
    let path = path_with(&place.program_folders);
    match service.needs.iter().find(|program| !is_on(&path, program)) {
        None => Ok(()),
        Some(program) => {
            let (program, folders) = (program.clone(), service.path.clone());
            Err(Problem::MissingProgram { program, folders })
        }
    }
}

impl Launch<'_> {
    /// # Errors
    /// [`ServiceError`]; nothing of it is left running then.
    pub(super) fn run(&self) -> Result<Server, ServiceError> {
        let failed = |problem: Problem| ServiceError::new(self.service, problem, String::new());
        let spec = self.before_start().map_err(failed)?;
        let mut server = Server::start(&spec).map_err(|error| failed(error.into()))?;
        match self.until_filled(&mut server) {
            Ok(()) => Ok(server),
            Err(problem) => {
                let log_tail = server.log_tail(LOG_LINES);
                Err(ServiceError::new(self.service, problem, log_tail))
            }
        }
    }

    /// The first line that its command for that writes.
    ///
    /// # Errors
    /// [`ServiceError`] when the command fails.
    pub(super) fn version(&self) -> Result<Option<String>, ServiceError> {
        let Some(words) = &self.service.version else { return Ok(None) };
        let ended = self.run_within(("the version command", VERSION_LIMIT), words, false);
        let ended =
            ended.map_err(|problem| ServiceError::new(self.service, problem, String::new()))?;
        Ok(ended.last_lines.lines().next().map(|line| line.trim().to_owned()))
    }

    fn before_start(&self) -> Result<StartSpec, Problem> {
        let folder = &self.place.folder;
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir(folder)?;
        fs::set_permissions(folder, Permissions::from_mode(0o700))?;
        if let Some(user) = &self.place.user {
            user.own(folder)?;
        }
        port::wait_free(self.place.port, PORT_LIMIT)?;
        for words in &self.service.setup {
            self.run_within(("the setup command", self.service.setup_limit), words, true)?;
        }
        self.spec()
    }

    fn until_filled(&self, server: &mut Server) -> Result<(), Problem> {
        self.wait(server)?;
        server.look_into_container()?;
        for words in &self.service.populate {
            self.run_within(("the populate command", self.service.setup_limit), words, false)?;
        }
        Ok(())
    }

    fn wait(&self, server: &mut Server) -> Result<(), Problem> {
        let mut last = None;
        // What asks whether it is ready cannot be run, and never will be.
        let hopeless = RefCell::new(None);
        let mut probe = || {
            let found = self.probe().unwrap_or_else(|problem| {
                let text = problem.to_string();
                *hopeless.borrow_mut() = Some(problem);
                Probe::NotReadyYet(text)
            });
            last = complaint(&found).or(last.take());
            found
        };
        let limit = self.service.start_limit;
        let is_over = || self.interrupt.is_raised() || hopeless.borrow().is_some();
        let outcome = wait_ready(server, &mut probe, limit, &is_over);
        if let Some(problem) = hopeless.take() {
            return Err(problem);
        }
        let complaint = match outcome {
            Ok(_) => return Ok(()),
            Err(NotReady::Exited { exit, after }) => {
                return Err(Problem::EndedAtOnce { exit, after });
            }
            Err(NotReady::Interrupted) => return Err(Problem::Interrupted),
            Err(NotReady::NeverListened { elsewhere, .. }) if !elsewhere.is_empty() => {
                let found: Vec<String> = elsewhere.iter().map(ToString::to_string).collect();
                format!("it listens on {}, not on port {}", found.join(", "), self.place.port)
            }
            Err(_) => {
                last.unwrap_or_else(|| format!("nothing listens on port {}", self.place.port))
            }
        };
        Err(Problem::NotReady { limit, complaint })
    }

    /// # Errors
    /// [`Problem`] when it cannot be asked at all.
    fn probe(&self) -> Result<Probe, Problem> {
        Ok(match &self.service.ready {
            Ready::Tcp => {
                let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.place.port));
                match connects(&Address::Tcp(address), PROBE_LIMIT) {
                    true => Probe::Correct,
                    false => Probe::NotListening,
                }
            }
            Ready::Http(url) => match self.own_values().fill(url) {
                Ok(url) => asked(&url),
                Err(error) => Probe::NotReadyYet(error.to_string()),
            },
            Ready::Command(words) => {
                let limited = ("the ready command", self.service.start_limit);
                match self.run_within(limited, words, false) {
                    Ok(_) => Probe::Correct,
                    Err(Problem::Command(error)) if error.is_not_started() => {
                        return Err(error.into());
                    }
                    Err(error) => Probe::NotReadyYet(told(&error)),
                }
            }
        })
    }

    /// Runs a command of the service, which may take so long.
    fn run_within(
        &self,
        (what, limit): (&str, Duration),
        words: &[String],
        as_service: bool,
    ) -> Result<Ended, Problem> {
        let command = self.command(what, words, as_service)?;
        Ok(SuiteCommand { limit: Some(limit), ..command }.run(self.interrupt)?)
    }

    fn own_values(&self) -> Placeholders {
        let Place { port, folder, .. } = self.place;
        self.values.clone().with("port", port).with("dir", folder.display())
    }

    /// A command of the service: in its own folder as the user that it runs as, or in the suite's.
    fn command<'c>(
        &'c self,
        what: &'c str,
        words: &[String],
        as_service: bool,
    ) -> Result<SuiteCommand<'c>, Problem> {
        let arguments = self.own_values().fill_all(words)?;
        let user = self.place.user.clone().filter(|_| as_service);
        let folder = if user.is_some() { &self.place.folder } else { &self.place.suite_folder };
        let environment = self.environment(user.as_ref())?;
        Ok(SuiteCommand { environment, user, ..SuiteCommand::new(what, arguments, folder) })
    }

    fn environment(&self, user: Option<&User>) -> Result<Vec<(String, String)>, Problem> {
        let mut all = vec![path_variable(&self.place.program_folders)];
        all.extend(user.into_iter().flat_map(User::environment));
        let values = self.own_values();
        for (name, value) in &self.service.environment {
            all.push((name.clone(), values.fill(value)?));
        }
        Ok(all)
    }

    fn spec(&self) -> Result<StartSpec, Problem> {
        let (service, place) = (self.service, self.place);
        let of = |argv: Vec<String>, folder: &Path| StartSpec {
            cpus: Some(place.cpus.clone()),
            ..StartSpec::new(argv, folder.to_owned(), place.log.clone(), service.grace)
        };
        match &service.start {
            ServiceStart::Command(words) => {
                let command = self.command("start", words, true)?;
                let SuiteCommand { arguments, folder, environment, user, .. } = command;
                Ok(StartSpec { env: environment, user, ..of(arguments, folder) })
            }
            ServiceStart::Image { reference, start } => {
                let (argv, container) = self.container(reference, start)?;
                let container = Some(container);
                Ok(StartSpec { container, ..of(argv, &place.suite_folder) })
            }
        }
    }

    /// On the bridge where it listens on a port of its own, otherwise in the host's network.
    fn container(
        &self,
        image: &str,
        start: &ImageStart,
    ) -> Result<(Vec<String>, Container), Problem> {
        let engine = self.engine.ok_or(Problem::NoEngine)?;
        let network = if start.port.is_some() { Network::Bridge } else { Network::Host };
        let values = self.own_values().with("host", network.listen_address());
        let name = Container::new_name(&self.service.name);
        let filled = |(name, value): &(String, String)| Ok((name.clone(), values.fill(value)?));
        let all = self.service.environment.iter().chain(&start.environment);
        let spec = ContainerSpec {
            name: name.clone(),
            image: image.to_owned(),
            network: network.name().to_owned(),
            publish: start.port.map(|inside| (self.place.port, inside)),
            cpus: None,
            cpu_set: self.place.cpus.clone(),
            memory_bytes: None,
            environment: all.map(filled).collect::<Result<_, Problem>>()?,
            arguments: values.fill_all(&start.arguments)?,
        };
        let container = Container { engine: engine.path.clone(), name };
        Ok((engine.create_command(&spec), container))
    }
}

/// Whether the response to a GET has a status below 400.
fn asked(url: &str) -> Probe {
    let url = match Url::parse(url) {
        Ok(url) => url,
        Err(error) => return Probe::NotReadyYet(error.to_string()),
    };
    let address = url.resolve().ok().and_then(|found| found.into_iter().next());
    let Some(address) = address else { return Probe::NotListening };
    let options = FetchOptions { timeout: PROBE_LIMIT, ..FetchOptions::default() };
    match fetch(&Address::Tcp(address), &Request::get(&url), &options) {
        Ok(response) if response.status < 400 => Probe::Correct,
        Ok(response) => Probe::NotReadyYet(format!("{url} responds with {}", response.status)),
        Err(FetchError::Refused { .. }) => Probe::NotListening,
        Err(error) => Probe::NoResponse(error.to_string()),
    }
}

fn complaint(found: &Probe) -> Option<String> {
    match found {
        Probe::Wrong(text) | Probe::NotReadyYet(text) | Probe::NoResponse(text) => {
            Some(text.clone())
        }
        Probe::Correct | Probe::NotListening => None,
    }
}

/// With its causes.
fn told(problem: &Problem) -> String {
    match problem {
        Problem::Command(error) => error.in_full(),
        other => other.to_string(),
    }
}
