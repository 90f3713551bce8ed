//! A container engine: which one responds, why the others do not, and what it says of its images;
//! the command line that makes a container.

use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{PathBuf, absolute};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use std::{env, fmt, io, thread};

use procfs::sys::kernel::pid_max;
use rustix::process::{Resource, Rlimit, getrlimit};
use thiserror::Error;

/// An engine that is asked for its version and says nothing for so long is taken to be broken.
const DETECTION_LIMIT: Duration = Duration::from_secs(20);

/// Looking up an image; long, because a busy disk may hold the engine up.
const COMMAND_LIMIT: Duration = Duration::from_secs(120);

/// Output is a few lines; the rest of a longer one is read and dropped.
const ANSWER_MAX_BYTES: u64 = 1 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// Docker, whose daemon must run.
    Docker,
    /// Podman, which has no daemon.
    Podman,
}

#[derive(Clone, Debug)]
pub struct Engine {
    pub program: Program,
    pub version: String,
    /// Its program, as an absolute path.
    pub path: PathBuf,
}

/// No engine can be used: for each that was tried, why, and what to do about it.
#[derive(Clone, Debug, Error)]
pub enum NoEngine {
    #[error("unknown container engine '{0}': choose docker or podman")]
    Unknown(String),
    #[error("no container engine responds.{}", tried_lines(.0))]
    Unavailable(Vec<(Program, Unavailable)>),
}

/// Why one engine cannot be used; with what it said.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unavailable {
    #[error("not installed")]
    NotInstalled,
    #[error("installed but does not respond ({0})")]
    NoResponse(String),
    #[error("installed but this user may not use it ({0})")]
    NoPermission(String),
}

/// A command that failed in the engine.
#[derive(Debug, Error)]
pub enum EngineError {
    #[error(
        "{program} has no image {reference}: build or pull it first; `{program} images` lists its \
         images"
    )]
    NoImage { program: Program, reference: String },
    #[error("{program} could not {task}: {complaint}")]
    Failed { program: Program, task: String, complaint: String },
}

/// What the engine says about an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Inspected {
    /// By which the engine finds exactly this image, whatever other tags there are.
    pub(super) id: String,
    /// The size that it shows, if it shows one.
    pub(super) bytes: Option<u64>,
}

impl Program {
    /// All of them, in the order in which they are tried.
    pub const ALL: [Self; 2] = [Self::Docker, Self::Podman];

    /// The name of the program, which is also the value of `--engine`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
        }
    }

    /// The engine of that name.
    ///
    /// # Errors
    /// There is none of the name.
    pub fn of_name(name: &str) -> Result<Self, NoEngine> {
        let known = Self::ALL.into_iter().find(|program| program.name() == name);
        known.ok_or_else(|| NoEngine::Unknown(name.to_owned()))
    }

    fn find(self, search_path: &OsStr) -> Result<Engine, Unavailable> {
        let path = self.path(search_path).ok_or(Unavailable::NotInstalled)?;
        let output = Output::of(Command::new(&path).args(self.version_command()), DETECTION_LIMIT)
            .map_err(|error| Unavailable::NoResponse(error.to_string()))?;
        let version = output.stdout.trim().to_owned();
        if output.status.success() && !version.is_empty() {
            return Ok(Engine::new(self, version, path));
        }
        let complaint = output.complaint();
        Err(match output.stderr.to_lowercase().contains("permission denied") {
            true => Unavailable::NoPermission(complaint),
            false => Unavailable::NoResponse(complaint),
        })
    }

    /// Absolute, since a build may run in another folder.
    fn path(self, search_path: &OsStr) -> Option<PathBuf> {
        let runs = |path: &PathBuf| {
            path.metadata().is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
        };
        let mut paths = env::split_paths(search_path).map(|folder| folder.join(self.name()));
        paths.find(runs).and_then(|path| absolute(path).ok())
    }

    /// A command that only a working engine can run; it prints the engine's version.
    fn version_command(self) -> [&'static str; 3] {
        match self {
            // The server's version: the client's is known without a daemon.
            Self::Docker => ["version", "--format", "{{.Server.Version}}"],
            // `info` opens the storage, which is where a podman that cannot work fails.
            Self::Podman => ["info", "--format", "{{.Version.Version}}"],
        }
    }
}

