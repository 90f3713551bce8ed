//! A container engine, and what it is asked about its images.

use std::fmt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use thiserror::Error;

use super::command::answer;

/// Looking up or removing an image; long, because a busy disk may hold the engine up.
const ANSWER_LIMIT: Duration = Duration::from_secs(120);

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
}

impl fmt::Display for Program {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl Engine {
    /// The engine whose program is at `path`, which has told its version.
    pub(super) fn new(program: Program, version: String, path: PathBuf) -> Self {
        Self { program, version, path }
    }

    /// Whether the engine has that image.
    ///
    /// # Errors
    /// The engine fails.
    pub fn exists(&self, reference: &str) -> Result<bool, EngineError> {
        match self.inspect(reference) {
            Ok(_) => Ok(true),
            Err(EngineError::NoImage { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The size that the engine itself shows for an image; engines mean different things by it.
    /// None when it shows none.
    ///
    /// # Errors
    /// There is no such image, or the engine fails.
    pub fn says_bytes(&self, reference: &str) -> Result<Option<u64>, EngineError> {
        Ok(self.inspect(reference)?.bytes)
    }

    /// Removes that image from the engine.
    ///
    /// # Errors
    /// There is no such image, a container uses it, or the engine fails.
    pub fn remove(&self, reference: &str) -> Result<(), EngineError> {
        let task = format!("remove the image {reference}");
        self.ask(&["image", "rm", "--"], reference, &task).map(|_| ())
    }

    /// What the engine says about an image.
    pub(super) fn inspect(&self, reference: &str) -> Result<Inspected, EngineError> {
        let task = format!("look up the image {reference}");
        let question = ["image", "inspect", "--format", "{{.Id}} {{.Size}}", "--"];
        let said = self.ask(&question, reference, &task)?;
        let mut words = said.split_whitespace();
        let id = words.next().map(str::to_owned).ok_or_else(|| EngineError::Failed {
            program: self.program,
            task,
            complaint: "it named no image".to_owned(),
        })?;
        Ok(Inspected { id, bytes: words.next().and_then(|size| size.parse().ok()) })
    }

    /// The engine's program, without arguments.
    pub(super) fn command(&self) -> Command {
        Command::new(&self.path)
    }

    fn ask(&self, arguments: &[&str], reference: &str, task: &str) -> Result<String, EngineError> {
        let failed = |complaint| EngineError::Failed {
            program: self.program,
            task: task.to_owned(),
            complaint,
        };
        let answer = answer(self.command().args(arguments).arg(reference), ANSWER_LIMIT)
            .map_err(|error| failed(error.to_string()))?;
        if answer.status.success() {
            return Ok(answer.stdout);
        }
        if says_no_image(&answer.stderr) {
            let reference = reference.to_owned();
            return Err(EngineError::NoImage { program: self.program, reference });
        }
        Err(failed(answer.complaint()))
    }
}

/// The engines' own words: "No such image" (docker), "image not known" (podman).
fn says_no_image(complaint: &str) -> bool {
    let complaint = complaint.to_lowercase();
    ["no such image", "image not known"].iter().any(|words| complaint.contains(words))
}
