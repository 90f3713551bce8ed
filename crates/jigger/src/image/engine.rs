//! A container engine: which one answers, why the others do not, and what it says of its images.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{PathBuf, absolute};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use std::{env, fmt, thread};

use thiserror::Error;

/// An engine that is asked for its version and says nothing for so long does not output.
const DETECTION_LIMIT: Duration = Duration::from_secs(20);

/// Looking up an image; long, because a busy disk may hold the engine up.
const ANSWER_LIMIT: Duration = Duration::from_secs(120);

/// An answer is a few lines; the rest of a longer one is read and dropped.
const ANSWER_MAX_BYTES: u64 = 1 << 20;

/// The programs that jigger knows as container engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// Docker, whose daemon must run.
    Docker,
    /// Podman, which has no daemon.
    Podman,
}

/// A container engine that answers.
#[derive(Clone, Debug)]
pub struct Engine {
    /// Which one.
    pub program: Program,
    /// Its version, as it tells it.
    pub version: String,
    /// Its program, as an absolute path.
    pub path: PathBuf,
}

/// No engine can be used: for each that was tried, why, and what to do about it.
#[derive(Clone, Debug, Error)]
pub enum NoEngine {
    /// The engine asked for is not one that jigger knows.
    #[error("unknown container engine '{0}': choose docker or podman")]
    Unknown(String),
    /// None of those tried answers.
    #[error("no container engine answers.{}", tried_lines(.0))]
    Unavailable(Vec<(Program, Unavailable)>),
}

/// Why one engine cannot be used; with what it said.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unavailable {
    /// There is no such program on the PATH.
    #[error("not installed")]
    NotInstalled,
    /// The program is there and fails.
    #[error("installed but does not answer ({0})")]
    NoAnswer(String),
    /// The program is there and this user may not use it.
    #[error("installed but this user may not use it ({0})")]
    NoPermission(String),
}

/// A question that the engine did not answer as it should.
#[derive(Debug, Error)]
pub enum EngineError {
    /// There is no such image.
    #[error(
        "{program} has no image {reference}: build or pull it first; `{program} images` lists \
         those that it has"
    )]
    NoImage {
        /// The engine asked.
        program: Program,
        /// The image asked for.
        reference: String,
    },
    /// The engine failed.
    #[error("{program} could not {task}: {complaint}")]
    Failed {
        /// The engine asked.
        program: Program,
        /// What it was asked to do.
        task: String,
        /// What it said.
        complaint: String,
    },
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
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
        }
    }

    fn find(self, search_path: &OsStr) -> Result<Engine, Unavailable> {
        let path = self.path(search_path).ok_or(Unavailable::NotInstalled)?;
        let output = Output::of(Command::new(&path).args(self.version_question()), DETECTION_LIMIT)
            .map_err(|error| Unavailable::NoAnswer(error.to_string()))?;
        let version = output.stdout.trim().to_owned();
        if output.status.success() && !version.is_empty() {
            return Ok(Engine::new(self, version, path));
        }
        let complaint = output.complaint();
        Err(match output.stderr.to_lowercase().contains("permission denied") {
            true => Unavailable::NoPermission(complaint),
            false => Unavailable::NoAnswer(complaint),
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

    /// What only a working engine answers; the answer is its version.
    fn version_question(self) -> [&'static str; 3] {
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
    /// The engine of that name, or the first that answers, looked for on the PATH.
    ///
    /// # Errors
    /// The name is unknown, or no engine can be used: the error says for each why, and the remedy.
    pub fn detect(choice: Option<&str>) -> Result<Self, NoEngine> {
        Self::detect_in(choice, &env::var_os("PATH").unwrap_or_default())
    }

    /// As [`Engine::detect`], with the folders of `search_path` (separated as in PATH).
    ///
    /// # Errors
    /// As [`Engine::detect`].
    pub fn detect_in(choice: Option<&str>, search_path: &OsStr) -> Result<Self, NoEngine> {
        let mut tried = Vec::new();
        for program in Program::ALL {
            if choice.is_some_and(|name| name != program.name()) {
                continue;
            }
            match program.find(search_path) {
                Ok(engine) => return Ok(engine),
                Err(why) => tried.push((program, why)),
            }
        }
        match choice {
            Some(name) if tried.is_empty() => Err(NoEngine::Unknown(name.to_owned())),
            _ => Err(NoEngine::Unavailable(tried)),
        }
    }

    /// The engine whose program is at `path`, which has told its version.
    pub(super) fn new(program: Program, version: String, path: PathBuf) -> Self {
        Self { program, version, path }
    }

    /// A build command of the user's own as this engine runs it: one that begins with `docker` or
    /// `podman` runs with this engine, whichever it is, since the two take the same build flags.
    #[must_use]
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
        let question = ["image", "inspect", "--format", "{{.Id}} {{.Size}}", "--", reference];
        let output = Output::of(Command::new(&self.path).args(question), ANSWER_LIMIT)
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
    /// What to do about it.
    #[must_use]
    pub fn remedy(&self, program: Program) -> &'static str {
        match (self, program) {
            (Self::NotInstalled, Program::Docker) => {
                "install it (on Debian and Ubuntu: apt install docker.io)"
            }
            (Self::NotInstalled, Program::Podman) => {
                "install it (on Debian and Ubuntu: apt install podman)"
            }
            (Self::NoAnswer(_), Program::Docker) => {
                "start its daemon (systemctl start docker, or dockerd as root) and check DOCKER_HOST"
            }
            (Self::NoAnswer(_), Program::Podman) => "see what `podman info` says",
            (Self::NoPermission(_), Program::Docker) => {
                "run as root, or join the group that may (usermod -aG docker USER, then log in again)"
            }
            (Self::NoPermission(_), Program::Podman) => {
                "run as the user who owns podman's storage, or as root"
            }
        }
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
            let message = format!("no answer within {} s", limit.as_secs());
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
            // An unreadable pipe is an empty answer; the exit status tells what happened.
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
    fn an_answer_has_both_streams_and_the_complaint() {
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
}