impl fmt::Display for Program {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl Engine {
    /// The engine of that name, or the first that responds, looked for on the PATH.
    ///
    /// # Errors
    /// The name is unknown, or no engine can be used: the error says for each why, and the remedy.
    pub fn detect(choice: Option<&str>) -> Result<Self, NoEngine> {
        Self::detect_in(choice, &env::var_os("PATH").unwrap_or_default())
    }

    /// All engines that respond, or the one of that name alone.
    ///
    /// # Errors
    /// As for [`Engine::detect`].
    pub fn detect_all(choice: Option<&str>) -> Result<Vec<Self>, NoEngine> {
        Self::all_in(choice, &env::var_os("PATH").unwrap_or_default(), usize::MAX)
    }

    /// As [`Engine::detect`], with the folders of `search_path` (separated as in PATH).
    pub fn detect_in(choice: Option<&str>, search_path: &OsStr) -> Result<Self, NoEngine> {
        Ok(Self::all_in(choice, search_path, 1)?.swap_remove(0))
    }

    /// The first `most` engines that respond, at least one.
    fn all_in(
        choice: Option<&str>,
        search_path: &OsStr,
        most: usize,
    ) -> Result<Vec<Self>, NoEngine> {
        let wanted = choice.map(Program::of_name).transpose()?;
        let (mut found, mut tried) = (Vec::new(), Vec::new());
        for program in Program::ALL {
            if found.len() >= most || wanted.is_some_and(|wanted| wanted != program) {
                continue;
            }
            match program.find(search_path) {
                Ok(engine) => found.push(engine),
                Err(why) => tried.push((program, why)),
            }
        }
        if found.is_empty() { Err(NoEngine::Unavailable(tried)) } else { Ok(found) }
    }

    /// The engine whose program is at `path`, which has told its version.
    pub(super) fn new(program: Program, version: String, path: PathBuf) -> Self {
        Self { program, version, path }
    }

    /// A build command of the user's own as this engine runs it: one that begins with `docker` or
    /// `podman` runs with this engine, whichever it is, since the two take the same build flags.
    pub fn own_command(&self, mut words: Vec<String>) -> Vec<String> {
        if let Some(program) = words.first_mut()
            && Program::ALL.iter().any(|known| known.name() == program)
        {
            *program = self.path.to_string_lossy().into_owned();
        }
        words
    }

    /// What the engine says about an image.
    pub(super) fn inspect(&self, reference: &str) -> Result<Inspected, EngineError> {
        let failed =
            |complaint: &str| self.failed(&format!("look up the image {reference}"), complaint);
        let command = ["image", "inspect", "--format", "{{.Id}} {{.Size}}", "--", reference];
        let output = Output::of(Command::new(&self.path).args(command), COMMAND_LIMIT)
            .map_err(|error| failed(&error.to_string()))?;
        if !output.status.success() {
            return Err(match says_no_image(&output.stderr) {
                true => {
                    EngineError::NoImage { program: self.program, reference: reference.to_owned() }
                }
                false => failed(&output.complaint()),
            });
        }
        let mut words = output.stdout.split_whitespace();
        let id = words.next().ok_or_else(|| failed("it named no image"))?.to_owned();
        Ok(Inspected { id, bytes: words.next().and_then(|size| size.parse().ok()) })
    }

    pub(super) fn failed(&self, task: &str, complaint: &str) -> EngineError {
        let (task, complaint) = (task.to_owned(), complaint.to_owned());
        EngineError::Failed { program: self.program, task, complaint }
    }
}

impl Unavailable {
    pub fn remedy(&self, program: Program) -> &'static str {
        match (self, program) {
            (Self::NotInstalled, Program::Docker) => {
                "install it (on Debian and Ubuntu: apt install docker.io)"
            }
            (Self::NotInstalled, Program::Podman) => {
                "install it (on Debian and Ubuntu: apt install podman)"
            }
            (Self::NoResponse(_), Program::Docker) => {
                "start its daemon (systemctl start docker, or dockerd as root) and check DOCKER_HOST"
            }
            (Self::NoResponse(_), Program::Podman) => "see what `podman info` says",
            (Self::NoPermission(_), Program::Docker) => {
                "run as root, or join the group that may (usermod -aG docker USER, then log in again)"
            }
            (Self::NoPermission(_), Program::Podman) => {
                "run as the user who owns podman's storage, or as root"
            }
        }
    }
}

impl NoEngine {
    /// What to do about each engine, on one line.
    pub fn remedies(&self) -> String {
        let Self::Unavailable(tried) = self else { return String::new() };
        let remedy = |(program, why): &(Program, Unavailable)| {
            format!("{program}: {}", why.remedy(*program))
        };
        tried.iter().map(remedy).collect::<Vec<_>>().join("; ")
    }
}

fn tried_lines(tried: &[(Program, Unavailable)]) -> String {
    tried
        .iter()
        .map(|(program, why)| format!("\n  {program}: {why}; {}", why.remedy(*program)))
        .collect()
}

/// The engines' own words: "No such image" (docker), "image not known" (podman).
fn says_no_image(complaint: &str) -> bool {
    let complaint = complaint.to_lowercase();
    ["no such image", "image not known"].iter().any(|words| complaint.contains(words))
}

/// What a program wrote, and how it ended.
pub(crate) struct Output {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Output {
    /// Runs `command` to its end.
    ///
    /// # Errors
    /// It cannot be started, or has not ended within `limit`: then it is killed, and the error's
    /// kind is [`io::ErrorKind::TimedOut`].
    pub(crate) fn of(command: &mut Command, limit: Duration) -> io::Result<Self> {
        let deadline = Instant::now() + limit;
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let stdout = read_aside(child.stdout.take());
        let stderr = read_aside(child.stderr.take());
        let output = text_before(&stdout, deadline).zip(text_before(&stderr, deadline));
        let Some((stdout, stderr)) = output else {
            child.kill()?;
            child.wait()?;
            let message = format!("no response within {} s", limit.as_secs());
            return Err(io::Error::new(io::ErrorKind::TimedOut, message));
        };
        Ok(Self { status: child.wait()?, stdout, stderr })
    }

    /// The last line of its errors that says something, else how it ended.
    pub(super) fn complaint(&self) -> String {
        self.complaint_of("it")
    }

    /// The same, where `program` is said to have ended.
    pub(crate) fn complaint_of(&self, program: &str) -> String {
        let line = self.stderr.lines().rev().map(str::trim).find(|line| !line.is_empty());
        line.map_or_else(|| format!("{program} ended with {}", self.status), str::to_owned)
    }
}

/// Reads a pipe on a thread of its own, so that neither of two pipes fills up.
pub(super) fn read_aside(pipe: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // An unreadable pipe is an empty output; the exit status tells what happened.
            let _ = (&mut pipe).take(ANSWER_MAX_BYTES).read_to_end(&mut bytes);
            let _ = io::copy(&mut pipe, &mut io::sink());
        }
        // The other side is gone when it stopped waiting.
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receiver
}

fn text_before(text: &Receiver<String>, deadline: Instant) -> Option<String> {
    match text.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        Ok(text) => Some(text),
        Err(RecvTimeoutError::Timeout) => None,
        Err(RecvTimeoutError::Disconnected) => Some(String::new()),
    }
}

/// What to make a container of, and within which limits.
#[derive(Clone, Debug, PartialEq)]
pub struct ContainerSpec {
    pub name: String,
    /// The image, which the engine has already.
    pub image: String,
    /// `host`, or the engine's `bridge`.
    pub network: String,
    /// A port of the loopback address, and the container's port that it leads to.
    pub publish: Option<(u16, u16)>,
    pub cpus: Option<f64>,
    /// The cores that it is kept to; empty for all.
    pub cpu_set: Vec<usize>,
    pub memory_bytes: Option<u64>,
    pub environment: Vec<(String, String)>,
    /// What comes after the image's name.
    pub arguments: Vec<String>,
}

impl Engine {
    /// The program and the words that make the container, without starting it.
    ///
    /// Its output goes to whoever attaches and is not kept by the engine besides. What is not there
    /// is never pulled: a registry's answer is no part of a measurement.
    pub fn create_command(&self, spec: &ContainerSpec) -> Vec<String> {
        let mut words = vec![self.path.to_string_lossy().into_owned(), "create".to_owned()];
        words.push(format!("--name={}", spec.name));
        words.push("--pull=never".to_owned());
        words.push("--log-driver=none".to_owned());
        words.push(format!("--network={}", spec.network));
        words.extend(
            spec.publish.map(|(host, inside)| format!("--publish=127.0.0.1:{host}:{inside}")),
        );
        words.extend(spec.cpus.map(|cpus| format!("--cpus={cpus}")));
        if !spec.cpu_set.is_empty() {
            let cores: Vec<String> = spec.cpu_set.iter().map(ToString::to_string).collect();
            words.push(format!("--cpuset-cpus={}", cores.join(",")));
        }
        // Both together the same: none of it may be swapped out instead.
        words.extend(spec.memory_bytes.map(|bytes| format!("--memory={bytes}b")));
        words.extend(spec.memory_bytes.map(|bytes| format!("--memory-swap={bytes}b")));
        if self.program == Program::Podman {
            words.extend(own_limits());
        }
        words.extend(spec.environment.iter().map(|(name, value)| format!("--env={name}={value}")));
        words.push("--".to_owned());
        words.push(spec.image.clone());
        words.extend(spec.arguments.iter().cloned());
        words
    }
}

/// Flags for the limits on open files and processes that this process has, and that a server as a
/// process of the host inherits from it.
///
/// Docker's containers inherit those of its daemon. Podman gives root's containers 1,048,576 of both,
/// whatever the host has, and where root may not raise limits (without `CAP_SYS_RESOURCE`) it starts
/// none of them: <https://github.com/containers/podman/issues/7510>.
fn own_limits() -> [String; 2] {
    // Podman first lowers its own limit to the most processes that there can be at all.
    let most = pid_max().ok().and_then(|most| u64::try_from(most).ok());
    [
        limit("nofile", &getrlimit(Resource::Nofile), None),
        limit("nproc", &getrlimit(Resource::Nproc), most),
    ]
}

fn limit(name: &str, limit: &Rlimit, most: Option<u64>) -> String {
    let text = |value: Option<u64>| {
        let value = value.into_iter().chain(most).min();
        value.map_or_else(|| "-1".to_owned(), |value| value.to_string())
    };
    format!("--ulimit={name}={}:{}", text(limit.current), text(limit.maximum))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_command_of_an_engine_is_given_to_another() {
        let podman = Engine::new(Program::Podman, "4".to_owned(), "/usr/bin/podman".into());
        let given = |words: [&str; 2]| podman.own_command(words.map(str::to_owned).to_vec());
        assert_eq!(given(["docker", "build"]), ["/usr/bin/podman", "build"]);
        assert_eq!(given(["make", "docker"]), ["make", "docker"]);
    }

    #[test]
    fn an_output_has_both_streams_and_the_complaint() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo fine; printf 'warning\\nbad thing\\n\\n' >&2; exit 1"]);
        let output = Output::of(&mut command, Duration::from_secs(30)).unwrap();
        assert_eq!((output.stdout.as_str(), output.status.code()), ("fine\n", Some(1)));
        assert_eq!(output.complaint(), "bad thing");
    }

    #[test]
    fn a_program_that_hangs_is_killed_in_time() {
        let error = Output::of(Command::new("sleep").arg("600"), Duration::from_millis(50)).err();
        assert_eq!(error.unwrap().kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn limits_are_handed_on_as_engines_write_them() {
        let found = Rlimit { current: Some(1_024), maximum: None };
        assert_eq!(limit("nofile", &found, None), "--ulimit=nofile=1024:-1");
        assert_eq!(limit("nproc", &found, Some(1_000)), "--ulimit=nproc=1000:1000");
    }

    #[test]
    fn podman_is_given_the_limits_of_the_host() {
        let engine = Engine::new(Program::Podman, "4".to_owned(), "/usr/bin/podman".into());
        let words = engine.create_command(&spec());
        let limits = own_limits();
        assert!(words.windows(2).any(|two| two == limits), "{words:?}");
    }

    #[test]
    fn limits_ports_and_environment_come_before_the_image() {
        let engine = Engine::new(Program::Docker, "1".to_owned(), "/usr/bin/docker".into());
        let words = engine.create_command(&spec()).join(" ");
        assert_eq!(
            words,
            "/usr/bin/docker create --name=jigger-1 --pull=never --log-driver=none \
             --network=bridge --publish=127.0.0.1:12345:8080 --cpus=1.5 --cpuset-cpus=1,3 \
             --memory=1048576b --memory-swap=1048576b --env=PORT=12345 -- jigger-pong/gin --flag"
        );
    }

    fn spec() -> ContainerSpec {
        ContainerSpec {
            name: "jigger-1".to_owned(),
            image: "jigger-pong/gin".to_owned(),
            network: "bridge".to_owned(),
            publish: Some((12_345, 8_080)),
            cpus: Some(1.5),
            cpu_set: vec![1, 3],
            memory_bytes: Some(1 << 20),
            environment: vec![("PORT".to_owned(), "12345".to_owned())],
            arguments: vec!["--flag".to_owned()],
        }
    }
}
